use super::*;
use crate::config::AddressRange;

fn trusted() -> TrustedProxies {
    let ranges = ["10.0.0.0/8", "2001:db8::/32"];
    let ranges = ranges
        .iter()
        .map(|range| AddressRange::parse(range).unwrap());
    TrustedProxies::new(ranges.collect())
}

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn read(peer: &str, lines: &[&str], family: ForwardedHeaders) -> Forwarded {
    forwarded(peer.parse().unwrap(), &headers(lines), &trusted(), family)
}

#[track_caller]
fn check(lines: &[&str], viewer: &str, scheme: Option<Scheme>, host: Option<&str>) {
    let family = match lines.iter().any(|line| line.starts_with("Forwarded")) {
        true => ForwardedHeaders::Forwarded,
        false => ForwardedHeaders::XForwarded,
    };
    let told = read("10.0.0.1", lines, family);
    let host = host.map(str::to_owned);
    assert_eq!(told.asked, Ok(Asked { scheme, host }), "{lines:?}");
    assert_eq!(told.viewer.to_string(), viewer, "{lines:?}");
}

#[track_caller]
fn check_fault(line: &str, expected: ForwardedFault) {
    let family = match line.starts_with("Forwarded") {
        true => ForwardedHeaders::Forwarded,
        false => ForwardedHeaders::XForwarded,
    };
    let lines = ["X-Forwarded-For: 192.0.2.1", line];
    assert_eq!(
        read("10.0.0.1", &lines, family).asked,
        Err(expected),
        "{line}"
    );
}

use Scheme::{Http, Https};

#[test]
fn strangers_are_not_believed() {
    for family in [ForwardedHeaders::XForwarded, ForwardedHeaders::Forwarded] {
        for peer in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db9::1"] {
            let lines = [
                "X-Forwarded-For: 10.0.0.1",
                "X-Forwarded-Proto: https, ftp",
                "X-Forwarded-Host: a b",
                "Forwarded: for=10.0.0.1;proto=https;=",
            ];
            let told = read(peer, &lines, family);
            assert_eq!(told.asked, Ok(Asked::default()));
            let peer: IpAddr = peer.parse().unwrap();
            assert_eq!(told.viewer, peer.to_canonical());
        }
    }
}

/// A grant for particular addresses is not valid for a viewer who may be anybody.
#[test]
fn a_viewer_without_an_address_is_not_known() {
    let unspecified: IpAddr = "0.0.0.0".parse().unwrap();
    for word in [
        "unknown",
        "",
        "fe80::1%eth0",
        "6.6.6.6:99999",
        "192.0.2.1,",
        "_hidden",
    ] {
        let line = format!("X-Forwarded-For: {word}");
        let told = read("10.0.0.1", &[&line], ForwardedHeaders::XForwarded);
        assert_eq!(told.client(), unspecified, "{word}");
        assert_eq!(told.viewer.to_string(), "10.0.0.1", "{word}");
    }
    for word in [
        "unknown",
        "_hidden",
        "\"[fe80::1%25a]\"",
        "\"6.6.6.6:99999\"",
    ] {
        let line = format!("Forwarded: for={word}");
        let told = read("10.0.0.1", &[&line], ForwardedHeaders::Forwarded);
        assert_eq!(told.client(), unspecified, "{word}");
    }
    let told = read(
        "10.0.0.1",
        &["Forwarded: proto=https"],
        ForwardedHeaders::Forwarded,
    );
    assert_eq!(told.client(), unspecified);
    let known = read(
        "10.0.0.1",
        &["X-Forwarded-For: 192.0.2.1"],
        ForwardedHeaders::XForwarded,
    );
    assert_eq!(known.client().to_string(), "192.0.2.1");
    // Without the field, the proxy is the viewer itself.
    let own = read("10.0.0.1", &[], ForwardedHeaders::XForwarded);
    assert_eq!(own.client().to_string(), "10.0.0.1");
}

/// A proxy that uses one family passes the other on as the viewer sent it.
#[test]
fn one_family_is_read() {
    let lines = [
        "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=192.0.2.2;proto=http;host=b.test",
    ];
    let of = |family| read("10.0.0.1", &lines, family);
    let x_forwarded = of(ForwardedHeaders::XForwarded);
    assert_eq!(x_forwarded.viewer.to_string(), "192.0.2.1");
    assert_eq!(x_forwarded.asked.unwrap().scheme, Some(Https));
    let forwarded = of(ForwardedHeaders::Forwarded);
    assert_eq!(forwarded.viewer.to_string(), "192.0.2.2");
    let asked = forwarded.asked.unwrap();
    assert_eq!(
        (asked.scheme, asked.host.as_deref()),
        (Some(Http), Some("b.test"))
    );
    let none = of(ForwardedHeaders::None);
    assert_eq!(none.viewer.to_string(), "10.0.0.1");
    assert_eq!(none.asked, Ok(Asked::default()));
}

#[test]
fn the_first_stranger_from_the_right_is_the_viewer() {
    for (values, viewer) in [
        (&[][..], "10.0.0.1"),
        (&["198.51.100.1"], "198.51.100.1"),
        (&["203.0.113.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        (&["203.0.113.1", "198.51.100.1"], "198.51.100.1"),
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (&["[2001:db9::1]:443"], "2001:db9::1"),
        (&["198.51.100.1:5000"], "198.51.100.1"),
        (&["198.51.100.1, x"], "10.0.0.1"),
        (&["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        (&["198.51.100.1,"], "10.0.0.1"),
        (&["", "\u{e9}"], "10.0.0.1"),
    ] {
        let lines: Vec<String> = values
            .iter()
            .map(|value| format!("X-Forwarded-For: {value}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        check(&lines, viewer, None, None);
    }
}

#[test]
fn the_outermost_trusted_proxy_says_how_it_was_asked() {
    let of = |lines: &[&str], viewer, scheme, host| check(lines, viewer, Some(scheme), host);
    of(&["X-Forwarded-Proto: https"], "10.0.0.1", Https, None);
    of(&["X-Forwarded-Proto: HTTP"], "10.0.0.1", Http, None);
    let one = [
        "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: a.test:8443",
    ];
    of(&one, "192.0.2.1", Https, Some("a.test:8443"));
    // The inner proxy passed the field on.
    let two = [
        "X-Forwarded-For: 192.0.2.1, 10.0.0.2",
        "X-Forwarded-Proto: https",
    ];
    of(&two, "192.0.2.1", Https, None);
    // Each proxy added its own value: the request to the inner one came without TLS.
    let lists = [
        "X-Forwarded-For: 192.0.2.1, 10.0.0.2",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: a.test, inner",
    ];
    of(&lists, "192.0.2.1", Https, Some("a.test"));
    // Elements in front are the viewer's own.
    let lies = [
        "X-Forwarded-For: 10.0.0.9, 192.0.2.1",
        "X-Forwarded-Proto: https, http",
        "X-Forwarded-Host: b.test, a.test",
    ];
    of(&lies, "192.0.2.1", Http, Some("a.test"));
    check(
        &["X-Forwarded-Proto: ", "X-Forwarded-Host: "],
        "10.0.0.1",
        None,
        None,
    );
}

#[test]
fn what_contradicts_itself_is_no_guess() {
    use ForwardedFault::{Host, Scheme, Syntax, Uneven};
    check_fault(
        "X-Forwarded-Proto: https, http",
        Uneven("X-Forwarded-Proto"),
    );
    check_fault(
        "X-Forwarded-Host: a.test, b.test",
        Uneven("X-Forwarded-Host"),
    );
    for odd in ["ftp", "https;", "on", "https https", "wss"] {
        check_fault(
            &format!("X-Forwarded-Proto: {odd}"),
            Scheme("X-Forwarded-Proto"),
        );
    }
    for odd in [
        "a b",
        "u@a.test",
        "a.test/x",
        "a.test:",
        "a.test:x",
        ":80",
        "http://a.test",
        "a.test:99999",
    ] {
        check_fault(
            &format!("X-Forwarded-Host: {odd}"),
            Host("X-Forwarded-Host"),
        );
    }
    for odd in [
        "proto=https;proto=http",
        "proto",
        "proto=",
        "=https",
        "for=\"192.0.2.1",
        "for=192.0.2.1 proto=https",
        "for=192.0.2.1;proto=\"https\"x",
        "for=192.0.2.1, for=\"a, for=192.0.2.2",
        "proto=\"https\\",
    ] {
        check_fault(&format!("Forwarded: {odd}"), Syntax);
    }
    check_fault("Forwarded: proto=ftp", Scheme("Forwarded"));
    check_fault("Forwarded: host=\"a b\"", Host("Forwarded"));
    let many = vec!["for=10.0.0.1"; HOPS_MAX + 1].join(",");
    check_fault(&format!("Forwarded: {many}"), ForwardedFault::TooMany);
}

/// Examples of RFC 7239, and the forms that proxies really send.
#[test]
fn forwarded_is_read_as_rfc_7239_has_it() {
    check(&["Forwarded: for=\"_gazonk\""], "10.0.0.1", None, None);
    check(
        &["Forwarded: For=\"[2001:db9:cafe::17]:4711\""],
        "2001:db9:cafe::17",
        None,
        None,
    );
    check(
        &["Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43"],
        "192.0.2.60",
        Some(Http),
        None,
    );
    check(
        &["Forwarded: for=192.0.2.43, for=198.51.100.17"],
        "198.51.100.17",
        None,
        None,
    );
    check(
        &["Forwarded: for=192.0.2.43", "Forwarded: for=10.0.0.2"],
        "192.0.2.43",
        None,
        None,
    );
    check(
        &["Forwarded: for=192.0.2.43,for=\"10.0.0.2\";by=_x , ,"],
        "192.0.2.43",
        None,
        None,
    );
    let chain = "Forwarded: for=10.9.9.9;proto=http;host=lie, for=192.0.2.43; proto=HTTPS ;host=\"a.test:8443\", for=10.0.0.2;proto=http";
    check(&[chain], "192.0.2.43", Some(Https), Some("a.test:8443"));
    // The address is hidden, but a trusted proxy reports the rest.
    check(
        &["Forwarded: for=unknown;proto=https;host=a.test"],
        "10.0.0.1",
        Some(Https),
        Some("a.test"),
    );
    check(&["Forwarded: proto=https"], "10.0.0.1", Some(Https), None);
    check(
        &["Forwarded: for=192.0.2.1:80;secret=\"a\\\"b\""],
        "192.0.2.1",
        None,
        None,
    );
    check(&["Forwarded: "], "10.0.0.1", None, None);
}
