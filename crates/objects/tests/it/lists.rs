//! Lists see what others did, within a limit of memory.

use crate::folder::{Folder, key, put, settings, texts};
use privet_objects::{DeleteConditions, Entry, ListRequest, Settings, WriteConditions};
use std::fs;

/// Returns all keys, page by page.
fn pages(folder: &Folder, max: usize) -> Vec<String> {
    let mut request = ListRequest {
        max,
        ..ListRequest::default()
    };
    let mut keys = Vec::new();
    loop {
        let page = folder.bucket.list(&request).unwrap();
        keys.extend(texts(&page));
        request.after = page.next;
        if request.after.is_none() {
            return keys;
        }
    }
}

/// Without any wait: a change may have the same time as the one before.
#[test]
fn files_put_there_by_hand_are_seen_at_once() {
    let folder = Folder::new();
    fs::create_dir(folder.path("a")).unwrap();
    let mut expected = Vec::new();
    for number in 0..300 {
        let name = format!("a/{number:03}");
        fs::write(folder.path(&name), "").unwrap();
        expected.push(name.clone());
        assert_eq!(folder.keys(), expected);
        let name = format!("b/{number:03}");
        folder.put(&name, "");
        assert_eq!(folder.keys().len(), expected.len() + 1);
        if number % 2 == 0 {
            fs::remove_file(folder.path(&name)).unwrap();
        } else {
            folder
                .bucket
                .delete(&key(&name), &DeleteConditions::default())
                .unwrap();
        }
        assert_eq!(folder.keys(), expected);
    }
}

#[test]
fn two_processes_see_what_each_other_writes() {
    let folder = Folder::new();
    let (_, other) = folder.again();
    let list = |bucket: &privet_objects::BucketFolder| {
        let request = ListRequest {
            max: 1000,
            ..ListRequest::default()
        };
        texts(&bucket.list(&request).unwrap())
    };
    for number in 0..200 {
        let text = format!("a/{number:03}");
        put(
            if number % 2 == 0 {
                &other
            } else {
                &folder.bucket
            },
            &text,
            "",
            &WriteConditions::default(),
        )
        .unwrap();
        assert_eq!(list(&folder.bucket).len(), number + 1);
        assert_eq!(list(&other).len(), number + 1);
    }
}

#[test]
fn names_need_no_more_memory_than_they_may() {
    let small = Settings {
        index_bytes_max: 2000,
        ..settings()
    };
    let folder = Folder::with(&small);
    let mut expected = Vec::new();
    for number in 0..300 {
        expected.push(format!("a/{number:03}"));
        expected.push(format!("{number:03}"));
        expected.push(format!("odd//{number:03}"));
    }
    for text in &expected {
        folder.put(text, "");
    }
    expected.sort();
    for max in [1, 7, 100, 1000] {
        assert_eq!(pages(&folder, max), expected, "{max}");
    }
    assert_eq!(
        texts(&folder.list("a/2", None, Some("a/297"))),
        ["a/298", "a/299"]
    );
}

#[test]
fn folders_without_objects_are_not_listed() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("empty/deep/er")).unwrap();
    fs::create_dir_all(folder.path("full/deep/er")).unwrap();
    fs::write(folder.path("full/deep/er/x"), "").unwrap();
    assert_eq!(texts(&folder.list("", Some("/"), None)), ["full/*"]);
    assert_eq!(
        texts(&folder.list("full/", Some("/"), None)),
        ["full/deep/*"]
    );
    assert_eq!(
        texts(&folder.list("full/deep", Some("/"), None)),
        ["full/deep/*"]
    );
    assert_eq!(
        texts(&folder.list("full/d", None, None)),
        ["full/deep/er/x"]
    );
    assert_eq!(
        texts(&folder.list("full/../full", None, None)),
        Vec::<String>::new()
    );
    assert_eq!(
        texts(&folder.list("empty/", None, None)),
        Vec::<String>::new()
    );
}

#[test]
fn deeper_folders_than_keys_are_left_alone() {
    let folder = Folder::new();
    let deep = vec!["d".repeat(100); 20].join("/");
    fs::create_dir_all(folder.path(&deep)).unwrap();
    fs::write(folder.path(&deep).join("x"), "").unwrap();
    folder.put("a", "");
    assert_eq!(folder.keys(), ["a"]);
    assert_eq!(texts(&folder.list("", Some("/"), None)), ["a"]);
}

#[test]
fn entries_say_what_the_files_say() {
    let folder = Folder::new();
    let put = folder.put("a/b", "content");
    let page = folder.list("", None, None);
    assert_eq!(page.entries, [Entry::Object(key("a/b"), put)]);
    assert_eq!(page.next, None);
}
