//! Keys made by `privet key create` work everywhere, and what other signers sign with them is valid.

use crate::cli::Folder;
use crate::support::*;
use privet_sign::HashAlgorithm;

const LINK: &str = "https://d111111abcdef8.cloudfront.net/private/a.txt";

/// Returns a folder with the new key pair `KNEW`.
fn with_new_key(kind: &str) -> Folder {
    let folder = Folder::new();
    folder
        .run(&["key", "create", "--id", "KNEW", "--type", kind])
        .ok();
    folder
}

fn wish(folder: &Folder, hash: HashAlgorithm) -> Wish {
    Wish {
        key_file: folder.path("KNEW.pem"),
        key_pair_id: "KNEW".to_owned(),
        hash,
        ..Wish::of(RSA, "/private/a.txt", E)
    }
}

/// Checks that `peer` can sign with the new key, and that the link is valid with the new public key.
#[track_caller]
fn check_signs(folder: &Folder, peer: Peer) {
    let wishes: Vec<Wish> = [HashAlgorithm::Sha1, HashAlgorithm::Sha256]
        .map(|hash| wish(folder, hash))
        .into_iter()
        .filter(|wish| peer.can(wish))
        .collect();
    assert!(!wishes.is_empty(), "{peer:?}");
    let now = NOW.to_string();
    let explain = ["explain", "--public-key", "KNEW=KNEW.pub.pem", "--at", &now];
    for made in peer.sign(&wishes) {
        let said = folder.run(&[&explain[..], &[made.link()]].concat());
        assert_eq!(said.code, 0, "{peer:?}: {said:?}");
    }
}

/// Checks that OpenSSL reads both halves, that `check` accepts the private one, and that the public one belongs to it.
#[track_caller]
fn check_openssl(folder: &Folder, check: &str, words: &str) {
    let run = |arguments: &[&str]| openssl(arguments, &folder.path("")).unwrap();
    let said = run(&[check, "-check", "-noout", "-in", "KNEW.pem"]);
    assert!(said.contains(words), "{said}");
    run(&["pkey", "-pubin", "-noout", "-in", "KNEW.pub.pem"]);
    let public = run(&["pkey", "-pubout", "-in", "KNEW.pem"]);
    assert_eq!(public, folder.read("KNEW.pub.pem"));
}

#[test]
fn openssl_refuses_what_is_no_key() {
    let folder = Folder::new();
    let broken = folder.read("key.pem").replace("MII", "MIJ");
    folder.write("broken.pem", &broken);
    let check = ["rsa", "-check", "-noout", "-in", "broken.pem"];
    assert_eq!(openssl(&check, &folder.path("")), None);
}

#[test]
fn new_rsa_keys_are_accepted() {
    let folder = with_new_key("rsa");
    check_openssl(&folder, "rsa", "RSA key ok");
    for peer in [Peer::Botocore, Peer::AwsCli, Peer::JsSdk, Peer::OpenSsl] {
        check_signs(&folder, peer);
    }
}

#[test]
fn new_p256_keys_are_accepted() {
    let folder = with_new_key("p256");
    check_openssl(&folder, "ec", "EC Key valid");
    for peer in [Peer::Botocore, Peer::JsSdk, Peer::OpenSsl] {
        check_signs(&folder, peer);
    }
}

#[test]
fn links_by_new_keys_pass_openssl() {
    for kind in ["rsa", "p256"] {
        let folder = with_new_key(kind);
        let mut claims = Vec::new();
        for hash in [HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
            let name = hash_name(hash).to_lowercase();
            let (end, policy) = (E.to_string(), canned(LINK, E));
            let mut arguments = vec!["sign", "--key", "KNEW.pem", "--key-pair-id", "KNEW"];
            arguments.extend(["--until", &end, "-q", "--hash", &name, LINK]);
            let link = folder.run(&arguments).ok();
            let (_, rest) = link.split_once("&Signature=").unwrap();
            let claim = |policy: String| Claim {
                public_key_file: folder.path("KNEW.pub.pem"),
                policy,
                signature: rest.split('&').next().unwrap().to_owned(),
                hash,
            };
            claims.extend([claim(format!("{policy} ")), claim(policy)]);
        }
        assert_eq!(
            openssl_verifies(&claims),
            [false, true, false, true],
            "{kind}"
        );
    }
}
