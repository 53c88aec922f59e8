//! Items of the service: created, changed, tried, deleted and restored, each with its conditions.

use crate::support::*;
use serde_json::{Value, json};

struct Case {
    fixture: Fixture,
    key: Key,
}

impl Case {
    fn new() -> Self {
        let fixture = Fixture::new();
        fixture.furnish();
        let key = fixture.admin();
        Case { fixture, key }
    }

    fn ask(&self, ask: Ask) -> Answer {
        self.fixture.ask(&ask.bearer(&self.key))
    }

    #[track_caller]
    fn check(&self, ask: Ask, expected: (u16, &str)) -> Answer {
        let answer = self.ask(ask);
        assert_eq!((answer.status, answer.code()), expected, "{answer:?}");
        answer
    }

    #[track_caller]
    fn etag(&self, target: &str) -> String {
        let answer = self.ask(Ask::get(target));
        let etag = answer.json["etag"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("etag"), Some(format!("\"{etag}\"").as_str()));
        etag
    }

    fn put(&self, target: &str, document: &Value) -> Ask {
        Ask::new("PUT", target)
            .json(document)
            .header("if-match", &self.etag(target))
    }
}

#[test]
fn documents_with_faults_are_refused_with_the_place() {
    let case = Case::new();
    let create = |collection: &str, document: Value| Ask::new("POST", collection).json(&document);
    let check = |ask: Ask, field: &str| {
        let answer = case.check(ask, (422, "invalid"));
        assert_eq!(answer.json["field"].as_str(), Some(field), "{answer:?}");
    };
    check(create("/v1/keys", json!([])), "document");
    check(create("/v1/keys", json!({"id": 1})), "document.id");
    check(
        create(
            "/v1/keys",
            json!({"id": "K2", "pem": PUBLIC_KEY, "colour": "red"}),
        ),
        "document.colour",
    );
    let mut document = distribution("E2", "two.example");
    document["origins"][0]["folder"] = json!(5);
    check(
        create("/v1/distributions", document),
        "document.origins[0].folder",
    );
    let mut document = distribution("E2", "two.example");
    document["default_behavior"]["origin"] = json!("nowhere");
    check(
        create("/v1/distributions", document),
        "document.default_behavior.origin",
    );
    let group = json!({"id": "others", "public_keys": ["K9"]});
    case.check(create("/v1/key-groups", group), (422, "no_such_reference"));
    let twice = json!({"id": "K1", "pem": PUBLIC_KEY});
    case.check(create("/v1/keys", twice), (409, "exists"));
    // The group is sound by itself, and the distribution that trusts it is not any more.
    let empty = case.put("/v1/key-groups/viewers", &json!({"public_keys": []}));
    let answer = case.check(empty, (422, "invalid"));
    assert!(
        answer.json["detail"]
            .as_str()
            .unwrap()
            .starts_with("the distribution \"E1\""),
        "{answer:?}"
    );
    let claimed = distribution("E2", "ONE.example");
    case.check(create("/v1/distributions", claimed), (409, "claimed"));
}

#[test]
fn a_change_names_the_version_that_it_changes() {
    let case = Case::new();
    let target = "/v1/key-groups/viewers";
    let document = json!({"id": "viewers", "public_keys": ["K1"]});
    let put = || Ask::new("PUT", target).json(&json!({"id": "viewers", "public_keys": []}));
    case.check(put(), (428, "if_match_missing"));
    case.check(put().header("if-match", "E000000000000"), (412, "stale"));
    let renamed = json!({"id": "other", "public_keys": []});
    case.check(case.put(target, &renamed), (422, "invalid"));
    case.check(
        Ask::new("PUT", "/v1/key-groups/none").json(&document),
        (404, "not_found"),
    );
    case.check(Ask::new("DELETE", target), (428, "if_match_missing"));
    case.check(
        Ask::new("DELETE", target).header("if-match", "x"),
        (412, "stale"),
    );
    let etag = case.etag(target);
    case.fixture
        .put("/v1/keys", &json!({"id": "K2", "pem": OTHER_PUBLIC_KEY}));
    let document = json!({"public_keys": ["K1", "K2"]});
    let quoted = Ask::new("PUT", target)
        .json(&document)
        .header("if-match", &format!("\"{etag}\""));
    let answer = case.ask(quoted);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["version"], json!(2));
    assert_eq!(answer.json["undo"]["body"], json!({"version": 1}));
    let read = case.ask(Ask::get(target));
    assert_eq!(
        read.json["document"],
        json!({"id": "viewers", "public_keys": ["K1", "K2"]})
    );
    assert_eq!(
        read.json["made_by"],
        json!({"kind": "operator", "operator": "chief", "at": "2030-01-01T00:00:00Z"})
    );
    assert_eq!(
        read.json["used_by"],
        json!([{"kind": "distribution", "id": "E1"}])
    );
}

#[test]
fn what_is_used_or_enabled_is_not_deleted() {
    let case = Case::new();
    let delete = |target: &str| Ask::new("DELETE", target).header("if-match", &case.etag(target));
    let answer = case.check(delete("/v1/keys/K1"), (409, "in_use"));
    assert_eq!(
        answer.json["used_by"],
        json!([{"kind": "key_group", "id": "viewers"}])
    );
    case.check(delete("/v1/key-groups/viewers"), (409, "in_use"));
    let distribution = "/v1/distributions/E1";
    case.check(delete(distribution), (409, "distribution_not_disabled"));
    let disabled = case.ask(Ask::new("POST", "/v1/distributions/E1/disable"));
    assert_eq!(disabled.status, 200, "{disabled:?}");
    let deleted = case.ask(delete(distribution));
    assert_eq!(
        (deleted.status, &deleted.json["etag"]),
        (200, &Value::Null),
        "{deleted:?}"
    );
    case.check(Ask::get(distribution), (404, "not_found"));
    assert_eq!(case.ask(delete("/v1/key-groups/viewers")).status, 200);
    assert_eq!(case.ask(delete("/v1/keys/K1")).status, 200);
}

#[test]
fn a_trial_changes_nothing_and_says_what_it_would_cut_off() {
    let case = Case::new();
    let target = "/v1/distributions/E1";
    let before = case.ask(Ask::get(target)).json;
    let tried = case.ask(Ask::new("POST", "/v1/distributions/E1/disable?dry_run=1"));
    assert_eq!(tried.status, 200, "{tried:?}");
    assert_eq!(
        tried.json["diff"],
        json!([{"path": "/enabled", "after": false}])
    );
    let gone = |what: &str, id: &str| json!({"what": what, "id": id, "document": "E1"});
    assert_eq!(
        tried.json["cut_off"],
        json!([gone("host", "one.example"), gone("key_group", "viewers")])
    );
    let create =
        Ask::new("POST", "/v1/keys?dry_run=1").json(&json!({"id": "K2", "pem": OTHER_PUBLIC_KEY}));
    assert_eq!(case.ask(create).json["dry_run"], json!(true));
    case.check(Ask::get("/v1/keys/K2"), (404, "not_found"));
    let bad = Ask::new("POST", "/v1/keys?dry_run=1").json(&json!({"id": "K2", "pem": "none"}));
    case.check(bad, (422, "invalid"));
    assert_eq!(case.ask(Ask::get(target)).json, before);
    case.check(
        Ask::new("POST", "/v1/keys?dry_run=2").json(&json!({})),
        (400, "query_invalid"),
    );
}

#[test]
fn a_repeated_request_is_answered_and_not_done_again() {
    let case = Case::new();
    let create = || {
        let document = json!({"pem": OTHER_PUBLIC_KEY});
        Ask::new("POST", "/v1/keys")
            .json(&document)
            .header("idempotency-key", "one")
    };
    let [first, second] = [case.ask(create()), case.ask(create())];
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!((first.status, &first.json), (second.status, &second.json));
    let other = create().json(&json!({"pem": PUBLIC_KEY}));
    case.check(other, (409, "idempotency_key_reused"));
    case.check(create().header("idempotency-key", "a b"), (422, "invalid"));
    let listed = case.ask(Ask::get("/v1/keys"));
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2);
    let target = "/v1/keys/K1";
    let etag = case.etag(target);
    let update = || {
        let document = json!({"pem": OTHER_PUBLIC_KEY});
        let update = Ask::new("PUT", target).json(&document);
        update
            .header("if-match", &etag)
            .header("idempotency-key", "two")
    };
    let [first, second] = [case.ask(update()), case.ask(update())];
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!((first.status, &first.json), (second.status, &second.json));
    let delete = |etag: &str| Ask::new("DELETE", "/v1/keys/K1").header("if-match", etag);
    case.check(delete(&etag), (412, "stale"));
}

/// What is kept of a request is keyed (`Store::digest`), so that a secret may be part of it.
#[test]
fn another_secret_makes_another_request() {
    let case = Case::new();
    let create = |secret: &str, host: &str| {
        let mut document = distribution("E2", host);
        let headers = json!({"x-secret": secret});
        document["origins"][0] =
            json!({"id": "videos", "url": "https://origin.example", "headers": headers});
        Ask::new("POST", "/v1/distributions")
            .json(&document)
            .header("idempotency-key", "one")
    };
    let made = case.ask(create("hunter2", "two.example"));
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(case.ask(create("hunter2", "two.example")).json, made.json);
    for other in [
        create("hunter3", "two.example"),
        create("hunter2", "three.example"),
    ] {
        case.check(other, (409, "idempotency_key_reused"));
    }
}

#[test]
fn earlier_versions_come_back() {
    let case = Case::new();
    let target = "/v1/distributions/E1";
    let original = case.ask(Ask::get(target)).json["document"].clone();
    assert_eq!(
        case.ask(Ask::new("POST", "/v1/distributions/E1/disable"))
            .status,
        200
    );
    let versions = case.ask(Ask::get("/v1/distributions/E1/versions?limit=1"));
    assert_eq!(versions.json["items"][0]["version"], json!(2));
    assert_eq!(
        versions.json["items"][0]["operation"],
        json!("disable_distribution")
    );
    let next = versions.json["next"].as_str().unwrap().to_owned();
    let rest = case.ask(Ask::get(&format!(
        "/v1/distributions/E1/versions?after={next}"
    )));
    assert_eq!(
        (
            rest.json["items"][0]["version"].clone(),
            rest.json["next"].clone()
        ),
        (json!(1), Value::Null)
    );
    let one = case.ask(Ask::get("/v1/distributions/E1/versions/1"));
    assert_eq!(one.json["document"], original);
    case.check(
        Ask::get("/v1/distributions/E1/versions/9"),
        (404, "not_found"),
    );
    let restore = |version: u64| {
        let restore = Ask::new("POST", "/v1/distributions/E1/restore");
        restore.json(&json!({"version": version}))
    };
    case.check(restore(1), (428, "if_match_missing"));
    case.check(restore(9).header("if-match", "x"), (404, "not_found"));
    let delete = Ask::new("DELETE", target).header("if-match", &case.etag(target));
    let deleted = case.ask(delete);
    assert_eq!(deleted.json["undo"]["body"], json!({"version": 2}));
    case.check(restore(3), (422, "invalid"));
    let restored = case.ask(restore(1));
    assert_eq!(restored.status, 200, "{restored:?}");
    assert_eq!(case.ask(Ask::get(target)).json["document"], original);
}

/// Whoever may not read a secret must not have it sent elsewhere, or shown.
#[test]
fn secrets_stay_at_their_place_and_address() {
    let case = Case::new();
    let target = "/v1/distributions/E2";
    let mut document = distribution("E2", "two.example");
    document["origins"] = json!([
        {"id": "web", "url": "https://origin.example", "headers": {"x-secret": "hunter2"}},
        {"id": "videos", "s3": {
            "bucket": "videos", "region": "eu-west-1", "endpoint": "https://s3.example",
            "access_key_id": "AKIA", "secret_access_key": "hunter3",
        }},
    ]);
    case.fixture.put("/v1/distributions", &document);
    let sealed = case.ask(Ask::get(target)).json["document"].clone();
    let with = |pointer: &str, value: Value| {
        let mut document = sealed.clone();
        let (place, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(place).unwrap()[key] = value;
        document
    };
    let secret = sealed["origins"][1]["s3"]["secret_access_key"].clone();
    for document in [
        with("/origins/0/url", json!("https://stranger.example")),
        with("/origins/0/url", json!("http://origin.example")),
        with("/origins/0/https_port", json!(8443)),
        with("/origins/1/s3/endpoint", json!("https://stranger.example")),
        with("/origins/1/s3/bucket", json!("other")),
        with("/origins/0/headers/x-other", secret.clone()),
        with("/origins/0/headers/x-secret", secret.clone()),
        with("/origins/1/headers", json!({"x-other": secret.clone()})),
    ] {
        case.check(case.put(target, &document), (422, "secret_unknown"));
    }
    let other = with("/origins/0/response_timeout", json!("20s"));
    assert_eq!(case.ask(case.put(target, &other)).status, 200);
}

#[test]
fn ids_look_like_no_other() {
    let case = Case::new();
    let long = "x".repeat(129);
    for id in [
        "",
        " ",
        ".",
        "..",
        "a b",
        "a\u{0}",
        "a\u{202e}b",
        "\u{e4}",
        &long,
    ] {
        let create = Ask::new("POST", "/v1/keys?dry_run=1");
        let key = json!({"id": id, "pem": OTHER_PUBLIC_KEY});
        case.check(create.json(&key), (422, "invalid"));
    }
}

#[test]
fn secrets_are_never_shown_and_can_be_kept() {
    let case = Case::new();
    let target = "/v1/distributions/E2";
    let mut document = distribution("E2", "two.example");
    let header = json!({"x-secret": "hunter2hunter2"});
    document["origins"][0] =
        json!({"id": "videos", "url": "https://origin.example", "headers": header});
    case.fixture.put("/v1/distributions", &document);
    let read = case.ask(Ask::get(target));
    assert!(!read.json.to_string().contains("hunter2"), "{read:?}");
    let sealed = read.json["document"].clone();
    let kept = &sealed["origins"][0]["headers"]["x-secret"];
    assert!(
        kept["sealed"].as_str().unwrap().starts_with("v1."),
        "{kept}"
    );
    // The document goes back as it was read, with another comment and with the secret in another place.
    let mut moved = sealed.clone();
    let first = json!({"id": "first", "folder": "bucket"});
    moved["origins"].as_array_mut().unwrap().insert(0, first);
    let answer = case.ask(case.put(target, &moved));
    assert_eq!(answer.status, 200, "{answer:?}");
    let store = case.fixture.store.as_ref().unwrap();
    let stored = case
        .fixture
        .wait(store.document("distribution", "E2"))
        .unwrap()
        .unwrap();
    let clear = store.unseal("distribution", "E2", &stored.body).unwrap();
    assert_eq!(
        clear["origins"][1]["headers"]["x-secret"],
        json!("hunter2hunter2")
    );
    let mut stolen = distribution("E3", "three.example");
    stolen["origins"][0] = sealed["origins"][0].clone();
    case.check(
        Ask::new("POST", "/v1/distributions").json(&stolen),
        (422, "secret_unknown"),
    );
    let mut other = moved.clone();
    other["origins"][1]["headers"]["x-secret"] = json!("another");
    let put = case.put(target, &other);
    let tried = case.ask(Ask {
        target: format!("{target}?dry_run=1"),
        ..put
    });
    assert_eq!(tried.status, 200, "{tried:?}");
    assert!(!tried.json.to_string().contains("another"), "{tried:?}");
    let trail = case.ask(Ask::get("/v1/changes")).json.to_string();
    assert!(!trail.contains("hunter2") && !trail.contains("another"));
}

#[test]
fn lists_have_pages() {
    let case = Case::new();
    for number in 2..6 {
        let document = json!({"id": format!("K{number}"), "pem": PUBLIC_KEY});
        case.fixture.put("/v1/keys", &document);
    }
    let mut ids = Vec::new();
    let mut target = "/v1/keys?limit=2".to_owned();
    loop {
        let page = case.ask(Ask::get(&target)).json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => target = format!("/v1/keys?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(ids, ["K1", "K2", "K3", "K4", "K5"]);
}

#[test]
fn every_kind_has_its_collection() {
    let case = Case::new();
    let policy = |id: &str| json!({"id": id, "name": id});
    case.fixture.put(
        "/v1/trusted-signers",
        &json!({"name": "partner", "key_pairs": ["K1"]}),
    );
    for collection in ["cache", "origin-request", "response-headers"] {
        let made =
            case.ask(Ask::new("POST", &format!("/v1/policies/{collection}")).json(&policy("mine")));
        assert_eq!(made.status, 201, "{collection}: {made:?}");
        let location = made.header("location").unwrap();
        assert_eq!(location, format!("/v1/policies/{collection}/mine"));
        assert_eq!(case.ask(Ask::get(location)).status, 200);
    }
    let streaming = json!({"id": "S1", "domain_name": "s.example", "distribution": "E1"});
    case.fixture.put("/v1/streaming", &streaming);
    let answer = case.ask(Ask::new("POST", "/v1/streaming/S1/disable"));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn imports_are_jobs_and_whole_or_nothing() {
    let case = Case::new();
    let begin = |items: Value| {
        let body = json!({"operation": "import", "items": items});
        let job = case.ask(Ask::new("POST", "/v1/jobs").json(&body));
        assert_eq!(job.status, 202, "{job:?}");
        let target = job.header("location").unwrap().to_owned();
        loop {
            let job = case.ask(Ask::get(&target)).json;
            if job["state"] != json!("running") {
                return job;
            }
            std::thread::yield_now();
        }
    };
    let key = json!({"kind": "public_key", "document": {"id": "K7", "pem": OTHER_PUBLIC_KEY}});
    let group = |keys: &[&str]| json!({"kind": "key_group", "document": {"id": "more", "public_keys": keys}});
    let failed = begin(json!([key, group(&["K8"])]));
    assert_eq!(failed["state"], json!("failed"), "{failed}");
    case.check(Ask::get("/v1/keys/K7"), (404, "not_found"));
    let done = begin(json!([group(&["K7"]), key]));
    assert_eq!(done["result"]["items"], json!(2), "{done}");
    assert_eq!(case.ask(Ask::get("/v1/key-groups/more")).status, 200);
    let body = json!({"operation": "import", "items": [{"kind": "x", "document": {}}]});
    case.check(Ask::new("POST", "/v1/jobs").json(&body), (422, "invalid"));
}
