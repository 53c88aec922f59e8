//! Following revocations by their events, and the copy of them that an edge keeps.

use super::{COLUMNS, StoredRevocation, revocation_of};
use crate::migrate::{get, set};
use crate::names::check_limit;
use crate::session::{Cell, Session};
use crate::{Page, Store, StoreError, Timestamp};

/// Rows that are written together.
const ROWS: usize = 500;

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS revocations (
    seq BIGINT NOT NULL PRIMARY KEY, event BIGINT NOT NULL UNIQUE, etag TEXT NOT NULL, kind TEXT NOT NULL,
    value TEXT NOT NULL, until BIGINT NOT NULL, cut BIGINT NOT NULL, made_at BIGINT NOT NULL, made_by TEXT NOT NULL,
    note TEXT, lifted_at BIGINT, lifted_by TEXT
);
";
const COPIED: &str =
    "seq, event, etag, kind, value, until, cut, made_at, made_by, note, lifted_at, lifted_by";
/// Value of `meta` up to which ended revocations were removed.
pub(super) const SWEPT: &str = "revocations_swept";

impl Store {
    /// Returns up to `limit` revocations of which something has happened behind event number `event`, in the order of
    /// their events: from 0 all that are stored.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a limit that no page may have.
    pub async fn revocations_after(
        &self,
        event: u64,
        limit: u32,
    ) -> Result<Vec<StoredRevocation>, StoreError> {
        let act = move |session: &mut dyn Session| after(session, event, limit);
        self.engine().read(act).await
    }

    /// Returns revocations, the last ones first, of those in force at a time where one is given. [`Page::after`] is a
    /// revocation's number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page that cannot be.
    pub async fn revocations(
        &self,
        in_force_at: Option<Timestamp>,
        page: &Page,
    ) -> Result<Vec<StoredRevocation>, StoreError> {
        let page = page.clone();
        let act = move |session: &mut dyn Session| list(session, in_force_at, &page);
        self.engine().read(act).await
    }
}

/// Returns revocations behind an event, from a store or a copy.
pub(crate) fn after(
    session: &mut dyn Session,
    event: u64,
    limit: u32,
) -> Result<Vec<StoredRevocation>, StoreError> {
    let limit = check_limit(limit)?;
    let sql = format!("SELECT {COLUMNS} FROM revocations WHERE event > $1 ORDER BY event LIMIT $2");
    let rows = session.query(&sql, vec![event.into(), limit.into()])?;
    rows.into_iter().map(revocation_of).collect()
}

fn list(
    session: &mut dyn Session,
    in_force_at: Option<Timestamp>,
    page: &Page,
) -> Result<Vec<StoredRevocation>, StoreError> {
    let limit = check_limit(page.limit)?;
    let before: i64 = match &page.after {
        None => i64::MAX,
        Some(number) => number
            .parse()
            .map_err(|_| StoreError::invalid("after", "is not the number of a revocation"))?,
    };
    let mut parameters: Vec<Cell> = vec![before.into(), limit.into()];
    let in_force = match in_force_at {
        Some(now) => {
            parameters.push(now.seconds().into());
            "AND lifted_at IS NULL AND until > $3"
        }
        None => "",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM revocations WHERE seq < $1 {in_force} ORDER BY seq DESC LIMIT $2"
    );
    let rows = session.query(&sql, parameters)?;
    rows.into_iter().map(revocation_of).collect()
}

/// Returns the number of the last event, 0 where there was none.
pub(crate) fn last_event(session: &mut dyn Session) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(MAX(event), 0) FROM revocations";
    let row = session.query_first(sql, Vec::new())?;
    row.map_or(Ok(0), |mut row| row.count())
}

/// Makes the table of a copy, if it has none. A copy of a program that knew of no revocations is one without.
pub(crate) fn make_table(target: &mut dyn Session) -> Result<(), StoreError> {
    target.batch(TABLE)
}

/// Takes over what has happened since the last time, or everything where `source` does not have what the copy has.
pub(crate) fn copy(
    target: &mut dyn Session,
    source: &mut dyn Session,
    whole: bool,
) -> Result<(), StoreError> {
    let known = last_event(target)?;
    let known = match !whole && has_event(target, source, known)? {
        true => known,
        false => {
            target.batch("DELETE FROM revocations")?;
            0
        }
    };
    if let Some(swept) = get(source, SWEPT)? {
        sweep_copy(target, &swept)?;
    }
    let select = format!("SELECT {COPIED} FROM revocations WHERE event > $1 ORDER BY event");
    let insert = format!(
        "INSERT OR REPLACE INTO revocations ({COPIED}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    let mut rows = Vec::with_capacity(ROWS);
    source.each_row(&select, &[known.into()], &mut |row| {
        rows.push(row.cells());
        if rows.len() == ROWS {
            target.execute_many(&insert, &rows)?;
            rows.clear();
        }
        Ok(())
    })?;
    target.execute_many(&insert, &rows).map(drop)
}

/// Answers whether the store has the copy's last revocation, and nothing has unhappened to it: a database that was put
/// back has not.
fn has_event(
    target: &mut dyn Session,
    source: &mut dyn Session,
    event: u64,
) -> Result<bool, StoreError> {
    let sql = "SELECT seq, etag, lifted_at FROM revocations WHERE event = $1";
    let Some(mut copied) = target.query_first(sql, vec![event.into()])? else {
        return Ok(true);
    };
    let (seq, etag, lifted_at) = (copied.count()?, copied.text()?, copied.maybe_number()?);
    let sql = "SELECT event, etag, lifted_at FROM revocations WHERE seq = $1";
    let Some(mut stored) = source.query_first(sql, vec![seq.into()])? else {
        return Ok(false);
    };
    let (stored_event, stored_etag) = (stored.count()?, stored.text()?);
    let same =
        stored_event > event || (stored_event == event && stored.maybe_number()? == lifted_at);
    Ok(same && stored_etag == etag)
}

/// Removes from the copy what was removed from the store.
fn sweep_copy(target: &mut dyn Session, swept: &str) -> Result<(), StoreError> {
    if get(target, SWEPT)?.as_deref() == Some(swept) {
        return Ok(());
    }
    let before: i64 = swept
        .parse()
        .map_err(|_| StoreError::damaged("the end of swept revocations is no number"))?;
    let sql =
        "DELETE FROM revocations WHERE until < $1 AND event < (SELECT MAX(event) FROM revocations)";
    target.execute(sql, vec![before.into()])?;
    set(target, SWEPT, swept)
}
