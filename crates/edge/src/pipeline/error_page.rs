//! Custom error responses: another page, and perhaps another status, in place of an error.

use super::Wanted;
use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::origin::FolderOrigin;
use crate::worker::WorkerShared;
use http::{HeaderMap, Method, StatusCode};
use privet_distribution::{
    CustomErrorResponse, Denial, ResultType, ViewerRequest, authorize_error_page, custom_error,
    route,
};
use std::sync::Arc;

/// The page configured for the answer's status, or the answer itself: when there is none, and when the page cannot be
/// had either (developer guide, "Generate custom error responses").
pub(super) async fn in_place_of(
    answer: Answer,
    exchange: &mut Exchange,
    shared: &WorkerShared,
) -> Answer {
    let Some(distribution) = exchange.distribution.clone() else {
        return answer;
    };
    let full = answer.outcome.result == Some(ResultType::CapacityExceeded);
    let Some(custom) = custom_error(&distribution, answer.status).filter(|_| !full) else {
        return answer;
    };
    let Some(page) = &custom.page else {
        return answer;
    };
    match Box::pin(fetched(custom, &page.path, exchange, shared)).await {
        Some(mut replacement) if replacement.status == StatusCode::OK => {
            replacement.status = page.status;
            replacement.x_cache = "Error from cloudfront";
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

/// The page by the behavior of its own path, without conditions and ranges.
async fn fetched(
    custom: &CustomErrorResponse,
    path: &str,
    exchange: &Exchange,
    shared: &WorkerShared,
) -> Option<Answer> {
    let state = Arc::clone(&exchange.state);
    let headers = HeaderMap::new();
    let method = if exchange.parts.method == Method::HEAD {
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
        ..exchange.viewer_request()
    };
    let routed = route(&state.snapshot, &request).ok()?;
    let authorized = authorize_error_page(routed, custom, &request)?;
    let wanted = Wanted {
        authorized: &authorized,
        request,
        country: state.country(exchange.viewer),
        sends_files: exchange.connection.sends_files,
    };
    let folder: Option<&FolderOrigin> = state.folder(&authorized);
    let found: Result<Answer, Denial> = match folder {
        Some(folder) => wanted.read_folder(folder, exchange, shared).await,
        None => wanted.read(exchange, shared).await,
    };
    found.ok()
}
