//! The checks that a memory saves, and those that it never saves, whatever credentials came before.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use privet_sign::*;

use crate::support::{client, id, private_key};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const UNTIL: Timestamp = Timestamp::from_secs(2_000_000_000);

fn keys(file: &str) -> KeySet {
    let mut keys = KeySet::default();
    keys.insert(id("K"), private_key(file).public_key());
    keys
}

/// Returns the parameters of a link to `url`.
fn parameters(file: &str, hash: HashAlgorithm, url: &str, terms: &Terms) -> String {
    let signer = Signer::new(Arc::new(private_key(file)), id("K"), hash).unwrap();
    let link = signer.sign_url(&WireUrl::parse(url).unwrap(), terms);
    link.unwrap().split_once('?').unwrap().1.to_owned()
}

fn canned() -> String {
    let terms = Terms::until(UNTIL);
    parameters("rsa2048", HashAlgorithm::Sha1, "https://h.de/v/a", &terms)
}

fn custom() -> String {
    let terms = Terms {
        resource: Some("https://h.de/v/*".to_owned()),
        from: Some(Timestamp::from_secs(NOW.as_secs() - 1)),
        ip: Some(IpRange::parse("192.0.2.0/24").unwrap()),
        ..Terms::until(UNTIL)
    };
    parameters("rsa2048", HashAlgorithm::Sha1, "https://h.de/v/a", &terms)
}

fn cookies(parameters: &str) -> String {
    format!("CloudFront-{}", parameters.replace('&', "; CloudFront-"))
}

/// Remembers what an edge remembers, and records the schemes that a key verified by.
#[derive(Default)]
struct Memory {
    kept: RefCell<Vec<(Vec<u8>, Arc<ConfirmedPolicy>)>>,
    asked: RefCell<Vec<SignatureScheme>>,
    /// Messages and schemes that were valid before.
    known: Vec<(SignatureScheme, &'static str)>,
    looked_up: RefCell<Vec<SignatureScheme>>,
}

impl Memory {
    fn asked(&self) -> Vec<SignatureScheme> {
        self.asked.take()
    }

    fn is_empty(&self) -> bool {
        self.kept.borrow().is_empty()
    }
}

impl SignatureMemory for Memory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        self.asked.borrow_mut().push(question.scheme);
        question.ask()
    }

    fn remembers(&self, question: &SignatureQuestion<'_>) -> bool {
        self.looked_up.borrow_mut().push(question.scheme);
        let message = std::str::from_utf8(question.message).unwrap();
        let mut known = self.known.iter();
        known.any(|(scheme, part)| *scheme == question.scheme && message.contains(part))
    }

    fn recall(&self, cookies: &[u8]) -> Option<Arc<ConfirmedPolicy>> {
        let kept = self.kept.borrow();
        let found = kept.iter().find(|(known, _)| known == cookies);
        found.map(|(_, confirmed)| Arc::clone(confirmed))
    }

    fn keep(&self, cookies: &[u8], confirmed: &Arc<ConfirmedPolicy>) {
        let kept = (cookies.to_vec(), Arc::clone(confirmed));
        self.kept.borrow_mut().push(kept);
    }
}

/// A request, for `https://h.de/v/a` unless a test says otherwise.
struct Asking<'a> {
    path: &'a str,
    query: Option<&'a str>,
    keys: KeySet,
    now: Timestamp,
    client: IpAddr,
    leniency: Leniency,
}

impl Default for Asking<'_> {
    fn default() -> Self {
        Asking {
            path: "/v/a",
            query: None,
            keys: keys("rsa2048"),
            now: NOW,
            client: client(),
            leniency: Leniency::default(),
        }
    }
}

impl Asking<'_> {
    fn ask(&self, cookies: &[&str], memory: &Memory) -> Result<(), Refusal> {
        let url = ViewerUrl {
            scheme: Scheme::Https,
            host: "h.de",
            path: self.path,
            query: self.query,
        };
        let headers = cookies.iter().map(|header| header.as_bytes());
        let (keys, now, client) = (&self.keys, self.now, self.client);
        Verifier {
            keys,
            now,
            client,
            leniency: &self.leniency,
            memory,
        }
        .request(&url, headers)
        .map(drop)
    }
}

/// Makes a memory that knows `cookies`.
fn knowing(cookies: &str) -> Memory {
    let memory = Memory::default();
    assert_eq!(Asking::default().ask(&[cookies], &memory), Ok(()));
    assert_eq!(memory.asked(), [SignatureScheme::RsaPkcs1Sha1]);
    memory
}

#[test]
fn remembered_cookies_open_nothing_else() {
    let cookies = cookies(&custom());
    let memory = knowing(&cookies);
    let check = |asking: Asking<'_>, expected| {
        assert_eq!(asking.ask(&[&cookies], &memory), expected);
    };
    let default = Asking::default;
    check(
        Asking {
            path: "/w/a",
            ..default()
        },
        Err(Refusal::WrongResource),
    );
    check(
        Asking {
            now: UNTIL,
            ..default()
        },
        Err(Refusal::Expired(UNTIL)),
    );
    let from = Timestamp::from_secs(NOW.as_secs() - 1);
    check(
        Asking {
            now: from,
            ..default()
        },
        Err(Refusal::NotYetValid(from)),
    );
    check(
        Asking {
            client: "192.0.3.1".parse().unwrap(),
            ..default()
        },
        Err(Refusal::WrongAddress),
    );
    check(
        Asking {
            path: "/v/b",
            ..default()
        },
        Ok(()),
    );
    assert_eq!(memory.asked(), []);
}

#[test]
fn a_key_or_a_switch_that_changed_is_asked_anew() {
    let cookies = cookies(&custom());
    let memory = knowing(&cookies);
    let with = |keys| Asking {
        keys,
        ..Asking::default()
    };
    let gone = with(KeySet::default()).ask(&[&cookies], &memory);
    assert_eq!(gone, Err(Refusal::UnknownKey));
    let replaced = with(keys("rsa4096")).ask(&[&cookies], &memory);
    assert_eq!(replaced, Err(Refusal::SignatureMismatch));
    assert_eq!(memory.asked(), [SignatureScheme::RsaPkcs1Sha1]);
    let lenient = Asking {
        leniency: Leniency {
            statement_object: true,
            ..Leniency::default()
        },
        ..Asking::default()
    };
    assert_eq!(lenient.ask(&[&cookies], &memory), Ok(()));
    assert_eq!(memory.asked(), [SignatureScheme::RsaPkcs1Sha1]);
}

/// As in the guide, any reserved name in the URL means that cookies are ignored, remembered or not.
#[test]
fn a_reserved_name_in_the_url_sets_remembered_cookies_aside() {
    let cookies = cookies(&custom());
    let memory = knowing(&cookies);
    let with = |query| Asking {
        query: Some(query),
        ..Asking::default()
    };
    for query in ["Expires=1", "a=1&Policy", "%53ignature=x"] {
        let refused = with(query).ask(&[&cookies], &memory);
        assert_eq!(refused, Err(Refusal::MissingKeyPairId), "{query}");
    }
    assert_eq!(with("a=1&expires=1").ask(&[&cookies], &memory), Ok(()));
    assert_eq!(memory.asked(), []);
}

/// Another header may add cookies that a browser would send first.
#[test]
fn cookies_in_two_headers_are_not_remembered() {
    let cookies = cookies(&custom());
    let memory = Memory::default();
    let asking = Asking::default();
    assert_eq!(asking.ask(&["a=1", &cookies], &memory), Ok(()));
    assert_eq!(asking.ask(&[&cookies, "a=1"], &memory), Ok(()));
    assert!(memory.is_empty());
    let memory = knowing(&cookies);
    let first = "CloudFront-Key-Pair-Id=L";
    let refused = asking.ask(&[first, &cookies], &memory);
    assert_eq!(refused, Err(Refusal::UnknownKey));
    let refused = asking.ask(&["CloudFront-Signature=AAAA", &cookies], &memory);
    assert_eq!(refused, Err(Refusal::SignatureMismatch));
}

#[test]
fn only_good_policies_of_cookies_are_remembered() {
    let memory = Memory::default();
    let asking = Asking::default();
    let (custom, canned) = (custom(), canned());
    let broken = cookies(&custom).replace("Signature=", "Signature=AAAA");
    let refused = asking.ask(&[&broken], &memory);
    assert_eq!(refused, Err(Refusal::SignatureMismatch));
    let of_another = cookies(&custom).replace("Key-Pair-Id=K", "Key-Pair-Id=L");
    let refused = asking.ask(&[&of_another], &memory);
    assert_eq!(refused, Err(Refusal::UnknownKey));
    // A canned signature is valid for one URL only.
    assert_eq!(asking.ask(&[&cookies(&canned)], &memory), Ok(()));
    // The credentials of a link are not remembered for its cookies.
    for query in [&custom, &canned] {
        let by_link = Asking {
            query: Some(query),
            ..Asking::default()
        };
        assert_eq!(by_link.ask(&["a=1"], &memory), Ok(()));
        assert_eq!(by_link.ask(&[], &memory), Ok(()));
    }
    assert_eq!(
        asking.ask(&["a=1"], &memory),
        Err(Refusal::MissingKeyPairId)
    );
    assert!(memory.is_empty());
}

/// A P-256 key without a named hash is tried with two; a remembered second result saves both checks.
#[test]
fn a_known_answer_saves_the_others() {
    let terms = Terms {
        resource: Some("https://h.de/v/*".to_owned()),
        ..Terms::until(UNTIL)
    };
    let parameters = |terms| {
        let url = "https://h.de/v/a";
        let query = parameters("p256.pkcs8", HashAlgorithm::Sha256, url, terms);
        query.replace("&Hash-Algorithm=SHA256", "")
    };
    for query in [parameters(&terms), parameters(&Terms::until(UNTIL))] {
        let asking = Asking {
            query: Some(&query),
            keys: keys("p256.pkcs8"),
            ..Asking::default()
        };
        let memory = Memory::default();
        assert_eq!(asking.ask(&[], &memory), Ok(()));
        assert_eq!(
            memory.asked(),
            [
                SignatureScheme::EcdsaP256Sha1,
                SignatureScheme::EcdsaP256Sha256
            ]
        );
        let memory = Memory {
            known: vec![(SignatureScheme::EcdsaP256Sha256, "https://h.de/v/")],
            ..Memory::default()
        };
        assert_eq!(asking.ask(&[], &memory), Ok(()));
        assert_eq!(memory.asked(), []);
    }
}

/// With one hash the memory is asked only the question itself.
#[test]
fn one_hash_is_asked_about_once() {
    let query = custom();
    let asking = Asking {
        query: Some(&query),
        ..Asking::default()
    };
    let memory = Memory::default();
    assert_eq!(asking.ask(&[], &memory), Ok(()));
    assert_eq!(memory.asked(), [SignatureScheme::RsaPkcs1Sha1]);
    assert_eq!(memory.looked_up.take(), []);
}

/// All spellings of the URL are looked up before the key checks one.
#[test]
fn a_known_spelling_saves_asking_about_the_others() {
    let query = canned();
    let url = ViewerUrl {
        scheme: Scheme::Https,
        host: "h.de:443",
        path: "/v/a",
        query: Some(&query),
    };
    let ask = |memory: &Memory| {
        let credentials = Credentials::from_request(url.query, std::iter::empty());
        let (keys, leniency) = (keys("rsa2048"), Leniency::default());
        Verifier {
            keys: &keys,
            now: NOW,
            client: client(),
            leniency: &leniency,
            memory,
        }
        .url(&url, &credentials)
        .map(drop)
    };
    let memory = Memory::default();
    assert_eq!(ask(&memory), Ok(()));
    assert_eq!(memory.asked(), [SignatureScheme::RsaPkcs1Sha1; 2]);
    let memory = Memory {
        known: vec![(SignatureScheme::RsaPkcs1Sha1, "https://h.de/v/a")],
        ..Memory::default()
    };
    assert_eq!(ask(&memory), Ok(()));
    assert_eq!(memory.asked(), []);
}
