//! The audit trail: who did what, when, from where, with the documents before and after. It can only be added to.

mod chain;
mod filter;

pub use chain::AuditVerdict;
pub(crate) use chain::append;
pub use filter::AuditFilter;

use serde_json::Value;

use crate::documents::{check_size, json};
use crate::session::{Row, Session};
use crate::{Actor, DocumentName, Store, StoreError, Timestamp};

/// End of an audited operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
    /// It failed.
    Failed,
}

impl Outcome {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// Entry for the audit trail of what is not a write: refused calls, reads worth noting. Writes make their own.
///
/// Control characters in its texts are replaced, and texts that are too long are cut: they may come from strangers.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Caller.
    pub actor: Actor,
    /// Time of the call.
    pub at: Timestamp,
    /// Operation that was called.
    pub operation: String,
    /// End of the call.
    pub outcome: Outcome,
    /// Document, operator or other thing that it was about.
    pub document: Option<DocumentName>,
    /// Its value before, without secrets in clear.
    pub before: Option<Value>,
    /// Its value after, without secrets in clear.
    pub after: Option<Value>,
    /// Further words, such as the reason for a refusal.
    pub detail: Option<String>,
}

/// Stored entry of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Number of the entry, from 1 without gaps.
    pub seq: u64,
    /// The entry.
    pub entry: AuditEntry,
    /// Hash of the entry and of all before it, in hexadecimal digits.
    pub hash: String,
}

/// Entry before it is stored.
pub(crate) struct Entry<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) at: Timestamp,
    pub(crate) operation: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) document: Option<&'a DocumentName>,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
}

impl Store {
    /// Adds an entry to the audit trail; returns its number once it is on disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a value that is larger than a body may be.
    pub async fn audit(&self, entry: AuditEntry) -> Result<u64, StoreError> {
        for value in [&entry.before, &entry.after].into_iter().flatten() {
            check_size("audit entry", value)?;
        }
        let key = self.inner.key.clone();
        let act = move |session: &mut dyn Session| {
            let before = entry.before.as_ref().map(Value::to_string);
            let after = entry.after.as_ref().map(Value::to_string);
            let entry = Entry {
                actor: &entry.actor,
                at: entry.at,
                operation: &entry.operation,
                outcome: entry.outcome,
                document: entry.document.as_ref(),
                before: before.as_deref(),
                after: after.as_deref(),
                detail: entry.detail.as_deref(),
            };
            append(session, &key, &[entry])
        };
        self.engine().write(act).await
    }

    /// Returns up to `limit` entries that match the filter, newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a limit that no page may have.
    pub async fn audit_entries(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let filter = filter.clone();
        let act = move |session: &mut dyn Session| {
            let (sql, parameters) = filter.query(limit)?;
            let rows = session.query(&sql, parameters)?;
            rows.into_iter().map(record_of).collect()
        };
        self.engine().read(act).await
    }

    /// Checks the whole chain of hashes, from the first entry to the last.
    ///
    /// # Errors
    ///
    /// Those of the database; a broken chain is [`AuditVerdict::Broken`].
    pub async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        let key = self.inner.key.clone();
        let act = move |session: &mut dyn Session| chain::verify(session, &key);
        self.engine().snapshot(act).await
    }
}

const COLUMNS: &str = "seq, at, operator, how, address, request_id, operation, outcome, kind, id, \
                       body_before, body_after, detail, hash";

fn record_of(mut row: Row) -> Result<AuditRecord, StoreError> {
    let seq = row.count()?;
    let at = Timestamp::from_seconds(row.number()?);
    let actor = Actor {
        operator: row.text()?,
        how: row.text()?,
        address: row.maybe_text()?,
        request_id: row.maybe_text()?,
    };
    let operation = row.text()?;
    let outcome = Outcome::parse(&row.text()?)
        .ok_or_else(|| StoreError::damaged(format!("audit entry {seq} has another outcome")))?;
    let (kind, id) = (row.maybe_text()?, row.maybe_text()?);
    let entry = AuditEntry {
        actor,
        at,
        operation,
        outcome,
        document: kind.zip(id).map(|(kind, id)| DocumentName::new(kind, id)),
        before: row.maybe_text()?.as_deref().map(json).transpose()?,
        after: row.maybe_text()?.as_deref().map(json).transpose()?,
        detail: row.maybe_text()?,
    };
    Ok(AuditRecord {
        seq,
        entry,
        hash: row.text()?,
    })
}
