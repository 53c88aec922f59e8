//! `privet sign`: its fixed form, its refusals, keys, cookies and streams.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::cli::{Folder, ID, URL};

/// Output of botocore for [`URL`], the expiry 2000000000 and the RSA key.
const SIGNED: &str = "https://d111111abcdef8.cloudfront.net/images/image.jpg?Expires=2000000000&Signature=IDd~tK6unbyjupaHzNf1~ZcxSWBM~gFsJemmtyEhELIZzV0UlLFRR7jGfZWqavp3eMLE~cpI1ftg4Hxj9dO5KvEBxna3R~CWRjQs2YIsw0ruhVdZiz1-sGSNt-7Fa9KYElejKOU2Yv9nttD0TxDRRUwfZSzFKt6FQqPXpj3fcRkFBc7sSpMY5J0swpSgxgvc1WekYOMru74qgVOgfnZfKwFQ4A061vR1Tj4W3Y1ZZaUNA0VMYqeqkv1bIBxr2YqJJEa04s2j2f3UIwpaQCK1L7Egu~VsEF--F6eb6u4RTjE0R10xQVs~cRy1IoxLJKbm3LdQ9DmFmw8JK04x6WCuGg__&Key-Pair-Id=K2JCJMDEHXQW5F\n";

#[test]
fn an_end_is_needed() {
    let folder = Folder::new();
    let said = folder.run(&["sign", "--key", "key.pem", "--key-pair-id", ID, URL]);
    said.fails(
        2,
        &[
            "error: the link has no expiry\n",
            "hint: add --for 2h, --until ",
        ],
    );
}

/// The note is like ssh's: everybody who can read the key can make links.
#[test]
fn d15_a_key_that_others_can_read_is_noted() {
    let folder = Folder::new();
    let key = folder.path("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let said = folder.sign(&[URL]);
    assert_eq!((said.code, said.out.as_str()), (0, SIGNED));
    assert_eq!(
        said.err,
        "note: others can read key.pem (mode 0644): run chmod 600 key.pem\n"
    );
    folder.sign(&["--quiet", URL]).ok();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    folder.sign(&[URL]).ok();
}

#[test]
fn d15_usage_says_that_an_end_is_needed() {
    let said = Folder::new().run(&["sign", "--help"]).ok();
    assert!(said.contains("(--for DURATION | --until TIME | --policy FILE)"));
}

fn check_usage(arguments: &[&str], words: &[&str]) {
    Folder::new().sign(arguments).fails(2, words);
}

#[test]
fn wrong_usage_is_2() {
    check_usage(&["--for", "2h", URL], &["cannot be used with"]);
    check_usage(&["--policy", "-", URL], &["cannot be used with"]);
    check_usage(
        &["--shared", URL],
        &["error: a shared signature needs a resource"],
    );
    check_usage(&["--shared", "--cookies", URL], &["cannot be used with"]);
    check_usage(&["--cookies", URL, URL], &["cookies are made for one URL"]);
    check_usage(
        &["--output", "cookie-jar", URL],
        &["--output cookie-jar is for --cookies"],
    );
    check_usage(&["--same-site", "lax", URL], &["--cookies"]);
    check_usage(&[URL, "-"], &["error: - means URLs from standard input"]);
    check_usage(&["--ip", "2001:db8::1", URL], &["IPv4 only"]);
    check_usage(&["--hash", "md5", URL], &["invalid value 'md5'"]);
    check_usage(
        &["--external-signer", "true", URL],
        &["cannot be used with"],
    );
}

fn check_refused(arguments: &[&str], words: &[&str]) {
    Folder::new().sign(arguments).fails(1, words);
}

#[test]
fn what_cannot_work_is_1() {
    check_refused(&["ftp://host/a"], &["error: not an http or https URL"]);
    check_refused(&["https://b.s3.amazonaws.com/a"], &["is the bucket itself"]);
    check_refused(
        &["https://host/a?Expires=1"],
        &["its own parameter named Expires"],
    );
    check_refused(
        &["https://host/*"],
        &["'*' needs a resource", "hint: add --resource"],
    );
    check_refused(
        &["--resource", "*", URL],
        &["covers every host", "hint: add --allow-broad"],
    );
    check_refused(&["--resource", "https://other/*", URL], &["does not cover"]);
    check_refused(&["--from", "2000000001", URL], &["never be valid"]);
    check_refused(&["--strict", "https://HOST/a"], &["give https://host/a"]);
    check_refused(
        &["--cookies"],
        &["cookies need the URL", "hint: add --resource"],
    );
    check_refused(&["--stream", "rtmp://host/a"], &["not a stream name"]);
}

#[test]
fn keys_that_cannot_work_are_1() {
    let folder = Folder::new();
    let sign = |key: &str| {
        folder.run(&[
            "sign",
            "--key",
            key,
            "--key-pair-id",
            ID,
            "--for",
            "2h",
            URL,
        ])
    };
    sign("none.pem").fails(1, &["error: cannot read none.pem: no such file"]);
    sign("key.pub.pem").fails(1, &["error: key.pub.pem: this is a public key"]);
    folder.take("rsa4096.pem", "large.pem");
    sign("large.pem").fails(1, &["this key is RSA 4096", "hint: add --allow-legacy"]);
    folder.take("p384.pkcs8.pem", "p384.pem");
    sign("p384.pem").fails(1, &["P-256"]);
    folder.write("huge.pem", &"x".repeat(70_000));
    sign("huge.pem").fails(1, &["error: huge.pem has more than 65536 bytes"]);
}

#[test]
fn the_plain_link_is_that_of_botocore() {
    assert_eq!(Folder::new().sign(&[URL]).ok(), SIGNED);
    assert_eq!(Folder::new().sign(&["--", URL]).ok(), SIGNED);
}

#[test]
fn keys_come_from_standard_input_and_environment() {
    let folder = Folder::new();
    let key = folder.read("key.pem");
    let arguments = |name| {
        [
            "sign",
            "--key",
            name,
            "--key-pair-id",
            ID,
            "--until",
            "2000000000",
            URL,
        ]
    };
    assert_eq!(folder.pipe(&key, &arguments("-")).ok(), SIGNED);
    let said = folder.run_with("", &[("KEY", key.as_str())], &arguments("env:KEY"));
    assert_eq!(said.ok(), SIGNED);
    let twice = folder.pipe(&key, &arguments("-")[..7]);
    twice.fails(2, &["standard input can be read only once"]);
}

#[test]
fn encrypted_keys_take_a_passphrase() {
    let folder = Folder::new();
    folder.take("rsa2048.enc-pkcs8.pem", "key.pem");
    folder.write("passphrase", "test\n");
    folder.write("wrong", "tset");
    folder
        .sign(&[URL])
        .fails(1, &["encrypted", "hint: add --passphrase-file FILE"]);
    folder
        .sign(&["--passphrase-file", "wrong", URL])
        .fails(1, &["check the passphrase"]);
    assert_eq!(
        folder.sign(&["--passphrase-file", "passphrase", URL]).ok(),
        SIGNED
    );
    let arguments = [
        "sign",
        "--key",
        "key.pem",
        "--key-pair-id",
        ID,
        "--until",
        "2000000000",
        URL,
    ];
    let said = folder.run_with("", &[("PRIVET_KEY_PASSPHRASE", "test")], &arguments);
    assert_eq!(said.ok(), SIGNED);
}

#[test]
fn changed_urls_are_notes() {
    let folder = Folder::new();
    let url = "https://HOST/a b#t=1";
    let said = folder.sign(&[url]);
    assert!(
        said.out.starts_with("https://host/a%20b?Expires="),
        "{said:?}"
    );
    assert_eq!((said.code, said.err.lines().count()), (0, 3), "{said:?}");
    said.mentions(&[
        "note: the host HOST is sent as host",
        "note: the fragment was cut",
    ]);
    let quiet = folder.sign(&["--quiet", url]).ok();
    assert_eq!(quiet, said.out);
}

#[test]
fn policies_can_be_ready_made() {
    let folder = Folder::new();
    let policy = r#"{ "Statement": [{ "Resource": "https://host/*",
        "Condition": { "DateLessThan": { "AWS:EpochTime": 2000000000 } } }] }"#;
    folder.write("policy.json", policy);
    folder.write("bad.json", "{}");
    let sign = |file, url| {
        let arguments = [
            "sign",
            "--key",
            "key.pem",
            "--key-pair-id",
            ID,
            "--policy",
            file,
            url,
        ];
        folder.pipe(policy, &arguments)
    };
    sign("bad.json", "https://host/a").fails(1, &["the policy would be refused"]);
    sign("policy.json", "https://other/a").fails(1, &["does not cover"]);
    let link = sign("policy.json", "https://host/a").ok();
    assert_eq!(link, sign("-", "https://host/a").ok());
    assert_eq!(folder.explain(&[&link]).code, 0);
}

#[test]
fn rounding_makes_links_repeat() {
    let folder = Folder::new();
    let sign = |until| {
        let key = [
            "sign",
            "--key",
            "key.pem",
            "--key-pair-id",
            ID,
            "--round",
            "15m",
        ];
        folder
            .run(&[&key[..], &["--until", until, URL]].concat())
            .ok()
    };
    assert_eq!(sign("1999999001"), sign("1999999800"));
    assert!(sign("1999999001").contains("Expires=1999999800&"));
}

#[test]
fn stream_names_are_signed() {
    let link = Folder::new()
        .sign(&["--stream", "mp4:videos/talk.mp4"])
        .ok();
    assert!(link.starts_with("mp4:videos/talk.mp4?Expires=2000000000&Signature="));
}

#[test]
fn links_have_other_forms() {
    let folder = Folder::new();
    let signed = SIGNED.trim();
    let json: Value = serde_json::from_str(&folder.sign(&["--output", "json", URL]).ok()).unwrap();
    assert_eq!(
        (json["url"].as_str(), json["input"].as_str()),
        (Some(signed), Some(URL))
    );
    let curl = folder.sign(&["--output", "curl", URL]).ok();
    assert_eq!(curl, format!("curl --globoff '{signed}'\n"));
    let quoted = folder.sign(&["--output", "curl", "https://host/it's"]).ok();
    assert!(
        quoted.starts_with(r"curl --globoff 'https://host/it'\''s?"),
        "{quoted}"
    );
}

#[test]
fn sha256_is_announced() {
    let folder = Folder::new();
    let link = folder.sign(&["--hash", "sha256", URL]).ok();
    assert!(link.ends_with("&Hash-Algorithm=SHA256\n"));
    assert_eq!(folder.explain(&[&link]).code, 0);
}

fn cookies(folder: &Folder, arguments: &[&str]) -> crate::cli::Said {
    let resource = ["--cookies", "--resource", "https://host/videos/*"];
    folder.sign(&[&resource[..], arguments].concat())
}

#[test]
fn cookies_that_browsers_drop_are_refused() {
    let folder = Folder::new();
    let set_cookie = [
        "--output",
        "set-cookie",
        "--no-secure",
        "--same-site",
        "none",
    ];
    cookies(&folder, &set_cookie).fails(1, &["not Secure", "hint: leave out --no-secure"]);
    let path = ["--output", "cookie-jar", "--cookie-path", "/videos/*"];
    cookies(&folder, &path).fails(1, &["cookie attribute Path"]);
}

#[test]
fn cookies_open_what_the_resource_covers() {
    let folder = Folder::new();
    let header = cookies(&folder, &[]).ok();
    assert!(header.starts_with("CloudFront-Policy="), "{header}");
    let explain = |url| folder.explain(&["--cookies", header.trim(), url]).code;
    assert_eq!(explain("https://host/private/a.ts"), 1);
    assert_eq!(explain("https://host/videos/a.ts"), 0);
}

#[test]
fn cookies_have_other_forms() {
    let folder = Folder::new();
    let header = cookies(&folder, &[]).ok();
    let lines = cookies(&folder, &["--output", "set-cookie", "--same-site", "lax"]).ok();
    assert_eq!(lines.lines().count(), 3);
    for line in lines.lines() {
        assert!(line.starts_with("Set-Cookie: CloudFront-"), "{line}");
        assert!(
            line.ends_with("; Path=/; SameSite=Lax; Secure; HttpOnly"),
            "{line}"
        );
    }
    let curl = cookies(&folder, &["--output", "curl", "https://host/videos/a.ts"]).ok();
    let expected = format!(
        "curl --globoff -b '{}' 'https://host/videos/a.ts'\n",
        header.trim()
    );
    assert_eq!(curl, expected);
    let json = cookies(&folder, &["--output", "json"]).ok();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["header"].as_str(), Some(header.trim()));
    assert_eq!(json["cookies"]["CloudFront-Key-Pair-Id"].as_str(), Some(ID));
    let jar = cookies(&folder, &["--output", "cookie-jar"]).ok();
    let columns: Vec<&str> = jar.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!(
        columns[..6],
        [
            "#HttpOnly_host",
            "FALSE",
            "/",
            "TRUE",
            "0",
            "CloudFront-Policy"
        ]
    );
    let wild = [
        "--cookies",
        "--resource",
        "https://*.host/a/*",
        "--output",
        "cookie-jar",
    ];
    folder.sign(&wild).fails(
        2,
        &["a cookie jar needs a host", "hint: add --cookie-domain"],
    );
}

fn external(folder: &Folder, command: &str) -> crate::cli::Said {
    let id = [
        "sign",
        "--key-pair-id",
        ID,
        "--until",
        "2000000000",
        "--public-key",
        "key.pub.pem",
    ];
    folder.run(&[&id[..], &["--external-signer", command, URL]].concat())
}

#[test]
fn external_signers_are_checked() {
    let folder = Folder::new();
    external(&folder, "exit 3").fails(
        1,
        &["the external signer failed: it ended with exit status: 3"],
    );
    external(&folder, "echo '!'").fails(1, &["its output is not base64"]);
    external(&folder, "echo AAAA").fails(1, &["its signature does not verify"]);
    external(&folder, "true").fails(1, &["its output is not base64"]);
}

#[test]
fn external_signers_sign() {
    let folder = Folder::new();
    // The response of openssl to the digest of the canned policy, replayed.
    let signature = SIGNED.split(['=', '&']).nth(3).unwrap();
    let base64 = signature
        .replace('-', "+")
        .replace('_', "=")
        .replace('~', "/");
    folder.write("answer", &base64);
    let replay = "read hash hex; test $hash = sha1 -a ${#hex} = 40 && fold -w 64 answer";
    assert_eq!(external(&folder, replay).ok(), SIGNED);
}

/// Checks that signing succeeds with these notes, and that --quiet omits them.
#[track_caller]
fn check_noted(arguments: &[&str], notes: &[&str]) {
    let folder = Folder::new();
    let sign = ["sign", "--key", "key.pem", "--key-pair-id", ID];
    let said = folder.run(&[&sign[..], arguments].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.err.lines().count(), notes.len(), "{said:?}");
    for note in notes {
        assert!(
            said.err.contains(&format!("note: {note}")),
            "{note}: {said:?}"
        );
    }
    let quiet = folder.run(&[&sign[..], &["--quiet"], arguments].concat());
    assert_eq!((quiet.err.as_str(), quiet.code), ("", 0));
}

#[test]
fn d6_links_that_have_ended_are_noted() {
    let ended = "this link expired at 2020-01-01T00:00:00Z, and opens nothing; give a later expiry";
    check_noted(&["--until", "2020-01-01", URL], &[ended]);
    check_noted(&["--until", "2020-01-01", URL, URL], &[ended]);
    check_noted(&["--until", "now", URL], &["this link expired at "]);
    let shared = [
        "--until",
        "2020-01-01",
        "--shared",
        "--resource",
        "https://d111111abcdef8.cloudfront.net/*",
        URL,
    ];
    check_noted(&shared, &[ended]);
    let cookies = ["--until", "2020-01-01", "--cookies", URL];
    check_noted(&cookies, &["these cookies expired at 2020-01-01"]);
    check_noted(
        &["--until", "2147483648", URL],
        &["CloudFront accepts no expiry after 2038-01-19"],
    );
    check_noted(&["--until", "2147483647", URL], &[]);
}

#[test]
fn d6_links_of_playlists_alone_are_noted() {
    let video = "https://d111111abcdef8.cloudfront.net/a/talk.mp4";
    let check = |path: &str, more: &[&str], note: Option<&str>| {
        let url = format!("{video}{path}");
        let arguments = [&["--for", "1h", url.as_str()][..], more].concat();
        check_noted(&arguments, note.as_slice());
    };
    let sign =
        format!("this opens the playlist only, and none of its segments: sign {video}, and add ");
    for path in [
        "/hls/master.m3u8",
        "/hls/ts.m3u8",
        "/hls/t1/media.m3u8",
        "/dash/manifest.mpd",
    ] {
        check(
            path,
            &[],
            Some(&format!("{sign}{path} to the path of that link")),
        );
    }
    check(
        "/hls/master.m3u8?path_token=1",
        &[],
        Some(&format!("{sign}/hls/master.m3u8 to the path of that link")),
    );
    check("", &[], None);
    check("/hls/t1/init.mp4", &[], None);
    check(
        "/hls/master.m3u8",
        &["--resource", &format!("{video}*")],
        None,
    );
    let ready = "https://d111111abcdef8.cloudfront.net/live/index.M3U8";
    let add = "this opens the playlist only, and none of its segments: add --resource 'https://d111111abcdef8.cloudfront.net/live/*'";
    check_noted(&["--for", "1h", ready], &[add]);
    check_noted(&["--for", "1h", "--ip", "192.0.2.1", ready], &[add]);
}

#[test]
fn noted_cookies_of_another_host() {
    let cookies = ["--for", "1h", "--cookies", "--cookie-domain"];
    let check = |domain: &str, notes: &[&str]| {
        for covered in [
            &[URL][..],
            &["--resource", "https://d111111abcdef8.cloudfront.net/*"],
        ] {
            check_noted(&[&cookies[..], &[domain], covered].concat(), notes);
        }
    };
    check(
        "other.test",
        &["browsers do not send cookies of the domain other.test to d111111abcdef8.cloudfront.net"],
    );
    check("d111111abcdef8.cloudfront.net", &[]);
    check("cloudfront.net", &[]);
}

#[test]
fn json_is_the_same_as_output_json() {
    let folder = Folder::new();
    let json = folder.sign(&["--output", "json", URL]).ok();
    assert_eq!(folder.sign(&["--json", URL]).ok(), json);
    let cookies = ["--cookies", "--resource", URL];
    let json = folder
        .sign(&[&cookies[..], &["--output", "json"]].concat())
        .ok();
    assert_eq!(
        folder.sign(&[&cookies[..], &["--json"]].concat()).ok(),
        json
    );
    folder
        .sign(&["--json", "--output", "plain", URL])
        .fails(2, &["cannot be used with"]);
}

#[test]
fn a_key_that_is_not_there_comes_with_what_to_do() {
    let folder = Folder::new();
    let sign = |key: &str| {
        folder.run(&[
            "sign",
            "--key",
            key,
            "--key-pair-id",
            ID,
            "--for",
            "1h",
            URL,
        ])
    };
    sign("nope.pem").fails(
        1,
        &[
            "error: cannot read nope.pem: no such file or directory",
            "hint: make a key with: privet key create",
        ],
    );
    let said = sign("env:PRIVET_TEST_NOT_SET");
    assert!(!said.err.contains("hint:"), "{said:?}");
}
