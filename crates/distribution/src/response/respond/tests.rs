#![expect(
    clippy::needless_pass_by_value,
    reason = "a case reads better without borrowing"
)]
use super::*;
use http::HeaderValue;

/// The example date of RFC 9110, and its second.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const DATE_SECONDS: u64 = 784_111_777;
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

/// Selects for `headers`, one `Name: value` a line.
fn run(method: &Method, headers: &str, size_bytes: u64) -> Selection {
    let representation = Representation {
        size_bytes,
        etag: "\"xyzzy\"".to_owned(),
        last_modified: Timestamp::from_secs(DATE_SECONDS),
        content_type: "text/plain".to_owned(),
    };
    let mut map = HeaderMap::new();
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        map.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    select(method, &map, &representation, 5)
}

#[track_caller]
fn check(headers: &str, expected: Selection) {
    assert_eq!(run(&Method::GET, headers, 10_000), expected, "{headers}");
}

#[track_caller]
fn check_size(size_bytes: u64, range: &str, expected: Selection) {
    let headers = format!("range: {range}");
    assert_eq!(run(&Method::GET, &headers, size_bytes), expected, "{range}");
}

fn one(start: u64, end_inclusive: u64) -> Selection {
    Selection::One(ByteRange {
        start,
        end_inclusive,
    })
}

fn several(ranges: &[(u64, u64)]) -> Selection {
    let ranges = ranges.iter().map(|&(start, end_inclusive)| ByteRange {
        start,
        end_inclusive,
    });
    Selection::Several(ranges.collect())
}

#[test]
fn invalid_ranges_are_ignored() {
    for range in [
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5",
        "bytes=a-b",
        "bytes=5-4",
        "bytes=0-1,5-4",
        "bytes=0-1,x",
        "bytes 0-1",
        "bytes=0 -1",
        "bytes=+1-2",
        "bytes=--1",
        "lines=0-1",
        "=0-1",
        "bytes",
        "",
        "bytes=0-1;",
    ] {
        check_size(10_000, range, Selection::Whole);
    }
    check("range: bytes=0-1\nrange: bytes=2-3", Selection::Whole);
}

#[test]
fn ranges_past_the_end_are_not_satisfiable() {
    check_size(10_000, "bytes=10000-", Selection::NotSatisfiable);
    check_size(10_000, "bytes=-0", Selection::NotSatisfiable);
    check_size(
        10_000,
        "bytes=20000-30000,40000-",
        Selection::NotSatisfiable,
    );
    check_size(
        10_000,
        "bytes=99999999999999999999999999-",
        Selection::NotSatisfiable,
    );
    check_size(0, "bytes=0-", Selection::NotSatisfiable);
    check_size(0, "bytes=0-0", Selection::NotSatisfiable);
}

/// RFC 9110 14.1.2 calls a suffix of an empty representation satisfiable, but a 206 could not express it.
#[test]
fn a_suffix_of_nothing_is_everything() {
    check_size(0, "bytes=-5", Selection::Whole);
}

#[test]
fn too_many_or_disorderly_ranges_are_ignored() {
    check_size(10_000, "bytes=0-0,2-2,4-4,6-6,8-8,10-10", Selection::Whole);
    check_size(10_000, "bytes=5-9,0-4", Selection::Whole);
    check_size(10_000, "bytes=0-5,5-9", Selection::Whole);
    check_size(10_000, "bytes=0-,-1", Selection::Whole);
    // RFC 9110 14.1.2: overlapping ranges are legal, and still ignored.
    check_size(10_000, "bytes=500-700,601-999", Selection::Whole);
}

/// The examples of RFC 9110 14.1.2, over 10,000 bytes.
#[test]
fn ranges_of_the_rfc() {
    check_size(10_000, "bytes=0-499", one(0, 499));
    check_size(10_000, "bytes=500-999", one(500, 999));
    check_size(10_000, "bytes=-500", one(9500, 9999));
    check_size(10_000, "bytes=9500-", one(9500, 9999));
    check_size(10_000, "bytes=0-0,-1", several(&[(0, 0), (9999, 9999)]));
    check_size(
        10_000,
        "bytes= 0-999, 4500-5499, -1000",
        several(&[(0, 999), (4500, 5499), (9000, 9999)]),
    );
    check_size(
        10_000,
        "bytes=500-600,601-999",
        several(&[(500, 600), (601, 999)]),
    );
}

#[test]
fn ranges_at_the_edges() {
    check_size(10, "BYTES=0-0", one(0, 0));
    check_size(10, "bytes=9-20", one(9, 9));
    check_size(10, "bytes=-20", one(0, 9));
    check_size(10, "bytes=-99999999999999999999999999", one(0, 9));
    check_size(10, "bytes=3-99999999999999999999999999", one(3, 9));
    check_size(10, "bytes=,,3-4,", one(3, 4));
    check_size(10, "bytes=3-4,20-30", one(3, 4));
    check_size(u64::MAX, "bytes=-1", one(u64::MAX - 1, u64::MAX - 1));
}

#[test]
fn only_get_has_ranges_and_only_get_and_head_have_conditions() {
    assert_eq!(run(&Method::HEAD, "range: bytes=0-1", 10), Selection::Whole);
    assert_eq!(
        run(&Method::HEAD, "if-none-match: *", 10),
        Selection::NotModified
    );
    assert_eq!(
        run(&Method::OPTIONS, "if-none-match: *", 10),
        Selection::Whole
    );
}

#[test]
fn if_range_compares_strongly() {
    let range = "range: bytes=0-1\nif-range: ";
    check(&format!("{range}\"other\""), Selection::Whole);
    check(&format!("{range}W/\"xyzzy\""), Selection::Whole);
    check(&format!("{range}xyzzy"), Selection::Whole);
    check(&format!("{range}{EARLIER}"), Selection::Whole);
    check(&format!("{range}{LATER}"), Selection::Whole);
    check(
        &format!("{range}\"xyzzy\"\nif-range: \"a\""),
        Selection::Whole,
    );
    check(&format!("{range}\"xyzzy\""), one(0, 1));
    check(&format!("{range}{DATE}"), one(0, 1));
    check("if-range: \"other\"", Selection::Whole);
}

#[test]
fn if_range_saves_nobody_from_the_other_conditions() {
    check(
        "if-none-match: \"xyzzy\"\nrange: bytes=0-1",
        Selection::NotModified,
    );
    check(
        "if-match: \"a\"\nrange: bytes=0-1\nif-range: \"a\"",
        Selection::PreconditionFailed,
    );
}

#[test]
fn if_match() {
    check("if-match: \"other\"", Selection::PreconditionFailed);
    check("if-match: W/\"xyzzy\"", Selection::PreconditionFailed);
    check("if-match: xyzzy", Selection::PreconditionFailed);
    check("if-match: ", Selection::PreconditionFailed);
    check("if-match: *", Selection::Whole);
    check("if-match: \"a\", \"xyzzy\"", Selection::Whole);
    check("if-match: \"a\"\nif-match: \"xyzzy\"", Selection::Whole);
    check(
        &format!("if-match: \"xyzzy\"\nif-unmodified-since: {EARLIER}"),
        Selection::Whole,
    );
}

#[test]
fn if_unmodified_since() {
    check(
        &format!("if-unmodified-since: {EARLIER}"),
        Selection::PreconditionFailed,
    );
    check(&format!("if-unmodified-since: {DATE}"), Selection::Whole);
    check("if-unmodified-since: yesterday", Selection::Whole);
}

#[test]
fn if_none_match() {
    check("if-none-match: \"other\"", Selection::Whole);
    check("if-none-match: xyzzy", Selection::Whole);
    check("if-none-match: \"a,\"xyzzy\"", Selection::Whole);
    check("if-none-match: \"xyzzy\"", Selection::NotModified);
    check("if-none-match: W/\"xyzzy\"", Selection::NotModified);
    check(
        "if-none-match: \"a,b\",, W/\"xyzzy\"",
        Selection::NotModified,
    );
    check("if-none-match: *", Selection::NotModified);
    check(
        &format!("if-none-match: \"a\"\nif-modified-since: {LATER}"),
        Selection::Whole,
    );
}

#[test]
fn if_modified_since() {
    check(&format!("if-modified-since: {EARLIER}"), Selection::Whole);
    check("if-modified-since: yesterday", Selection::Whole);
    check(
        &format!("if-modified-since: {DATE}\nif-modified-since: {DATE}"),
        Selection::Whole,
    );
    check(
        &format!("if-modified-since: {DATE}"),
        Selection::NotModified,
    );
    check(
        &format!("if-modified-since: {LATER}"),
        Selection::NotModified,
    );
    check(
        "if-modified-since: Sun Nov  6 08:49:37 1994",
        Selection::NotModified,
    );
}

#[track_caller]
fn check_without(headers: &str, dated: Option<u64>, expected: Selection) {
    let validators = Validators {
        size_bytes: 10,
        etag: None,
        last_modified: None,
        date_strength: DateStrength::Strong,
        dated: dated.map(Timestamp::from_secs),
    };
    let mut map = HeaderMap::new();
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        map.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let selection = select_by(&Method::GET, &map, &validators, 5);
    assert_eq!(selection, expected, "{headers}");
}

#[test]
fn without_validators() {
    check_without("if-match: \"a\"", None, Selection::PreconditionFailed);
    check_without("if-match: *", None, Selection::Whole);
    check_without(
        &format!("if-unmodified-since: {DATE}"),
        None,
        Selection::Whole,
    );
    check_without("if-none-match: \"a\"", None, Selection::Whole);
    check_without("if-none-match: *", None, Selection::NotModified);
    let since = format!("if-modified-since: {DATE}");
    check_without(&since, None, Selection::Whole);
    check_without(&since, Some(DATE_SECONDS + 1), Selection::Whole);
    check_without(&since, Some(DATE_SECONDS), Selection::NotModified);
    check_without(
        &format!("range: bytes=0-1\nif-range: {DATE}"),
        Some(DATE_SECONDS),
        Selection::Whole,
    );
    check_without(
        "range: bytes=0-1\nif-range: nonsense",
        None,
        Selection::Whole,
    );
    check_without("range: bytes=0-1", None, one(0, 1));
}
