//! `privet sign --playlist`: what it refuses, which URIs it signs, and that the links are valid.

use crate::cli::{Folder, Said};

const BASE: &str = "https://host/videos/talk/index.m3u8";
const LIST: &str =
    "#EXTM3U\r\n#EXT-X-MAP:URI=\"init.mp4\"\r\n#EXTINF:6,\r\n1.m4s\r\n#EXTINF:6,\r\n2.m4s?v=1\r\n";

fn sign(list: &str, arguments: &[&str]) -> Said {
    sign_in(&Folder::new(), list, arguments)
}

fn sign_in(folder: &Folder, list: &str, arguments: &[&str]) -> Said {
    folder.write("list", list);
    let mut all = vec!["--playlist", "list"];
    all.extend(arguments);
    folder.sign(&all)
}

#[test]
fn wrong_usage_is_2() {
    sign(LIST, &[]).fails(
        2,
        &[
            "error: the URL of the playlist is missing, or a resource\n",
            "hint: add --base https://",
        ],
    );
    for (arguments, words) in [
        (&["--each"][..], "--base"),
        (&["--base", BASE, "--shared"], "cannot be used with"),
        (&["--base", BASE, "--cookies"], "cannot be used with"),
        (&["--base", BASE, "--output", "json"], "cannot be used with"),
        (
            &["--base", BASE, "https://host/a"],
            "error: a playlist has its own URIs",
        ),
    ] {
        sign(LIST, arguments).fails(2, &[words]);
    }
    let folder = Folder::new();
    folder.sign(&["--base", BASE]).fails(2, &["--playlist"]);
    folder
        .sign(&["-o", "x", "https://host/a"])
        .fails(2, &["--playlist"]);
    let twice = folder.run(&[
        "sign",
        "--key",
        "-",
        "--key-pair-id",
        "K",
        "--for",
        "1h",
        "--playlist",
        "-",
        "--base",
        BASE,
    ]);
    twice.fails(2, &["standard input can be read only once"]);
}

#[test]
fn what_is_no_list_is_refused() {
    let folder = Folder::new();
    let sign = |list: &[u8]| {
        std::fs::write(folder.path("list"), list).unwrap();
        folder.sign(&["--playlist", "list", "--base", BASE])
    };
    sign(b"").fails(1, &["error: list: neither an m3u8 nor an mpd"]);
    sign(b"https://host/a\n").fails(1, &["neither an m3u8 nor an mpd"]);
    sign(b"#EXTM3U\n\xff").fails(1, &["error: list: not UTF-8 text"]);
    sign(b"<html/>").fails(
        1,
        &["error: list: not supported: a manifest that does not begin with MPD"],
    );
    sign(b"<MPD>").fails(1, &["not well-formed"]);
    sign(&vec![b'#'; (8 << 20) + 1]).fails(1, &["error: list has more than 8388608 bytes"]);
    folder
        .sign(&["--playlist", "none", "--base", BASE])
        .fails(1, &["error: cannot read none: no such file"]);
    folder.write("list", LIST);
    folder
        .sign(&["--playlist", "list", "--base", "ftp://host/a"])
        .fails(1, &["not an http or https URL"]);
}

/// Clients read `\` as `/`, and take what follows two of them for a host.
#[test]
fn no_grant_goes_to_a_host_in_disguise() {
    let list = "#EXTM3U\n//evil.net/1.ts\n\\\\evil.net/2.ts\n/\\evil.net/3.ts\n/\t/evil.net/4.ts\n\
        http:/evil.net/5.ts\nhttps:evil.net/6.ts\n#EXT-X-MAP:URI=\"\u{a0}//evil.net/7.mp4\"\n";
    for arguments in [
        &["--base", BASE][..],
        &["--base", BASE, "--each"],
        &["--resource", "https://host/videos/*"],
    ] {
        let said = sign(list, &[arguments, &["--quiet"]].concat());
        assert_eq!(said.ok(), list, "{arguments:?}");
    }
}

#[test]
fn one_signature_for_the_folder_stands_on_every_uri() {
    let folder = Folder::new();
    let signed = sign_in(
        &folder,
        LIST,
        &["--base", &format!("{BASE}?Policy=x&Signature=y#z")],
    )
    .ok();
    let parameters = signed
        .split_once("init.mp4?")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(parameters, _)| parameters.to_owned())
        .unwrap();
    assert!(parameters.starts_with("Policy="), "{signed}");
    assert_eq!(signed.matches(&parameters).count(), 3);
    assert_eq!(
        signed
            .replace(&format!("?{parameters}"), "")
            .replace(&format!("&{parameters}"), ""),
        LIST
    );
    for uri in ["init.mp4?", "1.m4s?", "2.m4s?v=1&"] {
        let link = format!("https://host/videos/talk/{uri}{parameters}");
        folder.explain(&[&link]).ok();
    }
    let outside = format!("https://host/videos/other/1.m4s?{parameters}");
    assert_eq!(folder.explain(&[&outside]).code, 1);
}

#[test]
fn each_uri_can_have_its_own() {
    let folder = Folder::new();
    folder.take("p256.pkcs8.pem", "key.pem");
    let signed = sign_in(&folder, LIST, &["--base", BASE, "--each"]).ok();
    let uris: Vec<&str> = signed
        .lines()
        .map(|line| {
            line.trim_start_matches("#EXT-X-MAP:URI=\"")
                .trim_end_matches('"')
        })
        .filter(|line| !line.starts_with('#'))
        .collect();
    let starts = [
        "init.mp4?Expires=2000000000&",
        "1.m4s?Expires=2000000000&",
        "2.m4s?v=1&Expires=2000000000&",
    ];
    assert_eq!(uris.len(), starts.len());
    let public = folder.run(&["key", "public", "key.pem"]).ok();
    folder.write("key.pub.pem", &public);
    for (uri, start) in uris.iter().zip(starts) {
        assert!(uri.starts_with(start), "{uri}");
        folder
            .explain(&[&format!("https://host/videos/talk/{uri}")])
            .ok();
    }
}

#[test]
fn manifests_are_lists_too() {
    let manifest = "<?xml version='1.0'?>\n<MPD><Period><AdaptationSet>\
                    <SegmentTemplate media='$RepresentationID$/$Number%05d$.m4s' initialization=\"i.mp4\"/>\
                    <Representation id='v'/></AdaptationSet></Period></MPD>\n";
    let folder = Folder::new();
    let signed = sign_in(&folder, manifest, &["--base", "https://host/a/m.mpd"]).ok();
    assert_eq!(signed.matches("?Policy=").count(), 2);
    let each = sign_in(
        &folder,
        manifest,
        &["--base", "https://host/a/m.mpd", "--each"],
    )
    .ok();
    assert!(
        each.contains("initialization=\"i.mp4?Expires=2000000000&amp;Signature="),
        "{each}"
    );
    let template = each
        .split_once("media='$RepresentationID$/$Number%05d$.m4s?")
        .and_then(|(_, rest)| rest.split_once('\''))
        .map(|(parameters, _)| parameters.replace("&amp;", "&"))
        .unwrap();
    folder
        .explain(&[&format!("https://host/a/v/00001.m4s?{template}")])
        .ok();
    let said = folder.explain(&[&format!("https://host/a/v/00001.mp4?{template}")]);
    assert_eq!(said.code, 1);
}

#[test]
fn other_hosts_are_left_and_said() {
    let list = "#EXTM3U\nhttps://other/1.ts\nhttps://host/videos/talk/2.ts\n";
    let said = sign(list, &["--base", BASE]);
    assert_eq!(said.code, 0, "{said:?}");
    said.mentions(&["note: URIs on other hosts, left unchanged: 1\n"]);
    assert!(
        said.out
            .contains("https://other/1.ts\nhttps://host/videos/talk/2.ts?Policy="),
        "{said:?}"
    );
    let said = sign(
        "#EXTM3U\nhttps://other/1.ts\n",
        &["--base", BASE, "--each", "--quiet"],
    );
    assert_eq!(said.ok(), "#EXTM3U\nhttps://other/1.ts\n");
}

#[test]
fn what_the_grant_does_not_cover_is_left_and_refused() {
    let list = format!("#EXTM3U\n1.ts\n{}2.ts?Expires=1\n", "../a.ts\n".repeat(12));
    let said = sign(&list, &["--base", BASE]);
    assert_eq!(said.code, 1, "{said:?}");
    said.mentions(&[
        "error: ../a.ts: ",
        "does not cover",
        "error: 3 more URIs were refused",
    ]);
    assert_eq!(said.out.matches("Signature=").count(), 1);
    assert_eq!(said.out.lines().count(), list.lines().count());
}

#[test]
fn a_resource_needs_no_base() {
    let said = sign(LIST, &["--resource", "https://host/videos/*"]);
    assert_eq!(said.ok().matches("?Policy=").count(), 2);
}

#[test]
fn queries_that_clients_shorten_are_written_as_they_are_sent() {
    let said = sign("#EXTM3U\na.ts?\n", &["--base", BASE]);
    assert!(
        said.ok()
            .contains("\nhttps://host/videos/talk/a.ts?Policy=")
    );
}

#[test]
fn lists_come_from_standard_input_and_go_to_a_file() {
    let folder = Folder::new();
    let arguments = ["--playlist", "-", "--base", BASE, "-o", "signed.m3u8"];
    assert_eq!(folder.sign_lines(LIST, &arguments).ok(), "");
    assert_eq!(folder.read("signed.m3u8").matches("Policy=").count(), 3);
    let nowhere = ["--playlist", "-", "--base", BASE, "-o", "none/signed.m3u8"];
    folder
        .sign_lines(LIST, &nowhere)
        .fails(1, &["error: cannot write none/signed.m3u8: no such file"]);
    let said = folder.sign_lines("#EXTM3U\n", &["--playlist", "-", "--base", BASE]);
    assert_eq!((said.code, said.out.as_str()), (0, "#EXTM3U\n"));
    said.mentions(&["note: no URI of the playlist was signed"]);
}
