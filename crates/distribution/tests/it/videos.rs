//! Access to what is made of a video.

use crate::support::*;
use http::StatusCode;
use privet_distribution::config::Snapshot;
use privet_distribution::request::{Denial, authorize_member, authorize_video, route, route_video};
use privet_distribution::response::denial_page;
use privet_sign::{NoMemory, Refusal, Timestamp};

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:443"
protocol = "https"
[[listeners]]
address = "127.0.0.1:80"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[public_keys]]
id = "KEC"
file = "p256.pub.pem"
[[public_keys]]
id = "KOTHER"
file = "rsa4096.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[key_groups]]
id = "more"
public_keys = ["KRSA", "KEC"]
[[key_groups]]
id = "others"
public_keys = ["KOTHER"]
[[distributions]]
id = "E1"
domain_name = "d111111abcdef8.cloudfront.net"
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[distributions.origins]]
id = "videos"
url = "http://origin.example"
origin_path = "/videos"
[[distributions.origins]]
id = "lists"
folder = "lists"
[[distributions.behaviors]]
path_pattern = "/lists/*.m3u8"
origin = "lists"
viewer_protocol_policy = "https-only"
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/made/*/hls/*"
origin = "lists"
video = false
[[distributions.behaviors]]
path_pattern = "/kept/*/hls/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/kept/*"
origin = "videos"
video = false
[[distributions.behaviors]]
path_pattern = "/tls/*"
origin = "videos"
viewer_protocol_policy = "https-only"
[[distributions.behaviors]]
path_pattern = "/public/*"
origin = "videos"
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/lists/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/made/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/off/*"
origin = "videos"
video = false
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/strict/*"
origin = "videos"
video = { object_grant = false }
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/more/*"
origin = "videos"
trusted_key_groups = ["more"]
[[distributions.behaviors]]
path_pattern = "/others/*"
origin = "videos"
trusted_key_groups = ["others"]
[[distributions.behaviors]]
path_pattern = "/secure/*"
origin = "videos"
viewer_protocol_policy = "https-only"
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "videos"
trusted_key_groups = ["viewers"]
"#;

fn videos() -> Snapshot {
    snapshot_of(CONFIG)
}

/// Returns the object's path within a request's: everything before the last `/hls/`.
fn object_path(path: &str) -> &str {
    &path[..path.rfind("/hls/").unwrap()]
}

/// Returns the path pattern of the behavior by which the video is read.
fn ask(sent: &Sent) -> Result<String, Denial> {
    let snapshot = videos();
    sent.with(|request| {
        let object = object_path(request.path);
        let routed = route_video(&snapshot, request, object)?;
        let now = Timestamp::from_secs(NOW);
        let authorized = authorize_video(routed, request, object, now, &NoMemory)?;
        assert!(authorized.routed().videos().is_some());
        Ok(authorized
            .routed()
            .behavior
            .path_pattern
            .as_str()
            .to_owned())
    })
}

#[track_caller]
fn check(url: &str, expected: Result<&str, Denial>) {
    assert_eq!(ask(&get(url)), expected.map(str::to_owned), "{url}");
}

fn refused(refusal: Refusal) -> Result<&'static str, Denial> {
    Err(Denial::Signature(refusal))
}

fn url(path: &str) -> String {
    format!("{U}{path}")
}

/// Appends the query of a signed URL to another path.
fn moved(signed: &str, to: &str) -> String {
    let (_, query) = signed.split_once('?').unwrap();
    format!("{}?{query}", url(to))
}

#[test]
fn without_a_grant_nothing_is_made() {
    check(
        &url("/a.mp4/hls/master.m3u8"),
        refused(Refusal::MissingKeyPairId),
    );
    check(
        &url("/a.mp4/hls/t1/1.m4s?path_token=1"),
        refused(Refusal::MissingKeyPairId),
    );
    check(&url("/public/a.mp4/hls/master.m3u8"), Ok("/public/*"));
}

#[test]
fn a_grant_for_another_object_opens_nothing() {
    let canned_for = |object: &str| signed(&url(object), E);
    let wildcard_for = |resource: &str| signed_for(&url(resource), &url("/x"), E);
    let segment = "/a.mp4/hls/t1/1.m4s";
    for other in [
        "/b.mp4",
        "/a.mp",
        "/a.mp4x",
        "/a.mp4/hls",
        "/",
        "/a.mp4/hls/t1/2.m4s",
    ] {
        check(
            &moved(&canned_for(other), segment),
            refused(Refusal::SignatureMismatch),
        );
        check(
            &moved(&wildcard_for(other), segment),
            refused(Refusal::WrongResource),
        );
    }
    for other in ["/b*", "/a.mp4/hls/t2/*", "/a.mp4/dash/*"] {
        check(
            &moved(&wildcard_for(other), segment),
            refused(Refusal::WrongResource),
        );
    }
    // The same path on another host, or with another scheme.
    let other = signed("https://www.example.com/a.mp4", E);
    check(&moved(&other, segment), refused(Refusal::SignatureMismatch));
    let other = signed("http://d111111abcdef8.cloudfront.net/a.mp4", E);
    check(&moved(&other, segment), refused(Refusal::SignatureMismatch));
}

#[test]
fn a_grant_for_the_object_opens_what_is_made_of_it() {
    let segment = "/v/a.mp4/hls/t1/1.m4s";
    check(&moved(&signed(&url("/v/a.mp4"), E), segment), Ok("*"));
    for resource in [
        "/v/a.mp4",
        "/v/*.mp4",
        "/v/*",
        "/v/a.mp4/hls/*",
        "/v/a.mp4*",
    ] {
        let link = signed_for(&url(resource), &url("/x"), E);
        check(&moved(&link, segment), Ok("*"));
    }
    // A grant for the derived URL itself opens it.
    check(&signed(&url(segment), E), Ok("*"));
    // A grant for derived files does not open the object.
    let link = moved(
        &signed_for(&url("/v/a.mp4/hls/*"), &url("/x"), E),
        "/v/a.mp4",
    );
    assert_eq!(
        get(link).run(&videos()),
        Err(Denial::Signature(Refusal::WrongResource))
    );
}

#[test]
fn the_operator_may_want_a_grant_for_the_very_url() {
    let segment = "/strict/a.mp4/hls/t1/1.m4s";
    let object = url("/strict/a.mp4");
    check(
        &moved(&signed(&object, E), segment),
        refused(Refusal::SignatureMismatch),
    );
    let link = signed_for(&object, &url("/x"), E);
    check(&moved(&link, segment), refused(Refusal::WrongResource));
    let link = signed_for(&url("/strict/*"), &url("/x"), E);
    check(&moved(&link, segment), Ok("/strict/*"));
}

#[test]
fn the_refusal_that_got_further_is_told() {
    let segment = "/a.mp4/hls/t1/1.m4s";
    let past = || refused(Refusal::Expired(Timestamp::from_secs(X)));
    check(&moved(&signed(&url("/a.mp4"), X), segment), past());
    let link = signed_for(&url("/a.mp4"), &url("/x"), X);
    check(&moved(&link, segment), past());
    let policy = |condition: &str| {
        let resource = url("/a.mp4");
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{E}}},{condition}}}}}]}}"#
        );
        moved(&signed_policy(&resource, &policy), segment)
    };
    check(
        &policy(r#""IpAddress":{"AWS:SourceIp":"198.51.100.0/24"}"#),
        refused(Refusal::WrongAddress),
    );
    check(
        &policy(&format!(r#""DateGreaterThan":{{"AWS:EpochTime":{E}}}"#)),
        refused(Refusal::NotYetValid(Timestamp::from_secs(E))),
    );
    // The link covers the requested URL but has expired; that it does not cover the object is the lesser refusal.
    let link = signed_for(&url("/a.mp4/hls/*"), &url(segment), X);
    check(&link, past());
    let link = moved(&signed(&url("/a.mp4"), E), segment);
    check(
        &link.replace("KRSA", "KOTHER"),
        refused(Refusal::UnknownKey),
    );
    check(
        &link.replace("Signature=", "Signature=@"),
        refused(Refusal::UndecodableSignature),
    );
    let link = signed_for(&url("/a.mp4"), &url("/x"), E);
    let broken = moved(&link, segment).replace("Signature=", "Signature=AAAA");
    check(&broken, refused(Refusal::SignatureMismatch));
}

#[test]
fn a_canned_signature_counts_the_query() {
    let segment = "/a.mp4/hls/t1/1.m4s";
    let link = signed(&url("/a.mp4?u=5"), E);
    check(&moved(&link, segment), Ok("*"));
    let without = link.replace("u=5&", "");
    check(
        &moved(&without, segment),
        refused(Refusal::SignatureMismatch),
    );
    // The parameter that requests a path token is not part of what is signed.
    check(&format!("{}&path_token=1", moved(&link, segment)), Ok("*"));
    check(
        &format!("{}&path_token=2", moved(&link, segment)),
        refused(Refusal::SignatureMismatch),
    );
}

#[test]
fn cookies_open_videos_too() {
    let policy = canned(&url("/a.mp4"), E);
    let cookies = format!(
        "CloudFront-Policy={}; CloudFront-Signature={}; CloudFront-Key-Pair-Id=KRSA",
        encode(policy.as_bytes()),
        encode(&signature(
            "rsa2048.pem",
            privet_sign::HashAlgorithm::Sha1,
            &policy
        ))
    );
    let with = |path: &str| ask(&get(url(path)).header("cookie", &cookies));
    assert_eq!(with("/a.mp4/hls/t1/1.m4s"), Ok("*".to_owned()));
    assert_eq!(
        with("/b.mp4/hls/t1/1.m4s"),
        Err(Denial::Signature(Refusal::WrongResource))
    );
}

#[test]
fn what_is_restricted_under_any_reading_is_never_open() {
    let missing = || refused(Refusal::MissingKeyPairId);
    // The playlist's own path matches a restricted behavior, the object's an open one: the grant is needed, and the
    // object's origin is read.
    check(&url("/lists/a.mp4/hls/master.m3u8"), missing());
    let link = signed(&url("/lists/a.mp4"), E);
    check(
        &moved(&link, "/lists/a.mp4/hls/master.m3u8"),
        Ok("/lists/*"),
    );
    check(&url("/lists/a.mp4/hls/t1/1.m4s"), Ok("/lists/*"));
    let plain = url("/lists/a.mp4/hls/master.m3u8").replace("https", "http");
    check(&plain, Err(Denial::HttpsRequired));
    for path in [
        "/public/../secret/a.mp4/hls/t1/1.m4s",
        "/public/%2e%2e/secret/a.mp4/hls/t1/1.m4s",
        "/public%2f..%2fsecret/a.mp4/hls/t1/1.m4s",
        "//a.mp4/hls/t1/1.m4s",
        "/public/a.mp4/hls/../../../a.mp4/hls/t1/1.m4s",
        "/secret%3f/../public/a.mp4/hls/t1/1.m4s",
    ] {
        check(&url(path), Err(Denial::AmbiguousPath));
    }
    check(&url("/../a.mp4/hls/t1/1.m4s"), Err(Denial::AmbiguousPath));
    check(
        &url("/others/../a.mp4/hls/t1/1.m4s"),
        Err(Denial::AmbiguousPath),
    );
}

#[test]
fn dots_do_not_lead_out_of_what_a_policy_covers() {
    let link = signed_for(&url("/v/*"), &url("/x"), E);
    for path in [
        "/v/../w/a.mp4/hls/t1/1.m4s",
        "/v/%2e%2e/w/a.mp4/hls/t1/1.m4s",
        "/v/b.mp4/hls/../../../w/a.mp4/hls/t1/1.m4s",
    ] {
        check(&moved(&link, path), Err(Denial::AmbiguousPath));
    }
}

/// Files made of an object have extensions of their own; a policy for such an extension was meant for other files.
#[test]
fn a_policy_for_an_extension_opens_no_video() {
    let segment = "/v/a.mp4/hls/ts/1.ts";
    let with = |resource: &str, path: &str| moved(&signed_for(&url(resource), &url(path), E), path);
    for resource in ["/*.ts", "/v/*.ts", "/v/*/1.ts", "/v/a*.ts", "/*/ts/?.ts"] {
        check(&with(resource, segment), refused(Refusal::WrongResource));
    }
    let list = "/v/a.mp4/hls/master.m3u8";
    check(&with("/*.m3u8", list), refused(Refusal::WrongResource));
    for resource in [
        "/*",
        "/v/*",
        "/v/a.mp4*",
        "/v/a.mp4/*",
        "/v/a.mp4/hls/*",
        "/v/a.mp4/hls/ts/*.ts",
        "/v/*.mp4/hls/*.ts",
        "/v/*/hls/*",
        // Everything in the folder of the request.
        "/v/*/ts/*",
        segment,
    ] {
        check(&with(resource, segment), Ok("*"));
    }
    // The object itself has the extension.
    check(&with("/v/*.ts", "/v/a.ts/hls/ts/1.ts"), Ok("*"));
}

#[test]
fn only_reading_makes_videos() {
    let path = url("/public/a.mp4/hls/t1/1.m4s");
    for method in ["PUT", "POST", "PATCH", "DELETE", "TRACE"] {
        let denial = ask(&send(method, &path));
        assert_eq!(denial, Err(Denial::MethodNotAllowed), "{method}");
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert!(ask(&send(method, &path)).is_ok(), "{method}");
    }
    let options = send("OPTIONS", url("/a.mp4/hls/t1/1.m4s"));
    assert_eq!(ask(&options), Err(Denial::MethodNotAllowed));
    let body = Sent {
        has_body: true,
        ..get(&path)
    };
    assert_eq!(ask(&body), Err(Denial::BodyNotAllowed));
    let plain = url("/secure/a.mp4/hls/t1/1.m4s").replace("https", "http");
    check(&plain, Err(Denial::HttpsRequired));
    assert_eq!(
        ask(&get("https://other.example/a.mp4/hls/t1/1.m4s")),
        Err(Denial::UnknownHost)
    );
}

#[test]
fn where_no_videos_are_made_a_name_is_an_ordinary_path() {
    let snapshot = videos();
    for (path, pattern) in [
        ("/off/a.mp4/hls/master.m3u8", "/off/*"),
        // Only the behavior of the playlist's own path makes no videos.
        ("/made/a.mp4/hls/master.m3u8", "/made/*/hls/*"),
        // Only the object's behavior makes none.
        ("/kept/a.mp4/hls/master.m3u8", "/kept/*/hls/*"),
    ] {
        get(url(path)).with(|request| {
            let video = route_video(&snapshot, request, object_path(path)).unwrap();
            assert!(video.videos().is_none(), "{path}");
            let ordinary = route(&snapshot, request).unwrap();
            for routed in [video, ordinary] {
                assert_eq!(routed.behavior.path_pattern.as_str(), pattern);
            }
            assert_eq!(
                video.trusted_keys().is_some(),
                ordinary.trusted_keys().is_some()
            );
        });
    }
}

/// Returns the behavior of `member` if a viewer of `set` may have it as another rendition.
fn member(set: &str, member: &str) -> Result<String, Denial> {
    let path = format!("{set}/hls/master.m3u8");
    member_by(&moved(&signed(&url(set), E), &path), set, member)
}

fn member_by(link: &str, set: &str, member: &str) -> Result<String, Denial> {
    let snapshot = videos();
    get(link).with(|request| {
        let routed = route_video(&snapshot, request, set)?;
        let now = Timestamp::from_secs(NOW);
        let authorized = authorize_video(routed, request, set, now, &NoMemory)?;
        let member = authorize_member(&authorized, request, member)?;
        assert_eq!(
            member.grant().map(|grant| grant.fingerprint()),
            authorized.grant().map(|grant| grant.fingerprint())
        );
        Ok(member.routed().behavior.path_pattern.as_str().to_owned())
    })
}

#[test]
fn members_of_a_set_ask_for_no_other_keys() {
    let foreign = Err(Denial::ForeignMember);
    assert_eq!(member("/public/a.mp4", "/b.mp4"), foreign);
    assert_eq!(member("/a.mp4", "/others/b.mp4"), foreign);
    // The set may have been opened with a key that the member does not trust.
    assert_eq!(member("/more/a.mp4", "/b.mp4"), foreign);
    assert_eq!(member("/a.mp4", "/off/b.mp4"), foreign);
    for odd in ["/../b.mp4", "/public/../b.mp4", "/a;b.mp4"] {
        assert_eq!(member("/a.mp4", odd), Err(Denial::AmbiguousPath));
    }
    assert_eq!(member("/a.mp4", "/v/b.mp4"), Ok("*".to_owned()));
    assert_eq!(member("/a.mp4", "/more/b.mp4"), Ok("/more/*".to_owned()));
    assert_eq!(
        member("/a.mp4", "/public/b.mp4"),
        Ok("/public/*".to_owned())
    );
    assert_eq!(
        member("/public/a.mp4", "/public/b.mp4"),
        Ok("/public/*".to_owned())
    );
}

#[test]
fn members_that_want_https_are_none_of_a_set_without() {
    let list = "d111111abcdef8.cloudfront.net/public/a.mp4/hls/master.m3u8";
    let over =
        |scheme: &str| member_by(&format!("{scheme}://{list}"), "/public/a.mp4", "/tls/b.mp4");
    assert_eq!(over("http"), Err(Denial::ForeignMember));
    assert_eq!(over("https"), Ok("/tls/*".to_owned()));
}

#[test]
fn a_video_that_cannot_be_made_is_told_why() {
    let denial = Denial::Video {
        token: "video-corrupt",
        reason: "the index is corrupt: <stsc>".to_owned(),
    };
    assert_eq!(denial.token(), "video-corrupt");
    let page = denial_page(&denial, "id");
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.content_type, "application/xml");
    let body = String::from_utf8(page.body).unwrap();
    assert!(
        body.contains("<Message>the index is corrupt: &lt;stsc&gt;</Message>"),
        "{body}"
    );
    assert_eq!(
        denial_page(&Denial::ForeignMember, "id").status,
        StatusCode::FORBIDDEN
    );
}
