//! Output with names and keys that strangers chose: valid JSON, text that controls no terminal, commands that a shell
//! reads as intended.

use serde_json::Value;
use std::process::Command;

use crate::cli::{Folder, ID, Said, URL};
use crate::cli_demo::demo_once;

/// Hostile text: U+009B starts a terminal command, U+202E reverses the writing direction, U+007F deletes.
const HOSTILE: &str = "a\u{9b}31m\u{202e}b\u{7f}\u{2066}\u{200f}\u{61c}c";

fn is_obeyed(character: char) -> bool {
    let marks = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    (character.is_control() && character != '\n') || marks.contains(character)
}

#[track_caller]
fn is_shown(said: &Said) {
    assert!(!said.out.contains(is_obeyed), "{said:?}");
    assert!(!said.err.contains(is_obeyed), "{said:?}");
}

#[track_caller]
fn json(said: &Said) -> Value {
    is_shown(said);
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Returns a folder with one valid configuration and one that has a hostile key.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.run(&["init"]).ok();
    // U+007F is the only one of these characters that a TOML string takes as an escape only.
    let key = HOSTILE.replace('\u{7f}', "\\u007F");
    folder.write("bad.toml", &format!("\"{key}\" = 1\n"));
    folder
}

/// Returns a link with a policy that allows a resource of this name.
fn hostile_link() -> String {
    let policy = format!(
        "{{\"Statement\":[{{\"Resource\":\"https://host/{HOSTILE}\",\"Condition\":{{}}}}]}}"
    );
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(policy);
    let encoded = encoded
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~");
    format!("{URL}?Policy={encoded}&Signature=AAAA&Key-Pair-Id={ID}")
}

#[test]
fn l3_json_is_json_whatever_names_are_in_it() {
    let folder = folder();
    folder.write(HOSTILE, "no video");
    assert_eq!(
        json(&folder.run(&["video", "check", "--json", HOSTILE]))["file"],
        HOSTILE
    );
    let said = folder.run(&["init", "--json", &format!("new/{HOSTILE}")]);
    let config = format!("new/{HOSTILE}/privet.toml");
    assert_eq!(json(&said)["config"], config.as_str());
    assert_eq!(
        json(&folder.run(&["check", "--json", &config]))["config"],
        config.as_str()
    );
    let faulty = json(&folder.run(&["check", "--json", "bad.toml"]));
    let path = faulty["faults"].to_string();
    assert!(
        path.contains('\u{9b}') && path.contains('\u{202e}'),
        "{path}"
    );
    let explained = json(&folder.explain(&["--json", &hostile_link()]));
    let policy = explained["policy"].as_str().unwrap_or_default();
    assert!(policy.contains(HOSTILE), "{explained}");
    let signed = json(&folder.sign(&["--output", "json", "https://host/\u{202e}b"]));
    assert_eq!(signed["input"], "https://host/\u{202e}b");
}

#[test]
fn l3_no_text_turns_its_direction_or_commands_the_terminal() {
    let folder = folder();
    folder.write(HOSTILE, "no video");
    let new = format!("text/{HOSTILE}");
    let key = format!("{HOSTILE}.pem");
    let config = format!("{new}/privet.toml");
    let link = hostile_link();
    for arguments in [
        &["video", "check", HOSTILE][..],
        &["video", "check", &key],
        &["init", &new],
        &["init", &new],
        &["check", &config],
        &["check", "bad.toml"],
        &["serve", "bad.toml"],
        &["serve", HOSTILE],
        &["explain", &link],
        &["key", "create", "--out", &key],
        &["key", "create", "--out", &key],
        &["key", "check", &key],
        &["sign", "--key", HOSTILE, HOSTILE],
        &["demo", "--once", "--dir", &format!("{HOSTILE}/d")],
        &["demo", "--once", "--dir", &key],
        &["cache", "--socket", HOSTILE],
        // Messages of clap.
        &[HOSTILE],
        &["init", "--host", HOSTILE],
        &["init", HOSTILE, "\u{1b}[31mred"],
    ] {
        let said = folder.run(arguments);
        is_shown(&said);
        assert!(
            !said.out.is_empty() || !said.err.is_empty(),
            "{arguments:?}"
        );
    }
    let usage = folder.run(&["\u{1b}[31m\u{9b}red"]);
    assert_eq!((usage.code, usage.out.as_str()), (2, ""));
    usage.mentions(&["error: ", "red", "Usage:"]);
}

/// Returns the words that a shell reads in the printed command that begins like this.
fn words(said: &str, beginning: &str) -> Vec<String> {
    let command = said.lines().find(|line| line.trim().starts_with(beginning));
    let script = format!(
        "privet() {{ printf '%s\\n' \"$@\"; }}\n{}",
        command.unwrap()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn l8_printed_commands_mean_what_they_say() {
    let folder = Folder::new();
    let new = "od$(echo x) 'it'`id`;&";
    let said = folder.run(&["init", new]).ok();
    let config = format!("{new}/privet.toml");
    assert_eq!(words(&said, "privet serve"), ["serve", "--config", &config]);
    let sign = words(&said, "privet sign");
    assert!(sign[2].starts_with(&format!("{new}/K")), "{sign:?}");
    let (out, public) = (format!("{new}/key.pem"), format!("{new}/key.pub.pem"));
    let create = ["key", "create", "--id", "K1", "--out", &out];
    let said = folder.run(&create).ok();
    assert_eq!(words(&said, "privet sign")[..3], ["sign", "--key", &out]);
    assert_eq!(
        words(&said, "privet explain")[..3],
        ["explain", "--public-key", &format!("K1={public}")]
    );
    // Text that needs no quotes has none.
    let said = folder.run(&["init", "a/b-c_d.e"]).ok();
    assert!(said.contains("  privet serve --config a/b-c_d.e/privet.toml\n"));
    let data = format!("{new}/data");
    let said = demo_once(&folder, &data);
    let line = said
        .out
        .lines()
        .find(|line| line.contains("sign them:"))
        .unwrap();
    assert!(
        line.contains(r"--key 'od$(echo x) '\''it'\''`id`;&/data/keys/"),
        "{line}"
    );
}
