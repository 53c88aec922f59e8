//! One item to invalidate: as the operator wrote it, and what it covers.

use privet_distribution::caching::{CACHE_TAG_SIZE_BYTES_MAX, InvalidationPath};
use privet_distribution::config::{Distribution, object_name};

/// A path or a tag that can be invalidated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationItem {
    written: String,
    meaning: Meaning,
}

/// The objects that an item covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Path(InvalidationPath),
    Tag(String),
}

/// The objects that an item reaches, in terms for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidationReach {
    /// One path, with one query or without any, in all its variants.
    Path,
    /// Every path, or every query of one path, with this prefix.
    Wildcard,
    /// Every object whose response carried the tag.
    Tag,
}

impl InvalidationItem {
    /// Parses a path as [`InvalidationPath::parse`] does. The error is for the operator.
    pub fn path(text: &str) -> Result<Self, String> {
        Ok(InvalidationItem {
            meaning: Meaning::Path(InvalidationPath::parse(text)?),
            written: text.to_owned(),
        })
    }

    /// Parses a tag of `Cache-Tag` or `Surrogate-Key`, whose case matters. The error is for the operator.
    pub fn tag(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        if text.trim() != text || text.contains(',') {
            return Err("has a comma, or a space at an end, which no tag has".to_owned());
        }
        if let Some(character) = text.chars().find(|&c| !c.is_ascii_graphic() && c != ' ') {
            return Err(format!(
                "contains {character:?}, which no response header does"
            ));
        }
        if text.len() > CACHE_TAG_SIZE_BYTES_MAX {
            return Err(format!(
                "is {} characters long; longer ones than {CACHE_TAG_SIZE_BYTES_MAX} are not kept",
                text.len()
            ));
        }
        Ok(InvalidationItem {
            meaning: Meaning::Tag(text.to_owned()),
            written: text.to_owned(),
        })
    }

    /// Returns the item as the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns the objects that the item reaches.
    pub fn reach(&self) -> InvalidationReach {
        match &self.meaning {
            Meaning::Path(_) if self.written.ends_with('*') => InvalidationReach::Wildcard,
            Meaning::Path(_) => InvalidationReach::Path,
            Meaning::Tag(_) => InvalidationReach::Tag,
        }
    }

    pub(crate) fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// Rebuilds an item from the journal.
    pub(super) fn known(written: String, meaning: Meaning) -> Self {
        InvalidationItem { written, meaning }
    }

    /// Creates the item for a path whose object has changed at the origin.
    pub(crate) fn changed(path: InvalidationPath) -> Self {
        InvalidationItem {
            written: path.name().to_owned(),
            meaning: Meaning::Path(path),
        }
    }

    /// Returns the item as it applies to `distribution`, where `/` is stored under the name of the default root object.
    pub(crate) fn in_distribution(&self, distribution: &Distribution) -> Self {
        let bare = self.written.split('?').next().unwrap_or_default();
        let (Meaning::Path(_), Some(root), "/") = (
            &self.meaning,
            &distribution.default_root_object,
            &*object_name(bare),
        ) else {
            return self.clone();
        };
        let query = self.written.get(bare.len()..).unwrap_or_default();
        match InvalidationPath::parse(&format!("/{root}{query}")) {
            Ok(path) => InvalidationItem {
                written: self.written.clone(),
                meaning: Meaning::Path(path),
            },
            Err(_) => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(item: Result<InvalidationItem, String>, expected: &str) {
        assert_eq!(item.unwrap_err(), expected);
    }

    #[test]
    fn what_nothing_can_carry_is_refused() {
        check_refused(InvalidationItem::tag(""), "is empty");
        check_refused(InvalidationItem::tag("  "), "is empty");
        let comma = "has a comma, or a space at an end, which no tag has";
        check_refused(InvalidationItem::tag("a,b"), comma);
        check_refused(InvalidationItem::tag("a "), comma);
        check_refused(
            InvalidationItem::tag("a\nb"),
            "contains '\\n', which no response header does",
        );
        check_refused(
            InvalidationItem::tag(&"x".repeat(1_025)),
            "is 1025 characters long; longer ones than 1024 are not kept",
        );
        check_refused(
            InvalidationItem::path("a"),
            "does not begin with a slash: write /a",
        );
    }

    #[track_caller]
    fn check(item: Result<InvalidationItem, String>, expected: InvalidationReach) {
        assert_eq!(item.unwrap().reach(), expected);
    }

    #[test]
    fn items_tell_their_reach() {
        check(
            InvalidationItem::tag("spring videos"),
            InvalidationReach::Tag,
        );
        check(InvalidationItem::path("/a"), InvalidationReach::Path);
        check(InvalidationItem::path("/a?b=1"), InvalidationReach::Path);
        check(InvalidationItem::path("/a%2A"), InvalidationReach::Path);
        check(InvalidationItem::path("/a*"), InvalidationReach::Wildcard);
        check(InvalidationItem::path("/a?b*"), InvalidationReach::Wildcard);
    }
}
