//! Makes the planned changes of a write, and checks what has to hold after them.

use std::collections::HashSet;

use super::plan::{self, Planned};
use crate::audit::{self, Entry, Outcome};
use crate::changes::last_change;
use crate::documents::used_by;
use crate::limits::USERS_NAMED_MAX;
use crate::session::{Cell, Session};
use crate::{DocumentName, SealingKey, StoreError, Write, Written, WrittenDocument, idempotency};

/// Makes all changes of `write` in the transaction that is open.
pub(super) fn write(
    session: &mut dyn Session,
    key: &SealingKey,
    write: &Write,
) -> Result<Written, StoreError> {
    plan::check(write)?;
    idempotency::refuse_repeated(session, write)?;
    let planned = plan::plan(session, key, write)?;
    let first = last_change(session)? + 1;
    store_documents(session, write, &planned)?;
    store_relations(session, &planned)?;
    store_changes(session, write, &planned, first)?;
    let entries = planned.iter().map(|planned| entry(write, planned));
    audit::append(session, key, &entries.collect::<Vec<_>>())?;
    check_references(session, &planned)?;
    check_deleted(session, &planned)?;
    let written = Written {
        change: first - 1 + u64::try_from(planned.len()).unwrap_or(u64::MAX),
        documents: planned.iter().filter_map(written_document).collect(),
    };
    idempotency::remember(session, write, &written)?;
    Ok(written)
}

fn store_documents(
    session: &mut dyn Session,
    write: &Write,
    planned: &[Planned<'_>],
) -> Result<(), StoreError> {
    let at = write.at.seconds();
    let operator = &write.actor.operator;
    let versions = planned.iter().map(|planned| {
        vec![
            (&planned.name.kind).into(),
            (&planned.name.id).into(),
            planned.number.into(),
            (&planned.etag).into(),
            planned.after.as_ref().into(),
            at.into(),
            operator.into(),
            (&write.operation).into(),
        ]
    });
    let sql = "INSERT INTO versions (kind, id, number, etag, body, at, made_by, operation) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    session.execute_many(sql, &versions.collect::<Vec<_>>())?;

    let documents = planned.iter().filter_map(|planned| {
        Some(vec![
            (&planned.name.kind).into(),
            (&planned.name.id).into(),
            planned.number.into(),
            (&planned.etag).into(),
            planned.after.as_ref()?.into(),
            planned.created_at.unwrap_or(at).into(),
            at.into(),
            operator.into(),
        ])
    });
    let sql = "INSERT INTO documents (kind, id, version, etag, body, created_at, updated_at, made_by) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, etag = excluded.etag, \
               body = excluded.body, updated_at = excluded.updated_at, made_by = excluded.made_by";
    session.execute_many(sql, &documents.collect::<Vec<_>>())?;

    let deleted = planned.iter().filter(|planned| planned.after.is_none());
    let deleted: Vec<Vec<Cell>> = deleted.map(|planned| cells(&planned.name)).collect();
    session.execute_many(
        "DELETE FROM documents WHERE kind = $1 AND id = $2",
        &deleted,
    )?;
    Ok(())
}

/// Replaces the references and claims of all documents: first all old ones go, so that a claim may move between two.
fn store_relations(session: &mut dyn Session, planned: &[Planned<'_>]) -> Result<(), StoreError> {
    let existing = planned.iter().filter(|planned| planned.before.is_some());
    let existing: Vec<Vec<Cell>> = existing.map(|planned| cells(&planned.name)).collect();
    let sql = "DELETE FROM document_references WHERE kind = $1 AND id = $2";
    session.execute_many(sql, &existing)?;
    session.execute_many("DELETE FROM claims WHERE kind = $1 AND id = $2", &existing)?;

    let kept = || planned.iter().filter(|planned| planned.after.is_some());
    let references = kept().flat_map(|planned| {
        let to = planned.change.references.iter();
        to.map(|to| [cells(&planned.name), cells(to)].concat())
    });
    let sql = "INSERT INTO document_references (kind, id, to_kind, to_id) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (kind, id, to_kind, to_id) DO NOTHING";
    session.execute_many(sql, &references.collect::<Vec<_>>())?;

    let mut seen = HashSet::new();
    let claims: Vec<(&String, &DocumentName)> = kept()
        .flat_map(|planned| {
            planned
                .change
                .claims
                .iter()
                .map(|claim| (claim, &planned.name))
        })
        .filter(|claim| seen.insert(*claim))
        .collect();
    let rows = claims.iter().map(|(claim, name)| {
        let mut row = vec![Cell::from(*claim)];
        row.extend(cells(name));
        row
    });
    let sql =
        "INSERT INTO claims (name, kind, id) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    let stored = session.execute_many(sql, &rows.collect::<Vec<_>>())?;
    let refused = stored.iter().position(|count| *count == 0);
    match refused.and_then(|index| claims.get(index)) {
        Some((claim, _)) => Err(claimed(session, claim)?),
        None => Ok(()),
    }
}

fn claimed(session: &mut dyn Session, claim: &str) -> Result<StoreError, StoreError> {
    let sql = "SELECT kind, id FROM claims WHERE name = $1";
    let row = session.query_first(sql, vec![claim.into()])?;
    let mut row = row.ok_or_else(|| StoreError::damaged("a claim is nobody's"))?;
    Ok(StoreError::Claimed {
        name: claim.to_owned(),
        by: DocumentName::new(row.text()?, row.text()?),
    })
}

fn store_changes(
    session: &mut dyn Session,
    write: &Write,
    planned: &[Planned<'_>],
    first: u64,
) -> Result<(), StoreError> {
    let rows = (first..).zip(planned).map(|(seq, planned)| {
        vec![
            seq.into(),
            write.at.seconds().into(),
            (&planned.name.kind).into(),
            (&planned.name.id).into(),
            planned.after.as_ref().map(|_| planned.number).into(),
            (&write.operation).into(),
        ]
    });
    let sql = "INSERT INTO changes (seq, at, kind, id, version, operation) VALUES ($1, $2, $3, $4, $5, $6)";
    session.execute_many(sql, &rows.collect::<Vec<_>>())?;
    Ok(())
}

/// Refuses a reference to a document that does not exist now that all changes are made.
fn check_references(session: &mut dyn Session, planned: &[Planned<'_>]) -> Result<(), StoreError> {
    let kept = planned.iter().filter(|planned| planned.after.is_some());
    let mut seen = HashSet::new();
    let references: Vec<(&DocumentName, &DocumentName)> = kept
        .flat_map(|planned| {
            planned
                .change
                .references
                .iter()
                .map(|to| (&planned.name, to))
        })
        .filter(|(_, to)| seen.insert(*to))
        .collect();
    let rows: Vec<Vec<Cell>> = references.iter().map(|(_, to)| cells(to)).collect();
    let answers = session.query_many(
        "SELECT id FROM documents WHERE kind = $1 AND id = $2",
        &rows,
    )?;
    let missing = answers.iter().position(Vec::is_empty);
    match missing.and_then(|index| references.get(index)) {
        Some((from, to)) => Err(StoreError::NoSuchReference {
            from: (*from).clone(),
            to: (*to).clone(),
        }),
        None => Ok(()),
    }
}

/// Refuses to delete a document to which others refer; those of the same write no longer do.
fn check_deleted(session: &mut dyn Session, planned: &[Planned<'_>]) -> Result<(), StoreError> {
    for planned in planned.iter().filter(|planned| planned.after.is_none()) {
        let by = used_by(session, &planned.name, i64::from(USERS_NAMED_MAX))?;
        if !by.is_empty() {
            let name = planned.name.clone();
            return Err(StoreError::InUse { name, by });
        }
    }
    Ok(())
}

fn entry<'a>(write: &'a Write, planned: &'a Planned<'_>) -> Entry<'a> {
    Entry {
        actor: &write.actor,
        at: write.at,
        operation: &write.operation,
        outcome: Outcome::Done,
        document: Some(&planned.name),
        before: planned.before.as_deref(),
        after: planned.after.as_deref(),
        detail: None,
    }
}

fn written_document(planned: &Planned<'_>) -> Option<WrittenDocument> {
    planned.after.as_ref().map(|_| WrittenDocument {
        name: planned.name.clone(),
        etag: planned.etag.clone(),
        version: planned.number,
    })
}

fn cells(name: &DocumentName) -> Vec<Cell> {
    vec![(&name.kind).into(), (&name.id).into()]
}
