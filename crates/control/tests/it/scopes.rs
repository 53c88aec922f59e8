//! Operators with a scope: what they see and change, and that they hear nothing of everything else.

use crate::support::*;
use privet_store::{EdgeReport, Role, Timestamp};
use serde_json::{Value, json};

#[track_caller]
fn check(fixture: &Fixture, ask: &Ask, expected: (u16, &str)) -> Answer {
    let answer = fixture.ask(ask);
    assert_eq!(
        (answer.status, answer.code()),
        expected,
        "{ask:?} {answer:?}"
    );
    answer
}

/// Makes two distributions, and an admin whose scope is the first.
fn scoped() -> (Fixture, Key) {
    let fixture = Fixture::new();
    fixture.furnish();
    fixture.put("/v1/keys", &json!({"id": "K2", "pem": OTHER_PUBLIC_KEY}));
    fixture.put("/v1/distributions", &distribution("E2", "two.example"));
    let key = fixture.operator("one", Role::Admin, Some(&["E1"]));
    (fixture, key)
}

#[test]
fn a_scope_hides_everything_else() {
    let (fixture, key) = scoped();
    let get = |target: &str| Ask::get(target).bearer(&key);
    let absent = fixture.ask(&get("/v1/distributions/E9"));
    let hidden = fixture.ask(&get("/v1/distributions/E2"));
    assert_eq!(absent.status, 404);
    let text = |answer: &Answer, id: &str| answer.json["detail"].as_str().unwrap().replace(id, "");
    assert_eq!(text(&hidden, "E2"), text(&absent, "E9"));
    check(
        &fixture,
        &get("/v1/distributions/E2/versions"),
        (404, "not_found"),
    );
    check(&fixture, &get("/v1/keys/K2"), (404, "not_found"));
    let ids = |target: &str| {
        let listed = fixture.ask(&get(target)).json["items"].clone();
        let items = listed.as_array().unwrap().iter();
        items
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("/v1/distributions"), ["E1"]);
    assert_eq!(ids("/v1/keys"), ["K1"]);
    assert_eq!(ids("/v1/key-groups"), ["viewers"]);
    // The group is used by both distributions, and only one is to be seen.
    let group = fixture.ask(&get("/v1/key-groups/viewers"));
    assert_eq!(
        group.json["used_by"],
        json!([{"kind": "distribution", "id": "E1"}])
    );
    let explain = |link: &str| {
        Ask::new("POST", "/v1/explain")
            .json(&json!({"link": link}))
            .bearer(&key)
    };
    let link =
        |host: &str| fixture.ask(&explain(&format!("https://{host}/a"))).json["code"].clone();
    assert_eq!(
        (link("two.example"), link("none.example")),
        (json!("not_found"), json!("not_found"))
    );
    let narrow = (403, "scope_too_narrow");
    for target in ["/v1/operators", "/v1/changes", "/v1/changes/verify"] {
        check(&fixture, &get(target), narrow);
    }
}

/// Origins may be folders of the machine, and names may lie beneath a wildcard of others.
#[test]
fn a_scope_allows_changes_of_its_distributions_and_not_of_their_names_and_origins() {
    let (fixture, key) = scoped();
    let get = |target: &str| Ask::get(target).bearer(&key);
    let narrow = (403, "scope_too_narrow");
    let etag = fixture.ask(&get("/v1/keys/K1")).json["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let delete = |target: &str| {
        Ask::new("DELETE", target)
            .header("if-match", &etag)
            .bearer(&key)
    };
    check(
        &fixture,
        &delete("/v1/distributions/E2"),
        (404, "not_found"),
    );
    let new = Ask::new("POST", "/v1/distributions").json(&distribution("E3", "three.example"));
    check(&fixture, &new.bearer(&key), narrow);
    let new = Ask::new("POST", "/v1/keys").json(&json!({"id": "K3", "pem": OTHER_PUBLIC_KEY}));
    check(&fixture, &new.bearer(&key), narrow);
    let etag = fixture.ask(&get("/v1/distributions/E1")).json["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let put = |document: &Value| {
        let put = Ask::new("PUT", "/v1/distributions/E1").json(document);
        put.header("if-match", &etag).bearer(&key)
    };
    let mut document = distribution("E1", "one.example");
    document["origins"][0]["folder"] = json!("/etc");
    check(&fixture, &put(&document), narrow);
    for (place, value) in [
        ("domain_name", json!("a.two.example")),
        ("aliases", json!(["a.two.example"])),
    ] {
        let mut document = distribution("E1", "one.example");
        document[place] = value;
        check(&fixture, &put(&document), narrow);
    }
    let mut document = distribution("E1", "one.example");
    document["default_root_object"] = json!("index.html");
    let answer = fixture.ask(&put(&document));
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Whoever may open a distribution has to be able to close it again.
#[test]
fn a_scope_allows_to_undo_its_changes() {
    let (fixture, key) = scoped();
    let target = "/v1/distributions/E1";
    let read = fixture.ask_socket(&Ask::get(target)).json;
    let mut document = read["document"].clone();
    document["origins"] = json!([{
        "id": "videos", "url": "https://origin.example", "headers": {"x-secret": "hunter2"},
    }]);
    let put = |document: &Value, etag: &Value| {
        let put = Ask::new("PUT", target).json(document);
        put.header("if-match", etag.as_str().unwrap())
    };
    let secret = fixture.ask_socket(&put(&document, &read["etag"])).json;
    let mut document = fixture.ask(&Ask::get(target).bearer(&key)).json["document"].clone();
    document["default_behavior"]
        .as_object_mut()
        .unwrap()
        .remove("trusted_key_groups");
    let opened = fixture.ask(&put(&document, &secret["etag"]).bearer(&key));
    assert_eq!(opened.status, 200, "{opened:?}");
    let undo = &opened.json["undo"];
    let undo = Ask::new(
        undo["method"].as_str().unwrap(),
        undo["path"].as_str().unwrap(),
    )
    .header("if-match", undo["if_match"].as_str().unwrap())
    .json(&undo["body"]);
    let undone = fixture.ask(&undo.bearer(&key));
    assert_eq!(undone.status, 200, "{undone:?}");
    let read = fixture.ask(&Ask::get(target).bearer(&key)).json;
    let groups = &read["document"]["default_behavior"]["trusted_key_groups"];
    assert_eq!(*groups, json!(["viewers"]));
}

#[test]
fn what_a_scope_only_shows_is_not_invalidated() {
    let (fixture, _) = scoped();
    let streaming = json!({"id": "S1", "domain_name": "s.example", "distribution": "E1"});
    fixture.put("/v1/streaming", &streaming);
    let key = fixture.operator("player", Role::Publish, Some(&["S1"]));
    let seen = fixture.ask(&Ask::get("/v1/distributions/E1").bearer(&key));
    assert_eq!(seen.status, 200, "{seen:?}");
    let body = json!({"distribution": "E1", "paths": ["/a"]});
    let invalidate = Ask::new("POST", "/v1/invalidations").json(&body);
    check(&fixture, &invalidate.bearer(&key), (404, "not_found"));
}

#[test]
fn no_refusal_names_what_is_outside_of_a_scope() {
    let (fixture, key) = scoped();
    let streaming = json!({"id": "S2", "domain_name": "s.example", "distribution": "E1"});
    fixture.put("/v1/streaming", &streaming);
    let etag = |target: &str| {
        let read = fixture.ask_socket(&Ask::get(target));
        read.json["etag"].as_str().unwrap().to_owned()
    };
    let delete = |target: &str| {
        let delete = Ask::new("DELETE", target).header("if-match", &etag(target));
        let answer = check(&fixture, &delete.bearer(&key), (403, "scope_too_narrow"));
        let text = answer.json.to_string();
        assert!(!text.contains("E2") && !text.contains("S2"), "{text}");
    };
    delete("/v1/key-groups/viewers");
    let disable = Ask::new("POST", "/v1/distributions/E1/disable");
    assert_eq!(fixture.ask(&disable.bearer(&key)).status, 200);
    delete("/v1/distributions/E1");
    let admin = fixture.admin();
    let delete = Ask::new("DELETE", "/v1/distributions/E1");
    let delete = delete.header("if-match", &etag("/v1/distributions/E1"));
    let answer = check(&fixture, &delete.bearer(&admin), (409, "in_use"));
    let users = json!([{"kind": "streaming_distribution", "id": "S2"}]);
    assert_eq!(answer.json["used_by"], users);
}

#[test]
fn a_scope_shows_the_failures_of_its_own_items() {
    let (fixture, key) = scoped();
    let failure = |kind: &str, id: &str| json!({"kind": kind, "id": id, "reason": "a reason"});
    let report = EdgeReport {
        id: "a".into(),
        name: "a".into(),
        version: "1".into(),
        applied_seq: 0,
        state: json!({"applied": 7, "failures": [
            failure("distribution", "E2"), failure("distribution", "E1"),
            failure("public_key", "K2"), failure("key_group", "viewers"),
        ]}),
    };
    let store = fixture.store.as_ref().unwrap();
    let now = Timestamp::from_seconds(1_893_456_000);
    fixture.wait(store.report_edge(&report, now)).unwrap();
    let own = json!([
        failure("distribution", "E1"),
        failure("key_group", "viewers")
    ]);
    let listed = fixture.ask(&Ask::get("/v1/edges").bearer(&key)).json;
    assert_eq!(listed["items"][0]["state"]["failures"], own);
    let one = fixture.ask(&Ask::get("/v1/edges/a").bearer(&key)).json;
    assert_eq!(one["state"], json!({"applied": 7, "failures": own}));
    let all = fixture.ask_socket(&Ask::get("/v1/edges/a")).json;
    assert_eq!(all["state"], report.state);
}

#[test]
fn an_operator_with_a_scope_begins_no_job() {
    let (fixture, key) = scoped();
    let item = json!({"kind": "public_key", "document": {"id": "K7", "pem": OTHER_PUBLIC_KEY}});
    let body = json!({"operation": "import", "items": [item]});
    let begin = Ask::new("POST", "/v1/jobs").json(&body).bearer(&key);
    check(&fixture, &begin, (403, "scope_too_narrow"));
    let jobs = fixture.ask_socket(&Ask::get("/v1/jobs")).json;
    assert_eq!(jobs["items"], json!([]));
}
