//! Removing what has ended long ago.

use super::feed::SWEPT;
use crate::limits::SWEEP_ROWS_MAX;
use crate::migrate::{get, set};
use crate::session::Session;
use crate::{Store, StoreError, Timestamp};

/// Rows that a sweep has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Links, with their uses and what the ledger has of them.
    pub links: u64,
    /// Revocations.
    pub revocations: u64,
}

impl Swept {
    /// Answers whether there may be more to remove.
    #[must_use]
    pub fn has_more(&self) -> bool {
        let most = u64::from(SWEEP_ROWS_MAX);
        self.links >= most || self.revocations >= most
    }
}

impl Store {
    /// Removes links and revocations that have ended before a time, which should be a month ago, and no more than
    /// [`SWEEP_ROWS_MAX`] of each: nobody shall wait long for the transaction. A link that is removed is still refused,
    /// for it has ended.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn sweep_links(&self, ended_before: Timestamp) -> Result<Swept, StoreError> {
        let act = move |session: &mut dyn Session| {
            Ok(Swept {
                links: sweep_links(session, ended_before)?,
                revocations: sweep_revocations(session, ended_before)?,
            })
        };
        self.engine().write(act).await
    }
}

fn sweep_links(session: &mut dyn Session, ended_before: Timestamp) -> Result<u64, StoreError> {
    let parameters = || {
        vec![
            ended_before.seconds().into(),
            i64::from(SWEEP_ROWS_MAX).into(),
        ]
    };
    let sql = "DELETE FROM ledger WHERE digest IN \
               (SELECT digest FROM links WHERE ends_at < $1 ORDER BY ends_at, number LIMIT $2)";
    session.execute(sql, parameters())?;
    let sql = "DELETE FROM links WHERE number IN \
               (SELECT number FROM links WHERE ends_at < $1 ORDER BY ends_at, number LIMIT $2)";
    session.execute(sql, parameters())
}

/// The last of all stays, so that no number is given twice; and so does that of the last event.
fn sweep_revocations(
    session: &mut dyn Session,
    ended_before: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM revocations WHERE seq IN \
               (SELECT seq FROM revocations WHERE until < $1 ORDER BY until, seq LIMIT $2) \
               AND seq < (SELECT MAX(seq) FROM revocations) \
               AND event < (SELECT MAX(event) FROM revocations)";
    let parameters = vec![
        ended_before.seconds().into(),
        i64::from(SWEEP_ROWS_MAX).into(),
    ];
    let removed = session.execute(sql, parameters)?;
    // Copies remove all that ended before: nothing may be left here of it.
    if removed > 0 && removed < u64::from(SWEEP_ROWS_MAX) {
        let known = get(session, SWEPT)?.and_then(|text| text.parse().ok());
        let swept = known.map_or(ended_before.seconds(), |known: i64| {
            known.max(ended_before.seconds())
        });
        set(session, SWEPT, &swept.to_string())?;
    }
    Ok(removed)
}
