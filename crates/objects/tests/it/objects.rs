//! Objects are written, read, listed and deleted.

use crate::folder::{Folder, key, put, texts};
use privet_objects::{DeleteConditions, Deleted, ObjectError, TagCondition, WriteConditions};

const ODD: [&str; 12] = [
    "a//b",
    "x/../y",
    "dot/./z",
    "é +%&",
    "trail/",
    "/lead",
    "/",
    "..",
    "a\nb",
    ".privet/odd/x",
    ".PRIVET",
    "a/../../etc/passwd",
];

#[test]
fn what_is_not_there_is_not_found() {
    let folder = Folder::new();
    for text in ODD.iter().chain(&["a", "a/b"]) {
        assert_eq!(folder.get(text), Err(ObjectError::NotFound), "{text}");
        let deleted = folder
            .bucket
            .delete(&key(text), &DeleteConditions::default());
        assert_eq!(deleted, Ok(Deleted::Absent), "{text}");
    }
    assert_eq!(folder.keys(), Vec::<String>::new());
}

#[test]
fn odd_keys_are_kept_exactly() {
    let folder = Folder::new();
    let mut all: Vec<String> = ODD.iter().map(|text| (*text).to_owned()).collect();
    all.push("k".repeat(1024));
    all.push(format!("{}/x", "s".repeat(256)));
    all.extend(["plain", "y", "a/b", "dot/z"].map(str::to_owned));
    for text in &all {
        folder.put(text, &format!("content of {text}"));
    }
    all.sort();
    assert_eq!(folder.keys(), all);
    for text in &all {
        assert_eq!(folder.get(text).unwrap(), format!("content of {text}"));
    }
    for text in &all {
        let deleted = folder
            .bucket
            .delete(&key(text), &DeleteConditions::default());
        assert_eq!(deleted, Ok(Deleted::Removed), "{text}");
    }
    assert_eq!(folder.keys(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
}

#[test]
fn a_file_where_a_folder_is_needed_and_the_reverse() {
    let folder = Folder::new();
    for text in ["a", "a/b", "a/b/c", "x/y/z", "x/y", "x"] {
        folder.put(text, text);
    }
    assert_eq!(folder.keys(), ["a", "a/b", "a/b/c", "x", "x/y", "x/y/z"]);
    assert_eq!(
        texts(&folder.list("", Some("/"), None)),
        ["a", "a/*", "x", "x/*"]
    );
    folder.put("a/b", "again");
    assert_eq!(folder.get("a/b").unwrap(), "again");
    for text in ["a", "a/b", "a/b/c", "x/y/z", "x/y", "x"] {
        assert_eq!(
            folder
                .bucket
                .delete(&key(text), &DeleteConditions::default()),
            Ok(Deleted::Removed)
        );
        assert_eq!(folder.get(text), Err(ObjectError::NotFound));
    }
    assert_eq!(folder.keys(), Vec::<String>::new());
}

#[test]
fn writes_are_conditional() {
    let folder = Folder::new();
    let none = |tags| WriteConditions {
        if_none_match: Some(tags),
        ..WriteConditions::default()
    };
    let matching = |tags| WriteConditions {
        if_match: Some(tags),
        ..WriteConditions::default()
    };
    for text in ["a", "a//b"] {
        assert_eq!(
            put(&folder.bucket, text, "0", &matching(TagCondition::Any)),
            Err(ObjectError::NotFound)
        );
        let first = put(&folder.bucket, text, "1", &none(TagCondition::Any)).unwrap();
        let failed = Err(ObjectError::PreconditionFailed);
        assert_eq!(
            put(&folder.bucket, text, "2", &none(TagCondition::Any)),
            failed
        );
        let first = TagCondition::OneOf(vec!["x".into(), first.etag.to_string()]);
        assert_eq!(put(&folder.bucket, text, "3", &none(first.clone())), failed);
        put(&folder.bucket, text, "4", &matching(first.clone())).unwrap();
        assert_eq!(put(&folder.bucket, text, "5", &matching(first)), failed);
        assert_eq!(folder.get(text).unwrap(), "4");
    }
}

/// What callers do on threads that may wait.
#[test]
fn handles_go_from_thread_to_thread() {
    fn goes<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    is_shared::<privet_objects::BucketsFolder>();
    is_shared::<privet_objects::BucketFolder>();
    is_shared::<privet_objects::ObjectFile>();
    goes::<privet_objects::Upload>();
    goes::<privet_objects::PartUpload>();
}

#[test]
fn what_is_not_announced_is_no_object() {
    use privet_objects::{Algorithm, Digests, Headers};
    let folder = Folder::new();
    let check = |digests: &Digests, expected| {
        let mut upload = folder.bucket.begin(&key("a"), Headers::default()).unwrap();
        upload.compute(Algorithm::Crc32);
        upload.write(b"content").unwrap();
        let committed = upload.commit(&WriteConditions::default(), digests);
        assert_eq!(committed.err(), expected);
    };
    let md5 = |md5| Digests {
        md5: Some(md5),
        ..Digests::default()
    };
    let checksum = |algorithm, value| Digests {
        checksums: vec![(algorithm, value)],
        ..Digests::default()
    };
    check(&md5([0; 16]), Some(ObjectError::DigestMismatch));
    let crc = Algorithm::Crc32.checksum(b"content");
    check(
        &checksum(Algorithm::Crc32, vec![0; 4]),
        Some(ObjectError::ChecksumMismatch(Algorithm::Crc32)),
    );
    // One that was not computed is not known to be right.
    let sha = Algorithm::Sha256.checksum(b"content");
    check(
        &checksum(Algorithm::Sha256, sha),
        Some(ObjectError::ChecksumMismatch(Algorithm::Sha256)),
    );
    assert_eq!(folder.get("a"), Err(ObjectError::NotFound));
    check(&checksum(Algorithm::Crc32, crc), None);
    assert_eq!(folder.get("a").unwrap(), "content");
    let metadata = folder.bucket.metadata(&key("a")).unwrap();
    assert_eq!(metadata.checksums.len(), 1);
}

#[test]
fn too_much_is_refused() {
    use privet_objects::{Digests, Headers, Settings};
    let folder = Folder::with(&Settings {
        object_size_bytes_max: 5,
        ..crate::folder::settings()
    });
    let mut upload = folder.bucket.begin(&key("a"), Headers::default()).unwrap();
    upload.write(b"12345").unwrap();
    assert_eq!(upload.write(b"6"), Err(ObjectError::EntityTooLarge));
    drop(upload);
    let user = vec![("a".to_owned(), "b".repeat(4000))];
    let headers = Headers {
        user,
        ..Headers::default()
    };
    let refused = folder.bucket.begin(&key("a"), headers);
    assert_eq!(refused.err(), Some(ObjectError::MetadataTooLarge));
    assert_eq!(
        std::fs::read_dir(folder.path(".privet/temporary"))
            .unwrap()
            .count(),
        0
    );
    // As much as S3's own limit of user metadata, with the longest key.
    let headers = Headers {
        user: vec![("a".to_owned(), "b".repeat(2040))],
        ..Headers::default()
    };
    let longest = key(&"k".repeat(1024));
    let mut upload = folder.bucket.begin(&longest, headers.clone()).unwrap();
    upload.write(b"1").unwrap();
    let metadata = upload
        .commit(&WriteConditions::default(), &Digests::default())
        .unwrap();
    assert_eq!(metadata.headers.user, headers.user);
}

#[test]
fn headers_and_tags_change_without_the_content() {
    use privet_objects::{Headers, Tags};
    let folder = Folder::new();
    let missing = folder.bucket.set_tags(&key("a"), Tags::default());
    assert_eq!(missing, Err(ObjectError::NotFound));
    for text in ["a", "odd//key"] {
        let before = folder.put(text, "content");
        let headers = Headers {
            content_type: Some("text/x".into()),
            ..Headers::default()
        };
        let after = folder
            .bucket
            .set_headers(&key(text), headers.clone())
            .unwrap();
        assert_eq!((after.etag, &after.headers), (before.etag, &headers));
        assert!(after.modified > before.modified);
        let tags = Tags(vec![("colour".into(), "red".into())]);
        let tagged = folder.bucket.set_tags(&key(text), tags.clone()).unwrap();
        assert_eq!((tagged.etag, tagged.modified), (after.etag, after.modified));
        assert_eq!((&tagged.headers, &tagged.tags), (&headers, &tags));
        assert_eq!(folder.bucket.metadata(&key(text)).unwrap(), tagged);
        let invalid = Tags(vec![(String::new(), String::new())]);
        assert_eq!(
            folder.bucket.set_tags(&key(text), invalid),
            Err(ObjectError::InvalidTags)
        );
        assert_eq!(folder.get(text).unwrap(), "content");
    }
}
