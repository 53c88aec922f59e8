//! Accepts an invalidation: checks its limits, gives it an id, writes it down.

use super::Operator;
use crate::cache::{Invalidation, InvalidationItem, InvalidationReach};
use std::io;
use std::sync::Arc;
use thiserror::Error;

/// Maximum number of paths and tags in one invalidation (developer guide, "Quotas").
pub const INVALIDATION_ITEMS_MAX: usize = 3_000;
/// Maximum number of those with a wildcard (developer guide, "Quotas").
pub const INVALIDATION_WILDCARDS_MAX: usize = 15;
/// Maximum size of the paths and tags of one invalidation together: twice as much fits into a record of the cache's
/// journal.
pub const INVALIDATION_SIZE_BYTES_MAX: usize = 480 * 1024;

const ID_CHARACTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Reason why nothing was invalidated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidationError {
    /// There is neither a path nor a tag.
    #[error("there is nothing to invalidate; name a path or a tag")]
    NoItems,
    /// There are more items than CloudFront accepts at once.
    #[error("{count} paths and tags are too many at once; {INVALIDATION_ITEMS_MAX} is the limit")]
    TooManyItems {
        /// Number of requested items.
        count: usize,
    },
    /// There are more wildcards than CloudFront accepts at once.
    #[error(
        "{count} paths with a wildcard are too many at once; {INVALIDATION_WILDCARDS_MAX} is the limit"
    )]
    TooManyWildcards {
        /// Number of requested wildcards.
        count: usize,
    },
    /// The loaded configuration has no such distribution.
    #[error("there is no distribution {0:?}; check the ids in the configuration")]
    UnknownDistribution(String),
    /// The items are longer than the cache's journal accepts at once.
    #[error(
        "{size_bytes} bytes of paths and tags are too many at once; {INVALIDATION_SIZE_BYTES_MAX} is the limit"
    )]
    TooLong {
        /// Size of the requested items.
        size_bytes: usize,
    },
    /// Too much was invalidated while older objects are still stored.
    #[error("the journal of invalidations is full; stop the edge and empty the folder in [cache]")]
    JournalFull,
    /// The disk of the cache cannot be written, so that the invalidation would not outlast a restart.
    #[error("the cache's disk cannot be written: {0}")]
    Journal(String),
}

/// Checks that `items` are within the limits of one invalidation.
pub fn check_invalidation(items: &[InvalidationItem]) -> Result<(), InvalidationError> {
    if items.is_empty() {
        return Err(InvalidationError::NoItems);
    }
    if items.len() > INVALIDATION_ITEMS_MAX {
        return Err(InvalidationError::TooManyItems { count: items.len() });
    }
    let is_wildcard = |item: &&InvalidationItem| item.reach() == InvalidationReach::Wildcard;
    let count = items.iter().filter(is_wildcard).count();
    if count > INVALIDATION_WILDCARDS_MAX {
        return Err(InvalidationError::TooManyWildcards { count });
    }
    let size_bytes = items.iter().map(|item| item.as_str().len()).sum();
    if size_bytes > INVALIDATION_SIZE_BYTES_MAX {
        return Err(InvalidationError::TooLong { size_bytes });
    }
    Ok(())
}

impl Operator {
    /// Invalidates `items` of a distribution. Waits for the disk.
    pub(crate) fn invalidate(
        &self,
        distribution_id: &str,
        items: &[InvalidationItem],
    ) -> Result<Arc<Invalidation>, InvalidationError> {
        check_invalidation(items)?;
        let state = self.state.load();
        let mut distributions = state.snapshot.distributions().iter();
        let distribution = distributions
            .find(|distribution| distribution.id == distribution_id)
            .ok_or_else(|| InvalidationError::UnknownDistribution(distribution_id.to_owned()))?;
        let items = items.iter().map(|item| item.in_distribution(distribution));
        let invalidation = Arc::new(Invalidation {
            id: new_id(),
            distribution_id: distribution_id.to_owned(),
            created: self.clock.now(),
            items: items.collect(),
        });
        self.add(&invalidation)?;
        Ok(invalidation)
    }

    pub(super) fn add(&self, invalidation: &Arc<Invalidation>) -> Result<(), InvalidationError> {
        match self.cache.invalidations.add(invalidation) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(InvalidationError::JournalFull)
            }
            Err(error) => Err(InvalidationError::Journal(error.to_string())),
        }
    }
}

/// Returns a new id of CloudFront's form: `I` and 13 characters.
fn new_id() -> String {
    let mut random = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut random);
    let mut rest = u128::from_le_bytes(random);
    let base = ID_CHARACTERS.len() as u128;
    let mut id = String::from("I");
    for _ in 0..13 {
        id.push(char::from(ID_CHARACTERS[(rest % base) as usize]));
        rest /= base;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(paths: &[String], expected: &Result<(), InvalidationError>) {
        let items: Vec<InvalidationItem> = paths
            .iter()
            .map(|path| InvalidationItem::path(path).unwrap())
            .collect();
        assert_eq!(&check_invalidation(&items), expected);
    }

    fn paths(plain: usize, wildcards: usize) -> Vec<String> {
        let plain = (0..plain).map(|number| format!("/{number}"));
        let wild = (0..wildcards).map(|number| format!("/{number}*"));
        plain.chain(wild).collect()
    }

    #[test]
    fn limits_are_those_of_cloudfront() {
        check(&[], &Err(InvalidationError::NoItems));
        let too_many = Err(InvalidationError::TooManyItems { count: 3_001 });
        check(&paths(3_001, 0), &too_many);
        check(&paths(3_000, 1), &too_many);
        let too_many = Err(InvalidationError::TooManyWildcards { count: 16 });
        check(&paths(1, 16), &too_many);
        let long = format!("/{}", "a".repeat(3_999));
        let size_bytes = 492_000;
        let too_long = Err(InvalidationError::TooLong { size_bytes });
        check(&vec![long.clone(); 123], &too_long);
        check(&vec![long; 122], &Ok(()));
        check(&paths(2_985, 15), &Ok(()));
        check(&paths(1, 0), &Ok(()));
    }

    #[test]
    fn ids_have_the_form_of_cloudfront() {
        let (one, other) = (new_id(), new_id());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.starts_with('I')), (14, true));
        assert!(one.bytes().all(|byte| ID_CHARACTERS.contains(&byte)));
    }
}
