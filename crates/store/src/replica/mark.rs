//! How far a replica is, with enough of the last change to notice that its database was put back or replaced.

use crate::StoreError;
use crate::history::change_text;
use crate::migrate::{get, set};
use crate::session::Session;

/// Last change that a replica has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Random id of the store.
    store_id: String,
    /// Number of the change, 0 where there was none.
    pub(super) seq: u64,
    /// The change and the ETag of the version that it wrote, empty where there was none.
    change: String,
}

impl Mark {
    /// Reads change number `seq` of a store; `None` where there is none.
    pub(super) fn of(
        source: &mut dyn Session,
        store_id: &str,
        seq: u64,
    ) -> Result<Option<Self>, StoreError> {
        let change = change_text(source, seq)?;
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
