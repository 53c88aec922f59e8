//! The end of every request: an answer or an error with what all answers have.

use crate::encoding::hex;
use aws_lc_rs::rand;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use s3s::{HttpResponse, S3Error, S3ErrorCode};
use std::error::Error as StdError;
use tokio::sync::OwnedSemaphorePermit;

/// Body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

/// What became of a request.
pub(super) enum Answer {
    /// The router's answer, which may be an error.
    Routed(HttpResponse),
    /// An answer of the endpoint itself.
    Own(Response<Bytes>),
    /// A preflight that is allowed.
    Preflight(HeaderMap),
    Error(S3Error),
    /// An answer with the header fields that let scripts of another site read it.
    ForSite(Box<Answer>, HeaderMap),
}

/// Makes a new id of a request: 16 upper-case hexadecimal digits, as S3 has them.
pub(super) fn request_id() -> String {
    let mut bytes = [0; 8];
    // An id that is not random is a nuisance, not a danger.
    let _ = rand::fill(&mut bytes);
    hex(&bytes).to_ascii_uppercase()
}

/// Finishes an answer. The slot of the request is free when its body has left.
pub(super) fn answer(
    answer: Answer,
    method: &Method,
    request_id: &str,
    permit: OwnedSemaphorePermit,
) -> Response<AnswerBody> {
    let response = match answer {
        Answer::Routed(response) => routed(response, request_id),
        Answer::Own(response) => response.map(full),
        Answer::Preflight(headers) => {
            let mut response = Response::new(full(Bytes::new()));
            *response.headers_mut() = headers;
            response
        }
        Answer::Error(error) => return self::error(error, method, request_id),
        Answer::ForSite(inner, headers) => {
            let mut response = self::answer(*inner, method, request_id, permit);
            response.headers_mut().extend(headers);
            return response;
        }
    };
    let response = with_id(response, request_id);
    response.map(|body| {
        let mut permit = Some(permit);
        let held = body.map_frame(move |frame| {
            let _ = &permit;
            if frame.is_trailers() {
                permit = None;
            }
            frame
        });
        held.boxed_unsync()
    })
}

/// Makes the answer that an error is.
pub(super) fn error(mut error: S3Error, method: &Method, request_id: &str) -> Response<AnswerBody> {
    error.set_request_id(request_id);
    let response = error
        .to_http_response()
        .unwrap_or_else(|_| HttpResponse::new(s3s::Body::empty()));
    let mut response = with_id(routed(response, request_id), request_id);
    if *method == Method::HEAD {
        *response.body_mut() = full(Bytes::new());
    }
    response
}

fn routed(response: HttpResponse, request_id: &str) -> Response<AnswerBody> {
    let (mut parts, mut body) = response.into_parts();
    // The framing of a connection is hyper's.
    parts.headers.remove(TRANSFER_ENCODING);
    let has_no_body =
        parts.status == StatusCode::NOT_MODIFIED || parts.status == StatusCode::NO_CONTENT;
    if has_no_body {
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_TYPE);
        return Response::from_parts(parts, full(Bytes::new()));
    }
    if parts.status.is_client_error() || parts.status.is_server_error() {
        let xml = HeaderValue::from_static("application/xml");
        parts.headers.entry(CONTENT_TYPE).or_insert(xml);
        let body = body
            .take_bytes()
            .map(|text| with_request_id(&text, request_id));
        return Response::from_parts(parts, full(body.unwrap_or_default()));
    }
    Response::from_parts(parts, body.boxed_unsync())
}

/// Puts the id of the request into the XML of an error that the router has made without it.
fn with_request_id(text: &Bytes, request_id: &str) -> Bytes {
    const END: &str = "</Error>";
    match std::str::from_utf8(text) {
        Ok(xml) if xml.ends_with(END) && !xml.contains("<RequestId>") => {
            let inside = &xml[..xml.len() - END.len()];
            format!("{inside}<RequestId>{request_id}</RequestId>{END}").into()
        }
        Ok(_) | Err(_) => text.clone(),
    }
}

fn with_id(mut response: Response<AnswerBody>, request_id: &str) -> Response<AnswerBody> {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}

fn full(bytes: Bytes) -> AnswerBody {
    let body = Full::new(bytes).map_err(|never| match never {});
    body.boxed_unsync()
}

/// Says that the endpoint itself has failed.
pub(super) fn internal() -> S3Error {
    S3Error::new(S3ErrorCode::InternalError)
}
