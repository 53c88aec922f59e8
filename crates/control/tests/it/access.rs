//! Who is admitted: every route with every role and every credential, and what is told to the others.

use crate::support::*;
use privet_store::Role;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;

/// Returns method, path and role of every operation, as the description of the interface has them.
fn operations() -> Vec<(String, String, Role)> {
    let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-privet-role"].as_str().unwrap();
            let path = ["{version}", "{seq}", "{change}"]
                .iter()
                .fold(path.clone(), |path, name| path.replace(name, "1"));
            let path = path.replace("{id}", "nobody").replace("{name}", "nobody");
            operations.push((method.to_uppercase(), path, Role::parse(role).unwrap()));
        }
    }
    operations
}

#[test]
fn every_route_asks_for_its_role_whatever_the_credential() {
    let fixture = Fixture::new();
    let keys = [Role::Read, Role::Publish, Role::Admin]
        .map(|role| (role, fixture.operator(role.as_str(), role, None)));
    let mut count = 0;
    for (method, path, needed) in operations() {
        let ask = || Ask::new(&method, &path);
        let nobody = fixture.ask(&ask());
        assert_eq!(
            (nobody.status, nobody.code()),
            (401, "credentials_absent"),
            "{method} {path}"
        );
        for (role, key) in &keys {
            for asked in [ask().bearer(key), ask().signed(key)] {
                let answer = fixture.ask(&asked);
                let is_low = (answer.status, answer.code()) == (403, "role_too_low");
                assert_eq!(
                    is_low,
                    *role < needed,
                    "{method} {path} as {role:?}: {answer:?}"
                );
                assert_ne!(answer.status, 401, "{method} {path} as {role:?}");
                assert_ne!(
                    answer.status, 500,
                    "{method} {path} as {role:?}: {answer:?}"
                );
            }
        }
        let answer = fixture.ask_socket(&ask());
        assert!(
            ![401, 403, 500].contains(&answer.status),
            "{method} {path}: {answer:?}"
        );
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[track_caller]
fn check(fixture: &Fixture, ask: &Ask, expected: (u16, &str)) {
    let answer = fixture.ask(ask);
    assert_eq!(
        (answer.status, answer.code()),
        expected,
        "{ask:?} {answer:?}"
    );
    let problem = answer.header("content-type");
    assert_eq!(problem, Some("application/problem+json"));
    assert_eq!(answer.json["status"], json!(expected.0));
    assert_eq!(
        answer.header("x-request-id"),
        answer.json["request_id"].as_str()
    );
}

#[test]
fn credentials_that_are_not_good_get_the_documented_answer() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let other = |id: &str, secret: &str| Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    let keys = || Ask::get("/v1/keys");
    let refused = (401, "credentials_refused");
    let unknown = other("PRIVETUNKNOWN", &key.secret);
    check(&fixture, &keys().bearer(&unknown), refused);
    check(&fixture, &keys().bearer(&other(&key.id, "wrong")), refused);
    check(
        &fixture,
        &keys().bearer(&other(&key.id, &key.secret[1..])),
        refused,
    );
    check(&fixture, &keys().signed(&unknown), refused);
    check(&fixture, &keys().signed(&other(&key.id, "wrong")), refused);
    let malformed = (401, "credentials_malformed");
    check(
        &fixture,
        &keys().header("authorization", "Bearer x"),
        malformed,
    );
    check(
        &fixture,
        &keys().header("authorization", "Bearer ."),
        malformed,
    );
    let absent = (401, "credentials_absent");
    check(
        &fixture,
        &keys().header("authorization", "Basic YTpi"),
        absent,
    );
    let answer = fixture.ask(&keys());
    assert!(answer.header("www-authenticate").is_some());
    check(
        &fixture,
        &keys().signed_at(&key, NOW - 301),
        (401, "signature_expired"),
    );
    check(
        &fixture,
        &keys().signed_at(&key, NOW + 301),
        (401, "signature_not_yet"),
    );
    let digest = keys()
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .signed(&key);
    check(&fixture, &digest, (400, "signature_malformed"));
    let service = keys().signed(&key);
    let authorization = service
        .headers
        .iter()
        .find(|(name, _)| name == "authorization");
    let other = authorization.unwrap().1.replace("/privet/", "/ec2/");
    check(
        &fixture,
        &service.clone().header("authorization", &other),
        (401, "signature_service"),
    );
    assert_eq!(fixture.ask(&keys().bearer(&key)).status, 200);
    assert_eq!(fixture.ask(&keys().signed_at(&key, NOW - 300)).status, 200);
}

#[test]
fn what_was_signed_for_another_request_is_refused() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let signed = Ask::new("POST", "/v1/explain")
        .json(&json!({"link": "a"}))
        .signed(&key);
    let refused = (401, "credentials_refused");
    let mut changed = signed.clone();
    changed.body = b"{\"link\": \"b\"}".to_vec();
    check(&fixture, &changed, refused);
    check(
        &fixture,
        &Ask {
            target: "/v1/keys".into(),
            ..signed.clone()
        },
        refused,
    );
    check(
        &fixture,
        &Ask {
            method: "PUT".into(),
            ..signed.clone()
        },
        refused,
    );
    // Signed for another host, and sent with ours.
    let moved = Ask::get("/v1/keys")
        .header("host", "other.example")
        .signed(&key);
    check(&fixture, &moved.clone().header("host", HOST), refused);
    check(&fixture, &moved, (421, "host_not_served"));
    assert_eq!(fixture.ask(&signed).status, 200);
}

#[test]
fn a_signature_changes_something_once() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let reading = Ask::get("/v1/keys").signed(&key);
    assert_eq!(fixture.ask(&reading).status, 200);
    assert_eq!(fixture.ask(&reading).status, 200);
    let change = Ask::new("POST", "/v1/keys")
        .json(&json!({"id": "K1", "pem": PUBLIC_KEY}))
        .signed(&key);
    assert_eq!(fixture.ask(&change).status, 201);
    check(&fixture, &change, (409, "signature_used"));
}

#[test]
fn a_refused_request_uses_no_signature_up() {
    let fixture = Fixture::new();
    let key = fixture.operator("reader", Role::Read, None);
    let change = Ask::new("POST", "/v1/keys")
        .json(&json!({"id": "K1", "pem": PUBLIC_KEY}))
        .signed(&key);
    check(&fixture, &change, (403, "role_too_low"));
    check(&fixture, &change, (403, "role_too_low"));
    let nowhere = Ask::new("POST", "/v1/none").signed(&key);
    check(&fixture, &nowhere, (404, "no_such_path"));
    check(&fixture, &nowhere, (404, "no_such_path"));
}

#[test]
fn conditions_are_signed_if_they_are_sent() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let create = || Ask::new("POST", "/v1/keys").json(&json!({"id": "K1", "pem": PUBLIC_KEY}));
    let malformed = (400, "signature_malformed");
    let late = create().signed(&key).header("idempotency-key", "one");
    check(&fixture, &late, malformed);
    let delete = Ask::new("DELETE", "/v1/keys/K1").signed(&key);
    check(&fixture, &delete.header("if-match", "E1"), malformed);
    let plus = Ask::get("/v1/keys?after=a+b");
    check(&fixture, &plus.clone().signed(&key), malformed);
    assert_eq!(fixture.ask(&plus.bearer(&key)).status, 200);
    let signed = create().header("idempotency-key", "one").signed(&key);
    assert_eq!(fixture.ask(&signed).status, 201);
}

/// What was used before the start is not known any more.
#[test]
fn a_change_that_was_signed_before_the_start_is_refused() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let create = Ask::new("POST", "/v1/keys").json(&json!({"id": "K1", "pem": PUBLIC_KEY}));
    let before = create.clone().signed_at(&key, NOW - 1);
    check(&fixture, &before, (401, "signature_before_start"));
    let reading = Ask::get("/v1/keys").signed_at(&key, NOW - 1);
    assert_eq!(fixture.ask(&reading).status, 200);
    assert_eq!(fixture.ask(&create.signed(&key)).status, 201);
}

/// Each sends the head of a request and no body.
#[test]
fn strangers_are_refused_before_their_body_is_there() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let other = |id: &str, secret: &str| Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    let check = |ask: Ask, expected: &str| {
        let ask = ask.header("content-length", "1000");
        let answer = fixture.ask(&ask);
        assert_eq!((answer.status, answer.code()), (401, expected), "{ask:?}");
    };
    let post = || Ask::new("POST", "/v1/keys");
    check(post(), "credentials_absent");
    check(
        post().header("authorization", "Bearer x"),
        "credentials_malformed",
    );
    check(
        post().bearer(&other(&key.id, "wrong")),
        "credentials_refused",
    );
    check(
        post().bearer(&other("UNKNOWN", &key.secret)),
        "credentials_refused",
    );
    check(
        post().signed(&other("UNKNOWN", &key.secret)),
        "credentials_refused",
    );
    check(post().signed_at(&key, NOW - 301), "signature_expired");
}

#[test]
fn keys_that_are_disabled_expired_or_whose_operator_is_are_refused() {
    let fixture = Fixture::new();
    let admin = fixture.admin();
    let other = fixture.operator("other", Role::Read, None);
    let asked = || Ask::get("/v1/keys").bearer(&other);
    let change = |target: &str, body: &Value| {
        let answer = fixture.ask(&Ask::new("PATCH", target).json(body).bearer(&admin));
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let refused = (401, "credentials_refused");
    assert_eq!(fixture.ask(&asked()).status, 200);
    let key = format!("/v1/operators/other/access-keys/{}", other.id);
    change(&key, &json!({"disabled": true}));
    check(&fixture, &asked(), refused);
    change(
        &key,
        &json!({"disabled": false, "expires_at": "2029-12-31T23:59:59Z"}),
    );
    check(&fixture, &asked(), refused);
    change(&key, &json!({"expires_at": null}));
    assert_eq!(fixture.ask(&asked()).status, 200);
    change("/v1/operators/other", &json!({"disabled": true}));
    check(&fixture, &asked(), refused);
}

#[test]
fn an_address_that_fails_often_has_to_wait() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let wrong = Key {
        id: key.id.clone(),
        secret: "wrong".into(),
    };
    for _ in 0..20 {
        assert_eq!(
            fixture.ask(&Ask::get("/v1/keys").bearer(&wrong)).status,
            401
        );
    }
    let answer = fixture.ask(&Ask::get("/v1/keys").bearer(&key));
    assert_eq!((answer.status, answer.code()), (429, "too_many_failures"));
    assert_eq!(answer.header("retry-after"), Some("60"));
    fixture
        .edge()
        .clock()
        .set(privet_sign::Timestamp::from_secs(NOW + 60));
    assert_eq!(fixture.ask(&Ask::get("/v1/keys").bearer(&key)).status, 200);
}

#[test]
fn a_neighbours_failures_lock_no_operator_out() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let other = fixture.operator("other", Role::Read, None);
    let wrong = |id: &str| Key {
        id: id.to_owned(),
        secret: "wrong".into(),
    };
    let asked = |key: &Key| fixture.ask(&Ask::get("/v1/keys").bearer(key)).status;
    for _ in 0..20 {
        assert_eq!(asked(&wrong("UNKNOWN")), 401);
    }
    // The address learns nothing more, not even whether there is such a key.
    assert_eq!(
        (asked(&wrong("UNKNOWN")), asked(&wrong(&key.id))),
        (429, 429)
    );
    assert_eq!((asked(&key), asked(&other)), (200, 200));
    assert_eq!(fixture.ask(&Ask::get("/v1/keys").signed(&key)).status, 200);
    for _ in 0..20 {
        asked(&wrong(&key.id));
    }
    assert_eq!((asked(&key), asked(&other)), (429, 200));
}

#[test]
fn requests_that_cannot_be_read_are_refused() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let get = |target: &str| Ask::get(target).bearer(&key);
    let post = |text: &str| Ask::new("POST", "/v1/keys").text(text).bearer(&key);
    check(
        &fixture,
        &get("/v1/keys").header("host", "evil.example"),
        (421, "host_not_served"),
    );
    check(&fixture, &get("/v1/nothing"), (404, "no_such_path"));
    check(&fixture, &get("/invalidations"), (404, "no_such_path"));
    check(
        &fixture,
        &Ask::get("/v1/nothing"),
        (401, "credentials_absent"),
    );
    check(
        &fixture,
        &Ask::new("PATCH", "/v1/keys").bearer(&key),
        (405, "method_not_allowed"),
    );
    let answer = fixture.ask(&Ask::new("PATCH", "/v1/keys").bearer(&key));
    assert_eq!(answer.header("allow"), Some("GET, POST"));
    check(&fixture, &get("/v1/keys?limit=0"), (400, "query_invalid"));
    check(&fixture, &get("/v1/keys?limit=201"), (400, "query_invalid"));
    check(&fixture, &get("/v1/keys?limt=1"), (400, "query_invalid"));
    check(
        &fixture,
        &get("/v1/keys?after=a&after=b"),
        (400, "query_invalid"),
    );
    check(&fixture, &get("/v1/keys?after=%ff"), (400, "query_invalid"));
    check(
        &fixture,
        &get("/v1/keys").text("{}"),
        (400, "body_unwanted"),
    );
    let json = (400, "json_invalid");
    for text in ["{", "{\"id\": 1, \"id\": 2}", &"[".repeat(40), "{} {}"] {
        check(&fixture, &post(text), json);
    }
    check(
        &fixture,
        &post("{}").header("content-type", "text/plain"),
        (415, "content_type_not_json"),
    );
    let unknown =
        Ask::new("POST", "/v1/operators").json(&json!({"name": "a", "role": "read", "x": 1}));
    check(&fixture, &unknown.bearer(&key), json);
    let mut large = post("{}");
    large.body = vec![b' '; 1024 * 1024 + 1];
    check(&fixture, &large, (413, "body_too_large"));
    // What is announced as too large is not waited for.
    let announced = post("").header("content-length", "1048577");
    check(&fixture, &announced, (413, "body_too_large"));
    let answer = fixture.ask(&get("/v1/keys"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn garbage_gets_no_connection_further() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    for garbage in [
        &b"\x16\x03\x01 hello\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(fixture.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"));
    }
    assert_eq!(fixture.ask(&Ask::get("/v1/keys").bearer(&key)).status, 200);
}

/// Opens a connection and sends something that is not all that is waited for.
fn unfinished(fixture: &Fixture, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(fixture.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

#[test]
fn connections_that_say_nothing_keep_no_operator_of_their_network_out() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let silent: Vec<TcpStream> = (0..40).map(|_| unfinished(&fixture, b"GET /v1")).collect();
    for _ in 0..3 {
        assert_eq!(fixture.ask(&Ask::get("/v1/keys").bearer(&key)).status, 200);
    }
    drop(silent);
}

/// The first has the known id of a key and a wrong signature, the second a good token.
#[test]
fn bodies_that_do_not_come_keep_no_operator_of_their_network_out() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let reader = fixture.operator("reader", Role::Read, None);
    let slow = || Ask::new("POST", "/v1/explain").header("content-length", "1000");
    let wrong = Key {
        id: reader.id.clone(),
        secret: "wrong".into(),
    };
    for (id, ask) in [
        ("K1", slow().signed(&wrong)),
        ("K2", slow().bearer(&reader)),
    ] {
        let waiting: Vec<TcpStream> = (0..30)
            .map(|_| unfinished(&fixture, &ask.encode()))
            .collect();
        let create = Ask::new("POST", "/v1/keys").json(&json!({"id": id}));
        for ask in [create.clone().signed(&key), create.bearer(&key)] {
            let answer = fixture.ask(&ask);
            assert_eq!(
                (answer.status, answer.code()),
                (422, "invalid"),
                "{answer:?}"
            );
        }
        drop(waiting);
    }
}
