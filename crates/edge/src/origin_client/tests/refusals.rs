//! Buckets that refuse the edge itself, and those that refuse an object.

use super::scripted_origin::{Act, ScriptedOrigin};
use super::signatures::s3_origin;
use super::{call, client, get, http_origin, read, run, run_paused};
use crate::origin_client::OriginFaultKind;
use http::Method;
use privet_distribution::config::{Origin, OriginSource, SigningBehavior};
use privet_distribution::request::BucketRefusal;

/// Returns a response with this body, whose length it states.
fn error(status: u16, body: &str) -> &'static [Act] {
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Vec::leak(vec![Act::Send(String::leak(head + body))])
}

fn coded(status: u16, code: &str) -> &'static [Act] {
    error(status, &format!("<Error><Code>{code}</Code></Error>"))
}

/// Checks the outcome of one GET.
async fn check(
    origin: impl Fn(u16) -> Origin,
    acts: &'static [Act],
    expected: Result<&str, OriginFaultKind>,
) {
    let scripted = ScriptedOrigin::start(&[acts]).await;
    let sent = client().send(&origin(scripted.port), get("/a")).await;
    match (sent, expected) {
        (Err(fault), Err(kind)) => assert_eq!(fault.kind, kind),
        (Ok(response), Ok(text)) => assert_eq!(read(response).await.unwrap(), text),
        (sent, expected) => panic!("{sent:?} and not {expected:?}"),
    }
}

#[test]
fn an_error_about_the_edge_is_a_fault() {
    run(async {
        let refused = |refusal| Err(OriginFaultKind::Refused(refusal));
        check(
            s3_origin,
            coded(403, "SignatureDoesNotMatch"),
            refused(BucketRefusal::Keys),
        )
        .await;
        check(
            s3_origin,
            coded(400, "ExpiredToken"),
            refused(BucketRefusal::Token),
        )
        .await;
        check(
            s3_origin,
            coded(307, "TemporaryRedirect"),
            refused(BucketRefusal::Region),
        )
        .await;
        check(
            s3_origin,
            error(403, ""),
            refused(BucketRefusal::Unexplained),
        )
        .await;
        // Nobody may read the canonical request, the key's id and the token, whatever the code says.
        let disclosing = "<Error><Code>InvalidRequest</Code><A>AKIAIOSFODNN7EXAMPLE</A></Error>";
        check(
            s3_origin,
            error(400, disclosing),
            refused(BucketRefusal::Unexplained),
        )
        .await;
        let token =
            "<Error><Code>AccessDenied</Code><T>x-amz-security-token:a-session-token</T></Error>";
        check(
            s3_origin,
            error(403, token),
            refused(BucketRefusal::Unexplained),
        )
        .await;
        // A text longer than any error of S3's is none of them.
        let long = format!("<Error><Code>AccessDenied</Code>{}", "a".repeat(20_000));
        check(
            s3_origin,
            error(403, &long),
            refused(BucketRefusal::Unexplained),
        )
        .await;
    });
}

#[test]
fn an_error_about_the_object_is_passed_on() {
    run(async {
        const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let denied = format!(
            "{START}<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        );
        check(s3_origin, coded(403, "AccessDenied"), Ok(&denied)).await;
        let odd = format!("{START}<Error><Code>OddError</Code></Error>");
        check(s3_origin, coded(418, "OddError"), Ok(&odd)).await;
        // The text, and not the code, says who may not do what, and with which key.
        let arn = "arn:aws:sts::123456789012:assumed-role/EdgeRole/i-0abc";
        for (status, code) in [
            (403, "AccessDenied"),
            (404, "NoSuchKey"),
            (405, "MethodNotAllowed"),
            (412, "PreconditionFailed"),
            (416, "InvalidRange"),
            (429, "TooManyRequests"),
            (500, "InternalError"),
            (503, "SlowDown"),
        ] {
            let body = format!(
                "<Error><Code>{code}</Code><Message>User: {arn} is not authorized</Message></Error>"
            );
            let scripted = ScriptedOrigin::start(&[error(status, &body)]).await;
            let origin = s3_origin(scripted.port);
            let response = client().send(&origin, get("/a")).await.unwrap();
            assert_eq!(response.headers["content-type"], "application/xml");
            let text = read(response).await.unwrap();
            assert!(text.contains(code) && !text.contains("arn:"), "{text}");
        }
        for status in [400, 403, 405, 500, 503] {
            let refused = Err(OriginFaultKind::Refused(BucketRefusal::Unexplained));
            check(s3_origin, error(status, &format!("<p>{arn}</p>")), refused).await;
        }
        // A body longer than the inspected part arrives whole.
        let long = format!("<p>{}</p>", "a".repeat(50_000));
        check(s3_origin, error(404, &long), Ok(&long)).await;
        let chunked = Act::Send(
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnone\r\n5\r\n here\r\n0\r\n\r\n",
        );
        check(s3_origin, Vec::leak(vec![chunked]), Ok("none here")).await;
    });
}

#[test]
fn only_buckets_that_the_edge_signs_for_are_judged() {
    run(async {
        let wrong = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
        check(http_origin, coded(403, "SignatureDoesNotMatch"), Ok(wrong)).await;
        let unsigned = |port| {
            let mut origin = s3_origin(port);
            if let OriginSource::S3(s3) = &mut origin.source {
                s3.signing = SigningBehavior::Never;
            }
            origin
        };
        check(unsigned, coded(403, "SignatureDoesNotMatch"), Ok(wrong)).await;
        let elsewhere = Err(OriginFaultKind::Refused(BucketRefusal::Region));
        check(unsigned, coded(301, "PermanentRedirect"), elsewhere).await;
    });
}

/// An error is waited for no longer than a response.
#[test]
fn an_error_that_does_not_end_is_a_timeout() {
    run_paused(async {
        const HANGS: Act = Act::SendAndHang("HTTP/1.1 403 F\r\nContent-Length: 100\r\n\r\n<Err");
        check(s3_origin, &[HANGS], Err(OriginFaultKind::ResponseTimeout)).await;
        const SLOW: Act = Act::SendSlowly(
            20,
            &[
                "HTTP/1.1 403 F\r\nContent-Length: 100\r\n\r\n<",
                "E",
                "r",
                "r",
                "o",
                "r",
            ],
        );
        check(s3_origin, &[SLOW], Err(OriginFaultKind::ResponseTimeout)).await;
    });
}

/// A HEAD's 403 has no body: a GET of one byte explains it.
#[test]
fn a_head_is_told_by_a_get() {
    const FORBIDDEN: Act = Act::Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n");
    async fn head(second: &'static [Act]) -> (Result<u16, OriginFaultKind>, Vec<String>) {
        let scripted = ScriptedOrigin::start(&[Vec::leak(vec![FORBIDDEN, second[0]])]).await;
        let origin = s3_origin(scripted.port);
        let sent = client().send(&origin, call(Method::HEAD, "/a")).await;
        let told = sent.map(|response| response.status.as_u16());
        (told.map_err(|fault| fault.kind), scripted.requests())
    }
    run(async {
        let (told, requests) = head(coded(403, "RequestTimeTooSkewed")).await;
        assert_eq!(told, Err(OriginFaultKind::Refused(BucketRefusal::Clock)));
        assert!(requests[1].starts_with("GET /videos/a "), "{requests:?}");
        assert!(
            requests[1]
                .to_ascii_lowercase()
                .contains("range: bytes=0-0\r\n")
        );
        let (told, requests) = head(coded(403, "AccessDenied")).await;
        assert_eq!((told, requests.len()), (Ok(403), 2));
    });
}

#[test]
fn headers_of_an_error_do_not_tell_who_the_edge_is() {
    run(async {
        let act = Act::Send(
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-Amz-Bucket-Region: eu-west-3\r\n\
             X-Debug: AKIAIOSFODNN7EXAMPLE\r\nX-Who: arn:aws:iam::1:user/edge\r\nX-Amz-Request-Id: 1\r\n\r\n",
        );
        let scripted = ScriptedOrigin::start(&[Vec::leak(vec![act])]).await;
        let sent = client().send(&s3_origin(scripted.port), get("/a")).await;
        let mut names: Vec<String> = sent
            .unwrap()
            .headers
            .keys()
            .map(|name| name.to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["content-length", "x-amz-request-id"]);
    });
}
