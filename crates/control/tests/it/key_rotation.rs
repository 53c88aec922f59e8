//! Keys that are rotated by a schedule: what is refused, every step, kills and other processes between the steps, and
//! nothing retired that may still be in use. The clock is moved by hand.

use crate::support::*;
use privet_control::{Operations, OperationsOptions, Running, Source};
use privet_sign::{PrivateKey, Timestamp};
use privet_store::{EdgeReport, Role};
use serde_json::{Value, json};

const DAY: u64 = 24 * 60 * 60;
const ROTATION: &str = "/v1/key-groups/viewers/rotation";

fn schedule() -> Value {
    json!({
        "every_seconds": 30 * DAY, "overlap_seconds": 7 * DAY, "longest_link_seconds": 2 * DAY, "type": "p256",
    })
}

#[track_caller]
fn check(fixture: &Fixture, ask: &Ask, expected: (u16, &str)) -> Answer {
    let answer = fixture.ask_socket(ask);
    assert_eq!(
        (answer.status, answer.code()),
        expected,
        "{ask:?} {answer:?}"
    );
    answer
}

fn post(target: &str) -> Ask {
    Ask::new("POST", target)
}

/// An edge with the group `viewers`, which has the key `K1` of somebody.
fn furnished() -> Fixture {
    let fixture = Fixture::new();
    fixture.furnish();
    fixture
}

/// An edge whose group has a rotation, of which an edge has reported nothing yet.
fn rotated() -> Fixture {
    let fixture = furnished();
    report(&fixture, "one", 0, &json!({}));
    let set = fixture.ask_socket(&post(ROTATION).json(&schedule()));
    assert_eq!(set.status, 200, "{set:?}");
    fixture
}

fn set_clock(fixture: &Fixture, after: u64) {
    let now = Timestamp::from_secs(NOW + after);
    fixture.edge().clock().set(now);
}

fn now(fixture: &Fixture) -> privet_store::Timestamp {
    let now = fixture.edge().clock().now().as_secs();
    privet_store::Timestamp::from_seconds(i64::try_from(now).unwrap())
}

/// Has an edge report.
fn report(fixture: &Fixture, id: &str, applied_seq: u64, opened: &Value) {
    let report = EdgeReport {
        id: id.to_owned(),
        name: format!("edge {id}"),
        version: "1".to_owned(),
        applied_seq,
        state: json!({ "keys_opened": opened }),
    };
    let store = fixture.store.as_ref().unwrap();
    fixture
        .wait(store.report_edge(&report, now(fixture)))
        .unwrap();
}

/// Has the edge `one` report that everything is in force, and takes all steps that are due.
fn tend(fixture: &Fixture) {
    report(fixture, "one", 1_000, &json!({}));
    tend_as_it_is(&fixture.operations(), fixture);
}

/// Takes all steps that are due. The edge's own process may have taken them meanwhile.
fn tend_as_it_is(operations: &Operations, fixture: &Fixture) {
    let tended = fixture.wait(operations.tend_rotations()).unwrap();
    assert_eq!(tended.faults, []);
}

/// Returns the operations of all steps that were taken, the oldest first.
fn steps(fixture: &Fixture) -> Vec<String> {
    let target = "/v1/changes?operator=autopilot&kind=key_rotation&limit=200";
    let listed = fixture.ask_socket(&Ask::get(target)).json;
    let entries = listed["items"].as_array().unwrap().iter().rev();
    let operations = entries.map(|entry| entry["operation"].as_str().unwrap());
    operations.map(str::to_owned).collect()
}

fn rotation(fixture: &Fixture) -> Value {
    fixture.ask_socket(&Ask::get(ROTATION)).json
}

fn group(fixture: &Fixture) -> Vec<String> {
    let group = fixture.ask_socket(&Ask::get("/v1/key-groups/viewers")).json;
    serde_json::from_value(group["document"]["public_keys"].clone()).unwrap()
}

fn id(key: &Value) -> String {
    key["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    let fixture = furnished();
    let set = |change: &dyn Fn(&mut Value)| {
        let mut body = schedule();
        change(&mut body);
        post(ROTATION).json(&body)
    };
    for (name, value) in [
        ("every_seconds", json!(3_599)),
        ("every_seconds", json!(366 * DAY)),
        ("overlap_seconds", json!(-1)),
        ("longest_link_seconds", json!(0)),
        ("type", json!("dsa")),
    ] {
        let ask = set(&|body| body[name] = value.clone());
        let refused = check(&fixture, &ask, (422, "invalid"));
        assert_eq!(refused.json["field"], name);
    }
    check(
        &fixture,
        &set(&|body| body["every"] = json!("30d")),
        (400, "json_invalid"),
    );
    let elsewhere = "/v1/key-groups/none/rotation";
    check(
        &fixture,
        &post(elsewhere).json(&schedule()),
        (404, "not_found"),
    );
    for ask in [
        Ask::get(ROTATION),
        Ask::new("DELETE", ROTATION),
        post(&format!("{ROTATION}/now")),
        Ask::get(&format!("{ROTATION}/signing-key")),
    ] {
        check(&fixture, &ask, (404, "not_found"));
    }
    let name = json!({"name": "autopilot", "role": "read"});
    check(
        &fixture,
        &post("/v1/operators").json(&name),
        (422, "invalid"),
    );
    check(
        &Fixture::of_file(""),
        &post(ROTATION).json(&schedule()),
        (409, "read_only"),
    );
}

#[test]
fn a_private_key_is_for_admins_of_everything() {
    let fixture = rotated();
    tend(&fixture);
    let ask = || Ask::get(&format!("{ROTATION}/signing-key"));
    let publisher = fixture.operator("ci", Role::Publish, None);
    let scoped = fixture.operator("one", Role::Admin, Some(&["E1"]));
    let refused = |key: &Key| {
        let answer = fixture.ask(&ask().bearer(key));
        assert!(answer.json["pem"].is_null(), "{answer:?}");
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(refused(&publisher), (403, "role_too_low".to_owned()));
    assert_eq!(refused(&scoped), (403, "scope_too_narrow".to_owned()));
    let key = fixture.ask_socket(&ask()).json;
    let private = PrivateKey::parse(key["pem"].as_str().unwrap().as_bytes(), None).unwrap();
    let public = fixture.ask_socket(&Ask::get(&format!(
        "/v1/keys/{}",
        key["key_pair_id"].as_str().unwrap()
    )));
    assert_eq!(
        public.json["document"]["pem"],
        private.public_key().to_pem()
    );
    assert_eq!(key["links_end_by"], "2030-01-03T00:00:00Z");
    // It is sealed wherever it lies, and that it was given out is written down.
    let secret = key["pem"]
        .as_str()
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    for name in ["privet.db", "privet.db-wal"] {
        let bytes = std::fs::read(fixture.folder.path().join(name)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "{name}");
    }
    let trail = fixture.ask_socket(&Ask::get("/v1/changes?limit=200")).json;
    assert!(!trail.to_string().contains(&secret));
    let given = fixture.ask_socket(&Ask::get(
        "/v1/changes?operation=key_groups.signing_key&outcome=done",
    ));
    assert_eq!(given.json["items"][0]["document"]["id"], "viewers");
}

#[test]
fn a_key_is_published_first_and_used_once_it_is_in_force_everywhere() {
    let fixture = rotated();
    let found = rotation(&fixture);
    let next = id(&found["next"]);
    assert_eq!(
        (&found["current"], group(&fixture)),
        (&Value::Null, vec!["K1".to_owned(), next.clone()])
    );
    assert_eq!(found["next"]["applied"], json!({"edges": 0, "of": 1}));
    let signing = Ask::get(&format!("{ROTATION}/signing-key"));
    check(&fixture, &signing, (404, "not_found"));
    report(&fixture, "two", 1_000, &json!({}));
    tend_as_it_is(&fixture.operations(), &fixture);
    assert_eq!(rotation(&fixture)["current"], Value::Null);
    tend(&fixture);
    let found = rotation(&fixture);
    assert_eq!(
        (id(&found["current"]), &found["next"]),
        (next, &Value::Null)
    );
    assert_eq!(found["due_at"], "2030-01-31T00:00:00Z");
    // The key of somebody else is none of its own.
    set_clock(&fixture, 300 * DAY);
    tend(&fixture);
    tend(&fixture);
    set_clock(&fixture, 320 * DAY);
    report(&fixture, "two", 1_000, &json!({}));
    tend(&fixture);
    assert_eq!(group(&fixture)[0], "K1");
    let operations = steps(&fixture);
    for step in ["publish_key", "note_key_change", "use_key", "retire_key"] {
        assert!(
            operations.iter().any(|taken| taken == step),
            "{step}: {operations:?}"
        );
    }
}

#[test]
fn a_key_is_retired_when_no_link_of_it_can_be_valid() {
    let fixture = rotated();
    tend(&fixture);
    let first = id(&rotation(&fixture)["current"]);
    set_clock(&fixture, 30 * DAY);
    tend(&fixture);
    tend(&fixture);
    let found = rotation(&fixture);
    let second = id(&found["current"]);
    assert_ne!(second, first);
    assert_eq!(id(&found["retiring"][0]), first);
    assert_eq!(found["retiring"][0]["retires_at"], "2030-02-07T00:00:00Z");
    // It was used, by a link that nobody knows of, just before the overlap is over.
    let opened = NOW + 37 * DAY - 60;
    set_clock(&fixture, 37 * DAY);
    report(&fixture, "one", 1_000, &json!({ first.as_str(): opened }));
    tend_as_it_is(&fixture.operations(), &fixture);
    let key = rotation(&fixture)["retiring"][0].clone();
    assert_eq!(key["last_opened_at"], "2030-02-06T23:59:00Z");
    assert!(
        key["reason"]
            .as_str()
            .unwrap()
            .starts_with("it has opened something"),
        "{key}"
    );
    let usage = fixture.ask_socket(&Ask::get("/v1/key-usage")).json;
    let of = |id: &str| {
        let keys = usage["items"].as_array().unwrap().iter();
        keys.clone().find(|key| key["id"] == id).unwrap().clone()
    };
    assert_eq!(
        (
            &of(&first)["rotation"],
            &of(&first)["retires_at"],
            &of(&first)["groups"]
        ),
        (&json!("retiring"), &key["retires_at"], &json!(["viewers"]))
    );
    assert_eq!(
        (&of(&second)["rotation"], &of("K1")["rotation"]),
        (&json!("current"), &Value::Null)
    );
    // An edge of which nothing is heard may have its viewers too.
    report(&fixture, "two", 1_000, &json!({}));
    set_clock(&fixture, 40 * DAY);
    report(&fixture, "one", 1_000, &json!({ first.as_str(): opened }));
    tend_as_it_is(&fixture.operations(), &fixture);
    assert!(
        rotation(&fixture)["retiring"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("edge two")
    );
    report(&fixture, "two", 1_000, &json!({}));
    tend_as_it_is(&fixture.operations(), &fixture);
    assert_eq!(group(&fixture), ["K1".to_owned(), second]);
    check_deletions(&fixture, &first);
}

/// Checks that the public key itself may be deleted by now, and that the group may not while it is rotated.
#[track_caller]
fn check_deletions(fixture: &Fixture, first: &str) {
    let delete = |target: &str| {
        let etag = fixture.ask_socket(&Ask::get(target)).json["etag"].clone();
        Ask::new("DELETE", target).header("if-match", etag.as_str().unwrap())
    };
    assert_eq!(
        fixture
            .ask_socket(&delete(&format!("/v1/keys/{first}")))
            .status,
        200
    );
    let disable = post("/v1/distributions/E1/disable");
    assert_eq!(fixture.ask_socket(&disable).status, 200);
    assert_eq!(
        fixture.ask_socket(&delete("/v1/distributions/E1")).status,
        200
    );
    let used = check(fixture, &delete("/v1/key-groups/viewers"), (409, "in_use"));
    assert_eq!(used.json["used_by"][0]["kind"], "key_rotation");
    assert_eq!(
        fixture.ask_socket(&Ask::new("DELETE", ROTATION)).status,
        204
    );
    assert_eq!(
        fixture.ask_socket(&delete("/v1/key-groups/viewers")).status,
        200
    );
}

#[test]
fn processes_that_take_a_step_together_take_it_once() {
    let fixture = rotated();
    tend(&fixture);
    set_clock(&fixture, 30 * DAY);
    report(&fixture, "one", 1_000, &json!({}));
    let keys_before = group(&fixture).len();
    // Each has the store open by itself, as processes have.
    let others: Vec<Operations> = (0..4).map(|_| fixture.operations()).collect();
    let steps_before = steps(&fixture).len();
    std::thread::scope(|scope| {
        for operations in &others {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(operations.tend_rotations()).unwrap()
            });
        }
    });
    let taken = steps(&fixture).split_off(steps_before);
    assert_eq!(taken, ["publish_key", "note_key_change", "use_key"]);
    assert_eq!(group(&fixture).len(), keys_before + 1);
    let listed = fixture.ask_socket(&Ask::get("/v1/keys")).json;
    assert_eq!(listed["items"].as_array().unwrap().len(), keys_before + 1);
}

/// A process that is killed after a step has done nothing but that step: another goes on from what is written down.
#[test]
fn another_process_goes_on_after_every_step() {
    let fixture = rotated();
    let other = || {
        Operations::new(OperationsOptions {
            source: Source::Store(privet_control::LateStore::of(
                fixture.store.clone().unwrap(),
            )),
            running: Running::Loaded(fixture.edge().snapshot()),
            clock: fixture.edge().clock().clone(),
            folder: fixture.folder.path().to_owned(),
        })
    };
    for day in 0..200 {
        set_clock(&fixture, day * DAY);
        report(&fixture, "one", 1_000, &json!({}));
        tend_as_it_is(&other(), &fixture);
        let found = rotation(&fixture);
        let own = group(&fixture).len() - 1;
        let known = found["retiring"].as_array().unwrap().len()
            + usize::from(!found["current"].is_null())
            + usize::from(!found["next"].is_null());
        assert_eq!(own, known, "day {day}: {found}");
        assert!(own <= 3, "day {day}: {found}");
    }
    let taken = steps(&fixture);
    let count = |step: &str| taken.iter().filter(|taken| *taken == step).count();
    let counts = ["publish_key", "note_key_change", "use_key", "retire_key"].map(count);
    assert_eq!((counts, taken.len()), ([7, 7, 7, 6], 27), "{taken:?}");
}

#[test]
fn a_key_that_somebody_has_taken_out_is_replaced_at_once() {
    let fixture = rotated();
    tend(&fixture);
    let current = id(&rotation(&fixture)["current"]);
    let read = fixture.ask_socket(&Ask::get("/v1/key-groups/viewers")).json;
    let without = json!({"id": "viewers", "public_keys": ["K1"]});
    let put = Ask::new("PUT", "/v1/key-groups/viewers")
        .json(&without)
        .header("if-match", read["etag"].as_str().unwrap());
    assert_eq!(fixture.ask_socket(&put).status, 200);
    tend(&fixture);
    let found = rotation(&fixture);
    assert_ne!(id(&found["current"]), current);
    assert_eq!(found["retiring"], json!([]));
    assert_eq!(group(&fixture), ["K1".to_owned(), id(&found["current"])]);
}

#[test]
fn a_key_is_made_now_and_a_schedule_is_changed_and_ended() {
    let fixture = rotated();
    // One is published already.
    let now = post(&format!("{ROTATION}/now"));
    let before = rotation(&fixture);
    assert_eq!(
        check(&fixture, &now, (200, "")).json["next"],
        before["next"]
    );
    tend(&fixture);
    let found = check(&fixture, &now, (200, "")).json;
    assert_eq!(id(&found["retiring"][0]), id(&before["next"]), "{found}");
    let mut sooner = schedule();
    sooner["every_seconds"] = json!(DAY);
    sooner["type"] = json!("rsa");
    let found = fixture.ask_socket(&post(ROTATION).json(&sooner)).json;
    assert_eq!(found["due_at"], "2030-01-02T00:00:00Z");
    let ended = fixture.ask_socket(&Ask::new("DELETE", ROTATION));
    assert_eq!(ended.status, 204, "{ended:?}");
    assert_eq!(group(&fixture).len(), 3);
    set_clock(&fixture, 99 * DAY);
    tend(&fixture);
    let signing = Ask::get(&format!("{ROTATION}/signing-key"));
    check(&fixture, &signing, (404, "not_found"));
}
