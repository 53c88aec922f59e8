//! Probes of buckets for privacy.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::signatures::s3_origin;
use super::{client, run};
use crate::origin_client::{
    KeyCheck, OriginFault, OriginFaultKind, Privacy, PrivacyQuestion, Sight, WritingCheck,
};
use http::StatusCode;

const REFUSED: Act = Act::Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
const MISSING: Act = Act::Send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
const NO_KEY: Act = Act::Send(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 36\r\n\r\n<Error><Code>NoSuchKey</Code></Error>",
);
const ERROR: Act = Act::Send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
const HAS_IT: Act = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");

/// Checks a probe. `acts` has one act per request: that with the edge's own keys first, then those of a stranger.
async fn check(acts: &'static [Act], strangers: Privacy, edge: Sight) {
    let scripts: Vec<&'static [Act]> = acts.iter().map(std::slice::from_ref).collect();
    let scripted = ScriptedOrigin::start(&scripts).await;
    let origin = s3_origin(scripted.port);
    let question = PrivacyQuestion {
        known_target: Some("/known"),
        keys: KeyCheck::KnownObject,
        writing: WritingCheck::Leave,
    };
    let found = client().probe_privacy(&origin, &question).await;
    assert_eq!((found.strangers, found.edge), (strangers, edge), "{acts:?}");
    let requests = scripted.requests();
    let signed = requests
        .iter()
        .filter(|request| request.to_ascii_lowercase().contains("authorization"));
    assert_eq!(signed.count(), 1);
    assert!(
        requests[0].starts_with("HEAD /videos/known "),
        "{requests:?}"
    );
}

#[test]
fn a_bucket_is_private_when_it_refuses_everything() {
    run(async {
        let ok = Privacy::Public {
            status: StatusCode::OK,
        };
        let not_found = StatusCode::NOT_FOUND;
        check(&[HAS_IT, OK], ok, Sight::There).await;
        check(&[HAS_IT, REFUSED, REFUSED, OK], ok, Sight::There).await;
        check(&[HAS_IT, ERROR, REFUSED, OK], ok, Sight::There).await;
        let public = Privacy::Public { status: not_found };
        check(&[HAS_IT, REFUSED, NO_KEY], public, Sight::There).await;
        let unclear = Privacy::Unclear { status: not_found };
        check(&[HAS_IT, REFUSED, MISSING, REFUSED], unclear, Sight::There).await;
        let closed = OriginFault::from(OriginFaultKind::Closed);
        check(
            &[HAS_IT, Act::Close],
            Privacy::Unreachable(closed),
            Sight::There,
        )
        .await;
        let private = Privacy::Private;
        check(&[HAS_IT, REFUSED, REFUSED, REFUSED], private, Sight::There).await;
        let not_there = Sight::NotThere { status: not_found };
        check(&[MISSING, REFUSED, REFUSED, REFUSED], private, not_there).await;
    });
}
