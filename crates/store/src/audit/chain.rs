//! The chain of hashes over the audit trail: each entry's hash covers the entry and the hash before it.
//!
//! The hash has a key, so that whoever can write to the database alone cannot make a chain that holds. An end that was
//! cut off shows only by comparing [`AuditVerdict::Whole`] with one that was noted before.

use super::{COLUMNS, Entry};
use crate::limits::{DETAIL_BYTES_MAX, TEXT_BYTES_MAX};
use crate::seal::{from_hex, hex};
use crate::session::{Cell, Session};
use crate::{SealingKey, StoreError};

/// Hash before the first entry.
const BEGINNING: [u8; 32] = [0; 32];

/// Result of checking the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every entry is as it was written.
    Whole {
        /// Number of entries.
        entries: u64,
        /// Hash of the last one, to be noted elsewhere.
        head: String,
    },
    /// An entry was changed, removed or slipped in.
    Broken {
        /// Number of the first entry that does not hold.
        seq: u64,
        /// The problem.
        reason: String,
    },
}

/// Adds entries to the trail; returns the number of the last.
pub(crate) fn append(
    session: &mut dyn Session,
    key: &SealingKey,
    entries: &[Entry<'_>],
) -> Result<u64, StoreError> {
    let sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
    let (mut seq, mut hash) = match session.query_first(sql, Vec::new())? {
        Some(mut row) => (row.count()?, from_hex(&row.text()?)),
        None => (0, Some(BEGINNING.to_vec())),
    };
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq += 1;
        let before = hash.ok_or_else(|| StoreError::damaged("an audit entry has no hash"))?;
        let mut row = entry.row(seq);
        let next = key.chain(&before, &encoding(&row));
        row.push(hex(&next).into());
        hash = Some(next);
        rows.push(row);
    }
    let sql = format!(
        "INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    session.execute_many(&sql, &rows)?;
    Ok(seq)
}

/// Checks all entries in their order.
pub(super) fn verify(
    session: &mut dyn Session,
    key: &SealingKey,
) -> Result<AuditVerdict, StoreError> {
    let mut hash = BEGINNING.to_vec();
    let mut entries = 0;
    let mut broken = None;
    let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY seq");
    session.each_row(&sql, &[], &mut |row| {
        if broken.is_some() {
            return Ok(());
        }
        let seq = entries + 1;
        let mut row = row.cells();
        let stored = row.pop();
        let next = key.chain(&hash, &encoding(&row));
        let reason = if row.first() != Some(&Cell::from(seq)) {
            Some("an entry is missing here")
        } else if stored != Some(Cell::from(hex(&next))) {
            Some("the entry is not as it was written")
        } else {
            None
        };
        broken = reason.map(|reason| AuditVerdict::Broken {
            seq,
            reason: reason.to_owned(),
        });
        hash = next;
        entries = seq;
        Ok(())
    })?;
    Ok(broken.unwrap_or_else(|| AuditVerdict::Whole {
        entries,
        head: hex(&hash),
    }))
}

impl Entry<'_> {
    /// Returns the columns of the table but for the hash.
    fn row(&self, seq: u64) -> Vec<Cell> {
        let short = |text: &str| Cell::from(cleaned(text, TEXT_BYTES_MAX));
        let document = self.document;
        vec![
            seq.into(),
            self.at.seconds().into(),
            short(&self.actor.operator),
            short(&self.actor.how),
            self.actor.address.as_deref().map(short).into(),
            self.actor.request_id.as_deref().map(short).into(),
            short(self.operation),
            self.outcome.as_str().into(),
            document.map(|name| short(&name.kind)).into(),
            document.map(|name| short(&name.id)).into(),
            self.before.into(),
            self.after.into(),
            self.detail
                .map(|detail| cleaned(detail, DETAIL_BYTES_MAX))
                .into(),
        ]
    }
}

/// Encodes a row so that no two rows have the same encoding: every text with its length, and nothing is not "".
fn encoding(row: &[Cell]) -> Vec<u8> {
    let cells = row.iter().map(|cell| match cell {
        Cell::Null => "-".to_owned(),
        Cell::Number(number) => format!("n{number};"),
        Cell::Text(text) => format!("t{}:{text}", text.len()),
    });
    cells.collect::<String>().into_bytes()
}

/// Replaces control characters, and cuts what is too long.
fn cleaned(text: &str, bytes_max: usize) -> String {
    let cut = text.floor_char_boundary(bytes_max);
    let cleaned = text[..cut].chars();
    cleaned
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}
