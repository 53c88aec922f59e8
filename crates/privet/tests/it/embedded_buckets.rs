//! Buckets that an edge keeps itself: who may read them, what is served of them, and what becomes of their folders.

use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

const ONE: &str = "http://one.example/a/talk.txt";
const ABSENT: &str = "http://one.example/absent";

/// Starts an edge with a folder of buckets and the S3 endpoint, and an operator.
fn edge_with_buckets() -> StoredEdge {
    edge_with("")
}

/// The same, with more in its configuration.
pub(crate) fn edge_with(more: &str) -> StoredEdge {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure(&format!(
        "{more}[buckets]\naddress = \"{}\"\nsync = false\n",
        edge.other()
    ));
    edge.make_operator();
    edge.start();
    edge
}

/// A distribution of `one.example` over the bucket `articles`.
fn distribution(origin: &Value) -> Value {
    let mut origin = origin.clone();
    origin["id"] = "o".into();
    json!({
        "id": "E1",
        "domain_name": "one.example",
        "origins": [origin],
        "default_behavior": { "origin": "o" },
    })
}

#[track_caller]
fn refuses(edge: &StoredEdge, arguments: &[&str], expected: &str) {
    let output = edge.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    assert!(said.contains(expected), "{arguments:?}: {said}");
}

#[track_caller]
fn is_denied(edge: &StoredEdge, url: &str) {
    let (status, text) = edge.sees(url);
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("<Code>AccessDenied</Code>"), "{text}");
}

#[test]
fn a_bucket_gives_nothing_to_an_origin_that_it_has_not_granted_anything() {
    let edge = edge_with_buckets();
    edge.done(&["bucket", "create", "articles"]);
    edge.write("talk.txt", "one");
    edge.done(&[
        "object",
        "put",
        "talk.txt",
        "articles/a/",
        "--cache-control",
        "max-age=7",
    ]);
    edge.create("/v1/origin-access-identities", &json!({ "id": "EI" }));
    let host = json!({
        "bucket_host": "articles.s3.amazonaws.com",
        "origin_access_identity": "EI",
    });
    let made = edge.create("/v1/distributions", &distribution(&host));
    edge.until_applied(made, 1);
    is_denied(&edge, ONE);
    is_denied(&edge, ABSENT);
    edge.until_it_says("privet bucket grant articles --identity EI");
    let explained = edge.run(&["explain", ONE]);
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(
        explained.contains("privet bucket grant articles"),
        "{explained}"
    );
    let nobody = ["bucket", "grant", "articles", "--identity", "EX"];
    refuses(&edge, &nobody, "no origin access identity is named");
    edge.done(&["bucket", "grant", "articles", "--identity", "EI"]);
    edge.until_status(ONE, 200);
    let answer = edge.get(ONE);
    assert_eq!(answer.text(), "one");
    assert_eq!(answer.header("Cache-Control"), Some("max-age=7"));
    assert_eq!(
        answer.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    is_denied(&edge, ABSENT);
    edge.done(&["bucket", "grant", "articles", "--identity", "EI", "--list"]);
    edge.until_status(ABSENT, 404);
    // What is replaced is seen at the next request, and what is deleted is gone.
    edge.write("talk.txt", "two");
    edge.done(&["object", "put", "talk.txt", "articles/a/"]);
    assert_eq!(edge.sees(ONE), (200, "two".to_owned()));
    assert_eq!(
        edge.done(&["object", "get", "articles/a/talk.txt", "-"]),
        "two"
    );
    edge.done(&["object", "delete", "articles/a/talk.txt"]);
    assert_eq!(edge.get(ONE).status(), 404);
    edge.done(&["bucket", "revoke", "articles", "--identity", "EI"]);
    edge.until_status(ABSENT, 403);
}

#[test]
fn an_origin_that_names_its_bucket_is_its_distribution() {
    let edge = edge_with_buckets();
    let origin = json!({ "bucket": { "name": "articles" } });
    let refused = edge.v1("POST", "/v1/distributions", &distribution(&origin));
    assert_eq!(
        refused.json["code"], "no_such_reference",
        "{}",
        refused.json
    );
    edge.create(
        "/v1/buckets",
        &json!({ "name": "articles", "embedded": true }),
    );
    edge.create("/v1/distributions", &distribution(&origin));
    edge.write("folder/a/talk.txt", "one");
    edge.write("folder/more.txt", "more");
    let synced = edge.done(&["bucket", "sync", "folder", "articles"]);
    assert!(synced.contains("2 objects put"), "{synced}");
    let synced = edge.done(&["bucket", "sync", "folder", "articles"]);
    assert!(synced.contains("0 objects put"), "{synced}");
    edge.done(&["bucket", "grant", "articles", "--distribution", "E1"]);
    edge.until_status(ONE, 200);
    // It is used, and has objects: neither alone lets it be deleted.
    let deleted = edge.act("DELETE", "/v1/buckets/articles", "");
    assert_eq!(deleted.json["code"], "in_use", "{}", deleted.json);
    edge.act("POST", "/v1/distributions/E1", "/disable");
    let deleted = edge.act("DELETE", "/v1/distributions/E1", "");
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    let deleted = edge.act("DELETE", "/v1/buckets/articles", "");
    assert_eq!(deleted.json["code"], "bucket_not_empty", "{}", deleted.json);
    edge.done(&["object", "delete", "articles/", "--recursive", "--dry-run"]);
    assert!(edge.path("buckets/articles/a/talk.txt").exists());
    refuses(
        &edge,
        &["object", "delete", "articles/none"],
        "no such object",
    );
    let listed = edge.done(&["object", "list", "articles"]);
    assert!(
        listed.contains("more.txt") && listed.contains("a/"),
        "{listed}"
    );
    edge.done(&[
        "object",
        "delete",
        "articles/a",
        "articles/more",
        "--recursive",
    ]);
    let deleted = edge.act("DELETE", "/v1/buckets/articles", "");
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    assert!(!edge.path("buckets/articles").exists());
}

#[test]
fn a_folder_without_an_item_is_no_bucket_and_is_not_overwritten() {
    let edge = edge_with_buckets();
    edge.write("buckets/left/kept.txt", "kept");
    let read = edge.v1("GET", "/v1/buckets/left", &Value::Null);
    assert_eq!(read.status, 404);
    refuses(
        &edge,
        &["object", "list", "left"],
        "there is no embedded bucket",
    );
    edge.done(&["bucket", "create", "left"]);
    let kept = fs::read_to_string(edge.path("buckets/left/kept.txt")).unwrap();
    assert_eq!(kept, "kept");
    assert_eq!(edge.done(&["object", "get", "left/kept.txt", "-"]), "kept");
    // A kill after the item was written, before or after its folder was there, leaves an empty bucket.
    fs::remove_dir_all(edge.path("buckets/left")).unwrap();
    edge.done(&["object", "list", "left"]);
    let deleted = edge.act("DELETE", "/v1/buckets/left", "");
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    edge.done(&["bucket", "create", "left", "--dry-run"]);
    assert!(!edge.path("buckets/left").exists());
}

/// A folder origin that leads into a bucket would give away what nobody was granted.
#[test]
fn no_folder_leads_into_the_buckets() {
    let edge = edge_with_buckets();
    edge.done(&["bucket", "create", "articles"]);
    for folder in ["buckets/articles", "buckets", "."] {
        let refused = edge.v1(
            "POST",
            "/v1/distributions",
            &stored_distribution("E1", "one.example", &edge.path(folder)),
        );
        assert_eq!(
            refused.json["code"], "invalid",
            "{folder}: {}",
            refused.json
        );
    }
}

#[test]
fn the_articles_begin_with_a_bucket() {
    let edge = edge_with_buckets();
    let (id, secret) = edge.access_key();
    let settings = json!({
        "buckets": format!("http://{}", edge.other()),
        "control": format!("http://{}", edge.control()),
        "access_key_id": id,
        "secret_access_key": secret,
    });
    let script = command(python(), &["buckets/story_boto3.py"]);
    let steps = answers(script, &format!("{settings}\n"));
    let of = |name: &str| -> Value {
        let mut steps = steps.iter().filter(|step| step["step"] == name);
        steps
            .next()
            .unwrap_or_else(|| panic!("no {name}: {steps:?}"))
            .clone()
    };
    assert_eq!(of("created")["names"], json!(["c2-video-test-private"]));
    assert_eq!(of("created")["again"], true);
    assert_eq!(of("anonymous")["status"], 403);
    assert_eq!(of("anonymous")["denied"], true);
    assert_eq!(of("got")["text"], "a picture");
    assert_eq!(of("got")["metadata"], json!({ "title": "a" }));
    assert_eq!(of("refused")["nobody"], true);
    assert_eq!(of("refused")["everybody"], true);
    assert_eq!(of("policy")["same"], true);
    assert_eq!(of("full")["code"], "BucketNotEmpty");
    let identity = of("policy")["identity"].as_str().unwrap().to_owned();
    let origin = json!({
        "bucket_host": "c2-video-test-private.s3.amazonaws.com",
        "origin_access_identity": identity,
    });
    let made = edge.create("/v1/distributions", &distribution(&origin));
    edge.until_applied(made, 1);
    let answer = edge.get("http://one.example/terada_pythonbr.jpg");
    assert_eq!((answer.status(), answer.text()), (200, "a picture"));
    assert_eq!(answer.header("Content-Type"), Some("image/jpeg"));
    assert_eq!(answer.header("X-Amz-Meta-Title"), Some("a"));
    // The file is one that a person can see.
    let file = edge.path("buckets/c2-video-test-private/terada_pythonbr.jpg");
    assert_eq!(fs::read_to_string(file).unwrap(), "a picture");
}

/// A bucket's own log (Amazon S3 user guide, "Logging requests with server access logging").
#[test]
fn requests_to_a_bucket_are_logged_into_another_one() {
    let mut edge = edge_with("[log]\nfolder = \"logs\"\ndeliver_after = \"1s\"\n");
    edge.create("/v1/buckets", &json!({ "name": "logs", "embedded": true }));
    let logging = json!({ "bucket": "logs", "prefix": "articles/" });
    edge.create(
        "/v1/buckets",
        &json!({ "name": "articles", "embedded": true, "logging": logging }),
    );
    let origin = json!({ "bucket": { "name": "articles" } });
    let made = edge.create("/v1/distributions", &distribution(&origin));
    edge.until_applied(made, 1);
    let url = format!("http://{}/articles/a.txt?x-id=GetObject", edge.other());
    let answer = Viewer::plain(edge.other(), None).get(&url);
    assert_eq!(answer.status(), 403);
    let delivery = || edge.v1("GET", "/v1/log-delivery", &Value::Null).json;
    until("the file arrives", || delivery()["delivered_files"] == 1);
    edge.stop();
    let files = fs::read_dir(edge.path("buckets/logs/articles")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let text: String = texts.collect();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in [
        " articles [",
        " REST.GET.OBJECT a.txt ",
        " 403 AccessDenied ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_probe_asks_the_endpoint_as_strangers_do() {
    let edge = edge_with_buckets();
    edge.done(&["bucket", "create", "articles"]);
    edge.write("talk.txt", "one");
    edge.done(&["object", "put", "talk.txt", "articles/a/talk.txt"]);
    edge.create("/v1/keys", &stored_key("K1", "rsa2048.pub.pem"));
    edge.create(
        "/v1/key-groups",
        &json!({ "id": "g", "public_keys": ["K1"] }),
    );
    let mut restricted = distribution(&json!({ "bucket": { "name": "articles" } }));
    restricted["default_behavior"]["trusted_key_groups"] = json!(["g"]);
    edge.create("/v1/distributions", &restricted);
    edge.done(&["bucket", "grant", "articles", "--distribution", "E1"]);
    let private = || {
        let probed = edge.run(&["probe", "--object", "/a/talk.txt"]);
        String::from_utf8(probed.stdout).unwrap()
    };
    until("the probe says that the bucket is private", || {
        private().contains("embedded bucket articles is private")
    });
}

/// A file's service has embedded buckets too; their folders are made at the start.
#[test]
fn a_file_may_have_embedded_buckets() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("talk.txt", "one");
    write(
        "privet.toml",
        "listeners = [{ address = '127.0.0.1:0', protocol = 'http' }]
[buckets]
folder = 'buckets'
[[buckets.bucket]]
name = 'articles'
embedded = true
readers = [{ distribution = 'E1' }]
[[distributions]]
id = 'E1'
domain_name = 'one.example'
default_behavior = { origin = 'o' }
[[distributions.origins]]
id = 'o'
bucket = { name = 'articles' }
",
    );
    let run = |arguments: &[&str]| run_in(folder.path(), arguments);
    let (ok, said) = run(&["check", "privet.toml"]);
    assert!(ok, "{said}");
    let (ok, said) = run(&["object", "put", "talk.txt", "articles"]);
    assert!(ok, "{said}");
    let (ok, said) = run(&["object", "put", "talk.txt", "others"]);
    assert!(
        !ok && said.contains("there is no embedded bucket"),
        "{said}"
    );
    assert!(folder.path().join("buckets/articles/talk.txt").exists());
}

fn run_in(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_privet"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("PRIVET_CONFIG")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

/// A bucket that gets logs may get those of distributions outside of a scope: who visited them is none of its
/// operator's business, and their logs are not its operator's to delete.
#[test]
fn a_scope_has_the_objects_of_its_origins_and_not_those_of_logs() {
    let edge = edge_with_buckets();
    let log = json!({ "bucket": "logs", "prefix": "articles/" });
    let buckets = [
        json!({ "name": "logs", "embedded": true }),
        json!({ "name": "others", "embedded": true }),
        json!({ "name": "articles", "embedded": true, "logging": log }),
    ];
    edge.write("key", "content");
    for bucket in &buckets {
        edge.create("/v1/buckets", bucket);
        let name = bucket["name"].as_str().unwrap();
        edge.done(&["object", "put", "key", &format!("{name}/key")]);
    }
    let mut one = distribution(&json!({ "bucket": { "name": "articles" } }));
    one["logging"] = json!({ "bucket": "logs.s3.amazonaws.com", "prefix": "one/" });
    edge.create("/v1/distributions", &one);
    let role = ["operator", "create", "one", "--role", "publish", "--json"];
    let made = edge.done(&[&role[..], &["--scope", "E1"]].concat());
    let made: Value = serde_json::from_str(&made).unwrap();
    let settings = json!({
        "buckets": format!("http://{}", edge.other()),
        "access_key_id": made["access_key_id"],
        "secret_access_key": made["secret_access_key"],
        "names": ["logs", "others", "articles"],
    });
    let script = command(python(), &["buckets/scopes.py"]);
    let seen = answers(script, &format!("{settings}\n"));
    let all = |status: u16| json!({ "list": status, "get": status, "put": status, "copy": status, "delete": status });
    let mut articles = all(200);
    articles["delete"] = 204.into();
    let expected = [
        json!({ "bucket": "logs", "listed": true, "seen": all(403) }),
        json!({ "bucket": "others", "listed": false, "seen": all(403) }),
        json!({ "bucket": "articles", "listed": true, "seen": articles }),
    ];
    assert_eq!(seen, expected);
}
