//! Permission to play a stream: rows T106 to T108 of the conformance matrix, and cases around them.

use crate::support::*;
use privet_distribution::config::Snapshot;
use privet_distribution::request::{
    Denial, StreamDenial, StreamRequest, authorize_stream, route_stream,
};
use privet_sign::{NoMemory, Refusal, Scheme, Timestamp};

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:1935"
protocol = "rtmp"
[[listeners]]
address = "127.0.0.1:1936"
protocol = "rtmps"
[geo]
database = "rsa2048.pub.pem"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[public_keys]]
id = "KOTHER"
file = "rsa4096.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[key_groups]]
id = "others"
public_keys = ["KOTHER"]
[[distributions]]
id = "E1"
domain_name = "d.example"
origins = [{ id = "videos", url = "http://origin.example" }]
[distributions.geo]
block = ["XX"]
[[distributions.behaviors]]
path_pattern = "/private/*"
origin = "videos"
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/others/*"
origin = "videos"
trusted_key_groups = ["others"]
[[distributions.behaviors]]
path_pattern = "/both/*"
origin = "videos"
trusted_key_groups = ["viewers", "others"]
[[distributions.behaviors]]
path_pattern = "/secure/*"
origin = "videos"
viewer_protocol_policy = "redirect-to-https"
[distributions.default_behavior]
origin = "videos"
[[distributions]]
id = "E2"
domain_name = "off.example"
enabled = false
origins = [{ id = "videos", folder = "bucket" }]
default_behavior = { origin = "videos" }
[[streaming_distributions]]
id = "S1"
domain_name = "s.example"
distribution = "E1"
trusted_key_groups = ["viewers"]
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[streaming_distributions]]
id = "S2"
domain_name = "open.example"
distribution = "E1"
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[streaming_distributions]]
id = "S3"
domain_name = "web.example"
origin = { id = "own", folder = "bucket" }
trusted_key_groups = ["viewers"]
web_resources = true
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[streaming_distributions]]
id = "S4"
domain_name = "disabled.example"
distribution = "E1"
enabled = false
[[streaming_distributions]]
id = "S5"
domain_name = "offvideos.example"
distribution = "E2"
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[streaming_distributions]]
id = "S6"
domain_name = "wide.example"
distribution = "E1"
trusted_key_groups = ["viewers", "others"]
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
"#;

fn streams() -> Snapshot {
    snapshot_of(CONFIG)
}

/// A play event.
struct Play<'a> {
    host: &'a str,
    path: &'a str,
    query: String,
    country: Option<&'a str>,
    scheme: Scheme,
    now: u64,
}

/// Returns a play of `path` on `host` with the parameters of `link`.
fn play<'a>(host: &'a str, path: &'a str, link: &str) -> Play<'a> {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    Play {
        host,
        path,
        query: query.to_owned(),
        country: None,
        scheme: Scheme::Http,
        now: NOW,
    }
}

impl Play<'_> {
    /// Returns the distribution that the video is read from.
    fn ask(&self) -> Result<String, Denial> {
        let snapshot = streams();
        let streaming = route_stream(&snapshot, self.host).unwrap();
        let name = self.path.strip_prefix('/').unwrap().to_owned();
        let bare = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(bare, _)| bare);
        let names = [bare.to_owned(), name.clone()];
        let request = StreamRequest {
            names: &names,
            object_path: self.path,
            query: &self.query,
            client: "192.0.2.77".parse().unwrap(),
            scheme: self.scheme,
            host: self.host,
        };
        let now = Timestamp::from_secs(self.now);
        let authorized = authorize_stream(streaming, &request, self.country, now, &NoMemory)?;
        let routed = authorized.routed();
        assert_eq!(
            authorized.grant().is_some(),
            routed.trusted_keys().is_some()
        );
        Ok(routed.distribution.id.clone())
    }
}

#[track_caller]
fn check(play: &Play<'_>, expected: Result<&str, Denial>) {
    assert_eq!(play.ask(), expected.map(str::to_owned), "{}", play.path);
}

fn refused(refusal: Refusal) -> Result<&'static str, Denial> {
    Err(Denial::Signature(refusal))
}

#[test]
fn hosts_of_streams() {
    let snapshot = streams();
    let find = |host| route_stream(&snapshot, host).map(|streaming| streaming.id.clone());
    let not_found = Err(StreamDenial::DistributionNotFound);
    for host in [
        "",
        "other.example",
        "disabled.example",
        "offvideos.example",
        "off.example",
    ] {
        assert_eq!(find(host), not_found, "{host}");
    }
    assert_eq!(
        find("d.example:1935"),
        Err(StreamDenial::DistributionTypeMismatch)
    );
    assert_eq!(find("S.example:1935"), Ok("S1".to_owned()));
    assert_eq!(
        StreamDenial::DistributionTypeMismatch.as_str(),
        "DistributionTypeMismatch"
    );
}

#[test]
fn t106_to_t107_the_resource_is_a_name() {
    let video = "/videos/a.mp4";
    check(
        &play("s.example", video, ""),
        refused(Refusal::MissingKeyPairId),
    );
    for resource in ["videos/a.mp4", "videos/a", "videos/*", "*", "video?/a"] {
        check(
            &play("s.example", video, &signed_for(resource, "x", E)),
            Ok("E1"),
        );
    }
    for resource in [
        "videos/b.mp4",
        "/videos/a.mp4",
        "audio/*",
        "mp4:videos/a.mp4",
        "http*://s.example/videos/a.mp4",
    ] {
        check(
            &play("s.example", video, &signed_for(resource, "x", E)),
            refused(Refusal::WrongResource),
        );
    }
    for name in ["videos/a.mp4", "videos/a"] {
        check(&play("s.example", video, &signed(name, E)), Ok("E1"));
    }
    check(
        &play("s.example", video, &signed("videos/b", E)),
        refused(Refusal::SignatureMismatch),
    );
}

#[test]
fn t108_every_event_is_judged_anew() {
    let link = signed("videos/a", E);
    let event = Play {
        now: E - 1,
        ..play("s.example", "/videos/a.mp4", &link)
    };
    check(&event, Ok("E1"));
    let event = Play { now: E, ..event };
    check(&event, refused(Refusal::Expired(Timestamp::from_secs(E))));
}

#[test]
fn a_stream_is_no_way_around_a_videos_own_keys() {
    let link = signed("private/a", E);
    check(&play("open.example", "/public/a.mp4", ""), Ok("E1"));
    check(
        &play("open.example", "/private/a.mp4", ""),
        refused(Refusal::MissingKeyPairId),
    );
    check(&play("open.example", "/private/a.mp4", &link), Ok("E1"));
    check(&play("s.example", "/private/a.mp4", &link), Ok("E1"));
    // The stream and the video trust different keys, so no key counts for both.
    check(
        &play("s.example", "/others/a.mp4", &signed("others/a", E)),
        Err(Denial::AmbiguousPath),
    );
    check(
        &play("open.example", "/others/a.mp4", &signed("others/a", E)),
        refused(Refusal::UnknownKey),
    );
    for path in [
        "/public/../private/a.mp4",
        "/public/%2e%2e/private/a.mp4",
        "/public%2f..%2fprivate/a.mp4",
        "/../a.mp4",
        "//private/a.mp4",
        "/private;x/a.mp4",
        "/x%252f..%252fprivate/a.mp4",
    ] {
        check(&play("open.example", path, ""), Err(Denial::AmbiguousPath));
    }
    // Path info may follow a file's name: the policy fixes the extension, but does not name the file.
    let ending = signed_for("private/*", "private/a", E);
    check(&play("open.example", "/private/b.flv", &ending), Ok("E1"));
    check(
        &play("open.example", "/private/a.mp4/b.flv", &ending),
        Err(Denial::AmbiguousPath),
    );
    // A folder takes names literally, but none that leads upwards.
    let odd = signed("v/a%3Bb", E);
    check(&play("web.example", "/v/a%3Bb.mp4", &odd), Ok("S3"));
    for path in ["/v/../a.mp4", "/v/%2e%2e/a.mp4", "/v%5C..%5Ca.mp4"] {
        let link = signed_for("*", "v/a", E);
        check(
            &play("web.example", path, &link),
            Err(Denial::AmbiguousPath),
        );
    }
}

/// Only the keys that both the stream and the video trust count.
#[test]
fn of_two_sets_of_keys_the_smaller_one_counts() {
    let by_other = |name: &str| {
        let signature = signature(
            "rsa4096.pem",
            privet_sign::HashAlgorithm::Sha1,
            &canned(name, E),
        );
        let signature = encode(&signature);
        format!("{name}?Expires={E}&Signature={signature}&Key-Pair-Id=KOTHER")
    };
    for (host, name) in [("s.example", "both/a"), ("wide.example", "private/a")] {
        let path = format!("/{name}.mp4");
        check(
            &play(host, &path, &by_other(name)),
            refused(Refusal::UnknownKey),
        );
        check(&play(host, &path, &signed(name, E)), Ok("E1"));
    }
    for link in [by_other("both/a"), signed("both/a", E)] {
        check(&play("wide.example", "/both/a.mp4", &link), Ok("E1"));
        check(&play("open.example", "/both/a.mp4", &link), Ok("E1"));
    }
}

#[test]
fn what_is_for_https_is_for_rtmps() {
    let plain = play("open.example", "/secure/a.mp4", "");
    check(&plain, Err(Denial::HttpsRequired));
    let tls = Play {
        scheme: Scheme::Https,
        ..plain
    };
    check(&tls, Ok("E1"));
}

#[test]
fn countries_count() {
    let blocked = Play {
        country: Some("XX"),
        ..play("open.example", "/public/a.mp4", "")
    };
    check(&blocked, Err(Denial::CountryBlocked));
    // A streaming distribution with an origin of its own has no restriction by country.
    let own = Play {
        country: Some("XX"),
        ..play("web.example", "/a.mp4", &signed("a", E))
    };
    check(&own, Ok("S3"));
}

#[test]
fn web_resources_are_a_switch() {
    let video = "/v/a.mp4";
    for (resource, host) in [
        ("https://web.example/v/*", "web.example:1935"),
        ("http*://web.example/v/a.mp4", "web.example"),
        ("http://*/v/a.mp4", "web.example"),
    ] {
        check(&play(host, video, &signed_for(resource, "x", E)), Ok("S3"));
    }
    check(
        &play(
            "web.example",
            video,
            &signed("https://web.example/v/a.mp4", E),
        ),
        Ok("S3"),
    );
    // The viewer's own parameters are part of a web URL.
    let link = signed("https://web.example/v/a.mp4?u=5", E);
    check(&play("web.example", video, &link), Ok("S3"));
    let other = link.replace("u=5", "u=6");
    check(
        &play("web.example", video, &other),
        refused(Refusal::SignatureMismatch),
    );
    let by_another_scheme = signed("http://web.example/v/a.mp4", E);
    check(&play("web.example", video, &by_another_scheme), Ok("S3"));
    for resource in [
        "https://web.example/w/*",
        "https://d.example/v/*",
        "ftp://web.example/v/*",
    ] {
        check(
            &play("web.example", video, &signed_for(resource, "x", E)),
            refused(Refusal::WrongResource),
        );
    }
    check(
        &play(
            "web.example",
            video,
            &signed_for("https://web.example/v/*", "x", X),
        ),
        refused(Refusal::Expired(Timestamp::from_secs(X))),
    );
    check(
        &play(
            "s.example",
            video,
            &signed_for("https://s.example/v/*", "x", E),
        ),
        refused(Refusal::WrongResource),
    );
    // With the switch off, a web URL is not the name of a stream.
    check(
        &play("s.example", video, &signed("https://s.example/v/a.mp4", E)),
        refused(Refusal::SignatureMismatch),
    );
    let everything =
        format!(r#"{{"Statement":[{{"Condition":{{"DateLessThan":{{"AWS:EpochTime":{E}}}}}}}]}}"#);
    check(
        &play("s.example", video, &signed_policy("x", &everything)),
        refused(Refusal::WrongResource),
    );
}
