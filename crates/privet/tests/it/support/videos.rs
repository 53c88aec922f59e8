//! An edge with the clips that `cargo xtask clips` makes, pages that play them, and links that open them.

use crate::support::{
    Answer, Ask, E, FakeOrigin, KEYS, LOG, RSA, Shelved, TestEdge, canned, policy_cookies, shelf,
    signed, with_policy,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Host name of the videos for browsers. Everything else uses the IP address, which needs no resolver.
pub const VIDEO_HOST: &str = "videos.example.test";
/// Another host name of the same site.
pub const SISTER_HOST: &str = "www.example.test";
/// A host name of another site.
pub const FOREIGN_HOST: &str = "www.another.test";

/// The way a viewer carries its grant (private-content guide: signed URLs, signed cookies; path tokens are ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// A custom policy for everything made of the video.
    Query,
    /// A canned signature for the video alone, which covers everything made of it.
    VideoQuery,
    /// A custom policy in cookies.
    Cookie,
    /// A token in the path, which is the response to `path_token=1`.
    PathToken,
}

/// The URL and cookies that a viewer starts with.
#[derive(Clone, Debug)]
pub struct Begun {
    pub url: String,
    /// Cookies as `name=value; …`, without a final semicolon; empty unless cookies carry the grant.
    pub cookies: String,
}

impl Begun {
    /// Returns the header line for ffmpeg; empty without cookies.
    pub fn cookie_header(&self) -> String {
        match self.cookies.as_str() {
            "" => String::new(),
            cookies => format!("Cookie: {cookies}\r\n"),
        }
    }
}

/// The edge with its videos and pages. `/clips/` and `/broken/` are restricted; pages are open to everybody.
pub struct VideoEdge {
    pub edge: TestEdge,
}

impl VideoEdge {
    pub fn start() -> Self {
        Self::configured("")
    }

    /// Starts the edge with more tables, for instance listeners.
    pub fn configured(tables: &str) -> Self {
        Self::of(CONFIG, tables)
    }

    /// Starts the edge with an HTTP origin beneath `/remote/`.
    pub fn with_origin(origin: &FakeOrigin) -> Self {
        let url = format!("url = {:?}", origin.url());
        let tables = REMOTE.replace("URL_OF_ORIGIN", &url);
        let first_behavior = "[[distributions.behaviors]]\n";
        let config = CONFIG.replacen(first_behavior, &(tables + first_behavior), 1);
        Self::of(&config, "")
    }

    fn of(config: &str, tables: &str) -> Self {
        let videos = videos_folder();
        let config = config
            .replace("FOLDER_OF_VIDEOS", videos.to_str().unwrap())
            .replace("FOLDER_OF_PAGES", pages_folder().to_str().unwrap());
        VideoEdge {
            edge: TestEdge::configured(&[&config, tables, KEYS, LOG].concat()),
        }
    }

    /// Returns the URL of `path` at the edge's IP address, without a grant.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.edge.http())
    }

    /// Returns the URL of `path` at a host name that only the browsers of these tests can resolve.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.edge.http().port())
    }

    /// Returns the URL and cookies for what is made of a clip (`hls/master.m3u8`), or for the clip itself (an empty
    /// name).
    pub fn begin(&self, clip: &str, name: &str, carried: Carried) -> Begun {
        self.begin_at(&self.url(""), clip, name, carried)
    }

    /// Does the same for browsers.
    pub fn begin_in_browser(&self, clip: &str, name: &str, carried: Carried) -> Begun {
        self.begin_at(&self.url_at(VIDEO_HOST, ""), clip, name, carried)
    }

    fn begin_at(&self, origin: &str, clip: &str, name: &str, carried: Carried) -> Begun {
        let video = format!("{origin}{}", clip_path(clip));
        let asked = match name {
            "" => video.clone(),
            name => format!("{video}/{name}"),
        };
        let policy = canned(&format!("http*://*{}*", clip_path(clip)), E);
        let url = match carried {
            Carried::Query => with_policy(&asked, &policy),
            Carried::VideoQuery => asked + signed(&video, E).strip_prefix(&video).unwrap(),
            Carried::PathToken => with_policy(&asked, &policy) + "&path_token=1",
            Carried::Cookie => asked,
        };
        let cookies = match carried {
            Carried::Cookie => policy_cookies(RSA, &policy),
            Carried::Query | Carried::VideoQuery | Carried::PathToken => String::new(),
        };
        Begun { url, cookies }
    }

    /// Requests something made of a clip, with a grant in the query.
    pub fn get(&self, clip: &str, name: &str) -> Answer {
        self.follow(&self.begin(clip, name, Carried::Query).url)
    }

    /// Requests a URL at this edge as it stands in a playlist.
    pub fn follow(&self, url: &str) -> Answer {
        self.edge.ask(&Ask::get(url))
    }

    /// Asserts that every line of the log so far has a status below 400.
    #[track_caller]
    pub fn assert_nothing_refused(&self) {
        let is_refusal = |record: &Value| {
            record["sc-status"]
                .as_str()
                .unwrap()
                .parse::<u16>()
                .unwrap()
                >= 400
        };
        let records = self.edge.live.records();
        let refused: Vec<&Value> = records.iter().filter(|record| is_refusal(record)).collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

/// Starts an origin that sends a video of one minute in chunks, without a length, and has two sets of it: in one, only
/// the English subtitles can be read; in the other, the only subtitle file has none.
pub fn video_origin() -> FakeOrigin {
    let video = Shelved::new(std::fs::read(clip_file("talk.mp4")).unwrap());
    let vtt = Shelved::new("WEBVTT\n\n00:01.000 --> 00:04.000\nHello\n");
    shelf([
        ("/remote/chunked.mp4", video.clone().chunked()),
        ("/remote/talk.mp4", video),
        ("/remote/broken.video.json", Shelved::new(BROKEN_SET)),
        ("/remote/none.video.json", Shelved::new(NO_SUBTITLES_SET)),
        ("/remote/en.vtt", vtt.clone()),
        ("/remote/de.vtt", vtt.coded("compress")),
        ("/remote/fr.vtt", Shelved::fault(500)),
        ("/remote/none.vtt", Shelved::new("no subtitles")),
    ])
}

const BROKEN_SET: &str = r#"{"renditions":[{"file":"talk.mp4","label":"a"}],"subtitles":[
    {"file":"de.vtt","language":"de"},{"file":"en.vtt","language":"en"},{"file":"fr.vtt","language":"fr"}]}"#;
const NO_SUBTITLES_SET: &str = r#"{"renditions":[{"file":"talk.mp4","label":"a"}],
    "subtitles":[{"file":"none.vtt","language":"en"}]}"#;

/// Returns the folder of the clips and players.
pub fn videos_folder() -> PathBuf {
    let default = || repository().join("target/test-tools/videos");
    let folder = std::env::var_os("PRIVET_TEST_VIDEOS").map_or_else(default, PathBuf::from);
    let folder = folder.canonicalize().unwrap_or(folder);
    assert!(
        folder.join("clips").exists(),
        "no clips in {}: `cargo xtask tools` makes them",
        folder.display()
    );
    folder
}

/// Returns the file of a clip.
pub fn clip_file(clip: &str) -> PathBuf {
    videos_folder().join(place_of(clip))
}

/// Returns the path of a clip at the edge, percent-encoded.
pub fn clip_path(clip: &str) -> String {
    let place = place_of(clip).replace(' ', "%20").replace('é', "%C3%A9");
    format!("/{place}")
}

/// Returns the path of a clip's file in the folder. Hostile clips are named like `broken/empty.mp4`, others by their
/// file name alone.
fn place_of(clip: &str) -> String {
    if clip.contains('/') {
        clip.to_owned()
    } else {
        format!("clips/{clip}")
    }
}

/// Returns the folder of pages and scripts.
pub fn pages_folder() -> PathBuf {
    repository().join("tests-peers/videos")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

const CONFIG: &str = r#"
[edge]
workers = 2
[[listeners]]
address = "127.0.0.1:0"
[[response_headers_policies]]
id = "any-page"
[response_headers_policies.cors]
allow_origins = ["*"]
allow_credentials = true
allow_headers = ["Range"]
[[distributions]]
id = "EVIDEOS"
domain_name = "videos.example.test"
aliases = ["127.0.0.1"]
[[distributions.origins]]
id = "videos"
folder = "FOLDER_OF_VIDEOS"
[[distributions.origins]]
id = "pages"
folder = "FOLDER_OF_PAGES"
[[distributions.behaviors]]
path_pattern = "/page.html"
origin = "pages"
[[distributions.behaviors]]
path_pattern = "/players/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/clips/set.*"
origin = "videos"
trusted_key_groups = ["viewers"]
video = { renditions = ["240p"], subtitles = ["en"] }
[distributions.default_behavior]
origin = "videos"
trusted_key_groups = ["viewers"]
allowed_methods = ["GET", "HEAD", "OPTIONS"]
response_headers_policy = "any-page"
[[distributions]]
id = "EPAGES"
domain_name = "www.example.test"
aliases = ["www.another.test"]
[[distributions.origins]]
id = "videos"
folder = "FOLDER_OF_VIDEOS"
[[distributions.origins]]
id = "pages"
folder = "FOLDER_OF_PAGES"
[[distributions.behaviors]]
path_pattern = "/players/*"
origin = "videos"
[distributions.default_behavior]
origin = "pages"
"#;

/// Tables for the first distribution.
const REMOTE: &str = r#"
[[distributions.origins]]
id = "remote"
URL_OF_ORIGIN
[[distributions.behaviors]]
path_pattern = "/remote/*"
origin = "remote"
trusted_key_groups = ["viewers"]
"#;
