//! The configuration file that commands use: `--config`, the one given as an argument, `PRIVET_CONFIG`, `privet.toml`.

use crate::cli::{Folder, ID, Said};

const CONFIG: &str = "listeners = [{ address = '127.0.0.1:0' }]
public_keys = [{ id = 'K2JCJMDEHXQW5F', file = 'key.pub.pem' }]
key_groups = [{ id = 'viewers', public_keys = ['K2JCJMDEHXQW5F'] }]
[[distributions]]
id = 'E1'
domain_name = 'd111111abcdef8.cloudfront.net'
origins = [{ id = 'videos', folder = '.' }]
default_behavior = { origin = 'videos', trusted_key_groups = ['viewers'] }
";

/// Commands that take a configuration, with the arguments they need besides. The faulty configuration ends those that
/// serve.
const COMMANDS: [&[&str]; 7] = [
    &["serve"],
    &["check"],
    &["explain", "https://host/a"],
    &["probe"],
    &["cache"],
    &["invalidations"],
    &["invalidate", "--distribution", "E1", "/a"],
];

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&command[..1], more, &command[1..]].concat()
}

/// Checks that `named.toml` was read, which has a fault that no other file has.
#[track_caller]
fn names_the_fault(said: &Said, command: &[&str]) {
    assert_ne!(said.code, 0, "{command:?}: {said:?}");
    let fault = "error: named.toml:1:1: lisseners: ";
    assert!(said.err.contains(fault), "{command:?}: {said:?}");
}

#[test]
fn d7_every_command_takes_its_configuration_in_the_same_ways() {
    let folder = Folder::new();
    folder.write("named.toml", "lisseners = 1");
    folder.write("other.toml", "otherwise = 1");
    for command in COMMANDS {
        let option = folder.run(&with(command, &["--config", "named.toml"]));
        names_the_fault(&option, command);
        let variable = folder.run_with("", &[("PRIVET_CONFIG", "named.toml")], command);
        names_the_fault(&variable, command);
        let both = with(command, &["--config", "named.toml"]);
        let both = folder.run_with("", &[("PRIVET_CONFIG", "other.toml")], &both);
        names_the_fault(&both, command);
    }
}

#[test]
fn d7_without_a_name_it_is_privet_toml() {
    let folder = Folder::new();
    for command in COMMANDS {
        let said = folder.run(command);
        assert_ne!(said.code, 0, "{command:?}: {said:?}");
        if command[0] != "explain" {
            said.mentions(&[
                "error: there is no privet.toml",
                "hint: give the file with --config FILE",
            ]);
        }
    }
    folder.write("privet.toml", "lisseners = 1");
    for command in COMMANDS {
        let said = folder.run_with("", &[("PRIVET_CONFIG", "")], command);
        assert_ne!(said.code, 0, "{command:?}: {said:?}");
        said.mentions(&["error: privet.toml:1:1: lisseners: "]);
    }
}

#[test]
fn d7_a_file_may_stand_alone_where_nothing_else_does() {
    let folder = Folder::new();
    folder.write("named.toml", "lisseners = 1");
    for command in ["serve", "check"] {
        let variable = [("PRIVET_CONFIG", "other.toml")];
        let said = folder.run_with("", &variable, &[command, "named.toml"]);
        names_the_fault(&said, &[command]);
        folder
            .run(&[command, "--config", "named.toml", "named.toml"])
            .fails(2, &["cannot be used with"]);
    }
}

/// A variable is not an option, so it must not conflict with one.
#[test]
fn d7_a_socket_goes_with_the_variable() {
    let folder = Folder::new();
    let variable = [("PRIVET_CONFIG", "named.toml")];
    folder
        .run_with("", &variable, &["cache", "--socket", "none.sock"])
        .fails(1, &["no edge is listening on none.sock"]);
    folder
        .run(&["cache", "--socket", "none.sock", "--config", "named.toml"])
        .fails(2, &["cannot be used with"]);
}

#[test]
fn d7_faults_are_lines_of_their_own() {
    let folder = Folder::new();
    folder.write("privet.toml", "one = 1\ntwo = 2");
    for command in COMMANDS {
        let said = folder.run(command);
        said.mentions(&[
            "error: privet.toml:1:1: one: ",
            "error: privet.toml:2:1: two: ",
        ]);
        assert!(!said.err.contains("\\n"), "{command:?}: {said:?}");
    }
}

#[test]
fn d7_explain_looks_at_privet_toml_unless_keys_are_named() {
    let folder = Folder::new();
    folder.write("privet.toml", CONFIG);
    let url = "https://d111111abcdef8.cloudfront.net/a.mp4";
    let link = folder.sign(&[url]).ok();
    let said = folder.run(&["explain", "--at", "1999999999", link.trim()]);
    assert_eq!(said.code, 0, "{said:?}");
    folder.write("privet.toml", "one = 1");
    let said = folder.explain(&[link.trim()]);
    assert_eq!(said.code, 0, "{said:?}");
    let key = format!("{ID}=key.pub.pem");
    folder
        .run(&[
            "explain",
            "--config",
            "privet.toml",
            "--public-key",
            &key,
            &link,
        ])
        .fails(2, &["error: privet.toml:1:1: one"]);
}
