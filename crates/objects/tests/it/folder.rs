//! A folder of buckets for one test.

use privet_objects::{
    BucketFolder, BucketName, BucketsFolder, Digests, Headers, Key, ListRequest, Metadata,
    ObjectError, Page, Settings, WriteConditions,
};
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with one bucket, removed at the end of the test.
pub struct Folder {
    folder: TempDir,
    pub buckets: BucketsFolder,
    pub bucket: BucketFolder,
}

/// Settings of tests: nothing waits for the disk.
pub fn settings() -> Settings {
    Settings {
        sync: false,
        part_size_bytes_min: 4,
        ..Settings::default()
    }
}

pub fn name(text: &str) -> BucketName {
    BucketName::new(text).unwrap()
}

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

impl Folder {
    pub fn new() -> Self {
        Folder::with(&settings())
    }

    pub fn with(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), settings).unwrap();
        let bucket = buckets.create(&name("media")).unwrap();
        Folder {
            folder,
            buckets,
            bucket,
        }
    }

    /// Opens the folder again, as another process does.
    pub fn again(&self) -> (BucketsFolder, BucketFolder) {
        let buckets = BucketsFolder::open(self.folder.path(), &settings()).unwrap();
        let bucket = buckets.bucket(&name("media")).unwrap().unwrap();
        (buckets, bucket)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path in the bucket's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("media").join(path)
    }

    pub fn put(&self, key: &str, content: &str) -> Metadata {
        put(&self.bucket, key, content, &WriteConditions::default()).unwrap()
    }

    pub fn get(&self, key: &str) -> Result<String, ObjectError> {
        get(&self.bucket, key)
    }

    /// Lists all keys.
    pub fn keys(&self) -> Vec<String> {
        texts(&self.list("", None, None))
    }

    pub fn list(&self, prefix: &str, delimiter: Option<&str>, after: Option<&str>) -> Page {
        let request = ListRequest {
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            after: after.map(str::to_owned),
            max: 1000,
        };
        self.bucket.list(&request).unwrap()
    }
}

pub fn put(
    bucket: &BucketFolder,
    text: &str,
    content: &str,
    conditions: &WriteConditions,
) -> Result<Metadata, ObjectError> {
    let mut upload = bucket.begin(&key(text), Headers::default())?;
    upload.write(content.as_bytes())?;
    upload.commit(conditions, &Digests::default())
}

pub fn get(bucket: &BucketFolder, text: &str) -> Result<String, ObjectError> {
    let mut object = bucket.open(&key(text))?;
    let mut content = String::new();
    object.file.read_to_string(&mut content).unwrap();
    assert_eq!(object.metadata.size, content.len() as u64);
    Ok(content)
}

/// Returns the texts of a page's entries: keys, and common prefixes with a star.
pub fn texts(page: &Page) -> Vec<String> {
    let text = |entry: &privet_objects::Entry| match entry {
        privet_objects::Entry::Object(key, _) => key.to_string(),
        privet_objects::Entry::CommonPrefix(prefix) => format!("{prefix}*"),
    };
    page.entries.iter().map(text).collect()
}
