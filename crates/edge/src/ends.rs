//! The one place that hears of everything a viewer was answered, once it is over: where it is logged, and counted.

use crate::log::{LogSlot, StreamLine, WorkerLog};
use privet_distribution::logging::LogRecord;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The end of an exchange in a few facts, whether or not a log has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeEnd<'a> {
    /// Whose log it belongs to; `None` for unknown hosts, oversize heads and the like.
    pub(crate) distribution_id: Option<&'a str>,
    /// Why nothing was served.
    pub(crate) refusal: Option<&'static str>,
    /// Head and body, as far as they were handed over.
    pub(crate) bytes_sent: u64,
    /// Whether the distribution's log has it: some pages answer nothing that a log should have.
    pub(crate) is_logged: bool,
}

/// How much has ended since the edge was started, whatever its log settings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndTotals {
    /// Requests that were answered, or whose viewers left before.
    pub exchanges: u64,
    /// Those among them that belong to no distribution.
    pub unassigned: u64,
    /// Those among them that were refused.
    pub refused: u64,
    /// Bytes of their answers, heads included.
    pub bytes_sent: u64,
    /// Events of RTMP viewers, refusals included.
    pub stream_events: u64,
}

/// The counts of one worker, which nobody else writes.
#[derive(Debug, Default)]
struct Counts {
    exchanges: AtomicU64,
    unassigned: AtomicU64,
    refused: AtomicU64,
    bytes_sent: AtomicU64,
    stream_events: AtomicU64,
}

/// The counts of all workers.
#[derive(Debug, Default)]
pub(crate) struct AllCounts(Mutex<Vec<Arc<Counts>>>);

impl AllCounts {
    /// What has ended at all workers together.
    pub(crate) fn totals(&self) -> EndTotals {
        let workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |count: fn(&Counts) -> &AtomicU64| {
            workers
                .iter()
                .map(|worker| count(worker).load(Ordering::Relaxed))
                .sum()
        };
        EndTotals {
            exchanges: of(|counts| &counts.exchanges),
            unassigned: of(|counts| &counts.unassigned),
            refused: of(|counts| &counts.refused),
            bytes_sent: of(|counts| &counts.bytes_sent),
            stream_events: of(|counts| &counts.stream_events),
        }
    }

    fn add_worker(&self) -> Arc<Counts> {
        let counts = Arc::new(Counts::default());
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(Arc::clone(&counts));
        counts
    }
}

/// Hears of each end that a worker's viewers come to.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) log: WorkerLog,
    counts: Arc<Counts>,
}

impl Ends {
    pub(crate) fn new(log: WorkerLog, all: &AllCounts) -> Self {
        Ends {
            log,
            counts: all.add_worker(),
        }
    }

    /// An answer has left, or was broken off. `record` is asked for when the log takes it.
    pub(crate) fn exchange<'r>(
        &self,
        slot: LogSlot,
        end: &ExchangeEnd<'_>,
        record: impl FnOnce() -> LogRecord<'r>,
    ) {
        let counts = &*self.counts;
        add(&counts.exchanges, 1);
        add(&counts.unassigned, u64::from(end.distribution_id.is_none()));
        add(&counts.refused, u64::from(end.refusal.is_some()));
        add(&counts.bytes_sent, end.bytes_sent);
        match end.distribution_id.filter(|_| end.is_logged) {
            Some(distribution_id) => self.log.write(slot, distribution_id, record),
            None => self.log.give_back(slot),
        }
    }

    /// Something has happened to a viewer of RTMP, who has connected, plays, or is refused.
    pub(crate) fn stream(&self, slot: LogSlot, distribution_id: &str, line: &StreamLine<'_>) {
        add(&self.counts.stream_events, 1);
        self.log.write_stream(slot, distribution_id, line);
    }
}

/// Adds to a count that only this thread writes: no other core waits for it.
fn add(count: &AtomicU64, more: u64) {
    let known = count.load(Ordering::Relaxed);
    count.store(known.wrapping_add(more), Ordering::Relaxed);
}
