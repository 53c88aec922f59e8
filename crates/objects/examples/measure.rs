//! Measures a bucket on disk: `measure FOLDER [OBJECTS]` writes and reads small objects, then lists 100,000 in one
//! folder, and `OBJECTS` (a million) in folders of a thousand. The folder is left behind for another look.

use privet_objects::{
    BucketFolder, BucketName, BucketsFolder, DeleteConditions, Digests, Entry, Headers, Key, ListRequest, Settings,
    WriteConditions,
};
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SMALL_BYTES: usize = 4096;
const IN_ONE_FOLDER: usize = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("the folder is named"));
    let objects = arguments.next().map_or(1_000_000, |number| number.parse().expect("a number"));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for sync in [false, true] {
        let bucket = open(&folder, "small", sync);
        small_objects(&bucket, if sync { 500 } else { 20_000 }, sync);
    }
    let bucket = open(&folder, "one-folder", false);
    fill(&bucket, "one folder", IN_ONE_FOLDER, |number| format!("all/{number:07}"));
    lists(&folder, "one-folder", "all/");
    let bucket = open(&folder, "many-folders", false);
    fill(&bucket, "folders of 1000", objects, |number| format!("{:04}/{number:07}", number / 1000));
    lists(&folder, "many-folders", "");
}

fn open(folder: &PathBuf, name: &str, sync: bool) -> BucketFolder {
    let settings = Settings {
        sync,
        ..Settings::default()
    };
    let buckets = BucketsFolder::open(folder, &settings).expect("the folder can be opened");
    let name = BucketName::new(name).expect("a name");
    let bucket = buckets.bucket(&name).expect("a bucket or none");
    bucket.unwrap_or_else(|| buckets.create(&name).expect("a new bucket"))
}

fn put(bucket: &BucketFolder, key: &str, content: &[u8]) {
    let headers = Headers {
        content_type: Some("image/jpeg".into()),
        ..Headers::default()
    };
    let key = Key::new(key).expect("a key");
    let mut upload = bucket.begin(&key, headers).expect("an upload");
    upload.write(content).expect("room");
    upload.commit(&WriteConditions::default(), &Digests::default()).expect("an object");
}

fn small_objects(bucket: &BucketFolder, count: usize, sync: bool) {
    let content = vec![7; SMALL_BYTES];
    let key = |number: usize| format!("{}/{number}", number % 100);
    let started = Instant::now();
    (0..count).for_each(|number| put(bucket, &key(number), &content));
    show(&format!("put of 4 KiB, sync {sync}"), started.elapsed(), count);
    let started = Instant::now();
    let mut buffer = vec![0; SMALL_BYTES];
    for number in 0..count {
        let mut object = bucket.open(&Key::new(key(number)).expect("a key")).expect("an object");
        object.file.read_exact(&mut buffer).expect("its content");
    }
    show("get of 4 KiB", started.elapsed(), count);
    let started = Instant::now();
    for number in 0..count {
        let key = Key::new(key(number)).expect("a key");
        bucket.delete(&key, &DeleteConditions::default()).expect("gone");
    }
    show(&format!("delete, sync {sync}"), started.elapsed(), count);
}

fn fill(bucket: &BucketFolder, what: &str, count: usize, key: impl Fn(usize) -> String) {
    let last = Key::new(key(count - 1)).expect("a key");
    if bucket.metadata(&last).is_ok() {
        return;
    }
    let started = Instant::now();
    (0..count).for_each(|number| put(bucket, &key(number), b"x"));
    show(&format!("put of 1 byte, {what}"), started.elapsed(), count);
}

/// Lists everything by pages of 1,000, by a process that knows nothing yet and by one that does.
fn lists(folder: &PathBuf, name: &str, prefix: &str) {
    let bucket = open(folder, name, false);
    for round in ["first", "second"] {
        let mut request = ListRequest {
            prefix: prefix.to_owned(),
            max: 1000,
            ..ListRequest::default()
        };
        let mut times = Vec::new();
        loop {
            let started = Instant::now();
            let page = bucket.list(&request).expect("a page");
            times.push(started.elapsed());
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        spread(&format!("list of {name}, {round} time, 1000 a page"), times);
    }
    let request = ListRequest {
        delimiter: Some("/".into()),
        max: 1000,
        ..ListRequest::default()
    };
    let started = Instant::now();
    let page = bucket.list(&request).expect("a page");
    let common = page.entries.iter().filter(|entry| matches!(entry, Entry::CommonPrefix(_))).count();
    show(&format!("list of {common} common prefixes"), started.elapsed(), 1);
    after_writes(&bucket, prefix);
}

/// Lists a page after each of some writes to the folder that is listed.
fn after_writes(bucket: &BucketFolder, prefix: &str) {
    let folder = if prefix.is_empty() { "0500/" } else { prefix };
    let request = ListRequest {
        prefix: folder.to_owned(),
        max: 1000,
        ..ListRequest::default()
    };
    let mut times = Vec::new();
    for number in 0..100 {
        put(bucket, &format!("{folder}new-{number}"), b"x");
        let started = Instant::now();
        bucket.list(&request).expect("a page");
        times.push(started.elapsed());
    }
    spread("list of a page after a write", times);
}

fn show(what: &str, time: Duration, count: usize) {
    let each = time / u32::try_from(count).expect("not so many");
    let _ = writeln!(std::io::stdout(), "{what}: {each:?} each, {count} in {time:?}");
}

fn spread(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    let (half, most, all) = (at(50), at(99), at(100));
    let _ = writeln!(std::io::stdout(), "{what}: p50 {half:?}, p99 {most:?}, max {all:?}, {} pages", times.len());
}
