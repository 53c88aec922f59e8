//! Errors that viewers see: the origin's as they came, the edge's as operators configure them.

use crate::support::*;

/// S3's response about a missing key to clients that may not list the bucket.
const S3_DENIAL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
    <Message>Access Denied</Message><RequestId>TX1</RequestId><HostId>H1</HostId></Error>";

fn site() -> FakeOrigin {
    FakeOrigin::start(|ask| match ask.path() {
        "/login.html" => {
            OriginAnswer::whole(200, &[("Content-Type", "text/html")], "please log in")
        }
        "/private/denied" | "/denied" => {
            OriginAnswer::whole(403, &[("Content-Type", "application/xml")], S3_DENIAL)
        }
        "/broken" => OriginAnswer::whole(500, &[], "a trace of the stack"),
        _ => OriginAnswer::whole(200, &[], "a page"),
    })
}

fn custom_error(status: u16, page_status: u16) -> String {
    format!(
        "[[distributions.custom_errors]]\nstatus = {status}\npage = \"/login.html\"\n\
         page_status = {page_status}\nmin_ttl = \"10s\""
    )
}

/// T99: the viewer has a grant, but the origin has no such object.
#[test]
fn an_xml_error_of_the_origin_passes_through() {
    let origin = site();
    let edge = Remote::new(&origin).start();
    let answer = edge.get(&signed(&url("/private/denied"), E));
    assert_eq!((answer.status(), answer.text()), (403, S3_DENIAL));
    assert_eq!(answer.field("Content-Type"), Some("application/xml"));
    assert_eq!(answer.outcome(), "Error");
    // The edge's own refusal has another text.
    let refused = edge.get(&url("/private/denied"));
    assert!(refused.text().contains("<Code>MissingKey</Code>"));
}

/// T100: the page takes the place of a refused signature, and the viewer needs no grant for it.
#[test]
fn a_page_takes_the_place_of_a_refusal() {
    let origin = site();
    let edge = Remote::new(&origin)
        .distribution(&custom_error(403, 200))
        .start();
    let refused = edge.get(&url("/private/a"));
    assert_eq!((refused.status(), refused.text()), (200, "please log in"));
    assert_eq!(refused.field("Content-Type"), Some("text/html"));
    let expired = edge.get(&signed(&url("/private/a"), X));
    assert_eq!((expired.status(), expired.text()), (200, "please log in"));
    // The refused path itself was never requested.
    assert!(origin.asks().iter().all(|ask| ask.target == "/login.html"));
    let denied = edge.get(&url("/denied"));
    assert_eq!((denied.status(), denied.text()), (200, "please log in"));
    let granted = edge.get(&signed(&url("/private/a"), E));
    assert_eq!((granted.status(), granted.text()), (200, "a page"));
}

#[test]
fn a_page_hides_an_error_of_the_origin() {
    let origin = site();
    let edge = Remote::new(&origin)
        .distribution(&custom_error(500, 503))
        .start();
    let answer = edge.fetch("/broken");
    assert_eq!((answer.status(), answer.text()), (503, "please log in"));
    let head = edge.ask(&Ask::get(url("/broken")).method("HEAD"));
    assert_eq!(head.status(), 503);
}

/// A page that fails itself leads to the first error, not into a loop.
#[test]
fn a_page_that_fails_is_no_circle() {
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(500, &[], "broken"));
    let edge = Remote::new(&origin)
        .distribution(&custom_error(500, 200))
        .start();
    let answer = edge.fetch("/a");
    assert_eq!(answer.status(), 500);
    assert!(origin.asks().len() <= 2);
}

/// An error caused by one viewer's own conditions must not be served to others when the object is not shared.
#[test]
fn an_error_about_one_viewers_conditions_is_not_kept() {
    for (name, value) in [
        ("Range", "bytes=zz"),
        ("If-None-Match", "zz"),
        ("If-Modified-Since", "zz"),
        ("If-Match", "zz"),
    ] {
        let origin = FakeOrigin::start(move |ask| match ask.header(name) {
            Some(_) => OriginAnswer::whole(500, &[], "what is zz"),
            None => OriginAnswer::whole(200, &[("Cache-Control", "private")], "for you"),
        });
        let policy = "min_ttl = \"0s\"\ndefault_ttl = \"0s\"\nmax_ttl = \"365d\"";
        let edge = Remote::new(&origin).policy(policy).start();
        for _ in 0..2 {
            assert_eq!(edge.fetch("/a").text(), "for you", "{name}");
            assert_eq!(edge.fetch_with("/a", &[(name, value)]).status(), 500);
        }
        assert_eq!(edge.fetch("/a").text(), "for you", "{name}");
    }
}
