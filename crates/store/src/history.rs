//! Telling one history of a store from another: a database that was put back gives the same numbers to other changes.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::changes::last_change;
use crate::seal::hex;
use crate::session::{Row, Session};
use crate::{Store, StoreError};

/// A change of a store, with what tells it from every other of the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeMark {
    /// Number of the change, 0 before the first.
    pub seq: u64,
    /// SHA-256 of the change and of the ETag of the version that it wrote, in hexadecimal digits.
    pub digest: String,
}

/// The history of a store at one moment, seen from a change that was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Last change.
    pub last: ChangeMark,
    /// Whether the known change is in the history; true where none was known.
    pub has_known: bool,
}

impl Store {
    /// Returns the last change, and whether the history has the `known` one. It has not if the database was put back to
    /// an older state, or if another was put in its place, unless that was restored from a backup with the change.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn history(&self, known: Option<&ChangeMark>) -> Result<History, StoreError> {
        let known = known.cloned();
        let act = move |session: &mut dyn Session| {
            let seq = last_change(session)?;
            let last = mark_of(session, seq)?;
            let last = last.ok_or_else(|| StoreError::damaged("the last change is missing"))?;
            let has_known = match &known {
                None => true,
                Some(known) => mark_of(session, known.seq)?.as_ref() == Some(known),
            };
            Ok(History { last, has_known })
        };
        self.engine().snapshot(act).await
    }
}

/// A deletion has a version too, whose number is not in the change. Of several in one second the first is taken: it
/// stays the first. A revocation has an ETag of its own, and its change has its number.
const CHANGE: &str = "SELECT c.at, c.kind, c.id, c.version, c.operation, \
    COALESCE((SELECT v.etag FROM versions AS v WHERE v.kind = c.kind AND v.id = c.id \
     AND (v.number = c.version OR (c.version IS NULL AND v.body IS NULL AND v.at = c.at)) \
     ORDER BY v.number LIMIT 1), \
    (SELECT r.etag FROM revocations AS r WHERE c.kind = 'revocation' AND r.seq = c.version)) \
    FROM changes AS c WHERE c.seq = $1";

/// Returns change number `seq` and the ETag of the version that it wrote as one text, which no other change has, for
/// ETags are random: empty for number 0, `None` where there is no such change.
pub(crate) fn change_text(
    session: &mut dyn Session,
    seq: u64,
) -> Result<Option<String>, StoreError> {
    if seq == 0 {
        return Ok(Some(String::new()));
    }
    let row = session.query_first(CHANGE, vec![seq.into()])?;
    row.map(text_of).transpose()
}

fn mark_of(session: &mut dyn Session, seq: u64) -> Result<Option<ChangeMark>, StoreError> {
    let text = change_text(session, seq)?;
    Ok(text.map(|text| ChangeMark {
        seq,
        digest: hex(digest(&SHA256, text.as_bytes()).as_ref()),
    }))
}

fn text_of(mut row: Row) -> Result<String, StoreError> {
    let (at, kind, id) = (row.number()?, row.text()?, row.text()?);
    let (version, operation, etag) = (row.maybe_count()?, row.text()?, row.maybe_text()?);
    Ok(json!([at, kind, id, version, operation, etag]).to_string())
}
