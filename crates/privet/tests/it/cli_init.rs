//! `privet init`: its output is served as it is, and no existing file is lost. Also `--version`, `check --json` and
//! `demo`.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::cli::Folder;

/// Returns the names of the files in a folder.
fn files(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path("")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn init_overwrites_nothing() {
    let folder = Folder::new();
    folder.write("privet.toml", "mine");
    let before = files(&folder);
    folder.run(&["init"]).fails(
        1,
        &[
            "error: privet.toml exists already",
            "hint: nothing was written",
        ],
    );
    assert_eq!(
        (folder.read("privet.toml").as_str(), files(&folder)),
        ("mine", before)
    );
    std::fs::remove_file(folder.path("privet.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path("privet.toml")).unwrap();
    folder.run(&["init"]).fails(1, &["exists already"]);
    folder
        .run(&["init", "key.pem"])
        .fails(1, &["error: cannot write key.pem/files"]);
    for host in ["", "a b", "https://host", "a..b", "\"", "host:80"] {
        folder
            .run(&["init", "--host", host])
            .fails(2, &["write a host name alone"]);
    }
}

#[test]
fn init_writes_what_check_and_sign_take() {
    let folder = Folder::new();
    folder.run(&["init"]).ok();
    assert_eq!(folder.run(&["check"]).code, 0);
    folder.run(&["init"]).fails(1, &["exists already"]);
    let said = folder
        .run(&["init", "--json", "--host", "Media.example.com", "a/b"])
        .ok();
    let made: Value = serde_json::from_str(&said).unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    assert_eq!(
        (text("config"), text("files")),
        ("a/b/privet.toml".into(), "a/b/files".into())
    );
    assert_eq!(text("url"), "http://media.example.com:8080");
    assert_eq!(folder.run(&["check", &text("config")]).code, 0);
    let mode = std::fs::metadata(folder.path(&text("private_key")))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let sign = [
        "sign",
        "--key",
        &text("private_key"),
        "--key-pair-id",
        &text("key_pair_id"),
        "--for",
        "1h",
    ];
    let url = format!("{}/a.txt", text("url"));
    let link = folder.run(&[&sign[..], &[&url]].concat()).ok();
    let said = folder.run(&["explain", "--config", &text("config"), link.trim()]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn the_id_may_be_given() {
    let folder = Folder::new();
    folder
        .run(&["init", "--id", "k1"])
        .fails(2, &["invalid value 'k1'"]);
    folder.run(&["init", "--id", "K1"]).ok();
    assert!(folder.path("K1.pem").exists() && folder.path("K1.pub.pem").exists());
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    let line = "distribution E1: d111111abcdef8.cloudfront.net, localhost";
    assert!(said.out.lines().any(|found| found == line), "{said:?}");
}

#[test]
fn check_tells_programs_the_same() {
    let folder = Folder::new();
    folder.run(&["init"]).ok();
    let check = || {
        let said = folder.run(&["check", "--json"]);
        assert_eq!(said.err, "", "{said:?}");
        (said.code, serde_json::from_str::<Value>(&said.out).unwrap())
    };
    let (code, good) = check();
    assert_eq!((code, &good["ok"]), (0, &Value::Bool(true)));
    assert_eq!(good["listeners"][0], "http://127.0.0.1:8080");
    assert_eq!(good["distributions"][0]["names"][1], "localhost");
    assert_eq!(
        good["notes"][0],
        "no https listener: links and files are sent unencrypted"
    );
    folder.write("privet.toml", "one = 1\ntwo = 2");
    let (code, faulty) = check();
    assert_eq!((code, &faulty["ok"]), (1, &Value::Bool(false)));
    let mut faults = faulty["faults"].as_array().unwrap().iter();
    let fault = faults.find(|fault| fault["path"] == "two").unwrap();
    assert_eq!(faulty["hint"], Value::Null);
    assert_eq!((&fault["line"], &fault["column"]), (&2.into(), &1.into()));
    assert!(
        fault["message"].as_str().unwrap().contains("is not a key"),
        "{fault}"
    );
    std::fs::remove_file(folder.path("privet.toml")).unwrap();
    let (code, absent) = check();
    assert_eq!(code, 1);
    assert_eq!(absent["faults"][0]["message"], "there is no privet.toml");
    assert_eq!(absent["faults"][0]["line"], Value::Null);
    let hint = absent["hint"].as_str().unwrap();
    assert!(hint.contains("privet init writes one"), "{absent}");
}

#[test]
fn the_version_names_the_commit_if_it_is_known() {
    let said = Folder::new().run(&["--version"]).ok();
    let version = env!("CARGO_PKG_VERSION");
    let rest = said
        .trim()
        .strip_prefix(&format!("privet {version}"))
        .unwrap();
    let commit = rest
        .strip_prefix(" (")
        .and_then(|rest| rest.strip_suffix(')'));
    let is_commit =
        |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(rest.is_empty() || commit.is_some_and(is_commit), "{said}");
}

#[test]
fn d14_a_demo_moves_away_from_ports_that_are_taken() {
    let folder = Folder::new();
    let demo = ["demo", "--once", "--dir", "data"];
    let first = folder.run(&demo);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(!first.out.contains("Ctrl-C"), "{first:?}");
    let config = folder.read("data/privet.toml");
    let line = config
        .lines()
        .find(|line| line.starts_with("address = "))
        .unwrap();
    let port: u16 = line
        .trim_end_matches('"')
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    // Another test may have taken the port; either way it is taken.
    let _other = std::net::TcpListener::bind(("127.0.0.1", port));
    let second = folder.run(&demo);
    assert_eq!(second.code, 0, "{second:?}");
    second.mentions(&[&format!("note: port {port} is in use: it was changed to ")]);
    assert!(
        !folder
            .read("data/privet.toml")
            .contains(&format!("127.0.0.1:{port}\""))
    );
}

#[test]
fn d14_one_demo_runs_in_a_folder() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    let held = std::fs::File::open(folder.path("data")).unwrap();
    held.lock().unwrap();
    folder.run(&["demo", "--once", "--dir", "data"]).fails(
        1,
        &["another demo is running in data: stop it, or give another folder with --dir"],
    );
}

#[test]
fn l8_init_says_where_a_linked_folder_leads() {
    let folder = Folder::new();
    let link = |target: &str, name: &str| {
        std::fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, folder.path(name)).unwrap();
    };
    folder.write("file", "mine");
    for (target, name) in [("../nowhere", "a"), ("../file", "b"), ("files", "c")] {
        link(target, &format!("{name}/files"));
        folder.run(&["init", name]).fails(
            1,
            &[
                &format!("error: {name}/files is a link that leads to no folder"),
                "hint: nothing was written",
            ],
        );
        let entries = std::fs::read_dir(folder.path(name)).unwrap();
        assert_eq!(entries.count(), 1, "{name}");
    }
    assert!(!folder.path("nowhere").exists());
    std::fs::create_dir(folder.path("videos")).unwrap();
    link("../videos", "d/files");
    let said = folder.run(&["init", "d"]);
    assert_eq!(said.code, 0, "{said:?}");
    let videos = std::fs::canonicalize(folder.path("videos")).unwrap();
    let note = format!("note: d/files is a symbolic link to {}", videos.display());
    said.mentions(&[&note]);
    assert_eq!(std::fs::read_dir(videos).unwrap().count(), 0);
    assert_eq!(folder.run(&["check", "d/privet.toml"]).code, 0);
}
