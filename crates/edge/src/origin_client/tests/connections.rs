//! Choice of the connection for a request.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::{call, client, get, http_origin, read, run, run_paused};
use crate::origin_client::pool::Destination;
use crate::origin_client::{OriginCall, OriginFaultKind, OriginRequestBody};
use http::Method;
use privet_distribution::config::{AddressFamilies, HttpServer};
use std::rc::Rc;
use std::time::Duration;

#[test]
fn an_idle_connection_serves_again() {
    run(async {
        let scripted = ScriptedOrigin::start(&[&[OK, OK, OK]]).await;
        let client = client();
        for _ in 0..3 {
            let response = client.send(&http_origin(scripted.port), get("/")).await;
            assert_eq!(read(response.unwrap()).await.unwrap(), "ok");
        }
        assert_eq!(scripted.connections(), 1);
    });
}

/// D: an origin that leaves a body unread takes it for the next request, so its response to that would be taken for the
/// response to whoever comes next.
#[test]
fn d_a_connection_that_carried_a_body_serves_nobody_else() {
    run(async {
        let poisoned = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::GET] {
            let script: &'static [Act] = vec![OK, poisoned, poisoned].leak();
            let scripted = ScriptedOrigin::start(&[script, &[OK, OK]]).await;
            let client = client();
            let origin = http_origin(scripted.port);
            let mut with_body = call(method, "/upload");
            let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
            with_body.body = OriginRequestBody::Memory(smuggled.into());
            let first = client.send(&origin, with_body).await.unwrap();
            assert_eq!(read(first).await.unwrap(), "ok");
            for _ in 0..2 {
                let next = client.send(&origin, get("/next")).await.unwrap();
                assert_eq!(read(next).await.unwrap(), "ok");
            }
            assert_eq!(scripted.connections(), 2);
        }
    });
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    run_paused(async {
        let scripted = ScriptedOrigin::start(&[&[OK, OK], &[OK]]).await;
        let client = client();
        let origin = http_origin(scripted.port);
        read(client.send(&origin, get("/")).await.unwrap())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        read(client.send(&origin, get("/")).await.unwrap())
            .await
            .unwrap();
        assert_eq!(scripted.connections(), 1);
        tokio::time::sleep(Duration::from_secs(6)).await;
        read(client.send(&origin, get("/")).await.unwrap())
            .await
            .unwrap();
        assert_eq!(scripted.connections(), 2);
    });
}

/// Checks a second request, whose connection the origin closes instead of responding.
async fn check_stale(method: Method, expected: Result<&str, OriginFaultKind>) {
    let scripted = ScriptedOrigin::start(&[&[OK, Act::Close], &[OK]]).await;
    let client = client();
    let mut origin = http_origin(scripted.port);
    // The stale connection does not count as an attempt.
    origin.patience.connection_attempts = 1;
    read(client.send(&origin, get("/")).await.unwrap())
        .await
        .unwrap();
    let second = match client.send(&origin, call(method, "/")).await {
        Ok(response) => read(response).await,
        Err(fault) => Err(fault),
    };
    let second = second.map_err(|fault| fault.kind);
    assert_eq!(second.as_deref(), expected.as_ref().map(|text| *text));
}

#[test]
fn a_stale_connection_is_replaced() {
    run(async {
        check_stale(Method::POST, Err(OriginFaultKind::Closed)).await;
        check_stale(Method::GET, Ok("ok")).await;
    });
}

#[test]
fn a_body_need_not_be_asked_for_its_end() {
    run(async {
        let nothing = Act::Send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
        let script: &'static [Act] = vec![nothing, OK, OK].leak();
        let scripted = ScriptedOrigin::start(&[script]).await;
        let client = client();
        let origin = http_origin(scripted.port);
        drop(client.send(&origin, get("/")).await.unwrap());
        let mut response = client.send(&origin, get("/")).await.unwrap();
        assert_eq!(response.body.next().await.unwrap().unwrap(), "ok");
        drop(response);
        read(client.send(&origin, get("/")).await.unwrap())
            .await
            .unwrap();
        assert_eq!(scripted.connections(), 1);
    });
}

#[test]
fn an_unfinished_body_closes_its_connection() {
    run(async {
        let long = Act::SendAndHang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
        let script: &'static [Act] = vec![long].leak();
        let scripted = ScriptedOrigin::start(&[script, &[OK]]).await;
        let client = client();
        let mut origin = http_origin(scripted.port);
        origin.patience.connections_max = 1;
        drop(client.send(&origin, get("/")).await.unwrap());
        read(client.send(&origin, get("/")).await.unwrap())
            .await
            .unwrap();
        assert_eq!(scripted.connections(), 2);
        assert_eq!(scripted.closed_by_client(), 1);
    });
}

#[test]
fn callers_beyond_the_limit_wait_in_order() {
    run_paused(async {
        let scripted = ScriptedOrigin::start(&[&[OK, OK, OK]]).await;
        let client = client();
        let mut origin = http_origin(scripted.port);
        origin.patience.connections_max = 1;
        let first = client.send(&origin, get("/0")).await.unwrap();
        // Nobody reads the first body, so nobody else is served.
        let fault = client.send(&origin, get("/late")).await.unwrap_err();
        assert_eq!(fault.kind, OriginFaultKind::Capacity);
        let waiting: Vec<_> = ["/1", "/2"]
            .into_iter()
            .map(|target| {
                let (client, origin) = (Rc::clone(&client), origin.clone());
                tokio::task::spawn_local(async move {
                    read(client.send(&origin, get(target)).await.unwrap())
                        .await
                        .unwrap()
                })
            })
            .collect();
        tokio::task::yield_now().await;
        read(first).await.unwrap();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), "ok");
        }
        let targets: Vec<String> = scripted
            .requests()
            .iter()
            .map(|request| request.split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(targets, ["/0", "/1", "/2"]);
        assert_eq!(scripted.connections(), 1);
    });
}

#[test]
fn one_address_leaves_connections_for_others() {
    run_paused(async {
        let hangs: &'static [Act] = vec![Act::SendAndHang(UNFINISHED)].leak();
        let scripted = ScriptedOrigin::start(&[hangs; 5]).await;
        let client = client();
        let mut origin = http_origin(scripted.port);
        origin.patience.connections_max = 4;
        let ask = |viewer: &str| OriginCall {
            viewer: Some(viewer.parse().unwrap()),
            ..get("/")
        };
        let mut held = Vec::new();
        for viewer in ["2001:db8::1", "2001:db8::1", "2001:db8::2"] {
            held.push(client.send(&origin, ask(viewer)).await.unwrap());
        }
        let fault = client.send(&origin, ask("2001:db8::3")).await.unwrap_err();
        assert_eq!(fault.kind, OriginFaultKind::Capacity);
        held.push(client.send(&origin, ask("192.0.2.1")).await.unwrap());
        // A viewer that is gone leaves its slot to the next one of its address.
        held.remove(0);
        held.push(client.send(&origin, ask("2001:db8::3")).await.unwrap());
        drop(held);
        assert_eq!(scripted.connections(), 5);
    });
}

#[test]
fn a_connection_that_waits_counts_for_no_address() {
    run_paused(async {
        let scripted = ScriptedOrigin::start(&[&[OK, OK, OK]]).await;
        let client = client();
        let mut origin = http_origin(scripted.port);
        origin.patience.connections_max = 1;
        for viewer in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            let call = OriginCall {
                viewer: Some(viewer.parse().unwrap()),
                ..get("/")
            };
            read(client.send(&origin, call).await.unwrap())
                .await
                .unwrap();
        }
        assert_eq!(scripted.connections(), 1);
    });
}

#[test]
fn those_who_stop_waiting_take_no_place() {
    run_paused(async {
        let scripted = ScriptedOrigin::start(&[
            &[Act::SendAndHang(UNFINISHED)],
            &[Act::SendAndHang(UNFINISHED)],
        ])
        .await;
        let client = client();
        let mut origin = http_origin(scripted.port);
        origin.patience.connections_max = 1;
        for _ in 0..2 {
            let held = client.send(&origin, get("/")).await.unwrap();
            let waiting = (0..3).map(|_| {
                let (client, origin) = (Rc::clone(&client), origin.clone());
                tokio::task::spawn_local(async move {
                    client
                        .send(&origin, get("/"))
                        .await
                        .map(|_| ())
                        .unwrap_err()
                        .kind
                })
            });
            for waiting in waiting.collect::<Vec<_>>() {
                assert_eq!(waiting.await.unwrap(), OriginFaultKind::Capacity);
            }
            // The slot goes to none of them.
            drop(held);
        }
        assert_eq!(scripted.connections(), 2);
        let server = HttpServer {
            is_tls: false,
            host: "127.0.0.1".into(),
            port: scripted.port,
        };
        let pool = client.pools.of(&Destination {
            server: &server,
            addresses: AddressFamilies::Any,
            roots_pem: None,
        });
        assert_eq!(pool.taken(), 0);
    });
}

const UNFINISHED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
