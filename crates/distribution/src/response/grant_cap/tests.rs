use super::*;
use crate::caching::CacheControl;
use http::HeaderName;
use proptest::prelude::*;

const NOW: u64 = 784_111_777;
/// The time `NOW` plus 100 seconds.
const END: &str = "Sun, 06 Nov 1994 08:51:17 GMT";

fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

fn capped(text: &str, left_secs: u64) -> Option<GrantCap> {
    let now = Timestamp::from_secs(NOW);
    capped_by_grant(&headers(text), Timestamp::from_secs(NOW + left_secs), now)
}

#[track_caller]
fn check_control(text: &str, expected: &str) {
    let found = capped(&format!("cache-control: {text}"), 100).unwrap();
    assert_eq!(found.cache_control.unwrap(), expected, "{text}");
    assert_eq!(found.expires, None);
}

#[track_caller]
fn check_unchanged(text: &str) {
    assert_eq!(capped(text, 100), None, "{text}");
}

/// A cache between edge and viewer prefers these fields to `Cache-Control`.
#[test]
fn what_is_said_to_single_caches_goes() {
    for name in [
        "cdn-cache-control",
        "other-cdn-cache-control",
        "surrogate-control",
        "x-accel-expires",
        "edge-control",
    ] {
        let mut found = headers(&format!(
            "{name}: max-age=9\ncache-control: max-age=9\n{name}: x"
        ));
        capped(&format!("{name}: max-age=9"), 100)
            .unwrap()
            .apply(&mut found);
        assert_eq!(found, headers("cache-control: max-age=9"), "{name}");
    }
}

#[test]
fn what_says_more_is_capped() {
    check_control("max-age=101", "max-age=100");
    check_control("Max-Age=\"3600\", x=\"a,  b\"", "Max-Age=100, x=\"a,  b\"");
    check_control("s-maxage=3600, max-age=50", "s-maxage=100, max-age=50");
    check_control("max-age=5, max-age=500", "max-age=5, max-age=100");
    check_control(
        "max-age=3600\ncache-control: public, immutable",
        "max-age=100, public, immutable",
    );
    check_control(
        "max-age=60, stale-while-revalidate=50, stale-if-error=40",
        "max-age=60, stale-while-revalidate=40, stale-if-error=40",
    );
    check_control(
        "max-age=200, stale-if-error=1",
        "max-age=100, stale-if-error=0",
    );
    check_control("stale-if-error=101", "stale-if-error=100");
}

#[test]
fn what_cannot_be_read_is_nothing() {
    check_control("max-age=3600a", "max-age=0");
    check_control("max-age =5, public", "max-age=0, public");
    check_control("max-age", "max-age=0");
    check_control("max-age=5, a=\"b", "no-store");
}

#[test]
fn what_says_no_more_stays() {
    for text in [
        "a: 1",
        "cache-control: max-age=100, stale-if-error=0",
        "cache-control: no-store, private, ,x=\"age=900\"",
        "expires: 0",
        "expires: Sun, 06 Nov 1994 08:51:17 GMT",
        "expires: Sun, 06 Nov 1994 08:49:37 GMT",
    ] {
        check_unchanged(text);
    }
}

/// nginx, for one, looks for `max-age=` anywhere.
#[test]
fn what_some_cache_may_read_as_a_time_is_none() {
    for text in [
        "public; max-age=86400",
        "foo=bar max-age=86400",
        "x-max-age=86400",
        "foo=\"max-age=86400,x\"",
        "Max-Age:86400",
        "public; S-MaxAge=86400",
        "max-age=5, x stale-while-revalidate=9",
    ] {
        check_control(text, "no-store");
    }
}

/// Browsers read dates that are not HTTP-dates.
#[test]
fn what_some_browser_may_read_as_a_date_is_none() {
    for text in [
        "Fri, 01 Jan 2099 00:00:00 UTC",
        "Fri, 01 Jan 2099 00:00:00 +0000",
        "Fri, 1 Jan 2099 00:00:00 GMT",
        "2099-01-01T00:00:00Z",
        "Fri, 01-Jan-2099 00:00:00 GMT",
        "Fri, 01 Jan 2099 00:00 GMT",
        "4070908800",
        "2099",
        "never",
        "",
    ] {
        let found = capped(&format!("expires: {text}"), 100).unwrap();
        assert_eq!(found.expires.unwrap(), "0", "{text}");
    }
    let two = capped(
        "expires: Sun, 06 Nov 1994 08:49:37 GMT\nexpires: 2099-01-01",
        100,
    );
    assert_eq!(two.unwrap().expires.unwrap(), "0");
    check_unchanged("expires: -1");
    check_unchanged("expires: 0");
}

#[test]
fn expires_and_the_end() {
    let found = capped("expires: Sun, 06 Nov 1994 08:51:18 GMT", 100).unwrap();
    assert_eq!(found.expires.as_ref().unwrap(), END);
    assert_eq!(found.cache_control, None);
    let over = capped_by_grant(
        &headers("cache-control: max-age=1"),
        Timestamp::from_secs(NOW - 1),
        Timestamp::from_secs(NOW),
    );
    let mut answer = headers("cache-control: max-age=1\ncache-control: x\na: 1");
    over.unwrap().apply(&mut answer);
    assert_eq!(answer, headers("a: 1\ncache-control: max-age=0"));
}

proptest! {
    /// Whatever an origin writes, the capped field allows no caching beyond the grant.
    #[test]
    fn nothing_outlives_the_grant(
        text in r#"((max-age|s-maxage|Max-Age|stale-if-error|stale-while-revalidate|public|x)(=|="| =|)[0-9x]{0,4}("|,|, |))*"#,
        left_secs in 0_u64..200,
    ) {
        let mut answer = headers(&format!("cache-control: {text}"));
        if let Some(cap) = capped(&format!("cache-control: {text}"), left_secs) {
            cap.apply(&mut answer);
        }
        let said = CacheControl::of(&answer);
        let secs = |seconds: crate::caching::Seconds| u64::from(seconds.or_stale().unwrap_or(0));
        let fresh_secs = secs(said.max_age).max(secs(said.s_maxage));
        let stale_secs = secs(said.stale_if_error).max(secs(said.stale_while_revalidate));
        prop_assert!(said.no_store || fresh_secs + stale_secs <= left_secs, "{:?}", answer);
        // A capped field needs no further cap.
        let now = Timestamp::from_secs(NOW);
        let again = capped_by_grant(&answer, Timestamp::from_secs(NOW + left_secs), now);
        prop_assert!(said.no_store || again.is_none(), "{:?}", again);
    }
}
