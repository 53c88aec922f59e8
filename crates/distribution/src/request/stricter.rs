//! Decides which of two behaviors admits fewer viewers.

use crate::config::CacheBehavior;
use crate::request::denial::Denial;
use http::Method;
use privet_sign::KeySet;

/// Returns `behavior`, or that of another reading of the path if it admits fewer viewers.
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

/// Returns whether everybody who can sign with `keys` can also sign with `others`.
pub(crate) fn is_part_of(keys: &KeySet, others: &KeySet) -> bool {
    let mut keys = keys.iter();
    keys.all(|(id, key)| others.get(id.as_str()) == Some(key))
}
