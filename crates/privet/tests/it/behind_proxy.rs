//! Behind a proxy that terminates TLS, its headers about scheme and host are believed like those about the address, and
//! nobody else's.

use crate::support::*;

/// Address of the trusted proxy; the range of inner proxies behind it is trusted too.
const PROXY: &str = "127.0.0.9";
const STRANGER: &str = "127.0.0.8";
const TRUSTED: &str = "[edge]\nworkers = 2\ntrusted_proxies = [\"127.0.0.9\", \"10.0.0.0/8\"]\n";

fn edge_with(more: &str) -> TestEdge {
    let trusted = format!("{TRUSTED}{more}\n");
    let edge = TestEdge::configured(&fixture().replace("[edge]\nworkers = 2\n", &trusted));
    for name in [
        "private/a.txt",
        "secure/a.txt",
        "redir/a.txt",
        "public/a.txt",
    ] {
        edge.put(name, b"alpha");
    }
    edge
}

/// Returns the response that a proxy at `source` gets when it passes on a request for an https URL.
fn passed_on(edge: &TestEdge, source: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    let url = url.replacen("https://", "http://", 1);
    let ask = headers
        .iter()
        .fold(Ask::get(url), |ask, (name, value)| ask.header(name, *value));
    edge.ask(&ask.by_address(source))
}

const BY_HTTPS: [(&str, &str); 2] = [
    ("X-Forwarded-For", "192.0.2.7"),
    ("X-Forwarded-Proto", "https"),
];

#[test]
fn h4_links_to_https_open_behind_a_proxy_that_ends_tls() {
    let edge = edge_with("");
    for path in ["private/a.txt", "secure/a.txt", "redir/a.txt"] {
        let link = signed(&format!("{U}/{path}"), E);
        let answer = passed_on(&edge, PROXY, &link, &BY_HTTPS);
        assert_eq!((answer.status(), answer.text()), (200, "alpha"), "{path}");
        let by_policy = with_policy(&format!("{U}/{path}"), &policy(&format!("{U}/*")));
        assert_eq!(passed_on(&edge, PROXY, &by_policy, &BY_HTTPS).status(), 200);
        // A link to http:// has another signature.
        let other = signed(&format!("http://{HOST}/{path}"), E);
        assert_eq!(passed_on(&edge, PROXY, &other, &BY_HTTPS).status(), 403);
    }
}

/// A viewer without an address gets no grant that is limited to addresses: the only address left is the proxy's.
#[test]
fn a_viewer_whom_the_proxy_does_not_name_is_nobody() {
    let edge = edge_with("");
    let of = |range: &str| {
        let condition = format!(r#""IpAddress":{{"AWS:SourceIp":"{range}"}}"#);
        with_policy(&format!("{U}/private/a.txt"), &policy_if(&condition))
    };
    let status = |link: &str, word: &str| {
        let headers = [("X-Forwarded-For", word), ("X-Forwarded-Proto", "https")];
        passed_on(&edge, PROXY, link, &headers).status()
    };
    for word in ["unknown", "", "fe80::1%eth0", "6.6.6.6:99999", "6.6.6.6,"] {
        assert_eq!(status(&of("127.0.0.0/8"), word), 403, "{word}");
        assert_eq!(status(&of("6.0.0.0/8"), word), 403, "{word}");
        assert_eq!(status(&of("0.0.0.0/0"), word), 200, "{word}");
    }
    assert_eq!(status(&of("6.0.0.0/8"), "6.6.6.6"), 200);
}

#[test]
fn h4_redirects_to_https_end_there() {
    let edge = edge_with("");
    let link = signed(&format!("{U}/redir/a.txt"), E);
    let by_http = [("X-Forwarded-Proto", "http")];
    let redirected = passed_on(&edge, PROXY, &link, &by_http);
    assert_eq!(redirected.status(), 301);
    assert_eq!(redirected.header("Location"), Some(&*link));
    assert_eq!(passed_on(&edge, PROXY, &link, &BY_HTTPS).status(), 200);
    let secure = signed(&format!("{U}/secure/a.txt"), E);
    assert_eq!(passed_on(&edge, PROXY, &secure, &by_http).status(), 403);
}

#[test]
fn h4_nobody_else_is_believed() {
    let edge = edge_with("");
    let link = signed(&format!("{U}/private/a.txt"), E);
    assert_eq!(passed_on(&edge, STRANGER, &link, &BY_HTTPS).status(), 403);
    let forwarded = [("Forwarded", "for=192.0.2.7;proto=https")];
    assert_eq!(passed_on(&edge, PROXY, &link, &forwarded).status(), 403);
    let edge = edge_with("forwarded_headers = \"forwarded\"");
    assert_eq!(passed_on(&edge, PROXY, &link, &forwarded).status(), 200);
    assert_eq!(passed_on(&edge, PROXY, &link, &BY_HTTPS).status(), 403);
    assert_eq!(passed_on(&edge, STRANGER, &link, &forwarded).status(), 403);
    let edge = edge_with("forwarded_headers = \"none\"");
    assert_eq!(passed_on(&edge, PROXY, &link, &forwarded).status(), 403);
    assert_eq!(passed_on(&edge, PROXY, &link, &BY_HTTPS).status(), 403);
}

#[test]
fn h4_a_contradiction_is_refused() {
    let edge = edge_with("");
    let link = signed(&format!("{U}/private/a.txt"), E);
    for odd in [
        [
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Forwarded-Proto", "https, http"),
        ],
        [
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Forwarded-Proto", "ftp"),
        ],
        [
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Proto", "http"),
        ],
        [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a b")],
    ] {
        assert_eq!(
            passed_on(&edge, PROXY, &link, &odd).status(),
            400,
            "{odd:?}"
        );
    }
}

/// The signed host is the one that the viewer requested, where a proxy writes another one.
#[test]
fn h4_the_host_is_the_viewers() {
    let edge = edge_with("");
    let link = signed(&format!("{U}/private/a.txt"), E).replace(HOST, "inner.example");
    let told = [BY_HTTPS[0], BY_HTTPS[1], ("X-Forwarded-Host", HOST)];
    assert_eq!(passed_on(&edge, PROXY, &link, &told).status(), 200);
    assert_eq!(passed_on(&edge, PROXY, &link, &BY_HTTPS).status(), 403);
    assert_eq!(passed_on(&edge, STRANGER, &link, &told).status(), 403);
    let redirected = [("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", HOST)];
    let link = signed(&format!("{U}/redir/a.txt"), E);
    let inner = link.replace(HOST, "inner.example");
    let answer = passed_on(&edge, PROXY, &inner, &redirected);
    assert_eq!(answer.header("Location"), Some(&*link));
}

#[test]
fn the_log_tells_how_the_viewer_asked() {
    let edge = edge_with("");
    let link = signed(&format!("{U}/private/a.txt"), E);
    assert_eq!(passed_on(&edge, PROXY, &link, &BY_HTTPS).status(), 200);
    let (_folder, live) = edge.stop();
    let line = live.text();
    let record: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let of = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (of("cs-protocol"), of("c-ip")),
        ("https".into(), "192.0.2.7".into())
    );
    assert_eq!(of("x-host-header"), HOST);
}
