//! Disks that are full or read-only, and folders that are mount points. They need root to mount; else nothing is tried.

use crate::folder::{Folder, get, key, name, put, settings, texts};
use privet_objects::{
    BucketFolder, BucketsFolder, Digests, Headers, ListRequest, ObjectError, OpenError,
    WriteConditions,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own, until the end of the test.
struct Mount(PathBuf);

impl Mount {
    /// Mounts a file system; `None` where that is not permitted.
    fn new(path: &Path, options: &[&str]) -> Option<Mount> {
        std::fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount")
            .args(options)
            .arg(path)
            .output()
            .ok()?;
        if !mounted.status.success() {
            eprintln!(
                "not tried: {}",
                String::from_utf8_lossy(&mounted.stderr).trim()
            );
            return None;
        }
        Some(Mount(path.to_owned()))
    }

    fn small(path: &Path) -> Option<Mount> {
        Mount::new(path, &["-t", "tmpfs", "-o", "size=1M", "tmpfs"])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn bucket(path: &Path) -> (BucketsFolder, BucketFolder) {
    let buckets = BucketsFolder::open(path, &settings()).unwrap();
    let bucket = buckets.bucket(&name("media")).unwrap();
    let bucket = bucket.unwrap_or_else(|| buckets.create(&name("media")).unwrap());
    (buckets, bucket)
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::small(&folder.path().join("small")) else {
        return;
    };
    let (_buckets, bucket) = bucket(&mount.0);
    let before = put(&bucket, "a", "before", &WriteConditions::default()).unwrap();
    let mut upload = bucket.begin(&key("a"), Headers::default()).unwrap();
    let chunk = vec![1; 100_000];
    let full = (0..20).find_map(|_| upload.write(&chunk).err());
    assert_eq!(full, Some(ObjectError::Full));
    assert_eq!(bucket.metadata(&key("a")).unwrap(), before);
    drop(upload);
    // The space is free again.
    let mut upload = bucket.begin(&key("a"), Headers::default()).unwrap();
    upload.write(&chunk).unwrap();
    upload
        .commit(&WriteConditions::default(), &Digests::default())
        .unwrap();
    assert_eq!(bucket.metadata(&key("a")).unwrap().size, 100_000);
}

#[test]
fn a_read_only_disk_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::small(&folder.path().join("small")) else {
        return;
    };
    let (_buckets, before) = bucket(&mount.0);
    for text in ["a", "odd//key"] {
        put(&before, text, "1", &WriteConditions::default()).unwrap();
    }
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&mount.0)
        .status()
        .unwrap();
    assert!(remounted.success());
    let (buckets, bucket) = bucket(&mount.0);
    for text in ["a", "odd//key"] {
        assert_eq!(get(&bucket, text).unwrap(), "1");
        let written = put(&bucket, text, "2", &WriteConditions::default());
        assert_eq!(written.err(), Some(ObjectError::ReadOnly));
        let deleted = bucket.delete(&key(text), &privet_objects::DeleteConditions::default());
        assert_eq!(deleted.err(), Some(ObjectError::ReadOnly));
    }
    assert!(matches!(
        buckets.create(&name("other")),
        Err(OpenError::System(_))
    ));
    let request = ListRequest {
        max: 10,
        ..ListRequest::default()
    };
    assert_eq!(texts(&bucket.list(&request).unwrap()), ["a", "odd//key"]);
}

#[test]
fn mount_points_beneath_a_bucket_are_not_crossed() {
    let folder = Folder::new();
    folder.put("a", "1");
    std::fs::write(folder.path("file"), "").unwrap();
    std::fs::write(folder.root().join("secret"), "secret").unwrap();
    let Some(mount) = Mount::small(&folder.path("mounted")) else {
        return;
    };
    let secret = folder.root().join("secret");
    let bound = Mount::new(&folder.root().join("unused"), &["--bind", "."]);
    drop(bound);
    let bound = Command::new("mount")
        .arg("--bind")
        .arg(&secret)
        .arg(folder.path("file"))
        .status()
        .unwrap();
    let _bound = bound.success().then(|| Mount(folder.path("file")));
    std::fs::write(mount.0.join("secret"), "secret").unwrap();
    for text in ["mounted/secret", "file"] {
        assert_eq!(folder.get(text), Err(ObjectError::NotFound), "{text}");
    }
    assert_eq!(folder.keys(), ["a"]);
    assert_eq!(texts(&folder.list("", Some("/"), None)), ["a"]);
    for text in ["mounted/new", "file"] {
        folder.put(text, "mine");
        assert_eq!(folder.get(text).unwrap(), "mine");
    }
    assert_eq!(std::fs::read_dir(&mount.0).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[test]
fn a_bucket_may_be_a_mount_point() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::small(&folder.path().join("media")) else {
        return;
    };
    let (_buckets, bucket) = bucket(folder.path());
    put(&bucket, "a/b", "1", &WriteConditions::default()).unwrap();
    assert_eq!(get(&bucket, "a/b").unwrap(), "1");
}

/// A file system on which `A` and `a` are one file has two objects all the same.
#[test]
fn keys_that_differ_in_case_are_two_where_names_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=1M,casefold", "tmpfs"];
    let Some(mount) = Mount::new(&folder.path().join("folding"), &options) else {
        return;
    };
    std::fs::create_dir(mount.0.join("media")).unwrap();
    let set = Command::new("chattr")
        .arg("+F")
        .arg(mount.0.join("media"))
        .status();
    if !set.is_ok_and(|status| status.success()) {
        eprintln!("not tried: chattr +F fails");
        return;
    }
    let (_buckets, bucket) = bucket(&mount.0);
    for text in ["Photo", "photo", "A/b", "a/b", "a/B"] {
        put(&bucket, text, text, &WriteConditions::default()).unwrap();
    }
    for text in ["Photo", "photo", "A/b", "a/b", "a/B"] {
        assert_eq!(get(&bucket, text).unwrap(), text);
    }
    assert_eq!(get(&bucket, "PHOTO"), Err(ObjectError::NotFound));
    assert_eq!(get(&bucket, "A/B"), Err(ObjectError::NotFound));
}
