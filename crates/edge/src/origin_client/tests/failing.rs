//! Origins that cannot be reached, or that send no valid response.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::{call, client, get, http_origin, run, run_paused};
use crate::origin_client::OriginFaultKind;
use crate::origin_client::attempt::in_time;
use crate::origin_client::request_body::Turn;
use http::Method;
use privet_distribution::config::AddressFamilies;
use privet_sign::Scheme;
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Checks the fault of a GET whose every attempt meets `act`, and the number of requests that the origin has read.
async fn check(act: &'static [Act], expected: OriginFaultKind, requests: usize) {
    let scripted = ScriptedOrigin::start(&[act, act, act, act]).await;
    let fault = client()
        .send(&http_origin(scripted.port), get("/a"))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, expected);
    assert_eq!(scripted.requests().len(), requests);
}

#[test]
fn only_addresses_of_the_origins_families_are_tried() {
    run(async {
        let scripted = ScriptedOrigin::start(&[&[OK], &[OK]]).await;
        for (addresses, expected) in [
            (AddressFamilies::Ipv6, Err(OriginFaultKind::Dns)),
            (AddressFamilies::Ipv4, Ok(())),
            (AddressFamilies::Any, Ok(())),
        ] {
            let mut origin = http_origin(scripted.port);
            origin.patience.addresses = addresses;
            let response = client().send(&origin, get("/a")).await;
            let response = response.map(drop).map_err(|fault| fault.kind);
            assert_eq!(response, expected, "{addresses:?}");
        }
        assert_eq!(scripted.connections(), 2);
    });
}

#[test]
fn responses_that_are_none_are_faults() {
    run(async {
        check(
            &[Act::Send("SSH-2.0-OpenSSH_9.2\r\n\r\n")],
            OriginFaultKind::InvalidHead,
            1,
        )
        .await;
        check(
            &[Act::Send(
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
            )],
            OriginFaultKind::InvalidHead,
            1,
        )
        .await;
        check(
            &[Act::Send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            )],
            OriginFaultKind::InvalidHead,
            1,
        )
        .await;
        // Closed without a response, or within its head: tried as often as there are connection attempts.
        check(&[Act::Close], OriginFaultKind::Closed, 3).await;
        check(
            &[Act::Send("HTTP/1.1 200 OK\r\nA: b\r\n")],
            OriginFaultKind::Closed,
            3,
        )
        .await;
    });
}

#[test]
fn heads_have_a_limit() {
    fn response(head_size_bytes: usize) -> &'static [Act] {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
        let filling = "x".repeat(head_size_bytes - start.len() - 4);
        let text: &'static str = format!("{start}{filling}\r\n\r\n").leak();
        vec![Act::Send(text)].leak()
    }
    run(async {
        check(response(20_481), OriginFaultKind::HeadTooLarge, 1).await;
        check(response(200_000), OriginFaultKind::HeadTooLarge, 1).await;
        let scripted = ScriptedOrigin::start(&[response(20_480)]).await;
        let response = client().send(&http_origin(scripted.port), get("/")).await;
        assert_eq!(response.unwrap().status, 200);
    });
}

#[test]
fn a_closed_port_is_no_connection() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let fault = client()
            .send(&http_origin(port), get("/"))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, OriginFaultKind::Connect);
    });
}

#[test]
fn a_slow_head_is_waited_for_three_times() {
    run_paused(async {
        let started = Instant::now();
        check(
            &[Act::SendAndHang("HTTP/1.1 200 OK\r\n")],
            OriginFaultKind::ResponseTimeout,
            3,
        )
        .await;
        assert_eq!(started.elapsed().as_secs(), 90);
    });
}

#[test]
fn the_time_of_a_slow_viewer_is_not_the_origins() {
    run_paused(async {
        let limit = Duration::from_secs(30);
        let started = Instant::now();
        let turn = Rc::new(Cell::new(Turn::Viewer));
        let viewer_is_done = Rc::clone(&turn);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            viewer_is_done.set(Turn::Origin(Instant::now()));
        });
        let sent = in_time(std::future::pending::<()>(), &turn, limit).await;
        assert_eq!(sent, None);
        assert_eq!(started.elapsed().as_secs(), 130);
    });
}

#[test]
fn only_get_and_head_are_repeated() {
    run_paused(async {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            for act in [&[Act::Close], &[Act::SendAndHang("")]] {
                let scripted = ScriptedOrigin::start(&[act, act, act]).await;
                let call = call(method.clone(), "/");
                let sent = client().send(&http_origin(scripted.port), call).await;
                assert!(sent.is_err());
                assert_eq!(scripted.requests().len(), 1, "{method}");
            }
        }
    });
}

#[test]
fn certificates_are_verified() {
    fn tls(name: &str) -> (Arc<ServerConfig>, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        (Arc::new(config), made.cert.pem().into_bytes())
    }
    run(async {
        let (config, pem) = tls("127.0.0.1");
        let (other_config, other_pem) = tls("other.example");
        for (config, roots, expected) in [
            (&config, None, Err(OriginFaultKind::Tls)),
            (&config, Some(other_pem.clone()), Err(OriginFaultKind::Tls)),
            (
                &config,
                Some(b"no certificate".to_vec()),
                Err(OriginFaultKind::Tls),
            ),
            (&other_config, Some(other_pem), Err(OriginFaultKind::Tls)),
            (&config, Some(pem), Ok(http::StatusCode::OK)),
        ] {
            let scripted = ScriptedOrigin::start_with(&[&[OK]], Some(Arc::clone(config))).await;
            let mut origin = http_origin(scripted.port);
            origin.patience.trusted_roots_pem = roots;
            let mut call = get("/");
            call.viewer_scheme = Scheme::Https;
            let sent = client().send(&origin, call).await;
            let status = sent.map(|response| response.status);
            assert_eq!(status.map_err(|fault| fault.kind), expected);
        }
    });
}
