//! Custom error responses: another page, and perhaps another status, in place of an error.

use super::object::ObjectRequest;
use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::{Received, Record};
use crate::redeem::{Presented, Purpose, Redemption};
use http::{HeaderMap, Method, StatusCode};
use privet_distribution::config::CustomErrorResponse;
use privet_distribution::logging::ResultType;
use privet_distribution::request::{Denial, ViewerRequest, authorize_error_page, route};

/// Returns the page configured for the response's status, or the response itself: if there is no page, and also if it
/// cannot be fetched (developer guide, "Generate custom error responses").
pub(super) async fn in_place_of(
    answer: Answer,
    received: &Received,
    record: &Record,
    context: &WorkerContext,
) -> Answer {
    let Some(distribution) = &record.distribution else {
        return answer;
    };
    let full = answer.outcome.result == Some(ResultType::CapacityExceeded);
    let Some(custom) = distribution.custom_error(answer.status).filter(|_| !full) else {
        return answer;
    };
    let Some(page) = &custom.page else {
        return answer;
    };
    match Box::pin(fetched(custom, &page.path, received, context)).await {
        Some(mut replacement) if replacement.status == StatusCode::OK => {
            replacement.status = page.status;
            replacement.close = answer.close;
            replacement.outcome.status = page.status.as_u16();
            replacement.outcome.result = Some(ResultType::Error);
            replacement.outcome.detail = answer.outcome.detail;
            replacement.outcome.refusal = answer.outcome.refusal;
            replacement
        }
        Some(_) | None => answer,
    }
}

/// Fetches the page by the behavior of its own path, without conditions and ranges.
async fn fetched(
    custom: &CustomErrorResponse,
    path: &str,
    received: &Received,
    context: &WorkerContext,
) -> Option<Answer> {
    let headers = HeaderMap::new();
    let method = if received.parts.method == Method::HEAD {
        Method::HEAD
    } else {
        Method::GET
    };
    let request = ViewerRequest {
        method: &method,
        path,
        query: None,
        headers: &headers,
        has_body: false,
        ..received.viewer_request()
    };
    let state = &received.state;
    let routed = route(&state.snapshot, &request).ok()?;
    let authorized = authorize_error_page(routed, custom, &request)?;
    let presented = Presented {
        purpose: Purpose::Request,
        request: &request,
        paths: &[path],
        pressed: None,
        settings: &state.snapshot.node.links,
        now: received.now,
        clock: &context.edge.clock,
    };
    // A page is open to everybody, so that there is nothing to confirm.
    let Redemption::Redeemed(redeemed) = context.links.redeem(authorized, &presented).await.ok()?
    else {
        return None;
    };
    let page = ObjectRequest {
        authorized: &redeemed,
        request,
        country: received.country(),
        received,
        context,
    };
    let found: Result<Answer, Denial> = match state.folder(&redeemed).ok()? {
        Some(folder) => page.read_folder(folder).await,
        None => page.read().await,
    };
    found.ok()
}
