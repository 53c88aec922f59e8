//! Every key file of the fixtures, and every wrong input in place of a key.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a case reads better without borrowing"
)]

use privet_sign::*;

use crate::support::{key_file, private_key};

const RSA_2048: KeyKind = KeyKind::Rsa { bits: 2048 };

fn check_private(bytes: &[u8], passphrase: Option<&[u8]>, expected: Result<KeyKind, KeyError>) {
    assert_eq!(
        PrivateKey::parse(bytes, passphrase).map(|key| key.kind()),
        expected
    );
}

fn check_public(bytes: &[u8], expected: Result<KeyKind, KeyError>) {
    assert_eq!(PublicKey::parse(bytes).map(|key| key.kind()), expected);
}

#[test]
fn what_is_no_private_key_is_named() {
    let enc = key_file("rsa2048.enc-pkcs8.pem");
    let legacy = key_file("rsa2048.enc-legacy.pem");
    check_private(b"", None, Err(KeyError::NotAKey));
    check_private(b"\x30\x82\x01", None, Err(KeyError::NotAKey));
    check_private(&[b'A'; 70_000], None, Err(KeyError::NotAKey));
    check_private(
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        None,
        Err(KeyError::NotAKey),
    );
    check_private(
        b"-----BEGIN PRIVATE KEY-----\nMIIB",
        None,
        Err(KeyError::NotAKey),
    );
    check_private(
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        None,
        Err(KeyError::Certificate),
    );
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    check_private(openssh, None, Err(KeyError::OpenSsh));
    check_private(
        &key_file("rsa2048.pub.pem"),
        None,
        Err(KeyError::PublicKeyGiven),
    );
    check_private(
        private_key("rsa2048").public_key().spki_der(),
        None,
        Err(KeyError::PublicKeyGiven),
    );
    check_private(&enc, None, Err(KeyError::PassphraseNeeded));
    check_private(&legacy, None, Err(KeyError::PassphraseNeeded));
    check_private(&enc, Some(b"wrong"), Err(KeyError::WrongPassphrase));
    check_private(&enc, Some(&[b'x'; 5000]), Err(KeyError::WrongPassphrase));
    check_private(&legacy, Some(b"wrong"), Err(KeyError::WrongPassphrase));
    check_private(
        &key_file("p384.pkcs8.pem"),
        None,
        Err(KeyError::UnsupportedCurve),
    );
    check_private(
        &key_file("p384.sec1.pem"),
        None,
        Err(KeyError::UnsupportedCurve),
    );
}

#[test]
fn every_private_key_format_is_read() {
    for name in [
        "rsa2048.pem",
        "rsa2048.pkcs8.pem",
        "rsa2048.crlf.pem",
        "rsa2048.pkcs1.der",
        "rsa2048.pkcs8.der",
    ] {
        check_private(&key_file(name), None, Ok(RSA_2048));
    }
    for name in ["rsa2048.enc-pkcs8.pem", "rsa2048.enc-legacy.pem"] {
        check_private(&key_file(name), Some(b"test"), Ok(RSA_2048));
    }
    for name in [
        "p256.pkcs8.pem",
        "p256.sec1.pem",
        "p256.sec1-with-params.pem",
        "p256.enc-pkcs8.pem",
    ] {
        check_private(&key_file(name), Some(b"test"), Ok(KeyKind::P256));
    }
    for name in ["rsa1024.pem", "rsa1024.pkcs8.pem"] {
        check_private(&key_file(name), None, Ok(KeyKind::Rsa { bits: 1024 }));
    }
    for name in ["rsa4096.pem", "rsa4096.pkcs8.pem"] {
        check_private(&key_file(name), None, Ok(KeyKind::Rsa { bits: 4096 }));
    }
}

#[test]
fn encrypted_der_is_read() {
    use base64::Engine;
    let pem = String::from_utf8(key_file("rsa2048.enc-pkcs8.pem")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(body)
        .unwrap();
    check_private(&der, None, Err(KeyError::PassphraseNeeded));
    check_private(&der, Some(b"wrong"), Err(KeyError::WrongPassphrase));
    check_private(&der, Some(b"test"), Ok(RSA_2048));
}

#[test]
fn keys_from_environment_variables_are_read() {
    let pem = String::from_utf8(key_file("rsa2048.pem")).unwrap();
    check_private(pem.replace('\n', "\\n").as_bytes(), None, Ok(RSA_2048));
    check_private(pem.replace('\n', "\\r\\n").as_bytes(), None, Ok(RSA_2048));
    let public = String::from_utf8(key_file("p256.pub.pem")).unwrap();
    check_public(public.replace('\n', "\\n").as_bytes(), Ok(KeyKind::P256));
}

#[test]
fn what_is_no_public_key_is_named() {
    check_public(b"", Err(KeyError::NotAKey));
    check_public(
        b"-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----\n",
        Err(KeyError::NotAKey),
    );
    check_public(b"ssh-rsa AAAAB3NzaC1yc2E me@host", Err(KeyError::OpenSsh));
    check_public(&key_file("rsa2048.pem"), Err(KeyError::PrivateKeyGiven));
    check_public(
        &key_file("rsa2048.pkcs8.der"),
        Err(KeyError::PrivateKeyGiven),
    );
    check_public(&key_file("p384.pub.pem"), Err(KeyError::UnsupportedCurve));
}

#[test]
fn public_keys_are_read_and_written() {
    check_public(
        &key_file("rsa1024.pub.pem"),
        Ok(KeyKind::Rsa { bits: 1024 }),
    );
    check_public(
        &key_file("rsa4096.pub.pem"),
        Ok(KeyKind::Rsa { bits: 4096 }),
    );
    for (public, private) in [
        ("rsa2048.pub.pem", "rsa2048"),
        ("p256.pub.pem", "p256.sec1-with-params"),
    ] {
        let key = PublicKey::parse(&key_file(public)).unwrap();
        assert_eq!(key.to_pem().as_bytes(), key_file(public));
        assert_eq!(key, private_key(private).public_key());
        assert_eq!(PublicKey::parse(key.spki_der()).unwrap(), key);
    }
}

#[test]
fn private_keys_are_written_as_aws_reads_them() {
    assert_eq!(
        private_key("rsa2048.pkcs8").to_pem().as_bytes(),
        key_file("rsa2048.pem")
    );
    assert_eq!(
        private_key("p256.sec1").to_pem().as_bytes(),
        key_file("p256.pkcs8.pem")
    );
}

#[test]
fn key_material_is_never_printed() {
    assert_eq!(
        format!("{:?}", private_key("rsa2048")),
        "PrivateKey(RSA 2048)"
    );
    assert_eq!(
        format!("{:?}", private_key("p256.sec1")),
        "PrivateKey(ECDSA P-256)"
    );
}

#[test]
fn a_message_is_signed_and_verified() {
    for name in ["rsa1024", "rsa2048", "rsa4096", "p256.pkcs8"] {
        let key = private_key(name);
        let other = private_key(if name == "p256.pkcs8" {
            "rsa2048"
        } else {
            "p256.pkcs8"
        });
        for hash in [HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
            let (scheme, foreign) = (key.kind().scheme(hash), other.kind().scheme(hash));
            assert_eq!(
                key.sign_message(foreign, b"text"),
                Err(SignError::SigningFailed)
            );
            let signature = key.sign_message(scheme, b"text").unwrap();
            let public = key.public_key();
            assert!(!public.verify(scheme, b"other", &signature));
            assert!(!public.verify(scheme, b"text", &signature[1..]));
            assert!(!public.verify(foreign, b"text", &signature));
            assert!(public.verify(scheme, b"text", &signature));
        }
    }
}
