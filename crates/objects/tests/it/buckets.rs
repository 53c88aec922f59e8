//! Buckets are created, found and deleted.

use crate::folder::{Folder, get, key, name, put, settings};
use privet_objects::{BucketsFolder, DeleteConditions, ObjectError, OpenError, WriteConditions};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

#[test]
fn a_folder_that_cannot_keep_buckets_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = BucketsFolder::open(&folder.path().join("missing"), &settings());
    assert_eq!(missing.err(), Some(OpenError::Missing));
    fs::write(folder.path().join("file"), "").unwrap();
    let file = BucketsFolder::open(&folder.path().join("file"), &settings());
    assert_eq!(file.err(), Some(OpenError::Missing));
    // A file system without attributes of users.
    let proc = BucketsFolder::open(Path::new("/proc/self"), &settings());
    assert_eq!(proc.err(), Some(OpenError::NoAttributes));
}

#[test]
fn only_folders_with_the_name_of_a_bucket_are_buckets() {
    let folder = Folder::new();
    fs::create_dir(folder.root().join("by-hand")).unwrap();
    fs::create_dir(folder.root().join("Not_A_Bucket")).unwrap();
    fs::write(folder.root().join("a-file"), "").unwrap();
    symlink("media", folder.root().join("a-link")).unwrap();
    assert_eq!(
        folder.buckets.names().unwrap(),
        [name("by-hand"), name("media")]
    );
    for text in ["a-file", "a-link", "missing"] {
        assert!(
            folder.buckets.bucket(&name(text)).unwrap().is_none(),
            "{text}"
        );
        assert_eq!(
            folder.buckets.delete(&name(text)),
            Err(OpenError::NoSuchBucket),
            "{text}"
        );
    }
    for text in ["a-file", "a-link", "media"] {
        assert_eq!(
            folder.buckets.create(&name(text)).err(),
            Some(OpenError::Exists),
            "{text}"
        );
    }
    let by_hand = folder.buckets.bucket(&name("by-hand")).unwrap().unwrap();
    put(&by_hand, "a", "1", &WriteConditions::default()).unwrap();
    assert_eq!(get(&by_hand, "a").unwrap(), "1");
    assert_eq!(folder.get("a"), Err(ObjectError::NotFound));
}

#[test]
fn only_an_empty_bucket_is_deleted() {
    let folder = Folder::new();
    for text in ["a/b", "odd//key"] {
        folder.put(text, "1");
        assert_eq!(
            folder.buckets.delete(&name("media")),
            Err(OpenError::NotEmpty),
            "{text}"
        );
        assert_eq!(folder.get(text).unwrap(), "1");
        folder
            .bucket
            .delete(&key(text), &DeleteConditions::default())
            .unwrap();
    }
    fs::create_dir_all(folder.path("by/hand")).unwrap();
    symlink("/etc", folder.path("by/hand/link")).unwrap();
    assert_eq!(
        folder.buckets.delete(&name("media")),
        Err(OpenError::NotEmpty)
    );
    fs::remove_file(folder.path("by/hand/link")).unwrap();
    let mut upload = folder
        .bucket
        .begin(&key("a"), privet_objects::Headers::default())
        .unwrap();
    upload.write(b"late").unwrap();
    folder.buckets.delete(&name("media")).unwrap();
    assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 0);
    let late = upload.commit(
        &WriteConditions::default(),
        &privet_objects::Digests::default(),
    );
    assert_eq!(late, Err(ObjectError::NoSuchBucket));
    let late = put(&folder.bucket, "a", "1", &WriteConditions::default());
    assert_eq!(late, Err(ObjectError::NoSuchBucket));
    assert!(folder.buckets.names().unwrap().is_empty());
    // One of the same name is another bucket.
    let again = folder.buckets.create(&name("media")).unwrap();
    put(&again, "a", "1", &WriteConditions::default()).unwrap();
    assert_eq!(get(&again, "a").unwrap(), "1");
}

#[test]
fn what_a_kill_left_of_a_deleted_bucket_is_removed() {
    let folder = Folder::new();
    let left = folder.root().join(".privet-deleted-0123");
    fs::create_dir_all(left.join(".privet/odd")).unwrap();
    fs::write(left.join(".privet/locks"), "").unwrap();
    folder.again();
    assert!(!left.exists());
}

#[test]
fn a_bucket_that_was_replaced_by_hand_is_the_new_one() {
    let folder = Folder::new();
    folder.put("a", "1");
    fs::rename(folder.path(""), folder.root().join("before")).unwrap();
    assert!(folder.buckets.bucket(&name("media")).unwrap().is_none());
    fs::create_dir(folder.path("")).unwrap();
    fs::write(folder.path("b"), "2").unwrap();
    let bucket = folder.buckets.bucket(&name("media")).unwrap().unwrap();
    assert_eq!(get(&bucket, "a"), Err(ObjectError::NotFound));
    assert_eq!(get(&bucket, "b").unwrap(), "2");
}
