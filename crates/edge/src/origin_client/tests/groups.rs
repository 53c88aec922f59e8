//! Origin groups, and buckets that are asked whether they are private.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::signatures::s3_origin;
use super::{call, client, http_origin, run};
use crate::origin_client::{OriginFault, OriginFaultKind, Privacy};
use http::{Method, StatusCode};
use privet_distribution::{Origin, OriginChoice, OriginFailover};
use std::sync::Arc;

const FAILED: Act = Act::Send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno");
const MISSING: Act = Act::Send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
const CLOSES: &[&[Act]] = &[&[Act::Close], &[Act::Close], &[Act::Close]];

/// Who answers with which status when the primary does `primary` and 500 and 502 fail over.
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

async fn check_privacy(acts: &'static [Act], expected: Privacy) {
    let scripts: Vec<&'static [Act]> = acts.iter().map(std::slice::from_ref).collect();
    let scripted = ScriptedOrigin::start(&scripts).await;
    let origin = s3_origin(scripted.port);
    let privacy = client().probe_privacy(&origin, Some("/known")).await;
    assert_eq!(privacy, expected, "{acts:?}");
    for request in scripted.requests() {
        assert!(!request.to_ascii_lowercase().contains("authorization"));
    }
}

#[test]
fn a_bucket_is_private_when_it_refuses_everything() {
    const REFUSED: Act = Act::Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    const NO_KEY: Act = Act::Send(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 36\r\n\r\n<Error><Code>NoSuchKey</Code></Error>",
    );
    const ERROR: Act = Act::Send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    run(async {
        let ok = Privacy::Public {
            status: StatusCode::OK,
        };
        let not_found = StatusCode::NOT_FOUND;
        check_privacy(&[OK], ok).await;
        check_privacy(&[REFUSED, REFUSED, OK], ok).await;
        check_privacy(&[ERROR, REFUSED, OK], ok).await;
        check_privacy(&[REFUSED, NO_KEY], Privacy::Public { status: not_found }).await;
        check_privacy(
            &[REFUSED, MISSING, REFUSED],
            Privacy::Unclear { status: not_found },
        )
        .await;
        let closed = OriginFault::from(OriginFaultKind::Closed);
        check_privacy(&[Act::Close], Privacy::Unreachable(closed)).await;
        check_privacy(&[REFUSED, REFUSED, REFUSED], Privacy::Private).await;
    });
}
