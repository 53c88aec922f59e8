//! Documents of a running edge from the command line: over its socket, and over HTTP with an access key.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cli::{Folder, Said};

const GROUP: &str = "id = \"viewers\"\npublic_keys = [\"K1\"]\n";
const LINK: &str = "https://d.example/a";
const DISTRIBUTION: &str = r#"
[[distributions]]
id = "E1"
domain_name = "d.example"
origins = [{ id = "web", url = "http://127.0.0.1:9", headers = { "x-key" = "hunter2" } }]
default_behavior = { origin = "web", trusted_key_groups = ["viewers"] }
"#;

/// A running edge with a store, and the folder in which commands are run.
struct Running {
    folder: Folder,
    edge: Child,
    endpoint: String,
}

impl Running {
    fn start() -> Self {
        // Another process may take the port meanwhile; then there is another.
        (0..5)
            .find_map(|_| Running::try_start())
            .expect("no port stays free")
    }

    fn try_start() -> Option<Self> {
        let folder = Folder::new();
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let config = format!(
            "[edge]\nworkers = 1\n[[listeners]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\n\
             [admin]\nsocket = \"privet.sock\"\n[control]\naddress = \"{free}\"\n[store]\nfile = \"privet.db\"\n"
        );
        folder.write("privet.toml", &config);
        let create = ["operator", "create", "root", "--role", "admin", "--json"];
        let key: Value = serde_json::from_str(&folder.run(&create).ok()).unwrap();
        let (id, secret) = (&key["access_key_id"], &key["secret_access_key"]);
        folder.write(
            "profiles.toml",
            &format!(
                "[root]\nendpoint = \"http://{free}\"\naccess_key_id = {id}\nsecret_access_key = {secret}\n"
            ),
        );
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path("profiles.toml"), private).unwrap();
        let mut edge = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet"), "serve"])
            .current_dir(folder.path(""))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(edge.stderr.take().unwrap());
        let mut line = String::new();
        while said.read_line(&mut line).unwrap() > 0 && !line.contains("serving on") {
            line.clear();
        }
        // A pipe that nobody reads would stop the edge once it is full.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        let is_up = line.contains("serving on");
        let running = Running {
            folder,
            edge,
            endpoint: format!("http://{free}"),
        };
        is_up.then_some(running)
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.folder.run(arguments)
    }

    /// Runs a command with the profile of the admin.
    fn run_remotely(&self, arguments: &[&str]) -> Said {
        self.folder
            .run(&[arguments, &["--profile", "root"]].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[arguments, &["--json"]].concat()).ok()).unwrap()
    }

    /// Creates a key, a group of it, and a distribution that trusts the group.
    fn furnish(&self) {
        let pem = self.folder.read("key.pub.pem");
        self.folder.write(
            "key.toml",
            &format!("id = \"K1\"\npem = \"\"\"\n{pem}\"\"\"\n"),
        );
        self.folder.write("group.toml", GROUP);
        self.folder.write("distribution.toml", DISTRIBUTION);
        self.run(&["key", "add", "key.toml"]).ok();
        self.run_remotely(&["key-group", "create", "group.toml"])
            .ok();
        self.run(&["distribution", "create", "distribution.toml"])
            .ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.edge.kill();
        let _ = self.edge.wait();
    }
}

#[test]
fn access_that_is_not_granted_is_told() {
    let edge = Running::start();
    let list = ["distribution", "list"];
    let with = |variables: &[(&str, &str)], arguments: &[&str]| {
        edge.folder
            .run_with("", variables, &[&list[..], arguments].concat())
    };
    let endpoint = ["--endpoint", edge.endpoint.as_str()];
    with(&[], &endpoint).fails(1, &["there is no access key for http://127.0.0.1"]);
    with(&[], &["--endpoint", "http://cdn.example.com"]).fails(1, &["there is no access key"]);
    let wrong = [
        ("PRIVET_ACCESS_KEY_ID", "PRIVETX"),
        ("PRIVET_SECRET_ACCESS_KEY", "hunter2"),
    ];
    with(&wrong, &["--endpoint", "http://cdn.example.com"])
        .fails(2, &["is plain HTTP to another machine: write https"]);
    let said = with(&wrong, &endpoint);
    assert!(!said.err.contains("hunter2"), "{said:?}");
    said.fails(1, &["credentials_refused", "hint: check the access key"]);
    with(&wrong[..1], &endpoint).fails(1, &["PRIVET_SECRET_ACCESS_KEY is not set"]);
    with(&[], &["--profile", "ci"]).fails(1, &["there is no profile \"ci\"; there are: root"]);
    with(&[], &["--profile", "root", "--socket", "s"]).fails(2, &["cannot be used with"]);
    fs::set_permissions(
        edge.folder.path("profiles.toml"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    with(&[], &["--profile", "root"]).fails(1, &["others can read it (mode 0644)"]);
}

#[test]
fn documents_that_cannot_be_are_refused() {
    let edge = Running::start();
    let create = ["distribution", "create", "-"];
    let pipe = |text: &str| edge.folder.pipe(text, &create);
    pipe("[[distributions]").fails(1, &["error: standard input: line 1"]);
    pipe("{\"id\": 1").fails(1, &["error: standard input: not JSON"]);
    pipe(&DISTRIBUTION.replace("domain_name", "domain_nameq"))
        .fails(1, &["domain_nameq", "did you mean \"domain_name\"?"]);
    pipe(DISTRIBUTION).fails(1, &["viewers"]);
    edge.run(&["distribution", "show", "E1"])
        .fails(1, &["(not_found"]);
    edge.run(&["distribution", "show", "../keys"])
        .fails(1, &["(not_found"]);
}

#[test]
fn a_document_lives_from_its_creation_to_its_restoration() {
    let edge = Running::start();
    edge.furnish();
    edge.run(&["distribution", "delete", "E1"])
        .fails(1, &["disable it first"]);
    edge.run_remotely(&["key-group", "delete", "viewers"])
        .fails(1, &["is used by distribution `E1`"]);
    let shown = edge.run_remotely(&["distribution", "show", "E1"]).ok();
    assert!(
        shown.contains("domain_name = \"d.example\"") && !shown.contains("hunter2"),
        "{shown}"
    );
    // What is shown can be edited and sent back; the secret in it stays sealed.
    edge.folder
        .write("e1.toml", &shown.replace("d.example", "e.example"));
    let update = ["distribution", "update", "E1", "e1.toml"];
    let would = edge.run(&[&update[..], &["--dry-run"]].concat()).ok();
    assert_eq!(
        would,
        "/domain_name: \"d.example\" -> \"e.example\"\nwould cut off host d.example\n"
    );
    edge.run(&[&update[..], &["--if-match", "E00000000000X"]].concat())
        .fails(1, &["was changed", "(stale"]);
    let changed = edge.run_remotely(&update).ok();
    assert!(changed.starts_with("E1  version 2, etag E"), "{changed}");
    let exported = edge.run(&["export"]).ok();
    assert!(
        exported.contains("e.example") && exported.contains("hunter2"),
        "{exported}"
    );
    edge.run(&["distribution", "disable", "E1"]).ok();
    let listed = edge.run(&["distribution", "list"]).ok();
    assert!(listed.contains("(disabled) e.example"), "{listed}");
    edge.run_remotely(&["distribution", "delete", "E1"]).ok();
    let versions = edge.json(&["distribution", "versions", "E1"]);
    assert_eq!(versions["items"].as_array().unwrap().len(), 4);
    edge.run(&["distribution", "restore", "E1", "1"]).ok();
    let item = edge.json(&["distribution", "show", "E1"]);
    assert_eq!(item["document"]["domain_name"], "d.example");
    edge.run(&["audit", "verify"]).ok();
}

#[test]
fn an_edge_is_asked_from_elsewhere() {
    let edge = Running::start();
    edge.furnish();
    let listed = edge
        .run_remotely(&["audit", "list", "--outcome", "done"])
        .ok();
    assert!(
        listed.contains("create_distribution") && listed.contains("api 127.0.0.1"),
        "{listed}"
    );
    let edges = edge.run_remotely(&["edges", "list"]).ok();
    assert!(
        edges.lines().count() == 2 && edges.contains("current"),
        "{edges}"
    );
    let made = edge
        .run_remotely(&["invalidate", "--distribution", "E1", "/a*", "--json"])
        .ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["paths"][0], "/a*");
    let id = made["id"].as_str().unwrap();
    let shown = edge.run_remotely(&["invalidations", id]).ok();
    assert!(shown.contains("path /a*"), "{shown}");
    assert!(edge.run_remotely(&["cache"]).ok().contains("memory"));
    edge.run_remotely(&["policy", "cache", "list"]).ok();
}

#[test]
fn operators_that_cannot_be_are_refused_from_elsewhere_too() {
    let edge = Running::start();
    let remotely = |arguments: &[&str]| edge.run_remotely(&[&["operator"], arguments].concat());
    remotely(&["create", "root", "--role", "admin"]).fails(1, &["exists", "(exists, request"]);
    remotely(&["create", "a b", "--role", "read"]).fails(2, &["a name is 1 to 64"]);
    remotely(&["show", "nobody"]).fails(1, &["there is no operator `nobody`", "(not_found"]);
    remotely(&["rotate", "nobody"]).fails(1, &["there is no operator `nobody`"]);
    remotely(&["key", "delete", "PRIVETNONE"]).fails(1, &["error: there is no access key"]);
    remotely(&["delete", "root"]).fails(1, &["this is the last enabled admin", "(last_admin"]);
    // Whoever has no role for it learns nothing.
    let made = remotely(&["create", "reader", "--role", "read", "--json"]).ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    let part = |name: &str| made[name].as_str().unwrap();
    let reader = [
        ("PRIVET_ACCESS_KEY_ID", part("access_key_id")),
        ("PRIVET_SECRET_ACCESS_KEY", part("secret_access_key")),
    ];
    let asked = |arguments: &[&str]| {
        let arguments = [arguments, &["--endpoint", edge.endpoint.as_str()]].concat();
        edge.folder.run_with("", &reader, &arguments)
    };
    for arguments in [
        &["operator", "list"][..],
        &["operator", "delete", "reader"],
        &["audit", "verify"],
        &["probe"],
    ] {
        asked(arguments).fails(1, &["(role_too_low"]);
    }
}

#[test]
fn operators_are_managed_from_elsewhere_with_the_same_output() {
    let edge = Running::start();
    let made = edge
        .run_remotely(&[
            "operator", "create", "ci", "--role", "publish", "--scope", "E1", "--json",
        ])
        .ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    let first = made["access_key_id"].as_str().unwrap();
    let same = |arguments: &[&str]| {
        let here = edge.run(arguments).ok();
        assert_eq!(edge.run_remotely(arguments).ok(), here);
        let socket = [arguments, &["--socket", "privet.sock"]].concat();
        assert_eq!(edge.run(&socket).ok(), here);
        here
    };
    let shown = same(&["operator", "show", "ci"]);
    assert!(
        shown.starts_with("ci  publish  enabled  E1  1 access key"),
        "{shown}"
    );
    same(&["operator", "show", "ci", "--json"]);
    same(&["operator", "delete", "ci", "--dry-run"]);
    let changed = edge
        .run_remotely(&["operator", "update", "ci", "--role", "read", "--no-scope"])
        .ok();
    assert!(
        changed.contains("ci  read  enabled  all distributions"),
        "{changed}"
    );
    let rotated = edge.run_remotely(&["operator", "rotate", "ci", "--overlap", "2h"]);
    assert!(
        rotated.err.contains("1 other access key ends at"),
        "{rotated:?}"
    );
    let keys = edge.json(&["operator", "show", "ci"])["access_keys"].clone();
    let ends: Vec<bool> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["expires_at"].is_string())
        .collect();
    assert_eq!(ends.iter().filter(|ends| **ends).count(), 1, "{keys}");
    let disabled = edge
        .run_remotely(&["operator", "key", "disable", first])
        .ok();
    assert_eq!(disabled, format!("{first} of ci disabled\n"));
    edge.run_remotely(&["operator", "key", "delete", first])
        .ok();
    // Over the socket: the rotation's request for a key has the same signature within a second.
    edge.run(&["operator", "key", "add", "ci", "--socket", "privet.sock"])
        .ok();
    edge.run_remotely(&["operator", "disable", "ci"]).ok();
    edge.run_remotely(&["operator", "enable", "ci"]).ok();
    let deleted = edge.run_remotely(&["operator", "delete", "ci"]).ok();
    assert_eq!(deleted, "ci deleted, with all access keys\n");
    edge.run(&["operator", "show", "ci"])
        .fails(1, &["there is no operator"]);
}

#[test]
fn a_trail_is_verified_from_elsewhere() {
    let edge = Running::start();
    edge.furnish();
    // Each way may write down that it was asked: the count of entries differs, the last hash does too.
    let words = |text: &str| {
        let mut lines = text.lines();
        let first = lines.next().unwrap().split_once(' ').unwrap().1.to_owned();
        (first, lines.next().unwrap().len())
    };
    let here = words(&edge.run(&["audit", "verify"]).ok());
    assert_eq!(words(&edge.run_remotely(&["audit", "verify"]).ok()), here);
    let database = rusqlite::Connection::open(edge.folder.path("privet.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER audit_keeps_values; UPDATE audit SET operator = 'mallory' WHERE seq = 2;",
        )
        .unwrap();
    drop(database);
    let broken = [
        "error: the audit trail is broken at entry 2",
        "hint: compare with a backup",
    ];
    edge.run(&["audit", "verify"]).fails(1, &broken);
    edge.run_remotely(&["audit", "verify"]).fails(1, &broken);
}

#[test]
fn origins_are_probed_from_elsewhere() {
    let edge = Running::start();
    edge.furnish();
    edge.run_remotely(&["probe", "--object", "E9/a"])
        .fails(1, &["E9", "(invalid"]);
    // The server of the distribution does not answer.
    let here = edge.run(&["probe"]);
    assert_eq!(here.code, 2, "{here:?}");
    let there = edge.run_remotely(&["probe"]);
    assert_eq!((there.code, &there.out), (2, &here.out), "{there:?}");
    // The same request of the same second would have the same signature, which counts once.
    let json = edge.run_remotely(&["probe", "--json", "--object", "/a"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["origins"][0]["access"], "unreachable");
}

/// Returns the command that signs a link with the key of the group.
fn of_group<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut command = vec!["sign", "--group", "viewers", LINK];
    command.extend(arguments);
    command
}

/// An edge whose group is rotated, and has its first key in force.
fn rotated() -> Running {
    let edge = Running::start();
    edge.furnish();
    let rotate = [
        "key",
        "rotate",
        "--group",
        "viewers",
        "--every",
        "30d",
        "--overlap",
        "7d",
        "--longest-link",
        "2h",
        "--type",
        "p256",
    ];
    edge.run_remotely(&rotate).ok();
    // The first key is used once this edge has it in force.
    let begun = std::time::Instant::now();
    let shown = loop {
        let shown = edge.run(&["key", "rotate", "--group", "viewers"]).ok();
        if shown.contains("signs since") {
            break shown;
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(60),
            "{shown}"
        );
    };
    assert!(
        shown.starts_with("viewers  every 30d, overlap 7d, links up to 2h, p256"),
        "{shown}"
    );
    edge
}

#[test]
fn rotations_and_links_that_cannot_be_are_refused() {
    let edge = Running::start();
    edge.furnish();
    edge.run(&of_group(&["--for", "1h"])).fails(
        1,
        &[
            "there is no rotation of the key group",
            "hint: privet key rotate",
        ],
    );
    edge.run(&["key", "rotate", "--group", "viewers", "--every", "30d"])
        .fails(2, &["--overlap"]);
    edge.run(&[
        "key",
        "rotate",
        "--group",
        "none",
        "--every",
        "30d",
        "--overlap",
        "7d",
    ])
    .fails(1, &["(not_found"]);
}

#[test]
fn links_that_outlive_the_key_of_their_group_are_refused() {
    let edge = rotated();
    for wrong in [
        &[
            "sign", "--group", "viewers", "--key", "a.pem", "--for", "1h", LINK,
        ][..],
        &["sign", "--group", "viewers", "--policy", "p.json", LINK],
        &[
            "sign",
            "--endpoint",
            "http://127.0.0.1",
            "--key",
            "a.pem",
            "--key-pair-id",
            "K1",
            "--for",
            "1h",
            LINK,
        ],
    ] {
        let said = edge.run(wrong);
        assert_eq!(said.code, 2, "{said:?}");
    }
    for end in [&["--for", "3h"][..], &["--until", "2030-01-01"]] {
        let said = edge.run(&of_group(end));
        assert!(said.out.is_empty(), "{said:?}");
        said.fails(1, &["links of this group end by", "--longest-link"]);
        edge.run_remotely(&of_group(end))
            .fails(1, &["links of this group end by"]);
    }
}

#[test]
fn links_are_signed_with_the_key_of_a_group() {
    let edge = rotated();
    let here = edge.run(&of_group(&["--for", "1h"])).ok();
    let there = edge.run_remotely(&of_group(&["--for", "1h"])).ok();
    for signed in [here.trim(), there.trim()] {
        let explained = edge.run(&["explain", signed]).ok();
        assert!(explained.contains("opens"), "{explained}");
    }
    let keys = edge.run(&["key", "list"]).ok();
    assert!(
        keys.contains("K1") && keys.contains("viewers") && keys.contains("signs"),
        "{keys}"
    );
    let write = [
        "key",
        "rotate",
        "--group",
        "viewers",
        "--write-key",
        "signing.pem",
    ];
    let written = edge.run(&write).ok();
    let id = written
        .lines()
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(here.contains(&id), "{written}");
    let mode = fs::metadata(edge.folder.path("signing.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    edge.run_remotely(&write)
        .fails(1, &["signing.pem exists already"]);
    let given = edge
        .run(&["audit", "list", "--operation", "key_groups.signing_key"])
        .ok();
    assert!(
        given.contains("cli") && given.contains("api 127.0.0.1"),
        "{given}"
    );
    edge.run(&["key", "rotate", "--group", "viewers", "--stop"])
        .ok();
    edge.run(&of_group(&["--for", "1h"]))
        .fails(1, &["there is no rotation"]);
    assert_eq!(edge.run(&["explain", here.trim()]).code, 0);
    edge.run(&["audit", "verify"]).ok();
}
