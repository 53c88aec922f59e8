//! `privet explain`: its exit codes, its words, its JSON.

use serde_json::Value;

use crate::cli::{Folder, ID, URL};

#[test]
fn what_keeps_it_from_an_answer_is_2() {
    let folder = Folder::new();
    folder.write("text.pem", "no key");
    let explain = |key: &str| folder.run(&["explain", "--public-key", key, URL]);
    explain("K1").fails(2, &["write the key pair id, =, and the file"]);
    explain("K1=").fails(2, &["no file after the ="]);
    explain("k1=key.pub.pem").fails(2, &["capital letters and digits"]);
    explain("K1=none.pem").fails(2, &["error: cannot read none.pem"]);
    explain("K1=text.pem").fails(2, &["error: text.pem: this is not a key"]);
    folder
        .run(&["explain", "--ip", "localhost", URL])
        .fails(2, &["invalid value 'localhost'"]);
    folder
        .run(&["explain"])
        .fails(2, &["error: there is no URL"]);
    folder
        .run(&["explain", "--config", "none.toml", URL])
        .fails(2, &["error: there is no none.toml"]);
    let said = folder.explain(&["rtmp://host/cfx/st/a"]);
    assert_eq!(said.code, 2);
    assert!(
        said.out.contains("cannot tell: this is an RTMP link"),
        "{said:?}"
    );
}

fn check(sign: &[&str], explain: &[&str], code: i32, words: &[&str]) {
    let folder = Folder::new();
    let link = folder.sign(&[sign, &[URL]].concat()).ok();
    let said = folder.explain(&[explain, &[link.trim()]].concat());
    assert_eq!((said.code, said.err.as_str()), (code, ""), "{said:?}");
    for word in words {
        assert!(said.out.contains(word), "{word:?} is missing: {said:?}");
    }
}

#[test]
fn refusals_are_1() {
    let folder = Folder::new();
    let said = folder.explain(&[URL]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("refused: 403 MissingKey"), "{said:?}");
    let link = folder.sign(&[URL]).ok().replace("image.jpg", "other.jpg");
    let said = folder.explain(&[&link]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("\nno  signature"), "{said:?}");
}

#[test]
fn the_link_is_named_if_its_signature_is_good() {
    let folder = Folder::new();
    let link = folder.sign(&[URL]).ok();
    let forged = folder.explain(&[&link.replace("image.jpg", "other.jpg")]);
    assert!(!forged.out.contains("\nlink "), "{forged:?}");
    let good = folder.explain(&[link.trim()]);
    let id = good
        .out
        .lines()
        .find_map(|line| line.strip_prefix("link    "));
    assert_eq!(id.map(str::len), Some(64), "{good:?}");
    assert!(!good.out.contains("\nmark "), "{good:?}");
}

#[test]
fn the_mark_of_a_link_is_told() {
    let folder = Folder::new();
    let policy = format!(
        r#"{{"Statement":[{{"Resource":"{URL}","Privet":{{"Link":"AQEBAQEBAQEBAQEBAQEBAQ","Nonce":"AgICAgICAgICAgICAgICAg","Made":1900000000}},"Condition":{{"DateLessThan":{{"AWS:EpochTime":2000000000}}}}}}]}}"#
    );
    folder.write("policy.json", &policy);
    let arguments = ["sign", "--key", "key.pem", "--key-pair-id", ID];
    let link = folder
        .run(&[&arguments[..], &["--policy", "policy.json", URL]].concat())
        .ok();
    let said = folder.explain(&[link.trim()]);
    let expected = "\nmark    limited link AQEBAQEBAQEBAQEBAQEBAQ, made 2030-03-17T17:46:40Z\n";
    assert!(said.out.contains(expected), "{said:?}");
    let said = folder.explain(&["--json", link.trim()]);
    let json: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(json["mark"]["limited_id"], "AQEBAQEBAQEBAQEBAQEBAQ");
    assert_eq!(json["mark"]["made"], 1_900_000_000);
    assert_eq!(json["link_id"].as_str().map(str::len), Some(64));
}

#[test]
fn what_is_made_of_a_video_is_told_from_the_video() {
    let folder = Folder::new();
    let video = "https://d111111abcdef8.cloudfront.net/talk.mp4";
    let check = |link: &str, code: i32, words: &str| {
        let said = folder.explain(&[link]);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.out.contains(words), "{words:?} is missing: {said:?}");
    };
    let list = |link: &str| {
        link.trim()
            .replace(".mp4?", ".mp4/hls/master.m3u8?path_token=1&")
    };
    check(
        &list(&folder.sign(&[video]).ok()),
        0,
        "Privet allows it: a link for the video https://",
    );
    let other = folder.sign(&[URL]).ok();
    let (_, query) = other.trim().split_once('?').expect("signed");
    check(
        &format!("{video}/dash/manifest.mpd?{query}"),
        1,
        "but this link is not valid",
    );
}

#[test]
fn time_decides() {
    let folder = Folder::new();
    let link = folder.sign(&["--from", "1900000000", URL]).ok();
    let key = format!("{ID}=key.pem");
    let code = |at| {
        folder
            .run(&["explain", "--public-key", &key, "--at", at, &link])
            .code
    };
    assert_eq!(code("2000000000"), 1);
    assert_eq!(code("2033-05-18T05:33:20+02:00"), 1);
    assert_eq!(code("1900000000"), 1);
    assert_eq!(code("1900000001"), 0);
    assert_eq!(code("2033-05-18"), 0);
}

#[test]
fn addresses_decide() {
    let sign = ["--ip", "192.0.2.0/24"];
    check(
        &sign,
        &[],
        2,
        &["\n?   address", "cannot tell: no viewer address was given"],
    );
    check(
        &sign,
        &["--ip", "198.51.100.1"],
        1,
        &["\nno  address", "expected: in 192.0.2.0/24"],
    );
    check(
        &sign,
        &["--ip", "192.0.2.77"],
        0,
        &["\nok  address", "opens: the file is served"],
    );
}

#[test]
fn without_keys_it_cannot_tell() {
    let folder = Folder::new();
    let link = folder.sign(&[URL]).ok();
    let said = folder.run(&["explain", "--at", "1999999999", &link]);
    assert_eq!(said.code, 2);
    assert!(
        said.out
            .contains("no public key for K2JCJMDEHXQW5F was given"),
        "{said:?}"
    );
    let hint = "hint: give the public key with --public-key ID=FILE, or the configuration";
    assert!(said.out.contains(hint), "{said:?}");
}

#[test]
fn links_come_from_standard_input() {
    let folder = Folder::new();
    let link = folder.sign(&[URL]).ok();
    let key = format!("{ID}=key.pub.pem");
    for arguments in [&["-"][..], &[]] {
        let explain = ["explain", "--public-key", &key, "--at", "1999999999"];
        let said = folder.pipe(&link, &[&explain[..], arguments].concat());
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[test]
fn json_says_the_same() {
    let folder = Folder::new();
    let link = folder.sign(&["--ip", "192.0.2.1", URL]).ok();
    let explain = |address| {
        let said = folder.explain(&["--json", "--ip", address, &link]);
        (said.code, serde_json::from_str::<Value>(&said.out).unwrap())
    };
    let (code, refused) = explain("192.0.2.2");
    assert_eq!(
        (code, &refused["verdict"], &refused["code"]),
        (1, &"refused".into(), &"AccessDenied".into())
    );
    let failed: Vec<&Value> = refused["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["outcome"] == "failed")
        .collect();
    assert_eq!((failed.len(), &failed[0]["name"]), (1, &"address".into()));
    let (code, opens) = explain("192.0.2.1");
    assert_eq!((code, &opens["verdict"]), (0, &"opens".into()));
    assert!(opens["policy"].as_str().unwrap().contains("192.0.2.1/32"));
}

#[test]
fn terminals_are_not_addressed_by_links() {
    let said =
        Folder::new().explain(&["https://host/a?Policy=\u{1b}[2J&Signature=x&Key-Pair-Id=\u{7}"]);
    assert!(
        !said
            .out
            .contains(|char: char| char.is_control() && char != '\n'),
        "{said:?}"
    );
}

/// A text of which only the beginning is examined is cut between two characters.
#[test]
fn m3_signatures_of_any_characters_are_refused() {
    let folder = Folder::new();
    for filler in 20..28 {
        for odd in ["\u{e9}", "\u{1f3ac}", "\u{202e}", "\u{9b}\u{2028}"] {
            let signature = format!("{}{odd}", "a".repeat(filler));
            let link = format!(
                "http://localhost/a?Expires=1999999999&Signature={signature}&Key-Pair-Id=K2JCJMDEHXQW5F"
            );
            let said = folder.explain(&["--json", &link]);
            assert_eq!(said.code, 1, "{said:?}");
            assert!(said.out.contains("MalformedSignature"), "{said:?}");
            assert!(!said.err.contains("panicked"), "{said:?}");
        }
    }
}

#[test]
fn keys_come_from_a_configuration() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["demo", "--once", "--dir", "data"]).code, 0);
    let (node, service) = (
        folder.read("data/privet.toml"),
        folder.read("data/service.toml"),
    );
    let (listeners, _) = node.split_once("[log]").unwrap();
    let buckets = "[buckets]\nfolder = 'buckets'\n";
    folder.write("data/whole.toml", &format!("{listeners}{buckets}{service}"));
    let config = ["explain", "--config", "data/whole.toml"];
    let explain = |url: &str| folder.run(&[&config[..], &[url]].concat());
    let entries = std::fs::read_dir(folder.path("data/keys")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let public = names
        .into_iter()
        .find(|name| name.ends_with(".pub.pem"))
        .unwrap();
    let id = public.trim_end_matches(".pub.pem");
    let key = format!("data/keys/{id}.pem");
    let sign = ["sign", "--key", &key, "--key-pair-id", id, "--for", "1h"];
    let sign = |url| folder.run(&[&sign[..], &[url]].concat()).ok();
    let elsewhere = explain(&sign("https://elsewhere.example/a"));
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
    let refused = "refused: 403, no distribution has the host elsewhere.example";
    assert!(elsewhere.out.contains(refused), "{elsewhere:?}");
    let open = explain("https://localhost/public/video.mp4");
    assert_eq!(open.code, 0, "{open:?}");
    assert!(open.out.contains("open to everybody"), "{open:?}");
    let said = explain(&sign("https://localhost/picture.jpg"));
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn the_exit_code_answers_without_a_reader() {
    let folder = Folder::new();
    let mut child = folder.command(&["explain", URL]).spawn().unwrap();
    drop((child.stdout.take(), child.stdin.take()));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
}

/// The edge refuses some spellings for which the signature is valid (fidelity note F38).
#[test]
fn a_path_that_servers_read_in_different_ways_is_named() {
    let folder = Folder::new();
    let hint = "in front of an HTTP server Privet refuses it with 403";
    for odd in ["a//b.jpg", "a;b.jpg", "a%2fb.jpg", "a%252e.jpg"] {
        let url = format!("https://d111111abcdef8.cloudfront.net/{odd}");
        let link = folder.sign(&[&url]).ok();
        let said = folder.explain(&[link.trim()]);
        assert!(said.out.contains(hint), "{odd}: {said:?}");
    }
    let link = folder.sign(&[URL]).ok();
    let said = folder.explain(&[link.trim()]);
    assert!(!said.out.contains(hint), "{said:?}");
}

const CONFIG: &str = "listeners = [{ address = '127.0.0.1:0' }]
public_keys = [{ id = 'K2JCJMDEHXQW5F', file = 'key.pub.pem' }]
key_groups = [{ id = 'viewers', public_keys = ['K2JCJMDEHXQW5F'] }]
[[distributions]]
id = 'E1'
domain_name = 'd111111abcdef8.cloudfront.net'
origins = [{ id = 'videos', folder = 'none' }]
default_behavior = { origin = 'videos', trusted_key_groups = ['viewers'] }
[[distributions]]
id = 'E2'
domain_name = 'off.example'
enabled = false
origins = [{ id = 'videos', folder = 'none' }]
default_behavior = { origin = 'videos' }
";

#[test]
fn d4_a_host_that_is_not_served_is_refused_by_name() {
    let folder = Folder::new();
    folder.write("privet.toml", CONFIG);
    for (host, reason) in [
        (
            "elsewhere.example",
            "no distribution has the host elsewhere.example",
        ),
        (
            "127.0.0.1:8080",
            "no distribution has the host 127.0.0.1:8080",
        ),
        (
            "off.example",
            "distribution E2, which has the host off.example, is disabled",
        ),
    ] {
        let link = folder.sign(&[&format!("https://{host}/a")]).ok();
        let said = folder.run(&["explain", link.trim()]);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
        assert!(
            said.out.contains(&format!("refused: 403, {reason}")),
            "{said:?}"
        );
        let said = folder.run(&["explain", "--json", link.trim()]);
        let json: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(
            (&json["verdict"], &json["code"]),
            (&"refused".into(), &Value::Null)
        );
        assert!(
            json["reason"].as_str().unwrap().starts_with(reason),
            "{json}"
        );
    }
}

#[test]
fn d8_tls_before_the_edge_is_named() {
    let folder = Folder::new();
    let hint = "the edge has no https listener";
    let link = folder.sign(&[URL]).ok();
    let says = |config: &str, link: &str| {
        folder.write("privet.toml", config);
        let said = folder.run(&["explain", "--at", "1999999999", link.trim()]);
        assert_eq!(said.code, 0, "{said:?}");
        said.out.contains(hint)
    };
    assert!(says(CONFIG, &link));
    let trusting = format!("edge = {{ trusted_proxies = ['127.0.0.1'] }}\n{CONFIG}");
    assert!(!says(&trusting, &link));
    let silent = trusting.replace("['127.0.0.1']", "['127.0.0.1'], forwarded_headers = 'none'");
    assert!(says(&silent, &link));
    let plain = folder.sign(&[&URL.replace("https", "http")]).ok();
    assert!(!says(CONFIG, &plain));
}

#[test]
fn l4_cookies_come_in_many_forms() {
    let folder = Folder::new();
    let sign = [
        "--cookies",
        "--resource",
        "https://d111111abcdef8.cloudfront.net/*",
    ];
    let header = folder.sign(&sign).ok();
    let header = header.trim();
    for form in ["json", "set-cookie", "cookie-jar"] {
        let cookies = folder
            .sign(
                &[
                    &sign[..],
                    &[
                        "--output",
                        form,
                        "--cookie-domain",
                        "d111111abcdef8.cloudfront.net",
                    ],
                ]
                .concat(),
            )
            .ok();
        assert_eq!(
            folder.explain(&["--cookies", &cookies, URL]).code,
            0,
            "{cookies}"
        );
    }
    for cookies in [
        header.to_owned(),
        format!("Cookie: {header}"),
        format!("\"{header}\""),
        format!("curl '{URL}' -H 'cookie: {header}'"),
    ] {
        let said = folder.explain(&["--cookies", &cookies, URL]);
        assert_eq!(said.code, 0, "{cookies}: {said:?}");
    }
    let quoted = header.replace('=', "=\"").replace("; ", "\"; ") + "\"";
    let said = folder.explain(&["--cookies", &quoted, URL]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out
            .contains("hint: the values of the cookies stand in quotes"),
        "{said:?}"
    );
}

#[test]
fn a_host_that_is_not_served_comes_with_what_to_do() {
    let folder = Folder::new();
    folder.write("privet.toml", CONFIG);
    for host in ["videos.example", "videos.example:8080"] {
        let said = folder.run(&["explain", &format!("http://{host}/a?b")]);
        assert_eq!(said.code, 1, "{said:?}");
        let hint =
            "hint: add videos.example to the aliases of the distribution that should serve it\n";
        assert!(said.out.contains(hint), "{said:?}");
    }
}
