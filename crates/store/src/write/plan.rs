//! Checks the changes of a write against its limits and the stored documents, and plans the new versions.

use std::collections::HashSet;

use serde_json::Value;

use crate::documents::{check_length, check_size, json};
use crate::limits::{CHANGES_MAX, CLAIMS_MAX, REFERENCES_MAX};
use crate::names::check_short;
use crate::revocations::REVOCATION_KIND;
use crate::seal::Sealer;
use crate::session::{Cell, Row, Session};
use crate::{DocumentChange, DocumentName, Expected, SealingKey, StoreError, Write, random};

/// Change that may be made, with all that is written of it.
pub(super) struct Planned<'a> {
    pub(super) change: &'a DocumentChange,
    pub(super) name: DocumentName,
    /// Number of the new version.
    pub(super) number: u64,
    pub(super) etag: String,
    /// Body that is stored now.
    pub(super) before: Option<String>,
    /// New body; `None` deletes.
    pub(super) after: Option<String>,
    /// Time of creation, where the document exists.
    pub(super) created_at: Option<i64>,
}

/// Document as it is before the write.
struct Current {
    last_number: u64,
    etag: Option<String>,
    body: Option<String>,
    created_at: Option<i64>,
}

/// Refuses a write that breaks a limit, before the database is asked.
pub(super) fn check(write: &Write) -> Result<(), StoreError> {
    check_short("operation", &write.operation)?;
    check_short("operator", &write.actor.operator)?;
    if write.changes.len() > CHANGES_MAX {
        let problem = format!("are more than {CHANGES_MAX}: write in parts");
        return Err(StoreError::invalid("changes", problem));
    }
    if let Some(idempotency) = &write.idempotency {
        check_short("idempotency key", &idempotency.key)?;
        check_short("request digest", &idempotency.request_digest)?;
        check_size("response", &idempotency.response)?;
    }
    let mut names = HashSet::new();
    for change in &write.changes {
        change.name().check()?;
        if change.kind == REVOCATION_KIND {
            let problem = "is not one of documents: revocations have their own table";
            return Err(StoreError::invalid("kind", problem));
        }
        if !names.insert((&change.kind, &change.id)) {
            let problem = format!("name {} twice", change.name());
            return Err(StoreError::invalid("changes", problem));
        }
        check_relations(change)?;
    }
    Ok(())
}

fn check_relations(change: &DocumentChange) -> Result<(), StoreError> {
    if change.references.len() > REFERENCES_MAX {
        let problem = format!("are more than {REFERENCES_MAX}");
        return Err(StoreError::invalid("references", problem));
    }
    if change.claims.len() > CLAIMS_MAX {
        let problem = format!("are more than {CLAIMS_MAX}");
        return Err(StoreError::invalid("claims", problem));
    }
    change.references.iter().try_for_each(DocumentName::check)?;
    let mut claims = change.claims.iter();
    claims.try_for_each(|claim| check_short("claims", claim))
}

/// Reads the documents of a write and plans their changes, leaving out those that change nothing.
pub(super) fn plan<'a>(
    session: &mut dyn Session,
    key: &SealingKey,
    write: &'a Write,
) -> Result<Vec<Planned<'a>>, StoreError> {
    let sql = "SELECT (SELECT COALESCE(MAX(number), 0) FROM versions WHERE kind = $1 AND id = $2), \
               d.etag, d.body, d.created_at \
               FROM (SELECT 1) AS one LEFT JOIN documents AS d ON d.kind = $1 AND d.id = $2";
    let names: Vec<Vec<Cell>> = write
        .changes
        .iter()
        .map(|change| vec![(&change.kind).into(), (&change.id).into()])
        .collect();
    let answers = session.query_many(sql, &names)?;
    let mut planned = Vec::with_capacity(answers.len());
    for (change, answer) in write.changes.iter().zip(answers) {
        let row = answer.into_iter().next();
        let current = current_of(row.ok_or_else(|| StoreError::damaged("a query has no row"))?)?;
        check_expected(change, &current)?;
        if change.body.is_some() || current.etag.is_some() {
            planned.push(plan_one(key, change, current)?);
        }
    }
    Ok(planned)
}

fn current_of(mut row: Row) -> Result<Current, StoreError> {
    Ok(Current {
        last_number: row.count()?,
        etag: row.maybe_text()?,
        body: row.maybe_text()?,
        created_at: row.maybe_number()?,
    })
}

fn check_expected(change: &DocumentChange, current: &Current) -> Result<(), StoreError> {
    match (&change.expected, &current.etag) {
        (Expected::Any, _) | (Expected::Absent, None) | (Expected::Exists, Some(_)) => Ok(()),
        (Expected::Absent, Some(_)) => Err(StoreError::Exists(change.name())),
        (Expected::Exists | Expected::Etag(_), None) => Err(StoreError::NotFound(change.name())),
        (Expected::Etag(expected), Some(etag)) if expected == etag => Ok(()),
        (Expected::Etag(_), Some(etag)) => Err(StoreError::Stale {
            name: change.name(),
            current: etag.clone(),
        }),
    }
}

fn plan_one<'a>(
    key: &SealingKey,
    change: &'a DocumentChange,
    current: Current,
) -> Result<Planned<'a>, StoreError> {
    let name = change.name();
    let body = change.body.as_ref();
    let after = body.map(|body| sealed_text(key, change, &current, body));
    Ok(Planned {
        change,
        name,
        number: current.last_number + 1,
        etag: random::etag()?,
        before: current.body,
        after: after.transpose()?,
        created_at: current.created_at,
    })
}

fn sealed_text(
    key: &SealingKey,
    change: &DocumentChange,
    current: &Current,
    body: &Value,
) -> Result<String, StoreError> {
    let stored = match &current.body {
        Some(text) if !change.secrets.is_empty() => Some(json(text)?),
        Some(_) | None => None,
    };
    let sealer = Sealer {
        key,
        name: &change.name(),
        current: stored.as_ref(),
    };
    let text = sealer.seal(body.clone(), &change.secrets)?.to_string();
    check_length("body", text.len())?;
    Ok(text)
}
