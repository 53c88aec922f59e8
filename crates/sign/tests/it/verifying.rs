//! Ports, leniency, memory, and the contents of a refusal.

use std::cell::RefCell;
use std::sync::Arc;

use privet_sign::*;

use crate::support::{client, id, private_key};

const UNTIL: Timestamp = Timestamp::from_secs(2_000_000_000);

fn signer(file: &str) -> Signer {
    Signer::new(Arc::new(private_key(file)), id("K"), HashAlgorithm::Sha1).unwrap()
}

fn keys(file: &str) -> KeySet {
    let mut keys = KeySet::default();
    keys.insert(id("K"), private_key(file).public_key());
    keys
}

/// Requests `/a` on `host` with a link that was signed for `signed`.
fn ask(
    signed: &str,
    scheme: Scheme,
    host: &str,
    leniency: &Leniency,
    terms: &Terms,
) -> Result<Grant, Refusal> {
    let link = signer("rsa2048")
        .sign_url(&WireUrl::parse(signed).unwrap(), terms)
        .unwrap();
    let query = link.split_once('?').map(|(_, query)| query);
    let url = ViewerUrl {
        scheme,
        host,
        path: "/a",
        query,
    };
    let credentials = Credentials::from_request(query, std::iter::empty());
    Verifier {
        keys: &keys("rsa2048"),
        now: Timestamp::from_secs(1),
        client: client(),
        leniency,
        memory: &NoMemory,
    }
    .url(&url, &credentials)
}

fn check_host(signed: &str, scheme: Scheme, host: &str, ignore_port: bool, expected: bool) {
    let leniency = Leniency {
        ignore_port,
        ..Leniency::default()
    };
    let canned = Terms::until(UNTIL);
    let custom = Terms {
        from: Some(Timestamp::from_secs(0)),
        ..canned.clone()
    };
    for terms in [canned, custom] {
        assert_eq!(
            ask(signed, scheme, host, &leniency, &terms).is_ok(),
            expected,
            "{signed} {host}"
        );
    }
}

#[test]
fn ports_count_unless_they_are_the_default() {
    check_host("https://h.de/a", Scheme::Http, "h.de", true, false);
    check_host("https://h.de/a", Scheme::Https, "i.de", true, false);
    check_host("https://h.de/a", Scheme::Https, "h.de:8443", false, false);
    check_host("https://h.de:8443/a", Scheme::Https, "h.de", true, false);
    check_host("http://h.de/a", Scheme::Http, "h.de:443", false, false);
    check_host("https://h.de/a", Scheme::Https, "h.de:443", false, true);
    check_host("https://h.de/a", Scheme::Https, "H.de", false, true);
    check_host(
        "https://h.de:8443/a",
        Scheme::Https,
        "h.de:8443",
        false,
        true,
    );
    check_host("https://h.de/a", Scheme::Https, "h.de:8443", true, true);
    check_host("http://[::1]:81/a", Scheme::Http, "[::1]:81", false, true);
}

/// A memory that records the checks that it was asked for.
#[derive(Default)]
struct Notes(RefCell<Vec<(SignatureScheme, Vec<u8>)>>);

impl SignatureMemory for Notes {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        assert_eq!(question.key_pair_id, "K");
        self.0
            .borrow_mut()
            .push((question.scheme, question.message.to_vec()));
        question.ask()
    }
}

#[test]
fn a_memory_is_asked_about_texts_never_about_decisions() {
    let url = WireUrl::parse("https://h.de/a").unwrap();
    let link = signer("p256.pkcs8")
        .sign_url(&url, &Terms::until(UNTIL))
        .unwrap();
    let query = link.split_once('?').map(|(_, query)| query);
    let request = ViewerUrl {
        scheme: Scheme::Https,
        host: "h.de",
        path: "/a",
        query,
    };
    let credentials = Credentials::from_request(query, std::iter::empty());
    let notes = Notes::default();
    let judge = |request: &ViewerUrl<'_>, now| {
        Verifier {
            keys: &keys("p256.pkcs8"),
            now,
            client: client(),
            leniency: &Leniency::default(),
            memory: &notes,
        }
        .url(request, &credentials)
    };
    assert_eq!(judge(&request, UNTIL), Err(Refusal::Expired(UNTIL)));
    let text = r#"{"Statement":[{"Resource":"https://h.de/a","Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}]}"#;
    assert_eq!(
        *notes.0.borrow(),
        [(SignatureScheme::EcdsaP256Sha1, text.as_bytes().to_vec())]
    );
    // With a P-256 key and without Hash-Algorithm, two checks are made before the refusal.
    let other = ViewerUrl {
        path: "/b",
        ..request
    };
    assert_eq!(
        judge(&other, Timestamp::from_secs(1)),
        Err(Refusal::SignatureMismatch)
    );
    assert_eq!(notes.0.borrow().len(), 3);
    // A quote in the request cannot end the Resource of the rebuilt text: no check is made at all.
    let quote = ViewerUrl {
        path: "/a\"",
        ..request
    };
    assert_eq!(
        judge(&quote, Timestamp::from_secs(1)),
        Err(Refusal::SignatureMismatch)
    );
    assert_eq!(notes.0.borrow().len(), 3);
}

#[test]
fn bodies_are_cloudfronts() {
    let check = |code: ErrorCode, bytes: usize| {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
            code.code(),
            code.message()
        );
        assert_eq!(body.len(), bytes, "{body}");
    };
    check(ErrorCode::MissingKey, 146);
    check(ErrorCode::InvalidKey, 106);
    check(ErrorCode::MalformedPolicy, 116);
    check(ErrorCode::MalformedSignature, 131);
    check(ErrorCode::AccessDenied, 110);
}

#[test]
fn streams_need_a_resource() {
    let names = ["video/talk", "video/talk.mp4"];
    let ask = |query: &str| {
        let credentials = Credentials::from_request(Some(query), std::iter::empty());
        let now = Timestamp::from_secs(1);
        Verifier {
            keys: &keys("rsa2048"),
            now,
            client: client(),
            leniency: &Leniency::default(),
            memory: &NoMemory,
        }
        .stream(&names, &credentials)
    };
    let sign = |resource: &str| {
        let terms = Terms {
            resource: Some(resource.into()),
            ..Terms::until(UNTIL)
        };
        signer("rsa2048")
            .sign_stream(&resource.replace('*', "x"), &terms)
            .unwrap()
    };
    let query = |link: &str| link.split_once('?').unwrap().1.to_owned();
    assert_eq!(
        ask(&query(&sign("audio/*"))).map(drop),
        Err(Refusal::WrongResource)
    );
    assert!(ask(&query(&sign("video/*"))).is_ok());
    assert!(ask(&query(&sign("video/talk.mp4"))).is_ok());
    let everything =
        r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}]}"#;
    let terms = Terms {
        policy: Some(everything.into()),
        allow_broad: true,
        ..Terms::until(UNTIL)
    };
    let link = signer("rsa2048")
        .sign_url(&WireUrl::parse("https://h.de/a").unwrap(), &terms)
        .unwrap();
    assert_eq!(ask(&query(&link)).map(drop), Err(Refusal::WrongResource));
}
