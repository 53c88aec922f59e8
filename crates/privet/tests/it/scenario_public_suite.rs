//! The cases of the public suite for HTTP caches that its published package does not have yet, by their names there.
//!
//! Times are set on the edge's clock, so that nothing waits. The cases of the published package are run by
//! `cargo xtask cache-tests`.
#![expect(
    clippy::too_many_lines,
    reason = "a table has as many lines as it has rows"
)]

use crate::support::*;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// A sequence of requests with the expected outcome of each.
struct Case {
    id: &'static str,
    steps: Vec<Step>,
}

struct Step {
    at_secs: u64,
    status: u16,
    /// Header lines of the origin's response, in which `@5` is the date five seconds after the first request.
    says: &'static str,
    expected: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Anything,
    Cached,
    NotCached,
}
use Outcome::{Anything, Cached, NotCached};

impl Case {
    fn new(id: &'static str) -> Self {
        Case {
            id,
            steps: Vec::new(),
        }
    }

    fn step(mut self, at_secs: u64, says: &'static str, expected: Outcome) -> Self {
        self.steps.push(Step {
            at_secs,
            status: 200,
            says,
            expected,
        });
        self
    }

    fn status(mut self, status: u16) -> Self {
        for step in &mut self.steps {
            step.status = status;
        }
        self
    }
}

/// Returns a case with an object that has the headers `says`, requested at once and three seconds later, which is the
/// suite's pause.
fn twice(id: &'static str, says: &'static str, expected: Outcome) -> Case {
    Case::new(id)
        .step(0, says, Anything)
        .step(3, says, expected)
}

/// Status and header lines of a response.
type Said = (u16, Vec<(String, String)>);

fn check(cases: &[Case]) {
    check_with("", cases);
}

fn check_with(policy: &str, cases: &[Case]) {
    let paths: HashMap<String, Vec<Said>> = cases
        .iter()
        .map(|case| {
            let answers = case
                .steps
                .iter()
                .map(|step| (step.status, lines(step.says)));
            (format!("/{}", case.id), answers.collect())
        })
        .collect();
    // Number of the current step of a case: counting requests would fall behind when the origin gets none.
    let current = std::sync::Arc::new(Mutex::new(0));
    let told = std::sync::Arc::clone(&current);
    let origin = FakeOrigin::start(move |ask| {
        let step = *told.lock().unwrap();
        let (status, lines) = &paths[ask.path()][step];
        let mut headers: Vec<(&str, &str)> = lines
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let number = step.to_string();
        headers.push(("Step", &number));
        OriginAnswer::whole(*status, &headers, "a body")
    });
    let policy = format!("min_ttl = \"0s\"\ndefault_ttl = \"0s\"\nmax_ttl = \"365d\"\n{policy}");
    let errors: String = [404, 405, 414, 501]
        .iter()
        .map(|status| {
            format!("[[distributions.custom_errors]]\nstatus = {status}\nmin_ttl = \"0s\"\n")
        })
        .collect();
    let edge = Remote::new(&origin)
        .policy(&policy)
        .distribution(&errors)
        .start();
    for case in cases {
        for (number, step) in case.steps.iter().enumerate() {
            edge.set_clock(NOW + step.at_secs);
            *current.lock().unwrap() = number;
            let answer = edge.fetch(&format!("/{}", case.id));
            let id = case.id;
            assert_eq!(answer.status(), step.status, "{id}");
            let is_new = answer.field("Step") == Some(&number.to_string());
            match step.expected {
                Anything => {}
                Cached => assert!(!is_new, "{id}: step {number} was not cached"),
                NotCached => assert!(is_new, "{id}: step {number} was cached"),
            }
        }
    }
}

fn lines(says: &str) -> Vec<(String, String)> {
    says.lines()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let value = match value.strip_prefix('@') {
                Some(offset) => date(offset.parse().unwrap()),
                None => value.to_owned(),
            };
            (name.to_owned(), value)
        })
        .collect()
}

fn date(offset_secs: i64) -> String {
    let secs = NOW.checked_add_signed(offset_secs).unwrap();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

#[test]
fn age_parse() {
    let case = |id, says, expected| twice(id, says, expected);
    check(&[
        case(
            "nonnumeric",
            "Date: @0\nCache-Control: max-age=3600\nAge: abc",
            Cached,
        ),
        case(
            "negative",
            "Date: @0\nCache-Control: max-age=3600\nAge: -7200",
            Cached,
        ),
        case(
            "float",
            "Date: @0\nCache-Control: max-age=3600\nAge: 7200.0",
            Cached,
        ),
        case(
            "large-minus-one",
            "Date: @0\nCache-Control: max-age=3600\nAge: 2147483647",
            NotCached,
        ),
        case(
            "large",
            "Date: @0\nCache-Control: max-age=3600\nAge: 2147483648",
            NotCached,
        ),
        case(
            "larger",
            "Date: @0\nCache-Control: max-age=3600\nAge: 2147483649",
            NotCached,
        ),
        case(
            "suffix",
            "Date: @0\nCache-Control: max-age=3600\nAge: 7200, 0",
            NotCached,
        ),
        case(
            "prefix",
            "Date: @0\nCache-Control: max-age=3600\nAge: 0, 7200",
            Cached,
        ),
        case(
            "suffix-twoline",
            "Date: @0\nCache-Control: max-age=3600\nAge: 7200\nAge: 0",
            NotCached,
        ),
        case(
            "prefix-twoline",
            "Date: @0\nCache-Control: max-age=3600\nAge: 0\nAge: 7200",
            Cached,
        ),
        case(
            "dup-0",
            "Date: @0\nCache-Control: max-age=3600\nAge: 0, 0",
            Cached,
        ),
        case(
            "dup-0-twoline",
            "Date: @0\nCache-Control: max-age=3600\nAge: 0\nAge: 0",
            Cached,
        ),
        case(
            "dup-old",
            "Date: @0\nCache-Control: max-age=10000\nAge: 3600\nAge: 3600",
            Cached,
        ),
        case(
            "parameter",
            "Date: @0\nCache-Control: max-age=3600\nAge: 7200;foo=bar",
            NotCached,
        ),
        case(
            "numeric-parameter",
            "Date: @0\nCache-Control: max-age=3600\nAge: 7200;foo=111",
            NotCached,
        ),
    ]);
}

#[test]
fn cdn_cache_control() {
    check(&[
        twice("max-age", "CDN-Cache-Control: max-age=3600", Cached),
        twice(
            "max-age-max",
            "CDN-Cache-Control: max-age=2147483648",
            Cached,
        ),
        twice(
            "max-age-max-plus",
            "CDN-Cache-Control: max-age=99999999999",
            Cached,
        ),
        twice(
            "max-age-age",
            "Date: @0\nCDN-Cache-Control: max-age=3600\nAge: 7200",
            NotCached,
        ),
        twice(
            "space-before-equals",
            "Cache-Control: max-age=1\nCDN-Cache-Control: max-age =100",
            NotCached,
        ),
        twice(
            "space-after-equals",
            "Cache-Control: max-age=1\nCDN-Cache-Control: max-age= 100",
            NotCached,
        ),
        twice("max-age-0", "CDN-Cache-Control: max-age=0", NotCached),
        twice(
            "max-age-extension",
            "CDN-Cache-Control: foobar, max-age=3600",
            Cached,
        ),
        // Keys of structured fields are in lower case (RFC 9651 3.1.2), so this is not a valid field.
        twice(
            "max-age-case-insensitive",
            "CDN-Cache-Control: MaX-aGe=3600",
            NotCached,
        ),
        twice(
            "max-age-expires",
            "CDN-Cache-Control: max-age=3600\nExpires: @-10000\nDate: @0",
            Cached,
        ),
        twice(
            "invalid-expires",
            "CDN-Cache-Control: max-age=3600\nExpires: 0\nDate: @0",
            Cached,
        ),
        twice(
            "max-age-0-expires",
            "CDN-Cache-Control: max-age=0\nExpires: @10000\nDate: @0",
            NotCached,
        ),
        twice(
            "short-cc-max-age",
            "Cache-Control: max-age=1\nCDN-Cache-Control: max-age=3600",
            Cached,
        ),
        twice(
            "long-cc-max-age",
            "Cache-Control: max-age=3600\nCDN-Cache-Control: max-age=1",
            NotCached,
        ),
        twice(
            "private",
            "CDN-Cache-Control: private\nCache-Control: max-age=10000\nExpires: @10000\nDate: @0",
            NotCached,
        ),
        twice(
            "no-cache",
            "CDN-Cache-Control: no-cache\nCache-Control: max-age=10000\nExpires: @10000\nDate: @0",
            NotCached,
        ),
        twice(
            "no-store-cc-fresh",
            "CDN-Cache-Control: no-store\nCache-Control: max-age=10000\nExpires: @10000\nDate: @0",
            NotCached,
        ),
        twice(
            "fresh-cc-nostore",
            "Cache-Control: no-store\nCDN-Cache-Control: max-age=10000",
            Cached,
        ),
        twice(
            "invalid-unknown",
            "CDN-Cache-Control: max-age=10000, &&&&&\nCache-Control: no-store",
            NotCached,
        ),
        twice(
            "invalid-wrong",
            "CDN-Cache-Control: max-age=\"10000\"\nCache-Control: no-store",
            NotCached,
        ),
    ]);
}

/// The edge is not the last cache for directives to all CDNs: it passes them on, and reports the object's age.
#[test]
fn cdn_cache_control_is_passed_on() {
    let origin = FakeOrigin::start(|_| {
        let said = [
            ("Cache-Control", "max-age=1"),
            ("CDN-Cache-Control", "max-age=10000"),
        ];
        OriginAnswer::whole(200, &said, "a body")
    });
    let edge = Remote::new(&origin).start();
    edge.fetch("/a");
    edge.set_clock(NOW + 3);
    let kept = edge.fetch("/a");
    assert_eq!(kept.field("CDN-Cache-Control"), Some("max-age=10000"));
    assert_eq!((kept.field("Age"), kept.outcome()), (Some("3"), "Hit"));
}

#[test]
fn responses() {
    const FRESH: &str = "Cache-Control: max-age=10000\nExpires: @10000\nDate: @0";
    const WINDOW: &str = "Cache-Control: max-age=1, stale-while-revalidate=4\nETag: \"abc\"";
    check(&[
        twice(
            "freshness-max-age-stale",
            "Cache-Control: max-age=2",
            NotCached,
        ),
        Case::new("cc-resp-no-store-old-new")
            .step(0, FRESH, Anything)
            .step(3, "Cache-Control: no-store\nDate: @0", Cached)
            .step(6, "Cache-Control: no-store\nDate: @0", Cached),
        Case::new("cc-resp-no-store-old-max-age")
            .step(0, FRESH, Anything)
            .step(3, "Cache-Control: no-store, max-age=0\nDate: @0", Cached)
            .step(6, "Cache-Control: no-store, max-age=0\nDate: @0", Cached),
        twice(
            "stale-while-revalidate",
            "Cache-Control: max-age=1, stale-while-revalidate=3600\nETag: \"abc\"",
            Cached,
        ),
        Case::new("stale-while-revalidate-over")
            .step(0, WINDOW, Anything)
            .step(6, "Cache-Control: no-cache\nETag: \"def\"", NotCached),
        twice(
            "status-200-must-understand",
            "Cache-Control: max-age=3600, no-store, must-understand",
            Cached,
        ),
        twice(
            "status-599-must-understand",
            "Cache-Control: max-age=3600, no-store, must-understand",
            NotCached,
        )
        .status(599),
        twice(
            "other-date-update-expires",
            "Expires: @2592000\nDate: @0",
            Cached,
        ),
    ]);
}

#[test]
fn expires_parse() {
    check(&[
        twice(
            "32bit",
            "Expires: Tue, 19 Jan 2038 14:14:08 GMT\nDate: @0",
            Cached,
        ),
        twice(
            "far-future",
            "Expires: Sun, 21 Nov 2286 04:46:39 GMT\nDate: @0",
            Cached,
        ),
        twice(
            "rfc850",
            "Expires: Thursday, 18-Aug-50 02:01:18 GMT\nDate: @0",
            Cached,
        ),
        // The suite's own date names a day that was no Thursday.
        twice(
            "ansi-c",
            "Expires: Mon Aug  8 02:01:18 2050\nDate: @0",
            Cached,
        ),
        twice(
            "wrong-case-weekday",
            "Expires: THU, 18 Aug 2050 02:01:18 GMT\nDate: @0",
            Cached,
        ),
        twice(
            "wrong-case-month",
            "Expires: Thu, 18 AUG 2050 02:01:18 GMT\nDate: @0",
            Cached,
        ),
        twice(
            "wrong-case-tz",
            "Expires: Thu, 18 Aug 2050 02:01:18 gMT\nDate: @0",
            Cached,
        ),
        twice(
            "utc",
            "Expires: Thu, 18 Aug 2050 02:01:18 UTC\nDate: @0",
            NotCached,
        ),
        twice(
            "aest",
            "Expires: Thu, 18 Aug 2050 02:01:18 AEST\nDate: @0",
            NotCached,
        ),
        twice(
            "2-digit-year",
            "Expires: Thu, 18 Aug 50 02:01:18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "no-comma",
            "Expires: Thu 18 Aug 2050 02:01:18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "multiple-spaces",
            "Expires: Thu, 18  Aug  2050 02:01:18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "date-dashes",
            "Expires: Thu, 18-Aug-2050 02:01:18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "time-periods",
            "Expires: Thu, 18 Aug 2050 02.01.18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "1-digit-hour",
            "Expires: Thu, 18 Aug 2050 2:01:18 GMT\nDate: @0",
            NotCached,
        ),
        twice(
            "multiple-lines",
            "Expires: Thu, 18 Aug 2050 02:01:18 GMT\nExpires: Thu, 18 Aug 2050 02:01:19 GMT\nDate: @0",
            NotCached,
        ),
    ]);
}

#[test]
fn heuristic_freshness() {
    const SAYS: &str = "Last-Modified: @-86400\nDate: @0";
    let of = |id, status, expected| twice(id, SAYS, expected).status(status);
    check_with(
        "heuristic_percent = 10",
        &[
            of("200", 200, Cached),
            of("201", 201, NotCached),
            of("202", 202, NotCached),
            of("203", 203, Cached),
            of("403", 403, NotCached),
            of("404", 404, Cached),
            of("405", 405, Cached),
            of("410", 410, Cached),
            of("414", 414, Cached),
            of("501", 501, Cached),
            of("599", 599, NotCached),
            twice(
                "599-public",
                "Last-Modified: @-86400\nDate: @0\nCache-Control: public",
                Cached,
            )
            .status(599),
        ],
    );
    check(&[of("200", 200, NotCached), of("404", 404, NotCached)]);
}

/// `interim-*`: an interim response is no final response, and none of its fields is stored.
#[test]
fn interim() {
    for interim in [102, 103] {
        let origin = FakeOrigin::start(move |_| {
            let early = [
                ("Link", "</styles.css>; rel=preload; as=style"),
                ("X-My-Header", "test"),
                ("Cache-Control", "max-age=1"),
                ("ETag", "\"early\""),
            ];
            OriginAnswer::head(interim, &early)
                .and_head(
                    200,
                    &[("Cache-Control", "max-age=100000"), ("Content-Length", "6")],
                )
                .send("a body")
        });
        let edge = Remote::new(&origin).start();
        for (at_secs, outcome) in [(0, "Miss"), (3, "Hit")] {
            edge.set_clock(NOW + at_secs);
            let answer = edge.fetch("/a");
            assert_eq!((answer.status(), answer.text()), (200, "a body"));
            assert_eq!(answer.outcome(), outcome, "after {interim}");
            for name in ["X-My-Header", "Link", "ETag"] {
                assert_eq!(answer.field(name), None, "after {interim}");
            }
        }
        assert_eq!(origin.asks().len(), 1);
    }
}

/// `vary-normalise-lang-*`, where the policy says so. The origin receives the normalized value that is in the cache
/// key, so that no viewer's spelling chooses for others.
#[test]
fn languages() {
    let start = |policy: &str| {
        let origin = FakeOrigin::start(|ask| {
            let said = [
                ("Cache-Control", "max-age=5000"),
                ("Vary", "Accept-Language"),
            ];
            let language = ask.header("accept-language").unwrap_or("none").to_owned();
            OriginAnswer::whole(200, &said, language)
        });
        let edge = Remote::new(&origin)
            .policy(policy)
            .tables(
                "[[origin_request_policies]]\nid = \"languages\"\nheaders = [\"Accept-Language\"]",
            )
            .behavior("origin_request_policy = \"languages\"")
            .start();
        (origin, edge)
    };
    let ask = |edge: &TestEdge, value: &str| {
        let answer = edge.fetch_with("/a", &[("Accept-Language", value)]);
        answer.text().to_owned()
    };
    let (origin, edge) = start("normalize_accept_language = true");
    for same in [" DE ,,,   eN", "de, en", "eN, De", "de;q=1.0, en;q=1."] {
        assert_eq!(ask(&edge, same), "de,en");
    }
    assert_eq!(origin.asks().len(), 1);
    assert_eq!(ask(&edge, "en;q=0.90, de"), "de,en;q=0.900");
    assert_eq!(ask(&edge, "DE_AT;x=1"), "de_at;x=1");
    let answer = edge.fetch_with(
        "/a",
        &[("Accept-Language", "en;q=0.9"), ("Accept-Language", "de")],
    );
    assert_eq!((answer.text(), answer.outcome()), ("de,en;q=0.900", "Hit"));
    let (_origin, edge) = start("");
    assert_eq!(ask(&edge, "en, de"), "en, de");
    assert_eq!(ask(&edge, "eN,De"), "en, de");
    assert_eq!(ask(&edge, "de, en"), "de, en");
}
