//! Who is admitted, what others are told, and what is not served.

use super::*;
use privet_store::Role;
use serde_json::json;

#[track_caller]
fn check(fixture: &Fixture, ask: &Ask, expected: (u16, &str)) {
    let answer = fixture.ask(ask);
    assert_eq!(
        (answer.status, code(&answer)),
        expected,
        "{ask:?} {answer:?}"
    );
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    let id = answer.header("x-amzn-requestid").unwrap();
    assert_eq!(element(&answer.text, "RequestId"), Some(id));
    let side = if expected.0 < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    assert_eq!(element(&answer.text, "Type"), Some(side));
}

fn list() -> Ask {
    Ask::get("/2020-05-31/public-key")
}

#[test]
fn credentials_that_are_not_good_get_the_errors_of_aws() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let other = |id: &str, secret: &str| Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    let signed = |ask: Ask, key: &Key| ask.signed_for("cloudfront", key, NOW);
    check(&fixture, &list(), (403, "MissingAuthenticationToken"));
    let basic = list().header("authorization", "Basic YTpi");
    check(&fixture, &basic, (403, "MissingAuthenticationToken"));
    let token = list().header("authorization", "Bearer x");
    check(&fixture, &token, (403, "InvalidClientTokenId"));
    let temporary = list().header("x-amz-security-token", "t");
    check(
        &fixture,
        &signed(temporary, &key),
        (403, "InvalidClientTokenId"),
    );
    let part = list().header("authorization", "AWS4-HMAC-SHA256 Credential=a");
    check(&fixture, &part, (400, "IncompleteSignature"));
    let expired = list().signed_for("cloudfront", &key, NOW - 301);
    check(&fixture, &expired, (400, "RequestExpired"));
    let early = list().signed_for("cloudfront", &key, NOW + 301);
    check(&fixture, &early, (400, "RequestExpired"));
    let mismatch = (403, "SignatureDoesNotMatch");
    check(
        &fixture,
        &signed(list(), &other("PRIVETUNKNOWN", &key.secret)),
        mismatch,
    );
    check(
        &fixture,
        &signed(list(), &other(&key.id, "wrong")),
        mismatch,
    );
    let changed = signed(list(), &key).header("host", "privet.example:1");
    check(&fixture, &changed, mismatch);
    check(&fixture, &list().signed_for("ec2", &key, NOW), mismatch);
    assert_eq!(fixture.ask(&signed(list(), &key)).status, 200);
    assert_eq!(fixture.ask(&list().bearer(&key)).status, 200);
}

#[test]
fn conditions_are_signed_and_queries_without_values_too() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let delete = || Ask::new("DELETE", "/2020-05-31/public-key/K1");
    let added = delete()
        .signed_for("cloudfront", &key, NOW)
        .header("if-match", "E1");
    check(&fixture, &added, (400, "IncompleteSignature"));
    let signed = delete()
        .header("if-match", "E1")
        .signed_for("cloudfront", &key, NOW);
    check(&fixture, &signed, (404, "NoSuchPublicKey"));
    for query in ["WithTags", "WithTags="] {
        let ask = Ask::new("POST", &format!("/2020-05-31/distribution?{query}"));
        let ask = ask.signed_for("cloudfront", &key, NOW);
        let answer = fixture.ask(&ask);
        assert_ne!(answer.status, 403, "{answer:?}");
    }
}

#[test]
fn roles_and_hosts_are_checked_and_refusals_written_down() {
    let fixture = Fixture::new();
    let reader = fixture.operator("reader", Role::Read, None);
    let publisher = fixture.operator("publisher", Role::Publish, None);
    let create = || Ask::new("POST", "/2020-05-31/public-key").xml("<no>");
    check(&fixture, &create().bearer(&reader), (403, "AccessDenied"));
    check(
        &fixture,
        &create().bearer(&publisher),
        (403, "AccessDenied"),
    );
    let invalidate = Ask::new("POST", "/2020-05-31/distribution/E1/invalidation");
    check(
        &fixture,
        &invalidate.clone().bearer(&reader),
        (403, "AccessDenied"),
    );
    check(
        &fixture,
        &invalidate.bearer(&publisher),
        (400, "MissingBody"),
    );
    let elsewhere = list().header("host", "evil.example").bearer(&reader);
    check(&fixture, &elsewhere, (421, "InvalidHost"));
    let audit = fixture.ask_socket(&Ask::get("/v1/changes?limit=50"));
    let entries = audit.json["items"].as_array().unwrap();
    let is_refusal = |entry: &&serde_json::Value| {
        entry["operation"] == json!("cloudfront.CreatePublicKey")
            && entry["outcome"] == json!("refused")
            && entry["detail"] == json!("AccessDenied")
    };
    assert_eq!(entries.iter().filter(is_refusal).count(), 2, "{entries:?}");
}

#[test]
fn what_is_not_served_is_named() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let unsupported = (400, "UnsupportedOperation");
    let check = |method, path, name: &str| {
        client.refused((method, path, ""), unsupported);
        let answer = client.ask(method, path, "");
        let message = element(&answer.text, "Message").unwrap();
        assert!(message.contains(name), "{message}");
    };
    check("GET", "/function", "ListFunctions");
    check("POST", "/realtime-log-config", "CreateRealtimeLogConfig");
    check("GET", "/anycast-ip-list", "ListAnycastIpLists");
    check("POST", "/key-value-store", "CreateKeyValueStore");
    check("GET", "/no-such-thing", "no operation");
    check("PATCH", "/public-key", "PATCH");
    let old = client.send(Ask::get("/2019-03-26/key-group"));
    assert_eq!((old.status, code(&old)), unsupported);
    assert!(
        old.text
            .contains("xmlns=\"http://cloudfront.amazonaws.com/doc/2019-03-26/\"")
    );
    let unknown = client.send(Ask::get("/2001-01-01/distribution"));
    assert_eq!((unknown.status, code(&unknown)), unsupported);
    let elsewhere = client.send(Ask::get("/no-date"));
    assert_eq!((elsewhere.status, elsewhere.code()), (404, "no_such_path"));
}

#[test]
fn the_socket_needs_no_credentials_and_a_file_is_not_changed() {
    let fixture = Fixture::new();
    assert_eq!(fixture.ask_socket(&list()).status, 200);
    let service = format!(
        "[[public_keys]]\nid = \"K1\"\npem = '''{PUBLIC_KEY}'''\n[[key_groups]]\nid = \"g\"\npublic_keys = [\"K1\"]\n"
    );
    let fixture = Fixture::of_file(&service);
    let got = fixture.ask_socket(&Ask::get("/2020-05-31/public-key/K1"));
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(element(&got.text, "EncodedKey"), Some(PUBLIC_KEY));
    let group = fixture.ask_socket(&Ask::get("/2020-05-31/key-group/g/config"));
    assert_eq!(
        element(&group.text, "Items"),
        Some("<PublicKey>K1</PublicKey>"),
        "{group:?}"
    );
    let body = public_key("r", "n", PUBLIC_KEY);
    let made = fixture.ask_socket(&Ask::new("POST", "/2020-05-31/public-key").xml(&body));
    assert_eq!((made.status, code(&made)), (403, "AccessDenied"));
}
