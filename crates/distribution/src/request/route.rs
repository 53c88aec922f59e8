//! The first step of a request: the host finds the distribution, and the path finds the behavior.

use crate::canonical_path::is_canonical;
use crate::config::{
    CacheBehavior, Distribution, Origin, Snapshot, VideoSettings, ViewerProtocolPolicy,
};
use crate::request::denial::Denial;
use crate::request::readings::Readings;
use crate::request::viewer_request::ViewerRequest;
use http::Method;
use privet_sign::KeySet;
use std::borrow::Cow;
use std::sync::Arc;

/// The outcome of routing, the first step of a request.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'s> {
    /// The distribution that the host belongs to.
    pub distribution: &'s Arc<Distribution>,
    /// The first behavior whose path pattern matches; for content made from an object, the behavior of the object.
    pub behavior: &'s CacheBehavior,
    pub(crate) restriction: Restriction<'s>,
}

/// The restrictions that a request has to satisfy. For videos, and for paths that are not canonical, they are stricter
/// than those of the behavior.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restriction<'s> {
    /// Keys of which one must have signed; `None`: open to everybody.
    pub(crate) trusted_keys: Option<&'s KeySet>,
    pub(crate) viewer_protocol_policy: &'s ViewerProtocolPolicy,
    pub(crate) videos: Option<&'s Arc<VideoSettings>>,
    pub(crate) spelling: Spelling,
}

/// The meaning of a path's spelling at the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The path names the same object at the origin as here.
    Certain,
    /// The path may name another object of the distribution, so the restrictions of all behaviors apply.
    Ambiguous,
}

impl Spelling {
    /// Classifies a raw path that leads to this behavior. Only here does [`is_canonical`] decide the routing.
    pub(crate) fn of(behavior: &CacheBehavior, path: &str) -> Self {
        if behavior.origin.reads_literally() || is_canonical(path) {
            Spelling::Certain
        } else {
            Spelling::Ambiguous
        }
    }
}

impl<'s> Restriction<'s> {
    fn of(behavior: &'s CacheBehavior) -> Self {
        Restriction {
            trusted_keys: behavior.trusted_keys.as_ref(),
            viewer_protocol_policy: &behavior.viewer_protocol_policy,
            videos: behavior.videos.as_ref(),
            spelling: Spelling::Certain,
        }
    }

    /// Returns the restriction for a path that may name any object of the distribution.
    ///
    /// Errors: [`Denial::AmbiguousPath`] if it may even name something outside the distribution, or if no key opens
    /// everything that is restricted; [`Denial::MethodNotAllowed`] if a behavior does not allow the method.
    pub(crate) fn of_all(
        distribution: &'s Distribution,
        behavior: &'s CacheBehavior,
        method: &Method,
    ) -> Result<Self, Denial> {
        let strictest_restriction = &distribution.table.strictest_restriction;
        let keys = strictest_restriction.trusted_keys.as_ref();
        if has_neighbours(behavior) || keys.is_some_and(KeySet::is_empty) {
            return Err(Denial::AmbiguousPath);
        }
        if !strictest_restriction.allowed_methods.allows(method) {
            return Err(Denial::MethodNotAllowed);
        }
        Ok(Restriction {
            trusted_keys: keys,
            viewer_protocol_policy: &strictest_restriction.viewer_protocol_policy,
            videos: behavior.videos.as_ref(),
            spelling: Spelling::Ambiguous,
        })
    }
}

impl<'s> Routed<'s> {
    /// Routes to a behavior with only that behavior's own restriction.
    pub(crate) fn to(distribution: &'s Arc<Distribution>, behavior: &'s CacheBehavior) -> Self {
        Routed {
            distribution,
            behavior,
            restriction: Restriction::of(behavior),
        }
    }

    /// Returns the settings for videos made here; `None`: no videos are made.
    pub fn videos(&self) -> Option<&'s Arc<VideoSettings>> {
        self.restriction.videos
    }

    /// Returns the query of a request that was routed here, without the parameters that carried a grant; `None` when
    /// nothing is left.
    pub(crate) fn query_without_grant<'q>(
        &self,
        request: &ViewerRequest<'q>,
    ) -> Option<Cow<'q, str>> {
        match self.trusted_keys() {
            Some(_) => privet_sign::strip_query(request.query?),
            None => request.query.map(Cow::Borrowed),
        }
    }

    /// Returns the keys of which one must have signed; `None`: open to everybody.
    pub fn trusted_keys(&self) -> Option<&'s KeySet> {
        self.restriction.trusted_keys
    }
}

/// Finds the distribution and the behavior of a request.
///
/// The path is matched by the object that it names, whatever its percent-encoding (fidelity note F37); the query plays
/// no part (developer guide, "Path pattern").
///
/// An HTTP server, or a proxy in front of it, may read another object's name in a path that is not
/// [`crate::request::is_canonical`]. Such a path has to satisfy the restrictions of all behaviors of the distribution,
/// and [`crate::request::authorize`] accepts no grant for it that covers it only by a wildcard (fidelity note F38).
///
/// # Errors
/// [`Denial::UnknownHost`] when no enabled distribution has the host. [`Denial::AmbiguousPath`] when the path may name
/// something that no key opens, or something outside the distribution, beside the origin path.
/// [`Denial::MethodNotAllowed`] when the behavior of an object that it may name does not allow the method.
pub fn route<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<Routed<'s>, Denial> {
    let distribution = enabled_distribution(snapshot, request)?;
    let behavior = Readings::new(distribution).behavior_of(request.path, request.method)?;
    let restriction = match Spelling::of(behavior, request.path) {
        Spelling::Certain => Restriction::of(behavior),
        Spelling::Ambiguous => Restriction::of_all(distribution, behavior, request.method)?,
    };
    Ok(Routed {
        distribution,
        behavior,
        restriction,
    })
}

pub(crate) fn enabled_distribution<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<&'s Arc<Distribution>, Denial> {
    snapshot
        .distribution_for(request.host)
        .filter(|distribution| distribution.enabled)
        .ok_or(Denial::UnknownHost)
}

fn has_neighbours(behavior: &CacheBehavior) -> bool {
    behavior.origin.origins().any(Origin::has_neighbours)
}
