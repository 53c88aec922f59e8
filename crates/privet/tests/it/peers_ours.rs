//! `privet sign` makes what real signers make, byte for byte except for the order of parameters, and OpenSSL verifies
//! it.

use crate::cli::Folder;
use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privet_sign::HashAlgorithm;
use serde_json::Value;

/// URLs in the form in which clients send them, which every signer must take as they stand.
const PATHS: &[&str] = &[
    "/private/a.txt",
    "/",
    "/private/a.txt?size=large",
    "/private/a.txt?b=2&a=1&a=&c&=d&e",
    "/private/f%C3%BCr%20dich/%E2%82%AC.txt",
    "/private/%e2%82%ac.txt?q=%E6%97%A5%E6%9C%AC&r=a%2Bb%26c+d",
    "/private/a(1),b;v=2@3:4!$~-_.'.txt",
    "/private//a/%2e%2e%2Fb?next=https://example.com/x?y=z",
];

/// Restrictions of a grant, as options and as a wish.
struct Terms {
    options: &'static [&'static str],
    grant: fn(&mut Wish),
}

const CANNED: Terms = Terms {
    options: &[],
    grant: |_| {},
};
const START: Terms = Terms {
    options: &["--from", "1500000000"],
    grant: |wish| wish.not_before = Some(1_500_000_000),
};
const ADDRESS: Terms = Terms {
    options: &["--ip", "192.0.2.77"],
    grant: |wish| wish.ip = Some("192.0.2.77"),
};
const RANGE: Terms = Terms {
    options: &["--ip", "192.0.2.0/24"],
    grant: |wish| wish.ip = Some("192.0.2.0/24"),
};
const RANGE_AND_START: Terms = Terms {
    options: &["--ip", "192.0.2.0/24", "--from", "1500000000"],
    grant: |wish| {
        wish.ip = Some("192.0.2.0/24");
        wish.not_before = Some(1_500_000_000);
    },
};
const RESOURCE: Terms = Terms {
    options: &["--resource", "https://d111111abcdef8.cloudfront.net/*"],
    grant: |wish| wish.resource = Some(format!("{U}/*")),
};

/// Runs `privet sign` over the lines of `input`.
fn sign(by: By, terms: &Terms, more: &[&str], input: &str) -> String {
    let (key, end) = (key_path(by.file), E.to_string());
    let hash = hash_name(by.hash).to_lowercase();
    let mut arguments = vec!["sign", "--key", key.to_str().unwrap()];
    arguments.extend([
        "--key-pair-id",
        by.id,
        "--hash",
        &hash,
        "--until",
        &end,
        "-q",
    ]);
    arguments.extend([terms.options, more].concat());
    Folder::new().pipe(input, &arguments).ok()
}

fn wishes(by: By, terms: &Terms, paths: &[&str]) -> Vec<Wish> {
    let wish = |path: &&str| {
        let mut wish = Wish::of(by, path, E);
        (terms.grant)(&mut wish);
        wish
    };
    paths.iter().map(wish).collect()
}

fn links(by: By, terms: &Terms, urls: &[String]) -> Vec<String> {
    let signed = sign(by, terms, &["-"], &(urls.join("\n") + "\n"));
    let links: Vec<String> = signed.lines().map(str::to_owned).collect();
    assert_eq!(links.len(), urls.len());
    links
}

fn urls() -> Vec<String> {
    PATHS.iter().map(|path| format!("{U}{path}")).collect()
}

/// Returns the URL that was signed, and the signing parameters sorted by name.
fn parts(link: &str) -> (&str, Vec<&str>) {
    let first = ["Expires=", "Policy="].map(|name| link.find(name));
    let at = first.into_iter().flatten().min().unwrap();
    let (base, parameters) = link.split_at(at);
    let mut parameters: Vec<&str> = parameters.split('&').collect();
    parameters.sort_unstable();
    (base, parameters)
}

/// Returns the URL that was signed, as the signer wrote it.
fn base(link: &str) -> String {
    let (base, _) = parts(link);
    base[..base.len() - 1].to_owned()
}

fn parameter<'a>(link: &'a str, name: &str) -> Option<&'a str> {
    let query = link.rsplit_once('?').unwrap().1;
    let mut pieces = query.rsplit('&');
    pieces.find_map(|piece| piece.strip_prefix(name)?.strip_prefix('='))
}

/// Compares the links of both signers. With `keeps`, the peer must leave the URL as it is.
#[track_caller]
fn check_equal(peer: Peer, by: By, all: &[Terms], paths: &[&str], keeps: bool) {
    let asked = all.iter().flat_map(|terms| wishes(by, terms, paths));
    let asked: Vec<Wish> = asked.collect();
    let theirs = peer.sign(&asked);
    let mut signed = Vec::new();
    for (wish, their) in asked.iter().zip(&theirs) {
        let url = base(their.link());
        assert!(!keeps || url == wish.url, "{peer:?}: {url}");
        signed.push(url);
    }
    let groups = all.iter().zip(signed.chunks(paths.len()));
    let ours = groups.flat_map(|(terms, urls)| links(by, terms, urls));
    for (our, their) in ours.zip(&theirs) {
        assert_eq!(parts(&our), parts(their.link()), "{peer:?}");
    }
}

const ALL: &[Terms] = &[CANNED, START, ADDRESS, RANGE, RANGE_AND_START, RESOURCE];

#[test]
fn links_are_those_of_botocore() {
    check_equal(Peer::Botocore, RSA, ALL, PATHS, true);
}

#[test]
fn links_are_those_of_the_aws_cli() {
    // The AWS CLI takes a second for each link.
    let some = &PATHS[4..6];
    check_equal(Peer::AwsCli, RSA, &[CANNED, RANGE_AND_START], some, true);
}

/// The SDK rewrites URLs, `c=` for a bare `c` and `%E2` for `%e2`, and signs the result. Its policies have the start
/// before the address, so their bytes differ when both are set.
#[test]
fn links_are_those_of_the_javascript_sdk() {
    let all = [CANNED, START, ADDRESS, RANGE];
    check_equal(Peer::JsSdk, RSA, &all, PATHS, false);
    check_equal(Peer::JsSdk, RSA256, &all, PATHS, false);
    check_equal(Peer::JsSdk, RSA, &all, &PATHS[..3], true);
}

#[test]
fn links_are_those_by_openssl() {
    check_equal(Peer::OpenSsl, RSA, ALL, PATHS, true);
    check_equal(Peer::OpenSsl, RSA256, ALL, PATHS, true);
}

/// ECDSA signatures differ each time; everything else is the same.
#[test]
fn p256_links_differ_in_the_signature_alone() {
    for by in [EC, EC256] {
        for terms in ALL {
            let ours = links(by, terms, &urls());
            let theirs = Peer::OpenSsl.sign(&wishes(by, terms, PATHS));
            for (our, their) in ours.iter().zip(&theirs) {
                let without = |link| {
                    let (base, mut parameters) = parts(link);
                    parameters.retain(|piece| !piece.starts_with("Signature="));
                    assert_eq!(parameters.len(), if by.hash == EC.hash { 2 } else { 3 });
                    (base.to_owned(), parameters.join("&"))
                };
                assert_eq!(without(our), without(their.link()));
            }
        }
    }
}

fn decoded(policy: &str) -> String {
    let policy = policy.replace('-', "+").replace('_', "=");
    let bytes = STANDARD.decode(policy.replace('~', "/")).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn openssl_verifies_our_links() {
    let mut claims = Vec::new();
    for (by, public) in [
        (RSA, "rsa2048.pub.pem"),
        (RSA256, "rsa2048.pub.pem"),
        (EC, "p256.pub.pem"),
        (EC256, "p256.pub.pem"),
    ] {
        for terms in [CANNED, RANGE_AND_START] {
            for link in &links(by, &terms, &urls()) {
                let policy = parameter(link, "Policy");
                claims.push(Claim {
                    public_key_file: key_path(public),
                    policy: policy.map_or_else(|| canned(&base(link), E), decoded),
                    signature: parameter(link, "Signature").unwrap().to_owned(),
                    hash: by.hash,
                });
            }
        }
    }
    let verified = openssl_verifies(&claims);
    for (claim, verified) in claims.iter().zip(verified) {
        assert!(verified, "{claim:?}");
    }
    let other = |hash| match hash {
        HashAlgorithm::Sha1 => HashAlgorithm::Sha256,
        HashAlgorithm::Sha256 => HashAlgorithm::Sha1,
    };
    for claim in &mut claims {
        claim.hash = other(claim.hash);
    }
    assert!(!openssl_verifies(&claims).contains(&true));
}

#[track_caller]
fn check_cookies(peer: Peer, by: By, terms: &Terms) {
    let mut wish = wishes(by, terms, &["/private/a.txt"]).remove(0);
    wish.cookies = true;
    let url = wish.url.clone();
    let Made::Cookies(mut theirs) = peer.sign(&[wish]).remove(0) else {
        panic!("{peer:?} made a link");
    };
    let ours = sign(by, terms, &["--cookies", "--output", "json", &url], "");
    let ours: Value = serde_json::from_str(&ours).unwrap();
    let mut ours: Vec<(String, String)> = ours["cookies"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs, "{peer:?}");
}

#[test]
fn cookies_are_those_of_real_signers() {
    for by in [RSA, RSA256] {
        check_cookies(Peer::JsSdk, by, &CANNED);
        check_cookies(Peer::JsSdk, by, &RANGE);
        check_cookies(Peer::OpenSsl, by, &CANNED);
        check_cookies(Peer::OpenSsl, by, &RANGE_AND_START);
        check_cookies(Peer::OpenSsl, by, &RESOURCE);
    }
}
