//! How far a replica is, with enough of the last change to notice that its database was put back or replaced.

use serde_json::json;

use crate::StoreError;
use crate::migrate::{get, set};
use crate::session::{Row, Session};

/// Last change that a replica has.
///
/// Numbers alone do not tell a history from another: a database that was put back gives the same numbers to other
/// changes. The ETag of the written version is random, so no two changes are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Random id of the store.
    store_id: String,
    /// Number of the change, 0 where there was none.
    pub(super) seq: u64,
    /// The change and the ETag of the version that it wrote, empty where there was none.
    change: String,
}

/// A deletion has a version too, whose number is not in the change. Of several in one second the first is taken: it
/// stays the first.
const CHANGE: &str = "SELECT c.at, c.kind, c.id, c.version, c.operation, \
    (SELECT v.etag FROM versions AS v WHERE v.kind = c.kind AND v.id = c.id \
     AND (v.number = c.version OR (c.version IS NULL AND v.body IS NULL AND v.at = c.at)) \
     ORDER BY v.number LIMIT 1) \
    FROM changes AS c WHERE c.seq = $1";

impl Mark {
    /// Reads change number `seq` of a store; `None` where there is none.
    pub(super) fn of(
        source: &mut dyn Session,
        store_id: &str,
        seq: u64,
    ) -> Result<Option<Self>, StoreError> {
        let change = match seq {
            0 => Some(String::new()),
            _ => source
                .query_first(CHANGE, vec![seq.into()])?
                .map(text_of)
                .transpose()?,
        };
        Ok(change.map(|change| Self {
            store_id: store_id.to_owned(),
            seq,
            change,
        }))
    }

    /// Answers whether the store's history has this change.
    pub(super) fn is_in(
        &self,
        source: &mut dyn Session,
        store_id: &str,
    ) -> Result<bool, StoreError> {
        let found = Self::of(source, store_id, self.seq)?;
        Ok(found.as_ref() == Some(self))
    }

    /// Reads the mark of a replica; `None` where it has never been filled.
    pub(super) fn read(target: &mut dyn Session) -> Result<Option<Self>, StoreError> {
        let (store_id, change) = (get(target, "store_id")?, get(target, "change")?);
        let (Some(store_id), Some(change)) = (store_id, change) else {
            return Ok(None);
        };
        let seq = applied(target)?;
        Ok(Some(Self {
            store_id,
            seq,
            change,
        }))
    }

    /// Writes the mark into a replica.
    pub(super) fn write(&self, target: &mut dyn Session) -> Result<(), StoreError> {
        set(target, "store_id", &self.store_id)?;
        set(target, "applied", &self.seq.to_string())?;
        set(target, "change", &self.change)
    }
}

/// Returns the number of the last change that a replica has, 0 at first.
pub(super) fn applied(target: &mut dyn Session) -> Result<u64, StoreError> {
    let applied = get(target, "applied")?.map(|text| text.parse());
    let applied = applied.transpose();
    let applied = applied.map_err(|_| StoreError::damaged("the replica's state is no number"))?;
    Ok(applied.unwrap_or(0))
}

fn text_of(mut row: Row) -> Result<String, StoreError> {
    let (at, kind, id) = (row.number()?, row.text()?, row.text()?);
    let (version, operation, etag) = (row.maybe_count()?, row.text()?, row.maybe_text()?);
    Ok(json!([at, kind, id, version, operation, etag]).to_string())
}
