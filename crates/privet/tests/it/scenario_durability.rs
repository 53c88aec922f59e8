//! The disk under the cache: without room, and under a process that is killed at any time.

use crate::support::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Starts an origin whose objects follow from their paths: `/NUMBER`.
fn library() -> FakeOrigin {
    FakeOrigin::start(|ask| {
        let number = ask.path()[1..].parse().unwrap_or_default();
        let etag = format!("\"{number}\"");
        let object = Book::of(number);
        PatternedObject::new(object.size_bytes, &etag)
            .of_pattern(object.pattern)
            .with("Cache-Control", "max-age=86400")
            .answer(ask)
    })
}

/// The object under `/NUMBER`: most are small, every tenth has several blocks.
struct Book {
    size_bytes: u64,
    pattern: Pattern,
}

impl Book {
    fn of(number: u64) -> Self {
        let size_bytes = match number % 10 {
            0 => 2_500_000 + number,
            _ => 1_000 + 977 * (number % 100),
        };
        let pattern = Pattern::of_version((number % 251) as u8);
        Book {
            size_bytes,
            pattern,
        }
    }

    #[track_caller]
    fn assert_is(&self, bytes: &[u8]) {
        assert_eq!(bytes.len() as u64, self.size_bytes);
        self.pattern.assert_is(0, bytes);
    }
}

/// A file system with little room; `None` where this user may not mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(folder.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(folder));
        }
        eprintln!("SKIPPED: this user may not mount a tmpfs");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

#[test]
fn a_full_disk_costs_no_answer() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let origin = library();
    let edge = Remote::new(&origin)
        .disk(&disk.0.path().join("cache"))
        .start();
    // The objects take five times the room of the disk.
    for round in 0..2 {
        for number in 0..400 {
            let answer = edge.fetch(&format!("/{number}"));
            assert_eq!(answer.status(), 200, "{number} in round {round}");
            Book::of(number).assert_is(&answer.body);
        }
    }
}

/// `privet serve` in a process of its own, which is killed when dropped.
struct Served {
    process: Child,
    address: SocketAddr,
}

impl Served {
    /// Serves the contents of `folder`; `config` comes from [`Remote`].
    fn start(folder: &Path, config: &str) -> Self {
        let (certificate, key) = certificate();
        fs::write(folder.join("chain.pem"), certificate).unwrap();
        fs::write(folder.join("key.pem"), key).unwrap();
        let keys = key_path("");
        let config = config.replace("KEYS/", keys.to_str().unwrap());
        fs::write(folder.join("privet.toml"), config).unwrap();
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet"), "serve"])
            .arg(folder.join("privet.toml"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line
                .split_once("serving on http://")
                .map(|(_, rest)| rest.parse());
            said.push(line);
            address
        });
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.unwrap_or_else(|| panic!("it does not serve: {said:?}"));
        Served {
            process,
            address: address.unwrap(),
        }
    }

    /// Sends SIGKILL and waits for the end.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Requests objects until the edge is gone; checks every one that arrives complete.
fn load(edge: SocketAddr, first: u64, checked: &AtomicUsize) {
    for number in (first..).step_by(4).map(|number| number % 300) {
        let Ok(stream) = connect(edge, None, None) else {
            return;
        };
        let mut viewer = Viewer::over(stream);
        viewer.send(&Ask::get(url(&format!("/{number}"))).bytes());
        let Some(answer) = viewer.head() else { return };
        assert_eq!(answer.status(), 200);
        let book = Book::of(number);
        let bytes = viewer.take(book.size_bytes as usize);
        book.pattern.assert_is(0, &bytes);
        if (bytes.len() as u64) < book.size_bytes {
            return;
        }
        checked.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_killed_edge_keeps_nothing_torn() {
    let folder = tempfile::tempdir().unwrap();
    let origin = library();
    let config = Remote::new(&origin)
        .disk(&folder.path().join("cache"))
        .config();
    for round in 0..6 {
        let mut served = Served::start(folder.path(), &config);
        let (edge, checked) = (served.address, AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let spawn = |first| {
                let checked = &checked;
                scope.spawn(move || load(edge, first, checked))
            };
            let viewers = [0, 1, 2, 3].map(spawn);
            let is_loaded = || checked.load(Ordering::SeqCst) >= 50 + 40 * round;
            while !is_loaded() && !viewers.iter().all(|viewer| viewer.is_finished()) {
                std::thread::yield_now();
            }
            served.kill();
        });
        let checked = checked.into_inner();
        assert!(
            checked >= 50,
            "the edge ended by itself after {checked} objects"
        );
    }
    let served = Served::start(folder.path(), &config);
    for number in 0..300 {
        let mut viewer = Viewer::plain(served.address, None);
        viewer.send(&Ask::get(url(&format!("/{number}"))).bytes());
        let (answer, body) = viewer.framed_answer();
        assert_eq!(answer.status(), 200);
        Book::of(number).assert_is(&body.whole());
    }
}
