//! Access to what is made of a video: by query, by cookies, by a path token, and not otherwise.

use crate::support::*;

const VIDEO: &str = "/private/videos/talk.mp4";
const ITEMS: [&str; 7] = [
    "hls/master.m3u8",
    "hls/t1/media.m3u8",
    "hls/t1/iframes.m3u8",
    "hls/t1/init.mp4",
    "hls/t1/1.m4s",
    "hls/ts/1.ts",
    "dash/manifest.mpd",
];

fn origin_of(video: &MadeVideo) -> (FakeOrigin, HeldObject) {
    let object = HeldObject::new(video.bytes.clone(), &[("ETag", "\"video\"")]);
    let answering = object.clone();
    (FakeOrigin::start(move |ask| answering.answer(ask)), object)
}

fn asked(item: &str) -> String {
    url(&format!("{VIDEO}/{item}"))
}

/// Returns the query of a link.
fn query_of(link: &str) -> &str {
    link.split_once('?').expect("a signed link").1
}

/// Returns a query that is valid for everything under `/private/videos/`.
fn wildcard_query() -> String {
    let link = with_policy("", &policy(&url("/private/videos/*")));
    query_of(&link).to_owned()
}

fn uris(list: &str) -> Vec<String> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let attributes = list
        .split("URI=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    lines.chain(attributes).map(str::to_owned).collect()
}

#[test]
fn nobody_gets_anything_without_a_grant_and_no_origin_is_asked() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let expired = with_policy("", &canned(&url("/private/videos/*"), X));
    let elsewhere = with_policy("", &policy(&url("/private/others/*")));
    let other_object = signed(&url("/private/videos/other.mp4"), E);
    let near_object = signed(&url("/private/videos/talk.mp4x"), E);
    let foreign = signed_by(OTHER, &url(VIDEO), E);
    let mut forged = wildcard_query();
    forged.replace_range(20..21, if &forged[20..21] == "A" { "B" } else { "A" });
    for item in ITEMS {
        let mut queries = vec!["", "Policy=x&Signature=y&Key-Pair-Id=KRSA", &forged];
        for link in [&expired, &elsewhere, &other_object, &near_object, &foreign] {
            queries.push(query_of(link));
        }
        for query in queries {
            for path_token in ["", "&path_token=1"] {
                let answer = edge.get(&format!("{}?{query}{path_token}", asked(item)));
                assert_eq!(answer.status(), 403, "{item}?{query}{path_token}");
            }
        }
    }
    assert!(
        origin.asks().is_empty(),
        "the origin was asked: {:?}",
        origin.asks()
    );
}

#[test]
fn a_policy_with_a_wildcard_goes_along_in_every_list() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let query = wildcard_query();
    for item in ITEMS {
        let answer = edge.get(&format!("{}?{query}", asked(item)));
        assert_eq!(
            answer.status(),
            200,
            "{item}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        if !item.ends_with(".m3u8") {
            continue;
        }
        assert_eq!(
            answer.field("Cache-Control"),
            Some("private, no-cache"),
            "{item}"
        );
        let folder = &item[..=item.rfind('/').unwrap()];
        for uri in uris(answer.text()) {
            assert!(uri.ends_with(&query), "{item}: {uri}");
            let followed = edge.get(&asked(&format!("{folder}{uri}")));
            assert_eq!(followed.status(), 200, "{item}: {uri}");
        }
    }
    let manifest = edge.get(&format!("{}?{query}", asked("dash/manifest.mpd")));
    assert!(
        manifest.text().contains(&query.replace('&', "&amp;")),
        "{}",
        manifest.text()
    );
}

/// F12: with a query of some kilobytes on each of its lines, a playlist of 100 kB would grow to 12 MB.
#[test]
fn f12_a_long_query_makes_no_long_list() {
    let (origin, _) = origin_of(&MadeVideo::new(2_000, 100, 0));
    let edge = Remote::new(&origin).start();
    let link = with_policy("", &policy(&url("/private/videos/*?u=*")));
    let list = |own: &str| {
        edge.get(&format!(
            "{}?{}&u={own}",
            asked("hls/t1/media.m3u8"),
            query_of(&link)
        ))
    };
    assert_eq!(list("5").status(), 200);
    let refused = list(&"x".repeat(6_000));
    assert_eq!(refused.status(), 422);
    assert!(refused.body.len() < 64 * 1024);
    assert!(!refused.text().contains("Signature"), "{}", refused.text());
}

/// The files made of an object consist of its own bytes, so a link to the object opens them too, and nothing else.
#[test]
fn a_link_to_the_object_opens_what_is_made_of_it() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let link = signed(&url(VIDEO), E);
    let query = query_of(&link);
    for item in ITEMS {
        assert_eq!(
            edge.get(&format!("{}?{query}", asked(item))).status(),
            200,
            "{item}"
        );
    }
    let list = edge.get(&format!("{}?{query}", asked("hls/t1/media.m3u8")));
    for uri in uris(list.text()) {
        let segment = edge.get(&asked(&format!("hls/t1/{uri}")));
        assert_eq!(segment.status(), 200, "{uri}");
    }
    let other = url("/private/videos/other.mp4/hls/master.m3u8");
    assert_eq!(edge.get(&format!("{other}?{query}")).status(), 403);
    let config = Remote::new(&origin).config().replace(
        "path_pattern = \"/private/*\"\n",
        "path_pattern = \"/private/*\"\nvideo = { object_grant = false }\n",
    );
    let edge = TestEdge::configured(&config);
    assert_eq!(edge.get(&link).status(), 200);
    let refused = edge.get(&format!("{}?{query}", asked("hls/master.m3u8")));
    assert_eq!(refused.status(), 403);
}

#[test]
fn with_cookies_lists_are_the_same_for_everybody() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let cookies = policy_cookies(RSA, &policy(&url("/private/videos/*")));
    for item in ITEMS {
        let answer = edge.ask(&Ask::get(asked(item)).header("Cookie", &cookies));
        assert_eq!(answer.status(), 200, "{item}");
        assert_eq!(answer.field("Cache-Control"), None, "{item}");
        if item.ends_with(".m3u8") {
            assert!(!answer.text().contains("Signature"), "{}", answer.text());
        }
    }
}

#[test]
fn a_path_token_stands_in_the_path() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    for query in [
        wildcard_query(),
        query_of(&signed(&url(VIDEO), E)).to_owned(),
    ] {
        let answer = edge.get(&format!(
            "{}?{query}&path_token=1",
            asked("hls/master.m3u8")
        ));
        assert_eq!(answer.status(), 302);
        assert_eq!(answer.field("Cache-Control"), Some("no-store"));
        let location = answer.field("Location").expect("a way").to_owned();
        assert!(
            location.starts_with("/~") && !location.contains("Signature"),
            "{location}"
        );
        let folder = location
            .strip_suffix("hls/master.m3u8")
            .expect("the same name");
        for item in ITEMS {
            let answer = edge.get(&url(&format!("{folder}{item}")));
            assert_eq!(answer.status(), 200, "{folder}{item}");
            assert_ne!(answer.field("Cache-Control"), Some("private, no-cache"));
            if item.ends_with(".m3u8") {
                assert!(!answer.text().contains("Signature"), "{}", answer.text());
            }
        }
        // A token with a changed character is none of ours.
        for at in [20, 60, 100] {
            let other = if &location[at..=at] == "B" { "C" } else { "B" };
            let mut forged = location.clone();
            forged.replace_range(at..=at, other);
            let answer = edge.get(&url(&forged));
            assert_eq!(answer.status(), 403, "{forged}");
        }
        let elsewhere = location.replace("/videos/talk.mp4", "/others/talk.mp4");
        assert_eq!(edge.get(&url(&elsewhere)).status(), 403);
        edge.set_clock(E);
        assert_eq!(
            edge.get(&url(&location)).status(),
            403,
            "a path_token outlives its grant"
        );
        edge.set_clock(NOW);
    }
    let (_, live) = edge.stop();
    assert!(!live.text().contains("/~S1"), "a token stands in the log");
}

#[test]
fn a_grant_that_ends_between_list_and_segment_is_over() {
    let (origin, _) = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let query = wildcard_query();
    let list = edge.get(&format!("{}?{query}", asked("hls/t1/media.m3u8")));
    assert_eq!(list.status(), 200);
    edge.set_clock(E);
    for uri in uris(list.text()) {
        assert_eq!(
            edge.get(&asked(&format!("hls/t1/{uri}"))).status(),
            403,
            "{uri}"
        );
    }
}

#[test]
fn lists_that_are_objects_get_the_grant_too() {
    let list = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:6,\n1.m4s?v=1\n#EXTINF:6,\nhttps://evil.net/2.m4s\n";
    let object = HeldObject::new(
        list.into(),
        &[
            ("ETag", "\"list\""),
            ("Content-Type", "application/x-mpegURL"),
        ],
    );
    let answering = object.clone();
    let origin = FakeOrigin::start(move |ask| answering.answer(ask));
    let edge = Remote::new(&origin).start();
    let path = url("/private/videos/list.m3u8");
    let query = wildcard_query();
    let answer = edge.get(&format!("{path}?{query}"));
    let expected = format!(
        "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4?{query}\"\n#EXTINF:6,\n1.m4s?v=1&{query}\n#EXTINF:6,\nhttps://evil.net/2.m4s\n"
    );
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.field("Cache-Control"), Some("private, no-cache"));
    assert_eq!(answer.field("Content-Type"), Some("application/x-mpegURL"));
    assert_ne!(answer.field("ETag"), Some("\"list\""));
    // With cookies, a path token, or a link that is valid for nothing else, the playlist stays as it is.
    let cookies = policy_cookies(RSA, &policy(&url("/private/videos/*")));
    let by_cookies = edge.ask(&Ask::get(&path).header("Cookie", cookies));
    assert_eq!(by_cookies.text(), list);
    assert_eq!(edge.get(&signed(&path, E)).text(), list);
    let way = edge.get(&format!("{path}?{query}&path_token=1"));
    assert_eq!(way.status(), 302);
    assert_eq!(edge.get(&url(way.field("Location").unwrap())).text(), list);
    // The parameter that requests a path token is not signed, and opens nothing by itself.
    let exact = with_policy("", &policy(&path));
    let exact = query_of(&exact);
    let wish = format!("{path}?{exact}&path_token=1");
    assert_eq!(edge.get(&wish).status(), 302);
    let other = format!("{}?{exact}&path_token=1", url("/private/videos/other.m3u8"));
    assert_eq!(edge.get(&other).status(), 403);
    // A playlist that may not be cached is rewritten just the same.
    object.change_to(list.into(), &[("Cache-Control", "no-store")]);
    let fresh = url("/private/videos/live.m3u8");
    assert_eq!(edge.get(&format!("{fresh}?{query}")).text(), expected);
    // An object that is no playlist is sent as it is.
    object.change_to(b"<html>".to_vec(), &[("ETag", "\"page\"")]);
    let page = url("/private/videos/page.m3u8");
    assert_eq!(edge.get(&format!("{page}?{query}")).text(), "<html>");
}
