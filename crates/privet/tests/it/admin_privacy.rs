//! The edge finds buckets behind private behaviors that anyone can read directly.

use crate::cli::Folder;
use crate::support::*;
use privet_edge::{OriginAccess, OriginPrivacy, UnseenCause};
use serde_json::{Value, json};

/// A bucket's behavior toward requests without keys.
#[derive(Clone, Copy)]
enum Manner {
    RefusesAll,
    Lists,
    HandsOut(&'static str),
    Redirects,
}

/// Starts a bucket that has `/videos/talk.mp4`, which only the edge's keys can read unless `manner` says otherwise.
fn bucket(manner: Manner) -> FakeOrigin {
    FakeOrigin::start(move |ask| match ask.header("Authorization") {
        Some(_) => to_the_edge(ask),
        None => to_strangers(manner, ask),
    })
}

fn refused() -> OriginAnswer {
    OriginAnswer::whole(403, &[], "<Error><Code>AccessDenied</Code></Error>")
}

fn to_the_edge(ask: &OriginAsk) -> OriginAnswer {
    let is_read = ["GET", "HEAD"].contains(&ask.method.as_str());
    assert!(is_read, "the edge's keys change nothing: {ask:?}");
    match ask.target.as_str() {
        "/videos/talk.mp4" => OriginAnswer::whole(200, &[], "a video"),
        // Least privilege: neither listing nor administration is allowed.
        _ => refused(),
    }
}

fn to_strangers(manner: Manner, ask: &OriginAsk) -> OriginAnswer {
    assert_eq!(ask.method, "GET", "strangers only read: {ask:?}");
    match manner {
        Manner::Lists if ask.target == "/videos/" => OriginAnswer::whole(200, &[], "<a/>"),
        Manner::HandsOut(object) if ask.path().ends_with(object) => {
            OriginAnswer::whole(200, &[], "a video")
        }
        Manner::Redirects => OriginAnswer::whole(307, &[("Location", "/")], ""),
        Manner::RefusesAll | Manner::Lists | Manner::HandsOut(_) => refused(),
    }
}

fn source(origin: &FakeOrigin) -> String {
    format!(
        "s3 = {{ bucket = \"videos\", endpoint = {:?}, addressing = \"path\", \
         access_key_id = \"A\", secret_access_key = \"S\" }}",
        origin.url()
    )
}

fn config(origin: &FakeOrigin) -> Remote {
    Remote::without_origin().origin("app", &source(origin))
}

/// Returns what the running edge has found by itself.
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
    let place = format!("bucket videos at {}", origin.address());
    let expected = expected.replace("PLACE", &place);
    assert_eq!(found[0].to_string(), expected);
}

#[test]
fn origins_are_asked_at_the_start() {
    check(
        Manner::Lists,
        "ANYONE CAN READ PLACE WITHOUT A SIGNATURE (origin app of distribution EDFDVBD6EXAMPLE responded with 200 to \
         a request without credentials): block public access to it, or remove the trusted keys from its behaviors",
    );
    check(
        Manner::Redirects,
        "cannot tell whether PLACE is private (origin app of distribution EDFDVBD6EXAMPLE responded with 307): \
         name an existing object with privet probe --object",
    );
    check(
        Manner::RefusesAll,
        "PLACE hides its listing and unknown objects from requests without credentials (origin app of distribution \
         EDFDVBD6EXAMPLE); to be sure, name an existing object with privet probe --object",
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
    assert!(
        said.out
            .contains("nothing to probe: no private behavior has a bucket")
    );
    assert_eq!(origin.asks().len(), 0);
}

/// Runs `privet probe` with a configuration that no edge runs.
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
    check(Manner::Lists, &[], 1, "ANYONE CAN READ bucket videos");
    check(Manner::Redirects, &[], 2, "cannot tell whether");
    check(
        Manner::RefusesAll,
        &[],
        2,
        "to be sure, name an existing object",
    );
    let object = ["--object", "/talk.mp4"];
    check(Manner::RefusesAll, &object, 0, "is private");
    // The bucket lists nothing, but hands the object to everybody who knows its name.
    let hidden = Manner::HandsOut("/videos/talk.mp4");
    check(hidden, &[], 2, "to be sure, name an existing object");
    check(hidden, &object, 1, "ANYONE CAN READ bucket videos");
    check(
        hidden,
        &["--json", "--object", "/talk.mp4"],
        1,
        "\"access\":\"public\"",
    );
    let nobody = Remote::without_origin().origin("app", "url = \"http://127.0.0.1:1\"");
    let said = probe(&folder, &nobody.config(), &[]);
    assert_eq!(said.code, 2);
    assert!(said.out.contains("cannot connect"), "{said:?}");
    folder
        .run(&["probe", "--config", "none.toml"])
        .fails(1, &["there is no none.toml"]);
}

#[test]
fn what_names_no_object_is_refused() {
    let folder = Folder::new();
    let origin = bucket(Manner::RefusesAll);
    let check = |object: &str, word: &str| {
        let said = probe(&folder, &config(&origin).config(), &["--object", object]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(word), "{object}: {said:?}");
    };
    check("a", "a path begins with a slash");
    check("/", "names no object");
    check("EDFDVBD6EXAMPLE/", "names no object");
    check("/a?acl", "has a query");
    check("/a b", "percent-encoded");
    check(&format!("/{}", "a".repeat(5_000)), "is too long");
    check(
        "ENOBODY/talk.mp4",
        "no distribution has the id or host \"ENOBODY\"",
    );
    assert!(origin.asks().is_empty());
}

/// A bucket without the right to list also refuses requests for missing objects, so a refusal proves nothing.
#[test]
fn s4_an_object_that_is_not_there_vouches_for_nothing() {
    let folder = Folder::new();
    let origin = bucket(Manner::HandsOut("/videos/talk.mp4"));
    let said = probe(
        &folder,
        &config(&origin).config(),
        &["--object", "/tlak.mp4"],
    );
    assert_eq!(said.code, 2, "{said:?}");
    let place = format!("bucket videos at {}", origin.address());
    let expected = format!(
        "cannot tell whether {place} is private (origin app of distribution EDFDVBD6EXAMPLE): the object \
         /tlak.mp4 does not exist, the edge itself gets 403; name an existing one with privet probe --object \
         EDFDVBD6EXAMPLE/PATH\n"
    );
    assert_eq!(said.out, expected);
    let arguments = ["--json", "--object", "/tlak.mp4"];
    let said = probe(&folder, &config(&origin).config(), &arguments);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let first = &told["origins"][0];
    assert_eq!(
        (
            &first["access"],
            &first["cause"],
            &first["status"],
            &first["writers"]
        ),
        (
            &json!("unclear"),
            &json!("object-not-there"),
            &json!(403),
            &Value::Null
        )
    );
}

/// The edge finds by itself that the default root object has not been uploaded.
#[test]
fn s4_a_default_root_object_that_is_missing_vouches_for_nothing() {
    let origin = bucket(Manner::RefusesAll);
    let root = |name: &str| {
        let line = format!("default_root_object = {name:?}\n");
        let config = config(&origin).config();
        config.replacen("domain_name = ", &format!("{line}domain_name = "), 1)
    };
    let missing = TestEdge::configured(&root("index.html"));
    let told = found(&missing)[0].to_string();
    assert!(
        told.contains("the object /index.html does not exist"),
        "{told}"
    );
    let there = TestEdge::configured(&root("talk.mp4"));
    assert_eq!(found(&there)[0].access, OriginAccess::Private);
}

/// Starts two buckets, each with one object, for two distributions.
fn two_buckets() -> (FakeOrigin, FakeOrigin, String) {
    let has = |object: &'static str| {
        FakeOrigin::start(move |ask| {
            if ask.header("Authorization").is_some() && ask.target == object {
                OriginAnswer::whole(200, &[], "mine")
            } else {
                refused()
            }
        })
    };
    let (one, two) = (has("/videos/one.txt"), has("/videos/two.txt"));
    let second = format!(
        "[[distributions]]\nid = \"ETWOEXAMPLE000\"\ndomain_name = \"two.example\"\naliases = [\"*.two.example\"]\n\
         certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n\
         [[distributions.origins]]\nid = \"app\"\n{}\n[distributions.default_behavior]\norigin = \"app\"\n\
         trusted_key_groups = [\"viewers\"]\n",
        source(&two)
    );
    let config = format!("{}\n{second}", config(&one).config());
    (one, two, config)
}

#[test]
fn s4_each_bucket_is_asked_for_its_own_objects() {
    let (one, two, config) = two_buckets();
    let folder = Folder::new();
    let said = probe(&folder, &config, &["--object", "/one.txt"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(
        said.out.matches("say whose object it is").count(),
        2,
        "{said:?}"
    );
    assert!(
        said.out.contains("--object ETWOEXAMPLE000/PATH"),
        "{said:?}"
    );
    for whose in ["ETWOEXAMPLE000", "two.example", "www.two.example"] {
        let arguments = [
            "--object",
            "EDFDVBD6EXAMPLE/one.txt",
            "--object",
            &format!("{whose}/two.txt"),
        ];
        let said = probe(&folder, &config, &arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(said.out.matches("is private").count(), 2, "{said:?}");
    }
    let mixed = ["--object", "ETWOEXAMPLE000/one.txt"];
    let said = probe(&folder, &config, &mixed);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.out.contains("/one.txt does not exist"), "{said:?}");
    // No bucket learns of the other's objects.
    assert!(one.asks().iter().all(|ask| !ask.target.contains("two")));
    let of_one = two.asks();
    let of_one = of_one.iter().filter(|ask| ask.target.contains("one"));
    assert!(of_one.count() <= 3, "only what was named as its own");
}

/// The path of an object decides which of a distribution's origins has it, as it does for viewers.
#[test]
fn s4_an_object_belongs_to_the_origin_that_its_path_leads_to() {
    let (one, two) = (bucket(Manner::RefusesAll), bucket(Manner::RefusesAll));
    let config = config(&one)
        .origin("pictures", &source(&two))
        .path(
            "/pictures/*",
            "origin = \"pictures\"\ntrusted_key_groups = [\"viewers\"]",
        )
        .path("/open/*", "origin = \"open\"")
        .origin("open", "folder = \".\"")
        .config();
    let folder = Folder::new();
    let said = probe(&folder, &config, &["--object", "/pictures/a.png"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(one.asks().iter().all(|ask| !ask.target.contains("a.png")));
    assert!(two.asks().iter().any(|ask| ask.target.contains("a.png")));
    let nowhere = probe(&folder, &config, &["--object", "/open/a"]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
    assert!(nowhere.err.contains("no bucket or server"), "{nowhere:?}");
}

/// Starts a bucket that lets strangers do what its ACL, its policy and `put` say, and nothing else.
fn bucket_with(
    acl: &'static str,
    policy: Option<&'static str>,
    put: (u16, &'static str),
) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        let error = |status, code: &str| {
            OriginAnswer::whole(status, &[], format!("<Error><Code>{code}</Code></Error>"))
        };
        let is_edge = ask.header("Authorization").is_some();
        match (ask.method.as_str(), is_edge, ask.target.as_str()) {
            ("GET", true, "/videos/?acl") => OriginAnswer::whole(200, &[], acl),
            ("GET", true, "/videos/?policy") => match policy {
                Some(policy) => OriginAnswer::whole(200, &[], policy),
                None => error(404, "NoSuchBucketPolicy"),
            },
            ("HEAD", true, "/videos/talk.mp4") => OriginAnswer::whole(200, &[], "a video"),
            ("PUT", false, target) => {
                assert!(
                    target.starts_with("/videos/privet-write-probe-"),
                    "{target}"
                );
                // The wrong digest keeps an admitted request from writing anything.
                assert_eq!(ask.header("Content-MD5"), Some("AAAAAAAAAAAAAAAAAAAAAA=="));
                error(put.0, put.1)
            }
            _ => refused(),
        }
    })
}

const OWNERS_ACL: &str =
    "<AccessControlPolicy><AccessControlList></AccessControlList></AccessControlPolicy>";
const ANYBODYS_ACL: &str = "<AccessControlPolicy><AccessControlList><Grant><Grantee>\
    <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>WRITE</Permission></Grant>\
    </AccessControlList></AccessControlPolicy>";
const ANYBODYS_POLICY: &str = "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\
    \"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::videos/*\"}]}";

#[test]
fn s4_a_bucket_that_anybody_can_write_to_is_found() {
    let folder = Folder::new();
    let refuses = (403, "AccessDenied");
    let check = |origin: FakeOrigin, more: &[&str], code, word: &str| {
        let arguments = [&["--object", "/talk.mp4"], more].concat();
        let said = probe(&folder, &config(&origin).config(), &arguments);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.out.contains(word), "{word}: {said:?}");
        origin
    };
    let loud = "ANYONE CAN WRITE TO IT";
    let quiet = "nobody can write to it without credentials";
    check(bucket_with(ANYBODYS_ACL, None, refuses), &[], 1, loud);
    check(
        bucket_with(OWNERS_ACL, Some(ANYBODYS_POLICY), refuses),
        &[],
        1,
        loud,
    );
    let origin = check(bucket_with(OWNERS_ACL, None, refuses), &[], 0, quiet);
    assert!(
        origin.asks().iter().all(|ask| ask.method != "PUT"),
        "unless told to"
    );
    let write = ["--write"];
    check(bucket_with(OWNERS_ACL, None, refuses), &write, 0, quiet);
    check(
        bucket_with(OWNERS_ACL, None, (400, "BadDigest")),
        &write,
        1,
        loud,
    );
    // Without a readable ACL and policy, only the attempt to write tells.
    check(bucket_with("", Some(""), refuses), &[], 0, "is private");
    check(bucket_with("", Some(""), refuses), &write, 0, quiet);
    check(
        bucket_with("", Some(""), (500, "InternalError")),
        &write,
        2,
        "is private",
    );
    let json = ["--json"];
    check(
        bucket_with(ANYBODYS_ACL, None, refuses),
        &json,
        1,
        "\"writers\":\"anybody\"",
    );
}

/// S7: the probe uses the edge's keys, so it can report that they are refused.
#[test]
fn s7_a_probe_tells_of_keys_that_are_not_taken() {
    let folder = Folder::new();
    for (status, code, cause, word) in [
        (
            403,
            "SignatureDoesNotMatch",
            "origin-refuses-keys",
            "check access_key_id",
        ),
        (
            403,
            "InvalidAccessKeyId",
            "origin-refuses-keys",
            "check access_key_id",
        ),
        (
            403,
            "RequestTimeTooSkewed",
            "origin-refuses-clock",
            "set this machine's clock",
        ),
        (
            400,
            "ExpiredToken",
            "origin-refuses-token",
            "temporary keys",
        ),
        (
            301,
            "PermanentRedirect",
            "origin-wrong-region",
            "names the region eu-west-3",
        ),
        (
            404,
            "NoSuchBucket",
            "origin-no-such-bucket",
            "there is no such bucket",
        ),
    ] {
        let origin = FakeOrigin::start(move |ask| {
            if ask.header("Authorization").is_none() {
                return refused();
            }
            let body = format!("<Error><Code>{code}</Code></Error>");
            OriginAnswer::whole(status, &[("x-amz-bucket-region", "eu-west-3")], body)
        });
        for arguments in [&["--json"][..], &["--json", "--object", "/talk.mp4"]] {
            let is_told_by_head = status != 404 || arguments.len() == 1;
            let said = probe(&folder, &config(&origin).config(), arguments);
            assert_eq!(said.code, 2, "{said:?}");
            let told: Value = serde_json::from_str(&said.out).unwrap();
            let first = &told["origins"][0];
            assert_eq!(first["access"], "unclear", "{said:?}");
            if is_told_by_head {
                assert_eq!(first["cause"], cause, "{said:?}");
                assert!(
                    first["message"].as_str().unwrap().contains(word),
                    "{said:?}"
                );
            }
        }
    }
}

#[test]
fn the_running_edge_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let origin = bucket(Manner::HandsOut("/videos/talk.mp4"));
    let edge = config(&origin)
        .tables(&format!("[admin]\nsocket = {socket:?}"))
        .start();
    let unseen = OriginAccess::Unseen {
        cause: UnseenCause::NotNamed,
    };
    assert_eq!(found(&edge)[0].access, unseen);
    for body in [
        json!({"object": "/talk.mp4"}),
        json!({"objects": ["/talk.mp4"]}),
    ] {
        let answer = ask_operator_socket(&socket, "POST /origins/probe", &body.to_string());
        assert_eq!(
            (
                &answer.json["origins"][0]["access"],
                &answer.json["origins"][0]["status"]
            ),
            (&json!("public"), &json!(200))
        );
        let known = ask_operator_socket(&socket, "GET /origins", "");
        assert_eq!(known.json, answer.json);
    }
    let nobodys = json!({"objects": ["ENOBODY/talk.mp4"]}).to_string();
    let refused = ask_operator_socket(&socket, "POST /origins/probe", &nobodys);
    assert_eq!(refused.status, 404, "{:?}", refused.json);
    let said = Folder::new().run(&["probe", "--json", "--socket", socket.to_str().unwrap()]);
    assert_eq!(said.code, 2);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["origins"][0]["access"], "unclear");
}

/// A server on loopback that needs no signature is no alarm, because nobody else reaches it. A bucket raises one
/// wherever it runs.
#[test]
fn d13_a_server_on_loopback_is_no_alarm() {
    let folder = Folder::new();
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "a listing"));
    let port = origin.address().port();
    for (host, url) in [
        ("127.0.0.1", "http://127.0.0.1"),
        ("localhost", "http://localhost"),
    ] {
        let lines = format!("url = \"http://{host}:{port}\"");
        let config = Remote::without_origin().origin("app", &lines).config();
        let said = probe(&folder, &config, &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        let expected = format!(
            "server {url}:{port} responds without a signature, but only this machine can reach it (origin app of \
             distribution EDFDVBD6EXAMPLE responded with 200 to a request without credentials); if others use this machine, let it respond \
             only to requests with a secret header (headers of the origin)\n"
        );
        assert_eq!(said.out, expected);
    }
    let lines = format!("url = \"http://127.0.0.1:{port}\"");
    let config = Remote::without_origin().origin("app", &lines).config();
    let said = probe(&folder, &config, &["--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let first = &told["origins"][0];
    assert_eq!(
        (&first["access"], &first["cause"]),
        (&json!("private"), &json!("loopback"))
    );
}
