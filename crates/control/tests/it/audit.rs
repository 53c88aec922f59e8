//! The audit trail: every change and every refusal, with who, how and why; and it can be checked.

use crate::support::*;
use privet_store::Role;
use serde_json::{Value, json};

fn entries(fixture: &Fixture, query: &str) -> Vec<Value> {
    let listed = fixture.ask_socket(&Ask::get(&format!("/v1/changes?{query}")));
    assert_eq!(listed.status, 200, "{listed:?}");
    listed.json["items"].as_array().unwrap().clone()
}

#[test]
fn refusals_are_written_down_with_their_code() {
    let fixture = Fixture::new();
    let reader = fixture.operator("reader", Role::Read, None);
    let check = |ask: Ask, expected: &Value| {
        let answer = fixture.ask(&ask);
        let query = "outcome=refused&limit=1";
        let entry = &entries(&fixture, query)[0];
        let got = json!([
            entry["operator"],
            entry["operation"],
            entry["document"],
            entry["detail"]
        ]);
        assert_eq!(&got, expected);
        let id = answer.json["request_id"].clone();
        assert_eq!(
            (&entry["how"], &entry["address"]),
            (&json!("api"), &json!("127.0.0.1"))
        );
        assert!(
            entry["request_id"] == id || entry["operator"] == json!("?"),
            "{entry}"
        );
    };
    let post = |target: &str| Ask::new("POST", target).json(&json!({}));
    check(
        post("/v1/keys").bearer(&reader),
        &json!(["reader", "keys.create", null, "role_too_low"]),
    );
    let delete = Ask::new("DELETE", "/v1/keys/K1").bearer(&reader);
    let document = json!({"kind": "public_key", "id": "K1"});
    check(
        delete,
        &json!(["reader", "keys.delete", document, "role_too_low"]),
    );
    check(
        post("/v1/keys"),
        &json!(["?", "keys.create", null, "credentials_absent"]),
    );
    check(
        Ask::get("/v1/none").bearer(&reader),
        &json!(["reader", "none", null, "no_such_path"]),
    );
}

#[test]
fn refused_calls_and_readings_of_an_operator_do_not_fill_the_trail() {
    let fixture = Fixture::new();
    let reader = fixture.operator("reader", Role::Read, None);
    let other = fixture.operator("other", Role::Read, None);
    let refused = |key: &Key| fixture.ask(&Ask::get("/v1/none").bearer(key)).status;
    let count = |query: &str| entries(&fixture, &format!("{query}&limit=200")).len();
    for _ in 0..70 {
        assert_eq!(refused(&reader), 404);
    }
    assert_eq!(refused(&other), 404);
    assert_eq!(count("operator=reader"), 60);
    assert_eq!(count("operator=other"), 1);
    for _ in 0..70 {
        let explain = Ask::new("POST", "/v1/explain").json(&json!({"link": "https://a.example/"}));
        assert_eq!(fixture.ask(&explain.bearer(&reader)).status, 200);
    }
    assert_eq!(count("operator=reader&operation=explain"), 60);
    let clock = fixture.edge().clock();
    clock.set(privet_sign::Timestamp::from_secs(NOW + 60));
    assert_eq!(refused(&reader), 404);
    let entry = &entries(&fixture, "operator=reader&limit=1")[0];
    let expected = json!("no_such_path; 10 more were not written down");
    assert_eq!(entry["detail"], expected, "{entry}");
}

#[test]
fn changes_are_written_down_and_the_trail_is_whole() {
    let fixture = Fixture::new();
    fixture.furnish();
    fixture.put("/v1/keys", &json!({"id": "K2", "pem": OTHER_PUBLIC_KEY}));
    let admin = fixture.admin();
    let group = fixture
        .ask(&Ask::get("/v1/key-groups/viewers").bearer(&admin))
        .json;
    let put = Ask::new("PUT", "/v1/key-groups/viewers").json(&json!({"public_keys": ["K2"]}));
    let put = put
        .header("if-match", group["etag"].as_str().unwrap())
        .signed(&admin);
    let answer = fixture.ask(&put);
    assert_eq!(answer.status, 200, "{answer:?}");
    let entry = &entries(&fixture, "operation=update_key_group")[0];
    assert_eq!(entry["operator"], json!("chief"));
    assert_eq!(entry["before"]["public_keys"], json!(["K1"]));
    assert_eq!(entry["after"]["public_keys"], json!(["K2"]));
    assert_eq!(
        entries(&fixture, "operator=local&operation=create_public_key").len(),
        2
    );
    assert_eq!(entries(&fixture, "from=2030-01-01T00:00:01Z").len(), 0);
    let seq = entry["seq"].as_u64().unwrap();
    let one = fixture.ask_socket(&Ask::get(&format!("/v1/changes/{seq}")));
    assert_eq!(&one.json, entry);
    assert_eq!(
        fixture.ask_socket(&Ask::get("/v1/changes/999999")).status,
        404
    );
    let verdict = fixture.ask_socket(&Ask::get("/v1/changes/verify"));
    assert_eq!(verdict.json["whole"], json!(true), "{verdict:?}");
    for query in ["outcome=x", "from=yesterday", "after=x", "who=x"] {
        let answer = fixture.ask_socket(&Ask::get(&format!("/v1/changes?{query}")));
        assert!([400, 422].contains(&answer.status), "{query}: {answer:?}");
    }
}

#[test]
fn trials_are_written_down() {
    let fixture = Fixture::new();
    fixture.furnish();
    let create = json!({"id": "K2", "pem": OTHER_PUBLIC_KEY});
    let tried = fixture.ask_socket(&Ask::new("POST", "/v1/keys?dry_run=1").json(&create));
    assert_eq!(tried.status, 200, "{tried:?}");
    let entry = &entries(&fixture, "operation=try_create_public_key")[0];
    let name = json!({"kind": "public_key", "id": "K2"});
    assert_eq!(
        (&entry["document"], &entry["outcome"]),
        (&name, &json!("done"))
    );
    let paths = json!({"distribution": "E1", "paths": ["/a"]});
    let tried = Ask::new("POST", "/v1/invalidations?dry_run=1").json(&paths);
    assert_eq!(fixture.ask_socket(&tried).status, 200);
    assert_eq!(
        entries(&fixture, "operation=try_create_invalidation").len(),
        1
    );
}

#[test]
fn a_change_is_in_force_where_edges_say_so() {
    let fixture = Fixture::new();
    fixture.furnish();
    let store = fixture.store.as_ref().unwrap();
    let report = |id: &str, seq: u64| {
        let report = privet_store::EdgeReport {
            id: id.to_owned(),
            name: id.to_owned(),
            version: "1".to_owned(),
            applied_seq: seq,
            state: json!({}),
        };
        let now = privet_store::Timestamp::from_seconds(1_893_456_000);
        fixture.wait(store.report_edge(&report, now)).unwrap();
    };
    let last = fixture.wait(store.last_change()).unwrap();
    report("a", last);
    report("b", last - 1);
    let applied = |change: u64| {
        fixture
            .ask_socket(&Ask::get(&format!("/v1/applied/{change}")))
            .json
    };
    assert_eq!(
        applied(last),
        json!({"edges": 1, "of": 2, "at": "2030-01-01T00:00:00Z"})
    );
    assert_eq!(applied(last - 1)["edges"], json!(2));
    assert_eq!(applied(last + 1), json!({"edges": 0, "of": 2, "at": null}));
    let group =
        || fixture.ask_socket(&Ask::get("/v1/key-groups/viewers")).json["applied"]["edges"].clone();
    assert_eq!(group(), json!(2));
    report("a", 0);
    assert_eq!(group(), json!(1));
    let edges = fixture.ask_socket(&Ask::get("/v1/edges")).json;
    assert_eq!(edges["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        fixture
            .ask_socket(&Ask::new("DELETE", "/v1/edges/a"))
            .status,
        204
    );
    assert_eq!(
        fixture
            .ask_socket(&Ask::new("DELETE", "/v1/edges/a"))
            .status,
        404
    );
}
