//! Path tokens in paths: from a signed link to a token, and what the token opens.

use crate::support::*;
use http::StatusCode;
use privet_distribution::request::{
    Authorized, Denial, PathTokenIssuer, ViewerRequest, authorize, authorize_video, carried_query,
    object_query, path_token_location, route, route_video, split_path_token, wants_path_token,
    without_path_token,
};
use privet_distribution::response::path_token_page;
use privet_sign::{NoMemory, PathTokenSecret, Refusal, Timestamp};

const VIDEO: &str = "/private/a.mp4";
const LIST: &str = "/private/a.mp4/hls/master.m3u8";
const SEGMENT: &str = "/private/a.mp4/hls/t1/1.m4s";

fn secret() -> PathTokenSecret {
    PathTokenSecret::new(&[3; 32]).unwrap()
}

fn url(path: &str) -> String {
    format!("{U}{path}")
}

fn moved(signed: &str, to: &str) -> String {
    let (_, query) = signed.split_once('?').unwrap();
    format!("{}?{query}", url(to))
}

fn video_of(path: &str) -> Option<&str> {
    path.rfind("/hls/").map(|at| &path[..at])
}

/// Returns where a viewer with this link is redirected, and the query that playlists carry for it.
fn start(link: &str) -> (Option<String>, String) {
    let snapshot = snapshot();
    get(link).with(|request| {
        let now = Timestamp::from_secs(NOW);
        let video = video_of(request.path);
        let authorized = match video {
            Some(video) => {
                let routed = route_video(&snapshot, request, video).unwrap();
                authorize_video(routed, request, video, now, &NoMemory).unwrap()
            }
            None => {
                let routed = route(&snapshot, request).unwrap();
                authorize(routed, request, now, &NoMemory).unwrap()
            }
        };
        let token = issue_path_token(&authorized, request, video);
        let carried = authorized
            .grant()
            .map(|grant| carried_query(request.query.unwrap(), grant));
        (
            token.map(|token| path_token_location(request, &token)),
            carried.unwrap_or_default(),
        )
    })
}

fn issue_path_token(
    authorized: &Authorized<'_>,
    request: &ViewerRequest<'_>,
    video: Option<&str>,
) -> Option<String> {
    let issuer = PathTokenIssuer {
        secret: &secret(),
        now: Timestamp::from_secs(NOW),
        memory: &NoMemory,
    };
    issuer.issue(authorized, request, video)
}

/// Follows a location: splits the token off as the edge does.
fn follow(location: &str, path: &str, query: &str) -> Result<String, Denial> {
    let (before, _) = location.split_once('?').unwrap_or((location, ""));
    let (token, _) = split_path_token(before).unwrap();
    let sent = Sent {
        path_token: Some((token.to_owned(), secret())),
        ..get(format!("{}{query}", url(path)))
    };
    let snapshot = snapshot();
    sent.with(|request| {
        let now = Timestamp::from_secs(NOW);
        let authorized = match video_of(path) {
            Some(video) => {
                let routed = route_video(&snapshot, request, video)?;
                authorize_video(routed, request, video, now, &NoMemory)?
            }
            None => authorize(route(&snapshot, request)?, request, now, &NoMemory)?,
        };
        // A path token does not get another path token.
        let again = issue_path_token(&authorized, request, None);
        assert_eq!(again, None);
        let carried = carried_query(
            request.query.unwrap_or_default(),
            authorized.grant().unwrap(),
        );
        Ok(carried)
    })
}

#[test]
fn few_paths_begin_with_a_token() {
    for path in [
        "/",
        "/~",
        "/~anna",
        "/~anna/a.mp4",
        "/~/a.mp4",
        "/a/~x/b",
        "//~x/b",
    ] {
        assert_eq!(split_path_token(path), None, "{path}");
    }
    let token = format!("S1{}", "Ab-_".repeat(40));
    for rest in [
        String::new(),
        format!("x{token}/a"),
        format!("~~{token}/a"),
        format!("~{token}"),
    ] {
        assert_eq!(split_path_token(&format!("/{rest}")), None, "{rest}");
    }
    for tilde in ["~", "%7E", "%7e"] {
        let path = format!("/{tilde}{token}/a//b");
        assert_eq!(split_path_token(&path), Some((token.as_str(), "/a//b")));
    }
    // A second token is part of the path, and opens nothing.
    let path = format!("/~{token}/~{token}/a");
    assert_eq!(
        split_path_token(&path),
        Some((token.as_str(), format!("/~{token}/a").as_str()))
    );
}

#[test]
fn a_request_for_a_path_token() {
    for query in [
        "",
        "path_token",
        "path_token=0",
        "path_token=10",
        "xpath_token=1",
        "PathToken=1",
        "a=path_token=1",
    ] {
        assert!(!wants_path_token(query), "{query}");
        assert_eq!(without_path_token(query).as_deref(), Some(query));
    }
    for (query, without) in [
        ("path_token=1", None),
        ("a=1&path_token=1", Some("a=1")),
        ("path_token=1&a=1&&b", Some("a=1&&b")),
        ("a&path_token=1&path_token=1&b", Some("a&b")),
    ] {
        assert!(wants_path_token(query), "{query}");
        assert_eq!(without_path_token(query).as_deref(), without);
    }
    let query = "a=1&Expires=5&path_token=1&Signature=x&b=%20&Key-Pair-Id=K";
    assert_eq!(object_query(query).as_deref(), Some("a=1&b=%20"));
    assert_eq!(object_query("path_token=1&Signature=x"), None);
}

#[test]
fn a_path_token_opens_what_its_link_opened() {
    for link in [
        signed(&url(VIDEO), E),
        signed_for(&url("/private/a.mp4*"), &url("/x"), E),
    ] {
        let (location, _) = start(&format!("{}&path_token=1", moved(&link, LIST)));
        let location = location.unwrap();
        assert!(location.ends_with(LIST), "{location}");
        assert!(!location.contains('?'), "{location}");
        assert_eq!(follow(&location, LIST, ""), Ok(String::new()));
        assert_eq!(follow(&location, SEGMENT, ""), Ok(String::new()));
        assert_eq!(follow(&location, VIDEO, ""), Ok(String::new()));
        for other in ["/private/b.mp4", "/private/b.mp4/hls/t1/1.m4s", "/private/"] {
            assert!(
                matches!(
                    follow(&location, other, ""),
                    Err(Denial::Signature(
                        Refusal::SignatureMismatch | Refusal::WrongResource
                    ))
                ),
                "{other}"
            );
        }
    }
}

#[test]
fn a_path_token_is_looked_at_alone() {
    let good = signed(&url(VIDEO), E);
    let token = format!("S1{}", "A".repeat(160));
    let sent = Sent {
        path_token: Some((token, secret())),
        ..get(&good)
    };
    // A valid link does not help beside an invalid token.
    assert_eq!(
        sent.run(&snapshot()),
        Err(Denial::Signature(Refusal::PathTokenMismatch))
    );
    let (location, _) = start(&moved(&good, LIST));
    let location = location.unwrap();
    // An invalid link does no harm beside a valid token.
    let bad = "?Expires=1&Signature=@&Key-Pair-Id=x";
    assert_eq!(follow(&location, VIDEO, bad), Ok(String::new()));
}

#[test]
fn an_open_behavior_has_no_path_tokens() {
    assert_eq!(
        start(&url("/public/a.mp4/hls/master.m3u8?path_token=1")),
        (None, String::new())
    );
}

#[test]
fn an_ordinary_list_may_have_one() {
    let list = url("/private/set/main.m3u8");
    let (location, carried) = start(&signed_for(&url("/private/set/*"), &list, E));
    assert!(carried.starts_with("Policy="), "{carried}");
    assert_eq!(
        follow(&location.unwrap(), "/private/set/1.ts", ""),
        Ok(String::new())
    );
}

/// Parameters that a viewer adds to a link must not appear on every line of a playlist.
#[test]
fn f12_only_what_counted_is_carried() {
    let link = signed_for(&url("/private/*"), &url("/x"), E);
    let query = link.split_once('?').unwrap().1;
    for added in [
        "&Expires=1999999999",
        "&u=5&&&",
        "&path_token=1",
        "&expires=1",
        "&policy=x",
    ] {
        let (_, carried) = start(&format!("{}{added}", moved(&link, LIST)));
        assert_eq!(carried, query, "{added}");
    }
    // Escapes that triple the length are undone.
    let escaped: String = query
        .split('&')
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap();
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("&%{:02X}{}={value}", name.as_bytes()[0], &name[1..])
        })
        .collect();
    let (_, carried) = start(&format!("{}?{}", url(LIST), &escaped[1..]));
    assert_eq!(carried, query);
}

#[test]
fn f12_an_expires_that_is_no_number_is_refused_beside_a_policy() {
    let snapshot = snapshot();
    let link = moved(&signed_for(&url("/private/*"), &url("/x"), E), LIST);
    for expires in [
        "",
        "x",
        "0",
        "1e9",
        "-1",
        "%20",
        &"9".repeat(7000),
        "1767003600000",
    ] {
        get(format!("{link}&Expires={expires}")).with(|request| {
            let routed = route_video(&snapshot, request, VIDEO).unwrap();
            let now = Timestamp::from_secs(NOW);
            let refused = authorize_video(routed, request, VIDEO, now, &NoMemory).map(|_| ());
            assert_eq!(
                refused,
                Err(Denial::Signature(Refusal::MalformedExpires)),
                "{expires}"
            );
        });
    }
}

#[test]
fn the_viewers_own_parameters_go_along_where_they_count() {
    let link = signed(&url("/private/a.mp4?u=5"), E);
    let (location, carried) = start(&format!("{}&path_token=1", moved(&link, LIST)));
    let query = link.split_once('?').unwrap().1;
    assert_eq!(carried, query);
    let location = location.unwrap();
    assert!(location.ends_with("/hls/master.m3u8?u=5"), "{location}");
    assert_eq!(follow(&location, SEGMENT, "?u=5"), Ok("u=5".to_owned()));
    assert_eq!(
        follow(&location, SEGMENT, ""),
        Err(Denial::Signature(Refusal::SignatureMismatch))
    );
    // A resource that matches any query needs none.
    let link = signed_for(&url("/private/*"), &url("/x"), E);
    let (_, carried) = start(&format!("{}&u=5", moved(&link, LIST)));
    assert_eq!(carried, link.split_once('?').unwrap().1);
    let link = signed_for(&url("/private/*?u=*"), &url("/x"), E);
    let (location, carried) = start(&format!("{}&u=5&path_token=1", moved(&link, LIST)));
    assert!(carried.ends_with("&u=5"), "{carried}");
    assert_eq!(
        follow(&location.unwrap(), SEGMENT, "?u=6"),
        Ok("u=6".to_owned())
    );
}

#[test]
fn locations_are_safe_headers() {
    let link = signed_for(&url("/private/*"), &url("/x"), E);
    let odd = moved(&link, "/private/\u{e4} b.mp4/hls/master.m3u8") + "&x=\u{e4}";
    let location = start(&odd).0.unwrap();
    assert!(
        location.bytes().all(|byte| byte.is_ascii_graphic()),
        "{location}"
    );
    assert!(
        location.ends_with("/private/%C3%A4%20b.mp4/hls/master.m3u8?x=%C3%A4"),
        "{location}"
    );
    let page = path_token_page(&location);
    assert_eq!(page.status, StatusCode::FOUND);
    assert_eq!(page.cache_control, Some("no-store"));
    assert_eq!(page.location.as_deref(), Some(location.as_str()));
}

#[test]
fn a_redirect_to_https_keeps_the_path_token() {
    let token = format!("S1{}", "A".repeat(160));
    let sent = Sent {
        path_token: Some((token.clone(), secret())),
        ..get(url("/redir/a.mp4").replace("https", "http"))
    };
    let location = url(&format!("/~{token}/redir/a.mp4"));
    assert_eq!(
        sent.run(&snapshot()),
        Err(Denial::RedirectToHttps {
            location,
            status: StatusCode::MOVED_PERMANENTLY
        })
    );
}
