use super::*;
use crate::app::Wire;
use crate::authentication::Peer;
use crate::connections::Standing;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::Instant;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET /` of `www.example.com` as the first stream, in the encoding of RFC 7541, C.3.1.
const REQUEST: &[u8] = b"\0\0\x14\x01\x05\0\0\0\x01\x82\x86\x84\x41\x0fwww.example.com";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0privet-1";

/// Sends bytes, and then some every second; checks how long the connection lasts.
#[track_caller]
fn check(sent: &[u8], every_second: &'static [u8], expected_secs: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let lasted = runtime.block_on(async {
        let (client, server) = duplex(64 * 1024);
        let (mut from, mut to) = tokio::io::split(client);
        to.write_all(sent).await.unwrap();
        tokio::spawn(async move {
            while to.write_all(every_second).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        tokio::spawn(async move {
            let mut answers = Vec::new();
            let _ = from.read_to_end(&mut answers).await;
        });
        let door = Door {
            peer: Peer::Socket,
            wire: Wire::Clear,
            hosts: None,
            standing: Standing::default(),
        };
        let router = Router::new().route("/", get(|| async { "hello" }));
        let began = Instant::now();
        serve(server, router, door).await;
        began.elapsed().as_secs()
    });
    assert!(expected_secs.contains(&lasted), "{sent:?}: {lasted}");
}

#[test]
fn connections_that_ask_nothing_end_early() {
    check(b"", b"", 10..11);
    check(b"P", b"", 10..11);
    check(&PREFACE[..20], b"", 10..11);
    check(b"GET / HTTP/1.1\r\nhost", b"", 5..11);
    check(PREFACE, b"", 10..11);
    check(PREFACE, PING, 10..11);
}

#[test]
fn an_idle_connection_ends_whatever_it_sends() {
    let asked = [PREFACE, REQUEST].concat();
    check(&asked, b"", 20..31);
    check(&asked, PING, 20..31);
    check(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"", 5..6);
}
