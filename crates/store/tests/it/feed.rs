//! The feed of changes: nobody misses one, whoever wrote it and in whatever order it was committed.

use privet_store::limits::BODY_BYTES_MAX;
use privet_store::{EdgeReport, Location, StoreError, Timestamp};
use serde_json::json;
use tokio_postgres::NoTls;

use crate::support::{NOW, Place, change, on_both, put, run, server};

#[test]
fn another_program_hears_of_changes() {
    on_both(async |place| {
        let (writer, follower) = (place.open().await, place.open().await);
        let mut here = writer.watch();
        let mut there = follower.watch();
        for number in 1..=5 {
            put(&writer, vec![change("a", json!(number))])
                .await
                .unwrap();
            here.wait_for(|change| *change == number).await.unwrap();
            there.wait_for(|change| *change == number).await.unwrap();
        }
        let changes = follower.changes_after(3, 1000).await.unwrap();
        let numbers: Vec<_> = changes
            .iter()
            .map(|change| (change.seq, change.version))
            .collect();
        assert_eq!(numbers, [(4, Some(4)), (5, Some(5))]);
    });
}

#[test]
fn followers_miss_nothing_of_two_programs() {
    on_both(async |place| {
        let stores = [place.open().await, place.open().await];
        let follower = place.open().await;
        let writing = stores.into_iter().enumerate().map(|(index, store)| {
            tokio::spawn(async move {
                for number in 0..100 {
                    let id = format!("{index}-{number}");
                    put(&store, vec![change(&id, json!(number))]).await.unwrap();
                }
            })
        });
        let writing: Vec<_> = writing.collect();
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < 200 {
            let after = seen.last().copied().unwrap_or(0);
            let changes = follower.changes_after(after, 1000).await.unwrap();
            seen.extend(changes.iter().map(|change| change.seq));
        }
        assert_eq!(seen, (1..=200).collect::<Vec<u64>>());
        for task in writing {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_later_change_waits_for_an_earlier_one_that_is_not_committed() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let Location::Url(url) = &place.location else {
        panic!()
    };
    let url = url.to_string();
    run(async {
        let store = place.open().await;
        let connect = async || {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        };
        let (slow, observer) = (connect().await, connect().await);
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(7308335460934677865); \
                    INSERT INTO changes VALUES (1, 0, 'thing', 'slow', 1, 'slow')";
        slow.batch_execute(lock).await.unwrap();
        let writer = store.clone();
        let writing = tokio::spawn(async move { put(&writer, vec![change("a", json!(1))]).await });
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        loop {
            let waiting: i64 = observer.query_one(waits, &[]).await.unwrap().get(0);
            if waiting == 1 {
                break;
            }
        }
        assert!(!writing.is_finished());
        assert_eq!(store.last_change().await.unwrap(), 0);
        slow.batch_execute("COMMIT").await.unwrap();
        assert_eq!(writing.await.unwrap().unwrap().change, 2);
        let changes = store.changes_after(0, 10).await.unwrap();
        let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
        assert_eq!(ids, ["slow", "a"]);
    });
}

#[test]
fn listening_begins_again_when_connections_are_lost() {
    let Some(place) = Place::postgres() else {
        return;
    };
    run(async {
        let store = place.open().await;
        let other = place.open().await;
        put(&store, vec![change("a", json!(1))]).await.unwrap();
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND application_name = 'privet'";
        place.sql(ended).unwrap();
        assert!(server().is_some());
        let mut watch = other.watch();
        let written = put(&store, vec![change("a", json!(2))]).await.unwrap();
        assert_eq!(written.change, 2);
        watch.wait_for(|change| *change == 2).await.unwrap();
        assert_eq!(other.last_change().await.unwrap(), 2);
    });
}

#[test]
fn edges_say_what_is_in_force() {
    on_both(async |place| {
        let store = place.open().await;
        let report = |id: &str, applied_seq| EdgeReport {
            id: id.to_owned(),
            name: "edge".to_owned(),
            version: "1".to_owned(),
            applied_seq,
            state: json!({ "stale": false }),
        };
        assert!(store.report_edge(&report("", 1), NOW).await.is_err());
        let state_of = |length| EdgeReport {
            // With its quotes.
            state: json!("x".repeat(length - 2)),
            ..report("a", 1)
        };
        let refused = store.report_edge(&state_of(BODY_BYTES_MAX + 1), NOW).await;
        let Err(StoreError::Invalid { field, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(field, "edge state");
        assert_eq!(store.edges().await.unwrap(), []);
        let longest = state_of(BODY_BYTES_MAX);
        store.report_edge(&longest, NOW).await.unwrap();
        let later = Timestamp::from_seconds(NOW.seconds() + 5);
        store.report_edge(&report("b", 1), NOW).await.unwrap();
        store.report_edge(&report("a", 1), NOW).await.unwrap();
        store.report_edge(&report("b", 2), later).await.unwrap();
        let edges = store.edges().await.unwrap();
        let found: Vec<_> = edges
            .iter()
            .map(|edge| (edge.report.clone(), edge.seen_at))
            .collect();
        assert_eq!(found, [(report("a", 1), NOW), (report("b", 2), later)]);
        store.forget_edge("a").await.unwrap();
        assert_eq!(store.edges().await.unwrap().len(), 1);
    });
}
