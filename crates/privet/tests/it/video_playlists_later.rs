//! Playlists at an origin that fails at first: they are sent with the grant in them, or not at all.

use crate::support::*;
const HLS: &str = "#EXTM3U\n#EXTINF:6,\n1.ts\n#EXT-X-ENDLIST\n";
const DASH: &str = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><AdaptationSet>\
     <SegmentTemplate media=\"$Number$.m4s\"/></AdaptationSet></Period></MPD>";
/// Returns the query of a policy for everything private.
fn query() -> String {
    let link = with_policy("", &policy(&url("/private/*")));
    link.split_once('?').unwrap().1.to_owned()
}
fn list_of(name: &str, object: Shelved) -> (TestEdge, Answer) {
    let path = format!("/private/{name}");
    let origin = shelf([(&path, object)]);
    let edge = Remote::new(&origin).start();
    let ask = Ask::get(format!("{}?{}", url(&path), query()));
    let answer = edge.ask(&ask);
    (edge, answer)
}

/// Returns what an origin sends at first, before it has the playlist.
fn first_faults() -> Vec<(&'static str, usize, OriginAnswer)> {
    let fault = |status| OriginAnswer::whole(status, &[("Cache-Control", "no-store")], "not now");
    let cut = OriginAnswer::head(200, &[("Content-Length", "500")]).send("#EXTM3U\n");
    vec![
        ("500", 1, fault(500)),
        ("503", 1, fault(503)),
        ("504", 1, fault(504)),
        ("400", 1, fault(400)),
        ("403", 1, fault(403)),
        ("404", 1, fault(404)),
        // As many times as one read retries.
        ("closed", 3, OriginAnswer::default().close()),
        ("garbage", 1, OriginAnswer::raw("no HTTP\r\n\r\n").close()),
        ("cut", 1, cut.close()),
    ]
}

/// A playlist that could not be read is not sent unsigned even if the origin has it a moment later.
#[test]
fn a_list_that_fails_first_and_then_succeeds_never_goes_out_unsigned() {
    for (name, list) in [("a.m3u8", HLS), ("a.mpd", DASH)] {
        for (told, count, fault) in first_faults() {
            for method in ["GET", "HEAD"] {
                let asked = std::sync::atomic::AtomicUsize::new(0);
                let fault = fault.clone();
                let origin = FakeOrigin::start(move |_| {
                    match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < count {
                        true => fault.clone(),
                        false => OriginAnswer::whole(200, &[("ETag", "\"later\"")], list),
                    }
                });
                let edge = Remote::new(&origin).start();
                let path = format!("/private/{name}");
                let ask = Ask::get(format!("{}?{}", url(&path), query()));
                let answer = edge.ask(&ask.clone().method(method));
                let text = answer.text();
                assert!(
                    answer.status() >= 300 && !text.contains("1.ts") && !text.contains("$Number$"),
                    "{method} {name} after {told}: {} {text}",
                    answer.status()
                );
                assert_ne!(answer.field("ETag"), Some("\"later\""), "{told}");
                // The playlist plays as soon as it can be read.
                let answer = edge.ask(&ask);
                assert_eq!(answer.status(), 200, "{name} after {told}");
                assert!(answer.text().contains("Signature="), "{name} after {told}");
            }
        }
    }
}

/// Cookies need no rewriting, so the object is sent as soon as the origin has it.
#[test]
fn a_list_for_cookies_is_asked_for_once() {
    let origin = shelf([("/private/a.m3u8", Shelved::new(HLS))]);
    let edge = Remote::new(&origin).start();
    let cookies = policy_cookies(RSA, &policy(&url("/private/*")));
    let answer = edge.ask(&Ask::get(url("/private/a.m3u8")).header("Cookie", cookies));
    assert_eq!((answer.status(), answer.text()), (200, HLS));
    assert_eq!(origin.asks().len(), 1);
}

/// The origin's response in place of a playlist is passed on unchanged.
#[test]
fn an_origins_words_in_place_of_a_list_are_passed_on() {
    let (_edge, answer) = list_of("a.m3u8", Shelved::fault(404).with("X-Why", "gone"));
    assert_eq!((answer.status(), answer.text()), (404, "no"));
    assert_eq!(answer.field("X-Why"), Some("gone"));
}
