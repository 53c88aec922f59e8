//! Brings what is revoked to the edge, in the order in which it was revoked and lifted.

use privet_distribution::links::{
    ObjectPattern, RevocationChange, RevocationEntry, RevocationTable, Revoked,
};
use privet_edge::{EdgeLinks, standard_error};
use privet_sign::{LinkId, SubjectDigest, Timestamp};
use privet_store::{StoreError, StoredRevocation, View};
use std::sync::Arc;

/// Revocations that are read together.
const PAGE: u32 = 500;

/// How far the edge has the store's revocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Revoking {
    /// Number of the last event that the edge's table has.
    event: u64,
}

impl Revoking {
    /// Reads everything that is revoked into a new table.
    pub(super) fn whole(view: &mut View) -> Result<(Arc<RevocationTable>, Self), StoreError> {
        let table = Arc::new(RevocationTable::new());
        let mut revoking = Revoking::default();
        revoking.read(view, |changes| apply(changes, |all| table.apply(all)))?;
        Ok((table, revoking))
    }

    /// Brings the edge's table to what the view has.
    pub(super) fn take_over(
        &mut self,
        view: &mut View,
        links: &EdgeLinks,
    ) -> Result<(), StoreError> {
        self.read(view, |changes| apply(changes, |all| links.apply(all)))
    }

    /// Replaces the edge's table by one with what the view has.
    pub(super) fn renew(&mut self, view: &mut View, links: &EdgeLinks) -> Result<(), StoreError> {
        let (table, revoking) = Self::whole(view)?;
        links.replace(table);
        *self = revoking;
        Ok(())
    }

    fn read(
        &mut self,
        view: &mut View,
        mut each: impl FnMut(&[RevocationChange]),
    ) -> Result<(), StoreError> {
        loop {
            let page = view.revocations_after(self.event, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            let event = last.event;
            let changes: Vec<RevocationChange> = page.iter().filter_map(change_of).collect();
            each(&changes);
            self.event = event;
        }
    }
}

fn apply(
    changes: &[RevocationChange],
    to: impl FnOnce(&[RevocationChange]) -> Result<(), Vec<privet_distribution::links::NotTaken>>,
) {
    for refused in to(changes).err().into_iter().flatten() {
        standard_error::warning(format_args!(
            "revocation {} is not in force on this edge: {}",
            refused.revocation,
            refused.why.token()
        ));
    }
}

/// Returns what an edge does about a revocation; `None` if it cannot do anything, which is told.
fn change_of(stored: &StoredRevocation) -> Option<RevocationChange> {
    if stored.lifted.is_some() {
        return Some(RevocationChange::Lifted(stored.seq));
    }
    let what = match &stored.revocation.what {
        privet_store::Revoked::Link(digest) => {
            Revoked::Link(LinkId::from_bytes(*digest.as_bytes()))
        }
        privet_store::Revoked::Key(id) => Revoked::Key(id.clone()),
        privet_store::Revoked::Subject(digest) => {
            Revoked::Subject(SubjectDigest::from_bytes(*digest.as_bytes()))
        }
        privet_store::Revoked::Object { host, path } => {
            match ObjectPattern::parse(&format!("{host}{path}")) {
                Ok(pattern) => Revoked::Object(pattern),
                Err(error) => {
                    standard_error::warning(format_args!(
                        "revocation {} is not in force: its object {error}",
                        stored.seq
                    ));
                    return None;
                }
            }
        }
    };
    Some(RevocationChange::Made(RevocationEntry {
        seq: stored.seq,
        what,
        until: moment(stored.revocation.until),
        cut: stored.revocation.cut,
        made: moment(stored.made_at),
    }))
}

fn moment(at: privet_store::Timestamp) -> Timestamp {
    Timestamp::from_secs(u64::try_from(at.seconds()).unwrap_or_default())
}
