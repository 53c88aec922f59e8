//! The scripted origin itself, without an edge: the properties that scenarios rely on.

use crate::support::*;

fn ask(path: &str, headers: &[(&str, &str)]) -> Ask {
    let ask = Ask::get(format!("http://origin.example{path}"));
    headers
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, *value))
}

fn answer(origin: &FakeOrigin, ask: &Ask) -> (Answer, Body) {
    let mut viewer = Viewer::plain(origin.address(), None);
    viewer.send(&ask.bytes());
    viewer.framed_answer()
}

#[test]
fn faults_look_as_scripted() {
    let origin = FakeOrigin::start(|ask| match ask.path() {
        "/less" => OriginAnswer::head(200, &[("Content-Length", "10")])
            .send("four")
            .close(),
        "/no-last-chunk" => OriginAnswer::head(200, &[("Transfer-Encoding", "chunked")])
            .chunk("four")
            .close(),
        "/more" => OriginAnswer::head(200, &[("Content-Length", "4")])
            .send("four")
            .send("teen")
            .close(),
        "/interim" => OriginAnswer::head(103, &[]).and_head(204, &[]),
        _ => OriginAnswer::raw("not HTTP").close(),
    });
    let get = |path| answer(&origin, &ask(path, &[])).1;
    assert_eq!(get("/less"), Body::CutShort(b"four".to_vec()));
    assert_eq!(get("/no-last-chunk"), Body::CutShort(b"four".to_vec()));
    assert_eq!(get("/more"), Body::Whole(b"four".to_vec()));
    let mut viewer = Viewer::plain(origin.address(), None);
    viewer.send(&ask("/interim", &[]).bytes());
    let heads = [viewer.head(), viewer.head()].map(|head| head.unwrap().status());
    assert_eq!(heads, [103, 204]);
    let mut viewer = Viewer::plain(origin.address(), None);
    viewer.send(&ask("/garbage", &[]).bytes());
    assert_eq!(viewer.rest(), b"not HTTP");
    assert_eq!((origin.asks().len(), origin.connections()), (5, 5));
}

#[test]
fn a_reset_is_no_orderly_end() {
    let origin = FakeOrigin::start(|_| OriginAnswer::raw("HTTP/1.1 200").reset());
    let mut stream = connect(origin.address(), None, None).unwrap();
    std::io::Write::write_all(&mut stream, &ask("/", &[]).bytes()).unwrap();
    let ended = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    let error = ended.expect_err("no orderly end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_gate_holds_an_answer_back() {
    let gate = Gate::closed();
    let held = gate.clone();
    let origin = FakeOrigin::start(move |_| {
        OriginAnswer::head(200, &[("Content-Length", "8")])
            .send("four")
            .wait(&held)
            .send("teen")
    });
    let mut viewer = Viewer::plain(origin.address(), None);
    viewer.send(&ask("/", &[]).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    assert_eq!(viewer.take(4), b"four");
    origin.wait_until_sent(4);
    assert_eq!(origin.sent_size_bytes(), 4);
    gate.open();
    assert_eq!(viewer.take(4), b"teen");
    origin.assert_each_byte_was_read_once("/", 8);
}

#[test]
fn a_patterned_object_answers_ranges_and_conditions() {
    let (origin, object) = FakeOrigin::object(10 << 30, "\"v1\"");
    let get = |headers: &[(&str, &str)]| answer(&origin, &ask("/video", headers));
    let status = |headers: &[(&str, &str)]| get(headers).0.status();
    let range = ("Range", "bytes=5000000000-5000099999");
    assert_eq!(status(&[("Range", "bytes=10737418240-")]), 416);
    assert_eq!(status(&[("If-Match", "\"v0\""), range]), 412);
    assert_eq!(status(&[("If-None-Match", "\"v1\"")]), 304);
    let (partial, body) = get(&[range]);
    assert_eq!(partial.status(), 206);
    assert_eq!(
        partial.field("content-range"),
        Some("bytes 5000000000-5000099999/10737418240")
    );
    object.pattern().assert_is(5_000_000_000, &body.whole());
    let (suffix, body) = get(&[("If-Match", "\"v1\""), ("Range", "bytes=-5")]);
    assert_eq!(suffix.status(), 206);
    object.pattern().assert_is((10 << 30) - 5, &body.whole());
    let head = ask("/video", &[]).method("HEAD");
    let mut viewer = Viewer::plain(origin.address(), None);
    let head = viewer.ask(&head);
    assert_eq!(head.field("Content-Length"), Some("10737418240"));
    let before = object.pattern();
    let after = object.change_to("\"v2\"");
    assert_eq!(status(&[("If-Match", "\"v1\""), range]), 412);
    assert!((0..100).all(|offset| before.byte_at(offset) != after.byte_at(offset)));
    origin.wait_until_sent(100_000 + 5);
    assert_eq!(origin.sent_size_bytes(), 100_000 + 5);
}

#[test]
fn bodies_of_viewers_arrive_whole() {
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(201, &[], ""));
    let mut viewer = Viewer::plain(origin.address(), None);
    let mut put = ask("/up", &[]).method("PUT");
    put.body = b"with a length".to_vec();
    assert_eq!(viewer.ask(&put).status(), 201);
    viewer.send(b"PUT /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nin\r\n7\r\n chunks\r\n0\r\n\r\n");
    assert_eq!(viewer.answer("PUT").unwrap().status(), 201);
    let bodies: Vec<Vec<u8>> = origin.asks().into_iter().map(|ask| ask.body).collect();
    assert_eq!(bodies, [b"with a length".to_vec(), b"in chunks".to_vec()]);
    assert_eq!(origin.connections(), 1);
}

/// Properties that `peers_origins` relies on, without an edge.
#[test]
fn nginx_starts_and_serves_both_ways() {
    let nginx = Nginx::start();
    nginx.put("a.txt", b"a file");
    nginx.put_chunked("b.txt", b"inflated");
    nginx.put(
        "page/c.txt",
        b"<!--# echo var=\"none\" default=\"made\" -->",
    );
    let get = |path: &str| {
        let mut viewer = Viewer::plain(nginx.address(), None);
        viewer.send(&ask(path, &[]).bytes());
        viewer.framed_answer()
    };
    let (file, body) = get("/a.txt");
    assert_eq!((file.status(), body.whole()), (200, b"a file".to_vec()));
    assert!(file.field("ETag").is_some());
    let (chunked, body) = get("/chunked/b.txt");
    assert_eq!(chunked.field("Transfer-Encoding"), Some("chunked"));
    assert_eq!(body.whole(), b"inflated");
    let (page, body) = get("/page/c.txt");
    assert_eq!((page.field("ETag"), body.whole()), (None, b"made".to_vec()));
    let mut put = ask("/new/d.txt", &[]).method("PUT");
    put.body = b"stored".to_vec();
    let mut viewer = Viewer::plain(nginx.address(), None);
    assert_eq!(viewer.ask(&put).status(), 201);
    assert_eq!(std::fs::read(nginx.file("new/d.txt")).unwrap(), b"stored");
}

#[test]
fn a_bucket_is_made_and_refuses_strangers() {
    let Some(bucket) = Bucket::create("itself") else {
        return;
    };
    bucket.put("a//b", "odd");
    let gateway = bucket.endpoint().trim_start_matches("http://");
    let mut viewer = Viewer::plain(gateway.parse().unwrap(), None);
    // The gateway takes an unknown host for a bucket.
    let odd = format!("{}/{}/a//b", bucket.endpoint(), bucket.name());
    viewer.send(&Ask::get(odd).bytes());
    assert_eq!(viewer.framed_answer().0.status(), 403);
}
