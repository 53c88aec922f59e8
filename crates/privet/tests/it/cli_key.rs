//! `privet key`, `privet completions`, `privet man`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::cli::Folder;

#[test]
fn ids_must_be_ids() {
    for id in ["", "k2jcj", "K 1", "../K1"] {
        let folder = Folder::new();
        let said = folder.run(&["key", "create", "--id", id]);
        said.fails(2, &["error: ", "key pair id"]);
        assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 2, "{id:?}");
    }
}

#[test]
fn keys_are_never_overwritten() {
    let folder = Folder::new();
    let before = folder.read("key.pem");
    folder.run(&["key", "create", "--out", "key.pem"]).fails(
        1,
        &["error: key.pem exists already", "hint: choose another name"],
    );
    assert_eq!(folder.read("key.pem"), before);
    // Half a key pair is not left behind either.
    folder
        .run(&[
            "key",
            "create",
            "--out",
            "new.pem",
            "--public-out",
            "key.pub.pem",
        ])
        .fails(1, &["error: key.pub.pem exists already"]);
    assert!(!folder.path("new.pem").exists());
}

#[test]
fn folders_that_are_missing_are_named() {
    let said = Folder::new().run(&["key", "create", "--out", "none/key.pem"]);
    said.fails(1, &["error: cannot write none/key.pem: no such file"]);
}

fn check_new_key(kind: &[&str], label: &str, shown: &str) {
    let folder = Folder::new();
    let mut arguments = vec!["key", "create", "--id", "KNEW"];
    arguments.extend(kind);
    let said = folder.run(&arguments).ok();
    for word in [
        "key pair id  KNEW",
        "KNEW.pem",
        "KNEW.pub.pem",
        "privet sign --key KNEW.pem",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let private = folder.read("KNEW.pem");
    assert!(private.starts_with(&format!("-----BEGIN {label}-----\n")));
    assert!(!said.contains(private.lines().nth(1).unwrap()));
    let mode = fs::metadata(folder.path("KNEW.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let public = folder.run(&["key", "public", "KNEW.pem"]).ok();
    assert_eq!(public, folder.read("KNEW.pub.pem"));
    let checked = folder
        .run(&["key", "check", "KNEW.pem", "KNEW.pub.pem"])
        .ok();
    assert!(checked.contains(shown), "{checked}");
    assert!(checked.contains("the two belong together"), "{checked}");
}

#[test]
fn rsa_keys_are_made() {
    check_new_key(
        &[],
        "RSA PRIVATE KEY",
        "private key  RSA 2048\nformat       PKCS#1 PEM\n",
    );
}

#[test]
fn p256_keys_are_made() {
    let shown = "private key  ECDSA P-256\nformat       PKCS#8 PEM\n";
    check_new_key(&["--type", "p256"], "PRIVATE KEY", shown);
}

#[test]
fn random_ids_have_the_form_of_cloudfront() {
    let folder = Folder::new();
    let said = folder.run(&["key", "create", "--type", "p256"]).ok();
    let id = said
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap();
    assert_eq!((id.len(), &id[..1]), (14, "K"));
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    );
    assert!(folder.path(&format!("{id}.pem")).exists());
    assert!(folder.path(&format!("{id}.pub.pem")).exists());
}

#[test]
fn check_names_what_is_wrong() {
    let folder = Folder::new();
    folder.write("text.pem", "no key");
    folder
        .run(&["key", "check", "none.pem"])
        .fails(1, &["error: cannot read none.pem: no such file"]);
    folder
        .run(&["key", "check", "text.pem"])
        .fails(1, &["error: text.pem: this is not a key"]);
    folder.take("rsa2048.enc-pkcs8.pem", "locked.pem");
    folder.run(&["key", "check", "locked.pem"]).fails(
        1,
        &[
            "locked.pem: this key is encrypted",
            "hint: add --passphrase-file",
        ],
    );
    folder.take("rsa4096.pem", "large.pem");
    let said = folder.run(&["key", "check", "large.pem"]);
    assert_eq!(said.code, 1);
    said.mentions(&["error: CloudFront accepts RSA 2048"]);
    folder.take("p256.pub.pem", "other.pub.pem");
    let said = folder.run(&["key", "check", "key.pem", "other.pub.pem"]);
    assert_eq!(said.code, 1);
    said.mentions(&["error: the two keys are not a pair"]);
}

#[test]
fn check_warns_about_readers() {
    let folder = Folder::new();
    let set = |mode| {
        fs::set_permissions(folder.path("key.pem"), fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o644);
    let said = folder.run(&["key", "check", "key.pem"]);
    assert_eq!(said.code, 0);
    said.mentions(&["note: others can read key.pem (mode 0644): run chmod 600 key.pem"]);
    set(0o600);
    folder.run(&["key", "check", "key.pem"]).ok();
}

#[test]
fn check_fingerprint_is_that_of_openssl() {
    // openssl pkey -pubin -in rsa2048.pub.pem -outform DER | sha256sum
    let said = Folder::new().run(&["key", "check", "key.pub.pem"]).ok();
    assert!(
        said.contains(
            "fingerprint  SHA256:0b3adf96874b2daf9313c6889ed022fb5bcb6711eb3bb5c799731128d9d8bc63\n"
        ),
        "{said}"
    );
    assert!(
        said.starts_with("public key   RSA 2048\nformat       SPKI PEM\n"),
        "{said}"
    );
}

#[test]
fn keys_come_from_anywhere() {
    let folder = Folder::new();
    let (private, public) = (folder.read("key.pem"), folder.read("key.pub.pem"));
    assert_eq!(folder.pipe(&private, &["key", "public", "-"]).ok(), public);
    let one_line = private.replace('\n', "\\n");
    let said = folder.run_with("", &[("KEY", &one_line)], &["key", "public", "env:KEY"]);
    assert_eq!(said.ok(), public);
    folder
        .run(&["key", "public", "env:PRIVET_NOT_SET"])
        .fails(1, &["the environment variable PRIVET_NOT_SET"]);
}

#[test]
fn completions_and_manual_name_all_commands() {
    let folder = Folder::new();
    folder
        .run(&["completions", "none"])
        .fails(2, &["invalid value 'none'"]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            folder
                .run(&["completions", shell])
                .ok()
                .contains("key-pair-id"),
            "{shell}"
        );
    }
    assert!(folder.run(&["man"]).ok().contains("key\\-pair\\-id"));
    folder.run(&["man", "pages"]).ok();
    for page in [
        "privet",
        "privet-key-create",
        "privet-sign",
        "privet-explain",
        "privet-serve",
    ] {
        assert!(folder.path(&format!("pages/{page}.1")).exists(), "{page}");
    }
}

#[test]
fn help_ends_with_examples_and_exit_codes() {
    let folder = Folder::new();
    for command in [&["--help"][..], &["sign", "--help"], &["explain", "--help"]] {
        let help = folder.run(command).ok();
        assert!(
            help.contains("Example") && help.contains("Exit codes"),
            "{help}"
        );
        assert!(!help.contains('\u{1b}'), "colours only on a terminal");
    }
}
