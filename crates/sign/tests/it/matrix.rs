//! The conformance matrix of signed URLs and cookies, case by case under its number.
//!
//! Cases that concern HTTP, origins, logs or RTMP are tested where those live.

use std::net::IpAddr;

use privet_sign::*;

use crate::support::{Received, id, private_key};

const NOW: u64 = 1_767_000_000;
const FUTURE: u64 = 1_767_003_600;
const PAST: u64 = 1_766_999_999;
const U: &str = "https://d111111abcdef8.cloudfront.net";
const OK: &str = "OK";

/// Signs texts by hand, so that the tests do not depend on the signer of this crate.
struct Key {
    id: &'static str,
    private: PrivateKey,
}

fn rsa() -> Key {
    Key {
        id: "KRSA",
        private: private_key("rsa2048"),
    }
}

fn ec() -> Key {
    Key {
        id: "KEC",
        private: private_key("p256.pkcs8"),
    }
}

fn other() -> Key {
    Key {
        id: "KOTHER",
        private: private_key("rsa4096"),
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

impl Key {
    fn raw(&self, hash: HashAlgorithm, text: &str) -> Vec<u8> {
        let scheme = self.private.kind().scheme(hash);
        self.private.sign_message(scheme, text.as_bytes()).unwrap()
    }

    fn signature(&self, hash: HashAlgorithm, text: &str) -> String {
        encode(&self.raw(hash, text))
    }

    /// Returns the parameters of a canned URL over `resource`.
    fn canned(&self, resource: &str, expires: u64) -> String {
        let signature = self.signature(
            HashAlgorithm::Sha1,
            &canned_text(resource, &expires.to_string()),
        );
        format!(
            "Expires={expires}&Signature={signature}&Key-Pair-Id={}",
            self.id
        )
    }

    fn canned_sha256(&self, resource: &str) -> String {
        let signature = self.signature(
            HashAlgorithm::Sha256,
            &canned_text(resource, &FUTURE.to_string()),
        );
        format!(
            "Expires={FUTURE}&Signature={signature}&Key-Pair-Id={}",
            self.id
        )
    }

    /// Returns the parameters of a URL with exactly this policy.
    fn custom(&self, policy: &str) -> String {
        let signature = self.signature(HashAlgorithm::Sha1, policy);
        format!(
            "Policy={}&Signature={signature}&Key-Pair-Id={}",
            encode(policy.as_bytes()),
            self.id
        )
    }

    fn cookies(&self, policy: &str) -> String {
        cookies_of(&self.custom(policy))
    }
}

fn cookies_of(parameters: &str) -> String {
    format!(
        "theme=dark; CloudFront-{}",
        parameters.replace('&', "; CloudFront-")
    )
}

fn canned_text(resource: &str, expires: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

fn policy(resource: &str) -> String {
    canned_text(resource, &FUTURE.to_string())
}

fn conditions(text: &str) -> String {
    format!(r#"{{"Statement":[{{"Resource":"{U}/*","Condition":{{{text}}}}}]}}"#)
}

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    for key in [rsa(), ec()] {
        keys.insert(id(key.id), key.private.public_key());
    }
    keys
}

/// Verifies a request, and checks that `explain` agrees.
fn answer(url: &str, cookies: Option<&str>, client: &str) -> &'static str {
    let received = Received::raw(url).unwrap();
    let client: IpAddr = client.parse().unwrap();
    let answer = match received.verify_with(cookies, &keys(), NOW, client) {
        Ok(_) => OK,
        Err(refusal) => refusal.error_code().code(),
    };
    let keys = keys();
    let question = Question {
        url,
        cookies,
        keys: &keys,
        now: Timestamp::from_secs(NOW),
        client: Some(client),
        leniency: Leniency::default(),
    };
    // Explaining starts from the URL that a browser sends, with dots collapsed and quotes encoded.
    if url::Url::parse(url).is_ok_and(|sent| sent.as_str() == url) {
        let explained = match explain(&question).verdict {
            Verdict::Opens => OK,
            Verdict::Refused(code) => code.code(),
            Verdict::CannotTell(reason) => panic!("{reason}"),
        };
        assert_eq!(explained, answer, "explain and verify differ about {url}");
    }
    answer
}

fn check(case: &str, url: &str, expected: &str) {
    assert_eq!(answer(url, None, "192.0.2.77"), expected, "{case}: {url}");
}

fn check_cookies(case: &str, url: &str, cookies: &str, expected: &str) {
    assert_eq!(
        answer(url, Some(cookies), "192.0.2.77"),
        expected,
        "{case}: {url}"
    );
}

fn check_client(case: &str, range: &str, client: &str, expected: &str) {
    let text = conditions(&format!(
        r#""DateLessThan":{{"AWS:EpochTime":{FUTURE}}},"IpAddress":{{"AWS:SourceIp":"{range}"}}"#
    ));
    assert_eq!(
        answer(&format!("{U}/a?{}", rsa().custom(&text)), None, client),
        expected,
        "{case}"
    );
}

/// Checks a custom policy over `resource`, used for `url`.
fn check_resource(case: &str, resource: &str, url: &str, expected: &str) {
    let join = if url.contains('?') { '&' } else { '?' };
    check(
        case,
        &format!("{url}{join}{}", rsa().custom(&policy(resource))),
        expected,
    );
}

fn check_policy(case: &str, text: &str, expected: &str) {
    check(case, &format!("{U}/a?{}", rsa().custom(text)), expected);
}

#[test]
fn canned_urls() {
    let a = format!("{U}/private/a.txt");
    let (rsa, good) = (rsa(), rsa().canned(&a, FUTURE));
    check("T02", &a, "MissingKey");
    check("T03", &format!("{a}?{good}"), OK);
    check(
        "T04",
        &format!("{a}?{}", rsa.canned(&a, PAST)),
        "AccessDenied",
    );
    check(
        "T05",
        &format!("{a}?{}", rsa.canned(&a, NOW)),
        "AccessDenied",
    );
    check("T06", &format!("{a}?{}", rsa.canned(&a, NOW + 1)), OK);
    check(
        "T07",
        &format!("{a}?{}", good.replace("3600", "3601")),
        "AccessDenied",
    );
    check("T08", &format!("{U}/private/b.txt?{good}"), "AccessDenied");
    check("T09", &format!("{U}/private/A.txt?{good}"), "AccessDenied");
    check(
        "T10",
        &format!("http://d111111abcdef8.cloudfront.net/private/a.txt?{good}"),
        "AccessDenied",
    );
    let alias = rsa.canned("https://www.example.com/private/a.txt", FUTURE);
    check("T11", &format!("{a}?{alias}"), "AccessDenied");
}

#[test]
fn user_parameters() {
    let a = format!("{U}/a");
    let good = rsa().canned(&format!("{a}?a=1&b=2"), FUTURE);
    let (expires, rest) = good.split_once('&').unwrap();
    check("T12", &format!("{a}?a=1&b=2&{good}"), OK);
    check("T13", &format!("{a}?b=2&a=1&{good}"), "AccessDenied");
    check("T14", &format!("{a}?a=1&b=2&{good}&utm=1"), "AccessDenied");
    check("T15", &format!("{a}?{good}&a=1&b=2"), OK);
    check("T16", &format!("{a}?{expires}&a=1&{rest}&b=2"), OK);
    let plain = rsa().canned(&a, FUTURE);
    let mut pieces: Vec<&str> = plain.split('&').collect();
    pieces.swap(1, 2);
    check("T17", &format!("{a}?{}", pieces.join("&")), OK);
}

#[test]
fn hashes() {
    let a = format!("{U}/a");
    let sha256 = rsa().canned_sha256(&a);
    let sha1 = rsa().canned(&a, FUTURE);
    check("T18", &format!("{a}?{sha256}&Hash-Algorithm=SHA256"), OK);
    check("T19", &format!("{a}?{sha256}"), "AccessDenied");
    check(
        "T20",
        &format!("{a}?{sha1}&Hash-Algorithm=SHA256"),
        "AccessDenied",
    );
    check("T21", &format!("{a}?{sha1}&Hash-Algorithm=SHA1"), OK);
    check(
        "T22",
        &format!("{a}?{sha1}&Hash-Algorithm=SHA512"),
        "AccessDenied",
    );
    check(
        "T22 lower case",
        &format!("{a}?{sha1}&Hash-Algorithm=sha1"),
        "AccessDenied",
    );
    check("T23", &format!("{a}?{}", ec().canned(&a, FUTURE)), OK);
    check(
        "T24",
        &format!("{a}?{}&Hash-Algorithm=SHA256", ec().canned_sha256(&a)),
        OK,
    );
    check(
        "T25",
        &format!(
            "{a}?Expires={FUTURE}&Signature={}&Key-Pair-Id=KEC",
            encode(&raw_ecdsa(&policy(&a)))
        ),
        "AccessDenied",
    );
    // Privet opens it by decision: signers of AWS wrote such links before the parameter existed.
    check("T26", &format!("{a}?{}", ec().canned_sha256(&a)), OK);
    check(
        "T26 explicit SHA1",
        &format!("{a}?{}&Hash-Algorithm=SHA1", ec().canned_sha256(&a)),
        "AccessDenied",
    );
}

/// Extracts r and s from DER, 32 bytes each.
pub fn raw_ecdsa(text: &str) -> Vec<u8> {
    let der = ec().raw(HashAlgorithm::Sha1, text);
    let length = usize::from(der[3]);
    let fit = |number: &[u8]| {
        let mut fixed = vec![0; 32];
        let number = &number[number.len().saturating_sub(32)..];
        fixed[32 - number.len()..].copy_from_slice(number);
        fixed
    };
    [fit(&der[4..4 + length]), fit(&der[6 + length..])].concat()
}

#[test]
fn key_ids() {
    let a = format!("{U}/a");
    let good = rsa().canned(&a, FUTURE);
    let (rest, _) = good.split_once("&Key-Pair-Id").unwrap();
    check("T27", &format!("{a}?{rest}"), "MissingKey");
    check("T28", &format!("{a}?{rest}&Key-Pair-Id="), "MissingKey");
    check(
        "T29",
        &format!("{a}?{rest}&Key-Pair-Id=-----BEGIN%20PUBLIC%20KEY-----"),
        "MissingKey",
    );
    check(
        "T30",
        &format!("{a}?{rest}&Key-Pair-Id=KUNKNOWN"),
        "InvalidKey",
    );
    check(
        "T31",
        &format!("{a}?{}", other().canned(&a, FUTURE)),
        "InvalidKey",
    );
    check(
        "twice",
        &format!("{a}?{good}&Key-Pair-Id=KRSA"),
        "AccessDenied",
    );
    check(
        "encoded name",
        &format!("{a}?{}", good.replace("Expires", "%45xpires")),
        OK,
    );
    check(
        "other case",
        &format!("{a}?{}", good.replace("Expires", "expires")),
        "MalformedPolicy",
    );
}

#[test]
fn signature_texts() {
    let a = format!("{U}/a");
    let text = policy(&a);
    let with =
        |signature: &str| format!("{a}?Expires={FUTURE}&Signature={signature}&Key-Pair-Id=KRSA");
    let good = rsa().signature(HashAlgorithm::Sha1, &text);
    let standard = good.replace('-', "+").replace('_', "=").replace('~', "/");
    check("T32", &with("@@@"), "MalformedSignature");
    check("T34", &with(&good[..good.len() - 4]), "AccessDenied");
    check(
        "T35",
        &format!("{a}?Expires={FUTURE}&Key-Pair-Id=KRSA"),
        "AccessDenied",
    );
    // Privet opens it by decision: the recipes of 2013 use the standard alphabet.
    check("T33", &with(&standard), OK);
    check(
        "T33 encoded",
        &with(
            &standard
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D"),
        ),
        OK,
    );
    check(
        "T33 without padding",
        &with(standard.trim_end_matches('=')),
        OK,
    );
    check("no padding", &with(good.trim_end_matches('_')), OK);
    check(
        "plus read as space",
        &with(&standard.replace('+', "%20")),
        "MalformedSignature",
    );
    check("T80", &with(&good.replace('~', "%7E")), OK);
}

#[test]
fn malformed_policies() {
    let a = format!("{U}/a");
    let tail = format!(
        "&Signature={}&Key-Pair-Id=KRSA",
        rsa().signature(HashAlgorithm::Sha1, "x")
    );
    check(
        "T36",
        &format!("{a}?Expires=1767003600000{tail}"),
        "MalformedPolicy",
    );
    check("T37", &format!("{a}?Expires=abc{tail}"), "MalformedPolicy");
    check("T38", &format!("{a}?{}", &tail[1..]), "MalformedPolicy");
    check("T39", &format!("{a}?Policy=@@@{tail}"), "MalformedPolicy");
    check_policy("T40", "not JSON", "MalformedPolicy");
    check_policy("T41", &conditions(""), "MalformedPolicy");
    check_policy(
        "T42",
        &conditions(r#""DateLessThan":{"AWS:EpochTime":"1767003600"}"#),
        "MalformedPolicy",
    );
    check_policy(
        "T43",
        &policy("*").replace(['[', ']'], ""),
        "MalformedPolicy",
    );
    let two = policy("*").replace(
        "]}",
        r#",{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1767003600}}}]}"#,
    );
    check_policy("T44", &two, "MalformedPolicy");
    check_policy(
        "T69",
        &policy("*").replace(r#""*""#, r#"["*","*"]"#),
        "MalformedPolicy",
    );
}

#[test]
fn spellings_of_policies() {
    let good = policy(&format!("{U}/*"));
    check_policy("T45", &good.replace("[", " ["), OK);
    check_policy("T46", &format!("{good}\r\n"), OK);
    let reordered = conditions(&format!(
        r#""IpAddress":{{"AWS:SourceIp":"0.0.0.0/0"}},"DateGreaterThan":{{"AWS:EpochTime":1}},"DateLessThan":{{"AWS:EpochTime":{FUTURE}}}"#
    ));
    check_policy("T47", &reordered, OK);
    let altered = rsa()
        .custom(&good)
        .replace(&encode(good.as_bytes()), &encode(policy("*").as_bytes()));
    check("T48", &format!("{U}/a?{altered}"), "AccessDenied");
}

#[test]
fn resources() {
    check_resource(
        "T49",
        &format!("{U}/private/*"),
        &format!("{U}/private/x/y.mp4"),
        OK,
    );
    check_resource(
        "T50",
        &format!("{U}/private/*"),
        &format!("{U}/private/x.mp4?q=1"),
        OK,
    );
    check_resource(
        "T51",
        &format!("{U}/hello*world"),
        &format!("{U}/hello?world"),
        "AccessDenied",
    );
    check_resource(
        "T52",
        &format!("{U}/hello*world"),
        &format!("{U}/hello-world"),
        OK,
    );
    let game = format!("{U}/test_game_download.zip?license=temp");
    check_resource("T53", &format!("{U}/*game_download.zip*"), &game, OK);
    check_resource(
        "T54",
        &format!("{U}/f.bin?name=*"),
        &format!("{U}/f.bin?name=x"),
        OK,
    );
    check_resource(
        "T55",
        &format!("{U}/f.bin\\\\?name=*"),
        &format!("{U}/f.bin?name=x"),
        OK,
    );
    check_resource(
        "T55 as printed",
        &format!("{U}/f.bin\\?name=*"),
        &format!("{U}/f.bin?name=x"),
        OK,
    );
    check_resource("T56", &format!("{U}/a?c.txt"), &format!("{U}/abc.txt"), OK);
    check_resource(
        "T57",
        &format!("{U}/a?c.txt"),
        &format!("{U}/abbc.txt"),
        "AccessDenied",
    );
    check_resource("T58", "*", &format!("{U}/any?thing"), OK);
    check_resource("T59", "https://*", &format!("{U}/any?thing"), OK);
    check_resource(
        "T60",
        "https://*",
        "http://d111111abcdef8.cloudfront.net/any",
        "AccessDenied",
    );
    check_resource(
        "T61",
        "http*://d111111abcdef8.cloudfront.net/*",
        &format!("{U}/a"),
        OK,
    );
    check_resource(
        "T62",
        "*://d111111abcdef8.cloudfront.net/*",
        "http://d111111abcdef8.cloudfront.net/a",
        OK,
    );
    check_resource(
        "T63",
        "h*://d111111abcdef8.cloudfront.net/*",
        &format!("{U}/a"),
        "AccessDenied",
    );
    check_resource("T64", &format!("{U}*"), &format!("{U}/any?thing"), OK);
    check_resource("T65", "*cloudfront.net", &format!("{U}/"), OK);
    check_resource("T66", "*cloudfront.net", &format!("{U}/a"), "AccessDenied");
    check_policy("T67", &policy("x").replace(r#""Resource":"x","#, ""), OK);
    check_resource(
        "T68",
        "https://*.cloudfront.net/private/*",
        &format!("{U}/private/a"),
        OK,
    );
}

#[test]
fn start_and_address() {
    let from = |start: u64| {
        conditions(&format!(
            r#""DateLessThan":{{"AWS:EpochTime":{FUTURE}}},"DateGreaterThan":{{"AWS:EpochTime":{start}}}"#
        ))
    };
    check_policy("T70", &from(NOW), "AccessDenied");
    check_policy("T71", &from(NOW - 1), OK);
    check_policy("T72", &from(NOW + 60), "AccessDenied");
    check_client("T73", "192.0.2.0/24", "192.0.2.77", OK);
    check_client("T74", "192.0.2.0/24", "198.51.100.1", "AccessDenied");
    check_client("T75", "192.0.2.0/24", "2001:db8::1", "AccessDenied");
    check_client("T75 mapped", "192.0.2.0/24", "::ffff:192.0.2.1", OK);
    check_client("T76", "0.0.0.0/0", "198.51.100.1", OK);
    check_client("T77", "2001:db8::/32", "2001:db8::1", "MalformedPolicy");
}

#[test]
fn expires_beside_policy() {
    let good = rsa().custom(&policy(&format!("{U}/*")));
    check("T78", &format!("{U}/a?Expires={FUTURE}&{good}"), OK);
    check("T79", &format!("{U}/a?Expires={PAST}&{good}"), OK);
}

#[test]
fn cookies() {
    let a = format!("{U}/private/a");
    let good = rsa().cookies(&policy(&format!("{U}/private/*")));
    check_cookies("T81", &a, &good, OK);
    check_cookies("T82", &format!("{a}?Expires=1"), &good, "MissingKey");
    check_cookies(
        "T83",
        &format!("{a}?{}", rsa().canned(&a, FUTURE)),
        "CloudFront-Policy=x",
        OK,
    );
    let canned = cookies_of(&rsa().canned(&a, FUTURE));
    check_cookies("T84", &a, &canned, OK);
    check_cookies("T85", &format!("{U}/private/b"), &canned, "AccessDenied");
    let sha256 = cookies_of(&format!(
        "{}&Hash-Algorithm=SHA256",
        rsa().canned_sha256(&a)
    ));
    check_cookies("T86", &a, &sha256, OK);
    check_cookies("T87", &a, &good.to_ascii_lowercase(), "MissingKey");
    let (_, rest) = canned.split_once("CloudFront-Signature").unwrap();
    check_cookies(
        "T88",
        &a,
        &format!("CloudFront-Signature{rest}"),
        "MalformedPolicy",
    );
    let escaped = |cookie: &str| match cookie.split_once('=') {
        Some((name @ ("CloudFront-Policy" | "CloudFront-Signature"), value)) => {
            let value = value.replace('-', "%2B").replace('~', "%2f");
            format!("{name}={}", value.replace('_', "%3D"))
        }
        _ => cookie.to_owned(),
    };
    let escaped: Vec<String> = good.split("; ").map(escaped).collect();
    check_cookies("escaped by a framework", &a, &escaped.join("; "), OK);
    // F15: cookies are compared section by section, like links, and not over the whole text.
    let sections = rsa().cookies(&policy(&format!("{U}/*.jpg")));
    check_cookies("an ending", &format!("{U}/x/a.jpg"), &sections, OK);
    let other = format!("{U}/private/s.txt?a.jpg");
    check_cookies("an ending in the query", &other, &sections, "AccessDenied");
    let other = format!("{U}/private/s.txt?{U}/a.jpg");
    check_cookies("a URL in the query", &other, &sections, "AccessDenied");
    let twice = format!("{good}; CloudFront-Signature=x");
    check_cookies("the first of two counts", &a, &twice, OK);
}

#[test]
fn raw_paths() {
    let good = |resource: &str| rsa().canned(resource, FUTURE);
    let dots = format!("{U}/a/../b");
    check("T102", &format!("{dots}?{}", good(&dots)), OK);
    check(
        "T103",
        &format!("{U}/a/b?{}", good(&format!("{U}/a%2Fb"))),
        "AccessDenied",
    );
    check(
        "T104",
        &format!("{U}/a?n=%27&{}", good(&format!("{U}/a?n='"))),
        "AccessDenied",
    );
    check(
        "T105",
        &format!("{U}/a?x=1&y=2&{}", good(&format!("{U}/a?x=1\\u0026y=2"))),
        "AccessDenied",
    );
}

#[test]
fn golden_digests() {
    let hex = |hash: HashAlgorithm, text: &str| {
        hash.digest(text.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let check = |resource: &str, expires: &str, bytes: usize, sha1: &str, sha256: &str| {
        let text = canned_text(resource, expires);
        assert_eq!(text.len(), bytes);
        assert_eq!(
            (
                hex(HashAlgorithm::Sha1, &text).as_str(),
                hex(HashAlgorithm::Sha256, &text).as_str()
            ),
            (sha1, sha256)
        );
    };
    let horizon = format!("{U}/horizon.jpg");
    check(
        &horizon,
        "1767290400",
        138,
        "ce22d927a1f6739c9fb8de51f84d128b04ad317c",
        "18d16e71f5a6b495351bf39abcd5fc321f422a4d9b55ca5fecc78879cd294673",
    );
    check(
        &format!("{horizon}?size=large&license=yes"),
        "1767290400",
        161,
        "0d0867ac187b2a24172a0a9eb947c27fbe7f7469",
        "05ecd214a38c439f52d39e1bb7054f631ef033bd315b2980848b12ecace3f4a2",
    );
    check(
        "http://www.example.com/",
        "2147483647",
        112,
        "35a3c08ae838ba0d7dcfda7df1804d17bde86f3b",
        "0e98005ffa4cadd338ffb0b3c858c57b7694b680f67984bf282d821b55ba713d",
    );
    check(
        "videos/mp3_name",
        "1357034400",
        104,
        "490911c6e4ea4af552f60953dfa47fec974476d4",
        "fbd313259d950be9fe5e06e40763171353692edcd02ceb7a60f8029215e5a25f",
    );
}
