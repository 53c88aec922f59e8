//! The feed of changes, which edges follow by its numbers.

use crate::names::check_limit;
use crate::session::{Row, Session};
use crate::{Store, StoreError, Timestamp};

/// Change of one document. Numbers have the order in which changes were committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Number of the change, from 1.
    pub seq: u64,
    /// Time of the write.
    pub at: Timestamp,
    /// Kind of the document.
    pub kind: String,
    /// Id of the document.
    pub id: String,
    /// Version that was written; `None` where the document was deleted.
    pub version: Option<u64>,
    /// Operation of the write.
    pub operation: String,
}

impl Store {
    /// Returns the number of the last change, 0 where there was none.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn last_change(&self) -> Result<u64, StoreError> {
        self.engine().look_up(|session| last_change(session)).await
    }

    /// Returns up to `limit` changes behind number `seq`, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a limit that no page may have.
    pub async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let limit = check_limit(limit)?;
        let act = move |session: &mut dyn Session| changes_after(session, seq, limit);
        self.engine().read(act).await
    }
}

pub(crate) fn last_change(session: &mut dyn Session) -> Result<u64, StoreError> {
    let row = session.query_first("SELECT COALESCE(MAX(seq), 0) FROM changes", Vec::new())?;
    row.map_or(Ok(0), |mut row| row.count())
}

fn changes_after(
    session: &mut dyn Session,
    seq: u64,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let sql = "SELECT seq, at, kind, id, version, operation FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2";
    let rows = session.query(sql, vec![seq.into(), limit.into()])?;
    rows.into_iter().map(change_of).collect()
}

/// Reads `seq, at, kind, id, version, operation`.
pub(crate) fn change_of(mut row: Row) -> Result<Change, StoreError> {
    Ok(Change {
        seq: row.count()?,
        at: Timestamp::from_seconds(row.number()?),
        kind: row.text()?,
        id: row.text()?,
        version: row.maybe_count()?,
        operation: row.text()?,
    })
}
