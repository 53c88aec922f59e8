//! Properties that hold for every input: round trips, fixed points, no panic, no injection.

use std::sync::Arc;
use std::time::Instant;

use privet_sign::*;
use proptest::prelude::*;

use crate::support::{Received, client, id, private_key};

const NOW: u64 = 1_767_000_000;

fn signer() -> Signer {
    static KEY: std::sync::OnceLock<PrivateKey> = std::sync::OnceLock::new();
    let key = KEY.get_or_init(|| private_key("p256.pkcs8")).clone();
    Signer::new(Arc::new(key), id("KEC"), HashAlgorithm::Sha256).unwrap()
}

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    keys.insert(id("KEC"), private_key("p256.pkcs8").public_key());
    keys
}

fn until() -> Terms {
    Terms::until(Timestamp::from_secs(NOW + 60))
}

/// Generates paths and queries with everything that has ever gone wrong.
fn url_text() -> impl Strategy<Value = String> {
    let tail =
        proptest::string::string_regex(r#"[a-cA-C0-9/.?&=%+~'"<>{}|^`é日 #;:,@!$()\[\]_-]{0,40}"#)
            .unwrap();
    let host = prop_oneof![
        "[a-z]{1,8}\\.de",
        "[a-zA-Z0-9.-]{1,12}",
        "[a-z]{2}é\\.de",
        "[0-9.]{1,8}",
        "h:[0-9]{1,5}"
    ];
    (prop_oneof!["https://", "http://", "HTTPS://"], host, tail)
        .prop_map(|(scheme, host, tail)| format!("{scheme}{host}/{tail}"))
}

fn opens(link: &str, keys: &KeySet) -> Result<Grant, Refusal> {
    Received::by_browser(link)
        .expect("a browser opens it")
        .verify_with(None, keys, NOW, client())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_opens(text in url_text(), custom in any::<bool>()) {
        if let Ok(url) = WireUrl::parse(&text) {
            let from = custom.then(|| Timestamp::from_secs(NOW - 1));
            if let Ok(link) = signer().sign_url(&url, &Terms { from, ..until() }) {
                let keys = keys();
                prop_assert!(opens(&link, &keys).is_ok(), "{link}");
                prop_assert!(link.is_ascii());
            }
        }
    }

    #[test]
    fn wire_form_is_a_fixed_point(text in url_text()) {
        if let Ok(url) = WireUrl::parse(&text) {
            let sent = url::Url::parse(url.as_str()).unwrap();
            prop_assert_eq!(sent.as_str(), url.as_str());
            let again = WireUrl::parse(url.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), url.as_str());
            prop_assert!(again.changes().is_empty(), "{:?}", again.changes());
            prop_assert_eq!(url.changes().is_empty(), url.as_str() == text, "{:?}", url.changes());
        }
    }

    #[test]
    fn stamps_agree_with_parsing(text in url_text()) {
        let terms = Terms { resource: Some("*".into()), allow_broad: true, ..until() };
        let stamp = signer().stamp(&terms).unwrap();
        let (mut fast, mut slow) = (String::new(), String::new());
        let fast_result = stamp.apply_text(&text, &mut fast);
        let slow_result = WireUrl::parse(&text).and_then(|url| stamp.apply(&url, &mut slow));
        prop_assert_eq!(fast_result, slow_result);
        prop_assert_eq!(&fast, &slow);
    }

    /// Whatever the URL contains, the policy covers no more than that URL.
    #[test]
    fn nothing_can_be_injected(tail in r#"[a-z",:{}\[\]\\*]{0,30}"#, resource in any::<bool>()) {
        let text = format!("https://h.de/x{tail}");
        let mut terms = Terms { ip: Some(IpRange::parse("0.0.0.0/0").unwrap()), ..until() };
        terms.resource = resource.then(|| text.clone());
        let Ok(url) = WireUrl::parse(&text) else { return Ok(()) };
        if let Ok(link) = signer().sign_url(&url, &terms) {
            let keys = keys();
            let other = link.replace("https://h.de/x", "https://h.de/y");
            prop_assert!(opens(&other, &keys).is_err(), "{other}");
            prop_assert!(opens(&link, &keys).is_ok(), "{link}");
        }
    }

    #[test]
    fn streams_open_under_their_name(name in "[a-z0-9/]{1,12}", prefix in prop_oneof!["", "mp4:"]) {
        if let Ok(link) = signer().sign_stream(&format!("{prefix}{name}"), &until()) {
            let (_, query) = link.split_once('?').unwrap();
            let credentials = Credentials::from_request(Some(query), std::iter::empty());
            let (keys, now) = (keys(), Timestamp::from_secs(NOW));
            let ask = |names: &[&str]| Verifier { keys: &keys, now, client: client(), leniency: &Leniency::default(), memory: &NoMemory }.stream(names, &credentials);
            prop_assert!(ask(&["other"]).is_err());
            prop_assert!(ask(&["other", &name]).is_ok());
        }
    }

    #[test]
    fn hostile_requests_do_not_panic(query in "[ -~]{0,120}", cookie in proptest::collection::vec(any::<u8>(), 0..120), host in "[ -~]{0,12}", path in "[ -~é]{0,20}") {
        let credentials = Credentials::from_request(Some(&query), [cookie.as_slice()].into_iter());
        let url = ViewerUrl { scheme: Scheme::Https, host: &host, path: &path, query: Some(&query) };
        let _ = Verifier { keys: &keys(), now: Timestamp::from_secs(NOW), client: client(), leniency: &Leniency::default(), memory: &NoMemory }.url(&url, &credentials);
        let _ = strip_query(&query);
        let _ = strip_cookies(&String::from_utf8_lossy(&cookie));
        let _ = fingerprint(&query);
        let _ = PublicKey::parse(&cookie);
        let _ = PrivateKey::parse(&cookie, Some(b"x"));
        let keys = keys();
        let url = format!("https://{host}{path}?{query}");
        let _ = explain(&Question { url: &url, cookies: Some(&query), keys: &keys, now: Timestamp::from_secs(0), client: None, leniency: Leniency::default() });
    }
}

#[test]
fn hostile_policies_are_quick() {
    let key = private_key("p256.pkcs8");
    let stars = format!("https://h.de/{}b", "*a".repeat(3800));
    let marks = format!("https://h.de/{}", "?*".repeat(3800));
    let deep = "[".repeat(8000);
    let path = format!("/{}", "a".repeat(8000));
    for resource in [stars, marks, deep] {
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":1767003600}}}}}}]}}"#
        );
        let signature = key
            .sign_message(SignatureScheme::EcdsaP256Sha1, policy.as_bytes())
            .unwrap();
        let query = format!(
            "x={}&Policy={}&Signature={}&Key-Pair-Id=KEC",
            "a".repeat(8000),
            encode(policy.as_bytes()),
            encode(&signature)
        );
        let received = Received {
            scheme: Scheme::Https,
            host: "h.de".into(),
            path: path.clone(),
            query: Some(query),
        };
        let start = Instant::now();
        let _ = received.verify_with(None, &keys(), NOW, client());
        // The limit is generous for an unoptimized build on a busy machine; exponential matching would take years.
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
