//! Killed at any moment, the store has every acknowledged write, and none in part.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use privet_store::{AuditVerdict, Location, Page, PostgresUrl, Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::{Place, change, count, key, put, run, server};

const PLACE: &str = "PRIVET_STORE_TEST_PLACE";
const FIRST: &str = "PRIVET_STORE_TEST_FIRST";
const RUNS: &str = "PRIVET_STORE_TEST_KILLS";
const WRITERS: u64 = 4;

/// Two documents of one write, which therefore have the same versions.
fn pair(writer: u64) -> [String; 2] {
    [format!("left-{writer}"), format!("right-{writer}")]
}

/// Process that writes until it is killed, and says what was acknowledged. Does nothing unless it is started by the
/// test below.
#[test]
fn child() {
    let Ok(place) = env::var(PLACE) else { return };
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let location = match PostgresUrl::parse(&place) {
        Ok(url) => Location::Url(url),
        Err(_) => Location::File(place.into()),
    };
    let key = key();
    run(async {
        let store = Store::open(StoreOptions { location, key }).await.unwrap();
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in first.. {
                    let text = "x".repeat(3000);
                    let changes = pair(writer)
                        .map(|id| change(&id, json!({ "number": number, "text": text })));
                    put(&store, changes.into()).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {writer} {number}").unwrap();
                    out.flush().unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// Starts a child, kills it when it has acknowledged `writes` writes, and returns the last of each writer.
fn kill_after(place: &str, first: u64, writes: usize) -> BTreeMap<u64, u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env(PLACE, place)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = BTreeMap::new();
    let mut seen = 0;
    for line in lines {
        let line = line.unwrap();
        let Some((_, line)) = line.split_once("acknowledged ") else {
            continue;
        };
        let (writer, number) = line.split_once(' ').unwrap();
        acknowledged.insert(writer.parse().unwrap(), number.parse().unwrap());
        seen += 1;
        if seen == writes {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen >= writes, "the child has ended by itself");
    acknowledged
}

async fn check(store: &Store, acknowledged: &BTreeMap<u64, u64>) {
    for (writer, last) in acknowledged {
        let mut sides = Vec::new();
        for id in pair(*writer) {
            let versions = store
                .versions("thing", &id, &Page::first(1000))
                .await
                .unwrap();
            let bodies: Vec<Value> = versions
                .into_iter()
                .map(|version| version.body.unwrap())
                .collect();
            let stored = store.document("thing", &id).await.unwrap().unwrap();
            assert_eq!(stored.body, bodies[0], "a version without its document");
            sides.push(bodies);
        }
        assert_eq!(sides[0], sides[1], "one half of a write");
        let newest = sides[0][0]["number"].as_u64().unwrap();
        assert!(
            newest >= *last,
            "write {last} of {writer} is lost: {newest}"
        );
    }
    let verdict = store.verify_audit().await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Whole { .. }), "{verdict:?}");
    let last = store.last_change().await.unwrap();
    let mut counted = 0;
    loop {
        let changes = store.changes_after(counted, 1000).await.unwrap();
        if changes.is_empty() {
            break;
        }
        for change in changes {
            counted += 1;
            assert_eq!(change.seq, counted, "a gap in the feed");
        }
    }
    assert_eq!(counted, last);
}

fn kill_often(place: &Place, text: &str) {
    let runs = count(RUNS, 20);
    let mut first = 1;
    for round in 0..runs {
        // Different moments within a group of writes, and within the start of another.
        let writes = 1 + usize::try_from(round * 7 % 23).unwrap();
        let acknowledged = kill_after(text, first, writes);
        first = acknowledged.values().max().unwrap() + 100;
        run(async { check(&place.open().await, &acknowledged).await });
    }
}

#[test]
fn killed_over_a_file_nothing_acknowledged_is_lost() {
    let place = Place::file();
    let Location::File(path) = &place.location else {
        panic!()
    };
    kill_often(&place, path.to_str().unwrap());
}

#[test]
fn killed_over_postgresql_nothing_acknowledged_is_lost() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let Location::Url(url) = &place.location else {
        panic!()
    };
    assert!(server().is_some());
    kill_often(&place, &url.to_string());
}
