//! The first step of a request: its host finds the distribution, its path the behavior.

use crate::denial::Denial;
use crate::distribution::{CacheBehavior, Distribution, ViewerProtocolPolicy};
use crate::film_settings::FilmSettings;
use crate::origin::{OriginSource, S3Addressing};
use crate::path_forms::{Climb, climb, other_names};
use crate::path_pattern::object_name;
use crate::request::ViewerRequest;
use crate::snapshot::Snapshot;
use http::Method;
use privet_sign::KeySet;
use std::sync::Arc;

/// The outcome of the walk's first step.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'s> {
    /// The distribution that the host belongs to.
    pub distribution: &'s Arc<Distribution>,
    /// Its first behavior whose path pattern matches; for what is made of an object, that of the object.
    pub behavior: &'s CacheBehavior,
    pub(crate) gate: Gate<'s>,
}

/// What a request has to pass. For films that is more than their object's own behavior asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'s> {
    /// `None`: open to everybody.
    pub(crate) trusted_keys: Option<&'s KeySet>,
    pub(crate) viewer_protocol_policy: &'s ViewerProtocolPolicy,
    pub(crate) films: Option<&'s Arc<FilmSettings>>,
}

impl<'s> Gate<'s> {
    fn of(behavior: &'s CacheBehavior) -> Self {
        Gate {
            trusted_keys: behavior.trusted_keys.as_ref(),
            viewer_protocol_policy: &behavior.viewer_protocol_policy,
            films: behavior.films.as_ref(),
        }
    }
}

impl<'s> Routed<'s> {
    /// To a behavior that is its own gate.
    pub(crate) fn to(distribution: &'s Arc<Distribution>, behavior: &'s CacheBehavior) -> Self {
        Routed {
            distribution,
            behavior,
            gate: Gate::of(behavior),
        }
    }

    /// What is made of films here; `None`: nothing.
    pub fn films(&self) -> Option<&'s Arc<FilmSettings>> {
        self.gate.films
    }

    /// The keys of which one has to have signed; `None`: open to everybody.
    pub fn trusted_keys(&self) -> Option<&'s KeySet> {
        self.gate.trusted_keys
    }
}

/// Finds distribution and behavior of a request.
///
/// The path is matched by the object that it names, whatever its percent-encoding (fidelity note F37); the query does
/// not take part (developer guide, "Path pattern").
///
/// An origin may collapse `//`, `/./` and `/../` or decode once more, and serve another object than the one named here.
/// So a path that has such other readings comes to the strictest behavior among them: what is restricted under any
/// reading is never open.
///
/// # Errors
/// [`Denial::UnknownHost`] when no enabled distribution has the host. [`Denial::AmbiguousPath`] when two readings of the
/// path are restricted to different keys, or when one climbs above the root where the origin has
/// something there: what lies beside the origin path is not this distribution's. [`Denial::MethodNotAllowed`] when another reading's behavior does not allow
/// the method.
pub fn route<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<Routed<'s>, Denial> {
    let distribution = enabled_distribution(snapshot, request)?;
    let behavior = strictest(distribution, request.path, request.method)?;
    Ok(Routed::to(distribution, behavior))
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

/// The strictest behavior among the readings of a path.
pub(crate) fn strictest<'s>(
    distribution: &'s Distribution,
    path: &str,
    method: &Method,
) -> Result<&'s CacheBehavior, Denial> {
    let name = object_name(path);
    // The default behavior `*` is last, so only a distribution put together by hand has none.
    let mut behavior = behavior_for(distribution, &name).ok_or(Denial::UnknownHost)?;
    for other in other_names(&name) {
        let reading = behavior_for(distribution, &other).ok_or(Denial::UnknownHost)?;
        behavior = stricter(behavior, reading, method)?;
    }
    if has_neighbours(behavior) && climb(&name) == Climb::AboveRoot {
        return Err(Denial::AmbiguousPath);
    }
    Ok(behavior)
}

pub(crate) fn behavior_for<'s>(
    distribution: &'s Distribution,
    name: &str,
) -> Option<&'s CacheBehavior> {
    let mut behaviors = distribution.behaviors.iter();
    behaviors.find(|behavior| behavior.path_pattern.matches_name(name))
}

/// Whether an origin of the behavior has anything above the paths that are this distribution's: its origin path, or the
/// other buckets of an endpoint.
pub(crate) fn has_neighbours(behavior: &CacheBehavior) -> bool {
    let secondary = behavior.origin.failover.as_ref();
    let secondary = secondary.map(|failover| &failover.secondary);
    let mut origins = secondary.into_iter().chain([&behavior.origin.primary]);
    origins.any(|origin| {
        !origin.origin_path.is_empty()
            || match &origin.source {
                OriginSource::S3(s3) => s3.addressing == S3Addressing::Path,
                OriginSource::Folder { .. } | OriginSource::Http(_) => false,
            }
    })
}

/// `behavior`, or that of another reading of the path where it lets fewer viewers in.
pub(crate) fn stricter<'s>(
    behavior: &'s CacheBehavior,
    reading: &'s CacheBehavior,
    method: &Method,
) -> Result<&'s CacheBehavior, Denial> {
    if !reading.allowed_methods.allows(method) {
        return Err(Denial::MethodNotAllowed);
    }
    match (&behavior.trusted_keys, &reading.trusted_keys) {
        (Some(_) | None, None) => Ok(behavior),
        (None, Some(_)) => Ok(reading),
        (Some(keys), Some(others)) if is_part_of(keys, others) => Ok(behavior),
        (Some(keys), Some(others)) if is_part_of(others, keys) => Ok(reading),
        (Some(_), Some(_)) => Err(Denial::AmbiguousPath),
    }
}

/// Whether whoever signs with `keys` may sign with `others` too.
pub(crate) fn is_part_of(keys: &KeySet, others: &KeySet) -> bool {
    let mut keys = keys.iter();
    keys.all(|(id, key)| others.get(id.as_str()) == Some(key))
}
