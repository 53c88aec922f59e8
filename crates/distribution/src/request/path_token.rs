//! Path tokens, and the part of a query that a playlist has to carry on.

use crate::request::authorize::{Authorized, push_header_safe, verifier};
use crate::request::denial::Denial;
use crate::request::route::Routed;
use crate::request::viewer_request::{PathTokenUrl, ViewerRequest, credentials};
use privet_sign::{
    CredentialSource, Credentials, Grant, PathTokenSecret, QueryUse, Refusal, SignatureMemory,
    Timestamp, ViewerUrl, is_issued_path_token, is_path_token_shaped, is_signing_parameter,
    strip_query,
};
use std::borrow::Cow;

/// Parameter by which a viewer requests a path token. It is Privet's own, so signatures do not cover it.
const PATH_TOKEN_PARAMETER: &str = "path_token=1";

/// Splits `/~TOKEN/rest` into the token and `/rest`; `None` for every other path.
///
/// A path such as `/~anna/a.mp4` is an ordinary one. The tilde may be percent-encoded, as some clients send it.
pub fn split_path_token(path: &str) -> Option<(&str, &str)> {
    let tildes = ["/~", "/%7E", "/%7e"];
    let behind = tildes.iter().find_map(|tilde| path.strip_prefix(tilde))?;
    let (token, rest) = behind.split_at(behind.find('/')?);
    is_path_token_shaped(token).then_some((token, rest))
}

/// Refuses a token that was not issued here, where the behavior is open and checks no grant.
///
/// Otherwise `/~S1…/a` would be another spelling of `/a`, past any filter by path in front of the edge, and anybody
/// could make as many of them as they like.
///
/// # Errors
/// [`Denial::Signature`] with [`Refusal::PathTokenMismatch`].
pub fn check_path_token(routed: &Routed<'_>, request: &ViewerRequest<'_>) -> Result<(), Denial> {
    let Some(PathTokenUrl { token, secret }) = request.path_token else {
        return Ok(());
    };
    // A restricted behavior verifies the permissions of the token as well.
    let is_restricted = routed.trusted_keys().is_some();
    match is_restricted || is_issued_path_token(secret, token, &request.url()) {
        true => Ok(()),
        false => Err(Denial::Signature(Refusal::PathTokenMismatch)),
    }
}

/// Returns whether a viewer requests a path token: `path_token=1` is among the parameters.
pub fn wants_path_token(query: &str) -> bool {
    query.split('&').any(|piece| piece == PATH_TOKEN_PARAMETER)
}

/// Returns `query` without `path_token=1`; `None` when nothing is left.
pub fn without_path_token(query: &str) -> Option<Cow<'_, str>> {
    if !wants_path_token(query) {
        return Some(Cow::Borrowed(query));
    }
    let pieces: Vec<&str> = query
        .split('&')
        .filter(|piece| *piece != PATH_TOKEN_PARAMETER)
        .collect();
    (!pieces.is_empty()).then(|| Cow::Owned(pieces.join("&")))
}

/// Returns `query` without signing parameters and `path_token=1`, as it goes with requests for the object; `None` when
/// nothing is left.
pub fn object_query(query: &str) -> Option<Cow<'_, str>> {
    match without_path_token(query)? {
        Cow::Borrowed(query) => strip_query(query),
        Cow::Owned(query) => strip_query(&query).map(|own| Cow::Owned(own.into_owned())),
    }
}

/// What tokens are made with.
#[derive(Clone, Copy)]
pub struct PathTokenIssuer<'a> {
    /// The edge's own secret, by which it knows its tokens again.
    pub secret: &'a PathTokenSecret,
    /// The moment by which the grant is judged.
    pub now: Timestamp,
    /// The memory for what public keys have confirmed.
    pub memory: &'a dyn SignatureMemory,
}

impl PathTokenIssuer<'_> {
    /// The token for the path of a request that was authorized by a signature.
    ///
    /// `object_path` is that of the video, for a request by [`crate::request::authorize_video`]. `None` for an open
    /// behavior, for one who has a path_token already, and for a grant that is too long for a token.
    pub fn issue(
        &self,
        authorized: &Authorized<'_>,
        request: &ViewerRequest<'_>,
        object_path: Option<&str>,
    ) -> Option<String> {
        let routed = authorized.routed();
        let verifier = verifier(routed, request.client, self.now, self.memory)?;
        match authorized.grant()?.source() {
            CredentialSource::Url | CredentialSource::Cookies => {}
            CredentialSource::PathToken => return None,
        }
        let query = request.query.and_then(without_path_token);
        let presented = credentials(request, query.as_deref());
        let takes_object = routed.videos().is_some_and(|videos| videos.object_grant);
        let object_path = object_path.filter(|_| takes_object);
        let mut tokens = [Some(request.path), object_path].into_iter().flatten();
        // Of the two URLs the grant is good for one.
        tokens.find_map(|path| {
            let url = ViewerUrl {
                path,
                query: query.as_deref(),
                ..request.url()
            };
            verifier.issue(self.secret, &url, &presented).ok().flatten()
        })
    }
}

/// Returns the location for a viewer with a new path token: the token, the path, and the query without signing
/// parameters and `path_token=1`.
///
/// The text is safe to put into a header.
pub fn path_token_location(request: &ViewerRequest<'_>, token: &str) -> String {
    let query = request.query.and_then(object_query);
    let mut location = format!("/~{token}");
    push_header_safe(&mut location, request.path);
    if let Some(query) = query {
        location.push('?');
        push_header_safe(&mut location, &query);
    }
    location
}

/// Returns the part of `query`, without `?`, that the URIs of a playlist have to carry so that `grant` is valid for
/// them too.
///
/// It has the signing parameters that counted, in their order and decoded once, if the grant came by them, and the
/// viewer's own parameters if the grant compares them ([`Grant::query_use`]). It has neither `path_token=1` nor an
/// `Expires` beside a `Policy`: each line of a playlist repeats this text, so a viewer must not be able to make it
/// longer than the signer did.
pub fn carried_query(query: &str, grant: &Grant) -> String {
    let presented = Credentials::from_request(Some(query), std::iter::empty());
    let by_query = grant.source() == CredentialSource::Url;
    let carried = query.split('&').filter_map(|piece| {
        let name = piece.split('=').next().unwrap_or(piece);
        if is_signing_parameter(name) {
            let (name, value) = presented.counted(name).filter(|_| by_query)?;
            return Some(Cow::Owned(format!("{name}={value}")));
        }
        let is_own = piece != PATH_TOKEN_PARAMETER && grant.query_use() == QueryUse::Compared;
        is_own.then_some(Cow::Borrowed(piece))
    });
    let pieces: Vec<Cow<'_, str>> = carried.collect();
    let mut carried = String::with_capacity(query.len());
    push_header_safe(&mut carried, &pieces.join("&"));
    carried
}
