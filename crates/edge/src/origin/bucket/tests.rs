use super::*;
use crate::origin::{Content, FolderOrigin, Object};
use privet_distribution::config::BucketReader;
use privet_objects::{DeleteConditions, Digests, WriteConditions};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A folder of buckets with the bucket `abc`, and its reader.
struct Bucket {
    folder: TempDir,
    objects: BucketFolder,
    embedded: EmbeddedOrigin,
    origin: FolderOrigin,
}

impl Bucket {
    fn new(access: BucketAccess) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), &Settings::default()).unwrap();
        let objects = buckets.create(&BucketName::new("abc").unwrap()).unwrap();
        let embedded = EmbeddedOrigin {
            bucket: "abc".to_owned(),
            root: folder.path().join("abc"),
            access,
            cors: Vec::new(),
            endpoint: None,
            region: "us-east-1".to_owned(),
        };
        Bucket {
            origin: FolderOrigin::of_bucket(
                &embedded,
                Arc::new(Buckets::new(folder.path())),
                (100, 1 << 20),
                (Arc::default(), OwnPaths::default()),
            ),
            folder,
            objects,
            embedded,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("abc").join(name)
    }

    fn put(&self, key: &str, content: &str, headers: Headers) {
        let key = Key::new(key).unwrap();
        let mut upload = self.objects.begin(&key, headers).unwrap();
        upload.write(content.as_bytes()).unwrap();
        let digests = Digests::default();
        upload
            .commit(&WriteConditions::default(), &digests)
            .unwrap();
    }

    fn delete(&self, key: &str) {
        let key = Key::new(key).unwrap();
        let conditions = DeleteConditions::default();
        self.objects.delete(&key, &conditions).unwrap();
    }

    async fn fetch(&self, path: &str) -> Result<String, OriginError> {
        self.origin.fetch(path).await.map(|object| text(&object))
    }
}

fn text(object: &Object) -> String {
    match &object.content {
        Content::Memory(bytes) | Content::Both(bytes, _) => {
            String::from_utf8(bytes.to_vec()).unwrap()
        }
        Content::File(_) => panic!("a large object"),
    }
}

#[tokio::test]
async fn nothing_beneath_a_bucket_leads_out_or_waits() {
    let bucket = Bucket::new(BucketAccess::Read);
    std::fs::write(bucket.folder.path().join("secret"), "secret").unwrap();
    std::fs::create_dir(bucket.path("a")).unwrap();
    symlink("../../secret", bucket.path("a/link")).unwrap();
    symlink("..", bucket.path("up")).unwrap();
    symlink("a", bucket.path("inner")).unwrap();
    std::fs::write(bucket.path("a/b"), "b").unwrap();
    mknodat(CWD, bucket.path("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    std::fs::write(bucket.path(".privet/own"), "own").unwrap();
    std::fs::write(bucket.path(".privet-x"), "own").unwrap();
    for path in [
        "/",
        "/a",
        "/a/",
        "/a/link",
        "/up/secret",
        "/../secret",
        "/%2e%2e/secret",
        "/inner/b",
        "/pipe",
        "/.privet/own",
        "/.privet-x",
        "/.PRIVET/own",
        "/.privet%2fown",
        "/a/../a/b",
        "/none",
        "/%ff",
        "/%00",
        "relative",
    ] {
        assert_eq!(bucket.fetch(path).await, Err(OriginError::Hidden), "{path}");
    }
    assert_eq!(bucket.fetch("/a/b").await.as_deref(), Ok("b"));
    assert_eq!(bucket.fetch("/a%2Fb").await.as_deref(), Ok("b"));
}

#[tokio::test]
async fn absence_is_told_to_those_who_may_list() {
    let bucket = Bucket::new(BucketAccess::ReadAndList);
    assert_eq!(bucket.fetch("/none").await, Err(OriginError::NotFound));
    // The folder of all buckets is not there, so that nothing is known of the object.
    std::fs::rename(
        bucket.folder.path(),
        bucket.folder.path().with_extension("away"),
    )
    .unwrap();
    let result = bucket.fetch("/none").await;
    std::fs::rename(
        bucket.folder.path().with_extension("away"),
        bucket.folder.path(),
    )
    .unwrap();
    assert!(result.is_err());
}

#[tokio::test]
async fn an_object_comes_with_all_that_is_stored_with_it() {
    let bucket = Bucket::new(BucketAccess::Read);
    let text = |text: &str| Some(text.to_owned());
    let headers = Headers {
        content_type: text("text/x-own; charset=utf-8"),
        cache_control: text("max-age=60"),
        content_disposition: text("attachment; filename=\"a\""),
        content_encoding: text("gzip"),
        content_language: text("ja"),
        expires: text("Thu, 01 Jan 2037 00:00:00 GMT"),
        user: vec![("title".to_owned(), "a b".to_owned())],
        ..Headers::default()
    };
    bucket.put("x/../y", "hello", headers);
    let object = bucket.origin.fetch("/x/../y").await.unwrap();
    let head = &object.head;
    assert_eq!(head.content_type, "text/x-own; charset=utf-8");
    assert_eq!(head.etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_ne!(head.state, head.representation.etag);
    let stored: Vec<String> = head
        .stored
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    assert_eq!(
        stored,
        [
            "cache-control: max-age=60",
            "content-disposition: attachment; filename=\"a\"",
            "content-encoding: gzip",
            "content-language: ja",
            "expires: Thu, 01 Jan 2037 00:00:00 GMT",
            "x-amz-meta-title: a b",
        ]
    );
}

/// Makes the file old enough to be remembered.
fn settle(path: &Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.set_modified(old).unwrap();
}

#[tokio::test]
async fn a_replaced_object_is_seen_at_the_next_request_and_a_deleted_one_is_gone() {
    let bucket = Bucket::new(BucketAccess::Read);
    bucket.put("a/b.txt", "one", Headers::default());
    for _ in 0..2 {
        assert_eq!(bucket.fetch("/a/b.txt").await.as_deref(), Ok("one"));
    }
    bucket.put("a/b.txt", "two", Headers::default());
    assert_eq!(bucket.fetch("/a/b.txt").await.as_deref(), Ok("two"));
    bucket.delete("a/b.txt");
    assert_eq!(bucket.fetch("/a/b.txt").await, Err(OriginError::Hidden));
    bucket.put("a/b.txt", "three", Headers::default());
    assert_eq!(bucket.fetch("/a/b.txt").await.as_deref(), Ok("three"));
}

#[tokio::test]
async fn a_bucket_that_was_deleted_and_made_again_is_another_one() {
    let bucket = Bucket::new(BucketAccess::Read);
    bucket.put("a", "one", Headers::default());
    assert_eq!(bucket.fetch("/a").await.as_deref(), Ok("one"));
    let buckets = BucketsFolder::open(bucket.folder.path(), &Settings::default()).unwrap();
    std::fs::remove_dir_all(bucket.folder.path().join("abc")).unwrap();
    assert_eq!(bucket.fetch("/a").await, Err(OriginError::Hidden));
    buckets.create(&BucketName::new("abc").unwrap()).unwrap();
    std::fs::write(bucket.path("a"), "two").unwrap();
    assert_eq!(bucket.fetch("/a").await.as_deref(), Ok("two"));
}

/// A link in the place of a folder on the way must not be followed to an object that is remembered.
#[test]
fn a_remembered_object_is_not_found_through_links() {
    let bucket = Bucket::new(BucketAccess::Read);
    std::fs::create_dir(bucket.path("a")).unwrap();
    std::fs::write(bucket.path("a/b"), "b").unwrap();
    std::fs::write(bucket.path("c"), "c").unwrap();
    let buckets = Arc::new(Buckets::new(bucket.folder.path()));
    let root = BucketRoot::new(&bucket.embedded, buckets, OwnPaths::default());
    let names = ["a/b", "c"];
    for name in names {
        let opened = root.open(&Key::new(name).unwrap(), &FileChanges::default());
        let path = opened.unwrap().name.unwrap();
        assert!(root.stat(&path).is_ok(), "{name}");
    }
    let away = bucket.folder.path().join("away");
    std::fs::create_dir(&away).unwrap();
    for name in ["a", "c"] {
        std::fs::rename(bucket.path(name), away.join(name)).unwrap();
        symlink(away.join(name), bucket.path(name)).unwrap();
    }
    let is_file = |stat: Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    for name in names {
        let found = root.stat(Path::new(name)).map(is_file);
        assert!(!matches!(found, Ok(true)), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_was_put_there_by_hand_is_an_object() {
    let bucket = Bucket::new(BucketAccess::Read);
    std::fs::write(bucket.path("a.jpg"), "picture").unwrap();
    let object = bucket.origin.fetch("/a.jpg").await.unwrap();
    assert_eq!(object.head.content_type, "image/jpeg");
    assert!(object.head.stored.is_empty());
    let told = object.head.etag.clone();
    settle(&bucket.path("a.jpg"));
    bucket.origin.tell_of_change("/a.jpg");
    assert_ne!(bucket.origin.fetch("/a.jpg").await.unwrap().head.etag, told);
}

#[test]
fn who_is_not_granted_is_told_how_to_be() {
    let origin = |access| EmbeddedOrigin {
        bucket: "abc".to_owned(),
        root: PathBuf::new(),
        access,
        cors: Vec::new(),
        endpoint: None,
        region: String::new(),
    };
    assert_eq!(origin(BucketAccess::Read).advice(), None);
    assert_eq!(origin(BucketAccess::ReadAndList).advice(), None);
    let advice = origin(BucketAccess::NotGranted(BucketReader::Identity(
        "E1".into(),
    )))
    .advice();
    assert!(
        advice
            .unwrap()
            .ends_with("privet bucket grant abc --identity E1")
    );
    assert!(origin(BucketAccess::Unsigned).advice().is_some());
}
