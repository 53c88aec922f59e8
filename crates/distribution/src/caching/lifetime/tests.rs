use super::*;
use crate::config::{CachePolicy, NameFilter};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::time::Duration;

/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: u64 = 784_111_777;
const YEAR: u64 = 31_536_000;

fn headers(text: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let value = match value.trim().strip_prefix('@') {
            // `@-10` is a date ten seconds ago.
            Some(offset) => {
                let secs = NOW.checked_add_signed(offset.parse().unwrap()).unwrap();
                crate::http_date::date_value(Timestamp::from_secs(secs))
            }
            None => HeaderValue::from_bytes(value.trim().as_bytes()).unwrap(),
        };
        map.append(HeaderName::try_from(name).unwrap(), value);
    }
    map
}

fn policy(min_secs: u64, default_secs: u64, max_secs: u64) -> CachePolicy {
    CachePolicy {
        min_ttl: Duration::from_secs(min_secs),
        default_ttl: Duration::from_secs(default_secs),
        max_ttl: Duration::from_secs(max_secs),
        cookies: NameFilter::None,
        ..CachePolicy::caching_optimized()
    }
}

fn moments() -> Moments {
    Moments {
        requested: Timestamp::from_secs(NOW),
        received: Timestamp::from_secs(NOW),
    }
}

fn get<'a>(request: &'a HeaderMap, response: &'a HeaderMap) -> OriginExchange<'a> {
    OriginExchange {
        method: &Method::GET,
        request,
        status: StatusCode::OK,
        response,
    }
}

fn store(status: u16, text: &str, policy: &CachePolicy, error_secs: Option<u64>) -> Storage {
    storage(
        &OriginExchange {
            status: StatusCode::from_u16(status).unwrap(),
            ..get(&HeaderMap::new(), &headers(text))
        },
        policy,
        error_secs.map(Duration::from_secs),
        &moments(),
    )
}

/// Stores by the policy of the public cache tests: the origin alone decides.
fn by_origin(status: u16, text: &str) -> Storage {
    store(status, text, &policy(0, 0, YEAR), Some(0))
}

fn lifetime(storage: Storage) -> Lifetime {
    match storage {
        Storage::Store(lifetime) => lifetime,
        Storage::Refuse(unstorable) => panic!("{unstorable:?}"),
    }
}

fn is_fresh_after(storage: Storage, secs: u64) -> bool {
    match storage {
        Storage::Store(lifetime) => {
            lifetime.verdict(Timestamp::from_secs(NOW + secs)) == Freshness::Fresh
        }
        Storage::Refuse(_) => false,
    }
}

#[track_caller]
fn check_stale(status: u16, text: &str) {
    let found = by_origin(status, text);
    assert!(!is_fresh_after(found, 3), "{status} {text}: {found:?}");
}

#[track_caller]
fn check_fresh(status: u16, text: &str) {
    let found = by_origin(status, text);
    assert!(is_fresh_after(found, 3), "{status} {text}: {found:?}");
}

#[track_caller]
fn check_refused(status: u16, text: &str, expected: Unstorable) {
    assert_eq!(by_origin(status, text), Storage::Refuse(expected), "{text}");
}

#[track_caller]
fn check_ttl(policy: &CachePolicy, status: u16, text: &str, error: Option<u64>, expected: i64) {
    let found = lifetime(store(status, text, policy, error));
    assert_eq!(
        found.ttl_secs(Timestamp::from_secs(NOW)),
        expected,
        "{status} {text}"
    );
}

/// RFC 9111 5.2.2.
#[test]
fn what_must_not_be_reused_is_not_fresh() {
    for text in [
        "",
        "cache-control: max-age=0",
        "cache-control: max-age=-3600",
        "cache-control: max-age='3600'",
        "cache-control: extension=\"max-age=3600\", max-age=1",
        "cache-control: max-age=\"1\", extension=\"max-age=3600\"",
        "cache-control: max-age=3600, s-maxage=1",
        "cache-control: s-maxage=1, max-age=3600",
        "cache-control: max-age=3600\ncache-control: s-maxage=1",
        "cache-control: s-maxage=x, max-age=3600",
        "cache-control: max-age=10000, no-cache\nexpires: @10000\ndate: @0",
        "expires: @3600\ncache-control: max-age=0\ndate: @0",
        "cache-control: max-age=3600\ndate: @-7200",
        "last-modified: @-86400\ndate: @0",
    ] {
        check_stale(200, text);
    }
    check_refused(
        200,
        "cache-control: private, max-age=9",
        Unstorable::Private,
    );
    check_refused(200, "cache-control: No-StOrE", Unstorable::NoStore);
    check_refused(
        200,
        "cache-control: max-age=9, no-store\nexpires: @9\ndate: @0",
        Unstorable::NoStore,
    );
    check_refused(
        200,
        "cache-control: max-age=9\nvary: *",
        Unstorable::VaryEverything,
    );
    check_refused(200, "cache-control: max-age=0", Unstorable::Stale);
}

#[test]
fn what_may_be_reused_is_fresh() {
    for text in [
        "cache-control: max-age=3600",
        "cache-control: max-age=99999999999",
        "cache-control: max-age=3600\nexpires: @-7200\ndate: @0",
        "cache-control: max-age=3600\nexpires: 0\ndate: @0",
        "cache-control: foobar, MaX-aGe=003600",
        "cache-control: s-maxage=3600",
        "expires: @-10\ncache-control: max-age=0, s-maxage=3600",
        "cache-control: max-age=60, private=\"a\", no-cache=\"b\"",
        "cache-control: max-age=60, must-understand, no-store",
        "cache-control: max-age=60\npragma: no-cache",
    ] {
        check_fresh(200, text);
    }
}

/// RFC 9111 5.3.
#[test]
fn expires() {
    check_stale(200, "expires: @-2592000\ndate: @0");
    check_stale(200, "expires: @0\ndate: @0");
    check_stale(200, "expires: @300\ndate: @400");
    check_stale(200, "expires: 0\ndate: @0");
    check_stale(200, "expires: @100\nexpires: @200");
    check_stale(200, "date: @-10\nexpires: @10\nage: 25");
    check_stale(200, "date: @10\nexpires: @20\nage: 15");
    check_stale(200, "expires: Thu, 18 Aug 2050 02:01:18 AEST");
    check_fresh(200, "expires: @2592000\ndate: @0");
    check_fresh(200, "date: foo\nexpires: @10");
    check_fresh(200, "expires: Thu, 18 Aug 2050 02:01:18 GMT");
}

/// RFC 9111 5.1 and 9110 5.6.1: the first member counts, and a value that is not a number is ignored.
#[test]
fn age() {
    let with_age = |age: &str| format!("date: @0\ncache-control: max-age=3600\nage: {age}");
    for old in [
        "7200",
        "2147483647",
        "2147483649",
        "99999999999999999999",
        "7200,0",
        "7200, 0",
        ", 7200",
        "7200\nage: 0",
        "7200;foo=bar",
        "7200 ;foo=111",
    ] {
        check_stale(200, &with_age(old));
    }
    for young in [
        "abc",
        "-7200",
        "7200.0",
        "0, 7200",
        "0,7200",
        "0\nage: 7200",
        "0, 0",
        "0\nage: 0",
        "",
        "0,x",
        "x, 7200",
        "30",
    ] {
        check_fresh(200, &with_age(young));
    }
    check_fresh(200, "cache-control: max-age=10000\nage: 3600\nage: 3600");
}

fn check_targeted(text: &str, fresh_secs: u64) {
    let found = by_origin(200, text);
    assert!(is_fresh_after(found, fresh_secs - 1), "{text}");
    assert!(!is_fresh_after(found, fresh_secs), "{text}");
}

/// RFC 9213 2.2.
#[test]
fn what_is_said_to_cdns_stands_for_the_rest() {
    check_targeted("cdn-cache-control: max-age=60", 60);
    check_targeted("cdn-cache-control: max-age=60\ncache-control: no-store", 60);
    check_targeted("cdn-cache-control: max-age=60\ncache-control: private", 60);
    check_targeted("cdn-cache-control: max-age=60\ndate: @0\nexpires: @-9", 60);
    check_targeted("cdn-cache-control: max-age=60\nexpires: 0", 60);
    check_targeted(
        "cdn-cache-control: max-age=60, &\ncache-control: max-age=9",
        9,
    );
    for stale in [
        "cdn-cache-control: max-age=0\nexpires: @900\ndate: @0",
        "cdn-cache-control: max-age=9\nage: 10\ncache-control: max-age=900",
        "cdn-cache-control: foo\ncache-control: max-age=900",
        "cdn-cache-control: max-age=\"900\"\ncache-control: max-age=900",
    ] {
        check_stale(200, &format!("etag: \"a\"\n{stale}"));
    }
    for (forbidding, expected) in [
        ("no-store", Unstorable::NoStore),
        ("private", Unstorable::Private),
        ("private=?0", Unstorable::Private),
    ] {
        let text = format!("cdn-cache-control: {forbidding}\ncache-control: max-age=900");
        check_refused(200, &text, expected);
    }
}

#[test]
fn what_is_said_to_cdns_can_be_switched_off() {
    let off = CachePolicy {
        cdn_cache_control: false,
        ..policy(0, 0, YEAR)
    };
    let text = "cdn-cache-control: max-age=60\ncache-control: no-store";
    assert_eq!(
        store(200, text, &off, None),
        Storage::Refuse(Unstorable::NoStore)
    );
    let text = "cdn-cache-control: no-store\ncache-control: max-age=60";
    assert!(is_fresh_after(store(200, text, &off, None), 59));
}

/// RFC 9111 4.2.2.
#[test]
fn freshness_may_be_guessed_where_the_policy_says_so() {
    let guessing = CachePolicy {
        heuristic_percent: 10,
        ..policy(0, 5, 500)
    };
    let fresh_secs = |status, text: &str| {
        let found = store(status, text, &guessing, Some(0));
        (0..1000)
            .take_while(|&secs| is_fresh_after(found, secs))
            .count()
    };
    let unchanged_for = |secs: u64| format!("last-modified: @-{secs}\ndate: @0");
    for status in [200, 203, 204, 300, 404, 405, 410, 414, 501] {
        assert_eq!(fresh_secs(status, &unchanged_for(1000)), 100, "{status}");
    }
    for status in [201, 202, 403, 500, 502, 503, 504, 599] {
        assert_eq!(fresh_secs(status, &unchanged_for(1000)), 0, "{status}");
    }
    let public = format!("cache-control: public\n{}", unchanged_for(1000));
    assert_eq!(fresh_secs(599, &public), 100);
    // The heuristic never exceeds the maximum; the default counts where there is nothing to estimate from.
    assert_eq!(fresh_secs(200, &unchanged_for(100_000)), 500);
    assert_eq!(fresh_secs(200, "date: @0"), 5);
    assert_eq!(fresh_secs(200, "date: @0\nlast-modified: @9"), 5);
    assert_eq!(fresh_secs(200, "date: @0\nlast-modified: x"), 5);
    // An explicit lifetime leaves no room for a heuristic.
    let said = format!("cache-control: max-age=7\n{}", unchanged_for(1000));
    assert_eq!(fresh_secs(200, &said), 7);
    let said = format!("expires: 0\n{}", unchanged_for(1000));
    assert_eq!(fresh_secs(200, &said), 0);
    let never = store(200, &unchanged_for(1000), &policy(0, 0, YEAR), None);
    assert!(!is_fresh_after(never, 0));
}

/// RFC 9111 4.2.3.
#[test]
fn current_age() {
    let response = headers("cache-control: max-age=600\ndate: @-20\nage: 30");
    let moments = Moments {
        requested: Timestamp::from_secs(NOW - 5),
        received: Timestamp::from_secs(NOW),
    };
    let policy = policy(0, 0, YEAR);
    let request = HeaderMap::new();
    let found = lifetime(storage(&get(&request, &response), &policy, None, &moments));
    let at = |secs: u64| Timestamp::from_secs(NOW + secs);
    assert_eq!(found.age_secs(at(0)), 35);
    assert_eq!(found.age_secs(at(3)), 38);
    assert_eq!(found.ttl_secs(at(0)), 565);
    assert_eq!(found.verdict(at(564)), Freshness::Fresh);
    assert_eq!(found.verdict(at(565)), Freshness::Stale);
    assert_eq!(found.ttl_secs(at(600)), -35);
    // The clock went back.
    let before = Timestamp::from_secs(NOW - 1);
    assert_eq!(found.verdict(before), Freshness::Stale);
    assert_eq!(found.age_secs(before), 35);
    assert!(!found.may_serve_stale(before));
}

/// RFC 9110 15.1 and RFC 9111 4.2.2.
#[test]
fn statuses() {
    let caching = policy(0, 86_400, YEAR);
    for status in [201, 202, 302, 303, 307, 405, 418, 429, 599] {
        let found = store(status, "last-modified: @-10", &caching, None);
        assert_eq!(found, Storage::Refuse(Unstorable::Status), "{status}");
    }
    for status in [200, 203, 204, 300, 410] {
        check_ttl(&caching, status, "", None, 86_400);
    }
    for status in [301, 308] {
        check_ttl(&caching, status, "location: /", None, 86_400);
    }
    check_ttl(&caching, 599, "cache-control: public", None, 86_400);
    for status in [
        200, 203, 204, 299, 302, 303, 307, 404, 410, 499, 500, 502, 503, 504, 599,
    ] {
        check_fresh(status, "expires: @100000\ndate: @0");
        check_stale(status, "expires: @-5000\nlast-modified: @-100000\ndate: @0");
    }
    for status in [301, 308] {
        check_fresh(status, "expires: @100000\ndate: @0\nlocation: /");
        check_stale(
            status,
            "expires: @-5000\nlast-modified: @-100000\ndate: @0\nlocation: /",
        );
        for nowhere in ["", "location:", "location: \t"] {
            let text = format!("cache-control: max-age=60\netag: \"a\"\n{nowhere}");
            check_refused(status, text.trim_end(), Unstorable::Status);
            check_refused(status, nowhere, Unstorable::Status);
        }
    }
    check_stale(502, "last-modified: @-86400\ndate: @0");
    check_stale(599, "last-modified: @-86400\ndate: @0");
    for status in [101, 206, 304, 416] {
        check_refused(status, "cache-control: max-age=60", Unstorable::Status);
    }
    check_refused(
        599,
        "cache-control: max-age=60, must-understand",
        Unstorable::MustUnderstand,
    );
}

/// Spec of CloudFront, "Error caching".
#[test]
fn errors() {
    let caching = policy(60, 86_400, 3_600);
    for status in [404, 414, 500, 501, 502, 503, 504] {
        check_ttl(&caching, status, "", None, 10);
        check_ttl(&caching, status, "", Some(7), 7);
        check_ttl(&caching, status, "cache-control: max-age=5", None, 10);
        check_ttl(&caching, status, "cache-control: max-age=50", None, 50);
        check_ttl(&caching, status, "expires: @40\ndate: @0", None, 40);
        check_ttl(&caching, status, "cache-control: max-age=9999", None, 3_600);
        let zero = store(status, "", &caching, Some(0));
        assert_eq!(zero, Storage::Refuse(Unstorable::Stale));
        let secret = store(status, "cache-control: no-store", &caching, None);
        assert_eq!(secret, Storage::Refuse(Unstorable::NoStore));
    }
    for status in [400, 403, 405, 412, 415] {
        let refused = Storage::Refuse(Unstorable::Status);
        assert_eq!(store(status, "", &caching, None), refused);
        assert_eq!(store(status, "expires: @40", &caching, None), refused);
        check_ttl(&caching, status, "", Some(7), 7);
        check_ttl(&caching, status, "cache-control: max-age=5", None, 5);
    }
}

/// Spec of CloudFront, "TTL, min=0" and "TTL, min>0".
#[test]
fn ttls() {
    let open = policy(0, 100, 1_000);
    check_ttl(&open, 200, "", None, 100);
    check_ttl(&open, 200, "cache-control: max-age=5", None, 5);
    check_ttl(&open, 200, "cache-control: max-age=5000", None, 1_000);
    check_ttl(&open, 200, "cache-control: max-age=9, s-maxage=7", None, 7);
    check_ttl(&open, 200, "expires: @50\ndate: @0", None, 50);
    check_ttl(&policy(0, 5_000, 1_000), 200, "", None, 1_000);
    let floor = policy(60, 100, 1_000);
    check_ttl(&floor, 200, "", None, 100);
    check_ttl(&policy(200, 100, 1_000), 200, "", None, 200);
    check_ttl(&floor, 200, "cache-control: max-age=5", None, 60);
    check_ttl(&floor, 200, "expires: 0", None, 60);
    check_ttl(&floor, 200, "cache-control: max-age=5000", None, 1_000);
    for text in ["no-store", "no-cache", "private", "no-cache, max-age=500"] {
        let text = format!("cache-control: {text}");
        check_ttl(&floor, 200, &text, None, 60);
    }
    // The minimum counts from reception, whatever the age.
    check_ttl(&floor, 200, "cache-control: max-age=100\nage: 90", None, 60);
    check_ttl(
        &floor,
        200,
        "cache-control: max-age=100\nage: 999",
        None,
        60,
    );
    let none = store(200, "cache-control: max-age=5", &policy(0, 0, 0), None);
    assert_eq!(none, Storage::Refuse(Unstorable::Disabled));
}

fn ask(request: &str, response: &str, policy: &CachePolicy) -> Storage {
    let (request, response) = (headers(request), headers(response));
    storage(&get(&request, &response), policy, None, &moments())
}

/// RFC 9111 3.5.
#[test]
fn authorization() {
    let refused = Storage::Refuse(Unstorable::Authorization);
    let request = "authorization: FOO";
    let open = policy(0, 0, YEAR);
    let floor = policy(60, 60, YEAR);
    let keyed = |policy: &CachePolicy| CachePolicy {
        headers: vec![header::AUTHORIZATION],
        ..policy.clone()
    };
    for policy in [&open, &floor, &keyed(&open)] {
        assert_eq!(ask(request, "expires: @100", policy), refused);
        assert_eq!(ask(request, "cache-control: max-age=60", policy), refused);
    }
    for allowed in [
        "public, max-age=60",
        "must-revalidate, max-age=60",
        "s-maxage=60",
    ] {
        let response = format!("cache-control: {allowed}");
        lifetime(ask(request, &response, &open));
    }
    lifetime(ask(request, "cache-control: max-age=60", &keyed(&floor)));
}

#[test]
fn another_ones_cookie_is_not_stored() {
    let open = policy(0, 0, YEAR);
    let response = "cache-control: max-age=60\nset-cookie: a=b";
    let refused = Storage::Refuse(Unstorable::SetCookie);
    assert_eq!(ask("cookie: c=d", response, &open), refused);
    lifetime(ask("", response, &open));
    let keyed = CachePolicy {
        cookies: NameFilter::All,
        ..open
    };
    lifetime(ask("cookie: c=d", response, &keyed));
}

#[test]
fn only_get_is_stored() {
    for method in [Method::HEAD, Method::POST, Method::OPTIONS] {
        let found = storage(
            &OriginExchange {
                method: &method,
                request: &HeaderMap::new(),
                status: StatusCode::OK,
                response: &headers("cache-control: max-age=60"),
            },
            &policy(0, 0, YEAR),
            None,
            &moments(),
        );
        assert_eq!(found, Storage::Refuse(Unstorable::Method));
    }
}

#[track_caller]
fn check_serve_stale(policy: &CachePolicy, text: &str, expected: bool) {
    let text = format!("etag: \"a\"\ncache-control: {text}");
    let found = lifetime(store(200, &text, policy, None));
    let at = Timestamp::from_secs(NOW + 30);
    assert_eq!(found.may_serve_stale(at), expected, "{text}");
}

/// RFC 9111 4.2.4, RFC 5861 4.
#[test]
fn standing_in_for_the_origin() {
    let open = policy(0, 0, YEAR);
    for no in [
        "max-age=2, must-revalidate",
        "max-age=2, proxy-revalidate",
        "max-age=2, no-cache",
        "max-age=2, s-maxage=2",
        "max-age=2, stale-if-error=0",
        "max-age=2, stale-if-error=28",
        "max-age=2, stale-if-error=x",
        "max-age=2, must-revalidate, stale-if-error=60",
        "max-age=0",
        "foo",
    ] {
        check_serve_stale(&open, no, false);
    }
    for yes in [
        "max-age=2",
        "max-age=2, stale-if-error=29",
        "s-maxage=2, stale-if-error=60",
    ] {
        check_serve_stale(&open, yes, true);
    }
    let floor = policy(5, 5, YEAR);
    check_serve_stale(&floor, "no-store", true);
    check_serve_stale(&floor, "no-store, stale-if-error=0", false);
    let error = lifetime(by_origin(503, "cache-control: max-age=2"));
    assert!(!error.may_serve_stale(Timestamp::from_secs(NOW + 3)));
}

/// RFC 5861 3.
#[test]
fn stale_while_revalidate() {
    let verdict = |text: &str, secs: u64| {
        let text = format!("etag: \"a\"\ncache-control: {text}");
        let found = lifetime(by_origin(200, &text));
        found.verdict(Timestamp::from_secs(NOW + secs))
    };
    let both = "max-age=10, stale-while-revalidate=5";
    assert_eq!(verdict(both, 9), Freshness::Fresh);
    assert_eq!(verdict(both, 10), Freshness::StaleWhileRevalidate);
    assert_eq!(verdict(both, 14), Freshness::StaleWhileRevalidate);
    assert_eq!(verdict(both, 15), Freshness::Stale);
    for forbids in ["must-revalidate", "no-cache", "proxy-revalidate"] {
        let text = format!("{both}, {forbids}");
        assert_eq!(verdict(&text, 12), Freshness::Stale);
    }
}

#[test]
fn the_encoding_is_read_back() {
    for text in [
        "max-age=5",
        "max-age=5, stale-if-error=7, stale-while-revalidate=9",
        "max-age=5, must-revalidate",
    ] {
        let found = lifetime(by_origin(
            200,
            &format!("etag: \"a\"\ncache-control: {text}\nage: 77"),
        ));
        let bytes = found.encode();
        assert_eq!(Lifetime::decode(&bytes), Some(found));
        assert_eq!(Lifetime::decode(&bytes[1..]), None);
        let mut other = bytes;
        other[0] = 0;
        assert_eq!(Lifetime::decode(&other), None);
        other = bytes;
        other[1] = 3;
        assert_eq!(Lifetime::decode(&other), None);
    }
    // Nothing overflows, whatever a disk contains.
    let mut worst = [0xFF; LIFETIME_SIZE_BYTES];
    worst[0] = ENCODING_VERSION;
    worst[1] = 1;
    worst[2..10].fill(0);
    worst[14..22].copy_from_slice(&i64::MIN.to_le_bytes());
    let found = Lifetime::decode(&worst).unwrap();
    let end = Timestamp::from_secs(u64::MAX);
    assert_eq!(found.ttl_secs(end), -i64::MAX);
    assert_eq!(found.age_secs(end), u64::MAX);
    assert_eq!(found.verdict(end), Freshness::Stale);
}
