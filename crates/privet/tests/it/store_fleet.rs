//! Edges that follow one PostgreSQL database: changes reach all of them, none is missed, and what is known is served
//! while the database is away.

use crate::support::*;
use privet_store::{DocumentChange, Expected, Store, Timestamp, Write};
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const ONE: &str = "http://one.example/a";
const NOWHERE: &str = "http://nowhere.example/a";

/// Makes the folder of an edge of the fleet; nothing is started.
fn machine(url: &str) -> StoredEdge {
    let edge = StoredEdge::new(&format!(
        "url = {url:?}\ncopy = \"copy.db\"\nkey_file = \"fleet.key\""
    ));
    edge.write("fleet.key", SEALING_KEY);
    edge.write("bucket/a", "alpha");
    edge
}

/// A database and two running edges, of which the first has the folder that distributions name.
struct Fleet {
    database: Database,
    first: StoredEdge,
    second: StoredEdge,
}

impl Fleet {
    fn start() -> Option<Self> {
        let database = Database::start()?;
        let mut first = machine(&database.url());
        first.make_operator();
        first.start();
        let mut second = machine(&database.url());
        second.take_operator(&first);
        second.start();
        Some(Fleet {
            database,
            first,
            second,
        })
    }

    fn distribution(&self, id: &str, host: &str) -> Value {
        stored_distribution(id, host, &self.first.path("bucket"))
    }

    fn edges(&self) -> [&StoredEdge; 2] {
        [&self.first, &self.second]
    }

    /// Creates `E1` of `one.example`, and waits until it is in force on both edges.
    fn create_one(&self) -> u64 {
        let made = self
            .first
            .create("/v1/distributions", &self.distribution("E1", "one.example"));
        self.first.until_applied(made, 2);
        made
    }

    #[track_caller]
    fn check(&self, url: &str, status: u16) {
        for edge in self.edges() {
            assert_eq!(edge.get(url).status(), status, "{url} at {}", edge.http());
        }
    }
}

#[track_caller]
fn check_start(database: &Database, spoil: impl FnOnce(&StoredEdge), expected: &str) {
    let edge = machine(&database.url());
    spoil(&edge);
    let said = edge.refuses_to_start();
    assert!(said.contains(expected), "{said}");
    assert!(!said.contains("0001020304"), "a key is told: {said}");
}

#[test]
fn an_edge_without_the_key_of_its_fleet_does_not_start() {
    let Some(fleet) = Fleet::start() else { return };
    fleet.create_one();
    let key = "fleet.key";
    let check =
        |spoil: &dyn Fn(&StoredEdge), expected| check_start(&fleet.database, spoil, expected);
    check(
        &|edge| fs::remove_file(edge.path(key)).unwrap(),
        "does not exist",
    );
    check(&|edge| edge.write(key, &"77".repeat(32)), "key");
    check(&|edge| edge.write(key, "no key"), "openssl rand -hex 32");
    check(
        &|edge| edge.write("copy.db", &"no database ".repeat(99)),
        "delete it, and it is made again",
    );
    fleet.check(ONE, 200);
}

#[test]
fn an_edge_that_never_reached_its_database_starts_and_catches_up() {
    let Some(Fleet {
        database,
        mut first,
        second,
    }) = Fleet::start()
    else {
        return;
    };
    drop(second);
    let distribution = stored_distribution("E1", "one.example", &first.path("bucket"));
    first.create("/v1/distributions", &distribution);
    first.kill();
    database.stop();
    let mut late = machine(&database.url());
    late.take_operator(&first);
    late.start();
    assert_eq!(late.get(ONE).status(), late.get(NOWHERE).status());
    assert_eq!(late.v1("GET", "/v1/edges", &Value::Null).status, 503);
    database.start_again();
    late.until_status(ONE, 200);
}

#[test]
fn a_change_at_one_edge_is_in_force_on_both() {
    let Some(fleet) = Fleet::start() else { return };
    fleet.create_one();
    let refused = fleet.second.v1(
        "POST",
        "/v1/distributions",
        &fleet.distribution("E2", "one.example"),
    );
    assert!([409, 422].contains(&refused.status), "{}", refused.json);
    let begun = Instant::now();
    let made = fleet.second.create(
        "/v1/distributions",
        &fleet.distribution("E2", "two.example"),
    );
    for edge in fleet.edges() {
        edge.until_status("http://two.example/a", 200);
    }
    eprintln!("in force on both after {:.0?}", begun.elapsed());
    fleet.first.until_applied(made, 2);
    eprintln!("reported by both after {:.0?}", begun.elapsed());
    let edges = fleet.first.v1("GET", "/v1/edges", &Value::Null).json;
    let edges = edges["items"].as_array().unwrap().clone();
    assert_eq!(edges.len(), 2);
    for edge in &edges {
        assert!(edge["applied_seq"].as_u64().unwrap() >= made, "{edge}");
        assert_eq!(
            (&edge["state"]["fault"], &edge["state"]["is_stale"]),
            (&Value::Null, &json!(false))
        );
    }
    let disabled = fleet.first.act("POST", "/v1/distributions/E2", "/disable");
    assert_eq!(disabled.status, 200, "{}", disabled.json);
    fleet
        .first
        .until_applied(disabled.json["change"].as_u64().unwrap(), 2);
    let absent = fleet.first.get(NOWHERE).status();
    fleet.check("http://two.example/a", absent);
    fleet.check(ONE, 200);
}

#[test]
fn edges_serve_what_they_know_while_the_database_is_away() {
    let Some(mut fleet) = Fleet::start() else {
        return;
    };
    fleet.create_one();
    fleet.database.stop();
    fleet.check(ONE, 200);
    fleet.first.kill();
    fleet.second.kill();
    fleet.first.start();
    fleet.second.start();
    fleet.check(ONE, 200);
    let two = fleet.distribution("E2", "two.example");
    for edge in fleet.edges() {
        let refused = edge.v1("POST", "/v1/distributions", &two);
        assert_eq!(refused.status, 503, "{}", refused.json);
        assert_eq!(refused.json["code"], "store_unreachable");
    }
    let absent = fleet.first.get(NOWHERE).status();
    fleet.check("http://two.example/a", absent);
    fleet.database.start_again();
    // A machine that serves nobody changes something at once.
    let third = machine(&fleet.database.url());
    let three = format!(
        "[[distributions]]\nid = \"E3\"\ndomain_name = \"three.example\"\n[[distributions.origins]]\nid = \"videos\"\n\
         folder = {:?}\n[distributions.default_behavior]\norigin = \"videos\"\n",
        fleet.first.path("bucket")
    );
    third.write("service.toml", &three);
    third.done(&["import", "service.toml"]);
    for edge in fleet.edges() {
        edge.until_status("http://three.example/a", 200);
    }
    until("the operator is known again", || {
        fleet
            .second
            .v1("GET", "/v1/distributions/E3", &Value::Null)
            .status
            == 200
    });
    let made = fleet.second.create("/v1/distributions", &two);
    fleet.first.until_applied(made, 2);
    fleet.check("http://two.example/a", 200);
    fleet.check(ONE, 200);
}

/// Writes a distribution, or deletes it, behind the backs of the edges.
#[test]
fn an_edge_starts_from_its_copy_while_the_database_takes_no_connections() {
    let Some(mut fleet) = Fleet::start() else {
        return;
    };
    fleet.create_one();
    fleet.first.kill();
    fleet.second.kill();
    fleet.database.allow_connections(false);
    fleet.first.start();
    assert_eq!(fleet.first.get(ONE).status(), 200);
    let edge = fleet.first.v1("GET", "/v1/edges", &Value::Null);
    assert_eq!(edge.status, 503, "{}", edge.json);
    fleet.database.allow_connections(true);
    until("the database is reached again", || {
        fleet.first.v1("GET", "/v1/edges", &Value::Null).status == 200
    });
}

async fn put(store: &Store, id: &str, body: Option<Value>) {
    let change = DocumentChange {
        kind: "distribution".to_owned(),
        id: id.to_owned(),
        expected: Expected::Any,
        body,
        references: Vec::new(),
        secrets: Vec::new(),
        claims: Vec::new(),
    };
    let write = Write {
        actor: other_machine(),
        operation: "change_distribution".to_owned(),
        at: Timestamp::from_seconds(1_800_000_000),
        changes: vec![change],
        idempotency: None,
    };
    store.write(write).await.unwrap();
}

/// Number of distributions that each of two machines writes.
const COUNT: usize = 12;

/// Has two machines write at the same time: each creates distributions, and takes every third back.
fn write_by_two(fleet: &Fleet, round: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let write = |machine: &'static str, store: Store| async move {
            for number in 0..COUNT {
                let id = format!("{round}{machine}{number}");
                let host = format!("{}.example", id.to_lowercase());
                put(&store, &id, Some(fleet.distribution(&id, &host))).await;
                if number % 3 == 2 {
                    put(&store, &id, None).await;
                }
            }
        };
        let (one, other) = (fleet.database.open().await, fleet.database.open().await);
        tokio::join!(write("X", one), write("Y", other));
    });
}

#[track_caller]
fn check_two(fleet: &Fleet, round: &str) {
    let absent = fleet.first.get(NOWHERE).status();
    for machine in ["x", "y"] {
        for number in 0..COUNT {
            let host = format!("{}{machine}{number}.example", round.to_lowercase());
            let status = if number % 3 == 2 { absent } else { 200 };
            fleet.check(&format!("http://{host}/a"), status);
        }
    }
}

#[test]
fn an_edge_that_was_away_misses_nothing_that_two_machines_write_at_once() {
    let Some(mut fleet) = Fleet::start() else {
        return;
    };
    fleet.create_one();
    write_by_two(&fleet, "R1");
    fleet.second.kill();
    write_by_two(&fleet, "R2");
    fleet.database.stop();
    fleet.database.start_again();
    fleet.second.start();
    write_by_two(&fleet, "R3");
    until("the operator is known again", || {
        fleet.first.v1("GET", "/v1/edges", &Value::Null).status == 200
    });
    let last = fleet.first.update("/v1/distributions/E1", |document| {
        document["aliases"] = json!(["other.example"]);
    });
    fleet.first.until_applied(last, 2);
    for round in ["R1", "R2", "R3"] {
        check_two(&fleet, round);
    }
    fleet.check("http://other.example/a", 200);
}

/// Returns the text of an object and the first word of `X-Cache`.
fn fetched(edge: &StoredEdge, url: &str) -> (String, String) {
    let answer = edge.get(url);
    assert_eq!(answer.status(), 200);
    (answer.text().to_owned(), answer.outcome().to_owned())
}

#[test]
fn an_edge_that_was_away_forgets_what_was_invalidated() {
    let Some(mut fleet) = Fleet::start() else {
        return;
    };
    let asked = AtomicUsize::new(0);
    let origin = FakeOrigin::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst).to_string();
        OriginAnswer::whole(200, &[("Cache-Control", "max-age=86400")], number)
    });
    fleet.second.kill();
    fleet
        .second
        .configure("[cache]\nmemory = \"16 MiB\"\nfolder = \"cache\"\ndisk = \"64 MiB\"");
    fleet.second.start();
    let mut document = fleet.distribution("E1", "one.example");
    document["origins"] = json!([{ "id": "videos", "url": origin.url() }]);
    let made = fleet.first.create("/v1/distributions", &document);
    fleet.first.until_applied(made, 2);
    let kept = "http://one.example/kept";
    let before = [ONE, kept].map(|url| fetched(&fleet.second, url).0);
    assert_eq!(
        fetched(&fleet.second, ONE),
        (before[0].clone(), "Hit".to_owned())
    );
    fleet.second.stop();
    let wrong = json!({ "distribution": "E9", "paths": ["/a"] });
    assert_eq!(
        fleet.first.v1("POST", "/v1/invalidations", &wrong).status,
        404
    );
    let paths = json!({ "distribution": "E1", "paths": ["/a"] });
    let made = fleet.first.v1("POST", "/v1/invalidations", &paths);
    assert_eq!(
        (made.status, &made.json["status"]),
        (201, &json!("in_progress")),
        "{}",
        made.json
    );
    fleet.second.start();
    let target = format!("/v1/invalidations/{}", made.json["id"].as_str().unwrap());
    until("the invalidation is completed", || {
        fleet.first.v1("GET", &target, &Value::Null).json["status"] == "completed"
    });
    // Objects on the disk are loaded gradually; until then they are fetched again.
    until("what the disk had is there", || {
        fetched(&fleet.second, kept).1 == "Hit"
    });
    assert_eq!(fetched(&fleet.second, kept).0, before[1]);
    assert_ne!(fetched(&fleet.second, ONE).0, before[0]);
}
