//! Decides which changes are sent to a bucket at all. Past this restriction, the edge signs them.

use super::bucket::{buckets, parameter_name, takes_parameter};
use super::is_passed;
use super::query::forwarded_query;
use crate::config::{CacheBehavior, Origin, is_change};
use crate::percent::percent_decoded;
use crate::request::denial::Denial;
use crate::request::viewer_request::ViewerRequest;
use http::{HeaderName, HeaderValue, Method, header};

/// Parameters of every `POST` on a key that S3 has (Amazon S3 API reference: CreateMultipartUpload,
/// CompleteMultipartUpload, RestoreObject, SelectObjectContent). Other gateways take any other `POST` for a form, whose
/// fields name the key.
const OF_POST: [&str; 4] = ["restore", "select", "uploadId", "uploads"];
/// Parameters by which S3 tells one change of a key from another (Amazon S3 API reference, actions on objects). With
/// its parameter lost, `PUT ?acl` would replace the object by its access control list.
const OF_CHANGES: [&str; 13] = [
    "acl",
    "attributes",
    "encryption",
    "legal-hold",
    "partNumber",
    "renameObject",
    "restore",
    "retention",
    "select",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
];
/// First halves of the types of objects; a form's `multipart` is not one of them.
const OBJECT_TYPES: [&str; 9] = [
    "application",
    "audio",
    "binary",
    "chemical",
    "font",
    "image",
    "model",
    "text",
    "video",
];
/// Types, besides `multipart/form-data`, that HTML allows for a form.
const FORM: &str = "application/x-www-form-urlencoded";
const PLAIN_FORM: &str = "text/plain";

/// Checks that the change in a request may be signed for the buckets of its behavior, including the second one of a
/// group.
///
/// # Errors
/// [`Denial::NotSupportedByOrigin`] for `PATCH`, for `POST` without one of its four parameters, which a policy has to
/// list, and for `POST` of a form. [`Denial::BadRequest`] when a forwarded header is not text, or when a parameter that
/// selects the change is not forwarded: the request would be another change.
pub(crate) fn check_bucket(
    behavior: &CacheBehavior,
    request: &ViewerRequest<'_>,
) -> Result<(), Denial> {
    if !is_change(request.method) {
        return Ok(());
    }
    for bucket in buckets(behavior) {
        let is_known = match *request.method {
            Method::PUT | Method::DELETE => true,
            Method::POST => is_known_post(behavior, bucket, request),
            _ => false,
        };
        if !is_known {
            return Err(Denial::NotSupportedByOrigin);
        }
        let query = request.query.unwrap_or_default();
        let mut pieces = query.split('&');
        if pieces.any(|piece| is_lost(behavior, request.method, piece)) {
            return Err(Denial::BadRequest);
        }
        let goes_along = |name: &HeaderName| {
            *name == header::COOKIE || is_passed(behavior, bucket, request, name)
        };
        let mut headers = request.headers.iter();
        if headers.any(|(name, value)| value.to_str().is_err() && goes_along(name)) {
            return Err(Denial::BadRequest);
        }
    }
    Ok(())
}

/// Returns whether a parameter selects the change, but would not reach the bucket.
fn is_lost(behavior: &CacheBehavior, method: &Method, piece: &str) -> bool {
    let name = piece.split('=').next().unwrap_or(piece);
    let name = percent_decoded(name);
    let says_which = OF_CHANGES.iter().any(|known| known.as_bytes() == &*name);
    says_which && !takes_parameter(behavior, method, piece)
}

fn is_known_post(behavior: &CacheBehavior, bucket: &Origin, request: &ViewerRequest<'_>) -> bool {
    let query = request.query.unwrap_or_default();
    let forwarded = forwarded_query(behavior, bucket, request.method, query).unwrap_or_default();
    let mut names = forwarded.split('&').filter_map(parameter_name);
    names.any(|name| OF_POST.contains(&name.as_str())) && !may_be_form(request)
}

/// Returns whether the body, by its type, might be a form. A body of XML often has no type.
fn may_be_form(request: &ViewerRequest<'_>) -> bool {
    let mut types = request.headers.get_all(header::CONTENT_TYPE).into_iter();
    match (types.next(), types.next()) {
        (None, _) => false,
        (Some(one), None) => !is_type_of_objects(one, request.has_body),
        // Readers differ about which of the two counts.
        (Some(_), Some(_)) => true,
    }
}

/// Returns whether this is a type with one reading (RFC 9110 8.3.1) that no form has. The `Content-Type` of a new
/// upload without a body is that of the future object.
fn is_type_of_objects(value: &HeaderValue, has_body: bool) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let text = text.to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or(&text).trim_ascii();
    let Some((kind, subtype)) = essence.split_once('/') else {
        return false;
    };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte);
    OBJECT_TYPES.contains(&kind)
        && !subtype.is_empty()
        && subtype.bytes().all(is_token)
        && essence != FORM
        && !(essence == PLAIN_FORM && has_body)
        && !text.contains("multipart")
        && !text.contains(',')
}
