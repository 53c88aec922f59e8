//! The problems that users report, and the hint that each gets.

use std::sync::Arc;

use privet_sign::*;

use crate::matrix::raw_ecdsa;
use crate::support::{Received, id, key_file, private_key, vectors};
use crate::vectors::{keys_of, request_of, text};

const NOW: u64 = 1_767_000_000;
const FUTURE: u64 = 1_767_003_600;
const U: &str = "https://d111111abcdef8.cloudfront.net";

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    for (name, file) in [
        ("KRSA", "rsa2048"),
        ("KEC", "p256.pkcs8"),
        ("KOTHER", "rsa4096"),
    ] {
        keys.insert(id(name), private_key(file).public_key());
    }
    keys
}

fn ask(url: &str, cookies: Option<&str>, client: Option<&str>) -> Explanation {
    let keys = keys();
    explain(&Question {
        url,
        cookies,
        keys: &keys,
        now: Timestamp::from_secs(NOW),
        client: client.map(|client| client.parse().unwrap()),
        leniency: Leniency::default(),
    })
}

fn check(url: &str, hint: &str) {
    let explanation = ask(url, None, Some("192.0.2.77"));
    assert!(
        explanation.hints.iter().any(|found| found.contains(hint)),
        "{url}\nwanted: {hint}\nfound: {:#?}",
        explanation.hints
    );
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

fn canned_text(resource: &str, expires: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

fn signature(file: &str, hash: HashAlgorithm, message: &str) -> String {
    let key = private_key(file);
    encode(
        &key.sign_message(key.kind().scheme(hash), message.as_bytes())
            .unwrap(),
    )
}

/// Returns `sent`, signed as if it were `signed`.
fn signed_as(sent: &str, signed: &str) -> String {
    signed_text(sent, &canned_text(signed, &FUTURE.to_string()))
}

fn signed_text(sent: &str, message: &str) -> String {
    let join = if sent.contains('?') { '&' } else { '?' };
    let signature = signature("rsa2048", HashAlgorithm::Sha1, message);
    format!("{sent}{join}Expires={FUTURE}&Signature={signature}&Key-Pair-Id=KRSA")
}

fn custom(message: &str, sent: &str) -> String {
    let signature = signature("rsa2048", HashAlgorithm::Sha1, message);
    format!(
        "{U}/a?Policy={}&Signature={signature}&Key-Pair-Id=KRSA",
        encode(sent.as_bytes())
    )
}

#[test]
fn encoding_drift_is_found() {
    let drift = "percent-encoding differs";
    for (sent, signed) in [
        ("/a%20b", "/a b"),
        ("/a%20b", "/a+b"),
        ("/a+b", "/a%20b"),
        ("/a%7Eb", "/a~b"),
        ("/a~b", "/a%7Eb"),
        ("/a%2Fb", "/a/b"),
        ("/a/b", "/a%2Fb"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%C3%A9", "/%c3%a9"),
        ("/%C3%A9", "/é"),
        ("/a?n=%27x%27", "/a?n='x'"),
        ("/a?f[x]=1", "/a?f%5Bx%5D=1"),
        ("/a?n=b%20c", "/a?n=b+c"),
        ("/a*", "/a%2A"),
    ] {
        check(
            &signed_as(&format!("{U}{sent}"), &format!("{U}{signed}")),
            drift,
        );
    }
}

#[test]
fn other_texts_are_found() {
    let respelled = "clients send it respelled";
    check(
        &signed_as(&format!("{U}/a/../b"), &format!("{U}/a/../b")),
        respelled,
    );
    check(
        &signed_as(&format!("{U}:443/b"), &format!("{U}:443/b")),
        respelled,
    );
    let sent = format!("{U}/a?x=1&y=2");
    check(
        &signed_as(&sent, &format!("{U}/a?x=1\\u0026y=2")),
        "\\u0026",
    );
    check(
        &signed_as(&sent, &format!("{U}/a?x=1&amp;y=2")),
        "HTML-escaped",
    );
    check(
        &signed_as(&sent, &format!("{U}/a?y=2&x=1")),
        "another order",
    );
    check(
        &signed_as(&sent, &format!("{U}/a?x=1")),
        "added after signing",
    );
    check(&signed_as(&sent, &format!("{sent}&")), "dangling");
    check(
        &signed_as(&format!("{U}/a"), &format!("{U}/a?")),
        "dangling",
    );
    check(
        &signed_as(&format!("{U}/a"), &format!("{U}:443/a")),
        "the port was signed",
    );
    check(
        &signed_as(&format!("{U}:8443/a"), &format!("{U}/a")),
        "without the port",
    );
    check(
        &signed_as(&format!("{U}/a"), "http://d111111abcdef8.cloudfront.net/a"),
        "the other of http and https",
    );
    check(
        &signed_as(&format!("{U}/v/x/a.ts"), &format!("{U}/v/*")),
        "canned policy was signed over a wildcard",
    );
    check(&signed_as(&format!("{U}/video/a"), "video/a"), "path alone");
}

#[test]
fn other_policies_are_found() {
    let a = format!("{U}/a");
    check(
        &signed_text(&a, &canned_text(&a, "1767003600000")),
        "milliseconds",
    );
    check(
        &signed_text(&a, &canned_text(&a, "\"1767003600\"")),
        "must be an integer, got string",
    );
    check(
        &signed_text(
            &a,
            &canned_text(&a, &FUTURE.to_string()).replace(":[", ": ["),
        ),
        "signed with spaces",
    );
    let good = canned_text(&format!("{U}/*"), &FUTURE.to_string());
    check(
        &custom(&good, &good.replace(":[", ": [")),
        "other white space",
    );
    check(
        &custom(&encode(good.as_bytes()), &good),
        "base64 text of the policy",
    );
    check(
        &custom(&good, &good.replace("1767003600", "\"1767003600\"")),
        "must be an integer, got string",
    );
    check(
        &custom(&good, &good.replace("1767003600", "1767003600000")),
        "looks like milliseconds",
    );
    check(
        &custom(&good, &good.replace(['[', ']'], "")),
        "must be an array",
    );
    let statement = good
        .trim_start_matches("{\"Statement\":[")
        .trim_end_matches("]}")
        .to_owned();
    check(
        &custom(
            &good,
            &format!("{{\"Statement\":[{statement},{statement}]}}"),
        ),
        "only one Statement is allowed",
    );
}

#[test]
fn other_signatures_are_found() {
    let a = format!("{U}/a");
    let message = canned_text(&a, &FUTURE.to_string());
    let with =
        |signature: &str, tail: &str| format!("{a}?Expires={FUTURE}&Signature={signature}&{tail}");
    let sha1 = signature("rsa2048", HashAlgorithm::Sha1, &message);
    let sha256 = signature("rsa2048", HashAlgorithm::Sha256, &message);
    check(
        &with(&sha256, "Key-Pair-Id=KRSA"),
        "SHA256 signature without Hash-Algorithm=SHA256",
    );
    check(
        &with(&sha1, "Key-Pair-Id=KRSA&Hash-Algorithm=SHA256"),
        "SHA1 signature with Hash-Algorithm=SHA256",
    );
    check(&with(&sha1, "Key-Pair-Id=KOTHER"), "made by the key KRSA");
    check(&with(&sha1, "Key-Pair-Id=KUNKNOWN"), "made by the key KRSA");
    check(
        &with(&encode(&raw_ecdsa(&message)), "Key-Pair-Id=KEC"),
        "raw r||s",
    );
    let standard = sha1.replace('-', "+").replace('_', "=").replace('~', "/");
    check(&with(&standard, "Key-Pair-Id=KRSA"), "standard alphabet");
    check(
        &with(&standard.replace('+', "%20"), "Key-Pair-Id=KRSA"),
        "white space in the base64",
    );
}

#[test]
fn pss_padding_is_found() {
    use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
    let a = format!("{U}/a");
    let key = RsaKeyPair::from_der(&key_file("rsa2048.pkcs1.der")).unwrap();
    let mut signature = vec![0; 256];
    let message = canned_text(&a, &FUTURE.to_string());
    let random = aws_lc_rs::rand::SystemRandom::new();
    key.sign(&RSA_PSS_SHA256, &random, message.as_bytes(), &mut signature)
        .unwrap();
    let link = format!(
        "{a}?Expires={FUTURE}&Signature={}&Key-Pair-Id=KRSA&Hash-Algorithm=SHA256",
        encode(&signature)
    );
    check(&link, "RSA-PSS");
}

#[test]
fn slips_in_the_link_are_named() {
    let a = format!("{U}/a");
    let good = signed_as(&a, &a);
    check(&good.replace('&', "&amp;"), "HTML-escaped");
    check(&good.replace('?', "#x?"), "are after #");
    check(&signed_as(&a, &a).replace("/a?", "/a?x=1?"), "second ?");
    check(
        &signed_as(&format!("{U}/%C3%A9"), &format!("{U}/\\u00e9")),
        "JSON string with escapes",
    );
    check(&format!("{good}&Expires=1"), "Expires occurs twice");
    check(
        &good.replace("KRSA", "-----BEGIN%20PUBLIC"),
        "looks like a PEM",
    );
    check(&good.replace("KRSA", "E2QWRUHAPOMQZL"), "distribution id");
    check(
        &good.replace("KRSA", "AKIAIOSFODNN7EXAMPLE"),
        "AWS access key",
    );
    check(
        &good.replace("Expires=1767003600", "Expires=1767003600000"),
        "looks like milliseconds",
    );
    check(&format!("{good}&Policy=x"), "Policy governs");
    check(
        "https://b.s3.amazonaws.com/a?X-Amz-Signature=1",
        "S3 presigned",
    );
    check(
        "https://b.s3.amazonaws.com/a?X-Amz-Signature=1",
        "bucket itself",
    );
    check(
        &format!("{a}?AWSAccessKeyId=AKIA&Signature=x&Expires=1"),
        "S3 presigned",
    );
    let cookies = ask(&format!("{a}?Expires=1"), Some("CloudFront-Policy=x"), None);
    assert!(
        cookies
            .hints
            .iter()
            .any(|hint| hint.contains("cookies are ignored"))
    );
}

#[test]
fn checks_say_what_was_expected_and_found() {
    let policy = canned_text("https://*.cloudfront.net/videos/*", &NOW.to_string());
    let explanation = ask(&custom(&policy, &policy), None, Some("192.0.2.77"));
    let shown = |name: &str| {
        let check = explanation
            .checks
            .iter()
            .find(|check| check.name == name)
            .unwrap();
        (check.outcome, check.expected.as_str(), check.found.as_str())
    };
    assert_eq!(shown("protocol"), (Outcome::Passed, "https", "https"));
    assert_eq!(
        shown("domain"),
        (
            Outcome::Passed,
            "*.cloudfront.net",
            "d111111abcdef8.cloudfront.net"
        )
    );
    assert_eq!(shown("path"), (Outcome::Failed, "/videos/*", "/a"));
    let now = "2025-12-29T09:20:00Z (1767000000)";
    assert_eq!(
        shown("end"),
        (Outcome::Failed, format!("before {now}").as_str(), now)
    );
    assert_eq!(
        explanation.verdict,
        Verdict::Refused(ErrorCode::AccessDenied)
    );
    assert_eq!(explanation.policy_text.as_deref(), Some(policy.as_str()));
}

#[test]
fn what_was_not_given_is_not_guessed() {
    let key = Arc::new(private_key("rsa2048"));
    let signer = Signer::new(key, id("KRSA"), HashAlgorithm::Sha1).unwrap();
    let terms = Terms {
        ip: Some(IpRange::parse("192.0.2.0/24").unwrap()),
        ..Terms::until(Timestamp::from_secs(FUTURE))
    };
    let link = signer
        .sign_url(&WireUrl::parse(&format!("{U}/a")).unwrap(), &terms)
        .unwrap();
    assert!(matches!(
        ask(&link, None, None).verdict,
        Verdict::CannotTell(_)
    ));
    assert_eq!(
        ask(&format!(" '{link}' "), None, Some("192.0.2.1")).verdict,
        Verdict::Opens
    );
    let nobody = KeySet::default();
    let question = Question {
        url: &link,
        cookies: None,
        keys: &nobody,
        now: Timestamp::from_secs(NOW),
        client: None,
        leniency: Leniency::default(),
    };
    assert!(matches!(explain(&question).verdict, Verdict::CannotTell(_)));
    assert!(matches!(
        ask("rtmp://h/cfx/st/mp4:a", None, None).verdict,
        Verdict::CannotTell(_)
    ));
    assert!(matches!(
        ask("", None, None).verdict,
        Verdict::CannotTell(_)
    ));
}

#[test]
fn explain_agrees_with_verify_on_all_vectors() {
    let client = "192.0.2.77".parse().unwrap();
    let mut compared = 0;
    for entry in vectors() {
        let (Some(keys), Some(request)) = (keys_of(&entry), request_of(&entry)) else {
            continue;
        };
        let Some(received) = Received::by_browser(&request.url) else {
            continue;
        };
        let cookies = request.cookies.as_deref();
        let question = Question {
            url: &request.url,
            cookies,
            keys: &keys,
            now: Timestamp::from_secs(1_800_000_000),
            client: Some(client),
            leniency: Leniency::default(),
        };
        let expected = match received.verify_with(cookies, &keys, 1_800_000_000, client) {
            Ok(_) => Verdict::Opens,
            Err(refusal) => Verdict::Refused(refusal.error_code()),
        };
        assert_eq!(
            explain(&question).verdict,
            expected,
            "{}",
            text(&entry, "id")
        );
        compared += 1;
    }
    assert!(compared > 900, "{compared}");
}

fn hints(url: &str) -> Vec<String> {
    let explanation = ask(url, None, None);
    assert!(
        matches!(explanation.verdict, Verdict::Refused(_)),
        "{url}: {explanation:?}"
    );
    explanation.hints
}

/// Returns a link signed with RSA 2048 whose signature was changed.
fn with_signature(change: impl Fn(&str) -> String) -> String {
    let url = format!("{U}/a");
    let whole = signature(
        "rsa2048",
        HashAlgorithm::Sha1,
        &canned_text(&url, &FUTURE.to_string()),
    );
    format!(
        "{url}?Expires={FUTURE}&Key-Pair-Id=KRSA&Signature={}",
        change(&whole)
    )
}

#[test]
fn d8_a_link_that_was_cut_is_told_by_its_length() {
    // 342 characters are all but the padding, which the edge does not need.
    for kept in (1..342).chain([343]) {
        let link = with_signature(|whole| whole[..kept].to_owned());
        let hints = hints(&link);
        let cut = |hint: &&String| hint.contains("the link was truncated") && hint.contains(" of ");
        // The rest is as long as a signature of a smaller key.
        let other = |hint: &&String| hint.contains("another key than KRSA made it");
        let told = hints.iter().filter(|hint| cut(hint) || other(hint)).count();
        assert_eq!(told, 1, "{kept}: {hints:?}");
        let vague = hints.iter().any(|hint| hint.contains("does not match"));
        assert!(!vague, "{kept}: {hints:?}");
    }
    let link = with_signature(|whole| whole[..324].to_owned());
    assert!(
        hints(&link)[0].starts_with("the signature has 243 of 256 bytes: the link was truncated")
    );
    let link = with_signature(|whole| whole[..323].to_owned());
    assert!(
        hints(&link)[0]
            .starts_with("the signature has 323 of 344 characters: the link was truncated")
    );
    let link =
        with_signature(|whole| format!("{}AAAA", whole.trim_end_matches('_').to_owned() + "AA"));
    check(&link, "something was appended to it");
    assert_eq!(
        ask(&with_signature(str::to_owned), None, None).verdict,
        Verdict::Opens
    );
}

#[test]
fn d8_a_cut_signature_of_p256_is_told_too() {
    let url = format!("{U}/a");
    let message = canned_text(&url, &FUTURE.to_string());
    let key = private_key("p256.pkcs8");
    let signature = key
        .sign_message(SignatureScheme::EcdsaP256Sha1, message.as_bytes())
        .unwrap();
    let link = |bytes: &[u8]| {
        format!(
            "{url}?Expires={FUTURE}&Key-Pair-Id=KEC&Signature={}",
            encode(bytes)
        )
    };
    assert_eq!(ask(&link(&signature), None, None).verdict, Verdict::Opens);
    check(&link(&signature[..60]), "the link was truncated");
    check(
        &link(&[&signature[..], b"xx"].concat()),
        "something was appended to it",
    );
    check(
        &link(&[7; 256]),
        "256 bytes, as of an RSA key: another key than KEC made it",
    );
}

#[test]
fn d8_another_key_is_told_by_its_length() {
    let url = format!("{U}/a");
    let message = canned_text(&url, &FUTURE.to_string());
    // The signature is of a key that is unknown here.
    let other = signature(
        "p256.pkcs8",
        HashAlgorithm::Sha1,
        &message.replace("/a", "/b"),
    );
    check(
        &format!("{url}?Expires={FUTURE}&Signature={other}&Key-Pair-Id=KRSA"),
        "another key than KRSA made it; sign with the private key of KRSA",
    );
}

#[test]
fn d8_what_does_not_match_is_told_with_its_usual_causes() {
    let link = signed_as(
        &format!("{U}/a"),
        "https://elsewhere.example/nobody/would/guess",
    );
    check(
        &link,
        "the signature does not match this URL: usually the path",
    );
    check(
        &link,
        "another private key than that of KRSA signed it, or a proxy terminates TLS",
    );
    let policy = canned_text(&format!("{U}/*"), &FUTURE.to_string());
    check(
        &custom(&canned_text("https://other", &FUTURE.to_string()), &policy),
        "does not match this policy: either the policy was changed after it was signed",
    );
}

#[test]
fn d8_parameters_that_are_encoded_are_none() {
    let link = signed_as(&format!("{U}/a"), &format!("{U}/a"));
    let (url, query) = link.split_once('?').unwrap();
    let encode = |text: &str| text.replace('=', "%3D").replace('&', "%26");
    let decode = "decode the link once, %3F to ?, %26 to & and %3D to =";
    for mangled in [
        format!("{url}?{}", encode(query)),
        format!("{url}?{}", encode(query).replace('%', "%25")),
        format!(
            "{url}?{}",
            encode(query)
                .to_lowercase()
                .replace("key-pair-id", "Key-Pair-Id")
        ),
        format!("{url}%3F{}", encode(query)),
        format!("{U}/go?to={}", encode(&link)),
    ] {
        check(&mangled, decode);
        let contradiction = hints(&mangled)
            .into_iter()
            .find(|hint| hint.contains("the whole link"));
        assert_eq!(contradiction, None, "{mangled}");
    }
    assert!(
        hints(&format!("{U}/a"))
            .iter()
            .any(|hint| hint.contains("the whole link"))
    );
}

#[test]
fn d8_a_presigned_url_has_one_advice() {
    let hints = hints(&format!("{U}/a?X-Amz-Credential=AKIA&X-Amz-Signature=00"));
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(hints[0].contains("S3 presigned URL"));
}

/// Every vector that is refused as a browser sends it deserves a hint.
#[test]
fn refused_vectors_get_a_hint() {
    let (mut refused, mut silent) = (0, Vec::new());
    for entry in vectors()
        .iter()
        .filter(|entry| text(entry, "verdict") == "reject")
    {
        let (Some(keys), Some(request)) = (keys_of(entry), request_of(entry)) else {
            continue;
        };
        if Received::by_browser(&request.url).is_none() {
            continue;
        }
        let question = Question {
            url: &request.url,
            cookies: request.cookies.as_deref(),
            keys: &keys,
            now: Timestamp::from_secs(1_800_000_000),
            client: Some("192.0.2.77".parse().unwrap()),
            leniency: Leniency::default(),
        };
        let explanation = explain(&question);
        if matches!(explanation.verdict, Verdict::Refused(_)) {
            refused += 1;
            if explanation.hints.is_empty() {
                silent.push(text(entry, "id").to_owned());
            }
        }
    }
    assert!(refused > 300, "{refused}");
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn a_link_that_the_shell_has_cut_is_told() {
    let whole = signed_as(&format!("{U}/a"), &format!("{U}/a"));
    let (cut, _) = whole.split_once('&').unwrap();
    let quotes = "put it in quotes, or the shell ends it at &";
    check(cut, quotes);
    check(&format!("{U}/a?Policy=eyJ9"), quotes);
    let found = hints(cut);
    assert!(
        !found.iter().any(|hint| hint.contains("use the whole link")),
        "{found:?}"
    );
    assert_eq!(ask(&whole, None, None).hints, [""; 0]);
    for other in [format!("{U}/a?b=1"), format!("{U}/a?b=1&Expires=1")] {
        assert!(
            !hints(&other).iter().any(|hint| hint.contains(quotes)),
            "{other}"
        );
    }
}

#[test]
fn a_link_that_was_cut_in_its_id_is_told_without_an_empty_id() {
    let whole = signed_as(&format!("{U}/a"), &format!("{U}/a"));
    let end = "the link has to end with &Key-Pair-Id=KRSA";
    check(whole.strip_suffix("KRSA").unwrap(), end);
    check(whole.strip_suffix("&Key-Pair-Id=KRSA").unwrap(), end);
    let (before, _) = whole.split_once("Id=KRSA").unwrap();
    check(before, "use the whole link, with all its parameters");
    for cut in ["KRSA", "=KRSA", "Id=KRSA", "&Key-Pair-Id=KRSA"] {
        let found = hints(whole.strip_suffix(cut).unwrap());
        let empty = ["that of  signed", "Key-Pair-Id says :"];
        let is_empty = |hint: &String| empty.iter().any(|words| hint.contains(words));
        assert!(!found.iter().any(is_empty), "{found:?}");
    }
}

#[test]
fn a_signature_that_is_no_base64_comes_with_what_to_do() {
    let whole = signed_as(&format!("{U}/a"), &format!("{U}/a"));
    let copy = "the signature is not base64 in CloudFront's alphabet";
    check(&whole.replace("Signature=", "Signature=!!!!"), copy);
    assert_eq!(ask(&whole, None, None).hints, [""; 0]);
}
