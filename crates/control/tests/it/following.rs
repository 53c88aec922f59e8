//! An edge that follows a store: it says when it hears nothing, and when the database was put back to an older state.

use crate::support::*;
use privet_control::{Follower, FollowerOptions, FollowerState, LateStore, LocalCopy, PutBack};
use privet_store::{
    Actor, DocumentChange, Expected, Location, PostgresUrl, Replica, SealingKey, Store,
    StoreOptions, Timestamp, Write,
};
use serde_json::json;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// An edge of a file, beside which a database is followed.
struct Followed {
    fixture: Fixture,
    options: StoreOptions,
}

impl Followed {
    fn new() -> Self {
        let fixture = Fixture::of_file("");
        let options = StoreOptions {
            location: Location::File(fixture.folder.path().join("privet.db")),
            key: SealingKey::generate().unwrap(),
        };
        Followed { fixture, options }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.fixture.folder.path().join(name)
    }

    fn open(&self) -> Store {
        self.fixture
            .wait(Store::open(self.options.clone()))
            .unwrap()
    }

    fn follow(&self, (store, replica): (LateStore, Replica), stale_after: Duration) -> Follower {
        let folder = self.fixture.folder.path().to_owned();
        let options = FollowerOptions {
            edge: self.fixture.edge().clone(),
            copy: LocalCopy::new(replica, self.options.key.clone(), folder),
            store,
            options: self.options.clone(),
            record: self.path("privet.db.edge"),
            edge_name: "one".to_owned(),
            version: "1".to_owned(),
            stale_after,
        };
        Follower::start(options).unwrap()
    }

    fn follow_file(&self, store: &Store) -> Follower {
        let replica = Replica::of_store(store).unwrap();
        self.follow((LateStore::of(store.clone()), replica), PATIENCE)
    }

    /// Waits until the follower says what is expected.
    #[track_caller]
    fn until(
        &self,
        follower: &Follower,
        is_expected: impl Fn(&FollowerState) -> bool,
    ) -> FollowerState {
        let mut state: watch::Receiver<Arc<FollowerState>> = follower.state();
        let waiting = async {
            let waiting = state.wait_for(|state| is_expected(state));
            let found = tokio::time::timeout(PATIENCE, waiting).await;
            found
                .map(|found| found.unwrap().as_ref().clone())
                .map_err(drop)
        };
        let found = self.fixture.wait(waiting);
        found.unwrap_or_else(|()| panic!("{:?}", follower.state().borrow()))
    }

    /// Makes a change that no edge serves anything of.
    fn change(&self, store: &Store, id: &str) {
        let write = Write {
            actor: Actor {
                operator: "local".to_owned(),
                how: "cli".to_owned(),
                address: None,
                request_id: None,
            },
            operation: "change_note".to_owned(),
            at: Timestamp::from_seconds(1_893_456_000),
            changes: vec![DocumentChange {
                kind: "note".to_owned(),
                id: id.to_owned(),
                expected: Expected::Any,
                body: Some(json!({})),
                references: Vec::new(),
                secrets: Vec::new(),
                claims: Vec::new(),
            }],
            idempotency: None,
        };
        self.fixture.wait(store.write(write)).unwrap();
    }

    /// Closes the only store that is open, and keeps a copy of its whole database.
    fn keep(&self, store: Store, name: &str) {
        self.close(store);
        fs::copy(self.path("privet.db"), self.path(name)).unwrap();
    }

    /// Closes the only store that is open: its threads end by themselves, and the last one leaves no journal behind.
    fn close(&self, store: Store) {
        drop(store);
        let until = Instant::now() + PATIENCE;
        while self.path("privet.db-wal").exists() {
            assert!(Instant::now() < until, "the database is still open");
            std::thread::yield_now();
        }
    }

    /// Puts a file in the place of the database, whose stores are closed.
    fn put_in_place(&self, name: &str) {
        for journal in ["privet.db-wal", "privet.db-shm"] {
            let _ = fs::remove_file(self.path(journal));
        }
        fs::copy(self.path(name), self.path("privet.db.copied")).unwrap();
        fs::rename(self.path("privet.db.copied"), self.path("privet.db")).unwrap();
    }
}

#[test]
fn an_edge_says_that_it_is_stale_while_it_waits_for_the_store() {
    let mut followed = Followed::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://privet@127.0.0.1:{port}/privet?sslmode=disable");
    followed.options.location = Location::Url(PostgresUrl::parse(&url).unwrap());
    let copy = followed.path("copy.db");
    let replica = followed.fixture.wait(Replica::open(&copy)).unwrap();
    let stale_after = Duration::from_millis(100);
    let follower = followed.follow((LateStore::default(), replica), stale_after);
    let said = followed.until(&follower, |state| state.is_stale);
    // The first look has not ended: it would have said what is wrong.
    assert_eq!(said.fault, None);
    drop(silent);
    follower.stop();
}

#[test]
fn a_database_that_was_put_back_is_said_after_a_restart_until_it_has_passed() {
    let followed = Followed::new();
    let store = followed.open();
    followed.change(&store, "one");
    followed.keep(store, "old.db");

    let store = followed.open();
    followed.change(&store, "two");
    followed.change(&store, "three");
    let follower = followed.follow_file(&store);
    let state = followed.until(&follower, |state| state.applied == 3);
    assert_eq!(state.put_back, None);
    follower.stop();
    followed.close(store);

    followed.put_in_place("old.db");
    let store = followed.open();
    let follower = followed.follow_file(&store);
    let state = followed.until(&follower, |state| state.put_back.is_some());
    assert_eq!(state.put_back, Some(PutBack { had: 3, has: 1 }));
    assert_eq!(state.applied, 1);
    let edges = followed.fixture.wait(store.edges()).unwrap();
    let reported = &edges[0].report.state["put_back"];
    assert_eq!(reported, &json!({"had": 3, "has": 1}));
    for id in ["2", "3"] {
        followed.change(&store, id);
    }
    let state = followed.until(&follower, |state| state.applied == 3);
    assert_eq!(state.put_back, Some(PutBack { had: 3, has: 1 }));
    followed.change(&store, "4");
    let state = followed.until(&follower, |state| state.applied == 4);
    assert_eq!(state.put_back, None);
    follower.stop();
    followed.close(store);
    let store = followed.open();
    let follower = followed.follow_file(&store);
    let state = followed.until(&follower, |state| state.applied == 4);
    assert_eq!(state.put_back, None);
    follower.stop();
}

#[test]
fn a_database_that_is_put_back_while_it_is_followed_is_said() {
    let followed = Followed::new();
    let store = followed.open();
    followed.change(&store, "one");
    followed.keep(store, "old.db");
    let store = followed.open();
    followed.change(&store, "two");
    let follower = followed.follow_file(&store);
    followed.until(&follower, |state| state.applied == 2);
    followed.put_in_place("old.db");
    let state = followed.until(&follower, |state| state.put_back.is_some());
    assert_eq!(state.put_back, Some(PutBack { had: 2, has: 1 }));
    follower.stop();
}
