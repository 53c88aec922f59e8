//! The one place that is told of everything a viewer was sent, once it is over: it is logged and counted here.

use crate::log::{ExchangeLine, LogOf, LogSlot, StreamLine, WorkerLog};
use privet_distribution::request::Denial;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Facts about the end of an exchange, whether or not it is logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeEnd<'a> {
    /// Distribution whose log it belongs to; `None` for unknown hosts, oversize heads and the like.
    pub(crate) log: Option<LogOf<'a>>,
    /// Reason why nothing was served.
    pub(crate) refusal: Option<&'static str>,
    /// Bytes of head and body that were handed over.
    pub(crate) bytes_sent: u64,
    /// True if the distribution's log records it. Some pages are not logged, such as those for oversize heads.
    pub(crate) is_logged: bool,
}

/// Totals of what ended since the edge was started, whatever its log settings are.
///
/// Not among them is what breaks the rules of a protocol before there is a request or a play: connections that fail or
/// fall silent before a head is complete, malformed HTTP/2 streams, which are reset or end their connection, and RTMP
/// commands with another application or a name that no object can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndTotals {
    /// Number of requests that were answered, or whose viewers left before, and of heads that were refused before they
    /// became a request: too large, or malformed over HTTP/1.1.
    pub exchanges: u64,
    /// Number of those that belong to no distribution.
    pub unassigned: u64,
    /// Number of those that were refused. Refused RTMP viewers are counted in [`EndTotals::streams_refused`].
    pub refused: u64,
    /// Bytes of their responses, including heads.
    pub bytes_sent: u64,
    /// Number of events of RTMP viewers, including refusals.
    pub stream_events: u64,
    /// Number of those that were refusals: to connect, to play, or to continue.
    pub streams_refused: u64,
}

/// The counts of one worker, written by nobody else.
#[derive(Debug, Default)]
struct Counts {
    exchanges: AtomicU64,
    unassigned: AtomicU64,
    refused: AtomicU64,
    bytes_sent: AtomicU64,
    stream_events: AtomicU64,
    streams_refused: AtomicU64,
}

/// The counts of all workers.
#[derive(Debug, Default)]
pub(crate) struct AllCounts(Mutex<Vec<Arc<Counts>>>);

impl AllCounts {
    /// Returns the totals of all workers together.
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
            streams_refused: of(|counts| &counts.streams_refused),
        }
    }

    fn add_worker(&self) -> Arc<Counts> {
        let counts = Arc::new(Counts::default());
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(Arc::clone(&counts));
        counts
    }
}

/// Records the end of everything that a worker's viewers are sent.
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

    /// Records that a response has left, or was broken off. `line` is called only if the log accepts it.
    pub(crate) fn exchange<'r>(
        &self,
        slot: LogSlot,
        end: &ExchangeEnd<'_>,
        line: impl FnOnce() -> ExchangeLine<'r>,
    ) {
        self.count(end);
        match end.log.filter(|_| end.is_logged) {
            Some(of) => self.log.write(slot, of, line),
            None => self.log.give_back(slot),
        }
    }

    /// Records a head that was refused before it became a request. No distribution's log has a line for it.
    pub(crate) fn refused_head(&self, denial: &Denial, bytes_sent: u64) {
        self.count(&ExchangeEnd {
            log: None,
            refusal: Some(denial.token()),
            bytes_sent,
            is_logged: false,
        });
    }

    fn count(&self, end: &ExchangeEnd<'_>) {
        let counts = &*self.counts;
        add(&counts.exchanges, 1);
        add(&counts.unassigned, u64::from(end.log.is_none()));
        add(&counts.refused, u64::from(end.refusal.is_some()));
        add(&counts.bytes_sent, end.bytes_sent);
    }

    /// Records an event of an RTMP viewer, who has connected, plays, or is refused. The line is written only if the log
    /// had room for it; `of` is `None` for viewers of unknown hosts.
    pub(crate) fn stream(&self, slot: LogSlot, of: Option<LogOf<'_>>, line: &StreamLine<'_>) {
        let counts = &*self.counts;
        add(&counts.stream_events, 1);
        add(
            &counts.streams_refused,
            u64::from(line.own.refusal.is_some()),
        );
        match of {
            Some(of) => self.log.write_stream(slot, of, line),
            None => self.log.give_back(slot),
        }
    }
}

/// Adds to a count that only this thread writes, so that no atomic addition is needed: no other core waits for it.
fn add(count: &AtomicU64, more: u64) {
    let known = count.load(Ordering::Relaxed);
    count.store(known.wrapping_add(more), Ordering::Relaxed);
}
