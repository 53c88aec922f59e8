//! Test mode: a path under every listener by which a test sets the edge's clock.
//!
//! It exists only when the configuration names it, which is refused for listeners beyond loopback, and only for those
//! who know the secret that the operator was told: a proxy on the same machine may forward anybody to a loopback
//! address.

use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::request_body::RequestBody;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body;
use privet_distribution::logging::{DetailedResult, ResultType};
use privet_distribution::response::{Page, PageAuthor};
use privet_sign::Timestamp;
use std::pin::Pin;
use std::sync::Arc;

/// Path of the clock: `PUT` an epoch, `+SECONDS` or `real`; `GET` returns the edge's time.
const PATH: &str = "/.privet-test/clock";
const BODY_SIZE_BYTES_MAX: usize = 64;

static X_PRIVET_TEST_SECRET: HeaderName = HeaderName::from_static("x-privet-test-secret");
static X_PRIVET_TEST_CLOCK: HeaderName = HeaderName::from_static("x-privet-test-clock");

/// Returns the response to a request for the clock; `None` for every other request and without test mode.
pub(crate) async fn answer(
    received: &Received,
    body: &mut RequestBody,
    shared: &WorkerContext,
) -> Option<Answer> {
    let is_asked = received.state.snapshot.node.test_clock && received.parts.uri.path() == PATH;
    if !is_asked || !knows_secret(&received.parts.headers, &shared.edge.test_secret) {
        return None;
    }
    let result = match received.parts.method {
        Method::GET => Ok(()),
        Method::PUT => match Box::pin(read_text(body)).await {
            Some(text) => set(shared, text.trim()),
            None => Err("send the time in the body: an epoch, +SECONDS or real\n"),
        },
        _ => Err("GET tells the time, PUT sets it\n"),
    };
    let (status, text) = match result {
        Ok(()) => (
            StatusCode::OK,
            format!("{}\n", shared.edge.clock.now().as_secs()),
        ),
        Err(reason) => (StatusCode::BAD_REQUEST, reason.to_owned()),
    };
    Some(Answer::page(Page {
        status,
        content_type: "text/plain",
        body: text.into_bytes(),
        location: None,
        cache_control: None,
        retry_after_secs: None,
        result: ResultType::Error,
        detail: DetailedResult::Plain(ResultType::Error),
        close: false,
        logged: false,
        author: PageAuthor::Edge,
    }))
}

/// Checks the secret. Without it the path is one like any other.
fn knows_secret(headers: &HeaderMap, secret: &str) -> bool {
    let presented = headers.get(&X_PRIVET_TEST_SECRET);
    presented.is_some_and(|presented| {
        if secret.is_empty() {
            return false;
        }
        // Takes the same time wherever the two differ.
        let compared = verify_slices_are_equal(presented.as_bytes(), secret.as_bytes());
        compared.is_ok()
    })
}

/// Returns the secret that a program has to send to set the clock: 32 hexadecimal digits, for as long as the edge runs.
///
/// Empty, which matches nothing, if the operating system has no randomness to give.
pub(crate) fn random_secret() -> Arc<str> {
    let mut bytes = [0; 16];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into(),
        Err(_) => "".into(),
    }
}

/// Shows on every response that the clock may not be the real one.
pub(crate) fn mark(headers: &mut HeaderMap, shared: &WorkerContext, received: &Received) {
    if received.state.snapshot.node.test_clock {
        let now = HeaderValue::from(shared.edge.clock.now().as_secs());
        headers.insert(&X_PRIVET_TEST_CLOCK, now);
    }
}

fn set(shared: &WorkerContext, text: &str) -> Result<(), &'static str> {
    let clock = &shared.edge.clock;
    if text == "real" {
        clock.release();
        return Ok(());
    }
    let (digits, base) = match text.strip_prefix('+') {
        Some(digits) => (digits, clock.now().as_secs()),
        None => (text, 0),
    };
    let secs: u64 = digits
        .parse()
        .map_err(|_| "not a time: send an epoch in seconds, +SECONDS or real\n")?;
    clock.set(Timestamp::from_secs(base.saturating_add(secs)));
    Ok(())
}

async fn read_text(body: &mut RequestBody) -> Option<String> {
    let mut text = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
    {
        let data: Bytes = frame.ok()?.into_data().ok()?;
        text.extend_from_slice(&data);
        if text.len() > BODY_SIZE_BYTES_MAX {
            return None;
        }
    }
    String::from_utf8(text).ok()
}
