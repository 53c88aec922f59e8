//! What real clients make of a link that may be used once: however many requests they send, it is one use, and nobody
//! else gets in.

use crate::support::*;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Length of the object that downloaders fetch, in several parts.
const SIZE_BYTES: usize = 24 * 1024 * 1024;
/// A file that may not become longer stops a download.
const CUT_AT_BYTES: usize = 9_000_000;
const LIMIT: Duration = Duration::from_secs(90);
const STRANGER: &str = "127.0.0.99";

/// An edge whose links real clients open, by its IP address and by a name that only the browsers of the tests know.
struct Opened {
    edge: StoredEdge,
    browsers: SocketAddr,
}

/// A one-time link.
struct Link {
    id: String,
    url: String,
}

impl Opened {
    fn start() -> Self {
        let mut edge = StoredEdge::new("file = \"privet.db\"");
        let browsers = free_address();
        edge.configure(&edge.listener("https", browsers));
        edge.make_operator();
        edge.start();
        fs::write(edge.path("bucket/large.bin"), patterned()).unwrap();
        edge.write("bucket/page.html", "<!doctype html><p>the talk</p>");
        fs::create_dir(edge.path("bucket/clips")).unwrap();
        edge.create("/v1/keys", &stored_key("KRSA", "rsa2048.pub.pem"));
        let group = json!({ "id": "viewers", "public_keys": ["KRSA"] });
        edge.create("/v1/key-groups", &group);
        let made = rcgen::generate_simple_self_signed([VIDEO_HOST.to_owned()]).unwrap();
        let certificate = json!({
            "id": "tls",
            "chain_pem": made.cert.pem(),
            "key_pem": made.signing_key.serialize_pem(),
        });
        edge.create("/v1/certificates", &certificate);
        let mut distribution = stored_distribution("E1", VIDEO_HOST, &edge.path("bucket"));
        distribution["aliases"] = json!([edge.http().ip().to_string()]);
        distribution["certificate"] = json!("tls");
        distribution["default_behavior"]["trusted_key_groups"] = json!(["viewers"]);
        let made = edge.create("/v1/distributions", &distribution);
        edge.until_applied(made, 1);
        Opened { edge, browsers }
    }

    /// Copies a clip to where links can name it.
    fn with_clip(self, clip: &str) -> Self {
        let place = self.edge.path(&format!("bucket/clips/{clip}"));
        fs::copy(clip_file(clip), place).unwrap();
        self
    }

    fn link(&self, path: &str, number: usize) -> Link {
        let url = format!("http://{}{path}", self.edge.http());
        self.link_to(&url, number)
    }

    /// Makes a link for an object and everything made of it.
    fn link_to(&self, url: &str, number: usize) -> Link {
        let (_, rest) = url.split_once("://").unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        let object = path.split("/hls/").next().unwrap();
        let policy = limited_policy(&format!("http*://*/{object}*"), LATER, number);
        let url = with_policy(url, &policy);
        Link {
            id: self.edge.register_one_time(&url),
            url,
        }
    }

    fn uses(&self, link: &Link) -> Value {
        let target = format!("/v1/links/{}", link.id);
        let shown = self.edge.v1("GET", &target, &Value::Null);
        shown.json["uses"].clone()
    }

    /// Checks that the link was used once, and opens for nobody else.
    #[track_caller]
    fn is_one_use(&self, link: &Link, client: &str) {
        assert_eq!(self.uses(link), json!(1), "{client}");
        let (_, target) = link.url.split_once("://").unwrap();
        let target = target.split_once('/').unwrap().1;
        let ask = Ask::get(format!("http://{}/{target}", self.edge.http()))
            .header("User-Agent", "curl/8.5.0")
            .header("Accept", "*/*")
            .by_address(STRANGER);
        let refused = Viewer::plain(self.edge.http(), ask.source).ask(&ask);
        assert_eq!(refused.status(), 403, "{client}");
        assert_eq!(self.uses(link), json!(1), "{client}");
    }

    fn file(&self) -> PathBuf {
        self.edge.path("downloaded")
    }

    /// Checks that a downloader has the whole object, and forgets it.
    #[track_caller]
    fn has_downloaded(&self, client: &str) {
        let bytes = fs::read(self.file()).unwrap();
        assert!(bytes == patterned(), "{client}: {} bytes", bytes.len());
        fs::remove_file(self.file()).unwrap();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Returns bytes of which no part is like another one.
fn patterned() -> Vec<u8> {
    let words = (0..SIZE_BYTES as u32 / 4).map(|number| number.wrapping_mul(2_654_435_761));
    words.flat_map(u32::to_be_bytes).collect()
}

/// Returns true if a program is in one of the folders of programs; otherwise it is said that its part is left out.
fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap();
    let is_installed = env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !is_installed {
        eprintln!("SKIPPED: {program} is not installed");
    }
    is_installed
}

/// Runs a downloader with these arguments.
fn downloader(program: &str, arguments: &[&str], folder: &StoredEdge) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path("."));
    run_within(&mut command, LIMIT)
}

#[test]
fn downloaders_use_a_link_once() {
    let opened = Opened::start();
    let downloads: [(&str, &[&str]); 4] = [
        ("curl", &["-sSf", "-o", "downloaded"]),
        ("wget", &["-q", "-O", "downloaded"]),
        (
            "aria2c",
            &[
                "-q",
                "--no-conf",
                "-x8",
                "-s8",
                "--min-split-size=1M",
                "-o",
                "downloaded",
            ],
        ),
        (
            "yt-dlp",
            &[
                "-q",
                "--ignore-config",
                "--no-cache-dir",
                "--no-part",
                "-o",
                "downloaded",
            ],
        ),
    ];
    for (number, (program, arguments)) in downloads.into_iter().enumerate() {
        if !is_installed(program) {
            continue;
        }
        let link = opened.link("/large.bin", number);
        let ran = downloader(program, &[arguments, &[&link.url]].concat(), &opened.edge);
        assert!(ran.status.success(), "{program}: {}", ran.errors());
        opened.has_downloaded(program);
        opened.is_one_use(&link, program);
    }
}

#[test]
fn a_download_that_was_cut_goes_on_with_its_use() {
    let opened = Opened::start();
    let resumed: [(&str, &[&str]); 3] = [
        ("curl", &["-sSf", "-C", "-", "-o", "downloaded"]),
        ("wget", &["-q", "-c", "-O", "downloaded"]),
        (
            "aria2c",
            &[
                "-q",
                "--no-conf",
                "-c",
                "--file-allocation=none",
                "-x1",
                "-o",
                "downloaded",
            ],
        ),
    ];
    for (number, (program, arguments)) in resumed.into_iter().enumerate() {
        if !is_installed(program) {
            continue;
        }
        let link = opened.link("/large.bin", number);
        let arguments = [arguments, &[&link.url]].concat();
        let size = format!("--fsize={CUT_AT_BYTES}");
        let cut = [&[size.as_str(), program], &arguments[..]].concat();
        let ran = downloader("prlimit", &cut, &opened.edge);
        assert!(!ran.status.success(), "{program} was not cut");
        let length = fs::metadata(opened.file()).unwrap().len();
        assert!(
            (1..SIZE_BYTES as u64).contains(&length),
            "{program}: {length}"
        );
        let ran = downloader(program, &arguments, &opened.edge);
        assert!(ran.status.success(), "{program}: {}", ran.errors());
        opened.has_downloaded(program);
        opened.is_one_use(&link, program);
    }
}

#[test]
fn players_use_a_link_once() {
    let opened = Opened::start().with_clip("talk.mp4");
    for (number, program) in [Program::Mpv, Program::Vlc].into_iter().enumerate() {
        let name = format!("{program:?}").to_lowercase();
        if !is_installed(&name) {
            continue;
        }
        let link = opened.link("/clips/talk.mp4", number);
        let mut player = Player::start(program);
        player.open(&link.url);
        assert_plays(&mut player, &program);
        drop(player);
        opened.is_one_use(&link, &name);
    }
}

/// Playlists and segments of a video are one use, by path tokens as by the link itself.
#[test]
fn hls_uses_a_link_once() {
    let opened = Opened::start().with_clip("talk.mp4");
    for (number, query) in ["&path_token=1", ""].into_iter().enumerate() {
        let link = opened.link("/clips/talk.mp4/hls/master.m3u8", number);
        let url = format!("{}{query}", link.url);
        let arguments = ["-v", "error", "-i", &url, "-c", "copy", "-f", "null", "-"];
        let ran = downloader("ffmpeg", &arguments, &opened.edge);
        assert!(ran.is_clean(), "{query}: {}", ran.errors());
        opened.is_one_use(&link, query);
    }
}

/// The redirect to a path token opens the object, and so it is the use.
#[test]
fn a_path_token_is_no_way_around_a_limit() {
    let opened = Opened::start().with_clip("talk.mp4");
    let ask = |link: &str, address: &str| {
        let ask = Ask::get(format!("{link}&path_token=1"))
            .header("User-Agent", "curl/8.5.0")
            .by_address(address);
        Viewer::plain(opened.edge.http(), ask.source).ask(&ask)
    };
    let link = opened.link("/clips/talk.mp4/hls/master.m3u8", 1);
    assert_eq!(ask(&link.url, "127.0.0.2").status(), 302);
    assert_eq!(ask(&link.url, STRANGER).status(), 403);
    opened.is_one_use(&link, "with a token");
    // Of responses to a token nobody counts the bytes.
    let playlist = format!(
        "http://{}/clips/talk.mp4/hls/master.m3u8",
        opened.edge.http()
    );
    let policy = limited_policy("http*://*/clips/*", LATER, 2);
    let bytes = with_policy(&playlist, &policy);
    let form = json!({ "link": bytes, "limits": { "bytes": 10_000_000 } });
    let made = opened.edge.v1("POST", "/v1/links", &form);
    assert_eq!(made.status, 201, "{}", made.json);
    let answer = ask(&bytes, "127.0.0.2");
    assert_eq!(answer.status(), 200);
    assert!(answer.text().starts_with("#EXTM3U"), "{}", answer.text());
}

/// Header fields of players of phones, with the ranges that they ask for one after another.
const PHONES: [(&str, &[(&str, &str)]); 3] = [
    (
        "bytes=0-1",
        &[
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            (
                "User-Agent",
                "AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5_1 like Mac OS X; ja_jp)",
            ),
            (
                "X-Playback-Session-Id",
                "0F7D4A8B-5B0D-4E5B-9C57-2B9A3C6E1D10",
            ),
        ],
    ),
    (
        "bytes=0-",
        &[
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity;q=1, *;q=0"),
            ("Sec-Fetch-Dest", "video"),
            ("Sec-Fetch-Mode", "no-cors"),
            ("Sec-Fetch-Site", "same-origin"),
            (
                "User-Agent",
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile \
                 Safari/537.36",
            ),
        ],
    ),
    (
        "bytes=0-65535",
        &[(
            "User-Agent",
            "ExoPlayerDemo/2.19.1 (Linux;Android 14) ExoPlayerLib/2.19.1",
        )],
    ),
];

#[test]
fn the_ranges_of_a_phone_are_one_use() {
    let opened = Opened::start();
    let whole = patterned();
    for (number, (first, fields)) in PHONES.into_iter().enumerate() {
        let link = opened.link("/large.bin", number);
        let last = SIZE_BYTES - 1000;
        for range in [first, "bytes=1000000-1999999", &format!("bytes={last}-")] {
            let ask = Ask::get(&link.url).by_address("127.0.0.2");
            let ask = fields
                .iter()
                .fold(ask, |ask, (name, value)| ask.header(name, *value));
            let answer =
                Viewer::plain(opened.edge.http(), ask.source).ask(&ask.header("Range", range));
            assert_eq!(answer.status(), 206, "{first} {range}");
            let from = answer.header("Content-Range").unwrap();
            let from = from["bytes ".len()..].split('-').next().unwrap();
            let from: usize = from.parse().unwrap();
            assert!(answer.body == whole[from..from + answer.body.len()]);
        }
        opened.is_one_use(&link, first);
    }
}

#[test]
fn chromium_presses_the_button_and_comes_back_with_its_use() {
    let opened = Opened::start();
    let origin = format!("https://{VIDEO_HOST}:{}", opened.browsers.port());
    let link = opened.link_to(&format!("{origin}/page.html"), 1);
    let mut browser = Player::start(Program::Chromium);
    browser.open(&link.url);
    let page = browser.look("body", "page.html");
    assert_eq!(opened.uses(&link), json!(0), "{page:?}");
    browser.click("button");
    let file = browser.look("body", "the talk");
    assert!(
        file.0["text"].as_str().unwrap().contains("the talk"),
        "{file:?}"
    );
    opened.is_one_use(&link, "pressed");
    // The page is loaded again.
    browser.open(&link.url);
    let file = browser.look("body", "the talk");
    assert!(
        file.0["text"].as_str().unwrap().contains("the talk"),
        "{file:?}"
    );
    opened.is_one_use(&link, "loaded again");
}
