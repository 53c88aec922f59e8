//! Session tokens in paths, and what of a query a list has to carry on.

use crate::authorize::Authorized;
use crate::request::ViewerRequest;
use privet_sign::{Grant, SessionSecret, SignatureMemory, Timestamp};
use std::borrow::Cow;

/// Cuts `/~TOKEN/rest` into the token and `/rest`; `None` for every other path.
///
/// A path like `/~anna/a.mp4` is an ordinary one.
pub fn split_session(path: &str) -> Option<(&str, &str)> {
    let _ = path;
    None
}

/// Whether a viewer asks for a session: `session=1` is among the parameters.
pub fn wants_session(query: &str) -> bool {
    let _ = query;
    false
}

/// `query` without `session=1`; `None` when nothing is left.
pub fn without_session(query: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(query))
}

/// `query` without signing parameters and `session=1`, as it goes with requests for the object; `None` when nothing is left.
pub fn object_query(query: &str) -> Option<Cow<'_, str>> {
    privet_sign::strip_query(query)
}

/// The token for the path of a request that was authorized by a signature.
///
/// `object_path` is that of the film, for a request by [`crate::authorize_film`]. `None` for an open behavior, for one who has
/// a session already, and for a grant that is too long for a token.
pub fn issue_session(
    authorized: &Authorized<'_>,
    request: &ViewerRequest<'_>,
    object_path: Option<&str>,
    secret: &SessionSecret,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Option<String> {
    let _ = (authorized, request, object_path, secret, now, memory);
    None
}

/// Where a viewer with a new session goes: the token, the path, and the query without signing parameters and `session=1`.
///
/// Safe to put into a header; to be sent with 302 and `Cache-Control: no-store`.
pub fn session_location(request: &ViewerRequest<'_>, token: &str) -> String {
    format!("/~{token}{}", request.path)
}

/// The part of `query` that the URIs of a list have to carry for `grant` to be good for them too, without `?`.
///
/// The signing parameters as received and in their order, if the grant came by them; the viewer's own ones where the
/// grant counts them. Never `session`.
pub fn carried_query(query: &str, grant: &Grant) -> String {
    let _ = grant;
    query.to_owned()
}
