//! Links and cookies of real signers are valid at the running edge when they should be and otherwise refused, and
//! `privet explain` agrees.
//!
//! `peers_ours` tests the other direction, `peers_keys` keys that Privet made.

use crate::cli::Folder;
use crate::support::*;
use std::collections::BTreeSet;

/// A time in the past, so that a grant may begin with it.
const BEGAN: u64 = NOW - 60;
/// Addresses that a test can bind.
const HERE: &str = "127.0.7.77";
const ELSEWHERE: &str = "127.0.8.1";
const FILE: &str = "a file for one person";

/// A request to a signer, and the path it is to open.
#[derive(Clone, Debug)]
struct Sample {
    name: &'static str,
    wish: Wish,
    /// Path that the viewer requests, if it is not the URL that was signed.
    path: Option<&'static str>,
}

impl Sample {
    fn new(name: &'static str, by: By, path: &str) -> Self {
        Sample {
            name,
            wish: Wish::of(by, path, E),
            path: None,
        }
    }
}

/// Returns every kind of grant, over https, signed by `by`.
fn kinds(by: By) -> Vec<Sample> {
    let plain = "/private/a.txt";
    let video = "/videos/talk.mp4";
    let escaped = "/private/f%C3%BCr%20dich/%E2%82%AC.txt?q=%2Fa%26b&q=%E2%82%AC";
    let mut start = Sample::new("start", by, plain);
    start.wish.not_before = Some(BEGAN);
    let mut address = Sample::new("address", by, plain);
    address.wish.ip = Some(HERE);
    let mut wildcard = Sample::new("wildcard", by, "/videos/*");
    wildcard.wish.not_before = Some(BEGAN);
    wildcard.path = Some(video);
    let mut all = Sample::new("range, start and wildcard", by, "/videos/*.mp4");
    all.wish.ip = Some("127.0.7.0/24");
    all.wish.not_before = Some(BEGAN);
    all.path = Some(video);
    let mut resource = Sample::new("resource", by, video);
    resource.wish.resource = Some(format!("http*://{HOST}/videos/ta?k.*"));
    let mut ready = Sample::new("ready-made policy", by, video);
    ready.wish.policy = Some(policy(&format!("http*://{HOST}/*/talk.mp4")));
    vec![
        Sample::new("canned", by, plain),
        Sample::new("query", by, "/private/a.txt?size=large&lang=de"),
        Sample::new("escapes", by, escaped),
        start,
        address,
        wildcard,
        all,
        resource,
        ready,
    ]
}

/// Returns the kinds for each key and hash, over both protocols, as links and as cookies.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for sample in [RSA, RSA256, EC, EC256].into_iter().flat_map(kinds) {
        for cookies in [false, true] {
            let mut sample = sample.clone();
            sample.wish.cookies = cookies;
            let mut over_http = sample.clone();
            over_http.wish.url = sample.wish.url.replace("https:", "http:");
            samples.extend([sample, over_http]);
        }
    }
    samples
}

/// The request of a viewer: the URL, and the cookies unless the URL carries the signature.
#[derive(Clone, Debug)]
struct Pass {
    url: String,
    cookies: Option<String>,
}

impl Pass {
    fn of(sample: &Sample, made: Made) -> Self {
        let signed = &sample.wish.url;
        let opened = match sample.path {
            Some(path) => {
                let (scheme, _) = signed.split_once("://").unwrap();
                format!("{scheme}://{HOST}{path}")
            }
            None => signed.clone(),
        };
        match made {
            Made::Link(link) => Pass {
                url: link.replacen(signed.as_str(), &opened, 1),
                cookies: None,
            },
            Made::Cookies(pairs) => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                Pass {
                    url: opened,
                    cookies: Some(pairs.join("; ")),
                }
            }
        }
    }

    fn carrier(&mut self) -> &mut String {
        self.cookies.as_mut().unwrap_or(&mut self.url)
    }

    /// Replaces a base64 character of the signature, at about `part` of `parts` of its length.
    fn damaged(&self, part: usize, parts: usize) -> Self {
        let mut damaged = self.clone();
        let carrier = damaged.carrier();
        let start = carrier.find("Signature=").unwrap() + "Signature=".len();
        let rest = &carrier[start..];
        let length = rest.find(['&', ';']).unwrap_or(rest.len());
        let at = start + length * part / parts;
        let other = if &carrier[at..=at] == "A" { "B" } else { "A" };
        carrier.replace_range(at..=at, other);
        damaged
    }

    /// Returns a link in which the characters of standard base64 other than letters and digits are percent-encoded.
    fn escaped(&self) -> Self {
        let escape = |value: &str| {
            let value = value.replace('+', "%2B");
            value.replace('/', "%2F").replace('=', "%3D")
        };
        let (base, query) = self.url.split_once('?').unwrap();
        let pieces = query.split('&').map(|piece| match piece.split_once('=') {
            Some((name @ ("Policy" | "Signature"), value)) => format!("{name}={}", escape(value)),
            Some(_) | None => piece.to_owned(),
        });
        let pieces: Vec<String> = pieces.collect();
        Pass {
            url: format!("{base}?{}", pieces.join("&")),
            cookies: None,
        }
    }

    fn ask(&self, address: &str) -> Ask {
        let ask = Ask::get(&self.url).by_address(address);
        match &self.cookies {
            Some(cookies) => ask.header("Cookie", cookies),
            None => ask,
        }
    }

    /// Returns the exit code of `privet explain`.
    fn explained(&self, at: u64, address: &str) -> i32 {
        let key = |by: By| format!("{}={}", by.id, key_path(by.file).display());
        let (rsa, ec, at) = (key(RSA), key(EC), at.to_string());
        let mut arguments = vec!["explain", "--public-key", &rsa, "--public-key", &ec];
        arguments.extend(["--at", &at, "--ip", address, &self.url]);
        if let Some(cookies) = &self.cookies {
            arguments.extend(["--cookies", cookies]);
        }
        Folder::new().run(&arguments).code
    }
}

/// Starts an edge with the files of the samples.
fn edge() -> TestEdge {
    let edge = TestEdge::new();
    for name in ["private/a.txt", "private/für dich/€.txt", "videos/talk.mp4"] {
        edge.put(name, FILE.as_bytes());
    }
    edge
}

#[track_caller]
fn check_shut(edge: &TestEdge, why: &str, pass: &Pass, at: u64, address: &str) {
    edge.set_clock(at);
    let answer = edge.ask(&pass.ask(address));
    assert_eq!(answer.status(), 403, "{why}: {pass:?}");
    assert!(answer.text().contains("<Error><Code>"), "{why}: {answer:?}");
    assert_eq!(pass.explained(at, address), 1, "{why}: {pass:?}");
}

#[track_caller]
fn check_open(edge: &TestEdge, name: &str, pass: &Pass, at: u64) {
    edge.set_clock(at);
    let answer = edge.ask(&pass.ask(HERE));
    let seen = (answer.status(), answer.text());
    assert_eq!(seen, (200, FILE), "{name}: {pass:?}");
    assert_eq!(pass.explained(at, HERE), 0, "{name}: {pass:?}");
}

/// Checks that a sample is valid in its first second (or its last, if it has no start), for the right viewer, and
/// unchanged only.
#[track_caller]
fn check_sample(edge: &TestEdge, sample: &Sample, pass: &Pass, damaged: &Pass) {
    let wish = &sample.wish;
    check_shut(edge, "changed", damaged, NOW, HERE);
    check_shut(edge, "after the end", pass, wish.expires, HERE);
    if let Some(start) = wish.not_before {
        check_shut(edge, "before the start", pass, start, HERE);
    }
    if wish.ip.is_some() {
        check_shut(edge, "elsewhere", pass, NOW, ELSEWHERE);
    }
    let within = wish.not_before.map_or(wish.expires - 1, |start| start + 1);
    check_open(edge, sample.name, pass, within);
}

/// Returns the samples that `peer` can make, with what it made of them.
fn passes(peer: Peer, samples: Vec<Sample>) -> Vec<(Sample, Pass)> {
    let able = samples.into_iter().filter(|sample| peer.can(&sample.wish));
    let able: Vec<Sample> = able.collect();
    let wishes: Vec<Wish> = able.iter().map(|sample| sample.wish.clone()).collect();
    let made = peer.sign(&wishes).into_iter();
    let pairs = able.into_iter().zip(made);
    pairs
        .map(|(sample, made)| (sample.clone(), Pass::of(&sample, made)))
        .collect()
}

/// Checks all samples that the signer can make; their number is `count`, so that none is dropped unnoticed.
fn check_peer(peer: Peer, samples: Vec<Sample>, count: usize) {
    let edge = edge();
    let passes = passes(peer, samples);
    assert_eq!(passes.len(), count, "{peer:?}");
    for (part, (sample, pass)) in passes.iter().enumerate() {
        check_sample(&edge, sample, pass, &pass.damaged(part, count));
    }
}

#[test]
fn links_of_botocore_open() {
    check_peer(Peer::Botocore, samples(), 36);
}

#[test]
fn links_of_the_aws_cli_open() {
    // The AWS CLI takes a second for each, so only half of them are tested, alternating the protocols.
    let able = samples().into_iter();
    let able = able.filter(|sample| Peer::AwsCli.can(&sample.wish));
    let every_other = able
        .enumerate()
        .filter(|(index, _)| index % 4 == 0 || index % 4 == 3);
    let some = every_other.map(|(_, sample)| sample).collect();
    check_peer(Peer::AwsCli, some, 7);
}

#[test]
fn links_and_cookies_of_the_javascript_sdk_open() {
    check_peer(Peer::JsSdk, samples(), 128);
}

#[test]
fn links_and_cookies_by_openssl_open() {
    check_peer(Peer::OpenSsl, samples(), 144);
}

/// The recipe with tlslite omits CloudFront's replacement of `+`, `=` and `/` (fidelity note F1).
#[test]
fn links_and_cookies_in_standard_base64_open() {
    check_peer(Peer::StandardBase64, samples(), 144);
}

/// Clients may escape the characters that the recipe leaves in.
#[test]
fn links_in_standard_base64_open_percent_encoded() {
    let links = samples().into_iter().filter(|sample| !sample.wish.cookies);
    let edge = edge();
    let passes = passes(Peer::StandardBase64, links.collect());
    let (count, mut characters) = (passes.len(), BTreeSet::new());
    for (part, (sample, pass)) in passes.iter().enumerate() {
        characters.extend(pass.url.chars());
        let damaged = pass.damaged(part, count).escaped();
        check_sample(&edge, sample, &pass.escaped(), &damaged);
    }
    assert!(['+', '/', '='].iter().all(|sign| characters.contains(sign)));
    assert_eq!(count, 72);
}
