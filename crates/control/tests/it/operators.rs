//! Operators and their access keys: made, rotated with an overlap, disabled, and never without an admin.

use crate::support::*;
use privet_store::Role;
use serde_json::{Value, json};

#[track_caller]
fn check(fixture: &Fixture, ask: &Ask, expected: (u16, &str)) -> Answer {
    let answer = fixture.ask(ask);
    assert_eq!((answer.status, answer.code()), expected, "{answer:?}");
    answer
}

#[test]
fn operators_that_cannot_be_are_refused() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let create = |name: &str, role: &str| {
        let body = json!({"name": name, "role": role});
        Ask::new("POST", "/v1/operators").json(&body).bearer(&admin)
    };
    let invalid = (422, "invalid");
    for name in ["", "a b", "a/b", "é", &"a".repeat(65), "local"] {
        check(&fixture, &create(name, "read"), invalid);
    }
    check(&fixture, &create("a", "root"), invalid);
    check(&fixture, &create("chief", "read"), (409, "exists"));
    let get = |target: &str| Ask::get(target).bearer(&admin);
    check(&fixture, &get("/v1/operators/none"), (404, "not_found"));
    check(
        &fixture,
        &get("/v1/operators/none/access-keys"),
        (404, "not_found"),
    );
}

#[test]
fn the_last_admin_stays() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let patch = |body: &Value| {
        Ask::new("PATCH", "/v1/operators/chief")
            .json(body)
            .bearer(&admin)
    };
    let last = (409, "last_admin");
    check(&fixture, &patch(&json!({"role": "read"})), last);
    check(&fixture, &patch(&json!({"disabled": true})), last);
    check(
        &fixture,
        &Ask::new("DELETE", "/v1/operators/chief").bearer(&admin),
        last,
    );
    let second = fixture.operator("second", Role::Admin, None);
    let delete = Ask::new("DELETE", "/v1/operators/chief").bearer(&second);
    assert_eq!(fixture.ask(&delete).status, 204);
    check(
        &fixture,
        &Ask::get("/v1/keys").bearer(&admin),
        (401, "credentials_refused"),
    );
}

#[test]
fn a_secret_is_shown_once() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let body = json!({"name": "ci", "role": "publish", "scope": ["E1"]});
    let made = fixture.ask(&Ask::new("POST", "/v1/operators").json(&body).bearer(&admin));
    assert_eq!(
        (made.status, made.header("location")),
        (201, Some("/v1/operators/ci"))
    );
    let secret = made.json["access_key"]["secret_access_key"]
        .as_str()
        .unwrap();
    let key = Key {
        id: made.json["access_key"]["access_key_id"]
            .as_str()
            .unwrap()
            .to_owned(),
        secret: secret.to_owned(),
    };
    assert_eq!(
        fixture
            .ask(&Ask::get("/v1/invalidations").signed(&key))
            .status,
        200
    );
    let read = |target: &str| fixture.ask(&Ask::get(target).bearer(&admin)).json;
    assert_eq!(
        read("/v1/operators/ci"),
        json!({
            "name": "ci", "role": "publish", "scope": ["E1"], "disabled": false,
            "created_at": "2030-01-01T00:00:00Z",
        })
    );
    let keys = read("/v1/operators/ci/access-keys");
    assert_eq!(
        keys["items"][0]["last_used_at"],
        json!("2030-01-01T00:00:00Z")
    );
    for target in [
        "/v1/operators",
        "/v1/operators/ci/access-keys",
        "/v1/changes",
    ] {
        assert!(!read(target).to_string().contains(secret), "{target}");
    }
    let database = std::fs::read(fixture.folder.path().join("privet.db-wal")).unwrap_or_default();
    assert!(
        !database
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
}

#[test]
fn a_rotated_key_is_valid_during_the_overlap() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let old = fixture.operator("ci", Role::Read, None);
    let target = format!("/v1/operators/ci/access-keys/{}/rotate", old.id);
    let rotate = |target: &str, seconds: u64| {
        let body = json!({"overlap_seconds": seconds});
        Ask::new("POST", target).json(&body).bearer(&admin)
    };
    check(
        &fixture,
        &rotate(&target, 90 * 24 * 3600 + 1),
        (422, "invalid"),
    );
    // The key is another operator's.
    let others = format!("/v1/operators/chief/access-keys/{}", old.id);
    check(
        &fixture,
        &rotate(&format!("{others}/rotate"), 0),
        (404, "not_found"),
    );
    check(
        &fixture,
        &Ask::new("DELETE", &others).bearer(&admin),
        (404, "not_found"),
    );
    let rotated = fixture.ask(&rotate(&target, 600));
    assert_eq!(rotated.status, 201, "{rotated:?}");
    assert_eq!(
        rotated.json["old"]["expires_at"],
        json!("2030-01-01T00:10:00Z")
    );
    let new = Key {
        id: rotated.json["new"]["access_key_id"]
            .as_str()
            .unwrap()
            .to_owned(),
        secret: rotated.json["new"]["secret_access_key"]
            .as_str()
            .unwrap()
            .to_owned(),
    };
    let asked = |key: &Key| fixture.ask(&Ask::get("/v1/keys").bearer(key)).status;
    assert_eq!((asked(&old), asked(&new)), (200, 200));
    fixture
        .edge()
        .clock()
        .set(privet_sign::Timestamp::from_secs(NOW + 600));
    assert_eq!((asked(&old), asked(&new)), (401, 200));
    let delete = Ask::new(
        "DELETE",
        &format!("/v1/operators/ci/access-keys/{}", new.id),
    );
    assert_eq!(fixture.ask(&delete.bearer(&admin)).status, 204);
    assert_eq!(asked(&new), 401);
}

#[test]
fn a_rotation_prolongs_no_key() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let old = fixture.operator("ci", Role::Read, None);
    let target = format!("/v1/operators/ci/access-keys/{}", old.id);
    let rotate = |state: &Value| {
        let changed = fixture.ask(&Ask::new("PATCH", &target).json(state).bearer(&admin));
        assert_eq!(changed.status, 200, "{changed:?}");
        let rotate = Ask::new("POST", &format!("{target}/rotate"));
        fixture.ask(&rotate.json(&json!({"overlap_seconds": 600})).bearer(&admin))
    };
    let keys = || {
        let list = Ask::get("/v1/operators/ci/access-keys").bearer(&admin);
        fixture.ask(&list).json["items"].as_array().unwrap().len()
    };
    for state in [
        json!({"expires_at": "2029-12-31T23:00:00Z"}),
        json!({"disabled": true, "expires_at": null}),
    ] {
        let refused = rotate(&state);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.json["code"], "invalid");
        assert_eq!(keys(), 1);
        let asked = fixture.ask(&Ask::get("/v1/keys").bearer(&old));
        assert_eq!(asked.status, 401, "{asked:?}");
    }
    for (end, expected) in [
        (json!("2030-01-01T00:01:00Z"), "2030-01-01T00:01:00Z"),
        (json!("2030-01-01T01:00:00Z"), "2030-01-01T00:10:00Z"),
        (json!(null), "2030-01-01T00:10:00Z"),
    ] {
        let rotated = rotate(&json!({"disabled": false, "expires_at": end})).json;
        assert_eq!(rotated["old"]["expires_at"], json!(expected), "{rotated}");
        let new = rotated["new"]["access_key_id"].as_str().unwrap().to_owned();
        let delete = Ask::new("DELETE", &format!("/v1/operators/ci/access-keys/{new}"));
        assert_eq!(fixture.ask(&delete.bearer(&admin)).status, 204);
    }
}
