//! The version of boto 2: who is admitted by signatures of a date, and what these cannot be used for.

use super::*;
use crate::listener::{ask_over, certificate};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privet_control::cloudfront::Settings;
use privet_sign::Timestamp;
use privet_store::Role;
use rustls::ClientConfig;
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const IDENTITIES: &str = "/2010-11-01/origin-access-identity/cloudfront";
const DISTRIBUTIONS: &str = "/2010-11-01/distribution";
const ABSENT: (u16, &str) = (403, "MissingAuthenticationToken");
const EXPIRED: (u16, &str) = (400, "RequestExpired");
const MISMATCH: (u16, &str) = (403, "SignatureDoesNotMatch");

/// An edge over TLS that takes requests of boto 2.
struct Site {
    fixture: Fixture,
    client: Arc<ClientConfig>,
}

impl Site {
    fn new() -> Self {
        let (server, client) = certificate();
        let fixture = Fixture::over_tls(server);
        let site = Site { fixture, client };
        site.take_boto2(true);
        site
    }

    fn take_boto2(&self, boto2: bool) {
        self.fixture.set_cloudfront(Settings {
            boto2,
            ..Settings::default()
        });
    }

    fn set_clock(&self, at: u64) {
        self.fixture.edge().clock().set(Timestamp::from_secs(at));
    }

    fn ask(&self, ask: &Ask) -> Answer {
        self.ask_from("127.0.0.1:0", ask)
    }

    /// Asks as a machine with an address of its own.
    fn ask_from(&self, from: &str, ask: &Ask) -> Answer {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let from: SocketAddr = from.parse().unwrap();
        socket.bind(&from.into()).unwrap();
        socket.connect(&self.fixture.address().into()).unwrap();
        ask_over(TcpStream::from(socket), &self.client, ask)
    }

    #[track_caller]
    fn check(&self, ask: &Ask, expected: (u16, &str)) -> Answer {
        let answer = self.ask(ask);
        let got = (answer.status, code(&answer));
        assert_eq!(got, expected, "{ask:?} {answer:?}");
        answer
    }
}

fn date(at: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at))
}

/// Signs a date as boto 2 does.
fn dated(ask: Ask, key: &Key, at: u64) -> Ask {
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&hmac_key, date(at).as_bytes()));
    let authorization = format!("AWS {}:{signature}", key.id);
    ask.header("date", &date(at))
        .header("authorization", &authorization)
}

fn list() -> Ask {
    Ask::get(IDENTITIES)
}

fn identity(reference: &str) -> Ask {
    let root = "CloudFrontOriginAccessIdentityConfig";
    let namespace = "http://cloudfront.amazonaws.com/doc/2009-09-09/";
    Ask::new("POST", IDENTITIES).xml(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{namespace}\">\n  \
         <CallerReference>{reference}</CallerReference>\n</{root}>\n"
    ))
}

#[test]
fn it_is_not_served_unless_that_is_said_and_never_in_the_clear() {
    let unknown = (400, "UnsupportedOperation");
    let plain = Fixture::new();
    let key = plain.admin();
    plain.set_cloudfront(Settings {
        boto2: true,
        ..Settings::default()
    });
    let check = |answer: Answer, expected| {
        assert_eq!((answer.status, code(&answer)), expected, "{answer:?}");
    };
    check(plain.ask(&dated(list(), &key, NOW)), ABSENT);
    check(plain.ask(&list().bearer(&key)), unknown);
    check(plain.ask_socket(&dated(list(), &key, NOW)), unknown);
    check(plain.ask_socket(&list()), unknown);
    let site = Site::new();
    let key = site.fixture.admin();
    site.take_boto2(false);
    site.check(&dated(list(), &key, NOW), ABSENT);
    site.check(&list().bearer(&key), unknown);
    site.take_boto2(true);
    assert_eq!(site.ask(&dated(list(), &key, NOW)).status, 200);
    // Better credentials are as good here as elsewhere.
    assert_eq!(site.ask(&list().bearer(&key)).status, 200);
    let signed = list().signed_for("cloudfront", &key, NOW);
    assert_eq!(site.ask(&signed).status, 200);
}

#[test]
fn signatures_of_dates_count_at_paths_of_this_version_alone() {
    let site = Site::new();
    let key = site.fixture.admin();
    for path in [
        "/2020-05-31/distribution",
        "/2014-05-31/distribution",
        "/2010-11-010/distribution",
    ] {
        let answer = site.ask(&dated(Ask::get(path), &key, NOW));
        assert!([401, 403].contains(&answer.status), "{path} {answer:?}");
    }
    site.check(
        &dated(Ask::get("/2020-05-31/distribution"), &key, NOW),
        ABSENT,
    );
    let v1 = site.ask(&dated(Ask::get("/v1/keys"), &key, NOW));
    assert_eq!((v1.status, v1.code()), (401, "credentials_absent"));
}

#[test]
fn credentials_that_are_not_good_get_the_errors_of_aws() {
    let site = Site::new();
    let key = site.fixture.admin();
    let other = |id: &str, secret: &str| Key {
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    site.check(&list(), ABSENT);
    let good = dated(list(), &key, NOW);
    site.check(
        &good.clone().header("date", "now"),
        (400, "IncompleteSignature"),
    );
    let cut = good
        .clone()
        .header("authorization", &format!("AWS {}:x", key.id));
    site.check(&cut, (400, "IncompleteSignature"));
    let temporary = good.clone().header("x-amz-security-token", "t");
    site.check(&temporary, (403, "InvalidClientTokenId"));
    site.check(
        &dated(list(), &other("PRIVETUNKNOWN", &key.secret), NOW),
        MISMATCH,
    );
    site.check(&dated(list(), &other(&key.id, "wrong"), NOW), MISMATCH);
    site.check(&good.clone().header("date", &date(NOW + 1)), MISMATCH);
    site.check(&dated(list(), &key, NOW + 61), EXPIRED);
    // The edge does not know what was signed with before it began.
    site.check(&dated(list(), &key, NOW - 1), EXPIRED);
    site.check(
        &good.clone().header("host", "evil.example"),
        (421, "InvalidHost"),
    );
    let answer = site.check(&good, (200, ""));
    assert!(answer.text.contains("<CloudFrontOriginAccessIdentityList xmlns=\"http://cloudfront.amazonaws.com/doc/2010-11-01/\">"));
    site.set_clock(NOW + 61);
    site.check(&good, EXPIRED);
}

#[test]
fn roles_and_failures_count_as_everywhere() {
    let site = Site::new();
    let reader = site.fixture.operator("reader", Role::Read, None);
    let refused = site.check(&dated(identity("a"), &reader, NOW), (403, "AccessDenied"));
    assert!(
        refused
            .text
            .contains("xmlns=\"http://cloudfront.amazonaws.com/doc/2010-11-01/\"")
    );
    assert_eq!(site.ask(&dated(list(), &reader, NOW)).status, 200);
    let wrong = Key {
        secret: "wrong".to_owned(),
        ..reader.clone()
    };
    for _ in 0..20 {
        site.check(&dated(list(), &wrong, NOW), MISMATCH);
    }
    site.check(&dated(list(), &reader, NOW), (400, "Throttling"));
    let audit = site.fixture.ask_socket(&Ask::get("/v1/changes?limit=50"));
    let entries = audit.json["items"].as_array().unwrap();
    let is_refusal = |entry: &&serde_json::Value| {
        entry["operation"] == json!("cloudfront.CreateCloudFrontOriginAccessIdentity")
            && entry["detail"] == json!("AccessDenied")
    };
    assert_eq!(entries.iter().filter(is_refusal).count(), 1, "{entries:?}");
}

#[test]
fn whoever_has_read_a_signature_can_do_little_with_it() {
    let site = Site::new();
    let key = site.fixture.admin();
    // Requests of one second have the same signature: the client makes several changes with it.
    let made = site.check(&dated(identity("a"), &key, NOW), (201, ""));
    site.check(&dated(identity("b"), &key, NOW), (201, ""));
    let stolen = |ask| dated(ask, &key, NOW);
    for ask in [stolen(identity("c")), stolen(identity("a")), stolen(list())] {
        let answer = site.ask_from("127.0.0.2:0", &ask);
        assert_eq!((answer.status, code(&answer)), MISMATCH, "{answer:?}");
    }
    // The same change once more is answered as before, and not made again.
    let id = element(&made.text, "Id").unwrap();
    let again = site.check(&stolen(identity("a")), (201, ""));
    assert_eq!(element(&again.text, "Id"), Some(id));
    let delete = |etag: &str| {
        let ask = Ask::new("DELETE", &format!("{IDENTITIES}/{id}"));
        stolen(ask.header("if-match", etag))
    };
    site.check(&delete("E0"), (412, "PreconditionFailed"));
    // A client cannot sign anew within a second: what was refused may be asked again.
    site.check(&delete("E0"), (412, "PreconditionFailed"));
    let made = etag(&made);
    site.check(&delete(made), (204, ""));
    let again = site.check(&delete(made), (204, ""));
    assert_eq!(
        again.text, "",
        "the answer to the first one, not a second deletion"
    );
    site.set_clock(NOW + 10);
    site.check(&stolen(identity("d")), (201, ""));
    site.set_clock(NOW + 11);
    site.check(&stolen(identity("e")), EXPIRED);
    site.check(&stolen(list()), EXPIRED);
    assert_eq!(site.ask(&dated(list(), &key, NOW + 11)).status, 200);
    // Another machine's clock may show the same second, with a key of its own.
    let other = site.fixture.operator("other", Role::Read, None);
    let answer = site.ask_from("127.0.0.2:0", &dated(list(), &other, NOW + 11));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn dialects_do_not_mix() {
    let site = Site::new();
    let key = site.fixture.admin();
    let members = |origin: &str| {
        format!(
            "<CallerReference>r</CallerReference><Comment>c</Comment><Enabled>true</Enabled>{origin}"
        )
    };
    let old = "<CustomOrigin><DNSName>s.example.com</DNSName>\
               <OriginProtocolPolicy>http-only</OriginProtocolPolicy></CustomOrigin>";
    let old = format!("<DistributionConfig>{}</DistributionConfig>", members(old));
    let new = "<Origins><Quantity>0</Quantity></Origins>";
    let new = format!("<DistributionConfig>{}</DistributionConfig>", members(new));
    let malformed = (400, "MalformedXML");
    let ask = |path: &str, body: &str| Ask::new("POST", path).xml(body);
    site.check(&dated(ask(DISTRIBUTIONS, &new), &key, NOW), malformed);
    site.check(
        &ask("/2020-05-31/distribution", &old).bearer(&key),
        malformed,
    );
    site.check(
        &dated(ask(DISTRIBUTIONS, ""), &key, NOW),
        (400, "MissingBody"),
    );
    let keys = dated(Ask::get("/2010-11-01/public-key"), &key, NOW);
    site.check(&keys, (400, "UnsupportedOperation"));
    let made = site.check(&dated(ask(DISTRIBUTIONS, &old), &key, NOW), (201, ""));
    let id = element(&made.text, "Id").unwrap();
    let location = format!("https://cloudfront.amazonaws.com{DISTRIBUTIONS}/{id}");
    assert_eq!(made.header("location"), Some(location.as_str()));
    let config = element(&made.text, "DistributionConfig").unwrap();
    assert!(
        config.starts_with("<CustomOrigin><DNSName>s.example.com</DNSName><HTTPPort>80</HTTPPort>")
    );
    let newest = site.ask(&Ask::get(&format!("/2020-05-31/distribution/{id}")).bearer(&key));
    assert_eq!(
        element(&newest.text, "ViewerProtocolPolicy"),
        Some("allow-all")
    );
    let disabled = old.replace("<Enabled>true", "<Enabled>false");
    let put = Ask::new("PUT", &format!("{DISTRIBUTIONS}/{id}/config")).xml(&disabled);
    let changed = put.header("if-match", etag(&made));
    let changed = site.check(&dated(changed, &key, NOW), (200, ""));
    assert_eq!(element(&changed.text, "Enabled"), Some("false"));
    let listed = site.check(&dated(Ask::get(DISTRIBUTIONS), &key, NOW), (200, ""));
    let summary = element(&listed.text, "DistributionSummary").unwrap();
    assert_eq!(element(summary, "Enabled"), Some("false"));
    assert!(!listed.text.contains("Quantity") && !listed.text.contains("<Items>"));
}
