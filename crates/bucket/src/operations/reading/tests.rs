//! Objects on their way to a client: what is sent from files, and what is read and checked.

use super::*;
use futures_util::TryStreamExt;
use privet_objects::{BucketsFolder, Digests, Settings, WriteConditions};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

/// Puts an object and opens it.
fn opened(folder: &Path, content: &[u8]) -> ObjectFile {
    let buckets = BucketsFolder::open(folder, &Settings::default()).unwrap();
    let bucket = buckets.create(&bucket_name("bucket").unwrap()).unwrap();
    let key = object_key("key").unwrap();
    let mut upload = bucket.begin(&key, Headers::default()).unwrap();
    upload.write(content).unwrap();
    let (conditions, digests) = (WriteConditions::default(), Digests::default());
    upload.commit(&conditions, &digests).unwrap();
    bucket.open(&key).unwrap()
}

/// Notes which ranges are sent, and lets zeros stand for them.
fn noting(ranges: &Arc<Mutex<Vec<(u64, usize)>>>) -> FileSending {
    let ranges = Arc::clone(ranges);
    FileSending::new(move |_file, offset, length| {
        ranges.lock().unwrap().push((offset, length));
        vec![0; length].into()
    })
}

fn unsent(object: ObjectFile, range: Range<u64>, sending: Option<FileSending>) -> Unsent {
    Unsent {
        object: Arc::new(object),
        range,
        sending,
    }
}

fn changed_by_hand(folder: &Path) {
    let path = folder.join("bucket/key");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(b"other", 0).unwrap();
    // The time of the change may be that of the upload, by the system's clock.
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    file.set_modified(long_ago).unwrap();
}

#[tokio::test]
async fn an_object_that_was_changed_by_hand_ends_before_its_end() {
    const SIZE: usize = 3 * 1024 * 1024;
    for is_sent in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let object = opened(folder.path(), &vec![1; SIZE]);
        let sending = is_sent.then(|| noting(&Arc::default()));
        let mut pieces = pieces(unsent(object, 0..SIZE as u64, sending), Bytes::new());
        let first = pieces.next().await.unwrap().unwrap();
        assert!(first.len() < SIZE);
        changed_by_hand(folder.path());
        assert!(pieces.next().await.unwrap().is_err(), "{is_sent}");
        assert!(pieces.next().await.is_none());
    }
}

#[tokio::test]
async fn the_end_of_a_file_that_is_sent_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..2_500_000_u32).map(|number| number as u8 | 1).collect();
    let object = opened(folder.path(), &content);
    let ranges = Arc::default();
    let (start, end) = (100, content.len() as u64 - 7);
    let unsent = unsent(object, start..end, Some(noting(&ranges)));
    let pieces: Vec<Bytes> = pieces(unsent, Bytes::new()).try_collect().await.unwrap();
    let sent = pieces.concat();
    assert_eq!(sent.len() as u64, end - start);
    // What was not sent from the file was read, and is where it belongs.
    let ranges = ranges.lock().unwrap();
    let tail = sent.len() - 16 * 1024;
    let sent_at = |at: u64| {
        let mut ranges = ranges.iter();
        ranges.any(|(offset, length)| (*offset..offset + *length as u64).contains(&at))
    };
    for (at, byte) in (start..).zip(&sent) {
        let expected = match sent_at(at) {
            true => 0,
            false => content[usize::try_from(at).unwrap()],
        };
        assert_eq!(*byte, expected, "at {at}");
    }
    assert!(!sent_at(start + tail as u64));
}

#[tokio::test]
async fn what_fails_before_the_first_byte_is_an_answer() {
    for is_sent in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let object = opened(folder.path(), b"content");
        let sending = is_sent.then(|| noting(&Arc::default()));
        let path = folder.path().join("bucket/key");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(3).unwrap();
        let mut unsent = unsent(object, 0..7, sending);
        assert!(unsent.first_piece().await.is_err());
    }
}

#[tokio::test]
async fn small_objects_are_read_at_once_and_large_ones_sent() {
    let folder = tempfile::tempdir().unwrap();
    let size = READ_SIZE_BYTES + 1;
    let content = vec![1; usize::try_from(size).unwrap()];
    let object = Arc::new(opened(folder.path(), &content));
    for (length, sends, expected) in [
        (0, true, 0),
        (size, true, 0),
        (READ_SIZE_BYTES, true, READ_SIZE_BYTES),
        (size, false, size),
    ] {
        let mut unsent = Unsent {
            object: Arc::clone(&object),
            range: 0..length,
            sending: sends.then(|| noting(&Arc::default())),
        };
        let first = unsent.first_piece().await.unwrap();
        assert_eq!(first.len() as u64, expected, "{length} {sends}");
        assert_eq!(unsent.range, expected..length);
    }
}
