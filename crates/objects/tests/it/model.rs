//! Any sequence of operations leaves what it leaves in a map, and lists are those of the map.

use crate::folder::{Folder, get, key, settings, texts};
use privet_objects::{DeleteConditions, Deleted, ListRequest, ObjectError, Settings};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Operation {
    Put(String, u8),
    Delete(String),
    Get(String),
    List(ListRequest),
    /// Another process has its turn.
    Switch,
}

/// Keys that get into each other's way: files where folders are needed, empty segments, dots.
fn keys() -> impl Strategy<Value = String> {
    let segment = prop_oneof![4 => "[abc]", 1 => Just("a-b".to_owned()), 1 => Just(String::new()), 1 => Just("..".to_owned())];
    proptest::collection::vec(segment, 1..4)
        .prop_map(|segments| segments.join("/"))
        .prop_filter("keys have a character", |key| !key.is_empty())
}

fn requests() -> impl Strategy<Value = ListRequest> {
    let delimiter =
        prop_oneof![3 => Just("/"), 1 => Just("a"), 1 => Just("-"), 1 => Just("/a"), 1 => Just("")];
    let after = proptest::option::of(prop_oneof![keys(), "[ab/]{0,4}"]);
    (
        "[ab./]{0,3}",
        proptest::option::of(delimiter),
        after,
        1..5_usize,
    )
        .prop_map(|(prefix, delimiter, after, max)| ListRequest {
            prefix,
            delimiter: delimiter.map(str::to_owned),
            after,
            max,
        })
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (keys(), any::<u8>()).prop_map(|(key, content)| Operation::Put(key, content)),
        2 => keys().prop_map(Operation::Delete),
        1 => keys().prop_map(Operation::Get),
        3 => requests().prop_map(Operation::List),
        1 => Just(Operation::Switch),
    ]
}

/// Lists the keys of a map as S3 does, the simple way: all of them, then cut.
fn list(model: &BTreeMap<String, u8>, request: &ListRequest) -> (Vec<String>, Option<String>) {
    let delimiter = request
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let mut all: Vec<(String, bool)> = Vec::new();
    for key in model.keys().filter(|key| key.starts_with(&request.prefix)) {
        let rest = &key[request.prefix.len()..];
        let cut =
            delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
        let entry = match cut {
            Some(cut) => (key[..request.prefix.len() + cut].to_owned(), true),
            None => (key.clone(), false),
        };
        if all.last() != Some(&entry) {
            all.push(entry);
        }
    }
    let is_behind = |(text, is_common): &(String, bool)| match &request.after {
        Some(after) if *is_common => text > after && !after.starts_with(text.as_str()),
        Some(after) => text > after,
        None => true,
    };
    all.retain(is_behind);
    let next = all.len() > request.max;
    all.truncate(request.max);
    let next = next.then(|| all.last().unwrap().0.clone());
    let text =
        |(text, is_common): (String, bool)| if is_common { format!("{text}*") } else { text };
    (all.into_iter().map(text).collect(), next)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_is_a_map(
        operations in proptest::collection::vec(operations(), 1..60),
        index_bytes_max in prop_oneof![Just(0_usize), Just(1500), Just(1 << 20)],
    ) {
        let folder = Folder::with(&Settings { index_bytes_max, ..settings() });
        let (_other, other) = folder.again();
        let buckets = [&folder.bucket, &other];
        let mut turn = 0;
        let mut model = BTreeMap::new();
        for operation in operations {
            let bucket = buckets[turn];
            match operation {
                Operation::Put(text, content) => {
                    crate::folder::put(bucket, &text, &content.to_string(), &Default::default()).unwrap();
                    model.insert(text, content);
                }
                Operation::Delete(text) => {
                    let deleted = bucket.delete(&key(&text), &DeleteConditions::default()).unwrap();
                    let expected = if model.remove(&text).is_some() { Deleted::Removed } else { Deleted::Absent };
                    prop_assert_eq!(deleted, expected);
                }
                Operation::Get(text) => {
                    let expected = model.get(&text).map(u8::to_string).ok_or(ObjectError::NotFound);
                    prop_assert_eq!(get(bucket, &text), expected);
                }
                Operation::List(request) => {
                    let page = bucket.list(&request).unwrap();
                    prop_assert_eq!((texts(&page), page.next), list(&model, &request), "{:?}", request);
                }
                Operation::Switch => turn = 1 - turn,
            }
        }
        for (text, content) in &model {
            prop_assert_eq!(get(&folder.bucket, text), Ok(content.to_string()));
        }
        prop_assert_eq!(folder.keys(), model.keys().cloned().collect::<Vec<_>>());
    }
}
