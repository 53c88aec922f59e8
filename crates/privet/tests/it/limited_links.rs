//! Links that are counted and links that end early, over the wire: made by the command, opened by viewers, revoked.

use crate::support::*;
use serde_json::{Value, json};
use std::fs;

const URL: &str = "http://links.example/talk.txt";
/// Header fields of a browser that was sent to a URL.
const NAVIGATION: [(&str, &str); 4] = [
    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
];

/// Starts an edge with a restricted distribution over plain HTTP.
fn edge_with_links() -> StoredEdge {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure("[log]\nfolder = \"log\"");
    edge.make_operator();
    fs::write(edge.path("bucket/talk.txt"), "the talk").unwrap();
    fs::write(edge.path("bucket/other.txt"), "another").unwrap();
    edge.start();
    edge.create("/v1/keys", &stored_key("KEC", "p256.pub.pem"));
    edge.create(
        "/v1/key-groups",
        &json!({ "id": "viewers", "public_keys": ["KEC"] }),
    );
    let mut distribution = stored_distribution("E1", "links.example", &edge.path("bucket"));
    distribution["default_behavior"]["trusted_key_groups"] = json!(["viewers"]);
    let made = edge.create("/v1/distributions", &distribution);
    edge.until_applied(made, 1);
    edge
}

/// Makes a link by the command, with these options; returns what it printed.
#[track_caller]
fn made(edge: &StoredEdge, options: &[&str]) -> Value {
    let key = key_path("p256.pkcs8.pem").display().to_string();
    let mut arguments = vec![
        "link",
        "create",
        "--key",
        &key,
        "--key-pair-id",
        "KEC",
        "--json",
    ];
    arguments.extend(options);
    serde_json::from_str(&edge.done(&arguments)).unwrap()
}

#[track_caller]
fn url(made: &Value) -> String {
    made["url"].as_str().unwrap().to_owned()
}

/// Asks for a URL from an address of this machine.
fn asked(edge: &StoredEdge, ask: &Ask) -> Answer {
    Viewer::plain(edge.http(), ask.source).ask(ask)
}

fn program(url: &str, address: &str) -> Ask {
    Ask::get(url)
        .header("Accept", "*/*")
        .header("User-Agent", "curl/8.5.0")
        .by_address(address)
}

fn navigation(url: &str, address: &str) -> Ask {
    let ask = Ask::get(url).by_address(address);
    NAVIGATION
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, *value))
}

#[track_caller]
fn is_refused(edge: &StoredEdge, ask: &Ask) {
    let answer = asked(edge, ask);
    assert_eq!(answer.status(), 403, "{}", answer.text());
    assert!(
        answer.text().contains("<Code>AccessDenied</Code>"),
        "{}",
        answer.text()
    );
}

/// Returns what the operators are told about a link.
fn shown(edge: &StoredEdge, made: &Value) -> Value {
    let id = made["id"].as_str().unwrap();
    serde_json::from_str(&edge.done(&["link", "show", id, "--json"])).unwrap()
}

#[test]
fn a_one_time_link_opens_for_one_viewer() {
    let edge = edge_with_links();
    let one = made(&edge, &["--uses", "1", "--for", "1h", URL]);
    let link = url(&one);
    let first = asked(&edge, &program(&link, "127.0.0.2"));
    assert_eq!((first.status(), first.text()), (200, "the talk"));
    assert_eq!(first.header("Cache-Control"), Some("private, no-cache"));
    // The same viewer goes on: a range, a retry.
    let range = program(&link, "127.0.0.2").header("Range", "bytes=4-");
    assert_eq!(asked(&edge, &range).text(), "talk");
    is_refused(&edge, &program(&link, "127.0.0.3"));
    let head = program(&link, "127.0.0.3").method("HEAD");
    assert_eq!(asked(&edge, &head).status(), 403);
    let known = shown(&edge, &one);
    assert_eq!(
        (&known["uses"], &known["state"]),
        (&json!(1), &json!("used-up"))
    );
    let counted = || shown(&edge, &one)["ledger"]["refusals"]["link-used-up"] == json!(2);
    until("refusals in the ledger", counted);
}

#[test]
fn what_serves_nothing_is_no_use() {
    let edge = edge_with_links();
    let absent = made(
        &edge,
        &["--uses", "1", "--for", "1h", "http://links.example/absent"],
    );
    let link = url(&absent);
    assert_eq!(asked(&edge, &program(&link, "127.0.0.2")).status(), 404);
    until("the use given back", || {
        shown(&edge, &absent)["uses"] == json!(0)
    });

    let one = made(&edge, &["--uses", "1", "--for", "1h", URL]);
    let link = url(&one);
    assert_eq!(
        asked(&edge, &program(&link, "127.0.0.2").method("HEAD")).status(),
        200
    );
    is_refused(&edge, &program(&format!("{link}x"), "127.0.0.2"));
    assert_eq!(shown(&edge, &one)["uses"], json!(0));
    assert_eq!(
        asked(&edge, &program(&link, "127.0.0.9")).text(),
        "the talk"
    );
}

#[test]
fn a_preview_uses_nothing_up_and_a_person_presses_a_button() {
    let edge = edge_with_links();
    let options = [
        "--uses",
        "1",
        "--for",
        "1h",
        "--sender",
        "Anna <b>",
        "--file-name",
        "Talk & more.txt",
        URL,
    ];
    let one = made(&edge, &options);
    let link = url(&one);
    let preview = asked(&edge, &navigation(&link, "127.0.0.7"));
    assert_eq!(preview.status(), 200);
    assert!(
        preview.text().contains("Anna &lt;b&gt;"),
        "{}",
        preview.text()
    );
    assert!(
        preview.text().contains("Talk &amp; more.txt"),
        "{}",
        preview.text()
    );
    assert_eq!(shown(&edge, &one)["uses"], json!(0));

    let page = asked(&edge, &navigation(&link, "127.0.0.2"));
    let text = page.text();
    let field = text
        .split("value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let press = |address: &str| {
        let mut press = navigation(&link, address)
            .method("POST")
            .header("Content-Type", "application/x-www-form-urlencoded");
        press.body = format!("privet-confirmation={field}").into_bytes();
        asked(&edge, &press)
    };
    // Another viewer's button opens nothing.
    assert_eq!(press("127.0.0.3").status(), 200);
    assert_eq!(shown(&edge, &one)["uses"], json!(0));
    let back = press("127.0.0.2");
    assert_eq!(back.status(), 303);
    assert!(
        back.header("Location")
            .unwrap()
            .starts_with("/talk.txt?Policy=")
    );
    let opened = asked(&edge, &navigation(&link, "127.0.0.2"));
    assert_eq!(opened.text(), "the talk");
    assert_eq!(shown(&edge, &one)["uses"], json!(1));
    let late = asked(&edge, &navigation(&link, "127.0.0.7"));
    assert_eq!(late.status(), 403);
    assert!(!late.text().contains("<Code>"), "{}", late.text());
}

#[test]
fn a_visit_is_proved_by_a_cookie_and_no_other_link_takes_it() {
    let edge = edge_with_links();
    let [one, other] = [1, 2].map(|_| made(&edge, &["--uses", "1", "--for", "1h", URL]));
    let first = asked(&edge, &program(&url(&one), "127.0.0.2"));
    let cookie = first.header("Set-Cookie").unwrap();
    assert!(cookie.starts_with("__Host-privet-visit-"), "{cookie}");
    assert!(cookie.contains("; Secure; HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let elsewhere = program(&url(&one), "127.0.0.3").header("Cookie", cookie.clone());
    assert_eq!(asked(&edge, &elsewhere).text(), "the talk");
    // The cookie of one link is none of another's, whose use is this viewer's.
    assert_eq!(
        asked(&edge, &program(&url(&other), "127.0.0.4")).status(),
        200
    );
    is_refused(
        &edge,
        &program(&url(&other), "127.0.0.3").header("Cookie", cookie.clone()),
    );
    let (name, value) = cookie.split_once('=').unwrap();
    let forged = format!("{name}={}A", &value[..value.len() - 1]);
    is_refused(
        &edge,
        &program(&url(&one), "127.0.0.5").header("Cookie", forged),
    );
}

#[test]
fn links_are_revoked_by_whatever_names_them() {
    let edge = edge_with_links();
    let opens = |link: &str| asked(&edge, &program(link, "127.0.0.2")).status() == 200;
    let until_refused = |link: &str| until("the refusal", || !opens(link));
    // One that another tool has made, by pasting it.
    let foreign = signed_by(EC256, URL, LATER);
    assert!(opens(&foreign));
    edge.done(&["link", "revoke", &foreign]);
    until_refused(&foreign);
    assert!(opens(&signed_by(EC256, URL, LATER + 1)));

    let options = [
        "--for",
        "1h",
        "--subject",
        "anna@example.com",
        "--label",
        "course",
        URL,
    ];
    let one = made(&edge, &options);
    let id = one["id"].as_str().unwrap();
    assert!(opens(&url(&one)));
    let tried = edge.done(&[
        "link",
        "revoke",
        "--subject",
        "anna@example.com",
        "--dry-run",
    ]);
    assert!(
        tried.contains("1 registered link would be revoked"),
        "{tried}"
    );
    assert!(opens(&url(&one)));
    edge.done(&["link", "revoke", id]);
    until_refused(&url(&one));
    let known = shown(&edge, &one);
    assert_eq!(known["state"], json!("revoked"));
    let seq = known["revocation"]["seq"].as_u64().unwrap();
    edge.done(&["link", "lift", &seq.to_string()]);
    until("the link to open", || opens(&url(&one)));
    for (number, target) in [
        ["--subject", "anna@example.com"],
        ["--label", "course"],
        ["--object", "links.example/talk*"],
        ["--key", "KEC"],
    ]
    .iter()
    .enumerate()
    {
        // Links that are made in the second of a revocation are refused by it.
        let life = format!("{}h", number + 2);
        let mut one = Value::Null;
        let mut is_open = || {
            one = made(&edge, &[&["--for", &life], &options[2..]].concat());
            opens(&url(&one))
        };
        until("a link to open", &mut is_open);
        edge.done(&["link", "revoke", target[0], target[1]]);
        until_refused(&url(&one));
        let listed = edge.done(&["link", "revocations"]);
        assert!(listed.contains("local"), "{listed}");
    }
}

#[test]
fn what_was_revoked_stays_so_over_a_kill() {
    let mut edge = edge_with_links();
    let one = made(&edge, &["--for", "1h", URL]);
    let used = made(&edge, &["--uses", "1", "--for", "1h", URL]);
    assert_eq!(
        asked(&edge, &program(&url(&used), "127.0.0.2")).status(),
        200
    );
    edge.done(&["link", "revoke", one["id"].as_str().unwrap()]);
    edge.kill();
    edge.start();
    is_refused(&edge, &program(&url(&one), "127.0.0.2"));
    // Until the store was asked how safe it is, limited links are answered by 503.
    let is_told = || asked(&edge, &program(&url(&used), "127.0.0.3")).status() == 403;
    until("the store to be heard of", is_told);
    is_refused(&edge, &program(&url(&used), "127.0.0.3"));
    let again = || asked(&edge, &program(&url(&used), "127.0.0.2")).status() == 200;
    until("the viewer of the use to go on", again);
}

#[test]
fn what_is_not_registered_or_not_signed_is_refused() {
    let edge = edge_with_links();
    let key = key_path("p256.pkcs8.pem").display().to_string();
    let refused = |arguments: &[&str], expected: &str| {
        let output = edge.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains("Signature="), "{said}");
    };
    let create = ["link", "create", "--key", &key, "--key-pair-id"];
    let with = |more: &[&str]| {
        [&create[..], more]
            .concat()
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let texts = with(&["KOTHER", "--uses", "1", "--for", "1h", URL]);
    refused(
        &texts.iter().map(String::as_str).collect::<Vec<_>>(),
        "not signed by a key",
    );
    let texts = with(&["KEC", "--uses", "1", URL]);
    refused(
        &texts.iter().map(String::as_str).collect::<Vec<_>>(),
        "--for",
    );
    let texts = with(&["KEC", "--uses", "0", "--for", "1h", URL]);
    refused(
        &texts.iter().map(String::as_str).collect::<Vec<_>>(),
        "--uses",
    );
    let ordinary = signed_by(EC256, URL, LATER);
    refused(
        &["link", "create", "--register", "--uses", "1", &ordinary],
        "limited",
    );
    refused(
        &[
            "link",
            "create",
            "--register",
            &signed_by(EC256, URL, 1_000_000_000),
        ],
        "end",
    );
    refused(&["link", "show", "no-such-link"], "no registered link");
    refused(
        &["link", "revoke", &format!("{ordinary}x")],
        "not signed by a key",
    );
    refused(&["link", "revoke"], "required");
    refused(&["link", "lift", "99"], "99");
    edge.done(&["link", "create", "--register", "--label", "old", &ordinary]);
    refused(
        &[
            "link",
            "create",
            "--register",
            "--label",
            "other",
            &ordinary,
        ],
        "exists",
    );
    let listed = edge.done(&["link", "list", "--label", "old"]);
    assert!(listed.contains("links.example/talk.txt"), "{listed}");
    assert!(!listed.contains("Signature="), "{listed}");
}

#[test]
fn bytes_and_viewers_are_limits_too() {
    let edge = edge_with_links();
    let bytes = made(&edge, &["--bytes", "12", "--for", "1h", URL]);
    assert_eq!(
        asked(&edge, &program(&url(&bytes), "127.0.0.2")).text(),
        "the talk"
    );
    is_refused(&edge, &program(&url(&bytes), "127.0.0.2"));
    let rest = program(&url(&bytes), "127.0.0.2").header("Range", "bytes=4-");
    assert_eq!(asked(&edge, &rest).text(), "talk");

    let viewers = made(&edge, &["--viewers", "2", "--for", "1h", URL]);
    for (address, status) in [
        ("127.0.0.2", 200),
        ("127.0.0.3", 200),
        ("127.0.0.4", 403),
        ("127.0.0.2", 200),
    ] {
        let answer = asked(&edge, &program(&url(&viewers), address));
        assert_eq!(answer.status(), status, "{address}");
    }
}

/// The beginning of `privet sign` with the key that the distribution trusts, or another id of it.
fn sign_arguments<'a>(key: &'a str, id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["sign", "--key", key, "--key-pair-id", id, "--for", "1h"];
    [&start[..], more].concat()
}

#[test]
fn what_cannot_be_registered_is_not_signed() {
    let edge = edge_with_links();
    let key = key_path("p256.pkcs8.pem").display().to_string();
    let refused = |id: &str, more: &[&str], code: i32, expected: &str| {
        let output = edge.run(&sign_arguments(&key, id, more));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{more:?}: {said}");
        assert!(said.contains(expected), "{more:?}: {said}");
        assert!(!said.contains("Signature="), "{said}");
        assert_eq!(output.stdout, b"", "{more:?}");
    };
    let one_by_one = "signed one by one";
    refused("KEC", &["--uses", "1", "--cookies", URL], 2, one_by_one);
    refused("KEC", &["--uses", "1", "--stream", "mp4:a"], 2, one_by_one);
    let shared = ["--label", "x", "--shared", "--resource", URL, URL];
    refused("KEC", &shared, 2, one_by_one);
    refused("KEC", &["--confirm", "always", URL], 2, "--uses");
    refused("KEC", &["--window", "1h", "--label", "x", URL], 2, "--uses");
    refused("KEC", &["--uses", "0", URL], 2, "--uses");
    refused("KOTHER", &["--uses", "1", URL], 1, "not signed by a key");
    let socket = ["--uses", "1", "--socket", "absent.sock", URL];
    refused("KEC", &socket, 1, "absent.sock");
    let listed = edge.done(&["link", "list", "--json"]);
    assert_eq!(listed.trim(), r#"{"links":[]}"#);
}

#[test]
fn urls_of_standard_input_become_one_time_links() {
    let edge = edge_with_links();
    let key = key_path("p256.pkcs8.pem").display().to_string();
    let more = ["--uses", "1", "--subject", "anna@example.com"];
    let input =
        format!("{URL}\nhttp://elsewhere.example/talk.txt\nhttp://links.example/other.txt\n");
    let output = edge.run_with(&sign_arguments(&key, "KEC", &more), &input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("line 2: "), "{said}");
    let links = String::from_utf8(output.stdout).unwrap();
    let links: Vec<&str> = links.lines().collect();
    for (link, text) in links.iter().zip(["the talk", "another"]) {
        assert_eq!(asked(&edge, &program(link, "127.0.0.2")).text(), text);
        is_refused(&edge, &program(link, "127.0.0.3"));
    }
    let listed = edge.done(&["link", "list", "--subject", "anna@example.com", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (links.len(), listed["links"].as_array().unwrap().len()),
        (2, 2)
    );
}

/// Returns what the command and the interface both say of a link: the verdict, and a check.
#[track_caller]
fn explained(edge: &StoredEdge, link: &str, name: &str) -> (String, String) {
    let output = edge.run(&["explain", "--ip", "127.0.0.2", "--json", link]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let body = json!({ "link": link, "address": "127.0.0.2" });
    let told = edge.v1("POST", "/v1/explain", &body).json;
    let check = |value: &Value| {
        let checks = value["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name);
        let check = check.unwrap_or(&Value::Null);
        let part = |member: &str| check[member].as_str().unwrap_or("absent").to_owned();
        format!("{}: {}", part("outcome"), part("found"))
    };
    assert_eq!(said["verdict"], told["verdict"], "{said}\n{told}");
    assert_eq!(check(&said), check(&told));
    (said["verdict"].as_str().unwrap().to_owned(), check(&said))
}

#[test]
fn an_explanation_knows_what_was_revoked_and_used() {
    let edge = edge_with_links();
    let unregistered = {
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{URL}","Privet":{{"Link":"AQEBAQEBAQEBAQEBAQEBAQ","Nonce":"AgICAgICAgICAgICAgICAg"}},"Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
        );
        edge.write("policy.json", &policy);
        let key = key_path("p256.pkcs8.pem").display().to_string();
        let start = ["sign", "--key", &key, "--key-pair-id", "KEC"];
        let link = edge.done(&[&start[..], &["--policy", "policy.json", URL]].concat());
        link.trim().to_owned()
    };
    let (verdict, check) = explained(&edge, &unregistered, "registered");
    assert_eq!(verdict, "refused");
    assert!(check.starts_with("failed: not registered"), "{check}");

    let one = made(&edge, &["--uses", "1", "--for", "1h", URL]);
    let link = url(&one);
    let expected = ("opens".to_owned(), "passed: used 0 of 1".to_owned());
    assert_eq!(explained(&edge, &link, "used"), expected);
    let nothing = explained(&edge, &link, "revoked").1;
    assert_eq!(nothing, "passed: not revoked");
    // To explain a link is no use.
    assert_eq!(shown(&edge, &one)["uses"], json!(0));
    let first = asked(&edge, &program(&link, "127.0.0.2"));
    assert_eq!(first.status(), 200);
    let (verdict, check) = explained(&edge, &link, "used");
    assert_eq!(verdict, "refused");
    assert!(check.starts_with("failed: used 1 of 1 on 2"), "{check}");

    let other = made(&edge, &["--for", "1h", URL]);
    let link = url(&other);
    assert_eq!(explained(&edge, &link, "revoked").0, "opens");
    edge.done(&["link", "revoke", &link]);
    let is_refused = || asked(&edge, &program(&link, "127.0.0.2")).status() == 403;
    until("the refusal", is_refused);
    let (verdict, check) = explained(&edge, &link, "revoked");
    assert_eq!(verdict, "refused");
    assert!(check.starts_with("failed: revoked on 2"), "{check}");
    assert!(check.contains(", by local (revocation "), "{check}");
}

#[test]
fn the_logs_say_who_opened_a_link() {
    let edge = edge_with_links();
    let refused = |link: &str, expected: &str| {
        let output = edge.run(&["log", "who", "--link", link]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    let one = made(&edge, &["--uses", "1", "--for", "1h", URL]);
    let link = url(&one);
    refused(one["id"].as_str().unwrap(), "privet link show");
    refused(URL, "neither a signed URL");
    let nobody = edge.done(&["log", "who", "--link", &link]);
    assert!(nobody.contains("no request with this link"), "{nobody}");

    assert_eq!(asked(&edge, &program(&link, "127.0.0.2")).status(), 200);
    is_refused(&edge, &program(&link, "127.0.0.3"));
    let other = url(&made(&edge, &["--uses", "1", "--for", "1h", URL]));
    assert_eq!(asked(&edge, &program(&other, "127.0.0.4")).status(), 200);
    let who = || -> Value {
        let output = edge.run_with(&["log", "who", "--link", "-", "--json"], &link);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    until("both requests in the log", || {
        who()["viewers"].as_array().unwrap().len() == 2
    });
    let known = who();
    let viewer = |address: &str| {
        let viewers = known["viewers"].as_array().unwrap();
        let found = viewers.iter().find(|viewer| viewer["address"] == address);
        found.unwrap().clone()
    };
    let (opened, refused) = (viewer("127.0.0.2"), viewer("127.0.0.3"));
    assert_eq!(
        (&opened["requests"], &opened["refused"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(opened["user_agents"], json!(["curl/8.5.0"]));
    assert!(opened["bytes"].as_u64() > Some(8), "{opened}");
    assert_eq!(
        (&refused["requests"], &refused["refused"]),
        (&json!(1), &json!(1))
    );
    let grant = known["grant"].as_str().unwrap();
    let table = edge.done(&["log", "who", "--link", grant]);
    assert!(table.contains("2 addresses"), "{table}");
    assert!(!table.contains("Signature"), "{table}");
}
