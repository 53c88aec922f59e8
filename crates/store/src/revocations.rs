//! Revocations: what is refused from now on. Edges follow them by the numbers of their events.
//!
//! Each transaction that revokes or lifts is one change of the feed, so that everybody who follows that wakes.

mod feed;
mod kinds;
mod many;
mod sweep;

pub(crate) use feed::{after, copy, last_event, make_table};
pub use kinds::Revoked;
pub use many::RevokedLinks;
pub use sweep::Swept;

use serde_json::json;

use crate::audit::{self, Entry, Outcome};
use crate::changes;
use crate::limits::REVOCATIONS_MAX;
use crate::names::check_short;
use crate::session::{Cell, Row, Session};
use crate::{Actor, DocumentName, SealingKey, Store, StoreError, Timestamp, random};

/// Kind of the changes that revocations make in the feed. No document may have it.
pub(crate) const REVOCATION_KIND: &str = "revocation";

/// Revocation to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevocation {
    /// What is refused.
    pub what: Revoked,
    /// End of the revocation: that of the links that it is about.
    pub until: Timestamp,
    /// Whether running transfers are cut.
    pub cut: bool,
    /// Note for people.
    pub note: Option<String>,
}

/// Revocation as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRevocation {
    /// Number of the revocation, from 1.
    pub seq: u64,
    /// Number of the last event of the revocation: it was made, or it was lifted. No other revocation has it.
    pub event: u64,
    /// The revocation.
    pub revocation: NewRevocation,
    /// Time at which it was made.
    pub made_at: Timestamp,
    /// Operator who made it.
    pub made_by: String,
    /// Time at which it was lifted, and the operator who did it.
    pub lifted: Option<(Timestamp, String)>,
}

impl Store {
    /// Revokes: from now on the links are refused. A link that is revoked for as long and cut as well is not revoked
    /// twice: its revocation is returned.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for what breaks a limit, an end in the past, or more revocations than are allowed.
    pub async fn revoke(
        &self,
        new: &NewRevocation,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<StoredRevocation, StoreError> {
        new.what.check()?;
        check_short("operator", &actor.operator)?;
        new.note
            .as_deref()
            .map_or(Ok(()), |note| check_short("note", note))?;
        if new.until <= now {
            return Err(StoreError::invalid("until", "is in the past"));
        }
        let (new, trail) = (new.clone(), self.revocation_trail(actor, now));
        let act = move |session: &mut dyn Session| revoke(session, &new, &trail);
        self.engine().write(act).await
    }

    /// Lifts a revocation: what it refused is served again, unless another one refuses it. One that is lifted stays
    /// so.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn lift(
        &self,
        seq: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<StoredRevocation, StoreError> {
        check_short("operator", &actor.operator)?;
        let trail = self.revocation_trail(actor, now);
        let act = move |session: &mut dyn Session| lift(session, seq, &trail);
        self.engine().write(act).await
    }

    /// Returns a revocation, or `None`.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn revocation(&self, seq: u64) -> Result<Option<StoredRevocation>, StoreError> {
        let act = move |session: &mut dyn Session| one(session, seq);
        self.engine().look_up(act).await
    }

    fn revocation_trail(&self, actor: &Actor, at: Timestamp) -> Trail {
        Trail {
            key: self.inner.key.clone(),
            actor: actor.clone(),
            at,
        }
    }
}

/// Who revokes, for the audit trail.
struct Trail {
    key: SealingKey,
    actor: Actor,
    at: Timestamp,
}

impl Trail {
    fn append(
        &self,
        session: &mut dyn Session,
        operation: &str,
        seq: u64,
        (before, after): (Option<&str>, Option<&str>),
    ) -> Result<(), StoreError> {
        let name = name_of(seq);
        let entry = Entry {
            actor: &self.actor,
            at: self.at,
            operation,
            outcome: Outcome::Done,
            document: Some(&name),
            before,
            after,
            detail: None,
        };
        audit::append(session, &self.key, &[entry]).map(drop)
    }
}

const COLUMNS: &str =
    "seq, event, kind, value, until, cut, note, made_at, made_by, lifted_at, lifted_by";

fn revoke(
    session: &mut dyn Session,
    new: &NewRevocation,
    trail: &Trail,
) -> Result<StoredRevocation, StoreError> {
    if let Some(existing) = as_good(session, new)? {
        return Ok(existing);
    }
    check_room(session, 1, trail.at)?;
    let (seq, event) = (last_seq(session)? + 1, last_event(session)? + 1);
    let sql = "INSERT INTO revocations (seq, event, etag, kind, value, until, cut, note, made_at, made_by) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let parameters = vec![
        seq.into(),
        event.into(),
        random::etag()?.into(),
        new.what.kind().into(),
        new.what.value().into(),
        new.until.seconds().into(),
        i64::from(new.cut).into(),
        new.note.as_ref().into(),
        trail.at.seconds().into(),
        (&trail.actor.operator).into(),
    ];
    session.execute(sql, parameters)?;
    mark_links(session, &new.what, seq)?;
    changed(session, "revoke", seq, trail.at)?;
    let after = body(new);
    trail.append(session, "revoke", seq, (None, Some(&after)))?;
    one(session, seq)?.ok_or_else(|| StoreError::damaged("a revocation is missing"))
}

fn lift(
    session: &mut dyn Session,
    seq: u64,
    trail: &Trail,
) -> Result<StoredRevocation, StoreError> {
    let found = one(session, seq)?.ok_or_else(|| StoreError::NotFound(name_of(seq)))?;
    if found.lifted.is_some() {
        return Ok(found);
    }
    let event = last_event(session)? + 1;
    let sql = "UPDATE revocations SET event = $2, lifted_at = $3, lifted_by = $4 WHERE seq = $1";
    let parameters = vec![
        seq.into(),
        event.into(),
        trail.at.seconds().into(),
        (&trail.actor.operator).into(),
    ];
    session.execute(sql, parameters)?;
    // Another revocation may refuse the same link.
    let sql = "UPDATE links SET revoked_by = (SELECT MAX(r.seq) FROM revocations AS r WHERE r.lifted_at IS NULL \
               AND r.made_at >= links.made_at AND ((r.kind = 'link' AND r.value = links.digest) \
               OR (r.kind = 'key' AND r.value = links.key_pair_id) \
               OR (r.kind = 'subject' AND r.value = links.subject_digest))) WHERE revoked_by = $1";
    session.execute(sql, vec![seq.into()])?;
    changed(session, "lift_revocation", seq, trail.at)?;
    let before = body(&found.revocation);
    trail.append(session, "lift_revocation", seq, (Some(&before), None))?;
    one(session, seq)?.ok_or_else(|| StoreError::damaged("a revocation is missing"))
}

/// Writes into registered links that they are revoked. No registered link was made after the revocation; those of an
/// object pattern are told by the edges alone.
fn mark_links(session: &mut dyn Session, what: &Revoked, seq: u64) -> Result<(), StoreError> {
    let column = match what {
        Revoked::Link(_) => "digest",
        Revoked::Key(_) => "key_pair_id",
        Revoked::Subject(_) => "subject_digest",
        Revoked::Object { .. } => return Ok(()),
    };
    let sql =
        format!("UPDATE links SET revoked_by = $1 WHERE {column} = $2 AND revoked_by IS NULL");
    session
        .execute(&sql, vec![seq.into(), what.value().into()])
        .map(drop)
}

/// Returns a revocation of the same link that is in force for as long.
fn as_good(
    session: &mut dyn Session,
    new: &NewRevocation,
) -> Result<Option<StoredRevocation>, StoreError> {
    let Revoked::Link(digest) = &new.what else {
        // Links that were made since the one before are not refused by it.
        return Ok(None);
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM revocations WHERE kind = 'link' AND value = $1 AND lifted_at IS NULL \
         AND until >= $2 AND cut >= $3 ORDER BY seq DESC LIMIT 1"
    );
    let parameters = vec![
        (*digest).into(),
        new.until.seconds().into(),
        i64::from(new.cut).into(),
    ];
    let row = session.query_first(&sql, parameters)?;
    row.map(revocation_of).transpose()
}

/// Refuses more revocations than edges keep in memory.
fn check_room(session: &mut dyn Session, count: u64, now: Timestamp) -> Result<(), StoreError> {
    // Most stores are far from it, and counting so many rows takes a while.
    if last_seq(session)? + count <= REVOCATIONS_MAX {
        return Ok(());
    }
    let sql = "SELECT COUNT(*) FROM revocations WHERE lifted_at IS NULL AND until > $1";
    let row = session.query_first(sql, vec![now.seconds().into()])?;
    let live = row.map_or(Ok(0), |mut row| row.count())?;
    if live + count <= REVOCATIONS_MAX {
        return Ok(());
    }
    let problem = format!(
        "would be {} in force, and {REVOCATIONS_MAX} are allowed: revoke the key or the objects instead",
        live + count
    );
    Err(StoreError::invalid("revocations", problem))
}

fn last_seq(session: &mut dyn Session) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(MAX(seq), 0) FROM revocations";
    let row = session.query_first(sql, Vec::new())?;
    row.map_or(Ok(0), |mut row| row.count())
}

/// Writes the change by which followers wake.
fn changed(
    session: &mut dyn Session,
    operation: &str,
    seq: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let number = changes::last_change(session)? + 1;
    let sql = "INSERT INTO changes (seq, at, kind, id, version, operation) VALUES ($1, $2, $3, $4, $5, $6)";
    let parameters: Vec<Cell> = vec![
        number.into(),
        at.seconds().into(),
        REVOCATION_KIND.into(),
        seq.to_string().into(),
        seq.into(),
        operation.into(),
    ];
    session.execute(sql, parameters).map(drop)
}

fn one(session: &mut dyn Session, seq: u64) -> Result<Option<StoredRevocation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM revocations WHERE seq = $1");
    let row = session.query_first(&sql, vec![seq.into()])?;
    row.map(revocation_of).transpose()
}

fn revocation_of(mut row: Row) -> Result<StoredRevocation, StoreError> {
    let (seq, event) = (row.count()?, row.count()?);
    let (kind, value) = (row.text()?, row.text()?);
    let revocation = NewRevocation {
        what: Revoked::stored(&kind, value)?,
        until: Timestamp::from_seconds(row.number()?),
        cut: row.number()? != 0,
        note: row.maybe_text()?,
    };
    let (made_at, made_by) = (Timestamp::from_seconds(row.number()?), row.text()?);
    let lifted_at = row.maybe_number()?.map(Timestamp::from_seconds);
    Ok(StoredRevocation {
        seq,
        event,
        revocation,
        made_at,
        made_by,
        lifted: lifted_at.zip(row.maybe_text()?),
    })
}

fn body(new: &NewRevocation) -> String {
    json!({
        "kind": new.what.kind(),
        "value": new.what.value(),
        "until": new.until.seconds(),
        "cut": new.cut,
        "note": new.note,
    })
    .to_string()
}

fn name_of(seq: u64) -> DocumentName {
    DocumentName::new(REVOCATION_KIND, seq.to_string())
}
