//! Accepts reports of objects that were changed at their origin, and makes everything cached of them count as absent.

use super::Operator;
use super::invalidate::InvalidationError;
use crate::cache::Invalidation;
use privet_distribution::caching::{
    INVALIDATION_PATH_SIZE_BYTES_MAX, InvalidationPath, changed_at_origin,
};
use privet_distribution::config::{Distribution, Origin, Snapshot};
use std::sync::Arc;
use thiserror::Error;

/// Reason why a change was not noted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChangeError {
    /// The loaded configuration has no such origin, or no behavior uses it, so that nothing of it is cached.
    #[error(
        "no behavior of distribution {distribution_id:?} has an origin {origin_id:?}; look at the ids in the configuration"
    )]
    UnknownOrigin {
        /// Id as requested.
        distribution_id: String,
        /// Id as requested.
        origin_id: String,
    },
    /// The path does not name an object.
    #[error("the path {0:?} names no object; write it percent-encoded, with a slash before it")]
    Path(String),
    /// The change could not be written down, and would not outlast a restart.
    #[error(transparent)]
    Invalidation(#[from] InvalidationError),
}

impl Operator {
    /// Notes a change of an object. Waits for the disk.
    pub(crate) fn changed(
        &self,
        distribution_id: &str,
        origin_id: &str,
        path: &str,
    ) -> Result<(), ChangeError> {
        check(path)?;
        let state = self.state.load();
        let snapshot = &state.snapshot;
        let mut owners = distributions(snapshot);
        let origin = owners
            .find(|distribution| distribution.id == distribution_id)
            .and_then(|owner| origins(owner).find(|origin| origin.id == origin_id))
            .ok_or_else(|| ChangeError::UnknownOrigin {
                distribution_id: distribution_id.to_owned(),
                origin_id: origin_id.to_owned(),
            })?;
        // The files first: a form made between the two steps is then of the new bytes, or under the old file's name.
        state.tell_of_change(origin, path);
        for distribution in distributions(snapshot) {
            let paths = paths_of(distribution, origin, path);
            if !paths.is_empty() {
                let invalidation =
                    Invalidation::of_changes(&distribution.id, paths, self.clock.now());
                self.add(&Arc::new(invalidation))?;
            }
        }
        Ok(())
    }
}

fn check(path: &str) -> Result<(), ChangeError> {
    let is_path = path.starts_with('/')
        && path.len() <= INVALIDATION_PATH_SIZE_BYTES_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_path {
        return Err(ChangeError::Path(path.to_owned()));
    }
    Ok(())
}

/// Returns all distributions of the configuration, and those that were made of a streaming distribution's own origin.
fn distributions(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<Distribution>> {
    let own = snapshot.streaming_distributions().iter();
    let own = own.map(|streaming| &streaming.videos).filter(|videos| {
        let mut others = snapshot.distributions().iter();
        !others.any(|other| Arc::ptr_eq(other, videos))
    });
    snapshot.distributions().iter().chain(own)
}

fn origins(distribution: &Distribution) -> impl Iterator<Item = &Origin> {
    let behaviors = distribution.behaviors.iter();
    behaviors.flat_map(|behavior| behavior.origin.origins())
}

/// Returns the paths of the object in a distribution, through each of its origins that has the same objects.
fn paths_of(distribution: &Distribution, changed: &Origin, path: &str) -> Vec<InvalidationPath> {
    let mut paths = Vec::new();
    let same =
        origins(distribution).filter(|origin| origin.source.has_same_objects(&changed.source));
    for path in same.filter_map(|origin| changed_at_origin(origin, path)) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(path: &str) {
        assert_eq!(check(path), Err(ChangeError::Path(path.to_owned())));
    }

    #[test]
    fn what_names_no_object_is_refused() {
        check_refused("");
        check_refused("a.txt");
        check_refused("/a b");
        check_refused("/caf\u{e9}");
        check_refused(&format!("/{}", "a".repeat(4_000)));
        assert_eq!(check(&format!("/{}", "a".repeat(3_999))), Ok(()));
    }
}
