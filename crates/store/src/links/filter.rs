//! Which links a list has, or are revoked together.

use super::SubjectDigest;
use super::registered::check_object;
use crate::limits::ID_BYTES_MAX;
use crate::names::{check_short, check_text};
use crate::session::Cell;
use crate::{StoreError, Timestamp};

/// Links that satisfy everything that is given; all without anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// Subject, in clear or by its digest alone.
    pub subject: Option<SubjectDigest>,
    /// Label.
    pub label: Option<String>,
    /// Owner.
    pub owner: Option<String>,
    /// Id of the key.
    pub key_pair_id: Option<String>,
    /// Operator who registered the link.
    pub made_by: Option<String>,
    /// Host of the object.
    pub host: Option<String>,
    /// Path of the object, or its beginning.
    pub path: Option<PathFilter>,
    /// State at a time.
    pub state: Option<(LinkState, Timestamp)>,
}

/// Path of an object, or the beginning of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFilter {
    /// This path.
    Exact(String),
    /// Paths that begin so.
    Prefix(String),
}

/// State of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Neither revoked nor ended; it may be used up.
    Live,
    /// Ended by its signed text, and not revoked.
    Ended,
    /// Revoked.
    Revoked,
}

/// Conditions of a statement with their parameters.
pub(crate) struct Conditions {
    sql: Vec<String>,
    pub(crate) parameters: Vec<Cell>,
}

impl Conditions {
    /// Begins with the parameters that the statement has besides, `$1` and so on.
    pub(crate) fn new(parameters: Vec<Cell>) -> Self {
        Self {
            sql: Vec::new(),
            parameters,
        }
    }

    /// Adds a condition in which `$` stands for the value's place.
    pub(crate) fn add(&mut self, condition: &str, value: impl Into<Cell>) {
        self.parameters.push(value.into());
        let place = format!("${}", self.parameters.len());
        self.sql.push(condition.replace('$', &place));
    }

    pub(crate) fn sql(&self) -> String {
        match self.sql.is_empty() {
            true => "1 = 1".to_owned(),
            false => self.sql.join(" AND "),
        }
    }
}

impl LinkFilter {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let texts = [
            ("label", &self.label),
            ("owner", &self.owner),
            ("operator", &self.made_by),
        ];
        for (field, text) in texts {
            text.as_deref()
                .map_or(Ok(()), |text| check_short(field, text))?;
        }
        if let Some(id) = &self.key_pair_id {
            check_text("key pair id", id, ID_BYTES_MAX)?;
        }
        let host = self.host.as_deref().unwrap_or("*");
        match &self.path {
            Some(PathFilter::Exact(path) | PathFilter::Prefix(path)) => check_object(host, path),
            None => check_object(host, "/"),
        }
    }

    /// Answers whether the filter has all links.
    pub(crate) fn is_everything(&self) -> bool {
        let named = Self {
            state: None,
            ..self.clone()
        };
        named == Self::default()
    }

    /// Adds the filter to the conditions of a statement over `links AS l`.
    pub(crate) fn add_to(&self, conditions: &mut Conditions) {
        if let Some(subject) = self.subject {
            conditions.add("l.subject_digest = $", subject);
        }
        let texts = [
            ("l.label = $", &self.label),
            ("l.owner = $", &self.owner),
            ("l.key_pair_id = $", &self.key_pair_id),
            ("l.made_by = $", &self.made_by),
            ("l.host = $", &self.host),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                conditions.add(condition, text);
            }
        }
        match &self.path {
            Some(PathFilter::Exact(path)) => conditions.add("l.path = $", path),
            Some(PathFilter::Prefix(prefix)) => {
                conditions.add("l.path >= $", prefix);
                // Paths are visible ASCII, which lies below it.
                conditions.add("l.path < $", format!("{prefix}\u{7f}"));
            }
            None => {}
        }
        match self.state {
            Some((LinkState::Live, now)) => {
                conditions.add("l.revoked_by IS NULL AND l.ends_at > $", now.seconds());
            }
            Some((LinkState::Ended, now)) => {
                conditions.add("l.revoked_by IS NULL AND l.ends_at <= $", now.seconds());
            }
            Some((LinkState::Revoked, _)) => conditions.add("l.revoked_by >= $", 0_i64),
            None => {}
        }
    }
}
