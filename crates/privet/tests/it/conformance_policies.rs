//! The conformance matrix against the running edge, by number: resources, conditions and cookies.

use crate::conformance::Verdict::{self, *};
use crate::conformance::check;
use crate::support::*;

/// Checks a policy for `resource` with a request for `path` (with query) over HTTPS.
#[track_caller]
fn resource(edge: &TestEdge, row: &str, resource: &str, path: &str, expected: Verdict) {
    let url = with_policy(&format!("{U}{path}"), &policy(resource));
    check(edge, row, &Ask::get(url), expected);
}

#[test]
fn t49_to_t57_wildcards_in_path_and_query() {
    let edge = TestEdge::new();
    let at = |path: &str| format!("{U}{path}");
    let hello = at("/hello*world");
    resource(&edge, "T51", &hello, "/hello?world", AccessDenied);
    let letter = at("/a?c.txt");
    resource(&edge, "T57", &letter, "/abbc.txt", AccessDenied);
    let below = at("/private/*");
    resource(&edge, "T49", &below, "/private/x/y.mp4", Opens);
    resource(&edge, "T50", &below, "/private/x.mp4?q=1", Opens);
    resource(&edge, "T52", &hello, "/hello-world", Opens);
    let game = at("/*game_download.zip*");
    let path = "/test_game_download.zip?license=temp";
    resource(&edge, "T53", &game, path, Opens);
    resource(&edge, "T54", &at("/f.bin?name=*"), "/f.bin?name=x", Opens);
    // A policy is JSON, where a backslash is written twice; the guide of 2023 printed it once.
    resource(
        &edge,
        "T55",
        &at(r"/f.bin\\?name=*"),
        "/f.bin?name=x",
        Opens,
    );
    resource(&edge, "T56", &letter, "/abc.txt", Opens);
}

#[test]
fn t58_to_t68_schemes_and_hosts() {
    let edge = TestEdge::new();
    let path = "/private/a.txt?x=1";
    let over_http = |row: &str, text: &str, expected: Verdict| {
        let url = format!("http://{HOST}{path}");
        check(
            &edge,
            row,
            &Ask::get(with_policy(&url, &policy(text))),
            expected,
        );
    };
    over_http("T60", "https://*", AccessDenied);
    let scheme = format!("h*://{HOST}/*");
    resource(&edge, "T63", &scheme, path, AccessDenied);
    resource(&edge, "T66", "*cloudfront.net", "/a", AccessDenied);
    resource(&edge, "T58", "*", path, Opens);
    over_http("T58 http", "*", Opens);
    resource(&edge, "T59", "https://*", path, Opens);
    resource(&edge, "T61", &format!("http*://{HOST}/*"), path, Opens);
    over_http("T62", &format!("*://{HOST}/*"), Opens);
    resource(&edge, "T64", &format!("{U}*"), path, Opens);
    resource(&edge, "T65", "*cloudfront.net", "/", Opens);
    let label = "https://*.cloudfront.net/private/*";
    resource(&edge, "T68", label, path, Opens);
}

#[test]
fn t67_and_t69_odd_resources() {
    let edge = TestEdge::new();
    let url = format!("{U}/private/a.txt");
    let end = format!(r#""Condition":{{"DateLessThan":{{"AWS:EpochTime":{E}}}}}"#);
    let array = format!(r#"{{"Statement":[{{"Resource":["*","*"],{end}}}]}}"#);
    let link = with_policy(&url, &array);
    check(&edge, "T69", &Ask::get(link), MalformedPolicy);
    let without = format!(r#"{{"Statement":[{{{end}}}]}}"#);
    check(&edge, "T67", &Ask::get(with_policy(&url, &without)), Opens);
}

/// Checks a policy for everything with one more condition, with a request from `source`.
#[track_caller]
fn condition(edge: &TestEdge, row: &str, condition: &str, source: &str, expected: Verdict) {
    let url = with_policy(&format!("{U}/private/a.txt"), &policy_if(condition));
    check(edge, row, &Ask::get(url).by_address(source), expected);
}

#[test]
fn t70_to_t72_start() {
    let edge = TestEdge::new();
    let start = |row: &str, secs: u64, expected: Verdict| {
        let text = format!(r#""DateGreaterThan":{{"AWS:EpochTime":{secs}}}"#);
        condition(&edge, row, &text, "127.0.0.1", expected);
    };
    start("T70", NOW, AccessDenied);
    start("T72", NOW + 10, AccessDenied);
    start("T71", NOW - 1, Opens);
}

/// The matrix has 192.0.2.0/24; 127.0.7.0/24 replaces it, because a test can have addresses of that range.
#[test]
fn t73_to_t77_addresses() {
    let edge = TestEdge::new();
    let from = |row: &str, range: &str, source: &str, expected: Verdict| {
        let text = format!(r#""IpAddress":{{"AWS:SourceIp":"{range}"}}"#);
        condition(&edge, row, &text, source, expected);
    };
    from("T74", "127.0.7.0/24", "127.0.8.1", AccessDenied);
    from("T74 /32", "127.0.7.77", "127.0.7.78", AccessDenied);
    from("T77", "2001:db8::/32", "127.0.0.1", MalformedPolicy);
    from("T73", "127.0.7.0/24", "127.0.7.77", Opens);
    from("T73 /32", "127.0.7.77", "127.0.7.77", Opens);
    from("T76", "0.0.0.0/0", "127.0.0.1", Opens);
}

#[test]
fn t75_viewers_over_ipv6() {
    let config = fixture().replace("127.0.0.2:0", "[::1]:0");
    let edge = TestEdge::configured(&config);
    let from = |row: &str, range: &str| {
        let text = format!(r#""IpAddress":{{"AWS:SourceIp":"{range}"}}"#);
        condition(&edge, row, &text, "::1", AccessDenied);
    };
    from("T75", "127.0.0.0/8");
    from("T75 any", "0.0.0.0/0");
    let url = signed(&format!("{U}/private/a.txt"), E);
    check(&edge, "T03 over IPv6", &Ask::get(url), Opens);
}

#[test]
fn t78_to_t80_both_forms_and_escapes() {
    let edge = TestEdge::new();
    let url = format!("{U}/private/a.txt");
    let link = with_policy(&url, &policy(&url));
    check(
        &edge,
        "T78",
        &Ask::get(format!("{link}&Expires={E}")),
        Opens,
    );
    check(
        &edge,
        "T79",
        &Ask::get(format!("{link}&Expires={X}")),
        Opens,
    );
    let escaped = link.replace('~', "%7E").replace('_', "%5F");
    assert_ne!(escaped, link);
    check(&edge, "T80", &Ask::get(escaped), Opens);
}

#[test]
fn t81_to_t88_cookies() {
    let edge = TestEdge::new();
    let url = format!("{U}/private/a.txt");
    let with = |row: &str, url: &str, cookies: &str, expected: Verdict| {
        let ask = Ask::get(url).header("Cookie", format!("path_token=1; {cookies}"));
        check(&edge, row, &ask, expected);
    };
    let cookies = policy_cookies(RSA, &policy(&format!("{U}/private/*")));
    let (_, without) = cookies.split_once("; ").unwrap();
    with("T82", &format!("{url}?Expires=1"), &cookies, MissingKey);
    with("T83", &signed(&url, X), &cookies, AccessDenied);
    with("T87", &url, &cookies.to_lowercase(), MissingKey);
    with("T88", &url, without, MalformedPolicy);
    let signature = canned_signature(RSA, &url, E);
    let exact = format!(
        "CloudFront-Expires={E}; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=KRSA"
    );
    with("T85", &format!("{U}/private/b.txt"), &exact, AccessDenied);
    with("T81", &url, &cookies, Opens);
    with(
        "T83 good link, bad cookies",
        &signed(&url, E),
        &without.replace("KRSA", "K0"),
        Opens,
    );
    with("T84", &url, &exact, Opens);
    let sha256 = policy_cookies(RSA256, &policy(&format!("{U}/private/*")));
    with("T86 without the name", &url, &sha256, AccessDenied);
    with(
        "T86",
        &url,
        &(sha256 + "; CloudFront-Hash-Algorithm=SHA256"),
        Opens,
    );
}
