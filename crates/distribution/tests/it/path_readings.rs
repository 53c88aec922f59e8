//! Paths that an origin may read in another way than the edge does: none may open what any reading restricts.
//!
//! A million random spellings are tried in all, against every model of a server and every model behind another one.

use crate::path_models::{MODELS, bytes_of, decoded, path_info, request_line};
use crate::spellings::{Dice, spelling};
use crate::support::*;
use http::{HeaderMap, HeaderValue, Method, Version, header};
use privet_distribution::config::Snapshot;
use privet_distribution::request::{
    Authorized, Denial, RequestFacts, ViewerRequest, authorize, authorize_video, is_canonical,
    origin_request, route, route_video,
};
use privet_sign::{Scheme, SignatureMemory, SignatureQuestion, Timestamp};
use std::cell::RefCell;
use std::fmt::Write as _;

const ORIGINS: &str = r#"
[[distributions.origins]]
id = "http"
url = "http://origin.example"
[[distributions.origins]]
id = "below"
url = "http://origin.example"
origin_path = "/tenant1"
[[distributions.origins]]
id = "literal"
url = "http://origin.example"
paths = "literal"
[[distributions.origins]]
id = "bucket"
s3 = { bucket = "videos" }
[[distributions.origins]]
id = "cautious-bucket"
s3 = { bucket = "videos" }
paths = "canonical"
[[distributions.origins]]
id = "bucket-below"
s3 = { bucket = "videos" }
origin_path = "/tenant1"
[[distributions.origin_groups]]
id = "pair"
origins = ["bucket", "http"]
failover_statuses = [500]
"#;

/// Returns a configuration of `distributions` (host, behaviors), each with the origins above.
fn snapshot_with(distributions: &[(&str, &str)]) -> Snapshot {
    let mut text = String::from(
        r#"
[[listeners]]
address = "127.0.0.1:80"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[public_keys]]
id = "KEC"
file = "p256.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[key_groups]]
id = "others"
public_keys = ["KEC"]
[[key_groups]]
id = "both"
public_keys = ["KRSA", "KEC"]
"#,
    );
    for (position, (host, behaviors)) in distributions.iter().enumerate() {
        let _ = write!(
            text,
            "[[distributions]]\nid = \"E{position}\"\ndomain_name = {host:?}\n{behaviors}\n{ORIGINS}"
        );
    }
    snapshot_of(&text)
}

const OPEN_FOLDER: &str = r#"
behaviors = [{ path_pattern = "/public/*", origin = "http" }]
default_behavior = { origin = "http", trusted_key_groups = ["viewers"] }
"#;
const PRIVATE_FOLDER: &str = r#"
behaviors = [
  { path_pattern = "*.jpg", origin = "http" },
  { path_pattern = "/private/*", origin = "http", trusted_key_groups = ["viewers"] },
  { path_pattern = "/my%20vip/*", origin = "http", trusted_key_groups = ["others"] },
]
default_behavior = { origin = "http" }
"#;
const ALL_OPEN: &str = "default_behavior = { origin = \"http\" }";
const ALL_RESTRICTED: &str =
    "default_behavior = { origin = \"http\", trusted_key_groups = [\"viewers\"] }";
const BELOW: &str = "default_behavior = { origin = \"below\" }";
const LITERAL: &str = r#"
behaviors = [{ path_pattern = "/public/*", origin = "literal" }]
default_behavior = { origin = "literal", trusted_key_groups = ["viewers"] }
"#;
const BUCKET: &str = r#"
behaviors = [{ path_pattern = "/public/*", origin = "bucket" }]
default_behavior = { origin = "bucket", trusted_key_groups = ["viewers"] }
"#;

/// A memory of the last question, because a million requests present the same signature.
#[derive(Default)]
struct Remembering(RefCell<Option<Vec<u8>>>);

impl SignatureMemory for Remembering {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        let known = [question.message, question.signature].concat();
        if self.0.borrow().as_ref() == Some(&known) {
            return true;
        }
        let is_good = question.ask();
        if is_good {
            self.0.replace(Some(known));
        }
        is_good
    }
}

/// A viewer who sends many requests with the same credentials.
struct Viewer<'s> {
    snapshot: &'s Snapshot,
    host: &'static str,
    headers: HeaderMap,
    memory: Remembering,
}

impl<'s> Viewer<'s> {
    fn new(snapshot: &'s Snapshot, host: &'static str) -> Self {
        Viewer {
            snapshot,
            host,
            headers: HeaderMap::new(),
            memory: Remembering::default(),
        }
    }

    /// Adds cookies with a policy for `resource`.
    fn with_policy(mut self, resource: &str) -> Self {
        let policy = canned(resource, E);
        let signature = encode(&signature(
            "rsa2048.pem",
            privet_sign::HashAlgorithm::Sha1,
            &policy,
        ));
        let cookies = format!(
            "CloudFront-Policy={}; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=KRSA",
            encode(policy.as_bytes())
        );
        let value = HeaderValue::from_str(&cookies).unwrap();
        self.headers.insert(header::COOKIE, value);
        self
    }

    fn request<'a>(&'a self, path: &'a str, query: Option<&'a str>) -> ViewerRequest<'a> {
        ViewerRequest {
            https_port: None,
            method: &Method::GET,
            version: Version::HTTP_11,
            scheme: Scheme::Http,
            host: self.host,
            path,
            query,
            headers: &self.headers,
            client: "192.0.2.77".parse().unwrap(),
            has_body: false,
            path_token: None,
        }
    }

    /// Returns the path requested from the origin, or the denial.
    fn ask(&self, path: &str) -> Result<String, Denial> {
        self.ask_with(path, None)
    }

    fn ask_with(&self, path: &str, query: Option<&str>) -> Result<String, Denial> {
        let request = self.request(path, query);
        let routed = route(self.snapshot, &request)?;
        let now = Timestamp::from_secs(NOW);
        let authorized = authorize(routed, &request, now, &self.memory)?;
        Ok(target(&authorized, path))
    }

    fn ask_for_video(&self, path: &str, object_path: &str) -> Result<String, Denial> {
        let request = self.request(path, None);
        let routed = route_video(self.snapshot, &request, object_path)?;
        let now = Timestamp::from_secs(NOW);
        let authorized = authorize_video(routed, &request, object_path, now, &self.memory)?;
        Ok(target(&authorized, object_path))
    }
}

fn target(authorized: &Authorized<'_>, path: &str) -> String {
    authorized.origin_path(path).into_owned()
}

/// Returns every model's reading of a path, and every reading behind the model whose turn it is.
fn readings(path: &str, turn: usize) -> impl Iterator<Item = (&'static str, String)> {
    let (_, before) = MODELS[turn % MODELS.len()];
    let path = bytes_of(path);
    let info = [
        ("path info", path_info(&path)),
        ("path in a request line", request_line(&path)),
    ];
    let paths = [before(&path), path];
    let read = |path: String| MODELS.map(|(name, model)| (name, model(&path)));
    paths.into_iter().flat_map(read).chain(info)
}

/// Requests random spellings and checks those that are served against every model. Returns how many were served.
fn check_spellings(
    seed: u64,
    count: usize,
    ask: impl Fn(&str) -> Result<String, Denial>,
    is_harmless: impl Fn(&str) -> bool,
) -> usize {
    let mut dice = Dice::new(seed);
    let mut path = String::new();
    let mut served = 0;
    for _ in 0..count {
        spelling(&mut dice, &mut path);
        let Ok(target) = ask(&path) else { continue };
        served += 1;
        // The models agree on canonical paths, so a sample of them is enough.
        if is_canonical(&target) && served % 16 != 0 {
            continue;
        }
        for (model, reading) in readings(&target, served) {
            assert!(is_harmless(&reading), "{path} is {reading} to {model}");
        }
    }
    // A rule that refuses everything would also pass.
    assert!(served > count / 1000, "{served} of {count} were served");
    served
}

/// Returns how many spellings the larger properties try.
fn each() -> usize {
    let count = std::env::var("PRIVET_SPELLINGS").ok();
    count
        .and_then(|count| count.parse().ok())
        .unwrap_or(170_000)
}

#[test]
fn nothing_is_opened_without_a_grant() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER), ("b.test", PRIVATE_FOLDER)]);
    let viewer = Viewer::new(&snapshot, "a.test");
    check_spellings(
        1,
        each(),
        |path| viewer.ask(path),
        |reading| reading.starts_with("/public/"),
    );
    let viewer = Viewer::new(&snapshot, "b.test");
    let is_open = |reading: &str| {
        let is_restricted = reading.starts_with("/private/") || reading.starts_with("/my vip/");
        !is_restricted || reading.ends_with(".jpg")
    };
    check_spellings(2, each(), |path| viewer.ask(path), is_open);
}

#[test]
fn a_wildcard_grant_opens_its_folder_alone() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER), ("r.test", ALL_RESTRICTED)]);
    for (seed, host) in [(3, "a.test"), (4, "r.test")] {
        let viewer = Viewer::new(&snapshot, host).with_policy(&format!("http://{host}/alice/*"));
        let is_open = |reading: &str| {
            reading.starts_with("/alice/") || (host == "a.test" && reading.starts_with("/public/"))
        };
        check_spellings(seed, each() / 2, |path| viewer.ask(path), is_open);
    }
}

#[test]
fn a_grant_for_an_ending_opens_that_ending_alone() {
    let snapshot = snapshot_with(&[("r.test", ALL_RESTRICTED)]);
    let viewer = Viewer::new(&snapshot, "r.test").with_policy("http://r.test/private/*.jpg");
    let is_open = |reading: &str| reading.starts_with("/private/") && reading.ends_with(".jpg");
    // Few random spellings begin with the folder by themselves.
    let ask = |path: &str| match path.len() % 2 {
        0 => viewer.ask(&format!("/private{path}")),
        _ => viewer.ask(path),
    };
    check_spellings(5, each() / 2, ask, is_open);
}

#[test]
fn nobody_leaves_the_origin_path() {
    let snapshot = snapshot_with(&[("t.test", BELOW)]);
    let viewer = Viewer::new(&snapshot, "t.test");
    check_spellings(
        6,
        each(),
        |path| viewer.ask(path),
        |reading| reading.starts_with("/tenant1/"),
    );
}

#[test]
fn what_is_made_of_videos_is_no_way_around() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER)]);
    let viewer = Viewer::new(&snapshot, "a.test");
    let ask = |path: &str| {
        let asked = format!("{path}/talk.mp4/hls/t1/1.m4s");
        let object = &asked[..asked.find(".mp4/hls/").unwrap() + ".mp4".len()];
        viewer.ask_for_video(&asked, object)
    };
    check_spellings(7, each(), ask, |reading| reading.starts_with("/public/"));
}

#[test]
fn a_bucket_itself_is_never_asked_for() {
    let open = |origin: &str| format!("default_behavior = {{ origin = {origin:?} }}");
    let (whole, cautious, below) = (
        open("bucket"),
        open("cautious-bucket"),
        open("bucket-below"),
    );
    let snapshot = snapshot_with(&[
        ("whole.test", &whole),
        ("cautious.test", &cautious),
        ("below.test", &below),
    ]);
    for (seed, host) in [(8, "whole.test"), (9, "cautious.test"), (10, "below.test")] {
        let viewer = Viewer::new(&snapshot, host);
        let is_object = |reading: &str| !reading.trim_matches('/').is_empty();
        check_spellings(seed, each() / 16, |path| viewer.ask(path), is_object);
    }
}

/// A key is taken literally: the path is decoded once for a literal origin, and nothing more.
#[test]
fn a_literal_origin_is_asked_for_the_key_that_was_judged() {
    let snapshot = snapshot_with(&[("l.test", LITERAL), ("s.test", BUCKET)]);
    for (seed, host) in [(11, "l.test"), (12, "s.test")] {
        let viewer = Viewer::new(&snapshot, host);
        let mut dice = Dice::new(seed);
        let mut path = String::new();
        for _ in 0..each() / 6 {
            spelling(&mut dice, &mut path);
            if let Ok(target) = viewer.ask(&path) {
                assert_eq!(target, path);
                assert!(decoded(&path).starts_with("/public/"), "{path}");
            }
        }
        for odd in ["a//b", "x/../y", "a+b", "100%25", "a;b", "a%2fb"] {
            let path = format!("/public/{odd}");
            assert_eq!(viewer.ask(&path), Ok(path.clone()));
        }
    }
}

/// The allow-list admits the paths people really have; otherwise the properties above would hold vacuously.
#[test]
fn canonical_paths_are_served_as_ever() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER), ("t.test", BELOW)]);
    for path in [
        "/public/a",
        "/public/%C3%BC%20b.jpg",
        "/public/a+b/c(1).jpg",
        "/public/",
    ] {
        assert!(is_canonical(path), "{path}");
        let viewer = Viewer::new(&snapshot, "a.test");
        assert_eq!(viewer.ask(path), Ok(path.to_owned()));
        let viewer = Viewer::new(&snapshot, "t.test");
        assert_eq!(viewer.ask(path), Ok(format!("/tenant1{path}")));
    }
}

#[test]
fn an_odd_spelling_passes_where_it_cannot_matter() {
    let snapshot = snapshot_with(&[("open.test", ALL_OPEN), ("r.test", ALL_RESTRICTED)]);
    let odd = "/x%2fy/../../bob/b.txt";
    assert_eq!(
        Viewer::new(&snapshot, "open.test").ask(odd),
        Ok(odd.to_owned())
    );
    let anybody = Viewer::new(&snapshot, "r.test");
    assert!(matches!(anybody.ask(odd), Err(Denial::Signature(_))));
    for everything in ["http://r.test/*", "*", "http*://r.test/*"] {
        let viewer = Viewer::new(&snapshot, "r.test").with_policy(everything);
        assert_eq!(viewer.ask(odd), Ok(odd.to_owned()), "{everything}");
    }
    for folder in [
        "http://r.test/x*",
        "http://r.test/*b*",
        "http://r.test/x%2fy/*",
    ] {
        let viewer = Viewer::new(&snapshot, "r.test").with_policy(folder);
        assert_eq!(viewer.ask(odd), Err(Denial::AmbiguousPath), "{folder}");
    }
}

#[test]
fn who_signs_a_spelling_means_it() {
    let snapshot = snapshot_with(&[
        ("a.test", OPEN_FOLDER),
        ("b.test", PRIVATE_FOLDER),
        ("t.test", BELOW),
    ]);
    let ask = |host, signed_path: &str, asked: &str| {
        let url = signed(&format!("http://{host}{signed_path}"), E);
        let (_, query) = url.split_once('?').unwrap();
        Viewer::new(&snapshot, host).ask_with(asked, Some(query))
    };
    let odd = "/private/a;b/../s.txt";
    assert_eq!(ask("a.test", odd, odd), Ok(odd.to_owned()));
    let other = "/private/a;b/../t.txt";
    assert!(ask("a.test", odd, other).is_err());
    let open_here = "/public/../private/s.txt";
    assert_eq!(
        ask("a.test", open_here, open_here),
        Ok(open_here.to_owned())
    );
    // On this host, another reading may be restricted to a key that the signer does not have.
    assert_eq!(ask("b.test", odd, odd), Err(Denial::AmbiguousPath));
    // Objects beside the origin path may belong to somebody else.
    assert_eq!(ask("t.test", odd, odd), Err(Denial::AmbiguousPath));
    // An exact resource in a custom policy counts as much as a canned policy.
    let viewer = Viewer::new(&snapshot, "a.test").with_policy(&format!("http://a.test{odd}"));
    assert_eq!(viewer.ask(odd), Ok(odd.to_owned()));
}

#[test]
fn the_restrictions_of_all_behaviors_are_the_strictest() {
    let mixed = r#"
behaviors = [
  { path_pattern = "/put/*", origin = "http", allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"] },
  { path_pattern = "/secure/*", origin = "http", viewer_protocol_policy = "https-only" },
]
default_behavior = { origin = "http" }
"#;
    let grants = r#"
behaviors = [
  { path_pattern = "/secret/*", origin = "http", trusted_key_groups = ["viewers"] },
  { path_pattern = "/both/*", origin = "http", trusted_key_groups = ["both"] },
]
default_behavior = { origin = "http" }
"#;
    let group = "behaviors = [{ path_pattern = \"/public/*\", origin = \"pair\" }]\n\
                 default_behavior = { origin = \"bucket\", trusted_key_groups = [\"viewers\"] }";
    let snapshot = snapshot_with(&[("m.test", mixed), ("g.test", grants), ("pair.test", group)]);
    let put = send("PUT", "http://m.test/put/../x").run(&snapshot);
    assert_eq!(put, Err(Denial::MethodNotAllowed));
    assert_eq!(send("PUT", "http://m.test/put/x").run(&snapshot), Ok(()));
    let plain = get("http://m.test/put/../secure/x").run(&snapshot);
    assert_eq!(plain, Err(Denial::HttpsRequired));
    // A key that may sign for /secret may sign for /both, but not the other way round.
    let by_krsa = signed("http://g.test/both/../secret/a", E);
    assert_eq!(get(by_krsa).run(&snapshot), Ok(()));
    let open = get("http://g.test/x/../secret/a").run(&snapshot);
    assert_eq!(open, Err(Denial::AmbiguousPath));
    let missing = get("http://g.test/secret/../x").run(&snapshot);
    assert!(matches!(missing, Err(Denial::Signature(_))), "{missing:?}");
    // The second origin of a group reads the path too.
    let viewer = Viewer::new(&snapshot, "pair.test");
    assert_eq!(viewer.ask("/public/a//b"), Err(Denial::AmbiguousPath));
    assert_eq!(viewer.ask("/public/a/b"), Ok("/public/a/b".to_owned()));
}

/// An odd spelling of an open path needs a grant, which is not forwarded to the origin.
#[test]
fn the_grant_for_an_odd_spelling_stays_at_the_edge() {
    let behaviors = OPEN_FOLDER.replace(
        "origin = \"http\"",
        "origin = \"http\", origin_request_policy = \"Managed-AllViewer\"",
    );
    let snapshot = snapshot_with(&[("a.test", &behaviors)]);
    let url = signed("http://a.test/public/../s.txt?own=1", E);
    let target = get(url).with(|request| {
        let routed = route(&snapshot, request).unwrap();
        let now = Timestamp::from_secs(NOW);
        let authorized = authorize(routed, request, now, &Remembering::default()).unwrap();
        let via = HeaderValue::from_static("1.1 node");
        let facts = RequestFacts {
            viewer: request.client,
            viewer_port: None,
            request_id: "id",
            country: None,
            via: &via,
            accept_encoding: None,
        };
        let origin = &authorized.routed().behavior.origin.primary;
        origin_request(&authorized, origin, request, &facts).target
    });
    assert_eq!(target, "/public/../s.txt?own=1");
}

/// Some servers take `/video.mp4/` and `/video.mp4/x` for the video.
#[test]
fn what_follows_a_files_name_is_no_way_around() {
    let endings = r#"
behaviors = [
  { path_pattern = "/open/*", origin = "http" },
  { path_pattern = "*.mp4", origin = "http", trusted_key_groups = ["viewers"] },
  { path_pattern = "/exact", origin = "http", trusted_key_groups = ["viewers"] },
  { path_pattern = "*.jpg", origin = "http" },
  { path_pattern = "/private/*", origin = "http", trusted_key_groups = ["viewers"] },
]
default_behavior = { origin = "http" }
"#;
    let literal = endings.replace("\"http\"", "\"literal\"");
    let snapshot = snapshot_with(&[("e.test", endings), ("l.test", &literal)]);
    let viewer = Viewer::new(&snapshot, "e.test");
    for odd in [
        "/video.mp4/",
        "/video.mp4/x",
        "/a/video.mp4/x/y",
        "/exact/",
        "/exact/x",
        "/private/s.txt/x.jpg",
        "/a+b.mp4/",
        "/video%2emp4/x",
        "/private/s.001/x.jpg",
        "/private/n.txt~/x.jpg",
        "/private/.env/x.jpg",
        "/private/db.properties/x.jpg",
        "/private/a%20b.docx%20copy/x.jpg",
        "/index.php/private/s.txt",
        "/a/run.CGI/private/s.txt",
    ] {
        assert!(
            matches!(viewer.ask(odd), Err(Denial::Signature(_))),
            "{odd}"
        );
        let literally = Viewer::new(&snapshot, "l.test");
        let is_by_prefix = odd.starts_with("/private/") && !odd.ends_with(".jpg");
        assert_eq!(literally.ask(odd).is_ok(), !is_by_prefix, "{odd}");
    }
    for fine in [
        "/open/video.mp4/x",
        "/v1.2/a.jpg",
        "/private/a.jpg",
        "/a/b/",
        "/photos/2024/a.jpg",
        "/.well-known/a.jpg",
        "/(Live%20(2020))/a.jpg",
        "/index.php/open/s.txt",
    ] {
        assert_eq!(viewer.ask(fine), Ok(fine.to_owned()));
    }
    let with = |resource: &str, path: &str| {
        Viewer::new(&snapshot, "e.test")
            .with_policy(resource)
            .ask(path)
    };
    let ending = "http://e.test/private/*.txt";
    assert_eq!(
        with(ending, "/private/a.txt"),
        Ok("/private/a.txt".to_owned())
    );
    assert_eq!(
        with(ending, "/private/b.pdf/a.txt"),
        Err(Denial::AmbiguousPath)
    );
    for meant in [
        "http://e.test/private/*",
        "http://e.test/private/b.pdf/*",
        "http://e.test/private/b.pdf/*.txt",
        "http://e.test/private/*.pdf/*.txt",
        "http://e.test/*/b.pdf/a.txt",
    ] {
        assert!(with(meant, "/private/b.pdf/a.txt").is_ok(), "{meant}");
    }
}

/// A server may read `+` as a space, so a pattern with a space covers both.
#[test]
fn a_plus_is_also_a_blank() {
    let snapshot = snapshot_with(&[("b.test", PRIVATE_FOLDER)]);
    let viewer = Viewer::new(&snapshot, "b.test");
    for vip in ["/my+vip/a", "/my%2Bvip/a", "/my%20vip/a"] {
        assert!(
            matches!(viewer.ask(vip), Err(Denial::Signature(_))),
            "{vip}"
        );
    }
    assert_eq!(viewer.ask("/a+b"), Ok("/a+b".to_owned()));
}

/// Some servers compare paths before decoding them: a path that is open only when decoded is not open.
#[test]
fn an_escape_that_need_not_be_there_opens_nothing() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER), ("b.test", PRIVATE_FOLDER)]);
    for (host, path) in [
        ("a.test", "/%70ublic/a"),
        ("b.test", "/%70rivate/a"),
        ("b.test", "/private%2d/../%70"),
    ] {
        assert!(
            Viewer::new(&snapshot, host).ask(path).is_err(),
            "{host}{path}"
        );
    }
    for (host, path) in [
        ("a.test", "/public/%61"),
        ("b.test", "/%61b"),
        ("b.test", "/a%20b"),
    ] {
        let viewer = Viewer::new(&snapshot, host);
        assert_eq!(viewer.ask(path), Ok(path.to_owned()));
    }
}

/// A pattern that fixes only the length or the end of a name has not named the file.
#[test]
fn a_grant_that_fits_a_file_by_chance_does_not_open_it() {
    let snapshot = snapshot_with(&[("r.test", ALL_RESTRICTED)]);
    for resource in [
        "/private/?????/x.jpg",
        "/private/*t/x.jpg",
        "/private/*xt/*.jpg",
        "/private/*.???/x.jpg",
        "/private/s?txt/x.jpg",
        "/*.jpg",
    ] {
        let viewer =
            Viewer::new(&snapshot, "r.test").with_policy(&format!("http://r.test{resource}"));
        let refused = Err(Denial::AmbiguousPath);
        assert_eq!(viewer.ask("/private/s.txt/x.jpg"), refused, "{resource}");
    }
}

/// A `+` in a pattern is also a space where the origin reads it as one.
#[test]
fn a_plus_in_a_pattern_is_also_a_blank() {
    let behaviors = r#"
behaviors = [
  { path_pattern = "/my+vip/*", origin = "http", trusted_key_groups = ["viewers"] },
  { path_pattern = "/a%2Bb/?*", origin = "http", trusted_key_groups = ["viewers"] },
]
default_behavior = { origin = "http" }
"#;
    let literal = behaviors.replace("\"http\"", "\"literal\"");
    let snapshot = snapshot_with(&[("p.test", behaviors), ("l.test", &literal)]);
    for path in ["/my%20vip/s", "/my+vip/s", "/a%20b/s", "/a+b/s", "/a%2bb/s"] {
        let asked = Viewer::new(&snapshot, "p.test").ask(path);
        assert!(matches!(asked, Err(Denial::Signature(_))), "{path}");
    }
    assert!(
        Viewer::new(&snapshot, "p.test")
            .ask("/my%20other/s")
            .is_ok()
    );
    assert!(Viewer::new(&snapshot, "l.test").ask("/my%20vip/s").is_ok());
}

/// In cookies as in a link, `*` stays within the path unless it ends the resource.
#[test]
fn a_wildcard_by_cookies_does_not_reach_into_the_query() {
    let snapshot = snapshot_with(&[("r.test", ALL_RESTRICTED), ("s.test", ALL_RESTRICTED)]);
    let ask = |resource: &str, host: &str, query: Option<&str>| {
        let viewer = Viewer::new(&snapshot, if host == "r" { "r.test" } else { "s.test" });
        viewer
            .with_policy(resource)
            .ask_with("/private/s.txt", query)
    };
    let refused = Err(Denial::Signature(privet_sign::Refusal::WrongResource));
    for query in ["x.jpg", "a=/b.jpg", "http://r.test/a.jpg"] {
        let endings = "http://r.test/*.jpg";
        assert_eq!(ask(endings, "r", Some(query)), refused, "{query}");
    }
    let other_host = "http://*.test/alice/*";
    assert_eq!(ask(other_host, "s", Some(".test/alice/")), refused);
    let folder = "http://r.test/private/*";
    assert!(ask(folder, "r", Some("x.jpg")).is_ok());
}

/// Segments that cannot be files cost nothing, however many there are.
#[test]
fn folders_may_be_deep_where_no_pattern_names_ends() {
    let snapshot = snapshot_with(&[("a.test", OPEN_FOLDER), ("b.test", PRIVATE_FOLDER)]);
    let deep = format!("/public/{}x.mp4", "a/".repeat(60));
    assert_eq!(
        Viewer::new(&snapshot, "a.test").ask(&deep),
        Ok(deep.clone())
    );
    let refused = Err(Denial::AmbiguousPath);
    assert_eq!(Viewer::new(&snapshot, "b.test").ask(&deep), refused);
    let files = format!("/public/{}x.mp4", "a.b/".repeat(60));
    assert_eq!(Viewer::new(&snapshot, "a.test").ask(&files), refused);
}

/// The keys allowed for both objects count when two readings need different keys.
#[test]
fn of_two_readings_the_fewer_keys_count() {
    let with = |blank: &str, plus: &str| {
        let behaviors = format!(
            r#"
behaviors = [
  {{ path_pattern = "/a%20b/*", origin = "http", trusted_key_groups = ["{blank}"] }},
  {{ path_pattern = "/x/*", origin = "http", trusted_key_groups = ["{plus}"] }},
]
default_behavior = {{ origin = "http", trusted_key_groups = ["{plus}"] }}
"#
        );
        let snapshot = snapshot_with(&[("a.test", &behaviors)]);
        let viewer = Viewer::new(&snapshot, "a.test");
        let routed = route(&snapshot, &viewer.request("/a+b/x", None))?;
        let keys = routed.trusted_keys().map(|keys| {
            let ids = keys.iter().map(|(id, _)| id.to_string());
            ids.collect::<Vec<_>>().join(" ")
        });
        Ok(keys.unwrap_or_default())
    };
    let ids = |one: &str, other: &str| -> Result<String, Denial> { with(one, other) };
    assert_eq!(ids("viewers", "both"), Ok("KRSA".to_owned()));
    assert_eq!(ids("both", "viewers"), Ok("KRSA".to_owned()));
    assert_eq!(ids("both", "others"), Ok("KEC".to_owned()));
    assert_eq!(ids("viewers", "viewers"), Ok("KRSA".to_owned()));
    assert_eq!(ids("viewers", "others"), Err(Denial::AmbiguousPath));
}

/// With path-style addressing other buckets lie beside this one; with a host of its own, none do.
#[test]
fn an_odd_spelling_never_passes_where_other_buckets_are_beside() {
    let bucket = |addressing: &str| {
        let origin = format!(
            "[[distributions.origins]]\nid = \"it\"\npaths = \"canonical\"\n\
             s3 = {{ bucket = \"videos\", endpoint = \"https://s3.example\", region = \"r\", addressing = \"{addressing}\" }}"
        );
        format!("default_behavior = {{ origin = \"it\" }}\n{origin}\n")
    };
    let (path, host) = (bucket("path"), bucket("virtual-host"));
    let snapshot = snapshot_with(&[("p.test", &path), ("v.test", &host)]);
    let odd = "/x/../../other/a";
    let refused = Err(Denial::AmbiguousPath);
    assert_eq!(Viewer::new(&snapshot, "p.test").ask(odd), refused);
    assert_eq!(
        Viewer::new(&snapshot, "v.test").ask(odd),
        Ok(odd.to_owned())
    );
}
