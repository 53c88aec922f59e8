//! The terms that the signer refuses, and the texts that it writes.

use std::sync::{Arc, Mutex};

use privet_sign::*;

use crate::support::{Received, client, id, private_key};

const U: &str = "https://d111111abcdef8.cloudfront.net";
const UNTIL: Timestamp = Timestamp::from_secs(2_000_000_000);

/// An external signer that records the digests that it was asked to sign.
#[derive(Default)]
struct Recorder {
    digests: Mutex<Vec<Vec<u8>>>,
    answer: Mutex<Vec<u8>>,
}

impl MessageSigner for Recorder {
    fn kind(&self) -> KeyKind {
        KeyKind::P256
    }

    fn sign_message(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = scheme.hash().unwrap().digest(message);
        self.digests.lock().unwrap().push(digest.as_ref().to_vec());
        let answer = self.answer.lock().unwrap().clone();
        if answer.is_empty() {
            Err(SignError::External("the token was removed".into()))
        } else {
            Ok(answer)
        }
    }
}

fn signer() -> Signer {
    Signer::new(
        Arc::new(private_key("rsa2048")),
        id("KRSA"),
        HashAlgorithm::Sha1,
    )
    .unwrap()
}

fn until() -> Terms {
    Terms::until(UNTIL)
}

fn with_resource(resource: &str) -> Terms {
    Terms {
        resource: Some(resource.to_owned()),
        ..until()
    }
}

fn with_policy(policy: &str) -> Terms {
    Terms {
        policy: Some(policy.to_owned()),
        ..until()
    }
}

fn sign(url: &str, terms: &Terms) -> Result<String, SignError> {
    signer().sign_url(&WireUrl::parse(url)?, terms)
}

/// Returns the text that a custom signature is made over.
fn policy_of(link: &str) -> String {
    use base64::Engine;
    let (_, rest) = link
        .split_once("Policy=")
        .unwrap_or_else(|| panic!("{link}"));
    let text = rest
        .split('&')
        .next()
        .unwrap()
        .replace('-', "+")
        .replace('_', "=")
        .replace('~', "/");
    String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap(),
    )
    .unwrap()
}

fn check_refused(terms: &Terms, expected: SignError) {
    assert_eq!(
        sign(&format!("{U}/a.jpg"), terms),
        Err(expected),
        "{terms:?}"
    );
}

#[test]
fn dates_that_cannot_work_are_refused() {
    let at = |secs| Terms::until(Timestamp::from_secs(secs));
    let milliseconds = Timestamp::from_secs(1_767_003_600_000);
    check_refused(&at(0), SignError::ExpiryNotPositive);
    check_refused(
        &at(1_767_003_600_000),
        SignError::Milliseconds(milliseconds),
    );
    check_refused(
        &at(u64::MAX),
        SignError::TooLate(Timestamp::from_secs(u64::MAX)),
    );
    check_refused(
        &Terms {
            from: Some(milliseconds),
            ..until()
        },
        SignError::Milliseconds(milliseconds),
    );
    check_refused(
        &Terms {
            from: Some(UNTIL),
            ..until()
        },
        SignError::NeverValid {
            from: UNTIL,
            until: UNTIL,
        },
    );
    assert!(sign(&format!("{U}/a"), &Terms::until(Timestamp::MAX_EXPIRY)).is_ok());
    assert_eq!(
        SignError::Milliseconds(milliseconds).to_string(),
        "1767003600000 looks like milliseconds: divide it by 1000"
    );
}

#[test]
fn resources_that_cannot_work_are_refused() {
    for broad in ["*", "https://*", "*://*", "http*://*", "https://*/videos/*"] {
        check_refused(&with_resource(broad), SignError::TooBroad);
        let allowed = Terms {
            allow_broad: true,
            ..with_resource(broad)
        };
        assert_ne!(
            sign(&format!("{U}/videos/a"), &allowed).err(),
            Some(SignError::TooBroad),
            "{broad}"
        );
    }
    for shape in ["videos/*", "h*://x/*", "rtmp://x/*", "https://user@x/*"] {
        check_refused(
            &with_resource(shape),
            SignError::ResourceShape(shape.into()),
        );
    }
    let url = format!("{U}/a.jpg");
    let resource = format!("{U}/videos/*");
    check_refused(
        &with_resource(&resource),
        SignError::NotCovered {
            resource: resource.clone(),
            url,
        },
    );
    check_refused(
        &with_resource(&format!("{U}/a\n")),
        SignError::ControlCharacters,
    );
    assert_eq!(
        sign(&format!("{U}/v/*"), &until()),
        Err(SignError::WildcardInUrl)
    );
    let from = Some(Timestamp::from_secs(1));
    assert_eq!(
        sign(&format!("{U}/a?n=*"), &Terms { from, ..until() }),
        Err(SignError::WildcardInUrl)
    );
    assert!(sign(&format!("{U}/a?n=*"), &until()).is_ok());
}

#[test]
fn policies_that_cannot_work_are_refused() {
    let canned = |resource: &str| {
        format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
        )
    };
    check_refused(
        &with_policy("{}"),
        SignError::Policy(PolicyError::NoStatement),
    );
    check_refused(
        &with_policy(&canned("x").replace("[", "[[")),
        SignError::Policy(PolicyError::Json(
            "not a policy: invalid type: sequence, expected a statement object at line 1 column 15"
                .into(),
        )),
    );
    check_refused(
        &with_policy(r#"{"Statement":[{"Condition":{}}]}"#),
        SignError::Policy(PolicyError::NoEnd),
    );
    check_refused(
        &with_policy(r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}"#),
        SignError::TooBroad,
    );
    check_refused(&with_policy(&canned("*")), SignError::TooBroad);
    let ip = Some(IpRange::parse("10.0.0.0/8").unwrap());
    check_refused(
        &Terms {
            ip,
            ..with_policy(&canned(U))
        },
        SignError::PolicyAndTerms,
    );
    let spaced = format!(
        "{{ \"Version\" : \"1 \\\" 2\",\r\n{}",
        &canned(&format!("{U}/*"))[1..]
    );
    let link = sign(&format!("{U}/a.jpg"), &with_policy(&spaced)).unwrap();
    assert_eq!(
        policy_of(&link),
        spaced
            .replacen("{ \"Version\" : ", "{\"Version\":", 1)
            .replace("\r\n", "")
    );
}

#[test]
fn every_term_reaches_the_policy() {
    let terms = Terms {
        from: Some(Timestamp::from_secs(1_700_000_000)),
        ip: Some(IpRange::parse("192.0.2.77").unwrap()),
        ..with_resource("http*://D111111abcdef8.cloudfront.net/my videos/*")
    };
    let link = sign(&format!("{U}/my videos/a"), &terms).unwrap();
    let expected = r#"{"Statement":[{"Resource":"*://d111111abcdef8.cloudfront.net/my%20videos/*","Condition":{"DateLessThan":{"AWS:EpochTime":2000000000},"IpAddress":{"AWS:SourceIp":"192.0.2.77/32"},"DateGreaterThan":{"AWS:EpochTime":1700000000}}}]}"#;
    assert_eq!(policy_of(&link), expected);
}

#[test]
fn cookies_open_what_they_cover() {
    let signer = signer();
    let star_scheme = with_resource("http*://d111111abcdef8.cloudfront.net/*");
    assert_eq!(
        signer.sign_cookies(None, &until()),
        Err(SignError::NothingToGrant)
    );
    assert_eq!(
        signer.sign_cookies(None, &star_scheme),
        Err(SignError::CookieResourceScheme)
    );
    let ready_made = with_policy(
        r#"{"Statement":[{"Resource":"http*://h.de/*","Condition":{"DateLessThan":{"AWS:EpochTime":9}}}]}"#,
    );
    assert_eq!(
        signer.sign_cookies(None, &ready_made),
        Err(SignError::CookieResourceScheme)
    );
    let wild = WireUrl::parse(&format!("{U}/v/*")).unwrap();
    assert_eq!(
        signer.sign_cookies(Some(&wild), &until()),
        Err(SignError::WildcardInUrl)
    );
    let cookies = signer
        .sign_cookies(None, &with_resource(&format!("{U}/v/*")))
        .unwrap();
    let names: Vec<&str> = cookies.pairs.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "CloudFront-Policy",
            "CloudFront-Signature",
            "CloudFront-Key-Pair-Id"
        ]
    );
    let mut keys = KeySet::default();
    keys.insert(id("KRSA"), private_key("rsa2048").public_key());
    let grant = Received::raw(&format!("{U}/v/a"))
        .unwrap()
        .verify_with(Some(&cookies.to_header()), &keys, 1, client())
        .unwrap();
    assert_eq!(
        (grant.source(), grant.until()),
        (CredentialSource::Cookies, UNTIL)
    );
    assert_eq!(fingerprint(&cookies.pairs[1].1), Some(grant.fingerprint()));
    assert_eq!(grant.fingerprint().len(), 16);
}

#[test]
fn streams_are_paths() {
    let signer = signer();
    for name in [
        "",
        "/a",
        "rtmp://h/a",
        "a b",
        "a?b",
        "a#b",
        "mp4:",
        "a\"b",
        "&mp4:a",
    ] {
        assert_eq!(
            signer.sign_stream(name, &until()),
            Err(SignError::NotAStream),
            "{name}"
        );
    }
    assert_eq!(
        signer.sign_stream("video/a", &with_resource("rtmp://h/video/*")),
        Err(SignError::StreamResource)
    );
    assert_eq!(
        signer.sign_stream("video/a", &with_resource("*")),
        Err(SignError::TooBroad)
    );
    let terms = Terms {
        until: Timestamp::from_secs(1_406_899_201),
        ..with_resource("video/*")
    };
    let link = signer.sign_stream("mp4:video/TALK.mp4", &terms).unwrap();
    // The policy is that of the article that first described this system.
    let policy = "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoidmlkZW8vKiIsIkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTQwNjg5OTIwMX19fV19";
    assert!(
        link.starts_with(&format!("mp4:video/TALK.mp4?Policy={policy}&Signature=")),
        "{link}"
    );
    assert!(
        signer
            .sign_stream("mp4:video/TALK.mp4", &until())
            .unwrap()
            .starts_with("mp4:video/TALK.mp4?Expires=2000000000&")
    );
}

/// The link follows the recipe of the articles: 60 seconds, http, standard base64, nothing percent-encoded.
#[test]
fn links_of_2013_open() {
    let mut keys = KeySet::default();
    keys.insert(
        id("APKAJ4YNPASFVCNBXK3A"),
        private_key("rsa2048").public_key(),
    );
    let signer = Signer::new(
        Arc::new(private_key("rsa2048")),
        id("APKAJ4YNPASFVCNBXK3A"),
        HashAlgorithm::Sha1,
    )
    .unwrap();
    let url = WireUrl::parse("http://d3iwlid5dsmdb3.cloudfront.net/_default_san.png").unwrap();
    let link = signer
        .sign_url(&url, &Terms::until(Timestamp::from_secs(1_406_023_941)))
        .unwrap();
    let (head, rest) = link.split_once("Signature=").unwrap();
    let (signature, tail) = rest.split_once('&').unwrap();
    assert_eq!(signature.len(), 344);
    let standard = signature
        .replace('-', "+")
        .replace('_', "=")
        .replace('~', "/");
    let received = Received::raw(&format!("{head}Signature={standard}&{tail}")).unwrap();
    assert_eq!(
        received
            .verify_with(None, &keys, 1_406_023_941, client())
            .map_err(|refusal| refusal.token())
            .err(),
        Some("expired")
    );
    assert!(
        received
            .verify_with(None, &keys, 1_406_023_881, client())
            .is_ok()
    );
}

#[test]
fn stamps_cover_many_urls() {
    let signer = signer();
    assert_eq!(
        signer.stamp(&until()).map(drop),
        Err(SignError::ResourceMissing)
    );
    let stamp = signer.stamp(&with_resource(&format!("{U}/v/*"))).unwrap();
    let mut out = String::from("# ");
    let refused = stamp.apply_text(&format!("{U}/w/a.ts"), &mut out);
    assert_eq!(
        refused,
        Err(SignError::NotCovered {
            resource: format!("{U}/v/*"),
            url: format!("{U}/w/a.ts")
        })
    );
    assert_eq!(
        stamp.apply_text(&format!("{U}/v/../w/a.ts"), &mut out),
        refused
    );
    assert_eq!(
        stamp.apply_text(&format!("{U}/v/a?Policy=1"), &mut out),
        Err(SignError::ReservedParameter("Policy"))
    );
    assert_eq!(out, "# ");
    stamp
        .apply_text(&format!("{U}/v/a b.ts?x=1"), &mut out)
        .unwrap();
    assert_eq!(out, format!("# {U}/v/a%20b.ts?x=1&{}", stamp.parameters()));
}

#[test]
fn keys_that_cloudfront_refuses_need_asking() {
    for (name, bits) in [("rsa1024", 1024), ("rsa4096", 4096)] {
        let key = Arc::new(private_key(name));
        let refused = Signer::new(key.clone(), id("K"), HashAlgorithm::Sha1).map(drop);
        assert_eq!(refused, Err(SignError::LegacyKey(KeyKind::Rsa { bits })));
        let signer = Signer::allow_legacy(key, id("K"), HashAlgorithm::Sha1);
        assert!(
            signer
                .sign_url(&WireUrl::parse(U).unwrap(), &until())
                .is_ok()
        );
    }
}

#[test]
fn external_signers_are_asked_for_a_digest() {
    let recorder = Arc::new(Recorder::default());
    let signer = Signer::new(recorder.clone(), id("KEC"), HashAlgorithm::Sha256).unwrap();
    let url = WireUrl::parse(&format!("{U}/horizon.jpg")).unwrap();
    let terms = Terms::until(Timestamp::from_secs(1_767_290_400));
    assert_eq!(
        signer.sign_url(&url, &terms),
        Err(SignError::External("the token was removed".into()))
    );
    *recorder.answer.lock().unwrap() = vec![7; 64];
    assert_eq!(
        signer.sign_url(&url, &terms),
        Err(SignError::SignatureForm(KeyKind::P256))
    );
    *recorder.answer.lock().unwrap() = vec![0x30, 1, 7];
    let link = signer.sign_url(&url, &terms).unwrap();
    assert_eq!(
        link,
        format!(
            "{U}/horizon.jpg?Expires=1767290400&Signature=MAEH&Key-Pair-Id=KEC&Hash-Algorithm=SHA256"
        )
    );
    let digest: String = recorder.digests.lock().unwrap()[0]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        digest,
        "18d16e71f5a6b495351bf39abcd5fc321f422a4d9b55ca5fecc78879cd294673"
    );
}
