//! Two edges over one database of their machine, in folders of their own: what one of them lacks is not said to be in
//! force, and keeps nothing else from being served.

use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

const ONE: &str = "http://one.example/a";
const TWO: &str = "http://two.example/a";
const OTHER: &str = "http://other.example/a";

/// Two edges, of which the first has the database, and the folder of the distribution `E1` of `one.example`.
struct Pair {
    first: StoredEdge,
    second: StoredEdge,
}

impl Pair {
    fn start(second_settings: &str) -> Self {
        let first = StoredEdge::of_file();
        first.write("bucket/a", "alpha");
        let (file, key) = (first.path("privet.db"), first.path("privet.db.key"));
        let mut second = StoredEdge::new(&format!("file = {file:?}\nkey_file = {key:?}"));
        second.take_operator(&first);
        second.configure(second_settings);
        second.start();
        let one = stored_distribution("E1", "one.example", &first.path("bucket"));
        let made = first.create("/v1/distributions", &one);
        first.until_applied(made, 2);
        Pair { first, second }
    }

    /// Returns `E2` of `two.example`, whose certificate is in files of each machine.
    fn two(&self) -> Value {
        let mut two = stored_distribution("E2", "two.example", &self.first.path("bucket"));
        two["certificate"] = json!({ "chain": "tls/chain.pem", "key": "tls/key.pem" });
        two
    }

    /// Changes something else; returns the number of the change.
    fn change_one(&self) -> u64 {
        self.first.update("/v1/distributions/E1", |document| {
            document["aliases"] = json!(["other.example"]);
        })
    }

    /// Returns what the second edge says of itself.
    fn state(&self) -> Value {
        let edges = self.first.v1("GET", "/v1/edges", &Value::Null).json;
        let mut edges = edges["items"].as_array().unwrap().iter();
        let own = edges.find(|known| known["name"] == self.second.name());
        own.unwrap()["state"].clone()
    }

    /// Waits until the second edge says that it does not serve `E2` as it is stored.
    #[track_caller]
    fn until_failure_is_told(&self) {
        until("the failure is told", || {
            self.state()["failures"][0]["id"] == "E2"
        });
    }

    /// Waits until a change is in force on one of the two edges.
    #[track_caller]
    fn until_applied_by_one(&self, change: u64) {
        let target = format!("/v1/applied/{change}");
        until(&format!("{target} on one"), || {
            let applied = self.first.v1("GET", &target, &Value::Null).json;
            (&applied["edges"], &applied["of"]) == (&json!(1), &json!(2))
        });
    }
}

/// A certificate and its key, which machines get as files.
struct Certificate {
    chain: String,
    key: String,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["two.example".to_owned()]).unwrap();
        Certificate {
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    fn bring_to(&self, edge: &StoredEdge) {
        edge.write("tls/key.pem", &self.key);
        edge.write("tls/chain.pem", &self.chain);
    }
}

#[test]
fn what_a_machine_lacks_is_told_and_served_later() {
    let mut pair = Pair::start("");
    let certificate = Certificate::new();
    let refused = pair.first.v1("POST", "/v1/distributions", &pair.two());
    assert_eq!(refused.status, 422, "{}", refused.json);
    certificate.bring_to(&pair.first);
    let made = pair.first.create("/v1/distributions", &pair.two());
    let later = pair.change_one();
    pair.first.until_status(TWO, 200);
    // A start between does not make it forget.
    for _ in 0..2 {
        pair.second.until_status(OTHER, 200);
        assert_ne!(pair.second.get(TWO).status(), 200);
        pair.until_failure_is_told();
        pair.until_applied_by_one(made);
        pair.until_applied_by_one(later);
        pair.second.kill();
        pair.second.start();
    }
    certificate.bring_to(&pair.second);
    pair.second.until_status(TWO, 200);
    pair.first.until_applied(later, 2);
    until("no failure is told", || {
        pair.state()["failures"] == json!([])
    });
}

#[test]
fn what_a_machine_has_lost_is_served_as_it_was() {
    let pair = Pair::start("");
    let certificate = Certificate::new();
    certificate.bring_to(&pair.first);
    certificate.bring_to(&pair.second);
    let made = pair.first.create("/v1/distributions", &pair.two());
    pair.first.until_applied(made, 2);
    // The edge looks at all files together, and has to have seen these to see that they are gone.
    pair.second.configure("# Loaded again.");
    pair.second.until_it_says("privet.toml is loaded");
    fs::remove_dir_all(pair.second.path("tls")).unwrap();
    pair.until_failure_is_told();
    assert_eq!(pair.second.get(TWO).status(), 200);
    let gone = pair.first.act("POST", "/v1/distributions/E1", "/disable");
    assert_eq!(gone.status, 200, "{}", gone.json);
    pair.second
        .until_status(ONE, pair.second.get("http://none/").status());
    assert_eq!(pair.second.get(TWO).status(), 200);
    certificate.bring_to(&pair.second);
    pair.first
        .until_applied(gone.json["change"].as_u64().unwrap(), 2);
    assert_eq!(pair.second.get(TWO).status(), 200);
}

/// Returns the text of an object and the first word of `X-Cache`.
fn fetched(edge: &StoredEdge, url: &str) -> (String, String) {
    let answer = edge.get(url);
    assert_eq!(answer.status(), 200);
    (answer.text().to_owned(), answer.outcome().to_owned())
}

/// An invalidation of a distribution that was not served at the time is not passed over.
#[test]
fn what_was_invalidated_while_it_was_not_served_does_not_come_back() {
    let asked = AtomicUsize::new(0);
    let origin = FakeOrigin::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst).to_string();
        OriginAnswer::whole(200, &[("Cache-Control", "max-age=86400")], number)
    });
    let mut pair =
        Pair::start("[cache]\nmemory = \"16 MiB\"\nfolder = \"cache\"\ndisk = \"64 MiB\"");
    let certificate = Certificate::new();
    certificate.bring_to(&pair.first);
    certificate.bring_to(&pair.second);
    let mut two = pair.two();
    two["origins"] = json!([{ "id": "videos", "url": origin.url() }]);
    let made = pair.first.create("/v1/distributions", &two);
    pair.first.until_applied(made, 2);
    let kept = "http://two.example/kept";
    let [before, _] = [TWO, kept].map(|url| fetched(&pair.second, url).0);
    pair.second.stop();
    fs::remove_dir_all(pair.second.path("tls")).unwrap();
    pair.second.start();
    pair.until_failure_is_told();
    let paths = json!({ "distribution": "E2", "paths": ["/a"] });
    let made = pair.first.v1("POST", "/v1/invalidations", &paths);
    assert_eq!(made.status, 201, "{}", made.json);
    let later = pair.change_one();
    pair.second.until_status(OTHER, 200);
    pair.until_applied_by_one(later);
    certificate.bring_to(&pair.second);
    pair.first.until_applied(later, 2);
    // Objects on the disk are loaded gradually.
    for url in [kept, TWO] {
        until("the object is served from the cache", || {
            let (text, outcome) = fetched(&pair.second, url);
            assert!(url == kept || text != before, "it came back");
            outcome == "Hit"
        });
    }
}

#[test]
fn a_change_at_either_edge_is_in_force_on_both() {
    let pair = Pair::start("");
    let mut two = stored_distribution("E2", "two.example", Path::new("bucket"));
    two["aliases"] = json!(["one.example"]);
    let refused = pair.second.v1("POST", "/v1/distributions", &two);
    assert!([409, 422].contains(&refused.status), "{}", refused.json);
    // The folder of each machine.
    two["aliases"] = json!([]);
    pair.second.write("bucket/a", "beta");
    let made = pair.second.create("/v1/distributions", &two);
    pair.first.until_applied(made, 2);
    assert_eq!(pair.first.sees(TWO), (200, "alpha".to_owned()));
    assert_eq!(pair.second.sees(TWO), (200, "beta".to_owned()));
    let disabled = pair.first.act("POST", "/v1/distributions/E2", "/disable");
    pair.second
        .until_applied(disabled.json["change"].as_u64().unwrap(), 2);
    assert_ne!(pair.first.get(TWO).status(), 200);
    assert_ne!(pair.second.get(TWO).status(), 200);
}
