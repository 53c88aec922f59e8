use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::SystemTime;

fn metadata() -> Metadata {
    Metadata {
        size: 0,
        modified: SystemTime::UNIX_EPOCH,
        etag: crate::ETag::Content([0; 16]),
        headers: crate::Headers::default(),
        checksums: Vec::new(),
        tags: crate::Tags::default(),
        parts: crate::Parts::default(),
    }
}

fn texts(page: &Page) -> Vec<String> {
    let text = |entry: &Entry| match entry {
        Entry::Object(key, _) => key.to_string(),
        Entry::CommonPrefix(prefix) => format!("{prefix}*"),
    };
    page.entries.iter().map(text).collect()
}

fn list(keys: &[&str], request: &ListRequest) -> Page {
    let keys: BTreeSet<&str> = keys.iter().copied().collect();
    let next = |cursor: &[u8]| {
        let found = keys
            .iter()
            .find(|key| key.as_bytes() >= cursor && key.starts_with(&request.prefix));
        Ok(found.map(|key| Step::Object(Key::new(*key).unwrap())))
    };
    page(request, next, |_| Ok(Some(metadata()))).unwrap()
}

fn request(prefix: &str, delimiter: &str, after: Option<&str>, max: usize) -> ListRequest {
    ListRequest {
        prefix: prefix.into(),
        delimiter: Some(delimiter.into()),
        after: after.map(str::to_owned),
        max,
    }
}

const KEYS: [&str; 5] = [
    "asdf",
    "boo/bar",
    "boo/baz/xyzzy",
    "cquux/bla",
    "cquux/thud",
];

#[test]
fn a_page_of_nothing_has_no_next_one() {
    assert_eq!(list(&KEYS, &request("", "", None, 0)), Page::default());
    assert_eq!(list(&[], &request("", "/", None, 5)), Page::default());
    assert_eq!(list(&KEYS, &request("x", "/", None, 5)), Page::default());
}

/// What the public S3 compatibility suite expects of delimiters, prefixes and markers.
#[test]
fn common_prefixes_are_entries() {
    let check = |prefix, after, max, expected: &[&str], next: Option<&str>| {
        let page = list(&KEYS, &request(prefix, "/", after, max));
        assert_eq!(texts(&page), expected, "{prefix} {after:?} {max}");
        assert_eq!(page.next.as_deref(), next, "{prefix} {after:?} {max}");
    };
    check("", None, 1, &["asdf"], Some("asdf"));
    check("", Some("asdf"), 1, &["boo/*"], Some("boo/"));
    check("", Some("boo/"), 1, &["cquux/*"], None);
    check("", None, 2, &["asdf", "boo/*"], Some("boo/"));
    check("", Some("boo/"), 2, &["cquux/*"], None);
    check("", Some("boo/bar"), 2, &["cquux/*"], None);
    check("boo/", None, 1, &["boo/bar"], Some("boo/bar"));
    check("boo/", Some("boo/bar"), 1, &["boo/baz/*"], None);
    check("boo/", Some("zzz"), 1, &[], None);
    check("boo/", Some("a"), 3, &["boo/bar", "boo/baz/*"], None);
}

#[test]
fn a_delimiter_is_any_text() {
    let keys = ["b/a/c", "b/a/g", "b/a/r", "bar", "g"];
    assert_eq!(
        texts(&list(&keys, &request("", "a", None, 9))),
        ["b/a*", "ba*", "g"]
    );
    assert_eq!(
        texts(&list(&keys, &request("", "/a/", None, 9))),
        ["b/a/*", "bar", "g"]
    );
    assert_eq!(
        texts(&list(&["aÿb", "aÿc", "b"], &request("", "ÿ", None, 9))),
        ["aÿ*", "b"]
    );
}

proptest! {
    /// However a list is cut into pages, it is the same list.
    #[test]
    fn pages_follow_each_other(
        keys in proptest::collection::btree_set("[ab/]{1,6}", 0..30),
        prefix in "[ab/]{0,2}",
        delimiter in "[ab/]{0,2}",
        max in 1..5_usize,
    ) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let whole = texts(&list(&keys, &request(&prefix, &delimiter, None, 1000)));
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = list(&keys, &request(&prefix, &delimiter, after.as_deref(), max));
            prop_assert!(page.entries.len() <= max);
            paged.extend(texts(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(paged, whole);
    }
}
