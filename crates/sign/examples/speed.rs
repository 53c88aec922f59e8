//! Measures the operations that have a target: signatures per second, stamps per second, microseconds per check.
//!
//! `cargo run --release -p privet-sign --example speed`; compare the signatures with `openssl speed rsa2048 ecdsap256`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use privet_sign::*;

/// A memory that confirms everything, as for a repeated grant.
struct Remembers;

impl SignatureMemory for Remembers {
    fn verifies(&self, _question: &SignatureQuestion<'_>) -> bool {
        true
    }
}

/// Runs `act` for two seconds, unless an argument was given that is not part of `name`.
fn measure(name: &str, mut act: impl FnMut()) {
    if std::env::args()
        .nth(1)
        .is_some_and(|wanted| !name.contains(&wanted))
    {
        return;
    }
    let (mut rounds, start) = (0u32, Instant::now());
    while start.elapsed().as_millis() < 2000 {
        for _ in 0..64 {
            act();
        }
        rounds += 64;
    }
    let each = start.elapsed().as_secs_f64() / f64::from(rounds);
    println!(
        "{name}: {:.0} per second, {:.3} microseconds each",
        1.0 / each,
        each * 1e6
    );
}

fn signer(pem: &[u8]) -> (Signer, KeySet) {
    let key = PrivateKey::parse(pem, None).unwrap();
    let id = KeyPairId::parse("K2JCJMDEHXQW5F").unwrap();
    let mut keys = KeySet::default();
    keys.insert(id.clone(), key.public_key());
    (
        Signer::new(Arc::new(key), id, HashAlgorithm::Sha1).unwrap(),
        keys,
    )
}

fn main() {
    let text = "https://d111111abcdef8.cloudfront.net/videos/season-1/episode-1/segment-00001.ts";
    let url = WireUrl::parse(text).unwrap();
    let canned = Terms::until(Timestamp::from_secs(2_000_000_000));
    let wild = Terms {
        resource: Some("https://d111111abcdef8.cloudfront.net/videos/*".into()),
        ..canned.clone()
    };
    let (rsa, keys) = signer(include_bytes!("../tests/keys/rsa2048.pem"));
    let (p256, p256_keys) = signer(include_bytes!("../tests/keys/p256.pkcs8.pem"));

    measure("sign_url, RSA 2048", || {
        drop(black_box(rsa.sign_url(&url, &canned)).unwrap());
    });
    measure("sign_url, P-256", || {
        drop(black_box(p256.sign_url(&url, &canned)).unwrap());
    });
    let stamp = rsa.stamp(&wild).unwrap();
    let mut out = String::new();
    measure("Stamp::apply_text", || {
        out.clear();
        stamp.apply_text(black_box(text), &mut out).unwrap();
    });
    let links = [
        ("RSA canned", rsa.sign_url(&url, &canned).unwrap(), &keys),
        ("RSA custom", rsa.sign_url(&url, &wild).unwrap(), &keys),
        (
            "P-256 canned",
            p256.sign_url(&url, &canned).unwrap(),
            &p256_keys,
        ),
    ];
    for (name, link, keys) in &links {
        let (_, query) = link.split_once('?').unwrap();
        for (memory, label) in [
            (&Remembers as &dyn SignatureMemory, "remembered"),
            (&NoMemory, "first"),
        ] {
            measure(&format!("verify, {name}, {label}"), || {
                let credentials =
                    Credentials::from_request(Some(black_box(query)), std::iter::empty());
                let url = ViewerUrl {
                    scheme: Scheme::Https,
                    host: "d111111abcdef8.cloudfront.net",
                    path: "/videos/season-1/episode-1/segment-00001.ts",
                    query: Some(query),
                };
                let now = Timestamp::from_secs(1_767_000_000);
                let client = [192, 0, 2, 77].into();
                black_box(
                    Verifier {
                        keys,
                        now,
                        client,
                        leniency: &Leniency::default(),
                        memory,
                    }
                    .url(&url, &credentials),
                )
                .unwrap();
            });
        }
    }
}
