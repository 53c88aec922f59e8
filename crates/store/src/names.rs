//! Small values that most operations share: times, names of documents, pages.

use std::fmt;

use crate::StoreError;
use crate::limits::{ID_BYTES_MAX, KIND_BYTES_MAX, PAGE_ROWS_MAX, TEXT_BYTES_MAX};

/// Seconds since 1970-01-01T00:00:00Z. The caller says what time it is; the store has no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a time of seconds since 1970 UTC.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since 1970 UTC.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

/// Name of a document: its kind, and its id within that kind. The store does not know what either means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentName {
    /// Kind, such as `distribution`.
    pub kind: String,
    /// Id within the kind.
    pub id: String,
}

impl DocumentName {
    /// Makes a name.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        check_text("kind", &self.kind, KIND_BYTES_MAX)?;
        check_text("id", &self.id, ID_BYTES_MAX)
    }
}

impl fmt::Display for DocumentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} `{}`", self.kind, self.id)
    }
}

/// Part of a list: rows behind `after`, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Last row of the page before: an id, or a version number as text; `None` for the first page.
    pub after: Option<String>,
    /// Most rows, from 1 to [`PAGE_ROWS_MAX`].
    pub limit: u32,
}

impl Page {
    /// First page of `limit` rows.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }
}

/// Refuses a number of rows that no page may have, and gives it as the database takes it.
pub(crate) fn check_limit(limit: u32) -> Result<i64, StoreError> {
    if (1..=PAGE_ROWS_MAX).contains(&limit) {
        return Ok(i64::from(limit));
    }
    let problem = format!("a page has 1 to {PAGE_ROWS_MAX} rows");
    Err(StoreError::invalid("limit", problem))
}

/// Refuses an empty text, one that is too long, and control characters: PostgreSQL takes no NUL, and logs no line ends.
pub(crate) fn check_text(
    field: &'static str,
    text: &str,
    bytes_max: usize,
) -> Result<(), StoreError> {
    let problem = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > bytes_max {
        format!("has {} bytes, and {bytes_max} are allowed", text.len())
    } else if text.chars().any(char::is_control) {
        "has control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(StoreError::invalid(field, problem))
}

/// [`check_text`] for the short texts that have no limit of their own.
pub(crate) fn check_short(field: &'static str, text: &str) -> Result<(), StoreError> {
    check_text(field, text, TEXT_BYTES_MAX)
}
