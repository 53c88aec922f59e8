//! Several processes and threads on one bucket, and processes that are killed.

use crate::folder::{Folder, get, key, name, put, settings};
use privet_objects::{
    BucketFolder, BucketsFolder, CompletedPart, Completion, DeleteConditions, Digests, Headers,
    ObjectError, TagCondition, WriteConditions,
};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The folder that a child works on, and what it does there.
const FOLDER: &str = "PRIVET_OBJECTS_TEST_FOLDER";
const ROLE: &str = "PRIVET_OBJECTS_TEST_ROLE";
/// Size of the objects that are written and killed.
const SIZE_BYTES: usize = 300_000;

#[test]
fn of_parallel_writers_one_creates() {
    let folder = Folder::new();
    let (_other, other) = folder.again();
    for round in 0..50 {
        for text in [format!("a/{round}"), format!("odd//{round}")] {
            let created = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for writer in 0..6 {
                    let bucket = if writer % 2 == 0 {
                        &folder.bucket
                    } else {
                        &other
                    };
                    let (created, text) = (&created, &text);
                    scope.spawn(move || {
                        let conditions = WriteConditions {
                            if_none_match: Some(TagCondition::Any),
                            ..WriteConditions::default()
                        };
                        match put(bucket, text, &writer.to_string(), &conditions) {
                            Ok(_) => created.fetch_add(1, Ordering::Relaxed),
                            Err(error) => {
                                assert_eq!(error, ObjectError::PreconditionFailed);
                                0
                            }
                        };
                    });
                }
            });
            assert_eq!(created.into_inner(), 1, "{text}");
        }
    }
}

/// A counter that is read and written on condition loses nothing.
#[test]
fn of_parallel_writers_all_count() {
    let folder = Folder::new();
    folder.put("counter", "0");
    let (_other, other) = folder.again();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let bucket = if writer % 2 == 0 {
                &folder.bucket
            } else {
                &other
            };
            scope.spawn(move || (0..25).for_each(|_| count_up(bucket)));
        }
    });
    assert_eq!(folder.get("counter").unwrap(), "100");
}

fn count_up(bucket: &BucketFolder) {
    loop {
        let mut object = bucket.open(&key("counter")).unwrap();
        let mut text = String::new();
        object.file.read_to_string(&mut text).unwrap();
        let next = (text.parse::<u32>().unwrap() + 1).to_string();
        let conditions = WriteConditions {
            if_match: Some(TagCondition::OneOf(vec![object.metadata.etag.to_string()])),
            ..WriteConditions::default()
        };
        match put(bucket, "counter", &next, &conditions) {
            Ok(_) => return,
            Err(error) => assert_eq!(error, ObjectError::PreconditionFailed),
        }
    }
}

/// Folders that are made and removed all the time are in nobody's way.
#[test]
fn parallel_writers_and_deleters_share_folders() {
    let folder = Folder::new();
    let (_other, other) = folder.again();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let bucket = if writer % 2 == 0 {
                &folder.bucket
            } else {
                &other
            };
            scope.spawn(move || {
                for round in 0..200 {
                    let text = format!("a/b/c/{writer}");
                    put(
                        bucket,
                        &text,
                        &round.to_string(),
                        &WriteConditions::default(),
                    )
                    .unwrap();
                    assert_eq!(get(bucket, &text).unwrap(), round.to_string());
                    bucket
                        .delete(&key(&text), &DeleteConditions::default())
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(folder.keys(), Vec::<String>::new());
    assert!(!folder.path("a").exists());
}

/// Nothing that was acknowledged is lost, and nothing is torn, however often the writer is killed.
#[test]
fn killed_writers_leave_whole_objects() {
    let folder = Folder::new();
    let mut acknowledged = 0;
    for round in 0..20_usize {
        let mut child = child(&folder, "write");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed somewhere in the middle of what follows the last line that is read.
        let stop = 3 + round * 7 % 40;
        let mut last = 0;
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("done ") {
                last = number.parse().unwrap();
                if last - acknowledged >= stop {
                    break;
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.map_while(Result::ok);
        let rest = rest.filter_map(|line| {
            line.strip_prefix("done ")
                .and_then(|number| number.parse().ok())
        });
        acknowledged = rest.last().unwrap_or(last).max(last);
        check_whole(&folder, acknowledged);
    }
    assert!(acknowledged >= 60, "{acknowledged}");
    folder
        .bucket
        .expire(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
}

/// Checks that the objects have at least the version that was acknowledged last, and one version each.
fn check_whole(folder: &Folder, acknowledged: usize) {
    for text in folder.keys() {
        let mut object = folder.bucket.open(&key(&text)).unwrap();
        let mut content = Vec::new();
        object.file.read_to_end(&mut content).unwrap();
        assert_eq!(content.len(), SIZE_BYTES, "{text}");
        let version = usize::from_le_bytes(*content.first_chunk().unwrap());
        assert_eq!(content, content_of(version), "{text}");
        assert!(
            object.metadata.checksums.is_empty()
                && !object.metadata.etag.to_string().ends_with("-0")
        );
    }
    let version = |text: &str| {
        let mut object = folder.bucket.open(&key(text)).unwrap();
        let mut first = [0; 8];
        object.file.read_exact(&mut first).unwrap();
        usize::from_le_bytes(first)
    };
    if acknowledged > 0 {
        for text in ["a/b", "odd//key", "parts"] {
            assert!(version(text) >= acknowledged, "{text}");
        }
    }
}

fn content_of(version: usize) -> Vec<u8> {
    version
        .to_le_bytes()
        .into_iter()
        .cycle()
        .take(SIZE_BYTES)
        .collect()
}

/// Starts this test binary as a process that works on the folder.
fn child(folder: &Folder, role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "processes::as_a_child",
        "--ignored",
        "--nocapture",
    ]);
    command.env(FOLDER, folder.root()).env(ROLE, role);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a process that other tests start and kill"]
fn as_a_child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let buckets = BucketsFolder::open(&folder, &settings()).unwrap();
    let bucket = buckets.bucket(&name("media")).unwrap().unwrap();
    match std::env::var(ROLE).unwrap().as_str() {
        "write" => write_versions(&bucket),
        role => panic!("no such role: {role}"),
    }
}

/// Writes versions until it is killed, and says which are done.
fn write_versions(bucket: &BucketFolder) {
    let first = bucket.open(&key("parts")).map_or(0, |mut object| {
        let mut first = [0; 8];
        object.file.read_exact(&mut first).unwrap();
        usize::from_le_bytes(first)
    });
    for version in first + 1.. {
        let content = content_of(version);
        for text in ["a/b", "odd//key"] {
            let mut upload = bucket.begin(&key(text), Headers::default()).unwrap();
            content
                .chunks(70_000)
                .for_each(|chunk| upload.write(chunk).unwrap());
            upload
                .commit(&WriteConditions::default(), &Digests::default())
                .unwrap();
        }
        write_parts(bucket, &content);
        put_and_delete(bucket, &content);
        println!("done {version}");
    }
}

fn write_parts(bucket: &BucketFolder, content: &[u8]) {
    let upload = bucket
        .create_upload(&key("parts"), Headers::default(), None)
        .unwrap();
    let mut completion = Completion::default();
    for (number, chunk) in (1..).zip(content.chunks(100_000)) {
        let mut part = bucket.part(&upload.key, &upload.id, number).unwrap();
        part.write(chunk).unwrap();
        let etag = part.commit(&Digests::default()).unwrap().etag.to_string();
        completion.parts.push(CompletedPart {
            number,
            etag,
            checksum: None,
        });
    }
    bucket
        .complete(&upload.key, &upload.id, &completion)
        .unwrap();
}

fn put_and_delete(bucket: &BucketFolder, content: &[u8]) {
    let mut upload = bucket
        .begin(&key("deleted/again"), Headers::default())
        .unwrap();
    upload.write(content).unwrap();
    upload
        .commit(&WriteConditions::default(), &Digests::default())
        .unwrap();
    bucket
        .delete(&key("deleted/again"), &DeleteConditions::default())
        .unwrap();
}
