//! What the targets `object_keys` and `list_markers` do with an input: keys and lists of a bucket on disk.

use privet_objects::{
    BucketName, BucketsFolder, DeleteConditions, Deleted, Digests, Entry, Headers, Key,
    ListRequest, Settings, WriteConditions,
};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys that are separated by NUL are kept exactly, whatever they are, and none leads out of its bucket.
pub fn object_keys(bytes: &[u8]) {
    let keys: Vec<Key> = texts(bytes)
        .filter_map(|text| Key::new(text).ok())
        .take(12)
        .collect();
    for key in &keys {
        if let Some(path) = key.path() {
            assert_eq!(path, key.as_str());
            let is_normal = |part: Component<'_>| matches!(part, Component::Normal(_));
            assert!(Path::new(path).components().all(is_normal), "{path:?}");
            assert_eq!(
                Path::new(path).components().count(),
                path.split('/').count()
            );
        }
    }
    let folder = Folder::new();
    let mut model = BTreeMap::new();
    for (number, key) in keys.iter().enumerate() {
        folder.put(key, &number.to_string());
        model.insert(key.clone(), number.to_string());
    }
    for (key, content) in &model {
        let object = folder.bucket.open(key).expect("what was written is there");
        assert_eq!(
            std::io::read_to_string(object.file).expect("text"),
            *content,
            "{key:?}"
        );
    }
    let listed = folder.list(&ListRequest {
        max: 1000,
        ..ListRequest::default()
    });
    let keys: Vec<String> = model.keys().map(Key::to_string).collect();
    assert_eq!(listed, (keys, None));
    for key in model.keys() {
        let deleted = folder.bucket.delete(key, &DeleteConditions::default());
        assert_eq!(deleted, Ok(Deleted::Removed), "{key:?}");
    }
    folder.buckets.delete(&name()).expect("the bucket is empty");
    assert_eq!(
        std::fs::read_dir(&folder.path).expect("a folder").count(),
        0
    );
}

/// Prefix, delimiter, marker, then keys, separated by NUL: lists are those that a map has.
pub fn list_markers(bytes: &[u8]) {
    let mut texts = texts(bytes);
    let mut next = || texts.next().unwrap_or_default().to_owned();
    let (prefix, delimiter, after) = (next(), next(), next());
    let folder = Folder::new();
    let mut keys: Vec<String> = Vec::new();
    for key in texts.filter_map(|text| Key::new(text).ok()).take(12) {
        folder.put(&key, "");
        keys.push(key.to_string());
    }
    keys.sort();
    keys.dedup();
    for max in 1..=keys.len() + 1 {
        let mut request = ListRequest {
            prefix: prefix.clone(),
            delimiter: Some(delimiter.clone()),
            after: Some(after.clone()),
            max,
        };
        loop {
            let (listed, next) = folder.list(&request);
            assert_eq!(
                (&listed, &next),
                (&model(&keys, &request).0, &model(&keys, &request).1),
                "{request:?} {keys:?}"
            );
            let Some(next) = next else { break };
            assert!(Some(&next) > request.after.as_ref(), "{request:?} {keys:?}");
            request.after = Some(next);
        }
    }
}

fn texts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|text| std::str::from_utf8(text).ok())
}

fn model(keys: &[String], request: &ListRequest) -> (Vec<String>, Option<String>) {
    let delimiter = request
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let after = request.after.as_deref().unwrap_or_default();
    let mut all: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(&request.prefix)) {
        let at = request.prefix.len();
        let cut = delimiter.and_then(|delimiter| {
            key[at..]
                .find(delimiter)
                .map(|found| at + found + delimiter.len())
        });
        let entry = &key[..cut.unwrap_or(key.len())];
        let is_behind = entry > after && !(cut.is_some() && after.starts_with(entry));
        if is_behind && all.last().is_none_or(|last| last != entry) {
            all.push(entry.to_owned());
        }
    }
    let is_cut = all.len() > request.max;
    all.truncate(request.max);
    let next = is_cut.then(|| all.last().expect("at least one").clone());
    (all, next)
}

/// A folder with a bucket, removed at the end.
struct Folder {
    path: std::path::PathBuf,
    buckets: BucketsFolder,
    bucket: privet_objects::BucketFolder,
}

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("privet-fuzz-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a new folder");
        let settings = Settings {
            sync: false,
            ..Settings::default()
        };
        let buckets = BucketsFolder::open(&path, &settings).expect("a folder of buckets");
        let bucket = buckets.create(&name()).expect("a bucket");
        Folder {
            path,
            buckets,
            bucket,
        }
    }

    fn put(&self, key: &Key, content: &str) {
        let mut upload = self
            .bucket
            .begin(key, Headers::default())
            .expect("every key can be written");
        upload.write(content.as_bytes()).expect("room");
        let written = upload.commit(&WriteConditions::default(), &Digests::default());
        written.expect("every key can be written");
    }

    fn list(&self, request: &ListRequest) -> (Vec<String>, Option<String>) {
        let page = self.bucket.list(request).expect("a page");
        let text = |entry: Entry| match entry {
            Entry::Object(key, _) => key.to_string(),
            Entry::CommonPrefix(prefix) => prefix,
        };
        (page.entries.into_iter().map(text).collect(), page.next)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn name() -> BucketName {
    BucketName::new("bucket").expect("a name of a bucket")
}
