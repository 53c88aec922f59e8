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
