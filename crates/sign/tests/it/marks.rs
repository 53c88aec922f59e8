//! The mark of a link: what is refused, what is read, and that nobody can add it, change it or take it off.

use std::cell::RefCell;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privet_sign::*;
use serde_json::Value;

use crate::support::{client, fixture, id, private_key};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_100);
const MADE: Timestamp = Timestamp::from_secs(1_900_000_000);
const UNTIL: Timestamp = Timestamp::from_secs(2_000_000_000);
const URL: &str = "https://h.de/v/a";
const LENIENCY: Leniency = Leniency {
    ignore_port: false,
    statement_object: false,
};

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    keys.insert(id("K"), private_key("rsa2048").public_key());
    keys
}

fn signer() -> Signer {
    let key = Arc::new(private_key("rsa2048"));
    Signer::new(key, id("K"), HashAlgorithm::Sha1).unwrap()
}

fn limited() -> LinkMark {
    LinkMark {
        limited: Some(Limited {
            id: LimitedId::from_bytes([1; 16]),
            nonce: LinkNonce::from_bytes([2; 16]),
        }),
        ..LinkMark::default()
    }
}

fn whole() -> LinkMark {
    LinkMark {
        made: Some(MADE),
        subject: Some(SubjectDigest::of("alice@example.com")),
        ..limited()
    }
}

fn marked(mark: LinkMark) -> Terms {
    Terms {
        mark: Some(mark),
        ..Terms::until(UNTIL)
    }
}

/// Returns the signing parameters of a link to [`URL`].
fn parameters(terms: &Terms) -> String {
    let link = signer().sign_url(&WireUrl::parse(URL).unwrap(), terms);
    link.unwrap().split_once('?').unwrap().1.to_owned()
}

fn encode(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.replace('+', "-").replace('=', "_").replace('/', "~")
}

/// Returns the policy that the parameters carry.
fn policy_of(parameters: &str) -> String {
    let policy = parameters.strip_prefix("Policy=").unwrap();
    let text = policy.split('&').next().unwrap().replace('-', "+");
    let bytes = STANDARD.decode(text.replace('_', "=").replace('~', "/"));
    String::from_utf8(bytes.unwrap()).unwrap()
}

/// Signs a policy that a [`Signer`] may refuse.
fn signed(policy: &str) -> String {
    let key = private_key("rsa2048");
    let signature = key.sign_message(SignatureScheme::RsaPkcs1Sha1, policy.as_bytes());
    let (policy, signature) = (encode(policy.as_bytes()), encode(&signature.unwrap()));
    format!("Policy={policy}&Signature={signature}&Key-Pair-Id=K")
}

fn url(query: &str) -> ViewerUrl<'_> {
    ViewerUrl {
        scheme: Scheme::Https,
        host: "h.de",
        path: "/v/a",
        query: Some(query),
    }
}

fn verifier<'a>(keys: &'a KeySet, memory: &'a dyn SignatureMemory) -> Verifier<'a> {
    Verifier {
        keys,
        now: NOW,
        client: client(),
        leniency: &LENIENCY,
        memory,
    }
}

fn opened(parameters: &str) -> Result<Grant, Refusal> {
    let credentials = Credentials::from_request(Some(parameters), std::iter::empty());
    verifier(&keys(), &NoMemory).url(&url(parameters), &credentials)
}

fn mark_of(parameters: &str) -> Option<LinkMark> {
    opened(parameters).unwrap().link_mark().copied()
}

fn vectors() -> Vec<Value> {
    serde_json::from_slice(&fixture("vectors/marks.json")).unwrap()
}

#[test]
fn what_is_no_mark_is_refused_with_its_policy() {
    let mut refused = 0;
    for entry in vectors() {
        let (name, policy) = (&entry["id"], entry["policy"].as_str().unwrap());
        let Some(expected) = entry["refused"].as_str() else {
            continue;
        };
        match opened(&signed(policy)) {
            Err(Refusal::MalformedPolicy(error)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{name}: {error}");
            }
            other => panic!("{name}: {other:?}"),
        }
        let terms = Terms {
            policy: Some(policy.to_owned()),
            allow_broad: true,
            ..Terms::until(UNTIL)
        };
        let signed = signer().sign_url(&WireUrl::parse(URL).unwrap(), &terms);
        assert!(matches!(signed, Err(SignError::Policy(_))), "{name}");
        refused += 1;
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn what_is_a_mark_is_read() {
    let mut read = 0;
    for entry in vectors() {
        let (name, policy) = (&entry["id"], entry["policy"].as_str().unwrap());
        if entry["refused"].is_string() {
            continue;
        }
        let expected = &entry["mark"];
        let text = |name: &str| expected[name].as_str();
        let link = text("link").and_then(LimitedId::parse);
        let nonce = text("nonce").and_then(LinkNonce::parse);
        let limited = link.zip(nonce).map(|(id, nonce)| Limited { id, nonce });
        let mark = LinkMark {
            limited,
            made: expected["made"].as_u64().map(Timestamp::from_secs),
            subject: text("subject").and_then(SubjectDigest::parse),
        };
        let mark = Some(mark).filter(|_| expected.is_object());
        assert_eq!(mark_of(&signed(policy)), mark, "{name}");
        read += 1;
    }
    assert!(read > 12, "{read}");
}

#[test]
fn marks_that_would_be_refused_are_not_signed() {
    let check = |terms: &Terms, expected: SignError| {
        let signed = signer().sign_url(&WireUrl::parse(URL).unwrap(), terms);
        assert_eq!(signed, Err(expected), "{terms:?}");
    };
    check(&marked(LinkMark::default()), SignError::EmptyMark);
    let made = |secs| {
        marked(LinkMark {
            made: Some(Timestamp::from_secs(secs)),
            ..limited()
        })
    };
    check(&made(0), SignError::MadeAtNoTime);
    let milliseconds = Timestamp::from_secs(1_900_000_000_000);
    check(
        &made(1_900_000_000_000),
        SignError::Milliseconds(milliseconds),
    );
    let policy = Terms {
        policy: Some(policy_of(&parameters(&marked(limited())))),
        ..marked(limited())
    };
    check(&policy, SignError::PolicyAndTerms);
    let stamped = signer().stamp(&marked(limited())).map(drop);
    assert_eq!(stamped, Err(SignError::ResourceMissing));
}

#[test]
fn a_marked_link_has_a_custom_policy() {
    let parameters = parameters(&marked(whole()));
    assert_eq!(
        policy_of(&parameters),
        r#"{"Statement":[{"Resource":"https://h.de/v/a","Privet":{"Link":"AQEBAQEBAQEBAQEBAQEBAQ","Nonce":"AgICAgICAgICAgICAgICAg","Made":1900000000,"Subject":"pB4bPeNfGswrJV_QshSm_g"},"Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}]}"#
    );
    assert_eq!(mark_of(&parameters), Some(whole()));
    let only_made = LinkMark {
        made: Some(MADE),
        ..LinkMark::default()
    };
    let all = Terms {
        resource: Some("https://h.de/v/*".to_owned()),
        from: Some(MADE),
        ip: Some(IpRange::parse("192.0.2.0/24").unwrap()),
        ..marked(only_made)
    };
    assert_eq!(mark_of(&self::parameters(&all)), Some(only_made));
    assert_eq!(mark_of(&self::parameters(&Terms::until(UNTIL))), None);
}

/// Whatever a viewer does to the mark, the signature is over another text.
#[test]
fn nobody_can_take_the_mark_off_or_put_one_on() {
    let parameters = parameters(&marked(limited()));
    let (_, rest) = parameters.split_once('&').unwrap();
    let policy = policy_of(&parameters);
    let (before, after) = policy.split_once(r#""Privet""#).unwrap();
    let (mark, after) = after.split_once("},").unwrap();
    for other in [
        format!("{before}{after}"),
        policy.replace("AQEB", "AQEA"),
        policy.replace("AgIC", "AgIA"),
        policy.replace("\"Privet\"", "\"Pri\\u0076et\""),
        format!("{before}\"Privet\":{{\"Made\":1900000000}},{after}"),
        format!("{before}\"Privet\"{mark},\"Made\":1900000000}},{after}"),
    ] {
        assert_ne!(other, policy);
        let forged = format!("Policy={}&{rest}", encode(other.as_bytes()));
        assert_eq!(opened(&forged), Err(Refusal::SignatureMismatch), "{other}");
    }
    // The canned form of the same link, with the signature of the marked one.
    let canned = format!("Expires={}&{rest}", UNTIL.as_secs());
    assert_eq!(opened(&canned), Err(Refusal::SignatureMismatch));
    // A mark put on a link that has none.
    let plain = self::parameters(&Terms {
        resource: Some(URL.to_owned()),
        ..Terms::until(UNTIL)
    });
    let (_, rest) = plain.split_once('&').unwrap();
    let forged = format!("Policy={}&{rest}", encode(policy.as_bytes()));
    assert_eq!(opened(&forged), Err(Refusal::SignatureMismatch));
}

/// The text of a canned policy is rebuilt from the requested URL, in which a quote would end the resource.
#[test]
fn a_canned_policy_has_no_mark() {
    let text = policy_of(&parameters(&marked(limited())));
    let text = text.replace(",\"Condition\"", ",\"Sid\":\"x\",\"Condition\"");
    assert_eq!(mark_of(&signed(&text)), Some(limited()));
    let (_, rest) = text.split_once("https://h.de").unwrap();
    let (path, _) = rest.split_once("\",\"Condition\"").unwrap();
    let parameters = signed(&text);
    let (_, rest) = parameters.split_once('&').unwrap();
    let query = format!("Expires={}&{rest}", UNTIL.as_secs());
    let credentials = Credentials::from_request(Some(&query), std::iter::empty());
    let url = ViewerUrl {
        path,
        ..url(&query)
    };
    let refused = verifier(&keys(), &NoMemory).url(&url, &credentials);
    assert_eq!(refused, Err(Refusal::SignatureMismatch));
}

/// Cookies that were remembered keep the mark.
#[derive(Default)]
struct Memory(RefCell<Option<Arc<ConfirmedPolicy>>>);

impl SignatureMemory for Memory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        question.ask()
    }

    fn remembers(&self, _question: &SignatureQuestion<'_>) -> bool {
        false
    }

    fn recall(&self, _cookies: &[u8]) -> Option<Arc<ConfirmedPolicy>> {
        self.0.borrow().clone()
    }

    fn keep(&self, _cookies: &[u8], confirmed: &Arc<ConfirmedPolicy>) {
        *self.0.borrow_mut() = Some(Arc::clone(confirmed));
    }
}

#[test]
fn cookies_carry_the_mark() {
    let url = WireUrl::parse(URL).unwrap();
    let cookies = signer().sign_cookies(Some(&url), &marked(whole())).unwrap();
    let header = cookies.to_header();
    let (keys, memory) = (keys(), Memory::default());
    for _ in 0..2 {
        let headers = std::iter::once(header.as_bytes());
        let requested = ViewerUrl {
            query: None,
            ..self::url("")
        };
        let grant = verifier(&keys, &memory).request(&requested, headers);
        assert_eq!(grant.unwrap().link_mark(), Some(&whole()));
        assert!(memory.0.borrow().is_some());
    }
}

#[test]
fn streams_carry_the_mark() {
    let link = signer()
        .sign_stream("mp4:v/talk", &marked(whole()))
        .unwrap();
    let (_, query) = link.split_once('?').unwrap();
    let credentials = Credentials::from_request(Some(query), std::iter::empty());
    let keys = keys();
    let grant = verifier(&keys, &NoMemory).stream(&["v/talk"], &credentials);
    assert_eq!(grant.unwrap().link_mark(), Some(&whole()));
}

#[test]
fn stamps_carry_the_mark() {
    let terms = Terms {
        resource: Some("https://h.de/v/*".to_owned()),
        ..marked(whole())
    };
    let mut link = String::new();
    let stamp = signer().stamp(&terms).unwrap();
    stamp.apply_text(URL, &mut link).unwrap();
    let (_, query) = link.split_once('?').unwrap();
    assert_eq!(mark_of(query), Some(whole()));
}

#[test]
fn path_tokens_carry_the_mark() {
    let secret = PathTokenSecret::new(&[7; 32]).unwrap();
    let keys = keys();
    let unmarked = Terms::until(UNTIL);
    for (terms, expected) in [(marked(whole()), Some(whole())), (unmarked, None)] {
        let query = parameters(&terms);
        let credentials = Credentials::from_request(Some(&query), std::iter::empty());
        let verifier = verifier(&keys, &NoMemory);
        let token = verifier.issue(&secret, &url(&query), &credentials);
        let token = token.unwrap().unwrap();
        let requested = ViewerUrl {
            query: None,
            ..url("")
        };
        let grant = verifier.path_token(&secret, &token, &requested).unwrap();
        assert_eq!(grant.link_mark().copied(), expected);
        let id = verifier.url(&url(&query), &credentials).unwrap().link_id();
        assert_eq!(grant.link_id(), id);
    }
}

/// The mark is signed text like all other: links that differ in it are two links.
#[test]
fn each_mark_makes_another_link() {
    let other_nonce = LinkMark {
        limited: whole().limited.map(|limited| Limited {
            nonce: LinkNonce::from_bytes([3; 16]),
            ..limited
        }),
        ..whole()
    };
    let terms = [
        Terms::until(UNTIL),
        marked(limited()),
        marked(whole()),
        marked(other_nonce),
    ];
    let ids = terms.map(|terms| opened(&parameters(&terms)).unwrap().link_id());
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id), "{index}");
    }
}

fn explained(query: &str, keys: &KeySet, now: Timestamp) -> Explanation {
    explain(&Question {
        url: &format!("{URL}?{query}"),
        cookies: None,
        keys,
        now,
        client: Some(client()),
        leniency: LENIENCY,
    })
}

#[test]
fn explanations_name_the_link_only_if_its_signature_verifies() {
    let query = parameters(&marked(whole()));
    let id = opened(&query).unwrap().link_id();
    let forged = format!("{query}X").replace("&Signature=", "&Signature=AAAA");
    for (query, keys) in [(query.as_str(), KeySet::default()), (&forged, keys())] {
        let explanation = explained(query, &keys, NOW);
        assert_eq!(explanation.link_id, None);
        assert_eq!(explanation.link_mark, Some(whole()));
    }
    // A link that has ended is the same link.
    for now in [NOW, UNTIL] {
        let explanation = explained(&query, &keys(), now);
        assert_eq!(explanation.link_id, Some(id));
        assert_eq!(explanation.link_mark, Some(whole()));
    }
    let canned = parameters(&Terms::until(UNTIL));
    let explanation = explained(&canned, &keys(), UNTIL);
    assert_eq!(
        explanation.link_id,
        opened(&canned).ok().map(|grant| grant.link_id())
    );
    assert_eq!(explanation.link_mark, None);
    let broken = signed(&policy_of(&query).replace("Nonce", "Once"));
    assert_eq!(explained(&broken, &keys(), NOW).link_mark, None);
}
