//! The process dies at any moment; no partial, torn or stale entry is found afterwards.
//!
//! The test starts itself as a child, which writes and reports what it has done; the parent kills it and reads.

use crate::common::{DISK, MEMORY, key, object, open, open_loaded};
use privet_cache::StoreEvent;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const FOLDER: &str = "PRIVET_CACHE_KILL_FOLDER";
const ROUND: &str = "PRIVET_CACHE_KILL_ROUND";
const ROUNDS: u64 = 30;
const KEYS: u64 = 60;

/// The child's last report about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// The key has at least this version, or nothing.
    Put(u64),
    /// The key has nothing older than this version.
    Removed(u64),
}

#[test]
fn a_killed_store_serves_nothing_wrong() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        // This is the child.
        return write_until_killed(Path::new(&folder), round.parse().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut last: HashMap<u64, Last> = HashMap::new();
    let mut invalidations = 0;
    let mut found = 0;
    for round in 1..=ROUNDS {
        run_and_kill(folder.path(), round, &mut last, &mut invalidations);
        let opened = open_loaded(folder.path());
        for (number, last) in &last {
            let version = opened.version(*number);
            found += u64::from(version.is_some());
            match (version, *last) {
                (None, Last::Put(_) | Last::Removed(_)) => {}
                (Some(version), Last::Put(least)) => assert!(version >= least, "{number}"),
                (Some(version), Last::Removed(least)) => assert!(version > least, "{number}"),
            }
        }
        assert!(opened.store.current_seq() >= invalidations, "round {round}");
        invalidations = opened.store.current_seq();
    }
    assert!(found > ROUNDS, "only {found} entries survived");
}

fn run_and_kill(folder: &Path, round: u64, last: &mut HashMap<u64, Last>, invalidations: &mut u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::a_killed_store_serves_nothing_wrong",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The child is killed at a different moment each time, and once at the very beginning.
    let wanted = usize::try_from(round * 97 % 1_500).unwrap();
    let mut hear = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, number, version, "."] = words[..] else {
            return;
        };
        let (Ok(number), Ok(version)) = (number.parse(), version.parse()) else {
            return;
        };
        match word {
            "put" => last.insert(number, Last::Put(version)),
            "removed" => last.insert(number, Last::Removed(version)),
            "seq" => {
                *invalidations = number;
                None
            }
            _ => None,
        };
    };
    for line in lines.by_ref().take(wanted) {
        hear(&line.unwrap());
    }
    child.kill().unwrap();
    // Reports from before its death count as well; the last line may be cut short.
    for line in lines.map_while(Result::ok) {
        hear(&line);
    }
    child.wait().unwrap();
}

fn write_until_killed(folder: &Path, round: u64) {
    let opened = open(folder, MEMORY, DISK);
    if round.is_multiple_of(2) {
        opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    }
    let mut state = round * 7_777 + 1;
    let mut out = std::io::stdout();
    for step in 0..1_000_000_u64 {
        state = state * 48_271 % 2_147_483_647;
        let number = state % KEYS;
        let version = round * 10_000_000 + step;
        let line = match step % 7 {
            0 => {
                opened.store.remove(&key(number));
                format!("removed {number} {version} .\n")
            }
            3 if step % 5 == 0 => {
                let seq = opened.store.journal_append(b"/some/path*").unwrap();
                format!("seq {seq} 0 .\n")
            }
            _ => {
                opened
                    .store
                    .put_object(key(number), object(number, version));
                format!("put {number} {version} .\n")
            }
        };
        out.write_all(line.as_bytes()).unwrap();
    }
}
