//! Origin groups.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::{call, client, http_origin, run};
use crate::origin_client::OriginFaultKind;
use http::{Method, StatusCode};
use privet_distribution::config::{Origin, OriginChoice, OriginFailover};
use std::sync::Arc;

const FAILED: Act = Act::Send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno");
const MISSING: Act = Act::Send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
const CLOSES: &[&[Act]] = &[&[Act::Close], &[Act::Close], &[Act::Close]];

/// Checks the origin that responds and its status, when the primary does `primary` and 500 and 502 fail over.
async fn check(
    method: Method,
    primary: &[&'static [Act]],
    expected: Result<(usize, u16), OriginFaultKind>,
) {
    let primary = ScriptedOrigin::start(primary).await;
    let secondary = ScriptedOrigin::start(&[&[OK]]).await;
    let origin = |index, scripted: &ScriptedOrigin, origin_path: &str| {
        Arc::new(Origin {
            index,
            origin_path: origin_path.into(),
            ..http_origin(scripted.port)
        })
    };
    let choice = OriginChoice {
        primary: origin(4, &primary, "/first"),
        failover: Some(OriginFailover {
            secondary: origin(7, &secondary, "/second"),
            statuses: vec![StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY],
        }),
    };
    let answered = client()
        .send_with_failover(&choice, call(method, ""), |origin, call| {
            call.target = format!("{}/a", origin.origin_path);
        })
        .await;
    let helped = if secondary.requests().is_empty() {
        4
    } else {
        7
    };
    let answered = answered
        .map(|response| (helped, response.status.as_u16()))
        .map_err(|fault| fault.kind);
    assert_eq!(answered, expected);
    for (scripted, target) in [(&primary, " /first/a "), (&secondary, " /second/a ")] {
        assert!(
            scripted
                .requests()
                .iter()
                .all(|request| request.contains(target))
        );
    }
}

#[test]
fn the_second_origin_helps_out() {
    run(async {
        check(Method::POST, &[&[FAILED]], Ok((4, 500))).await;
        check(Method::POST, CLOSES, Err(OriginFaultKind::Closed)).await;
        check(Method::GET, &[&[MISSING]], Ok((4, 404))).await;
        check(Method::GET, &[&[OK]], Ok((4, 200))).await;
        check(Method::GET, &[&[FAILED]], Ok((7, 200))).await;
        check(Method::OPTIONS, &[&[FAILED]], Ok((7, 200))).await;
        check(Method::GET, CLOSES, Ok((7, 200))).await;
    });
}
