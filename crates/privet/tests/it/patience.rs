//! Viewers that read nothing or little, and the edge's limits for them.

use crate::support::*;
use socket2::{Domain, Socket, Type};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The window is 0, and a PING arrives five times per second.
#[test]
fn an_http2_viewer_that_takes_nothing_is_let_go() {
    let edge = TestEdge::configured(&fixture_with_limits(r#"write_timeout = "1s""#));
    let url = format!("https://{HOST}/not-signed");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut builder = http2_builder();
        builder
            .initial_stream_window_size(0)
            .keep_alive_interval(Duration::from_millis(200));
        let (mut sender, connection) = connect_http2(edge.https(), &builder).await;
        let connection = tokio::spawn(connection);
        let request = http::Request::get(url).body(String::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 403);
        let ended = tokio::time::timeout(PATIENCE, connection).await;
        assert!(ended.is_ok(), "the connection is still there");
        drop(answer);
    });
}

/// Opens a connection with small system buffers at both ends, so that the edge sees how much the viewer reads.
fn narrow(edge: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(edge), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    // The sender's buffer is a multiple of the segment size.
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&edge.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits for `time`, by reading from a connection on which nothing arrives.
fn rest(time: Duration) {
    let (mut silent, _other) = UnixStream::pair().unwrap();
    silent.set_read_timeout(Some(time)).unwrap();
    assert!(silent.read(&mut [0]).is_err());
}

/// Returns true if a viewer that steadily reads about 100 KB per second has its response cut short within some seconds.
fn is_cut_short(edge: &TestEdge, mut viewer: Viewer, name: &str) -> bool {
    viewer.send(&Ask::get(format!("http://{HOST}/public/{name}")).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(8) {
        // Data that the system has buffered still arrives after the edge has closed.
        let was_left = edge.live.text().contains(name);
        if was_left || viewer.take(2_000).len() < 2_000 {
            return true;
        }
        rest(Duration::from_millis(5));
    }
    false
}

/// N1: a viewer that read a piece in each `write_timeout` used to be served forever.
#[test]
fn a_viewer_that_takes_too_little_is_let_go() {
    let config = "write_timeout = \"3s\"\nwrite_rate_min = \"1 MiB\"";
    let edge = &TestEdge::configured(&fixture_with_limits(config));
    std::thread::scope(|scope| {
        for name in ["plain.bin", "tls.bin"] {
            edge.put(&format!("public/{name}"), &[7; 30_000_000]);
            scope.spawn(move || {
                let viewer = if name.starts_with("tls") {
                    Viewer::encrypted(narrow(edge.https()))
                } else {
                    Viewer::over(narrow(edge.http()))
                };
                assert!(is_cut_short(edge, viewer, name), "{name}");
            });
        }
    });
}

/// The last piece of a file is in the connection's buffer when its body is over.
#[test]
fn a_slow_viewer_gets_the_end_of_an_answer_too() {
    let edge = TestEdge::configured(&fixture_with_limits("idle_timeout = \"1s\""));
    edge.put("public/a.bin", &[7; 500_000]);
    let url = format!("http://{HOST}/public/a.bin");
    for mut viewer in [
        Viewer::over(narrow(edge.http())),
        Viewer::encrypted(narrow(edge.https())),
    ] {
        viewer.send(&Ask::get(&url).bytes());
        assert_eq!(viewer.head().unwrap().status(), 200);
        for _ in 0..250 {
            assert_eq!(viewer.take(2_000).len(), 2_000);
            rest(Duration::from_millis(20));
        }
    }
    let records = edge.live.wait_for(2);
    let mut results = records.iter().map(|record| &record["x-edge-result-type"]);
    assert!(results.all(|result| result != "Error"), "{records:?}");
}
