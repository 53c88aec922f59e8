//! `privet import`, `export`, `operator`, `backup`, `restore` and `audit verify`: the store on the machine itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use privet_distribution::config::{
    DistributionDocument, KeySource, ServiceDocument, ServiceItem, read_toml_in_part,
    read_toml_items,
};
use rusqlite::Connection;
use serde_json::Value;

use crate::cli::Folder;
use crate::support::certificate;

const NODE: &str = "[[listeners]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\n\
                    [store]\nfile = \"privet.db\"\n";
const SERVICE: &str = r#"
[[public_keys]]
id = "K2JCJMDEHXQW5F"
file = "key.pub.pem"

[[key_groups]]
id = "viewers"
public_keys = ["K2JCJMDEHXQW5F"]

[[cache_policies]]
id = "P1"
name = "short"

[[distributions]]
id = "E1"
domain_name = "d.example"
aliases = ["a.example"]

[[distributions.origins]]
id = "web"
url = "http://127.0.0.1:9"
headers = { "x-key" = "hunter2" }

[distributions.default_behavior]
origin = "web"
cache_policy = "short"
trusted_key_groups = ["viewers"]
"#;

/// A folder with `privet.toml`, which names a store, and `service.toml`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("privet.toml", NODE);
    folder.write("service.toml", SERVICE);
    folder
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn mode(folder: &Folder, name: &str) -> u32 {
    fs::metadata(folder.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn faults_of_a_file_are_told_and_nothing_is_imported() {
    let folder = folder();
    #[track_caller]
    fn check(folder: &Folder, text: &str, words: &[&str]) {
        folder.write("bad.toml", text);
        folder.run(&["import", "bad.toml"]).fails(1, words);
    }
    check(&folder, "[[distributions]", &["error: bad.toml:1:"]);
    check(
        &folder,
        &SERVICE.replace("aliases", "alaises"),
        &[
            "bad.toml:17:1: distributions[0].alaises",
            "did you mean \"aliases\"?",
        ],
    );
    check(
        &folder,
        &SERVICE.replace("[\"viewers\"]", "[\"viewer\"]"),
        &["bad.toml:27:", "no key group", "did you mean \"viewers\"?"],
    );
    let twice = format!(
        "{SERVICE}\n[[key_groups]]\nid = \"viewers\"\npublic_keys = [\"K2JCJMDEHXQW5F\"]\n"
    );
    check(&folder, &twice, &["bad.toml:30:", "stands there twice"]);
    check(
        &folder,
        &SERVICE.replace("key.pub.pem", "none.pem"),
        &["none.pem: no such file or directory"],
    );
    folder
        .run(&["import", "none.toml"])
        .fails(1, &["error: there is no none.toml"]);
    assert_eq!(folder.run(&["export"]).ok(), "");
}

#[test]
fn a_stored_item_that_the_file_breaks_is_named() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    let other = "[[distributions]]\nid = \"E2\"\ndomain_name = \"a.example\"\n\
                 origins = [{ id = \"o\", folder = \".\" }]\ndefault_behavior = { origin = \"o\" }\n";
    folder.write("other.toml", other);
    let said = folder.run(&["import", "other.toml"]);
    assert_eq!(said.code, 1, "{said:?}");
    said.mentions(&["a.example", "E1"]);
}

#[test]
fn a_configuration_without_a_store_says_what_to_do() {
    let folder = folder();
    folder.write(
        "privet.toml",
        &NODE.replace("[store]\nfile = \"privet.db\"\n", ""),
    );
    for command in [
        &["import", "service.toml"][..],
        &["export"],
        &["operator", "list"],
        &["backup", "b"],
        &["audit", "verify"],
    ] {
        folder.run(command).fails(
            1,
            &[
                "error: privet.toml has no store",
                "hint: edit the file, or add [store]",
            ],
        );
    }
    folder.write("privet.toml", &NODE.replace("[store]", "[storre]"));
    folder
        .run(&["export"])
        .fails(1, &["privet.toml:4:", "did you mean \"store\"?"]);
    folder.write("privet.toml", &NODE.replace("file =", "fileq ="));
    folder.run(&["export"]).fails(1, &["store.fileq"]);
}

#[test]
fn databases_that_cannot_be_used_are_told() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    let other_key = "00".repeat(32);
    let with_key = |key: &str| folder.run_with("", &[("PRIVET_STORE_KEY", key)], &["export"]);
    with_key(&other_key).fails(
        1,
        &[
            "error: the sealing key does not open this database",
            "hint: the key is PRIVET_STORE_KEY",
        ],
    );
    let said = with_key("hunter2");
    assert!(!said.err.contains("hunter2"), "{said:?}");
    said.fails(
        1,
        &["error: PRIVET_STORE_KEY: a sealing key is 32 random bytes"],
    );
    fs::rename(folder.path("privet.db.key"), folder.path("away")).unwrap();
    folder.run(&["export"]).fails(
        1,
        &[
            "privet.db exists, and its sealing key",
            "hint: put the key back",
        ],
    );
    fs::rename(folder.path("away"), folder.path("privet.db.key")).unwrap();
    let database = Connection::open(folder.path("privet.db")).unwrap();
    let changed = database.execute("UPDATE meta SET value = '999' WHERE name = 'schema'", []);
    assert_eq!(changed, Ok(1));
    drop(database);
    for command in [
        &["export"][..],
        &["import", "service.toml"],
        &["operator", "list"],
    ] {
        folder.run(command).fails(
            1,
            &[
                "error: the database has schema 999",
                "start the newer privet",
            ],
        );
    }
    fs::write(
        folder.path("privet.db"),
        "no database at all, but long enough",
    )
    .unwrap();
    folder.run(&["export"]).fails(1, &["error: the database"]);
}

/// Another program that never ends its transaction is waited for, but not for ever.
#[test]
fn a_database_that_another_program_keeps_is_busy() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    let database = Connection::open(folder.path("privet.db")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    folder
        .run(&["operator", "create", "root", "--role", "admin"])
        .fails(1, &["error: the database is busy: try again"]);
    drop(database);
    folder
        .run(&["operator", "create", "root", "--role", "admin"])
        .ok();
}

#[test]
fn a_dry_run_changes_nothing_and_shows_no_secret() {
    let folder = folder();
    let would = folder.run(&["import", "service.toml", "--dry-run"]).ok();
    assert!(would.contains("+ distribution E1\n"), "{would}");
    assert!(
        would.ends_with("would be 4 added, 0 changed, 0 removed, 0 unchanged\n"),
        "{would}"
    );
    assert_eq!(folder.run(&["export"]).ok(), "");
    folder.run(&["import", "service.toml"]).ok();
    let changed = SERVICE
        .replace("hunter2", "hunter3")
        .replace("a.example", "b.example");
    folder.write("service.toml", &changed);
    let before = folder.run(&["export"]).ok();
    let would = folder.run(&["import", "service.toml", "--dry-run"]).ok();
    let expected = "~ distribution E1\n    /aliases/0: \"a.example\" -> \"b.example\"\n    \
                    /origins/0/headers/x-key: \"a secret\" -> \"another secret\"\n    \
                    cuts off host a.example\n\
                    would be 0 added, 1 changed, 0 removed, 3 unchanged\n";
    assert_eq!(would, expected);
    assert_eq!(folder.run(&["export"]).ok(), before);
    let would = folder
        .run(&["import", "service.toml", "--dry-run", "--json"])
        .ok();
    assert!(!would.contains("hunter"), "{would}");
    assert_eq!(json(&would)["changed"], 1);
}

#[test]
fn what_is_the_same_is_not_written_again() {
    let folder = folder();
    let all = format!("{NODE}{SERVICE}");
    folder.write("privet.toml", &all);
    let said = folder
        .run(&["import", "privet.toml", "--config", "privet.toml"])
        .ok();
    assert!(
        said.ends_with("\n4 added, 0 changed, 0 removed, 0 unchanged\n"),
        "{said}"
    );
    let said = folder.run(&["import", "privet.toml"]).ok();
    assert_eq!(said, "nothing changed: 4 unchanged\n");
    let entries = || json(&folder.run(&["audit", "verify", "--json"]).ok())["entries"].clone();
    let before = entries();
    folder.run(&["import", "privet.toml"]).ok();
    assert_eq!(entries(), before);
}

#[test]
fn items_that_a_file_lacks_stay_unless_pruned() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    folder.write("groups.toml", "");
    let said = folder.run(&["import", "groups.toml"]).ok();
    assert!(
        said.contains("nothing changed: 0 unchanged; 4 items of the store"),
        "{said}"
    );
    let would = folder
        .run(&["import", "groups.toml", "--prune", "--dry-run"])
        .ok();
    assert!(
        would.contains("- distribution E1\n    cuts off host a.example\n"),
        "{would}"
    );
    assert_ne!(folder.run(&["export"]).ok(), "");
    let said = folder.run(&["import", "groups.toml", "--prune"]).ok();
    assert!(
        said.ends_with("0 added, 0 changed, 4 removed, 0 unchanged\n"),
        "{said}"
    );
    assert_eq!(folder.run(&["export"]).ok(), "");
}

#[test]
fn secrets_are_sealed_in_the_database_and_clear_in_an_export() {
    let folder = folder();
    let (chain, key) = certificate();
    folder.write("chain.pem", chain);
    folder.write("tls.pem", key);
    let certificates = "certificate = { chain = \"chain.pem\", key = \"tls.pem\" }\naliases";
    folder.write("service.toml", &SERVICE.replace("aliases", certificates));
    folder
        .run(&["import", "service.toml", "--embed-certificates"])
        .ok();
    let secret = key.lines().nth(1).unwrap();
    for name in ["privet.db", "privet.db-wal"] {
        let bytes = fs::read(folder.path(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("hunter2") && !text.contains(secret),
            "{name}"
        );
    }
    assert_eq!(
        (mode(&folder, "privet.db"), mode(&folder, "privet.db.key")),
        (0o600, 0o600)
    );
    folder.run(&["export", "--output", "out.toml"]).ok();
    assert_eq!(mode(&folder, "out.toml"), 0o600);
    let out = folder.read("out.toml");
    assert!(out.contains("hunter2") && out.contains(secret), "{out}");
    folder.run(&["export", "--output", "out.toml"]).fails(
        1,
        &[
            "error: out.toml exists already",
            "hint: nothing was written",
        ],
    );
}

#[test]
fn a_certificate_with_the_key_of_another_is_not_imported() {
    let folder = folder();
    let (chain, key) = certificate();
    let (_, other) = {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    folder.write("chain.pem", chain);
    folder.write("tls.pem", &other);
    let own = "certificate = { chain = \"chain.pem\", key = \"tls.pem\" }\naliases";
    let named = "\n[[certificates]]\nid = \"tls\"\nchain = \"chain.pem\"\nkey = \"tls.pem\"\n";
    let mismatch = "is not the key of the first certificate in";
    folder.write("service.toml", &SERVICE.replace("aliases", own));
    for more in [&[][..], &["--embed-certificates"], &["--dry-run"]] {
        let import = [&["import", "service.toml"], more].concat();
        let said = folder.run(&import);
        assert!(!said.err.contains("PRIVATE"), "{said:?}");
        said.fails(1, &[mismatch]);
    }
    folder.write("service.toml", &format!("{SERVICE}{named}"));
    folder
        .run(&["import", "service.toml"])
        .fails(1, &["service.toml:", "certificates[0].key", mismatch]);
    assert_eq!(folder.run(&["export"]).ok(), "");
    folder.write("tls.pem", key);
    folder.run(&["import", "service.toml"]).ok();
    // What has become unusable since keeps nothing else from being imported.
    folder.write("tls.pem", &other);
    folder.write("service.toml", SERVICE);
    folder.run(&["import", "service.toml"]).ok();
}

/// Returns a service as other machines get it: keys as text, the operator's own policies by their ids.
fn portable(mut service: ServiceDocument) -> ServiceDocument {
    for key in &mut service.public_keys {
        if let KeySource::File(file) = &key.source {
            key.source = KeySource::Pem(fs::read_to_string(file).unwrap());
        }
    }
    let mut distributions = std::mem::take(&mut service.distributions);
    for distribution in &mut distributions {
        name_policies_by_id(distribution, &service);
    }
    // The store has no order of its own.
    service
        .public_keys
        .sort_by(|one, other| one.id.cmp(&other.id));
    service
        .key_groups
        .sort_by(|one, other| one.id.cmp(&other.id));
    service
        .certificates
        .sort_by(|one, other| one.id.cmp(&other.id));
    distributions.sort_by(|one, other| one.id.cmp(&other.id));
    service.distributions = distributions;
    service
}

fn name_policies_by_id(distribution: &mut DistributionDocument, service: &ServiceDocument) {
    let default = std::iter::once(&mut distribution.default_behavior);
    for behavior in distribution.behaviors.iter_mut().chain(default) {
        let ids = service
            .cache_policies
            .iter()
            .map(|policy| (&policy.name, &policy.id));
        rename(&mut behavior.cache_policy, ids);
        let ids = service
            .origin_request_policies
            .iter()
            .map(|policy| (&policy.name, &policy.id));
        rename(&mut behavior.origin_request_policy, ids);
        let ids = service
            .response_headers_policies
            .iter()
            .map(|policy| (&policy.name, &policy.id));
        rename(&mut behavior.response_headers_policy, ids);
    }
}

fn rename<'p>(name: &mut Option<String>, mut ids: impl Iterator<Item = (&'p String, &'p String)>) {
    if let Some(name) = name
        && let Some((_, id)) = ids.find(|(title, _)| *title == name)
    {
        id.clone_into(name);
    }
}

/// Writes the files that items name, below the folder in which they are expected.
fn write_files(value: &Value) {
    let (chain, key) = certificate();
    let public = include_str!("../../../sign/tests/keys/rsa2048.pub.pem");
    let Some(members) = value.as_object() else {
        return value.as_array().into_iter().flatten().for_each(write_files);
    };
    for (name, value) in members {
        let text = match name.as_str() {
            "file" => public,
            "chain" | "trusted_roots" => chain,
            "key" => key,
            "secret_access_key_file" => "hunter2",
            _ => {
                write_files(value);
                continue;
            }
        };
        if let Some(file) = value.as_str().map(Path::new) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }
}

fn service_of(text: &str, file: &Path) -> ServiceDocument {
    let (document, _, faults) = read_toml_in_part(text, file).unwrap();
    assert_eq!(faults, []);
    document.service
}

/// Imports a configuration, and compares what its export reads as.
#[track_caller]
fn check_round_trip(text: &str) {
    let folder = folder();
    let file = folder.path("whole.toml");
    let items: Vec<ServiceItem> = read_toml_items(text, &file).unwrap();
    items.iter().for_each(|item| write_files(&item.value));
    folder.write("whole.toml", text);
    let said = folder.run(&["import", "whole.toml"]);
    assert_eq!(said.code, 0, "{said:?}");
    let exported = folder.run(&["export"]).ok();
    let expected = portable(service_of(text, &file));
    assert_eq!(
        portable(service_of(&exported, Path::new("/elsewhere/x.toml"))),
        expected
    );
    folder.write("exported.toml", &exported);
    let again = folder.run(&["import", "exported.toml"]).ok();
    assert!(again.starts_with("nothing changed"), "{again}");
}

#[test]
fn an_export_is_the_same_service() {
    check_round_trip(SERVICE);
    let folder = Folder::new();
    folder.run(&["init"]).ok();
    check_round_trip(
        &folder
            .read("privet.toml")
            .replace("[log]\nfolder = \"logs\"", ""),
    );
    let documented = include_str!("../../../../docs/default-config.toml");
    check_round_trip(documented);
    // Blocks of the documents that are a whole configuration.
    let mut count = 0;
    for paper in [
        include_str!("../../../../README.md"),
        include_str!("../../../../docs/videos.md"),
        include_str!("../../../../docs/behind-a-proxy.md"),
        include_str!("../../../../docs/fidelity.md"),
    ] {
        let blocks = paper.split("```toml\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("```").next());
        let is_whole =
            |block: &&str| block.contains("[[listeners]]") && block.contains("[[distributions]]");
        for block in blocks.filter(is_whole) {
            check_round_trip(block);
            count += 1;
        }
    }
    assert!(count > 0, "the documents have configurations");
}

#[test]
fn the_first_operator_is_made_before_the_first_start() {
    let folder = folder();
    let role = ["--role", "admin"];
    for name in ["", "a b", "a/b", "local", &"a".repeat(65)] {
        let said = folder.run(&[&["operator", "create"], &role[..], &["--", name]].concat());
        assert_eq!(said.code, 2, "{said:?}");
    }
    folder
        .run(&["operator", "create", "root"])
        .fails(2, &["--role <ROLE>"]);
    let create = [
        "operator",
        "create",
        "root",
        "--role",
        "admin",
        "--json",
        "--config",
        "privet.toml",
    ];
    let made = json(&folder.run(&create).ok());
    let members: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_key_id", "secret_access_key"]);
    let secret = made["secret_access_key"].as_str().unwrap();
    assert!(secret.len() >= 40);
    folder
        .run(&create)
        .fails(1, &["error: the operator `root` exists"]);
    let listed = folder.run(&["operator", "list", "--json"]).ok();
    assert!(!listed.contains(secret), "{listed}");
    let listed = json(&listed);
    assert_eq!(listed["operators"][0]["role"], "admin");
    assert_eq!(
        listed["operators"][0]["access_keys"][0]["last_used_at"],
        Value::Null
    );
}

#[test]
fn the_last_admin_cannot_lock_everybody_out() {
    let folder = folder();
    folder
        .run(&["operator", "create", "root", "--role", "admin"])
        .ok();
    for command in [
        &["operator", "delete", "root"][..],
        &["operator", "disable", "root"],
        &["operator", "update", "root", "--role", "read"],
    ] {
        folder
            .run(command)
            .fails(1, &["error: this is the last enabled admin"]);
    }
    let would = folder
        .run(&["operator", "delete", "root", "--dry-run"])
        .ok();
    assert!(
        would.starts_with("root would be deleted, and 1 access key refused"),
        "{would}"
    );
    folder
        .run(&[
            "operator", "create", "ci", "--role", "publish", "--scope", "E1",
        ])
        .ok();
    folder
        .run(&["operator", "update", "ci"])
        .fails(2, &["--role <ROLE>"]);
    folder
        .run(&["operator", "update", "ci", "--role", "admin", "--no-scope"])
        .ok();
    folder.run(&["operator", "disable", "root"]).ok();
    folder.run(&["operator", "delete", "root"]).ok();
    folder
        .run(&["operator", "show", "root"])
        .fails(1, &["error: there is no operator `root`"]);
}

#[test]
fn access_keys_are_rotated_with_an_overlap() {
    let folder = folder();
    let create = ["operator", "create", "ci", "--role", "publish", "--json"];
    let first = json(&folder.run(&create).ok());
    let rotate = ["operator", "rotate", "ci", "--overlap", "2h", "--json"];
    let second = json(&folder.run(&rotate).ok());
    assert_ne!(first["access_key_id"], second["access_key_id"]);
    let keys =
        || json(&folder.run(&["operator", "show", "ci", "--json"]).ok())["access_keys"].clone();
    let find = |id: &Value| {
        let keys = keys();
        let found = keys
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["access_key_id"] == *id);
        found.cloned()
    };
    assert!(find(&first["access_key_id"]).unwrap()["expires_at"].is_string());
    assert!(find(&second["access_key_id"]).unwrap()["expires_at"].is_null());
    let id = second["access_key_id"].as_str().unwrap();
    folder.run(&["operator", "key", "disable", id]).ok();
    assert_eq!(find(&second["access_key_id"]).unwrap()["disabled"], true);
    folder.run(&["operator", "key", "delete", id]).ok();
    assert_eq!(find(&second["access_key_id"]), None);
    folder
        .run(&["operator", "key", "delete", id])
        .fails(1, &["error: there is no access key"]);
}

#[test]
fn a_backup_is_checked_and_restored_into_an_empty_store() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    folder
        .run(&["operator", "create", "root", "--role", "admin"])
        .ok();
    let made = folder.run(&["backup", "b", "--json"]).ok();
    assert_eq!(json(&made)["rows"]["documents"], 4);
    assert_eq!(mode(&folder, "b"), 0o600);
    folder
        .run(&["backup", "b"])
        .fails(1, &["error: b exists already"]);
    folder
        .run(&["restore", "b"])
        .fails(1, &["error: the store is not empty"]);
    folder.run(&["restore", "none"]).fails(1, &["none"]);
    folder.write("cut", &folder.read("b").replacen("hosts", "", 1)[..400]);
    folder
        .run(&["restore", "cut", "--dry-run"])
        .fails(1, &["error: the backup cannot be used"]);
    folder.write("new.toml", &NODE.replace("privet.db", "new.db"));
    let restore = ["restore", "b", "--config", "new.toml"];
    folder.run(&restore).fails(
        1,
        &[
            "new.db.key does not exist",
            "hint: put the store's key there",
        ],
    );
    assert!(!folder.path("new.db").exists());
    folder.write("other.toml", &NODE.replace("privet.db", "other.db"));
    let other_key = "11".repeat(32);
    let restore_there = ["restore", "b", "--config", "other.toml"];
    folder
        .run_with(
            "",
            &[("PRIVET_STORE_KEY", other_key.as_str())],
            &restore_there,
        )
        .fails(
            1,
            &[
                "error: the sealing key is not that of the backup",
                "hint: remove the new database",
            ],
        );
    fs::copy(folder.path("privet.db.key"), folder.path("new.db.key")).unwrap();
    assert_eq!(
        folder.run(&["restore", "b", "--dry-run", "--json"]).ok(),
        made
    );
    assert_eq!(folder.run(&[&restore[..], &["--json"]].concat()).ok(), made);
    let of_new = |command: &[&str]| {
        folder
            .run(&[command, &["--config", "new.toml"]].concat())
            .ok()
    };
    assert_eq!(of_new(&["export"]), folder.run(&["export"]).ok());
    assert_eq!(
        of_new(&["operator", "list"]),
        folder.run(&["operator", "list"]).ok()
    );
    of_new(&["audit", "verify"]);
}

#[test]
fn a_changed_audit_trail_is_noticed() {
    let folder = folder();
    folder.run(&["import", "service.toml"]).ok();
    let said = folder.run(&["audit", "verify"]).ok();
    assert!(
        said.starts_with("4 entries, all as they were written\n"),
        "{said}"
    );
    let database = Connection::open(folder.path("privet.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER audit_keeps_values; UPDATE audit SET operator = 'mallory' WHERE seq = 2;",
        )
        .unwrap();
    drop(database);
    folder
        .run(&["audit", "verify"])
        .fails(1, &["error: the audit trail is broken at entry 2"]);
}
