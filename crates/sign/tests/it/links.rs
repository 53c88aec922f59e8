//! The identity of a link: the differences that change it, and those that do not.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privet_sign::*;

use crate::support::{client, id, key_file, private_key};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const UNTIL: Timestamp = Timestamp::from_secs(2_000_000_000);
const URL: &str = "https://h.de/v/a";
/// The order of the P-256 group, n of FIPS 186-4 D.1.2.3.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    for (name, file) in [("K", "rsa2048"), ("KTWO", "rsa2048"), ("KEC", "p256.pkcs8")] {
        keys.insert(id(name), private_key(file).public_key());
    }
    keys.insert(id("KOTHER"), private_key("rsa4096").public_key());
    keys
}

fn canned() -> Terms {
    Terms::until(UNTIL)
}

/// Makes a policy for exactly the URL of the canned one.
fn custom() -> Terms {
    Terms {
        policy: Some(format!(
            r#"{{"Statement":[{{"Resource":"{URL}","Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
        )),
        ..canned()
    }
}

fn folder() -> Terms {
    Terms {
        resource: Some("https://h.de/v/*".to_owned()),
        ..canned()
    }
}

/// Returns the signing parameters of a link to [`URL`].
fn parameters(key: (&str, &str), terms: &Terms) -> String {
    let (file, name) = key;
    let key = Arc::new(private_key(file));
    let signer = Signer::allow_legacy(key, id(name), HashAlgorithm::Sha1);
    let link = signer.sign_url(&WireUrl::parse(URL).unwrap(), terms);
    link.unwrap().split_once('?').unwrap().1.to_owned()
}

const RSA: (&str, &str) = ("rsa2048", "K");
const EC: (&str, &str) = ("p256.pkcs8", "KEC");

/// Returns the grant for a request of `path` on `host` with the parameters in its query.
fn granted(host: &str, path: &str, query: &str) -> Grant {
    let url = ViewerUrl {
        scheme: Scheme::Https,
        host,
        path,
        query: Some(query),
    };
    let credentials = Credentials::from_request(url.query, std::iter::empty());
    verifier(&keys()).url(&url, &credentials).unwrap()
}

fn verifier(keys: &KeySet) -> Verifier<'_> {
    const LENIENCY: Leniency = Leniency {
        ignore_port: false,
        statement_object: false,
    };
    Verifier {
        keys,
        now: NOW,
        client: client(),
        leniency: &LENIENCY,
        memory: &NoMemory,
    }
}

fn link_id(query: &str) -> LinkId {
    granted("h.de", "/v/a", query).link_id()
}

/// Returns the numbers of an ECDSA signature in DER, each of 32 bytes.
fn numbers(signature: &[u8]) -> [[u8; 32]; 2] {
    let mut rest = &signature[2..];
    [(); 2].map(|()| {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        rest = &rest[2 + length..];
        let digits: Vec<u8> = number
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        let mut whole = [0; 32];
        whole[32 - digits.len()..].copy_from_slice(&digits);
        whole
    })
}

/// Returns the order of the group less `number`.
fn negated(number: [u8; 32]) -> [u8; 32] {
    let (mut difference, mut borrow) = ([0; 32], false);
    for at in (0..32).rev() {
        let (once, first) = P256_ORDER[at].overflowing_sub(number[at]);
        let (twice, second) = once.overflowing_sub(u8::from(borrow));
        (difference[at], borrow) = (twice, first || second);
    }
    difference
}

fn der(numbers: [[u8; 32]; 2]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in numbers {
        let digits: Vec<u8> = number.into_iter().skip_while(|byte| *byte == 0).collect();
        let sign = usize::from(digits[0] >= 0x80);
        body.extend([0x02, u8::try_from(digits.len() + sign).unwrap()]);
        body.extend(std::iter::repeat_n(0, sign));
        body.extend(digits);
    }
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

fn encode(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.replace('+', "-").replace('=', "_").replace('/', "~")
}

fn decode(text: &str) -> Vec<u8> {
    let text = text.replace('-', "+").replace('_', "=").replace('~', "/");
    STANDARD.decode(text).unwrap()
}

/// Returns the same link with (r, n - s) in place of (r, s), which anyone who has the link can make.
fn twin(query: &str) -> String {
    let (before, after) = query.split_once("Signature=").unwrap();
    let (signature, after) = after.split_once('&').unwrap();
    let [r, s] = numbers(&decode(signature));
    let other = encode(&der([r, negated(s)]));
    assert_ne!(other, signature);
    format!("{before}Signature={other}&{after}")
}

#[test]
fn the_twin_of_an_ecdsa_signature_is_of_the_same_link() {
    for terms in [canned(), custom(), folder()] {
        let query = parameters(EC, &terms);
        let (grant, other) = (
            granted("h.de", "/v/a", &query),
            granted("h.de", "/v/a", &twin(&query)),
        );
        assert_ne!(grant.fingerprint(), other.fingerprint());
        assert_eq!(grant.link_id(), other.link_id());
    }
}

#[test]
fn a_link_signed_again_is_the_same_link() {
    // ECDSA takes a new random number each time.
    let [first, second] = [(); 2].map(|()| parameters(EC, &folder()));
    assert_ne!(first, second);
    assert_eq!(link_id(&first), link_id(&second));
}

#[test]
fn a_key_is_the_same_under_two_ids() {
    for terms in [canned(), folder()] {
        let (one, two) = (
            parameters(RSA, &terms),
            parameters(("rsa2048", "KTWO"), &terms),
        );
        assert_eq!(link_id(&one), link_id(&two));
        let other_key = parameters(("rsa4096", "KOTHER"), &terms);
        assert_ne!(link_id(&one), link_id(&other_key));
    }
}

#[test]
fn a_key_is_the_same_in_every_form() {
    let query = parameters(EC, &folder());
    let spki = private_key(EC.0).public_key().spki_der().to_vec();
    // The point is 04 and both coordinates, or 02 or 03 and the first one (SEC 1, 2.3.3).
    let (head, point) = spki.split_at(spki.len() - 65);
    let tag = 2 + (point[64] & 1);
    let mut compressed = head.to_vec();
    compressed[1] -= 32;
    let bits = compressed.len() - 2;
    compressed[bits] -= 32;
    compressed.push(tag);
    compressed.extend(&point[1..33]);
    let mut keys = KeySet::default();
    keys.insert(id("KEC"), PublicKey::parse(&compressed).unwrap());
    let url = ViewerUrl {
        scheme: Scheme::Https,
        host: "h.de",
        path: "/v/a",
        query: Some(&query),
    };
    let credentials = Credentials::from_request(url.query, std::iter::empty());
    let grant = verifier(&keys).url(&url, &credentials).unwrap();
    assert_eq!(grant.link_id(), link_id(&query));
}

#[test]
fn another_text_is_another_link() {
    let canned_id = link_id(&parameters(RSA, &canned()));
    let later = Terms::until(Timestamp::from_secs(UNTIL.as_secs() + 1));
    let others = [
        parameters(RSA, &folder()),
        parameters(RSA, &later),
        parameters(
            RSA,
            &Terms {
                from: Some(Timestamp::from_secs(1)),
                ..folder()
            },
        ),
    ];
    let mut ids: Vec<LinkId> = others.iter().map(|query| link_id(query)).collect();
    ids.push(canned_id);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

/// The compact policy for one URL is the text of the canned one, letter for letter: a signature over one is a signature
/// over the other, so both are one link. With any other text they are two.
#[test]
fn a_canned_and_a_custom_policy_are_two_links_unless_their_text_is_one() {
    let canned_id = link_id(&parameters(RSA, &canned()));
    assert_eq!(link_id(&parameters(RSA, &custom())), canned_id);
    let dated = Terms {
        from: Some(Timestamp::from_secs(1)),
        ..canned()
    };
    assert_ne!(link_id(&parameters(RSA, &dated)), canned_id);
}

#[test]
fn the_spelling_of_the_host_in_the_request_does_not_matter() {
    for terms in [canned(), folder()] {
        let query = parameters(RSA, &terms);
        for host in ["h.de:443", "H.de", "H.DE:443"] {
            let grant = granted(host, "/v/a", &query);
            assert_eq!(grant.link_id(), link_id(&query), "{host}");
        }
    }
    let folder = parameters(RSA, &folder());
    let of_b = granted("h.de", "/v/b", &folder).link_id();
    assert_eq!(of_b, link_id(&folder));
}

#[test]
fn cookies_and_link_of_one_policy_are_one_link() {
    for terms in [canned(), folder()] {
        let query = parameters(RSA, &terms);
        let cookies = format!("CloudFront-{}", query.replace('&', "; CloudFront-"));
        let url = ViewerUrl {
            scheme: Scheme::Https,
            host: "h.de",
            path: "/v/a",
            query: None,
        };
        let headers = std::iter::once(cookies.as_bytes());
        let grant = verifier(&keys()).request(&url, headers).unwrap();
        assert_eq!(grant.source(), CredentialSource::Cookies);
        assert_eq!(grant.link_id(), link_id(&query));
    }
}

#[test]
fn a_path_token_has_the_identity_of_its_link() {
    let secret = PathTokenSecret::new(&[7; 32]).unwrap();
    for query in [
        parameters(RSA, &canned()),
        parameters(RSA, &folder()),
        parameters(EC, &folder()),
    ] {
        let url = ViewerUrl {
            scheme: Scheme::Https,
            host: "h.de",
            path: "/v/a",
            query: None,
        };
        let credentials = Credentials::from_request(Some(&query), std::iter::empty());
        let keys = keys();
        let verifier = verifier(&keys);
        let token = verifier.issue(&secret, &url, &credentials).unwrap();
        let grant = verifier.path_token(&secret, &token.unwrap(), &url).unwrap();
        assert_eq!(grant.source(), CredentialSource::PathToken);
        assert_eq!(grant.link_id(), link_id(&query));
        assert_eq!(grant.link_id(), grant.clone().link_id());
    }
}

/// Tables store the digest: if it were computed differently, no stored link would be found.
#[test]
fn the_identity_is_a_digest_of_key_and_text_with_their_lengths() {
    let key = PublicKey::parse(&key_file("rsa2048.pub.pem")).unwrap();
    let text = format!(
        r#"{{"Statement":[{{"Resource":"{URL}","Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
    );
    let mut message = b"privet link 1\0".to_vec();
    for part in [key.spki_der(), text.as_bytes()] {
        message.extend(u64::try_from(part.len()).unwrap().to_be_bytes());
        message.extend(part);
    }
    let expected = HashAlgorithm::Sha256.digest(&message);
    let id = link_id(&parameters(RSA, &canned()));
    assert_eq!(id.as_bytes(), expected.as_ref());
    assert_eq!(id.to_string().len(), 64);
}
