//! Buckets behind private behaviors that anyone can read past the edge are found.

use crate::cli::Folder;
use crate::support::*;
use privet_edge::{OriginAccess, OriginPrivacy};
use serde_json::{Value, json};

/// What a bucket says to those without keys.
#[derive(Clone, Copy)]
enum Manner {
    RefusesAll,
    Lists,
    HandsOut(&'static str),
    Redirects,
}

fn bucket(manner: Manner) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        assert_eq!(ask.header("Authorization"), None, "asked as a stranger");
        match manner {
            Manner::Lists if ask.target == "/films/" => OriginAnswer::whole(200, &[], "<a/>"),
            Manner::HandsOut(object) if ask.path().ends_with(object) => {
                OriginAnswer::whole(200, &[], "a film")
            }
            Manner::Redirects => OriginAnswer::whole(307, &[("Location", "/")], ""),
            Manner::RefusesAll | Manner::Lists | Manner::HandsOut(_) => {
                OriginAnswer::whole(403, &[], "<Error><Code>AccessDenied</Code></Error>")
            }
        }
    })
}

fn source(origin: &FakeOrigin) -> String {
    format!(
        "s3 = {{ bucket = \"films\", endpoint = {:?}, addressing = \"path\", \
         access_key_id = \"A\", secret_access_key = \"S\" }}",
        origin.url()
    )
}

fn config(origin: &FakeOrigin) -> Remote {
    Remote::without_origin().origin("app", &source(origin))
}

/// What the running edge has found by itself.
#[track_caller]
fn found(edge: &TestEdge) -> Vec<OriginPrivacy> {
    let begun = std::time::Instant::now();
    loop {
        let found = edge.running().privacy_of_origins();
        if !found.is_empty() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "no answers");
        std::thread::yield_now();
    }
}

#[track_caller]
fn check(manner: Manner, expected: &str) {
    let origin = bucket(manner);
    let edge = config(&origin).start();
    let found = found(&edge);
    assert_eq!(found.len(), 1);
    let place = format!("bucket films at {}", origin.address());
    let expected = expected.replace("PLACE", &place);
    assert_eq!(found[0].to_string(), expected);
}

#[test]
fn origins_are_asked_at_the_start() {
    check(
        Manner::Lists,
        "ANYONE CAN READ PLACE WITHOUT A SIGNATURE (origin app of distribution EDFDVBD6EXAMPLE answered 200 to a \
         request without keys): block public access to it, or take the trusted keys off its behaviors",
    );
    check(
        Manner::Redirects,
        "whether PLACE is private could not be told (origin app of distribution EDFDVBD6EXAMPLE answered 307): \
         ask for an object that is there with privet probe --object",
    );
    check(
        Manner::RefusesAll,
        "PLACE keeps its listing and unknown objects from those without keys (origin app of distribution \
         EDFDVBD6EXAMPLE); to be sure, ask for an object that is there with privet probe --object",
    );
}

#[test]
fn public_behaviors_may_have_public_origins() {
    let origin = bucket(Manner::Lists);
    let open = config(&origin)
        .config()
        .replace("trusted_key_groups = [\"viewers\"]\n", "");
    let folder = Folder::new();
    let said = probe(&folder, &open, &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("no private behavior has a bucket"));
    assert_eq!(origin.asks().len(), 0);
}

/// `privet probe` with a configuration that no edge runs.
fn probe(folder: &Folder, config: &str, arguments: &[&str]) -> crate::cli::Said {
    let (chain, key) = certificate();
    folder.write("chain.pem", chain);
    folder.write("key.pem", key);
    let keys = key_path("");
    folder.write(
        "privet.toml",
        &config.replace("KEYS/", keys.to_str().unwrap()),
    );
    folder.run(&[&["probe"], arguments].concat())
}

#[test]
fn a_configuration_is_probed_without_an_edge() {
    let folder = Folder::new();
    let check = |manner, arguments: &[&str], code, word: &str| {
        let origin = bucket(manner);
        let said = probe(&folder, &config(&origin).config(), arguments);
        assert_eq!((said.code, said.err.as_str()), (code, ""), "{said:?}");
        assert!(said.out.contains(word), "{said:?}");
    };
    check(Manner::Lists, &[], 1, "ANYONE CAN READ bucket films");
    check(Manner::Redirects, &[], 2, "could not be told");
    check(Manner::RefusesAll, &[], 0, "to be sure, ask for an object");
    check(Manner::RefusesAll, &["--object", "/a"], 0, "is private");
    // Hidden, but handed out to whoever knows the name.
    let hidden = Manner::HandsOut("/films/talk.mp4");
    check(hidden, &[], 0, "to be sure, ask for an object");
    let object = ["--object", "/talk.mp4"];
    check(hidden, &object, 1, "ANYONE CAN READ bucket films");
    check(
        hidden,
        &["--json", "--object", "/talk.mp4"],
        1,
        "\"access\":\"public\"",
    );
    let nobody = Remote::without_origin().origin("app", "url = \"http://127.0.0.1:1\"");
    let said = probe(&folder, &nobody.config(), &[]);
    assert_eq!(said.code, 2);
    assert!(said.out.contains("takes no connection"), "{said:?}");
    folder
        .run(&["probe", "--object", "a"])
        .fails(2, &["a path begins with a slash"]);
    folder
        .run(&["probe", "--config", "none.toml"])
        .fails(1, &["cannot read none.toml"]);
}

#[test]
fn the_running_edge_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let origin = bucket(Manner::HandsOut("/films/talk.mp4"));
    let edge = config(&origin)
        .tables(&format!("[admin]\nsocket = {socket:?}"))
        .start();
    assert_eq!(found(&edge)[0].access, OriginAccess::Private);
    let body = json!({"object": "/talk.mp4"}).to_string();
    let answer = ask_operator_socket(&socket, "POST /origins/probe", &body);
    assert_eq!(
        (
            &answer.json["origins"][0]["access"],
            &answer.json["origins"][0]["status"]
        ),
        (&json!("public"), &json!(200))
    );
    let known = ask_operator_socket(&socket, "GET /origins", "");
    assert_eq!(known.json, answer.json);
    let said = Folder::new().run(&["probe", "--json", "--socket", socket.to_str().unwrap()]);
    assert_eq!(said.code, 0);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["origins"][0]["access"], "private");
}
