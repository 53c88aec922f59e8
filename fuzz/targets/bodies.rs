//! The bodies of the fuzz targets: none may panic, and all must hold what is asserted here.
//!
//! The fuzz targets and an ordinary test that runs the checked-in corpora share them.
#![allow(dead_code, reason = "each target uses one of them")]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use privet_distribution::config::{Snapshot, read_toml};
use privet_distribution::logging::redact_query;
use privet_distribution::request::split_path_token;
use privet_distribution::response::{Representation, Selection, select};
use privet_media::playlist::{rewrite, vtt_checked, vtt_from_srt, vtt_from_tx3g, vtt_from_wvtt};
use privet_sign::{
    Credentials, Grant, KeyPairId, KeySet, Leniency, PathTokenSecret, PublicKey, Question, Refusal,
    Scheme, SignatureMemory, SignatureQuestion, Timestamp, Verifier, ViewerUrl, explain,
    is_path_token_shaped, strip_cookies, strip_query,
};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_secs(1_767_000_000);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));
const HOST: &str = "d111111abcdef8.cloudfront.net";
const RANGES_MAX: usize = 10;
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAzCNIdtFBGcNjQJwsdJKtuwdRyoq
kKKAGMdlY8kNMlBHGyYG8GjX7dOliy6JxUVkkM5ubl+YQliVr7GASLer8w==
-----END PUBLIC KEY-----
";

/// Fuzzes policies: the input is a policy whose signature is taken as valid.
pub fn policy_json(bytes: &[u8]) {
    let query = format!("Policy={}&Signature=AAAA&Key-Pair-Id=KFUZZ", encode(bytes));
    check_mark(bytes, granted("/private/a.mp4", &query).as_ref());
    for key in [false, true] {
        explain_url(&format!("https://{HOST}/private/a.mp4?{query}"), None, key);
    }
}

/// Compares the mark of a grant with what another reader finds: no policy with a mark opens as one without, and no
/// grant has a mark that its policy has not.
fn check_mark(policy: &[u8], grant: Option<&Grant>) {
    let Some(grant) = grant else { return };
    let Ok(whole) = serde_json::from_slice::<Value>(policy) else {
        // The reader alone knows the policies of 2023.
        return;
    };
    let member = &whole["Statement"][0]["Privet"];
    let Some(mark) = grant.link_mark() else {
        return assert!(member.is_null(), "a mark is never overlooked");
    };
    let text = |name: &str| member[name].as_str().map(str::to_owned);
    let limited = mark.limited.as_ref();
    assert_eq!(limited.map(|limited| limited.id.to_string()), text("Link"));
    assert_eq!(
        limited.map(|limited| limited.nonce.to_string()),
        text("Nonce")
    );
    assert_eq!(
        mark.subject.map(|subject| subject.to_string()),
        text("Subject")
    );
    assert_eq!(mark.made.map(Timestamp::as_secs), member["Made"].as_u64());
    let known = [
        limited.is_some(),
        limited.is_some(),
        mark.made.is_some(),
        mark.subject.is_some(),
    ];
    let known = known.iter().filter(|is_known| **is_known).count();
    assert!(known > 0, "an empty mark is none");
    assert_eq!(member.as_object().map(serde_json::Map::len), Some(known));
}

/// Fuzzes credentials. First line: a query. Second line: a cookie header.
pub fn credentials(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (query, cookie) = text.split_once('\n').unwrap_or((&text, ""));
    let url = ViewerUrl {
        scheme: Scheme::Https,
        host: HOST,
        path: "/a",
        query: Some(query),
    };
    for cookies in [None, Some(cookie.as_bytes())] {
        let credentials = Credentials::from_request(Some(query), cookies.into_iter());
        let verified = Verifier {
            keys: &keys(),
            now: NOW,
            client: CLIENT,
            leniency: &Leniency::default(),
            memory: &Believer,
        }
        .url(&url, &credentials);
        path_token(&url, &credentials, verified);
    }
    forged_path_token(&url, query);
    let stripped = strip_query(query);
    if let Some(stripped) = &stripped {
        assert!(stripped.len() <= query.len(), "stripping only removes");
        assert_eq!(
            strip_query(stripped).as_ref(),
            Some(stripped),
            "stripping twice changes nothing"
        );
    }
    let left = Credentials::from_request(stripped.as_deref(), std::iter::empty());
    assert!(left.is_empty(), "no credential survives stripping");
    let stripped = strip_cookies(cookie);
    assert_eq!(
        strip_cookies(&stripped),
        stripped,
        "stripping twice changes nothing"
    );
    let left = Credentials::from_request(None, std::iter::once(stripped.as_bytes()));
    assert!(left.is_empty(), "no credential cookie survives stripping");
    explain_url(&format!("https://{HOST}/a?{query}"), Some(cookie), true);
}

/// Checks that a URL gets a path token exactly when it may be requested.
fn path_token(
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    verified: Result<Grant, Refusal>,
) {
    let issued = Verifier {
        keys: &keys(),
        now: NOW,
        client: CLIENT,
        leniency: &Leniency::default(),
        memory: &Believer,
    }
    .issue(&path_token_secret(), url, credentials);
    let (grant, token) = match (verified, issued) {
        (Err(refusal), issued) => return assert_eq!(issued, Err(refusal)),
        (Ok(grant), Ok(token)) => (grant, token),
        (Ok(_), Err(refusal)) => panic!("a grant without a path_token: {refusal}"),
    };
    // A long resource gets no token.
    let Some(token) = token else { return };
    let path = format!("/~{token}/a");
    assert_eq!(split_path_token(&path), Some((token.as_str(), "/a")));
    let redacted = redact_query(&format!("x={path}")).into_owned();
    assert!(!redacted.contains(&token), "a token is never logged");
    let path_token = open_path_token(url, &token).expect("a token opens what it was issued for");
    assert_eq!(path_token.until(), grant.until());
    assert_eq!(path_token.fingerprint(), grant.fingerprint());
    assert_eq!(path_token.link_mark(), grant.link_mark());
}

fn forged_path_token(url: &ViewerUrl<'_>, text: &str) {
    if let Some((token, rest)) = split_path_token(text) {
        assert!(is_path_token_shaped(token) && rest.starts_with('/'));
        assert_eq!(open_path_token(url, token), Err(Refusal::PathTokenMismatch));
    }
    assert_eq!(open_path_token(url, text), Err(Refusal::PathTokenMismatch));
}

fn open_path_token(url: &ViewerUrl<'_>, token: &str) -> Result<Grant, Refusal> {
    let leniency = Leniency::default();
    Verifier {
        keys: &keys(),
        now: NOW,
        client: CLIENT,
        leniency: &leniency,
        memory: &Believer,
    }
    .path_token(&path_token_secret(), token, url)
}

fn path_token_secret() -> PathTokenSecret {
    PathTokenSecret::new(&[7; 32]).expect("32 bytes are a secret")
}

/// Fuzzes resource patterns. First line: the policy's resource. Second line: path and query of the request.
pub fn resource_matcher(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (resource, target) = text.split_once('\n').unwrap_or((&text, "/"));
    if resource.len() > 512 || target.len() > 512 {
        return;
    }
    let escaped: String = resource.chars().map(json_character).collect();
    let policy = format!(
        r#"{{"Statement":[{{"Resource":"{escaped}","Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
    );
    let signed = format!(
        "Policy={}&Signature=AAAA&Key-Pair-Id=KFUZZ",
        encode(policy.as_bytes())
    );
    let path = target.split('?').next().unwrap_or("/");
    let query = target
        .split_once('?')
        .map_or_else(|| signed.clone(), |(_, own)| format!("{own}&{signed}"));
    let opens = open(path, &query);
    if resource == "*" && target.starts_with('/') && !target.contains(['&', '=', '%', '#']) {
        assert!(opens, "a star alone covers every URL");
    }
}

/// Fuzzes `Range`. First line: the size. Further lines: one header each, as `Name: value`.
pub fn range_header(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let size_bytes: u64 = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(1000);
    let mut headers = HeaderMap::new();
    for (name, value) in lines.take(16).filter_map(|line| line.split_once(':')) {
        let value = HeaderValue::from_str(value.trim());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            headers.append(name, value);
        }
    }
    let representation = Representation {
        size_bytes,
        etag: "\"5f-1700000000\"".to_owned(),
        last_modified: Timestamp::from_secs(1_700_000_000),
        content_type: "video/mp4".to_owned(),
    };
    for method in [Method::GET, Method::HEAD] {
        check_selection(
            &select(&method, &headers, &representation, RANGES_MAX),
            size_bytes,
        );
    }
}

/// Fuzzes configurations: the input is a configuration file whose other files cannot be read.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut read_file = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let result = match read_toml(text, Path::new("privet.toml")) {
        Ok((document, places)) => Snapshot::build(document, &places, &mut read_file).map(|_| ()),
        Err(errors) => Err(errors),
    };
    if let Err(errors) = result {
        assert!(!errors.is_empty(), "a refusal says why");
        assert!(
            errors.iter().all(|error| !error.message.is_empty()),
            "each fault has words"
        );
    }
}

/// Fuzzes playlists: the input is a playlist of another server, or subtitles.
pub fn video_playlists(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains("=grant")
    {
        check_rewriting(text, rewrite::hls);
        check_rewriting(text, rewrite::dash);
    }
    if let Ok(vtt) = vtt_from_srt(bytes) {
        check_subtitles(&vtt);
    }
    if let Ok(vtt) = vtt_checked(bytes) {
        check_subtitles(&vtt);
    }
    let samples = || {
        (0..)
            .map(Duration::from_secs)
            .zip(bytes.split(|byte| *byte == b'\n'))
            .map(|(start, sample)| (start, start + Duration::from_secs(1), sample.to_vec()))
    };
    check_subtitles(&vtt_from_tx3g(samples()));
    check_subtitles(&vtt_from_wvtt(Some(bytes), samples()));
}

type Rewrite =
    fn(&str, &mut dyn FnMut(&str) -> Option<String>) -> Result<String, privet_media::Refusal>;

/// Checks that rewriting adds nothing but grants, and nothing at all without them.
fn check_rewriting(text: &str, rewrite: Rewrite) {
    let Ok(same) = rewrite(text, &mut |_| None) else {
        return;
    };
    assert_eq!(same, text, "without grants a list stays as it is");
    let mut grant = |uri: &str| Some(format!("{uri}?a=grant"));
    if let Ok(signed) = rewrite(text, &mut grant) {
        let without = signed.replace("?a=grant", "");
        assert_eq!(without, text, "nothing but grants is added");
    }
}

fn check_subtitles(vtt: &str) {
    assert!(vtt.starts_with("WEBVTT"), "subtitles say what they are");
    if let Ok(again) = vtt_checked(vtt.as_bytes()) {
        assert_eq!(again, vtt, "what was checked stays as it is");
    }
}

fn check_selection(selection: &Selection, size_bytes: u64) {
    let ranges = match selection {
        Selection::Whole
        | Selection::NotModified
        | Selection::PreconditionFailed
        | Selection::NotSatisfiable => return,
        Selection::One(range) => std::slice::from_ref(range),
        Selection::Several(ranges) => ranges,
    };
    assert!(
        !ranges.is_empty() && ranges.len() <= RANGES_MAX,
        "as many ranges as allowed"
    );
    for range in ranges {
        assert!(range.start <= range.end_inclusive, "a range runs forward");
        assert!(
            range.end_inclusive < size_bytes,
            "a range ends within the object"
        );
    }
    let in_order = ranges
        .windows(2)
        .all(|pair| pair[0].end_inclusive < pair[1].start);
    assert!(in_order, "ranges follow one another without overlap");
}

/// Returns true if a request with this path and query is admitted.
fn open(path: &str, query: &str) -> bool {
    granted(path, query).is_some()
}

fn granted(path: &str, query: &str) -> Option<Grant> {
    let url = ViewerUrl {
        scheme: Scheme::Https,
        host: HOST,
        path,
        query: Some(query),
    };
    let credentials = Credentials::from_request(Some(query), std::iter::empty());
    Verifier {
        keys: &keys(),
        now: NOW,
        client: CLIENT,
        leniency: &Leniency::default(),
        memory: &Believer,
    }
    .url(&url, &credentials)
    .ok()
}

fn explain_url(url: &str, cookies: Option<&str>, with_key: bool) {
    let keys = if with_key { keys() } else { KeySet::default() };
    let client = with_key.then_some(CLIENT);
    let question = Question {
        url,
        cookies,
        keys: &keys,
        now: NOW,
        client,
        leniency: Leniency::default(),
    };
    let _ = explain(&question);
}

/// A signature check that always succeeds, so that the code behind it is reached.
struct Believer;

impl SignatureMemory for Believer {
    fn verifies(&self, _: &SignatureQuestion<'_>) -> bool {
        true
    }
}

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    if let (Ok(id), Ok(key)) = (
        KeyPairId::parse("KFUZZ"),
        PublicKey::parse(PUBLIC_KEY.as_bytes()),
    ) {
        keys.insert(id, key);
    }
    keys
}

/// Escapes a character for a JSON string; characters that JSON forbids become spaces.
fn json_character(character: char) -> String {
    match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        character if character.is_control() => " ".to_owned(),
        character => character.to_string(),
    }
}

/// Encodes in base64 with CloudFront's alphabet.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() {
                char::from(ALPHABET[index])
            } else {
                '_'
            });
        }
    }
    text
}
