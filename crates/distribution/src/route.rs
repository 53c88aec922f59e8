//! The first step of a request: its host finds the distribution, its path the behavior.

use crate::denial::Denial;
use crate::distribution::{CacheBehavior, Distribution};
use crate::path_pattern::object_name;
use crate::request::ViewerRequest;
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// The outcome of the walk's first step.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'s> {
    /// The distribution that the host belongs to.
    pub distribution: &'s Arc<Distribution>,
    /// Its first behavior whose path pattern matches.
    pub behavior: &'s CacheBehavior,
}

/// Finds distribution and behavior of a request.
///
/// The path is matched by the object that it names, whatever its percent-encoding (fidelity note F37); the query does
/// not take part (developer guide, "Path pattern").
///
/// # Errors
/// [`Denial::UnknownHost`] when no enabled distribution has the host.
pub fn route<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<Routed<'s>, Denial> {
    let distribution = snapshot
        .distribution_for(request.host)
        .filter(|distribution| distribution.enabled)
        .ok_or(Denial::UnknownHost)?;
    let name = object_name(request.path);
    let behavior = distribution
        .behaviors
        .iter()
        .find(|behavior| behavior.path_pattern.matches_name(&name))
        // The default behavior `*` is last, so only a distribution put together by hand comes here.
        .ok_or(Denial::UnknownHost)?;
    Ok(Routed {
        distribution,
        behavior,
    })
}
