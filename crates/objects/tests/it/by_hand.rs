//! What people, and other programs, do in a bucket's folder.

use crate::folder::{Folder, get, key, starting, texts};
use privet_objects::{
    Algorithm, DeleteConditions, Deleted, Digests, ETag, Headers, ObjectError, Settings, Tags,
    WriteConditions,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

#[test]
fn links_are_never_followed() {
    let folder = Folder::new();
    fs::write(folder.root().join("secret"), "secret").unwrap();
    fs::create_dir(folder.root().join("outside")).unwrap();
    fs::write(folder.root().join("outside/secret"), "secret").unwrap();
    fs::write(folder.path("inside"), "inside").unwrap();
    symlink("../secret", folder.path("link")).unwrap();
    symlink(folder.root().join("secret"), folder.path("absolute")).unwrap();
    symlink("../outside", folder.path("folder")).unwrap();
    symlink("inside", folder.path("link-inside")).unwrap();
    symlink("/proc/self/cwd", folder.path("magic")).unwrap();
    for text in [
        "link",
        "absolute",
        "folder",
        "folder/secret",
        "link-inside",
        "magic/Cargo.toml",
    ] {
        assert_eq!(folder.get(text), Err(ObjectError::NotFound), "{text}");
        let deleted = folder
            .bucket
            .delete(&key(text), &DeleteConditions::default());
        assert_eq!(deleted, Ok(Deleted::Absent), "{text}");
    }
    assert_eq!(folder.keys(), ["inside"]);
    // What is written to such a key is kept elsewhere, and leaves the link as it is.
    for text in ["link", "folder/secret", "folder/new", "magic/tmp/x"] {
        folder.put(text, "mine");
        assert_eq!(folder.get(text).unwrap(), "mine");
    }
    assert_eq!(
        fs::read_to_string(folder.root().join("secret")).unwrap(),
        "secret"
    );
    assert_eq!(
        fs::read_dir(folder.root().join("outside")).unwrap().count(),
        1
    );
    assert!(
        fs::symlink_metadata(folder.path("link"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        folder.keys(),
        [
            "folder/new",
            "folder/secret",
            "inside",
            "link",
            "magic/tmp/x"
        ]
    );
}

#[test]
fn our_own_folder_may_not_be_a_link() {
    let folder = Folder::new();
    let outside = folder.root().join("outside");
    fs::rename(folder.path(".privet"), &outside).unwrap();
    symlink(&outside, folder.path(".privet")).unwrap();
    let (_, bucket) = folder.again();
    let put = crate::folder::put(&bucket, "a", "1", &WriteConditions::default());
    assert!(put.is_err(), "{put:?}");
    assert_eq!(get(&bucket, "a//b"), Err(ObjectError::NotFound));
}

#[test]
fn what_is_no_regular_file_is_no_object() {
    let folder = Folder::new();
    let node = |name: &str, kind, device| mknodat(CWD, folder.path(name), kind, Mode::RWXU, device);
    node("fifo", FileType::Fifo, 0).unwrap();
    let _socket = UnixListener::bind(folder.path("socket")).unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    let mut names = vec!["fifo", "socket", "folder"];
    // Only root may make devices.
    if node(
        "device",
        FileType::CharacterDevice,
        rustix::fs::makedev(1, 5),
    )
    .is_ok()
    {
        names.push("device");
    }
    for text in &names {
        assert_eq!(folder.get(text), Err(ObjectError::NotFound), "{text}");
    }
    assert_eq!(folder.keys(), Vec::<String>::new());
    assert_eq!(
        texts(&folder.list("", Some("/"), None)),
        Vec::<String>::new()
    );
    for text in &names {
        folder.put(text, text);
        assert_eq!(folder.get(text).unwrap(), *text);
    }
    names.sort_unstable();
    assert_eq!(folder.keys(), names);
    // An empty folder is in nobody's way; everything else stays what it is.
    assert!(folder.path("folder").is_file());
    assert!(!folder.path("fifo").is_file() && !folder.path("socket").is_file());
}

#[test]
fn names_that_no_key_has_are_no_objects() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    for name in [&b"\xff"[..], b"a\nb", b".privet-x", b".Privet"] {
        fs::write(folder.path("").join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    assert_eq!(folder.keys(), Vec::<String>::new());
    assert_eq!(folder.get("a\nb"), Err(ObjectError::NotFound));
    assert_eq!(folder.get(".Privet"), Err(ObjectError::NotFound));
    assert_eq!(
        folder.buckets.delete(&crate::folder::name("media")),
        Err(privet_objects::OpenError::NotEmpty)
    );
}

#[test]
fn a_file_put_there_is_an_object() {
    let folder = Folder::with(&Settings {
        content_type: |name| {
            if name.ends_with(".txt") {
                "text/plain"
            } else {
                "x/y"
            }
        },
        ..crate::folder::settings()
    });
    fs::create_dir(folder.path("a")).unwrap();
    fs::write(folder.path("a/b.txt"), "by hand").unwrap();
    assert_eq!(folder.keys(), ["a/b.txt"]);
    let first = folder.bucket.metadata(&key("a/b.txt")).unwrap();
    assert_eq!(first.headers.content_type.as_deref(), Some("text/plain"));
    assert!(first.etag.to_string().ends_with("-0"));
    assert_eq!(folder.bucket.metadata(&key("a/b.txt")).unwrap(), first);
    fs::write(folder.path("a/b.txt"), "by hands").unwrap();
    assert_ne!(
        folder.bucket.metadata(&key("a/b.txt")).unwrap().etag,
        first.etag
    );
    folder
        .bucket
        .delete(&key("a/b.txt"), &DeleteConditions::default())
        .unwrap();
    assert!(!folder.path("a").exists());
}

#[test]
fn a_file_changed_by_hand_keeps_its_headers_alone() {
    let folder = Folder::new();
    let headers = Headers {
        content_type: Some("video/mp4".into()),
        user: vec![("who".into(), "me".into())],
        ..Headers::default()
    };
    let mut upload = folder.bucket.begin(&key("a"), headers.clone()).unwrap();
    upload.compute(Algorithm::Sha256);
    upload.write(b"12345").unwrap();
    let before = upload
        .commit(&WriteConditions::default(), &Digests::default())
        .unwrap();
    assert!(matches!(before.etag, ETag::Content(_)) && before.checksums.len() == 1);
    // As long, and in place.
    let mut file = fs::File::options()
        .write(true)
        .open(folder.path("a"))
        .unwrap();
    file.write_all(b"54321").unwrap();
    let after = folder.bucket.metadata(&key("a")).unwrap();
    assert!(matches!(after.etag, ETag::File(_)), "{after:?}");
    assert_eq!((after.checksums.len(), after.headers), (0, headers));
    // Tags do not make it believed again.
    let tags = Tags(vec![("colour".into(), "red".into())]);
    let tagged = folder.bucket.set_tags(&key("a"), tags.clone()).unwrap();
    assert_eq!((tagged.etag, tagged.tags), (after.etag, tags));
}

#[test]
fn a_file_replaced_under_a_reader_stays_what_it_was() {
    let folder = Folder::new();
    let first = folder.put("a", "first version");
    let mut object = folder.bucket.open(&key("a")).unwrap();
    folder.put("a", "second");
    folder
        .bucket
        .delete(&key("a"), &DeleteConditions::default())
        .unwrap();
    let mut content = String::new();
    object.file.read_to_string(&mut content).unwrap();
    assert_eq!(
        (content.as_str(), &object.metadata),
        ("first version", &first)
    );
    assert!(object.is_unchanged());
}

#[test]
fn a_file_changed_in_place_under_a_reader_is_noticed() {
    let folder = Folder::new();
    folder.put("a", "first version");
    let object = folder.bucket.open(&key("a")).unwrap();
    folder
        .bucket
        .set_tags(&key("a"), Tags(vec![("a".into(), "b".into())]))
        .unwrap();
    assert!(object.is_unchanged());
    let mut file = fs::File::options()
        .write(true)
        .open(folder.path("a"))
        .unwrap();
    file.seek(SeekFrom::Start(2)).unwrap();
    file.write_all(b"x").unwrap();
    assert!(!object.is_unchanged());
    let copied = folder.bucket.copy(
        &object,
        &key("b"),
        Headers::default(),
        &[],
        &WriteConditions::default(),
    );
    assert_eq!(copied, Err(ObjectError::Changed));
}

/// The tools that people move folders with keep what is known of objects.
#[test]
fn metadata_survives_copying_with_attributes() {
    let folder = Folder::new();
    let headers = Headers {
        content_type: Some("video/mp4".into()),
        ..Headers::default()
    };
    let mut upload = folder.bucket.begin(&key("a/b"), headers).unwrap();
    upload.write(b"content").unwrap();
    let before = upload
        .commit(&WriteConditions::default(), &Digests::default())
        .unwrap();
    folder.put("odd//key", "odd");
    let source = folder.path("");
    let source = source.to_str().unwrap().trim_end_matches('/');
    let copies: [(&str, &[&str]); 2] = [("cp", &["-a"]), ("rsync", &["-aX"])];
    for (program, options) in copies {
        let target = folder.root().join(format!("by-{program}"));
        let _starting = starting();
        let mut command = Command::new(program);
        let copied = command
            .args(options)
            .arg(format!("{source}/."))
            .arg(&target)
            .status();
        let Ok(status) = copied else {
            eprintln!("{program} is not there: not tried");
            continue;
        };
        assert!(status.success());
        let (buckets, _) = folder.again();
        let copy = buckets
            .bucket(&crate::folder::name(&format!("by-{program}")))
            .unwrap()
            .unwrap();
        assert_eq!(copy.metadata(&key("a/b")).unwrap(), before, "{program}");
        assert_eq!(get(&copy, "odd//key").unwrap(), "odd", "{program}");
    }
    fs::rename(folder.path("a/b"), folder.path("c")).unwrap();
    assert_eq!(folder.bucket.metadata(&key("c")).unwrap(), before);
}

#[test]
fn an_odd_file_under_another_name_is_nobodys() {
    let folder = Folder::new();
    folder.put("a//b", "1");
    let odd = folder.path(".privet/odd");
    let name = fs::read_dir(&odd)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name();
    fs::rename(odd.join(name), odd.join("0".repeat(64))).unwrap();
    assert_eq!(folder.get("a//b"), Err(ObjectError::NotFound));
    assert_eq!(folder.keys(), Vec::<String>::new());
}

#[test]
fn no_file_is_open_to_others() {
    let folder = Folder::new();
    folder.put("a/b", "1");
    for path in ["a", "a/b", ".privet", ".privet/odd", ""] {
        let mode = fs::metadata(folder.path(path)).unwrap().mode();
        assert_eq!(mode & 0o007, 0, "{path}");
    }
}
