//! Path tokens: issuing them, and the URLs that they open.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use privet_sign::*;

use crate::support::{Received, client, id, private_key};

const NOW: u64 = 1_900_000_000;
const UNTIL: u64 = 2_000_000_000;

fn secret() -> PathTokenSecret {
    PathTokenSecret::new(&[7; 32]).unwrap()
}

fn keys(file: &str) -> KeySet {
    let mut keys = KeySet::default();
    keys.insert(id("K"), private_key(file).public_key());
    keys
}

fn terms() -> Terms {
    Terms::until(Timestamp::from_secs(UNTIL))
}

fn policy(resource: &str) -> Terms {
    Terms {
        resource: Some(resource.to_owned()),
        allow_broad: true,
        ..terms()
    }
}

/// Makes a policy for everything, as it may be written by hand.
fn without_resource() -> Terms {
    Terms {
        policy: Some(
            r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}]}"#
                .to_owned(),
        ),
        allow_broad: true,
        ..terms()
    }
}

fn signed(url: &str, terms: &Terms) -> Received {
    let signer = Signer::new(
        Arc::new(private_key("rsa2048")),
        id("K"),
        HashAlgorithm::Sha1,
    );
    let url = WireUrl::parse(url).unwrap();
    Received::raw(&signer.unwrap().sign_url(&url, terms).unwrap()).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.replace('+', "-").replace('=', "_").replace('/', "~")
}

/// Signs texts that a [`Signer`] does not sign.
fn signature_over(text: &str) -> String {
    let key = private_key("rsa2048");
    let signature = key.sign_message(SignatureScheme::RsaPkcs1Sha1, text.as_bytes());
    format!("Signature={}&Key-Pair-Id=K", encode(&signature.unwrap()))
}

/// Issues a token for a canned link as another signer would make it, wildcards and all.
fn issue_canned(url: &str) -> String {
    let text = format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{UNTIL}}}}}}}]}}"#
    );
    let delimiter = if url.contains('?') { '&' } else { '?' };
    let link = format!("{url}{delimiter}Expires={UNTIL}&{}", signature_over(&text));
    let token = issue_to(&Received::raw(&link).unwrap(), &Leniency::default());
    token.unwrap().expect("short enough")
}

fn issue_to(link: &Received, leniency: &Leniency) -> Result<Option<String>, Refusal> {
    Verifier {
        keys: &keys("rsa2048"),
        now: Timestamp::from_secs(NOW),
        client: client(),
        leniency,
        memory: &NoMemory,
    }
    .issue(
        &secret(),
        &link.viewer_url(),
        &Credentials::from_request(link.query.as_deref(), std::iter::empty()),
    )
}

fn issue(url: &str, terms: &Terms) -> String {
    let token = issue_to(&signed(url, terms), &Leniency::default());
    token.unwrap().expect("short enough")
}

/// The parts of a request that change from one test to the next.
struct Asking {
    keys: KeySet,
    now: u64,
    client: IpAddr,
    leniency: Leniency,
}

impl Default for Asking {
    fn default() -> Self {
        Asking {
            keys: keys("rsa2048"),
            now: NOW,
            client: client(),
            leniency: Leniency::default(),
        }
    }
}

impl Asking {
    fn ask(&self, token: &str, url: &str) -> Result<Grant, Refusal> {
        Verifier {
            keys: &self.keys,
            now: Timestamp::from_secs(self.now),
            client: self.client,
            leniency: &self.leniency,
            memory: &NoMemory,
        }
        .path_token(&secret(), token, &Received::raw(url).unwrap().viewer_url())
    }
}

#[track_caller]
fn check(token: &str, url: &str, expected: Result<(), Refusal>) {
    let grant = Asking::default().ask(token, url);
    assert_eq!((url, grant.map(drop)), (url, expected));
}

const MISMATCH: Result<(), Refusal> = Err(Refusal::PathTokenMismatch);
const OTHER: Result<(), Refusal> = Err(Refusal::SignatureMismatch);
const WRONG: Result<(), Refusal> = Err(Refusal::WrongResource);

#[test]
fn nobody_else_makes_tokens() {
    assert!(PathTokenSecret::new(&[7; 31]).is_none());
    let url = "https://h.de/a.mp4";
    let token = issue(url, &terms());
    for text in ["", "S1", "x", &token[1..], &token[..token.len() - 1]] {
        check(text, url, MISMATCH);
    }
    check(&token.replacen("S1", "S2", 1), url, MISMATCH);
    check(&format!("{token}A"), url, MISMATCH);
    check(&format!("{token}="), url, MISMATCH);
    // Every single character counts.
    for at in 2..token.len() {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        check(&changed, url, MISMATCH);
    }
    let other = Verifier {
        keys: &keys("rsa2048"),
        now: Timestamp::from_secs(NOW),
        client: client(),
        leniency: &Leniency::default(),
        memory: &NoMemory,
    }
    .path_token(
        &PathTokenSecret::new(&[8; 32]).unwrap(),
        &token,
        &Received::raw(url).unwrap().viewer_url(),
    );
    assert_eq!(other.map(drop), MISMATCH);
    check(&token, url, Ok(()));
}

#[test]
fn what_is_refused_gets_no_token() {
    let refused = |url: &str, terms: &Terms| {
        let link = signed(url, terms);
        let link = Received {
            path: "/b.mp4".to_owned(),
            ..link
        };
        issue_to(&link, &Leniency::default())
    };
    let url = "https://h.de/a.mp4";
    assert_eq!(refused(url, &terms()), Err(Refusal::SignatureMismatch));
    let resource = policy("https://h.de/a*");
    assert_eq!(refused(url, &resource), Err(Refusal::WrongResource));
    let future = Terms {
        from: Some(Timestamp::from_secs(NOW)),
        ..terms()
    };
    assert_eq!(
        issue_to(&signed(url, &future), &Leniency::default()),
        Err(Refusal::NotYetValid(Timestamp::from_secs(NOW)))
    );
    let past = Terms::until(Timestamp::from_secs(NOW));
    assert_eq!(
        issue_to(&signed(url, &past), &Leniency::default()),
        Err(Refusal::Expired(Timestamp::from_secs(NOW)))
    );
    let unsigned = Received::raw(url).unwrap();
    assert_eq!(
        issue_to(&unsigned, &Leniency::default()),
        Err(Refusal::MissingKeyPairId)
    );
}

#[test]
fn a_token_is_for_its_scheme_and_host() {
    let token = issue("https://h.de/a.mp4", &policy("*"));
    check(&token, "http://h.de/a.mp4", MISMATCH);
    check(&token, "https://i.de/a.mp4", MISMATCH);
    check(&token, "https://h.de:8443/a.mp4", MISMATCH);
    check(&token, "https://h.de.evil.test/a.mp4", MISMATCH);
    check(&token, "https://H.de:443/a.mp4", Ok(()));
    let token = issue("https://h.de:8443/a.mp4", &policy("https://h.de:8443/*"));
    check(&token, "https://h.de/a.mp4", MISMATCH);
    check(&token, "https://h.de:8443/a.mp4", Ok(()));
}

#[test]
fn a_canned_grant_is_for_one_url() {
    let token = issue("https://h.de/a.mp4", &terms());
    check(&token, "https://h.de/b.mp4", OTHER);
    check(&token, "https://h.de/a.mp4/", OTHER);
    check(&token, "https://h.de/a.mp4?b=1", OTHER);
    check(&token, "https://h.de/a.mp", OTHER);
    check(&token, "https://h.de/%61.mp4", OTHER);
    check(&token, "https://h.de/a.mp4", Ok(()));
    // Signing parameters never count.
    check(&token, "https://h.de/a.mp4?Expires=1&Signature=x", Ok(()));
    let token = issue("https://h.de/a.mp4?b=1", &terms());
    check(&token, "https://h.de/a.mp4", OTHER);
    check(&token, "https://h.de/a.mp4?b=2", OTHER);
    check(&token, "https://h.de/a.mp4?b=1", Ok(()));
}

#[test]
fn a_star_in_a_canned_url_is_a_star() {
    let token = issue_canned("https://h.de/*.mp4");
    check(&token, "https://h.de/a.mp4", OTHER);
    check(&token, "https://h.de/*.mp4", Ok(()));
    let token = issue_canned("https://h.de/a.mp4?*");
    check(&token, "https://h.de/a.mp4?x=1", OTHER);
    check(&token, "https://h.de/a.mp4xx", OTHER);
    check(&token, "https://h.de/a.mp4?*", Ok(()));
}

#[test]
fn a_custom_grant_is_for_what_its_resource_covers() {
    let token = issue("https://h.de/v/a.mp4", &policy("https://h.de/v/*.mp4"));
    check(&token, "https://h.de/w/a.mp4", WRONG);
    check(&token, "https://h.de/v/a.vtt", WRONG);
    check(&token, "https://h.de/v/b.mp4?x=1", WRONG);
    check(&token, "https://h.de/v/b.mp4", Ok(()));
    let token = issue("https://h.de/v/a.mp4?u=5", &policy("https://h.de/v/*?u=*"));
    check(&token, "https://h.de/v/b.mp4", WRONG);
    check(&token, "https://h.de/v/b.mp4?u=6", Ok(()));
    let token = issue("https://h.de/a", &without_resource());
    check(&token, "https://h.de/any?x=1", Ok(()));
}

#[test]
fn the_end_is_the_policies() {
    for terms in [terms(), policy("https://h.de/*")] {
        let token = issue("https://h.de/a", &terms);
        let at = |now| Asking {
            now,
            ..Asking::default()
        };
        assert_eq!(
            at(UNTIL).ask(&token, "https://h.de/a").map(drop),
            Err(Refusal::Expired(Timestamp::from_secs(UNTIL)))
        );
        let grant = at(UNTIL - 1).ask(&token, "https://h.de/a").unwrap();
        assert_eq!(grant.until(), Timestamp::from_secs(UNTIL));
        assert_eq!(grant.source(), CredentialSource::PathToken);
        assert_eq!(grant.key_pair_id(), "K");
    }
}

#[test]
fn the_address_range_carries_over() {
    let terms = Terms {
        ip: Some(IpRange::parse("192.0.2.0/24").unwrap()),
        ..policy("https://h.de/*")
    };
    let token = issue("https://h.de/a", &terms);
    let from = |client: &str| Asking {
        client: client.parse().unwrap(),
        ..Asking::default()
    };
    for other in ["192.0.3.77", "2001:db8::1"] {
        let refused = from(other).ask(&token, "https://h.de/a").map(drop);
        assert_eq!(refused, Err(Refusal::WrongAddress), "{other}");
    }
    assert!(from("192.0.2.1").ask(&token, "https://h.de/a").is_ok());
}

#[test]
fn a_key_that_is_gone_takes_its_path_tokens_along() {
    let token = issue("https://h.de/a", &terms());
    let with = |keys| Asking {
        keys,
        ..Asking::default()
    };
    for keys in [KeySet::default(), keys("p256.pkcs8")] {
        let refused = with(keys).ask(&token, "https://h.de/a").map(drop);
        assert_eq!(refused, Err(Refusal::PathTokenKeyGone));
    }
}

#[test]
fn a_switch_that_is_turned_off_takes_its_path_tokens_along() {
    let text = r#"{"Statement":{"Resource":"https://h.de/*","Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}}"#;
    let lenient = Leniency {
        statement_object: true,
        ..Leniency::default()
    };
    let link = Received::raw(&format!(
        "https://h.de/a?Policy={}&{}",
        encode(text.as_bytes()),
        signature_over(text)
    ));
    let token = issue_to(&link.unwrap(), &lenient).unwrap().unwrap();
    let ask = |leniency| {
        let asking = Asking {
            leniency,
            ..Asking::default()
        };
        asking.ask(&token, "https://h.de/a").map(drop)
    };
    assert_eq!(
        ask(Leniency::default()),
        Err(Refusal::MalformedPolicy(PolicyError::StatementObject))
    );
    assert_eq!(ask(lenient), Ok(()));
}

#[test]
fn a_token_keeps_the_name_of_its_grant() {
    let link = signed("https://h.de/a", &terms());
    let grant = link.verify_with(None, &keys("rsa2048"), NOW, client());
    let token = issue("https://h.de/a", &terms());
    let path_token = Asking::default().ask(&token, "https://h.de/a").unwrap();
    assert_eq!(path_token.fingerprint(), grant.unwrap().fingerprint());
}

#[test]
fn tokens_have_a_limit() {
    let long = format!("https://h.de/{}/*", "a".repeat(700));
    let link = signed(&long.replace('*', "a"), &policy(&long));
    assert_eq!(issue_to(&link, &Leniency::default()), Ok(None));
    let long = format!("https://h.de/{}/*", "a".repeat(580));
    let token = issue(&long.replace('*', "a"), &policy(&long));
    assert!(token.len() <= PATH_TOKEN_SIZE_BYTES_MAX);
    assert!(is_path_token_shaped(&token));
    check(&token, &long.replace('*', "b"), Ok(()));
}

#[test]
fn few_texts_look_like_tokens() {
    let long = "A".repeat(200);
    for text in [
        "",
        "anna",
        "S1",
        &format!("S2{long}"),
        &format!("S1{long}~"),
        &format!("S1{long}/"),
        &format!("S1{}", "A".repeat(1023)),
        &format!("S1{}", "A".repeat(100)),
    ] {
        assert!(!is_path_token_shaped(text), "{text}");
    }
    assert!(is_path_token_shaped(&format!("S1{long}")));
    assert!(is_path_token_shaped(&format!("S1-{long}_")));
    assert!(is_path_token_shaped(&format!("S1{}", "A".repeat(1022))));
    // The shortest token is one for everything whose key has an id of one letter.
    let shortest = issue("https://h.de/a", &without_resource());
    assert!(is_path_token_shaped(&shortest));
    assert!(!is_path_token_shaped(&shortest[..shortest.len() - 2]));
}

#[test]
fn a_secret_is_not_printed() {
    assert_eq!(format!("{:?}", secret()), "PathTokenSecret");
}

/// A token compares section by section, whether a link or cookies brought it.
#[test]
fn a_path_token_reads_resources_as_its_credentials_do() {
    let terms = policy("https://h.de/a*c");
    let link = signed("https://h.de/abc", &terms);
    let (url, query) = ("https://h.de/abc", link.query.as_deref().unwrap());
    let cookies = format!("CloudFront-{}", query.replace('&', "; CloudFront-"));
    let by_cookies = Verifier {
        keys: &keys("rsa2048"),
        now: Timestamp::from_secs(NOW),
        client: client(),
        leniency: &Leniency::default(),
        memory: &NoMemory,
    }
    .issue(
        &secret(),
        &Received::raw(url).unwrap().viewer_url(),
        &Credentials::from_request(None, std::iter::once(cookies.as_bytes())),
    );
    let by_link = issue(url, &terms);
    let by_cookies = by_cookies.unwrap().unwrap();
    for path_token in [&by_link, &by_cookies] {
        check(path_token, "https://h.de/a?b=c", WRONG);
        check(path_token, "https://h.de/adc", Ok(()));
    }
}

#[test]
fn the_query_counts_for_those_who_compare_it() {
    let of = |url: &str, terms: &Terms| {
        let link = signed(url, terms);
        let grant = link.verify_with(None, &keys("rsa2048"), NOW, client());
        let path_token = Asking::default().ask(&issue(url, terms), url).unwrap();
        assert_eq!(
            grant.as_ref().map(Grant::query_use),
            Ok(path_token.query_use())
        );
        path_token.query_use()
    };
    assert_eq!(of("https://h.de/a", &terms()), QueryUse::Ignored);
    assert_eq!(of("https://h.de/a?b=1", &terms()), QueryUse::Compared);
    assert_eq!(
        of("https://h.de/a?b=1", &policy("https://h.de/*")),
        QueryUse::Ignored
    );
    assert_eq!(
        of("https://h.de/a?b=1", &policy("https://h.de/a?b=*")),
        QueryUse::Compared
    );
}

#[test]
fn a_token_is_known_by_its_secret_and_its_host() {
    let url = "https://h.de/abc";
    let token = issue(url, &policy("https://h.de/*"));
    let is_issued = |url: &str, text: &str| {
        let received = Received::raw(url).unwrap();
        is_issued_path_token(&secret(), text, &received.viewer_url())
    };
    assert!(is_issued(url, &token));
    assert!(is_issued("https://h.de/other", &token));
    assert!(!is_issued("https://i.de/abc", &token));
    assert!(!is_issued("http://h.de/abc", &token));
    let mut forged = token.into_bytes();
    forged[10] ^= 1;
    assert!(!is_issued(url, std::str::from_utf8(&forged).unwrap()));
    assert!(!is_issued(url, "S1"));
}
