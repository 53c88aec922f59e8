//! What operators hear of the edge that answers them: its state, and its origins.

use crate::support::*;
use privet_control::{FollowerState, ItemFailure, PutBack};
use privet_store::Role;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;

fn failure(kind: &'static str, id: &str) -> ItemFailure {
    ItemFailure {
        kind,
        id: id.to_owned(),
        reason: "a reason".to_owned(),
    }
}

fn state() -> FollowerState {
    FollowerState {
        edge_id: "edge-1".to_owned(),
        applied: 7,
        heard_at: Some(1_893_456_000),
        fault: None,
        is_stale: false,
        put_back: None,
        failures: vec![failure("distribution", "E1"), failure("distribution", "E2")],
        failures_count: 2,
    }
}

#[test]
fn an_edge_that_follows_nothing_says_so() {
    let fixture = Fixture::of_file("");
    let expected = |follows: &str| {
        json!({
            "follows": follows, "id": null, "applied_seq": null, "heard_at": null, "fault": null,
            "stale": false, "put_back": null, "failures": [], "failures_count": 0,
        })
    };
    let read = |fixture: &Fixture| fixture.ask_socket(&Ask::get("/v1/edge")).json;
    assert_eq!(read(&fixture), expected("file"));
    assert_eq!(read(&Fixture::new()), expected("store"));
    let strict = fixture.ask_socket(&Ask::get("/v1/edge?a=b"));
    assert_eq!((strict.status, strict.code()), (400, "query_invalid"));
    let stranger = fixture.ask(&Ask::get("/v1/edge"));
    assert_eq!(stranger.status, 401, "{stranger:?}");
}

#[test]
fn the_newest_state_is_told_while_the_store_cannot_be_reached() {
    let fixture = Fixture::of_absent_store();
    let (tell, view) = watch::channel(Arc::new(state()));
    fixture.control().show_follower(view);
    let read = || fixture.ask_socket(&Ask::get("/v1/edge"));
    let expected = |fault: Value, stale: bool, put_back: Value| {
        let failure = |id: &str| json!({"kind": "distribution", "id": id, "reason": "a reason"});
        json!({
            "follows": "store", "id": "edge-1", "applied_seq": 7, "heard_at": "2030-01-01T00:00:00Z",
            "fault": fault, "stale": stale, "put_back": put_back, "failures": [failure("E1"), failure("E2")], "failures_count": 2,
        })
    };
    assert_eq!(read().json, expected(Value::Null, false, Value::Null));
    let mut lost = state();
    lost.fault = Some("it cannot be reached".to_owned());
    lost.is_stale = true;
    lost.put_back = Some(PutBack { had: 9, has: 7 });
    tell.send_replace(Arc::new(lost));
    let put_back = json!({"had": 9, "has": 7});
    assert_eq!(
        read().json,
        expected(json!("it cannot be reached"), true, put_back)
    );
    // What only the store knows is refused meanwhile.
    let edges = fixture.ask_socket(&Ask::get("/v1/edges"));
    assert_eq!((edges.status, edges.code()), (503, "store_unreachable"));
}

#[test]
fn a_scope_hides_the_failures_of_others() {
    let fixture = Fixture::new();
    fixture.furnish();
    fixture.put("/v1/distributions", &distribution("E2", "two.example"));
    let (_tell, view) = watch::channel(Arc::new(state()));
    fixture.control().show_follower(view);
    let key = fixture.operator("one", Role::Read, Some(&["E1"]));
    let read = fixture.ask(&Ask::get("/v1/edge").bearer(&key)).json;
    let own = json!([{"kind": "distribution", "id": "E1", "reason": "a reason"}]);
    assert_eq!(
        (&read["failures"], &read["failures_count"]),
        (&own, &json!(1))
    );
}

#[test]
fn probes_that_cannot_be_made_are_refused() {
    let fixture = Fixture::new();
    fixture.furnish();
    let probe = |body: &Value| Ask::new("POST", "/v1/origins/probe").json(body);
    for body in [
        json!({"objects": ["no slash"]}),
        json!({"objects": ["E9/a"]}),
        json!({"objects": vec!["/a"; 1_001]}),
    ] {
        let answer = fixture.ask_socket(&probe(&body));
        let found = (answer.status, answer.code(), answer.json["field"].as_str());
        assert_eq!(found, (422, "invalid", Some("objects")), "{answer:?}");
    }
    for body in [
        json!({"object": "/a"}),
        json!({"write": "yes"}),
        json!("/a"),
        json!([]),
        json!([["E1/a"], true]),
    ] {
        let answer = fixture.ask_socket(&probe(&body));
        assert_eq!(
            (answer.status, answer.code()),
            (400, "json_invalid"),
            "{answer:?}"
        );
    }
    let publisher = fixture.operator("ci", Role::Publish, None);
    let answer = fixture.ask(&probe(&json!({})).bearer(&publisher));
    assert_eq!((answer.status, answer.code()), (403, "role_too_low"));
    let scoped = fixture.operator("one", Role::Admin, Some(&["E1"]));
    let answer = fixture.ask(&probe(&json!({})).bearer(&scoped));
    assert_eq!((answer.status, answer.code()), (403, "scope_too_narrow"));
}

#[test]
fn origins_are_probed_and_remembered() {
    let fixture = Fixture::new();
    fixture.furnish();
    let mut other = distribution("E2", "two.example");
    other["origins"] = json!([{"id": "videos", "url": "http://127.0.0.1:9"}]);
    let etag = fixture.put("/v1/distributions", &other);
    assert!(!etag.is_empty());
    let document = |id: &str| fixture.ask_socket(&Ask::get(&format!("/v1/distributions/{id}")));
    assert_eq!(document("E2").status, 200);
    let probed = fixture.ask_socket(&Ask::new("POST", "/v1/origins/probe").json(&json!({})));
    assert_eq!(probed.status, 200, "{probed:?}");
    let listed = fixture.ask_socket(&Ask::get("/v1/origins"));
    assert_eq!(listed.json, probed.json);
    let scoped = fixture.operator("one", Role::Read, Some(&["E1"]));
    let own = fixture.ask(&Ask::get("/v1/origins").bearer(&scoped)).json;
    assert_eq!(own, json!({"items": [], "next": null}));
    let noted = fixture.ask_socket(&Ask::get("/v1/changes?operation=origins.probe"));
    assert_eq!(noted.json["items"][0]["operator"], "local");
}
