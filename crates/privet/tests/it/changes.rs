//! The edge is told of changes at origins: what it keeps of an object counts as changed at once.

use crate::support::*;
use privet_edge::ChangeError;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

const ID: &str = "EDFDVBD6EXAMPLE";

/// Writes over a file by way of a memory map. On a file system in memory its times stay as they are from the first
/// write on, which this one does with the bytes that are there.
const MAPPER: &str = "
import mmap, sys
file = open(sys.argv[1], 'r+b')
map = mmap.mmap(file.fileno(), 0)
map[:] = map[:]
print('mapped', flush=True)
while bytes := sys.stdin.buffer.read(len(map)):
    map[:] = bytes
    print('written', flush=True)
";

/// A file whose size and times do not change when its bytes do.
struct MappedFile(Child);

impl MappedFile {
    fn new(path: &Path, bytes: &[u8]) -> Self {
        std::fs::write(path, bytes).unwrap();
        let process = Command::new("python3")
            .args(["-c", MAPPER])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut file = MappedFile(process);
        file.hear("mapped");
        file
    }

    fn hear(&mut self, expected: &str) {
        let stdout = self.0.stdout.as_mut().unwrap();
        let mut line = vec![0; expected.len() + 1];
        stdout.read_exact(&mut line).unwrap();
        assert_eq!(line, format!("{expected}\n").as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.stdin.as_mut().unwrap().write_all(bytes).unwrap();
        self.hear("written");
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn folder_config(folder: &Path, other: &str) -> String {
    let origins = Remote::without_origin()
        .origin(
            "app",
            &format!("folder = {folder:?}\norigin_path = \"/site\""),
        )
        .behavior("compress = true\nvideo = { segment_duration = \"2s\" }")
        .tables(other);
    origins.config()
}

/// The same folder by another name, for another distribution.
fn other_distribution(folder: &Path) -> String {
    format!(
        "[[distributions]]\nid = \"EOTHER\"\ndomain_name = \"other.example.com\"\n\
         certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n\
         [[distributions.origins]]\nid = \"all\"\nfolder = {folder:?}\n\
         [distributions.default_behavior]\norigin = \"all\"\n"
    )
}

/// Asks until the object is kept in memory: a young file is not.
fn keep(edge: &TestEdge, url: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = edge.get(url);
        if answer.header("X-Cache") == Some("Hit from cloudfront") {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_was_written_is_another_one_though_its_times_are_the_same() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("site/a.html");
    std::fs::create_dir(folder.path().join("site")).unwrap();
    let (old, new) = (numbered_lines(10_000), vec![b'n'; 10_000]);
    let mut file = MappedFile::new(&path, &old);
    let config = folder_config(folder.path(), &other_distribution(folder.path()));
    let mut edge = TestEdge::configured(&config);
    let others = "http://other.example.com/site/a.html";
    let kept = keep(&edge, &url("/a.html"));
    keep(&edge, others);
    let form = |edge: &TestEdge| edge.fetch_with("/a.html", &[("Accept-Encoding", "br")]);
    assert!(plain_bytes(&form(&edge)) == old);
    let times = || {
        let data = std::fs::metadata(&path).unwrap();
        (data.ctime(), data.ctime_nsec(), data.mtime_nsec())
    };
    let before = times();
    file.write(&new);
    assert_eq!(times(), before);
    // Nobody can see it.
    assert!(edge.get(&url("/a.html")).body == old);
    let check = |edge: &TestEdge| {
        // Connections are spread over the workers.
        for _ in 0..4 {
            let answer = edge.get(&url("/a.html"));
            assert!(answer.body == new);
            assert_ne!(answer.field("ETag"), kept.header("ETag"));
        }
        assert!(edge.get(others).body == new);
        assert!(plain_bytes(&form(edge)) == new);
        let tag = kept.field("ETag").unwrap();
        let asked = edge.fetch_with("/a.html", &[("If-None-Match", tag)]);
        assert_eq!(asked.status(), 200);
    };
    edge.running().changed(ID, "app", "/site/a.html").unwrap();
    check(&edge);
    edge.reload(&config).unwrap();
    check(&edge);
}

/// What is known of a video, and the blocks of it that are in memory, are of the file as it was.
#[cfg(target_os = "linux")]
#[test]
fn a_video_that_was_written_is_read_anew_though_its_times_are_the_same() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    std::fs::create_dir(folder.path().join("site")).unwrap();
    let path = folder.path().join("site/talk.mp4");
    // Too large to be kept whole.
    let [old, new] = [0, 1].map(|version| MadeVideo::new(4, 30_000, version));
    assert_eq!(old.bytes.len(), new.bytes.len());
    let mut file = MappedFile::new(&path, &old.bytes);
    let edge = TestEdge::configured(&folder_config(folder.path(), ""));
    keep(&edge, &url("/talk.mp4"));
    let segment = || edge.get(&url("/talk.mp4/hls/t1/1.m4s"));
    let before = segment();
    assert!(samples_of(&before.body) == old.picture(1));
    file.write(&new.bytes);
    // Nobody can see it.
    assert!(segment().body == before.body);
    edge.running().changed(ID, "app", "/site/talk.mp4").unwrap();
    for _ in 0..4 {
        let after = segment();
        assert!(samples_of(&after.body) == new.picture(1));
        assert_ne!(after.field("ETag"), before.field("ETag"));
    }
    // A video that is none any more.
    file.write(&vec![b'n'; new.bytes.len()]);
    edge.running().changed(ID, "app", "/site/talk.mp4").unwrap();
    assert_eq!(segment().status(), 422);
}

#[test]
fn a_write_that_shows_keeps_the_tag_that_it_makes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("site")).unwrap();
    let path = folder.path().join("site/a.txt");
    let edge = TestEdge::configured(&folder_config(folder.path(), ""));
    std::fs::write(&path, "new").unwrap();
    // However long the test takes, the file is a young one.
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3_600))
        .unwrap();
    let before = edge.get(&url("/a.txt"));
    edge.running().changed(ID, "app", "/site/a.txt").unwrap();
    let after = edge.get(&url("/a.txt"));
    assert_eq!(after.body, b"new");
    assert!(after.field("ETag").is_some());
    assert_eq!(after.field("ETag"), before.field("ETag"));
    std::fs::remove_file(&path).unwrap();
    edge.running().changed(ID, "app", "/site/a.txt").unwrap();
    assert_eq!(edge.get(&url("/a.txt")).status(), 404);
}

/// Objects are the number of the request that fetched them, each counted for itself.
fn counting_bucket() -> FakeOrigin {
    let asked = Mutex::new(HashMap::<String, usize>::new());
    FakeOrigin::start(move |ask| {
        let mut asked = asked.lock().unwrap();
        let count = asked.entry(ask.target.clone()).or_default();
        *count += 1;
        OriginAnswer::whole(
            200,
            &[("Cache-Control", "max-age=86400")],
            count.to_string(),
        )
    })
}

#[test]
fn an_object_of_a_bucket_is_fetched_anew() {
    let bucket = counting_bucket();
    let lines = format!(
        "s3 = {{ bucket = \"videos\", endpoint = {:?}, addressing = \"path\", signing = \"never\" }}\n\
         origin_path = \"/site\"",
        bucket.url()
    );
    let edge = Remote::without_origin()
        .origin("app", &lines)
        .policy("query_strings = \"all\"")
        .start();
    let bodies = |paths: &[&str]| -> Vec<String> {
        let answers = paths.iter().map(|path| edge.fetch(path));
        answers
            .map(|answer| String::from_utf8(answer.body).unwrap())
            .collect()
    };
    let paths = ["/a b", "/a b?v=1", "/b"].map(|path| path.replace(' ', "%20"));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(bodies(&paths), ["1", "2", "1"]);
    assert_eq!(bodies(&paths), ["1", "2", "1"]);
    // Another object, and one that no viewer gets to.
    for path in ["/site/a", "/a%20b", "/other/a%20b"] {
        edge.running().changed(ID, "app", path).unwrap();
    }
    assert_eq!(bodies(&paths), ["1", "2", "1"]);
    edge.running().changed(ID, "app", "/site/a%20%62").unwrap();
    assert_eq!(bodies(&paths), ["3", "4", "1"]);
}

#[test]
fn what_is_not_there_is_not_taken_note_of() {
    let bucket = counting_bucket();
    let edge = Remote::new(&bucket).start();
    let check = |distribution: &str, origin: &str| {
        let told = edge.running().changed(distribution, origin, "/a");
        assert_eq!(
            told.unwrap_err().to_string(),
            format!(
                "no behavior of distribution {distribution:?} has an origin {origin:?}; look at the ids in the configuration"
            )
        );
    };
    check(ID, "none");
    check("ENONE", "app");
    let told = edge.running().changed(ID, "app", "a");
    assert_eq!(told, Err(ChangeError::Path("a".to_owned())));
    edge.running().changed(ID, "app", "/a").unwrap();
}
