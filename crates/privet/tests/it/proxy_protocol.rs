//! Listeners behind a balancer: which headers are believed, and whose connection it is then.

use crate::support::Listening::Plain;
use crate::support::*;

/// Address of the only balancer that is believed; a range of proxies in front of it is trusted too.
const BALANCER: &str = "127.0.0.9";
const STRANGER: &str = "127.0.0.1";
const TRUSTED: &str = "[edge]\nworkers = 2\ntrusted_proxies = [\"127.0.0.9\", \"10.0.0.0/8\"]\n";

/// Returns `config` with all listeners behind the balancer.
fn behind_balancer(config: &str) -> String {
    let listeners = LISTENERS.replace("protocol =", "proxy_protocol = true\nprotocol =");
    config
        .replace("[edge]\nworkers = 2\n", TRUSTED)
        .replace(LISTENERS, &listeners)
}

fn edge() -> TestEdge {
    let edge = TestEdge::configured(&behind_balancer(&fixture()));
    edge.put("public/a.txt", b"alpha");
    edge
}

fn public(listening: Listening) -> String {
    let scheme = match listening {
        Listening::Plain => "http",
        Listening::Tls => "https",
    };
    format!("{scheme}://{HOST}/public/a.txt")
}

/// Checks that the connection is closed, whatever is requested after `start`, and that nothing is logged.
#[track_caller]
fn check_closed(edge: &TestEdge, peer: &str, start: &[u8]) {
    for listening in BOTH {
        let mut viewer = edge.behind(peer, start, listening);
        viewer.send(&Ask::get(public(listening)).bytes());
        viewer.half_close();
        assert_eq!(viewer.rest(), b"", "{listening:?}");
    }
    assert_eq!(edge.live.text(), "");
}

#[test]
fn connections_without_a_good_header_are_closed() {
    let edge = edge();
    let good = proxied("192.0.2.7:40000");
    let mut torn = good.clone();
    torn[5] ^= 1;
    let long = [
        &proxied("192.0.2.7:40000")[16..],
        &[4, 0x0f, 0xff],
        &[0; 4095],
    ]
    .concat();
    let checksum = [&good[16..], &[3, 0, 4, 1, 2, 3, 4]].concat();
    for start in [
        &b""[..],
        b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 443\r\n",
        b"PROXY UNKNOWN\r\n",
        &torn,
        &proxy_header(0x31, 0x11, &good[16..]),
        &proxy_header(0x22, 0x11, &good[16..]),
        &proxy_header(0x21, 0x15, &good[16..]),
        &proxy_header(0x21, 0x21, &good[16..]),
        &proxy_header(0x21, 0x11, &long),
        &proxy_header(0x21, 0x00, &[0; 9000]),
        &proxy_header(0x21, 0x11, &checksum),
    ] {
        check_closed(&edge, BALANCER, start);
    }
}

#[test]
fn headers_that_end_too_soon() {
    let edge = edge();
    let header = proxied("192.0.2.7:40000");
    for sent in 0..header.len() {
        let mut viewer = edge.behind(BALANCER, &header[..sent], Plain);
        viewer.half_close();
        assert_eq!(viewer.rest(), b"", "{sent} bytes");
    }
    assert_eq!(edge.live.text(), "");
}

#[test]
fn strangers_are_not_believed() {
    check_closed(&edge(), STRANGER, &proxied("192.0.2.7:40000"));
    check_closed(&edge(), STRANGER, &proxy_header(0x20, 0x00, b""));
}

#[test]
fn a_slow_header_is_not_waited_for() {
    let config = fixture_with_limits("head_timeout = \"1s\"");
    let edge = TestEdge::configured(&behind_balancer(&config));
    let header = proxied("192.0.2.7:40000");
    let sizes = [0, 1, 12, header.len() - 1];
    let viewers = sizes.map(|size| edge.behind(BALANCER, &header[..size], Plain));
    for (mut viewer, size) in viewers.into_iter().zip(sizes) {
        assert_eq!(viewer.rest(), b"", "{size} bytes");
    }
}

#[test]
fn other_listeners_take_no_header() {
    let edge = TestEdge::configured(&fixture().replace("[edge]\nworkers = 2\n", TRUSTED));
    let mut viewer = edge.behind(BALANCER, &proxied("192.0.2.7:40000"), Plain);
    viewer.send(&Ask::get(public(Plain)).bytes());
    assert_ne!(
        viewer.answer("GET").map_or(400, |answer| answer.status()),
        200
    );
}

/// Checks the address and port that the log names for a connection with this header.
#[track_caller]
fn check(start: &[u8], expected: Option<(&str, u16)>) {
    for listening in BOTH {
        let edge = edge();
        let mut viewer = edge.behind(BALANCER, start, listening);
        for _ in 0..2 {
            assert_eq!(viewer.get(&public(listening)).text(), "alpha");
        }
        let (address, port) = expected.unwrap_or((BALANCER, viewer.local().port()));
        for record in edge.live.wait_for(2) {
            assert_eq!(record["c-ip"], address, "{listening:?}");
            assert_eq!(record["c-port"], port.to_string(), "{listening:?}");
        }
    }
}

#[test]
fn the_header_names_the_viewer() {
    check(&proxied("192.0.2.7:40000"), Some(("192.0.2.7", 40_000)));
    check(&proxied("[2001:db8::1]:80"), Some(("2001:db8::1", 80)));
    check(&proxied("[::ffff:192.0.2.7]:80"), Some(("192.0.2.7", 80)));
    let extensions = [&[0xea, 0, 6][..], b"vpce-1", &[4, 0x0f, 0xf4], &[0; 0x0ff4]].concat();
    let noted = [&proxied("192.0.2.7:40000")[16..], &extensions].concat();
    check(
        &proxy_header(0x21, 0x11, &noted),
        Some(("192.0.2.7", 40_000)),
    );
}

#[test]
fn the_balancer_speaks_for_itself() {
    check(&proxy_header(0x20, 0x00, b""), None);
    check(
        &proxy_header(0x20, 0x11, &proxied("192.0.2.7:40000")[16..]),
        None,
    );
    check(&proxy_header(0x21, 0x00, b""), None);
    check(&proxy_header(0x21, 0x31, &[b'/'; 216]), None);
}

/// The header and the requests arrive in one write; files are sent as on any connection.
#[test]
fn nothing_behind_the_header_is_lost() {
    let edge = edge();
    let huge: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 5) as u8).collect();
    edge.put("public/huge", &huge);
    let ask = Ask::get(format!("http://{HOST}/public/huge")).bytes();
    let start = [proxied("192.0.2.7:40000"), ask.clone(), ask].concat();
    let mut viewer = edge.behind(BALANCER, &start, Plain);
    for _ in 0..2 {
        assert!(viewer.answer("GET").unwrap().body == huge);
    }
}

#[test]
fn a_link_bound_to_an_address_holds_behind_a_balancer() {
    let edge = edge();
    edge.put("private/a.txt", b"for one");
    let condition = r#""IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#;
    let link = with_policy(&format!("{U}/private/a.txt"), &policy_if(condition));
    let status = |source: &str, forwarded_for: &str| {
        let mut viewer = edge.behind(BALANCER, &proxied(source), Listening::Tls);
        let ask = Ask::get(&link).header("X-Forwarded-For", forwarded_for);
        viewer.ask(&ask).status()
    };
    assert_eq!(status("198.51.100.1:1000", "192.0.2.7"), 403);
    assert_eq!(status("[2001:db8::1]:1000", "192.0.2.7"), 403);
    assert_eq!(status("10.0.0.3:1000", "192.0.2.7, 198.51.100.1"), 403);
    assert_eq!(status("192.0.2.7:1000", "198.51.100.1"), 200);
    assert_eq!(status("[::ffff:192.0.2.7]:1000", ""), 200);
    // A proxy that speaks HTTP is in front of the balancer.
    assert_eq!(status("10.0.0.3:1000", "198.51.100.1, 192.0.2.7"), 200);
}

/// A header that names nobody is followed by the viewer's own bytes: nobody vouches for them, and the viewer may be
/// anybody.
#[test]
fn where_nobody_is_named_nobody_is_believed() {
    let edge = edge();
    edge.put("secure/a.txt", b"by https");
    edge.put("private/a.txt", b"for some");
    let for_balancers = r#""IpAddress":{"AWS:SourceIp":"127.0.0.0/8"}"#;
    let for_one = r#""IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#;
    let link = |condition| {
        let url = format!("http://{HOST}/private/a.txt");
        with_policy(&url, &policy_if(condition))
    };
    let secure = signed(&format!("http://{HOST}/secure/a.txt"), E);
    for start in [
        proxy_header(0x21, 0x00, b""),
        proxy_header(0x21, 0x31, &[b'/'; 216]),
        proxy_header(0x20, 0x00, b""),
    ] {
        let status = |url: &str| {
            let mut viewer = edge.behind(BALANCER, &start, Plain);
            let ask = Ask::get(url)
                .header("X-Forwarded-For", "192.0.2.7")
                .header("X-Forwarded-Proto", "https");
            viewer.ask(&ask).status()
        };
        assert_eq!(status(&secure), 403, "{start:?}");
        assert_eq!(status(&link(for_balancers)), 403, "{start:?}");
        assert_eq!(status(&link(for_one)), 403, "{start:?}");
        assert_eq!(status(&public(Plain)), 200, "{start:?}");
    }
}

#[test]
fn the_origin_hears_of_the_viewer() {
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "a"));
    let config = behind_balancer(&Remote::new(&origin).config());
    let edge = TestEdge::configured(&config);
    let forwarded = |path: &str, source: &str, forwarded_for: &str| {
        let mut viewer = edge.behind(BALANCER, &proxied(source), Plain);
        let ask = Ask::get(url(path)).header("X-Forwarded-For", forwarded_for);
        assert_eq!(viewer.ask(&ask).status(), 200);
        let asks = origin.asks();
        let ask = asks.iter().find(|ask| ask.target == path).unwrap();
        ask.header("X-Forwarded-For").unwrap().to_owned()
    };
    let found = forwarded("/one", "192.0.2.7:1000", "203.0.113.5");
    assert_eq!(found, "203.0.113.5, 192.0.2.7");
    let found = forwarded("/two", "10.0.0.3:1000", "203.0.113.5, 192.0.2.7");
    assert_eq!(found, "203.0.113.5, 192.0.2.7");
    let found = forwarded("/three", "[2001:db8::1]:1000", "203.0.113.5");
    assert_eq!(found, "203.0.113.5, 2001:db8::1");
}

#[test]
fn a_reload_changes_what_a_listener_expects() {
    let mut edge = edge();
    let address = edge.http();
    edge.reload(&fixture()).unwrap();
    assert_eq!(edge.http(), address);
    until_served(&edge, b"");
    edge.reload(&behind_balancer(&fixture())).unwrap();
    until_served(&edge, &proxied("192.0.2.7:40000"));
}

/// Waits until the edge serves, because workers hear of a change soon, but not at once.
fn until_served(edge: &TestEdge, start: &[u8]) {
    let begun = std::time::Instant::now();
    loop {
        let mut viewer = edge.behind(BALANCER, start, Plain);
        viewer.send(&Ask::get(public(Plain)).bytes());
        if viewer
            .answer("GET")
            .is_some_and(|answer| answer.status() == 200)
        {
            return;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn behind_haproxy() {
    let edge = edge();
    edge.put("private/a.txt", b"for one");
    let balancer = Balancer::before(&edge);
    let policy = policy_if(r#""IpAddress":{"AWS:SourceIp":"127.0.0.5"}"#);
    let mut logged = 0;
    for listening in BOTH {
        let link = with_policy(&public(listening).replace("public", "private"), &policy);
        for (source, expected) in [("127.0.0.6", 403), ("127.0.0.5", 200)] {
            let address = Some(source.parse().unwrap());
            let mut viewer = match listening {
                Listening::Plain => Viewer::plain(balancer.http, address),
                Listening::Tls => Viewer::tls(balancer.https, address),
            };
            assert_eq!(
                viewer.get(&link).status(),
                expected,
                "{listening:?} {source}"
            );
            logged += 1;
            let records = edge.live.wait_for(logged);
            let record = records.last().unwrap();
            assert_eq!(record["c-ip"], source);
            assert_eq!(record["c-port"], viewer.local().port().to_string());
        }
    }
}

#[test]
fn http2_behind_haproxy() {
    let edge = edge();
    let balancer = Balancer::before(&edge);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut sender, connection) = connect_http2(balancer.https, &http2_builder()).await;
        tokio::spawn(connection);
        let request = http::Request::get(public(Listening::Tls)).body(String::new());
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
    });
    let record = edge.live.wait_for(1).pop().unwrap();
    assert_eq!(record["c-ip"], "127.0.0.1");
    assert_eq!(record["cs-protocol-version"], "HTTP/2.0");
}
