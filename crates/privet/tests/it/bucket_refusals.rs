//! Buckets that refuse the edge itself: viewers get what is stored or 502, and nothing of the bucket's message.

use crate::support::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// The bucket's current response: `None` is the object.
#[derive(Clone, Default)]
struct Mood(Arc<Mutex<Option<(u16, &'static str)>>>);

impl Mood {
    fn set(&self, answer: Option<(u16, &'static str)>) {
        *self.0.lock().unwrap() = answer;
    }

    fn answer(&self) -> OriginAnswer {
        let Some((status, code)) = *self.0.lock().unwrap() else {
            let headers = [("ETag", "\"a\""), ("Cache-Control", "max-age=10")];
            return OriginAnswer::whole(200, &headers, "the object");
        };
        OriginAnswer::whole(status, &[("x-amz-bucket-region", "eu-west-3")], xml(code))
    }
}

/// Returns an error as Amazon's documentation shows it, with details that only the edge and the bucket know.
fn xml(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>no</Message>\
         <AWSAccessKeyId>{ACCESS_KEY}</AWSAccessKeyId><CanonicalRequest>GET\nx-amz-security-token:TOKEN</CanonicalRequest>\
         </Error>"
    )
}

fn lines(url: &str) -> String {
    format!(
        "s3 = {{ bucket = \"videos\", endpoint = {url:?}, region = \"eu-central-1\", addressing = \"path\", \
         access_key_id = \"{ACCESS_KEY}\", secret_access_key = \"secret\" }}"
    )
}

fn bucket(mood: &Mood) -> FakeOrigin {
    let mood = mood.clone();
    FakeOrigin::start(move |ask| match ask.header("Authorization") {
        Some(_) => mood.answer(),
        None => OriginAnswer::whole(403, &[], "<Error><Code>AccessDenied</Code></Error>"),
    })
}

fn before(origin: &FakeOrigin) -> Remote {
    Remote::without_origin().origin("app", &lines(&origin.url()))
}

const REFUSALS: [(u16, &str, &str); 10] = [
    (403, "SignatureDoesNotMatch", "origin-refuses-keys"),
    (403, "InvalidAccessKeyId", "origin-refuses-keys"),
    (403, "RequestTimeTooSkewed", "origin-refuses-clock"),
    (403, "InvalidSecurity", "origin-refuses-keys"),
    (403, "WordOfTomorrow", "origin-refuses-edge"),
    (400, "ExpiredToken", "origin-refuses-token"),
    (400, "AuthorizationHeaderMalformed", "origin-wrong-region"),
    (301, "PermanentRedirect", "origin-wrong-region"),
    (307, "TemporaryRedirect", "origin-wrong-region"),
    (404, "NoSuchBucket", "origin-no-such-bucket"),
];

#[track_caller]
fn assert_tells_nothing(answer: &Answer, code: &str) {
    let head: String = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    for word in [code, ACCESS_KEY, "TOKEN", "eu-west-3"] {
        assert!(!answer.text().contains(word), "{word} in {}", answer.text());
        assert!(!head.contains(word), "{word} in {head}");
    }
}

#[test]
fn s7_a_refusal_of_the_edge_is_no_answer_to_a_viewer() {
    for (status, code, token) in REFUSALS {
        let mood = Mood::default();
        let origin = bucket(&mood);
        let edge = before(&origin)
            .policy("default_ttl = \"1d\"\nmax_ttl = \"1d\"")
            .start();
        mood.set(Some((status, code)));
        for headers in [&[][..], &[("Range", "bytes=0-1")]] {
            let answer = edge.fetch_with("/a", headers);
            assert_eq!(
                (answer.status(), answer.outcome()),
                (502, "Error"),
                "{code}"
            );
            assert_tells_nothing(&answer, code);
        }
        let mut viewer = edge.plain();
        viewer.send(&Ask::get(url("/a")).method("HEAD").bytes());
        let head = viewer.head().unwrap();
        // Every GET reports a missing bucket; its HEAD looks like that of a missing object.
        let expected = if status == 404 { 404 } else { 502 };
        assert_eq!(head.status(), expected, "{code}");
        // None of the refusals is cached.
        mood.set(None);
        let mended = edge.fetch("/a");
        assert_eq!((mended.status(), mended.outcome()), (200, "Miss"), "{code}");
        let (_, live) = edge.stop();
        assert!(live.text().contains(token), "{code}: {}", live.text());
        assert!(!live.text().contains("TOKEN"));
    }
}

#[test]
fn s7_what_is_stored_goes_on_being_served() {
    for (status, code, _) in REFUSALS {
        let mood = Mood::default();
        let origin = bucket(&mood);
        let edge = before(&origin).start();
        assert_eq!(edge.fetch("/a").outcome(), "Miss");
        mood.set(Some((status, code)));
        edge.set_clock(NOW + 100);
        for _ in 0..3 {
            let stale = edge.fetch("/a");
            assert_eq!(
                (stale.status(), stale.text()),
                (200, "the object"),
                "{code}"
            );
        }
        mood.set(None);
        assert_eq!(edge.fetch("/a").text(), "the object");
    }
}

#[test]
fn s7_a_refusal_leads_to_the_second_origin() {
    let mood = Mood::default();
    mood.set(Some((403, "InvalidAccessKeyId")));
    let origin = bucket(&mood);
    let second = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "the second"));
    for (statuses, expected) in [("[500, 502]", 200), ("[500, 403]", 502)] {
        let group = format!(
            "[[distributions.origin_groups]]\nid = \"both\"\norigins = [\"app\", \"second\"]\n\
             failover_statuses = {statuses}"
        );
        let edge = before(&origin)
            .origin("second", &format!("url = {:?}", second.url()))
            .behavior("origin = \"both\"")
            .distribution(&group)
            .start();
        assert_eq!(edge.fetch("/a").status(), expected, "{statuses}");
    }
}

#[test]
fn what_is_about_the_object_stays_the_viewers() {
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "InvalidObjectState"),
        (404, "NoSuchKey"),
    ] {
        let origin = FakeOrigin::start(move |_| {
            let body = format!("<Error><Code>{code}</Code></Error>");
            OriginAnswer::whole(status, &[("Content-Type", "application/xml")], body)
        });
        let edge = before(&origin).start();
        let answer = edge.fetch("/a");
        assert_eq!(
            (answer.status(), answer.field("Content-Type")),
            (status, Some("application/xml"))
        );
        assert!(answer.text().contains(code), "{}", answer.text());
    }
}

/// A header that a policy passes on may break the signature when the bucket reads it differently. That only affects the
/// viewer who sent it: others neither wait for this response nor get it, and nothing stored is dropped.
#[test]
fn s7_a_viewer_fails_alone() {
    let gate = Gate::closed();
    let opens = gate.clone();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let origin = FakeOrigin::start(move |ask| {
        if ask.header("Authorization").is_none() {
            return OriginAnswer::whole(403, &[], "");
        }
        count.fetch_add(1, Ordering::SeqCst);
        let headers = [("ETag", "\"a\""), ("Cache-Control", "max-age=10")];
        match ask.header("X-Odd") {
            Some(_) => OriginAnswer::whole(403, &[], xml("SignatureDoesNotMatch")).after(&opens),
            None => OriginAnswer::whole(200, &headers, "the object"),
        }
    });
    let edge = before(&origin)
        .tables("[[origin_request_policies]]\nid = \"odd\"\nheaders = [\"X-Odd\"]")
        .behavior("origin_request_policy = \"odd\"")
        .start();
    let address = edge.http();
    let odd = std::thread::spawn(move || {
        let mut viewer = Viewer::plain(address, None);
        viewer.send(&Ask::get(url("/a")).header("X-Odd", "1").bytes());
        viewer.framed_answer().0.status()
    });
    origin.wait_for_asks(1);
    while asked.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let others: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut viewer = Viewer::plain(address, None);
                viewer.send(&Ask::get(url("/a")).bytes());
                viewer.framed_answer().0.status()
            })
        })
        .collect();
    gate.open();
    assert_eq!(odd.join().unwrap(), 502);
    for other in others {
        assert_eq!(other.join().unwrap(), 200);
    }
    // Once the object is stored, the odd request gets it too; it stays when it is stale.
    let stored = [("X-Odd", "1")];
    assert_eq!(edge.fetch_with("/a", &stored).text(), "the object");
    edge.set_clock(NOW + 100);
    assert_eq!(edge.fetch_with("/a", &stored).text(), "the object");
    assert_eq!(edge.fetch("/a").text(), "the object");
}

/// S6: a redirect without a target must not be served to anybody for a day.
#[test]
fn s6_a_redirect_that_leads_nowhere_is_not_kept() {
    let origin = FakeOrigin::start(|ask| match ask.path() {
        "/somewhere" => OriginAnswer::whole(301, &[("Location", "/there")], ""),
        _ => OriginAnswer::whole(301, &[], "<Error><Code>PermanentRedirect</Code></Error>"),
    });
    let edge = Remote::new(&origin)
        .behavior("cache_policy = \"Managed-CachingOptimized\"")
        .start();
    for outcome in ["Miss", "Miss"] {
        let answer = edge.fetch("/nowhere");
        assert_eq!((answer.status(), answer.outcome()), (301, outcome));
    }
    for outcome in ["Miss", "Hit"] {
        let answer = edge.fetch("/somewhere");
        assert_eq!((answer.status(), answer.outcome()), (301, outcome));
    }
}
