//! Faults that `privet check` and `privet serve` both refuse: folders and certificates with which an edge cannot start.

use crate::cli::{Folder, Said};
use rcgen::{CertificateParams, KeyPair};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Returns a configuration with these lines in its one distribution, and an HTTPS listener.
fn config(lines: &str) -> String {
    format!(
        "listeners = [{{ address = '127.0.0.1:0', protocol = 'https' }}]
[[distributions]]
id = 'E1'
domain_name = 'd111111abcdef8.cloudfront.net'
aliases = ['www.example.com', '*.videos.example.com']
{lines}
"
    )
}

const CERTIFICATE: &str = "certificate = { chain = 'chain.pem', key = 'tls.pem' }";
const FOLDER: &str =
    "origins = [{ id = 'videos', folder = '.' }]\ndefault_behavior = { origin = 'videos' }";

/// Returns a folder with a certificate and its key for the distribution of [`config`].
fn folder() -> Folder {
    let folder = Folder::new();
    certify(&folder, &["www.example.com", "*.videos.example.com"], 2099);
    folder
}

/// Writes `chain.pem` and `tls.pem`.
fn certify(folder: &Folder, names: &[&str], last_year: i32) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    folder.write("chain.pem", &certificate.pem());
    folder.write("tls.pem", &key.serialize_pem());
}

/// Checks that both commands exit with 1 and report the same.
#[track_caller]
fn refuse(folder: &Folder, lines: &str, faults: &[&str]) {
    folder.write("privet.toml", &config(lines));
    let check = folder.run(&["check"]);
    let serve = folder.run(&["serve"]);
    for said in [&check, &serve] {
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        said.mentions(faults);
    }
    assert_eq!(check.err, serve.err);
}

fn check(folder: &Folder, lines: &str) -> Said {
    folder.write("privet.toml", &config(lines));
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    said
}

/// Returns a configuration with log, cache and socket below `place`.
fn writing(place: &str) -> String {
    format!(
        "{CERTIFICATE}\n{FOLDER}\n[log]\nfolder = '{place}/logs'\n[cache]\nfolder = '{place}/cache'\ndisk = '1 GiB'\n\
         [admin]\nsocket = '{place}/privet.sock'\n"
    )
}

/// With such folders, `serve` would fail or lose its log.
#[test]
fn folders_that_are_written_and_cannot_be_made() {
    let folder = folder();
    folder.write("file", "");
    let said = check(&folder, &writing("file"));
    said.mentions(&[
        "note: [log] folder: file is not a folder; the user who runs the edge must be able to write there",
        "note: [cache] folder: file is not a folder; ",
        "note: [admin] socket: file is not a folder; ",
    ]);
    let said = check(&folder, &writing("none"));
    said.mentions(&["note: [admin] socket: there is no folder none; "]);
    assert!(
        !said.err.contains("[log] folder"),
        "serve makes it: {said:?}"
    );
    assert!(!folder.path("none").exists(), "check makes nothing");
    let said = check(&folder, &writing("."));
    assert!(
        !said.err.contains("must be able to write there"),
        "{said:?}"
    );
}

#[test]
fn folders_that_are_written_and_are_read_only() {
    let folder = folder();
    std::fs::create_dir(folder.path("read")).unwrap();
    let read_only = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(folder.path("read"), read_only).unwrap();
    folder.write("privet.toml", &config(&writing("read")));
    let privet = folder.command(&["check"]);
    let mut command = Command::new("setpriv");
    if std::fs::write(folder.path("read/probe"), "").is_ok() {
        // Root ignores file modes as long as it has this capability.
        command.args([
            "--inh-caps",
            "-dac_override",
            "--bounding-set",
            "-dac_override",
        ]);
    } else {
        command.arg("--no-new-privs");
    }
    command.arg(privet.get_program()).arg("check");
    let output = command.current_dir(folder.path("")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for key in ["[log] folder", "[cache] folder", "[admin] socket"] {
        let note = format!("note: {key}: read cannot be written: permission denied; ");
        assert!(said.contains(&note), "{note}: {said}");
    }
}

#[test]
fn d2_folders_that_are_not_there() {
    let folder = folder();
    folder.write("file", "");
    let refuse = |path: &str, words: &str| {
        let lines = format!(
            "{CERTIFICATE}\norigins = [{{ id = 'videos', folder = '{path}' }}]\ndefault_behavior = {{ origin = 'videos' }}"
        );
        let place = "error: privet.toml:7:38: distributions[0].origins[0].folder: ";
        refuse(&folder, &lines, &[place, words]);
    };
    refuse("videos", "there is no folder videos; create it");
    refuse("~/videos", "~ and $ are not expanded");
    refuse("$HOME/videos", "~ and $ are not expanded");
    refuse("file", "file is not a folder");
}

#[test]
fn d2_folders_of_streams() {
    let folder = Folder::new();
    folder.write(
        "privet.toml",
        "listeners = [{ address = '127.0.0.1:0', protocol = 'rtmp' }]
[[streaming_distributions]]
id = 'S1'
domain_name = 's.example'
origin = { id = 'videos', folder = 'videos' }
",
    );
    for command in ["check", "serve"] {
        folder.run(&[command]).fails(
            1,
            &["error: privet.toml:5:36: streaming_distributions[0].origin.folder: there is no folder"],
        );
    }
}

#[test]
fn d2_certificates_and_keys_that_do_not_go_together() {
    let folder = folder();
    let lines = format!("{CERTIFICATE}\n{FOLDER}");
    let refuse = |words: &[&str]| refuse(&folder, &lines, words);
    let (chain, key) = (folder.read("chain.pem"), folder.read("tls.pem"));
    let chain_at = "error: privet.toml:6:25: distributions[0].certificate.chain: ";
    let key_at = "error: privet.toml:6:44: distributions[0].certificate.key: ";

    folder.write("chain.pem", &key);
    folder.write("tls.pem", &chain);
    refuse(&[chain_at, "swap the two"]);

    folder.write("chain.pem", "");
    folder.write("tls.pem", &key);
    refuse(&[chain_at, "chain.pem cannot be used: no certificate in it"]);

    folder.write("chain.pem", &chain);
    folder.write("tls.pem", &chain);
    refuse(&[key_at, "tls.pem cannot be used: no private key in it"]);

    folder.take("rsa2048.enc-pkcs8.pem", "tls.pem");
    refuse(&[key_at, "it has a passphrase"]);
    folder.take("rsa2048.enc-legacy.pem", "tls.pem");
    refuse(&[key_at, "it has a passphrase"]);

    folder.take("rsa2048.pem", "tls.pem");
    refuse(&[
        key_at,
        "tls.pem is not the key of the first certificate in chain.pem",
    ]);

    certify(&folder, &["ca.example.com"], 2099);
    folder.write("chain.pem", &[folder.read("chain.pem"), chain].concat());
    folder.write("tls.pem", &key);
    refuse(&[chain_at, "tls.pem belongs to certificate 2 of chain.pem"]);
}

/// Such a certificate is shown to nobody, and the edge does not read it either.
#[test]
fn d2_certificates_without_a_listener_are_no_fault() {
    let folder = folder();
    folder.take("rsa2048.pem", "tls.pem");
    let text = config(&format!("{CERTIFICATE}\n{FOLDER}")).replace("'https'", "'http'");
    folder.write("privet.toml", &text);
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn d2_all_faults_at_once() {
    let folder = folder();
    folder.take("rsa2048.pem", "tls.pem");
    let lines = format!(
        "{CERTIFICATE}
colour = 'blue'
origins = [{{ id = 'videos', folder = 'videos' }}]
default_behavior = {{ origin = 'vidoes' }}
[[public_keys]]
id = 'K1'
file = 'none.pem'
[[public_keys]]
id = 'K2'"
    );
    folder.write("privet.toml", &config(&lines));
    for command in ["check", "serve"] {
        let said = folder.run(&[command]);
        let faults: Vec<&str> = said.err.lines().collect();
        let starts = [
            "error: privet.toml:6:44: distributions[0].certificate.key: tls.pem is not the key",
            "error: privet.toml:7:1: distributions[0].colour: is not a key",
            "error: privet.toml:8:38: distributions[0].origins[0].folder: there is no folder",
            "error: privet.toml:9:31: distributions[0].default_behavior.origin: ",
            "error: privet.toml:12:8: public_keys[0].file: cannot read none.pem",
            "error: privet.toml:13:1: public_keys[1].file: is missing",
        ];
        assert_eq!(faults.len(), starts.len(), "{said:#?}");
        for (fault, start) in faults.iter().zip(starts) {
            assert!(fault.starts_with(start), "{fault}\n{start}");
        }
    }
}

#[test]
fn d2_certificates_that_viewers_will_not_like_are_noted() {
    let folder = folder();
    let lines = format!("{CERTIFICATE}\n{FOLDER}");
    let noted = || {
        let said = check(&folder, &lines);
        let notes = said.err.lines().filter(|line| line.contains("certificate"));
        notes.map(str::to_owned).collect::<Vec<_>>()
    };
    let note = |text: &str| format!("note: the certificate of distribution E1 {text}");
    assert_eq!(noted(), [] as [String; 0]);
    certify(&folder, &["www.example.com", "*.videos.example.com"], 2021);
    let ended = "expired at 2021-01-01T00:00:00Z: browsers reject it; renew it";
    assert_eq!(noted(), [note(ended)]);
    certify(&folder, &["www.example.com"], 2099);
    let not_for = "is not valid for *.videos.example.com: browsers will warn there";
    assert_eq!(noted(), [note(not_for)]);
    certify(&folder, &["*.example.com", "a.videos.example.com"], 2021);
    assert_eq!(noted(), [note(ended), note(not_for)]);
}

#[test]
fn d12_keys_that_cloudfront_does_not_take_are_noted() {
    let folder = folder();
    let noted = |key: &str| {
        folder.take(key, "key.pub.pem");
        let lines = format!(
            "{CERTIFICATE}
origins = [{{ id = 'videos', folder = '.' }}]
default_behavior = {{ origin = 'videos', trusted_key_groups = ['viewers'] }}
behaviors = [{{ path_pattern = '/a/*', origin = 'videos', trusted_key_groups = ['viewers'] }}]
[[public_keys]]
id = 'K1'
file = 'key.pub.pem'
[[key_groups]]
id = 'viewers'
public_keys = ['K1']"
        );
        let said = check(&folder, &lines);
        said.err.matches("note: public key K1 is RSA").count()
    };
    assert_eq!(noted("rsa4096.pub.pem"), 1);
    assert_eq!(noted("rsa1024.pub.pem"), 1);
    assert_eq!(noted("rsa2048.pub.pem"), 0);
    assert_eq!(noted("p256.pub.pem"), 0);
}

/// A port in use is no fault of the file: `check` may run beside the edge that listens there.
#[test]
fn d3_a_port_that_is_taken_is_named_with_its_place() {
    let folder = folder();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let text = config(&format!("{CERTIFICATE}\n{FOLDER}")).replace("127.0.0.1:0", &address);
    folder.write("privet.toml", &text);
    assert_eq!(folder.run(&["check"]).code, 0);
    let error = format!(
        "error: privet.toml:1:26: listeners[0].address: cannot listen on {address}: another program uses this port\n"
    );
    folder
        .run(&["serve"])
        .fails(1, &[&error, "hint: stop that program"]);
    folder.write("privet.toml", &text.replace(&address, "192.0.2.1:0"));
    folder.run(&["serve"]).fails(
        1,
        &[
            "192.0.2.1:0: this machine has no such address",
            "hint: write an address",
        ],
    );
}
