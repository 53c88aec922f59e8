//! Conditions under which an object is written or deleted (RFC 9110, 13.1; S3, "Conditional requests").

use crate::shared::Replace;
use crate::{Deleted, Metadata, ObjectError};
use std::time::SystemTime;

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagCondition {
    /// `*`: any object.
    Any,
    /// One of these entity tags, without quotes. A text that is none matches nothing.
    OneOf(Vec<String>),
}

/// Conditions of a write, decided under the key's lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    /// `If-Match`.
    pub if_match: Option<TagCondition>,
    /// `If-None-Match`.
    pub if_none_match: Option<TagCondition>,
}

/// Conditions of a deletion, decided under the key's lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteConditions {
    /// `If-Match`.
    pub if_match: Option<TagCondition>,
    /// `x-amz-if-match-last-modified-time`, in whole seconds.
    pub if_modified: Option<SystemTime>,
    /// `x-amz-if-match-size`.
    pub if_size: Option<u64>,
}

impl TagCondition {
    fn matches(&self, metadata: &Metadata) -> bool {
        match self {
            TagCondition::Any => true,
            TagCondition::OneOf(tags) => {
                let etag = metadata.etag.to_string();
                tags.contains(&etag)
            }
        }
    }
}

impl WriteConditions {
    pub(crate) fn is_any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Decides, by the present object, whether a file may be put in its place, and whether something may be there.
    ///
    /// Errors: `PreconditionFailed`, `NotFound` if there is no object that could match.
    pub(crate) fn check(&self, present: Option<&Metadata>) -> Result<Replace, ObjectError> {
        match (&self.if_match, present) {
            (Some(_), None) => return Err(ObjectError::NotFound),
            (Some(tags), Some(present)) if !tags.matches(present) => {
                return Err(ObjectError::PreconditionFailed);
            }
            (Some(_) | None, _) => {}
        }
        match (&self.if_none_match, present) {
            (Some(tags), Some(present)) if tags.matches(present) => {
                Err(ObjectError::PreconditionFailed)
            }
            (Some(TagCondition::Any), _) => Ok(Replace::No),
            (Some(TagCondition::OneOf(_)) | None, _) => Ok(Replace::Yes),
        }
    }
}

impl DeleteConditions {
    /// Errors: `PreconditionFailed`.
    pub(crate) fn check(&self, present: &Metadata) -> Result<(), ObjectError> {
        let matches = self
            .if_match
            .as_ref()
            .is_none_or(|tags| tags.matches(present))
            && self.if_size.is_none_or(|size| size == present.size)
            && self
                .if_modified
                .is_none_or(|time| seconds(time) == seconds(present.modified));
        if matches {
            Ok(())
        } else {
            Err(ObjectError::PreconditionFailed)
        }
    }

    /// Errors: `NotFound` if there had to be an object.
    pub(crate) fn check_absent(&self) -> Result<Deleted, ObjectError> {
        if *self == DeleteConditions::default() {
            return Ok(Deleted::Absent);
        }
        Err(ObjectError::NotFound)
    }
}

fn seconds(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}
