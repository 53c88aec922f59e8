//! The articles' story, whole: from an empty machine to a private picture and its line in a log, with the clients that
//! people have; uploads from a browser; and videos out of embedded buckets.

use crate::embedded_buckets::edge_with;
use crate::support::*;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const BUCKET: &str = "c2-video-test-private";
const LOGS: &str = "c2-video-test-logs";
const PICTURE: &str = "http://one.example/terada_pythonbr.jpg";
const LOG: &str = "[log]\nfolder = \"logs\"\ndeliver_after = \"1s\"\n";

/// Account in ARNs unless another is configured.
const ACCOUNT: &str = "000000000000";

/// Runs a part of a script for an edge; returns what it said.
fn part(edge: &StoredEdge, script: &str, more: &Value) -> Value {
    let (id, secret) = edge.access_key();
    let mut given = json!({
        "buckets": format!("http://{}", edge.other()),
        "control": format!("http://{}", edge.control()),
        "access_key_id": id,
        "secret_access_key": secret,
    });
    for (name, value) in more.as_object().unwrap() {
        given[name] = value.clone();
    }
    let script = command(python(), &[script]);
    answers(script, &format!("{given}\n")).remove(0)
}

fn story(edge: &StoredEdge, more: &Value) -> Value {
    part(edge, "buckets/story_articles.py", more)
}

/// Makes a key group `g` with a key, and returns the options to sign with it.
fn signer(edge: &StoredEdge) -> Vec<String> {
    edge.create("/v1/keys", &stored_key("K1", "rsa2048.pub.pem"));
    let group = json!({ "id": "g", "public_keys": ["K1"] });
    edge.create("/v1/key-groups", &group);
    let key = key_path("rsa2048.pem").to_str().unwrap().to_owned();
    let options = ["sign", "--key", &key, "--key-pair-id", "K1", "--for", "1h"];
    options.map(str::to_owned).to_vec()
}

fn signed(edge: &StoredEdge, signer: &[String], url: &str) -> String {
    let mut arguments: Vec<&str> = signer.iter().map(String::as_str).collect();
    arguments.push(url);
    edge.done(&arguments).trim().to_owned()
}

/// A restricted distribution over the bucket, by the host name that CloudFront's API has.
fn distribution(access: &str, id: &str) -> Value {
    json!({
        "id": "E1",
        "domain_name": "one.example",
        "origins": [{ "id": "o", "bucket_host": format!("{BUCKET}.s3.amazonaws.com"), access: id }],
        "default_behavior": { "origin": "o", "trusted_key_groups": ["g"] },
    })
}

/// Returns the text of all files beneath a folder, after decompression.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &texts(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        match path.extension().is_some_and(|extension| extension == "gz") {
            true => {
                _ = MultiGzDecoder::new(&bytes[..])
                    .read_to_string(&mut text)
                    .unwrap();
            }
            false => text += std::str::from_utf8(&bytes).unwrap(),
        }
    }
    text
}

#[test]
fn the_story_of_the_articles() {
    let mut edge = edge_with(LOG);
    let made = story(&edge, &json!({ "part": "make" }));
    assert_eq!(made, json!({ "prefix": "s3/", "size": 2 }));
    let signer = signer(&edge);
    let granted = story(&edge, &json!({ "part": "grant" }));
    let identity = granted["identity"].as_str().unwrap();
    let mut distribution = distribution("origin_access_identity", identity);
    distribution["logging"] =
        json!({ "bucket": format!("{LOGS}.s3.amazonaws.com"), "prefix": "cloudfront/" });
    let made = edge.create("/v1/distributions", &distribution);
    edge.until_applied(made, 1);
    // Nobody without a link gets it, through the edge or past it.
    let direct = format!("http://{}/{BUCKET}/terada_pythonbr.jpg", edge.other());
    assert_eq!(Viewer::plain(edge.other(), None).get(&direct).status(), 403);
    let (status, text) = edge.sees(PICTURE);
    assert!(
        status == 403 && text.contains("<Code>MissingKey</Code>"),
        "{text}"
    );
    let link = signed(&edge, &signer, PICTURE);
    let broken = link.replacen("Signature=", "Signature=A", 1);
    assert_eq!(edge.sees(&broken).0, 403);
    let answer = edge.get(&link);
    assert_eq!((answer.status(), answer.text()), (200, "a picture"));
    // The lines lie in the bucket under its prefixes, and the link's is found.
    let logs = edge.path(&format!("buckets/{LOGS}"));
    let lines = |prefix: &str| texts(&logs.join(prefix));
    until("the edge's log arrives", || {
        let text = lines("cloudfront");
        let is_served = |line: &str| line.contains("\tone.example\t/terada_pythonbr.jpg\t200\t");
        text.lines().any(is_served)
    });
    assert!(!lines("cloudfront").contains(&link[PICTURE.len() + 1..]));
    until("the bucket's log arrives", || {
        let text = lines("s3");
        let words = ["REST.PUT.OBJECT", "\" 206 ", " 403 AccessDenied "];
        words.iter().all(|word| text.contains(word))
    });
    check_bucket_log(&edge, &lines("s3"));
    let deleted = story(&edge, &json!({ "part": "delete", "bucket": BUCKET }));
    assert_eq!(deleted["deleted"], json!(["BucketNotEmpty", 409]));
    // The lines are found in the bucket: the edge's own files are gone.
    edge.stop();
    for entry in fs::read_dir(edge.path("logs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let explained = edge.run(&["explain", "--log", &link]);
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(
        explained.contains(" 200 ") && explained.contains(" from 127."),
        "{explained}"
    );
    assert!(
        explained.contains(&format!("buckets/{LOGS}/cloudfront/")),
        "{explained}"
    );
}

/// The fields of S3's format: 26, of which these say what was done, by whom, and how much.
fn check_bucket_log(edge: &StoredEdge, log: &str) {
    let fields = |word: &str| -> Vec<String> {
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains(word));
        fields_of(line.unwrap_or_else(|| panic!("no {word} in {log}")))
    };
    let put = fields("REST.PUT.OBJECT");
    assert_eq!(put.len(), 26, "{put:?}");
    assert_eq!(put[1], BUCKET);
    assert_eq!((&*put[4], &*put[7]), ("root", "terada_pythonbr.jpg"));
    assert_eq!(
        [&*put[9], &*put[10], &*put[11], &*put[12]],
        ["200", "-", "-", "9"]
    );
    assert_eq!(
        [&*put[19], &*put[20], &*put[21]],
        ["SigV4", "-", "AuthHeader"]
    );
    assert_eq!([&*put[22], &*put[23]], [&*edge.other().to_string(), "-"]);
    // The lines of several files are in no order.
    let part = fields("\" 206 ");
    assert_eq!(part[6], "REST.GET.OBJECT");
    assert_eq!([&*part[9], &*part[11], &*part[12]], ["206", "2", "9"]);
    let refused = fields(" 403 AccessDenied ");
    assert_eq!(
        [&*refused[4], &*refused[12], &*refused[19], &*refused[21]],
        ["-"; 4]
    );
}

/// Splits a line into its fields, of which some are in brackets or quotes.
fn fields_of(line: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    let mut end: Option<char> = None;
    for word in line.split(' ') {
        match (&end, fields.last_mut()) {
            (Some(_), Some(field)) => *field += &format!(" {word}"),
            _ => {
                fields.push(word.to_owned());
                end = match word.chars().next() {
                    Some('[') => Some(']'),
                    Some('"') => Some('"'),
                    _ => None,
                };
            }
        }
        let opens = fields.last().is_some_and(|field| field.len() > 1);
        if opens && end.is_some_and(|end| word.ends_with(end)) {
            end = None;
        }
    }
    fields
}

/// An empty bucket that an origin reads: the refusal comes before anything on the disk is changed.
#[test]
fn a_bucket_in_use_is_not_deleted_over_s3_and_keeps_its_folder() {
    let edge = edge_with("");
    story(&edge, &json!({ "part": "make" }));
    edge.done(&["object", "delete", &format!("{BUCKET}/"), "--recursive"]);
    let origin = json!({
        "id": "E1",
        "domain_name": "one.example",
        "origins": [{ "id": "o", "bucket": { "name": BUCKET } }],
        "default_behavior": { "origin": "o" },
    });
    edge.create("/v1/distributions", &origin);
    let folder = edge.path(&format!("buckets/{BUCKET}"));
    let identity = |path: &Path| fs::metadata(path).unwrap().ino();
    fs::create_dir(folder.join("empty")).unwrap();
    let before = identity(&folder);
    let deleted = story(&edge, &json!({ "part": "delete", "bucket": BUCKET }));
    assert_eq!(deleted["deleted"], json!(["InvalidBucketState", 409]));
    assert_eq!(identity(&folder), before);
    assert!(folder.join("empty").exists());
    edge.act("POST", "/v1/distributions/E1", "/disable");
    assert_eq!(edge.act("DELETE", "/v1/distributions/E1", "").status, 200);
    let deleted = story(&edge, &json!({ "part": "delete", "bucket": BUCKET }));
    assert_eq!(deleted["deleted"], Value::Null);
    assert!(!folder.exists());
}

/// No distribution reads the bucket or names the one that gets its log.
#[test]
fn the_log_of_a_bucket_arrives_where_no_distribution_is() {
    let edge = edge_with(LOG);
    story(&edge, &json!({ "part": "make" }));
    until("the bucket's log arrives", || {
        let text = texts(&edge.path(&format!("buckets/{LOGS}/s3")));
        text.contains("REST.PUT.OBJECT")
    });
}

/// Keys and objects do not cross a network in the clear.
#[test]
fn the_endpoint_has_a_certificate_and_limits() {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    let (chain, key) = certificate();
    edge.write("chain.pem", chain);
    edge.write("key.pem", key);
    let buckets = |more: &str| {
        edge.configure(&format!(
            "{LOG}[buckets]\naddress = \"{}\"\nsync = false\n\
             certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n[buckets.limits]\n{more}\n",
            edge.other()
        ));
        edge.run(&["check"])
    };
    let refused = buckets("requests_max = 0");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("buckets.limits.requests_max"), "{said}");
    assert!(buckets("head_size_bytes_max = \"8 KiB\"").status.success());
    edge.make_operator();
    edge.start();
    for (name, logging) in [
        (LOGS, Value::Null),
        (BUCKET, json!({ "bucket": LOGS, "prefix": "s3/" })),
    ] {
        let mut bucket = json!({ "name": name, "embedded": true });
        if logging.is_object() {
            bucket["logging"] = logging;
        }
        edge.create("/v1/buckets", &bucket);
    }
    let object = format!("https://localhost/{BUCKET}/a");
    let ask = |ask: Ask| Viewer::tls(edge.other(), None).ask(&ask);
    assert_eq!(ask(Ask::get(&object)).status(), 403);
    let large = Ask::get(&object).header("X", "a".repeat(8 * 1024));
    assert_eq!(ask(large).status(), 431);
    until("the bucket's log arrives", || {
        let text = texts(&edge.path(&format!("buckets/{LOGS}/s3")));
        text.contains(" TLS_AES_") && text.contains(" localhost TLSv1.3 - -")
    });
}

/// The policy that Amazon's console writes for an origin access control.
#[test]
fn a_policy_with_a_source_arn_grants_the_distribution() {
    let edge = edge_with("");
    story(&edge, &json!({ "part": "make" }));
    let signer = signer(&edge);
    let control = json!({ "id": "C1", "name": "c" });
    edge.create("/v1/origin-access-controls", &control);
    let made = edge.create(
        "/v1/distributions",
        &distribution("origin_access_control", "C1"),
    );
    edge.until_applied(made, 1);
    let link = signed(&edge, &signer, PICTURE);
    assert_eq!(edge.sees(&link).0, 403);
    let of = |distribution: &str| {
        let grant = json!({ "part": "grant", "distribution": distribution, "account": ACCOUNT });
        story(&edge, &grant)
    };
    of("E1");
    edge.until_status(&link, 200);
    assert_eq!(edge.sees(PICTURE).0, 403);
}

#[test]
fn videos_are_played_out_of_embedded_buckets() {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure(&format!(
        "{}[buckets]\naddress = \"{}\"\nsync = false\n",
        edge.listener("rtmp", edge.rtmp()),
        edge.other()
    ));
    edge.make_operator();
    edge.start();
    edge.done(&["bucket", "create", "videos"]);
    let video = MadeVideo::new(4, 100, 0);
    fs::write(edge.path("talk.mp4"), &video.bytes).unwrap();
    edge.done(&["object", "put", "talk.mp4", "videos/secure/"]);
    let signer = signer(&edge);
    let origin = json!({ "id": "o", "bucket": { "name": "videos" } });
    let behavior = json!({
        "origin": "o",
        "trusted_key_groups": ["g"],
        "video": { "segment_duration": "2s" },
    });
    let made = edge.create(
        "/v1/distributions",
        &json!({ "id": "E1", "domain_name": "one.example", "origins": [origin], "default_behavior": behavior }),
    );
    edge.until_applied(made, 1);
    edge.done(&["bucket", "grant", "videos", "--distribution", "E1"]);
    check_hls(&edge, &signer, &video);
    let streaming = json!({
        "id": "S1",
        "domain_name": "stream.example",
        "distribution": "E1",
        "trusted_key_groups": ["g"],
    });
    let made = edge.create("/v1/streaming", &streaming);
    edge.until_applied(made, 1);
    check_rtmp(&edge, &signer);
}

/// The whole way of a player: master playlist, playlist, segment, each with the link's grant.
fn check_hls(edge: &StoredEdge, signer: &[String], video: &MadeVideo) {
    let master = "http://one.example/secure/talk.mp4/hls/master.m3u8";
    let object = "http://one.example/secure/talk.mp4";
    let link = signed(edge, signer, object);
    edge.until_status(&link, 200);
    assert_eq!(edge.sees(master).0, 403);
    let query = link.split_once('?').unwrap().1;
    let mut url = format!("{master}?{query}");
    let mut answer = edge.get(&url);
    while (300..400).contains(&answer.status()) {
        url = absolute(&url, answer.header("Location").unwrap());
        answer = edge.get(&url);
    }
    // Each list's first entry, until there are bytes of a segment.
    for _ in 0..2 {
        assert_eq!(answer.status(), 200, "{url}");
        let text = answer.text().to_owned();
        let entry = text
            .lines()
            .find(|line| !line.is_empty() && !line.starts_with('#'));
        url = absolute(&url, entry.unwrap_or_else(|| panic!("{text}")));
        answer = edge.get(&url);
    }
    assert_eq!(answer.status(), 200, "{url}");
    assert!(samples_of(&answer.body) == video.picture(1), "{url}");
}

/// Resolves a reference to a path (RFC 3986, 5.2), as far as lists have them.
fn absolute(base: &str, reference: &str) -> String {
    if reference.starts_with("http://") {
        return reference.to_owned();
    }
    let start = base.split('?').next().unwrap();
    match reference.strip_prefix('/') {
        Some(path) => format!("http://one.example/{path}"),
        None => format!("{}/{reference}", start.rsplit_once('/').unwrap().0),
    }
}

fn check_rtmp(edge: &StoredEdge, signer: &[String]) {
    let play = |name: &str, code: &str| {
        let mut viewer = RtmpViewer::greet(Viewer::plain(edge.rtmp(), None)).unwrap();
        assert_eq!(
            viewer.connect("stream.example", "cfx/st"),
            "NetConnection.Connect.Success"
        );
        viewer.play(name);
        viewer.until(code).len()
    };
    play("mp4:secure/talk.mp4", "NetStream.Play.Failed");
    let mut arguments: Vec<&str> = signer.iter().map(String::as_str).collect();
    arguments.extend(["--stream", "mp4:secure/talk.mp4"]);
    let granted = edge.done(&arguments);
    play(granted.trim(), "NetStream.Play.Start");
}

/// A form and a presigned URL that an operator has signed, in a real browser at another site.
#[test]
fn a_browser_uploads_into_a_bucket() {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    // The browser's hosts are on this address alone.
    let browsers = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = edge.listener("http", browsers);
    edge.configure(&format!(
        "{listener}[buckets]\naddress = \"{browsers}\"\nsync = false\n"
    ));
    edge.make_operator();
    edge.start();
    let port = |words: &str| {
        edge.until_it_says(words);
        let said = edge.said();
        let rest = said.split_once(words).unwrap().1;
        rest.split(|other: char| !other.is_ascii_digit())
            .next()
            .unwrap()
            .to_owned()
    };
    let http = port("serving on http://127.0.0.1:");
    let endpoint = format!("http://127.0.0.1:{}", port("over S3 on http://127.0.0.1:"));
    let site = |host: &str| format!("http://{host}:{http}");
    let given = json!({ "part": "make", "site": site(SISTER_HOST), "buckets": endpoint });
    part(&edge, "buckets/browser_boto3.py", &given);
    let made = edge.create(
        "/v1/distributions",
        &json!({
            "id": "E1",
            "domain_name": SISTER_HOST,
            "aliases": [FOREIGN_HOST],
            "origins": [{ "id": "o", "bucket": { "name": "articles" } }],
            "default_behavior": { "origin": "o" },
        }),
    );
    edge.until_applied(made, 1);
    edge.done(&["bucket", "grant", "articles", "--distribution", "E1"]);
    edge.until_status(&format!("http://{SISTER_HOST}/done.html"), 200);
    let mut browser = Player::start(Program::Chromium);
    // The bucket's rules do not name this site: the browser does not send the upload.
    browser.open(&format!("{}/upload.html", site(FOREIGN_HOST)));
    let put = browser.look("#put", "put");
    assert_eq!(put.0["text"], "put failed", "{put:?}");
    assert!(!edge.path("buckets/articles/put").exists());
    browser.open(&format!("{}/upload.html", site(SISTER_HOST)));
    let put = browser.look("#put", "put");
    let said = put.0["text"].as_str().unwrap();
    assert!(
        said.starts_with("put 200 \"") && said.ends_with('"'),
        "{put:?}"
    );
    browser.click("#send");
    let done = browser.look("#done", "uploaded");
    assert_eq!(done.0["text"], "uploaded", "{done:?}");
    let file = |name: &str| fs::read_to_string(edge.path(&format!("buckets/articles/{name}")));
    assert_eq!(file("put/by-script.txt").unwrap(), "by script");
    assert_eq!(file("forms/pícture.txt").unwrap(), "by form");
    let said = part(
        &edge,
        "buckets/browser_boto3.py",
        &json!({ "part": "tags", "buckets": endpoint }),
    );
    assert_eq!(said["tags"], json!([{ "Key": "by", "Value": "form" }]));
    assert_eq!(said["title"], "a");
}

/// What S3 behind CloudFront answers: the bucket's rules decide, where the behavior passes `Origin` on.
#[test]
fn the_rules_of_a_bucket_hold_at_the_edge() {
    let edge = edge_with("");
    let rule = json!({
        "allowed_origins": ["https://site.example"],
        "allowed_methods": ["GET"],
        "expose_headers": ["ETag"],
    });
    let bucket = json!({ "name": "articles", "embedded": true, "cors": [rule] });
    edge.create("/v1/buckets", &bucket);
    edge.write("a.txt", "a");
    edge.done(&["object", "put", "a.txt", "articles/"]);
    let mut document = json!({
        "id": "E1",
        "domain_name": "one.example",
        "origins": [{ "id": "o", "bucket": { "name": "articles" } }],
        "default_behavior": { "origin": "o" },
    });
    edge.create("/v1/distributions", &document);
    edge.done(&["bucket", "grant", "articles", "--distribution", "E1"]);
    edge.until_status("http://one.example/a.txt", 200);
    let asked = |method: &str, site: &str| {
        let ask = Ask::get("http://one.example/a.txt").method(method);
        let ask = ask.header("Origin", site);
        Viewer::plain(edge.http(), None).ask(&ask)
    };
    let allowed = |answer: &Answer| {
        let name = "Access-Control-Allow-Origin";
        answer.header(name).map(str::to_owned)
    };
    let site = "https://site.example";
    assert_eq!(allowed(&asked("GET", site)), None);
    document["default_behavior"]["origin_request_policy"] = "Managed-CORS-S3Origin".into();
    let updated = edge.update("/v1/distributions/E1", |item| *item = document.clone());
    edge.until_applied(updated, 1);
    assert_eq!(allowed(&asked("GET", "https://other.example")), None);
    assert_eq!(allowed(&asked("HEAD", site)), None);
    let answer = asked("GET", site);
    assert_eq!(allowed(&answer).as_deref(), Some(site));
    assert_eq!(answer.header("Access-Control-Expose-Headers"), Some("ETag"));
    assert!(
        answer
            .header("Vary")
            .is_some_and(|vary| vary.contains("Origin"))
    );
    assert_eq!(allowed(&edge.get("http://one.example/a.txt")), None);
}
