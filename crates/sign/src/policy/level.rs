//! What all levels of a policy share: how a value is read, and where the cause of a refusal is kept.

use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use crate::policy_error::PolicyError;

/// The place for the typed cause of a refusal, since serde's own errors carry text only.
#[derive(Clone, Copy)]
pub(super) struct Cause<'c>(pub(super) &'c RefCell<Option<PolicyError>>);

impl Cause<'_> {
    pub(super) fn refuse<E: Error>(self, cause: PolicyError) -> E {
        let text = cause.to_string();
        *self.0.borrow_mut() = Some(cause);
        E::custom(text)
    }
}

/// One level of the policy: its visitor takes whatever kind of value comes.
pub(super) struct Level<V>(pub(super) V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Level<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<V::Value, D::Error> {
        reader.deserialize_any(self.0)
    }
}
