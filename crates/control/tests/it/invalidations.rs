//! Invalidations with and without a store, and explanations of links.

use crate::support::*;
use privet_store::Role;
use serde_json::{Value, json};

#[test]
fn invalidations_that_mean_nothing_are_refused() {
    let fixture = Fixture::new();
    fixture.furnish();
    let key = fixture.operator("ci", Role::Publish, None);
    let scoped = fixture.operator("scoped", Role::Publish, Some(&["E9"]));
    let check = |key: &Key, body: &Value, expected: (u16, &str, &str)| {
        let answer = fixture.ask(&Ask::new("POST", "/v1/invalidations").json(body).bearer(key));
        let field = answer.json["field"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, answer.code(), field),
            expected,
            "{answer:?}"
        );
    };
    check(
        &key,
        &json!({"distribution": "E1"}),
        (422, "invalid", "paths"),
    );
    check(
        &key,
        &json!({"distribution": "E1", "paths": ["/a", "b"]}),
        (422, "invalid", "paths[1]"),
    );
    check(
        &key,
        &json!({"distribution": "E1", "tags": [""]}),
        (422, "invalid", "tags[0]"),
    );
    check(
        &key,
        &json!({"distribution": "E1", "path": []}),
        (400, "json_invalid", ""),
    );
    check(
        &key,
        &json!({"distribution": "E2", "paths": ["/a"]}),
        (404, "not_found", ""),
    );
    check(
        &scoped,
        &json!({"distribution": "E1", "paths": ["/a"]}),
        (404, "not_found", ""),
    );
}

#[test]
fn an_invalidation_is_a_document_that_edges_apply() {
    let fixture = Fixture::new();
    fixture.furnish();
    let key = fixture.operator("ci", Role::Publish, None);
    let scoped = fixture.operator("scoped", Role::Read, Some(&["E9"]));
    let body = json!({"distribution": "E1", "paths": ["/a*"], "tags": ["t"]});
    let create = || {
        let create = Ask::new("POST", "/v1/invalidations").json(&body);
        create.header("idempotency-key", "deploy-1").bearer(&key)
    };
    let made = fixture.ask(&create());
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json["document"], body);
    assert_eq!(fixture.ask(&create()).json["id"], made.json["id"]);
    let location = made.header("location").unwrap();
    let read = |key: &Key, target: &str| fixture.ask(&Ask::get(target).bearer(key));
    assert_eq!(read(&key, location).json, made.json);
    assert_eq!(read(&scoped, location).status, 404);
    let listed = |key: &Key| {
        read(key, "/v1/invalidations").json["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((listed(&key), listed(&scoped)), (1, 0));
    let store = fixture.store.as_ref().unwrap();
    let report = privet_store::EdgeReport {
        id: "a".into(),
        name: "a".into(),
        version: "1".into(),
        applied_seq: 0,
        state: json!({}),
    };
    let now = privet_store::Timestamp::from_seconds(0);
    fixture.wait(store.report_edge(&report, now)).unwrap();
    assert_eq!(read(&key, location).json["status"], json!("in_progress"));
    let dry = Ask::new("POST", "/v1/invalidations?dry_run=1")
        .json(&body)
        .bearer(&key);
    assert_eq!(fixture.ask(&dry).json["dry_run"], json!(true));
    assert_eq!(listed(&key), 1);
}

#[test]
fn pages_of_a_scope_name_no_invalidation_of_others() {
    let fixture = Fixture::new();
    fixture.furnish();
    fixture.put("/v1/distributions", &distribution("E2", "two.example"));
    let mut own = Vec::new();
    for second in 0..6 {
        let clock = fixture.edge().clock();
        clock.set(privet_sign::Timestamp::from_secs(NOW + second));
        let id = ["E1", "E2"][usize::from(second % 2 == 0)];
        let body = json!({"distribution": id, "paths": ["/a"]});
        let made = fixture.ask_socket(&Ask::new("POST", "/v1/invalidations").json(&body));
        assert_eq!(made.status, 201, "{made:?}");
        if id == "E1" {
            own.insert(0, made.json["id"].clone());
        }
    }
    let key = fixture.operator("one", Role::Read, Some(&["E1"]));
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let target = format!("/v1/invalidations?limit=1{after}");
        let page = fixture.ask(&Ask::get(&target).bearer(&key)).json;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        found.push(items[0]["id"].clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(own.contains(&page["next"]), "{page}");
        after = format!("&after={next}");
    }
    assert_eq!(found, own);
}

#[test]
fn old_invalidations_make_way() {
    let fixture = Fixture::new();
    fixture.furnish();
    let body = json!({"distribution": "E1", "paths": ["/a"]});
    let create = || fixture.ask_socket(&Ask::new("POST", "/v1/invalidations").json(&body));
    for _ in 0..3 {
        assert_eq!(create().status, 201);
    }
    fixture
        .edge()
        .clock()
        .set(privet_sign::Timestamp::from_secs(NOW + 31 * 24 * 3600));
    assert_eq!(create().status, 201);
    let listed = fixture.ask_socket(&Ask::get("/v1/invalidations"));
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_link_is_explained_by_the_service_in_force() {
    let service = "
[[distributions]]
id = \"E1\"
domain_name = \"one.example\"
[[distributions.origins]]
id = \"videos\"
folder = \"bucket\"
[distributions.default_behavior]
origin = \"videos\"
";
    let fixture = Fixture::of_file(service);
    let explain = |link: &str| {
        let answer =
            fixture.ask_socket(&Ask::new("POST", "/v1/explain").json(&json!({"link": link})));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    };
    assert_eq!(explain("https://one.example/a")["verdict"], json!("opens"));
    let unserved = explain("https://other.example/a");
    assert_eq!(unserved["checks"][0]["outcome"], json!("failed"));
    let bad =
        Ask::new("POST", "/v1/explain").json(&json!({"link": "a", "at": "1960-01-01T00:00:00Z"}));
    assert_eq!(fixture.ask_socket(&bad).status, 422);
}
