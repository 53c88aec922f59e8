//! Filling a replica: all of a store, or what has changed since the last time, from one state of the store.

use std::collections::HashMap;

use crate::changes::{change_of, last_change};
use crate::migrate::{get, set};
use crate::revocations::{self, REVOCATION_KIND};
use crate::session::{Cell, Mode, Row, Session};
use crate::{Change, DocumentName, StoreError};

use super::CaughtUp;
use super::mark::{self, Mark};

/// Form of the replica's tables. One of another form is emptied: it is a copy.
const FORM: &str = "1";
/// Rows that are written together.
const ROWS: usize = 500;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, made_by TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE IF NOT EXISTS document_references (
    kind TEXT NOT NULL, id TEXT NOT NULL, to_kind TEXT NOT NULL, to_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, to_kind, to_id)
);
CREATE INDEX IF NOT EXISTS document_references_to ON document_references (to_kind, to_id);
";
const DROP: &str = "DROP TABLE IF EXISTS documents; DROP TABLE IF EXISTS document_references; \
                    DROP TABLE IF EXISTS revocations; DROP TABLE IF EXISTS meta;";

/// Makes the tables; returns the number of the last change that the replica has.
pub(super) fn prepare(session: &mut dyn Session) -> Result<u64, StoreError> {
    session.begin(Mode::Prepare)?;
    let outcome = make_tables(session).and_then(|applied| session.commit().map(|()| applied));
    if outcome.is_err() {
        session.rollback();
    }
    outcome
}

fn make_tables(session: &mut dyn Session) -> Result<u64, StoreError> {
    session.batch(TABLES)?;
    if get(session, "form")?.as_deref() != Some(FORM) {
        session.batch(DROP)?;
        session.batch(TABLES)?;
        set(session, "form", FORM)?;
    }
    // Not part of the form: a copy that was filled before there were revocations stays of use.
    revocations::make_table(session)?;
    mark::applied(session)
}

/// Writes to `target` what has changed in `source`, which shows one state of the store.
pub(super) fn fill(
    target: &mut dyn Session,
    source: &mut dyn Session,
    store_id: &str,
) -> Result<CaughtUp, StoreError> {
    let known = Mark::read(target)?;
    let (caught_up, mark) = changed_since(source, store_id, known.as_ref())?;
    if caught_up.whole {
        copy_all(target, source)?;
    } else {
        copy_changed(target, source, &caught_up.changed)?;
    }
    revocations::copy(target, source, caught_up.whole)?;
    if known.as_ref() != Some(&mark) {
        mark.write(target)?;
    }
    Ok(caught_up)
}

/// Returns what has changed since `known`, or that everything has, and the mark of the store's last change.
pub(super) fn changed_since(
    source: &mut dyn Session,
    store_id: &str,
    known: Option<&Mark>,
) -> Result<(CaughtUp, Mark), StoreError> {
    let seq = last_change(source)?;
    let mark = Mark::of(source, store_id, seq)?;
    let mark = mark.ok_or_else(|| StoreError::damaged("the last change is missing"))?;
    let mut caught_up = CaughtUp {
        seq,
        changed: Vec::new(),
        last_revocation: revocations::last_event(source)?,
        whole: true,
    };
    if let Some(known) = known
        && known.is_in(source, store_id)?
    {
        caught_up.whole = false;
        caught_up.changed = changes_after(source, known.seq)?;
    }
    Ok((caught_up, mark))
}

/// Returns the last change behind number `seq` of each document, oldest first. Revocations are followed by their own
/// numbers.
fn changes_after(source: &mut dyn Session, seq: u64) -> Result<Vec<Change>, StoreError> {
    let mut last: HashMap<DocumentName, Change> = HashMap::new();
    let sql =
        "SELECT seq, at, kind, id, version, operation FROM changes WHERE seq > $1 ORDER BY seq";
    source.each_row(sql, &[seq.into()], &mut |row| {
        let change = change_of(row)?;
        if change.kind != REVOCATION_KIND {
            last.insert(DocumentName::new(&change.kind, &change.id), change);
        }
        Ok(())
    })?;
    let mut changed: Vec<Change> = last.into_values().collect();
    changed.sort_unstable_by_key(|change| change.seq);
    Ok(changed)
}

const DOCUMENT_COLUMNS: &str = "kind, id, version, etag, body, created_at, updated_at, made_by";
const REFERENCE_COLUMNS: &str = "kind, id, to_kind, to_id";
const INSERT_DOCUMENT: &str = "INSERT INTO documents \
    (kind, id, version, etag, body, created_at, updated_at, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const INSERT_REFERENCE: &str =
    "INSERT INTO document_references (kind, id, to_kind, to_id) VALUES ($1, $2, $3, $4)";

fn copy_all(target: &mut dyn Session, source: &mut dyn Session) -> Result<(), StoreError> {
    target.batch("DELETE FROM documents; DELETE FROM document_references")?;
    let sql = format!("SELECT {DOCUMENT_COLUMNS} FROM documents ORDER BY kind, id");
    copy_rows(target, source, &sql, INSERT_DOCUMENT)?;
    let sql = format!("SELECT {REFERENCE_COLUMNS} FROM document_references");
    copy_rows(target, source, &sql, INSERT_REFERENCE)
}

fn copy_rows(
    target: &mut dyn Session,
    source: &mut dyn Session,
    select: &str,
    insert: &str,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(ROWS);
    source.each_row(select, &[], &mut |row| {
        rows.push(row.cells());
        if rows.len() == ROWS {
            target.execute_many(insert, &rows)?;
            rows.clear();
        }
        Ok(())
    })?;
    target.execute_many(insert, &rows).map(drop)
}

fn copy_changed(
    target: &mut dyn Session,
    source: &mut dyn Session,
    changed: &[Change],
) -> Result<(), StoreError> {
    let document = format!("SELECT {DOCUMENT_COLUMNS} FROM documents WHERE kind = $1 AND id = $2");
    let references =
        format!("SELECT {REFERENCE_COLUMNS} FROM document_references WHERE kind = $1 AND id = $2");
    for changed in changed.chunks(ROWS) {
        let names = changed
            .iter()
            .map(|change| vec![(&change.kind).into(), (&change.id).into()]);
        let names: Vec<Vec<Cell>> = names.collect();
        target.execute_many("DELETE FROM documents WHERE kind = $1 AND id = $2", &names)?;
        let sql = "DELETE FROM document_references WHERE kind = $1 AND id = $2";
        target.execute_many(sql, &names)?;
        let rows = flat(source.query_many(&document, &names)?);
        target.execute_many(INSERT_DOCUMENT, &rows)?;
        let rows = flat(source.query_many(&references, &names)?);
        target.execute_many(INSERT_REFERENCE, &rows)?;
    }
    Ok(())
}

fn flat(answers: Vec<Vec<Row>>) -> Vec<Vec<Cell>> {
    answers.into_iter().flatten().map(Row::cells).collect()
}
