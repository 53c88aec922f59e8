//! A worker's end of the log: records become lines at once and travel in batches.

use super::queue::push_time;
use super::{Log, LogSlot, Message};
use privet_distribution::config::{DistributionLogging, LogDelivery};
use privet_distribution::logging::{
    LogLayout, LogRecord, OwnFields, StreamLogRecord, log_header, stream_log_header,
};
use privet_sign::Timestamp;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Size at which a batch is sent on, unless a second passes first.
const BATCH_SIZE_BYTES: usize = 64 * 1024;
const HOUR_SECS: u64 = 3_600;

/// The logs that a line is for: the node's, and the distribution's own if it has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogOf<'a> {
    pub(crate) distribution_id: &'a str,
    pub(crate) logging: Option<&'a Arc<DistributionLogging>>,
}

/// Finished lines of one distribution and one hour.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) distribution_id: String,
    /// Header of a file of such lines.
    pub(super) header: &'static str,
    /// Hour of the events, counted from 1970.
    pub(super) hour: u64,
    /// Lines for the file.
    pub(super) lines: Vec<u8>,
    /// Lines for the distribution's own log; `None` if it has none.
    pub(super) own: Option<OwnLines>,
    /// Lines for the live copy; empty without one.
    pub(super) json: Vec<u8>,
    pub(super) records: usize,
}

/// Finished lines for the log that a distribution has of its own.
#[derive(Debug)]
pub(super) struct OwnLines {
    pub(super) logging: Arc<DistributionLogging>,
    pub(super) lines: Vec<u8>,
}

impl Batch {
    fn new(of: LogOf<'_>, header: &'static str, hour: u64) -> Self {
        Batch {
            distribution_id: of.distribution_id.to_owned(),
            header,
            hour,
            lines: Vec::with_capacity(BATCH_SIZE_BYTES + 4 * 1024),
            own: of.logging.map(|logging| OwnLines {
                logging: Arc::clone(logging),
                lines: Vec::new(),
            }),
            json: Vec::new(),
            records: 0,
        }
    }

    /// Returns a batch without lines of the node's.
    #[cfg(test)]
    pub(super) fn of_lines(distribution_id: &str, hour: u64) -> Self {
        let of = LogOf {
            distribution_id,
            logging: None,
        };
        Batch {
            records: 1,
            ..Batch::new(of, log_header(), hour)
        }
    }

    /// Returns true if a line of this hour belongs here. A distribution's log may have been moved meanwhile.
    fn is_for(&self, of: LogOf<'_>, hour: u64) -> bool {
        let own = self.own.as_ref().map(|own| &own.logging);
        self.hour == hour && self.distribution_id == of.distribution_id && own == of.logging
    }

    /// Writes a line into the files' forms. Some have none there.
    fn add(&mut self, line: &impl Line, at: Timestamp) {
        let start = self.lines.len();
        line.write_file(&mut self.lines);
        let written = self.lines.get(start..).unwrap_or_default();
        if let Some(own) = self.own.as_mut().filter(|_| !written.is_empty()) {
            match own.logging.delivery {
                LogDelivery::Folder => {}
                LogDelivery::Bucket => push_time(at, &mut own.lines),
            }
            line.write_own(written, &own.logging.layout, &mut own.lines);
        }
    }
}

/// The log as one worker sees it.
#[derive(Debug)]
pub(crate) struct WorkerLog {
    log: Log,
    /// Open batches: few, those of the distributions that were requested within the last second.
    batches: RefCell<Vec<Batch>>,
}

impl WorkerLog {
    pub(crate) fn new(log: Log) -> Self {
        WorkerLog {
            log,
            batches: RefCell::default(),
        }
    }

    /// Reserves a slot for the record of a request that is about to be answered.
    pub(crate) fn reserve(&self, records_max: usize) -> LogSlot {
        self.log.queue.reserve(records_max)
    }

    /// Returns true if records have a live copy, the only form that names the grant.
    pub(crate) fn is_live(&self) -> bool {
        self.log.queue.to_stream.load(Ordering::Relaxed)
    }

    /// Writes the line of an exchange that is over and uses up its slot. `line` is called only when it is written.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is used once")]
    pub(crate) fn write<'r>(
        &self,
        slot: LogSlot,
        of: LogOf<'_>,
        line: impl FnOnce() -> ExchangeLine<'r>,
    ) {
        if slot == LogSlot::Reserved {
            let line = line();
            self.append(of, log_header(), line.record.ended, &line);
        }
    }

    /// Writes the line of an RTMP viewer's event and uses up its slot.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is used once")]
    pub(crate) fn write_stream(&self, slot: LogSlot, of: LogOf<'_>, line: &StreamLine<'_>) {
        if slot != LogSlot::Reserved {
            return;
        }
        if line.own.refusal.is_some() && !self.is_live() {
            self.log.queue.give_back(1);
            return;
        }
        self.append(of, stream_log_header(), line.record.at, line);
    }

    /// Gives back a slot that was reserved for nothing.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is used once")]
    pub(crate) fn give_back(&self, slot: LogSlot) {
        if slot == LogSlot::Reserved {
            self.log.queue.give_back(1);
        }
    }

    /// Sends the open batches on. Called every second, and at the end.
    pub(crate) fn flush(&self) {
        for batch in self.batches.take() {
            self.send(batch);
        }
    }

    fn append(&self, of: LogOf<'_>, header: &'static str, at: Timestamp, line: &impl Line) {
        let mut batches = self.batches.borrow_mut();
        let hour = at.as_secs() / HOUR_SECS;
        let found = batches.iter().position(|batch| batch.is_for(of, hour));
        let position = found.unwrap_or_else(|| {
            batches.push(Batch::new(of, header, hour));
            batches.len() - 1
        });
        let batch = &mut batches[position];
        batch.records += 1;
        if self.log.queue.to_files.load(Ordering::Relaxed) {
            batch.add(line, at);
        }
        let live = self.is_live();
        if live {
            line.write_live(&mut batch.json);
        }
        // The live copy must not lag, and a short queue must not fill up here.
        if live || batch.lines.len() >= BATCH_SIZE_BYTES || self.log.queue.is_pressing() {
            let batch = batches.swap_remove(position);
            drop(batches);
            self.send(batch);
        }
    }

    fn send(&self, batch: Batch) {
        // The thread ends only after the last worker; until then the queue takes everything.
        let _ = self.log.sender.send(Message::Batch(batch));
    }
}

/// A record in the log's forms.
trait Line {
    fn write_file(&self, out: &mut Vec<u8>);
    /// Writes the line for the distribution's own log; `written` is the one for the node's.
    fn write_own(&self, written: &[u8], layout: &LogLayout, out: &mut Vec<u8>);
    fn write_live(&self, out: &mut Vec<u8>);
}

/// The line of an exchange.
#[derive(Debug)]
pub(crate) struct ExchangeLine<'a> {
    /// Record with the cookies that the node's log has.
    pub(crate) record: LogRecord<'a>,
    /// Cookies that the distribution's own log has.
    pub(crate) own_cookie: Option<&'a str>,
}

impl Line for ExchangeLine<'_> {
    fn write_file(&self, out: &mut Vec<u8>) {
        self.record.write_w3c(out);
    }

    fn write_own(&self, written: &[u8], layout: &LogLayout, out: &mut Vec<u8>) {
        if self.own_cookie == self.record.cookie && layout.is_standard() {
            out.extend_from_slice(written);
            return;
        }
        let record = LogRecord {
            cookie: self.own_cookie,
            ..self.record
        };
        layout.write_request(&record, out);
    }

    fn write_live(&self, out: &mut Vec<u8>) {
        self.record.write_json(out);
    }
}

/// The line of an RTMP viewer's event.
#[derive(Debug)]
pub(crate) struct StreamLine<'a> {
    pub(crate) record: StreamLogRecord<'a>,
    /// Fields for the live copy. A line with a refusal, for something that does not play, is only there: the file has
    /// words for events that happened, and none for others.
    pub(crate) own: OwnFields<'a>,
}

impl Line for StreamLine<'_> {
    fn write_file(&self, out: &mut Vec<u8>) {
        if self.own.refusal.is_none() {
            self.record.write_line(out);
        }
    }

    fn write_own(&self, written: &[u8], layout: &LogLayout, out: &mut Vec<u8>) {
        match layout.is_standard() {
            true => out.extend_from_slice(written),
            false => layout.write_stream(&self.record, &self.own, out),
        }
    }

    fn write_live(&self, out: &mut Vec<u8>) {
        self.record.write_json(&self.own, out);
    }
}
