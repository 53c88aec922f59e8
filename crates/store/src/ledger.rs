//! The ledger: what edges have counted of each registered link. Uses are exact elsewhere; here are the times, bytes,
//! viewers and refusals, which come in batches and each of them once.

mod merge;

use std::collections::BTreeMap;

use crate::limits::{ID_BYTES_MAX, LEDGER_ADDRESSES_MAX, LEDGER_ENTRIES_MAX, LEDGER_REASONS_MAX};
use crate::names::check_text;
use crate::session::{Cell, Row, Session};
use crate::{LinkDigest, Store, StoreError, Timestamp, documents};

/// Longest address, and longest word of a reason, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// What one edge has counted since its last batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBatch {
    /// Id of the edge.
    pub edge: String,
    /// Number of the batch: each one of an edge has a higher one than the one before.
    pub number: u64,
    /// Counts, each of another link.
    pub entries: Vec<LedgerEntry>,
}

/// Counts of one link. In a batch they are added to what the ledger has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The link.
    pub digest: LinkDigest,
    /// Times of the first and of the last request that was served; `None` where all were refused.
    pub served: Option<(Timestamp, Timestamp)>,
    /// Visits that were served.
    pub uses: u64,
    /// Viewers that were new to the edge that counted them.
    pub viewers: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Seconds of videos that were sent.
    pub watched_seconds: u64,
    /// Refusals by reason, which is a word of the access log.
    pub refusals: BTreeMap<String, u64>,
    /// Addresses of viewers as the settings keep them, the last ones last.
    pub addresses: Vec<String>,
}

/// What the ledger has of one link.
pub type LedgerRecord = LedgerEntry;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerTaken {
    /// It is in the ledger.
    Added {
        /// Entries of links that are not registered, which are left out.
        unknown: u64,
    },
    /// It was in the ledger already.
    Repeated,
}

impl Store {
    /// Adds a batch to the ledger, once: the same batch again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for what breaks a limit, or names a link twice. After any other the batch is sent again.
    pub async fn add_to_ledger(
        &self,
        batch: &LedgerBatch,
        now: Timestamp,
    ) -> Result<LedgerTaken, StoreError> {
        batch.check()?;
        let batch = batch.clone();
        let act = move |session: &mut dyn Session| add(session, &batch, now);
        self.engine().write(act).await
    }

    /// Returns the number of the last batch of an edge that is in the ledger, 0 where there is none.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn last_ledger_batch(&self, edge: &str) -> Result<u64, StoreError> {
        let edge = edge.to_owned();
        let act = move |session: &mut dyn Session| last_batch(session, &edge);
        self.engine().look_up(act).await
    }

    /// Returns what the ledger has of a link, or `None`.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn ledger(&self, digest: &LinkDigest) -> Result<Option<LedgerRecord>, StoreError> {
        let digest = *digest;
        let act = move |session: &mut dyn Session| {
            let sql = format!("{SELECT} WHERE digest = $1");
            let row = session.query_first(&sql, vec![digest.into()])?;
            row.map(entry_of).transpose()
        };
        self.engine().look_up(act).await
    }
}

impl LedgerBatch {
    fn check(&self) -> Result<(), StoreError> {
        check_text("edge id", &self.edge, ID_BYTES_MAX)?;
        if self.number == 0 || i64::try_from(self.number).is_err() {
            return Err(StoreError::invalid("batch", "numbers begin at 1"));
        }
        if self.entries.len() > LEDGER_ENTRIES_MAX {
            let problem = format!("are more than {LEDGER_ENTRIES_MAX}: send several batches");
            return Err(StoreError::invalid("ledger entries", problem));
        }
        let mut digests: Vec<&LinkDigest> =
            self.entries.iter().map(|entry| &entry.digest).collect();
        digests.sort_unstable();
        if digests.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(StoreError::invalid("ledger entries", "name a link twice"));
        }
        self.entries.iter().try_for_each(LedgerEntry::check)
    }
}

impl LedgerEntry {
    fn check(&self) -> Result<(), StoreError> {
        if self.served.is_some_and(|(first, last)| first > last) {
            let problem = "have a last request before the first";
            return Err(StoreError::invalid("ledger entries", problem));
        }
        if self.addresses.len() > LEDGER_ADDRESSES_MAX || self.refusals.len() > LEDGER_REASONS_MAX {
            let problem = format!(
                "have {LEDGER_ADDRESSES_MAX} addresses and {LEDGER_REASONS_MAX} reasons at most"
            );
            return Err(StoreError::invalid("ledger entries", problem));
        }
        for address in &self.addresses {
            check_text("address", address, WORD_BYTES_MAX)?;
        }
        let mut reasons = self.refusals.keys();
        reasons.try_for_each(|reason| check_text("reason", reason, WORD_BYTES_MAX))
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.digest.into(),
            self.served.map(|(first, _)| first.seconds()).into(),
            self.served.map(|(_, last)| last.seconds()).into(),
            self.uses.into(),
            self.viewers.into(),
            self.bytes.into(),
            self.watched_seconds.into(),
            serde_json::json!(self.refusals).to_string().into(),
            serde_json::json!(self.addresses).to_string().into(),
        ]
    }
}

const SELECT: &str = "SELECT digest, first_use, last_use, uses, viewers, bytes, watched_seconds, refusals, addresses \
                      FROM ledger";

fn add(
    session: &mut dyn Session,
    batch: &LedgerBatch,
    now: Timestamp,
) -> Result<LedgerTaken, StoreError> {
    // The one statement that decides: a batch that is not behind the last one is known.
    let sql = "INSERT INTO ledger_batches (edge, number, at) VALUES ($1, $2, $3) \
               ON CONFLICT (edge) DO UPDATE SET number = excluded.number, at = excluded.at \
               WHERE ledger_batches.number < excluded.number";
    let parameters = vec![
        (&batch.edge).into(),
        batch.number.into(),
        now.seconds().into(),
    ];
    if session.execute(sql, parameters)? == 0 {
        return Ok(LedgerTaken::Repeated);
    }
    let digests: Vec<Vec<Cell>> = batch
        .entries
        .iter()
        .map(|entry| vec![entry.digest.into()])
        .collect();
    let known = session.query_many("SELECT number FROM links WHERE digest = $1", &digests)?;
    let stored = session.query_many(&format!("{SELECT} WHERE digest = $1"), &digests)?;
    let (mut rows, mut unknown) = (Vec::with_capacity(batch.entries.len()), 0);
    for ((entry, link), found) in batch.entries.iter().zip(known).zip(stored) {
        if link.is_empty() {
            unknown += 1;
            continue;
        }
        let found = found.into_iter().next().map(entry_of).transpose()?;
        let merged = found.map_or_else(|| entry.clone(), |found| merge::merged(found, entry));
        rows.push(merged.cells());
    }
    let sql = "INSERT INTO ledger (digest, first_use, last_use, uses, viewers, bytes, watched_seconds, refusals, \
               addresses) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
               ON CONFLICT (digest) DO UPDATE SET first_use = excluded.first_use, last_use = excluded.last_use, \
               uses = excluded.uses, viewers = excluded.viewers, bytes = excluded.bytes, \
               watched_seconds = excluded.watched_seconds, refusals = excluded.refusals, \
               addresses = excluded.addresses";
    session.execute_many(sql, &rows)?;
    Ok(LedgerTaken::Added { unknown })
}

fn last_batch(session: &mut dyn Session, edge: &str) -> Result<u64, StoreError> {
    let sql = "SELECT number FROM ledger_batches WHERE edge = $1";
    let row = session.query_first(sql, vec![edge.into()])?;
    row.map_or(Ok(0), |mut row| row.count())
}

fn entry_of(mut row: Row) -> Result<LedgerEntry, StoreError> {
    let digest = LinkDigest::stored(&row.text()?)?;
    let first = row.maybe_number()?.map(Timestamp::from_seconds);
    let last = row.maybe_number()?.map(Timestamp::from_seconds);
    let (uses, viewers) = (row.count()?, row.count()?);
    let (bytes, watched_seconds) = (row.count()?, row.count()?);
    let (refusals, addresses) = (
        documents::json(&row.text()?)?,
        documents::json(&row.text()?)?,
    );
    let refusals = refusals.as_object().and_then(|reasons| {
        let reasons = reasons.iter();
        reasons
            .map(|(reason, count)| Some((reason.clone(), count.as_u64()?)))
            .collect()
    });
    let addresses = addresses.as_array().and_then(|addresses| {
        let addresses = addresses.iter();
        addresses
            .map(|address| address.as_str().map(str::to_owned))
            .collect()
    });
    Ok(LedgerEntry {
        digest,
        served: first.zip(last),
        uses,
        viewers,
        bytes,
        watched_seconds,
        refusals: refusals.ok_or_else(|| StoreError::damaged("the ledger has other refusals"))?,
        addresses: addresses
            .ok_or_else(|| StoreError::damaged("the ledger has other addresses"))?,
    })
}
