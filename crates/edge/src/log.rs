//! Takes one record per request and writes the records where the operator wants them, losing none.
//!
//! The slot of a record is reserved before its request gets a response. When the disk is full the records wait in
//! memory; when that is full too, requests are refused rather than left unlogged.

mod batch;
mod distribution_logs;
mod file;
mod files;
mod queue;
mod stream;

pub use queue::{
    AccessLogLine, BucketDelivery, DeliveryFault, Dropped, LogDeliveryFacts, UndeliveredLog,
    UndeliveredLogs,
};

pub(crate) use batch::{ExchangeLine, LogOf, StreamLine, WorkerLog};

use crate::standard_error;
use batch::Batch;
use files::LogFiles;
use privet_distribution::config::LogSettings;
use queue::{Complete, QueueRoom, start_packer};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stream::LiveStream;

/// Maximum time that a record waits before it is written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// A live copy of every record, one JSON object per line.
#[derive(Default)]
pub enum LogStream {
    /// No live copy.
    #[default]
    Off,
    /// A copy written from a thread of its own. A reader that does not keep up misses records, and is told how many.
    To(Box<dyn Write + Send>),
}

impl std::fmt::Debug for LogStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            LogStream::Off => "Off",
            LogStream::To(_) => "To(…)",
        })
    }
}

/// A handle on the log's thread. Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    sender: Sender<Message>,
    queue: Arc<Queue>,
}

/// State shared by the workers and the log's thread.
#[derive(Debug, Default)]
struct Queue {
    /// Number of reserved slots: records that are not safely written yet.
    waiting: AtomicUsize,
    /// Maximum number of slots, as of the latest request.
    records_max: AtomicUsize,
    to_files: AtomicBool,
    to_stream: AtomicBool,
    /// True if too many log files wait for their delivery, and none may be dropped.
    is_full: AtomicBool,
}

/// A request's slot in the log, reserved before the response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum LogSlot {
    /// No slot: nothing is logged at all, or the slot is used up.
    #[default]
    None,
    /// A slot that has to be given back, with or without a record.
    Reserved,
    /// The queue is full: the disk has been full for too long.
    Refused,
}

/// What became of a line of a bucket's access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogged {
    /// It is on its way to the disk.
    Written,
    /// The node has no folder of logs.
    NoLog,
    /// Too many records wait for the disk.
    Full,
}

#[derive(Debug)]
enum Message {
    Batch(Batch),
    Access(AccessLogLine),
    Settings(Option<LogSettings>),
    Stop,
}

impl Log {
    /// Starts the log's thread. Errors: the folder cannot be created or written.
    pub(crate) fn start(
        settings: Option<&LogSettings>,
        stream: LogStream,
        undelivered: UndeliveredLogs,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (packer, packing) = start_packer(undelivered.clone())?;
        let open = |settings| LogFiles::open(settings, &undelivered, packer.clone());
        let files = settings.map(open).transpose()?;
        let stream = match stream {
            LogStream::Off => None,
            LogStream::To(writer) => Some(LiveStream::start(writer)?),
        };
        let queue = Arc::new(Queue::default());
        queue.to_files.store(files.is_some(), Ordering::Relaxed);
        queue.to_stream.store(stream.is_some(), Ordering::Relaxed);
        let (sender, receiver) = channel();
        let writer = LogThread {
            files,
            stream,
            queue: Arc::clone(&queue),
            undelivered,
            packer,
            packing,
        };
        let thread = std::thread::Builder::new()
            .name("privet-log".into())
            .spawn(move || writer.run(&receiver))?;
        Ok((Log { sender, queue }, thread))
    }

    /// Writes a line of a bucket's access log. It is left out where there is no log, or no room for another record.
    pub(crate) fn write_access(&self, record: AccessLogLine, records_max: usize) -> AccessLogged {
        if !self.queue.to_files.load(Ordering::Relaxed) {
            return AccessLogged::NoLog;
        }
        match self.queue.reserve(records_max) {
            LogSlot::Reserved => {
                // The thread ends only with the edge.
                let _ = self.sender.send(Message::Access(record));
                AccessLogged::Written
            }
            LogSlot::Refused | LogSlot::None => AccessLogged::Full,
        }
    }

    /// Switches to other settings; records under way are finished under the old ones.
    pub(crate) fn change(&self, settings: Option<LogSettings>) {
        let _ = self.sender.send(Message::Settings(settings));
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }
}

impl Queue {
    fn reserve(&self, records_max: usize) -> LogSlot {
        if !self.to_files.load(Ordering::Relaxed) && !self.to_stream.load(Ordering::Relaxed) {
            return LogSlot::None;
        }
        // Written only when it changes, so that the workers do not contend for it.
        if self.records_max.load(Ordering::Relaxed) != records_max {
            self.records_max.store(records_max, Ordering::Relaxed);
        }
        let is_full = self.is_full.load(Ordering::Relaxed);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= records_max || is_full {
            self.give_back(1);
            return LogSlot::Refused;
        }
        LogSlot::Reserved
    }

    /// Returns true if half of the slots are taken: records must then move on, to leave room while the disk is written
    /// to.
    fn is_pressing(&self) -> bool {
        let records_max = self.records_max.load(Ordering::Relaxed);
        self.waiting.load(Ordering::Relaxed) >= records_max / 2
    }

    fn give_back(&self, places: usize) {
        self.waiting.fetch_sub(places, Ordering::Relaxed);
    }
}

struct LogThread {
    files: Option<LogFiles>,
    stream: Option<LiveStream>,
    queue: Arc<Queue>,
    undelivered: UndeliveredLogs,
    packer: Sender<Complete>,
    packing: JoinHandle<()>,
}

impl LogThread {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut next_flush = Instant::now() + FLUSH_INTERVAL;
        loop {
            let patience = next_flush.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(patience) {
                Ok(Message::Batch(batch)) => self.take(batch),
                Ok(Message::Access(record)) => self.take_access(&record),
                Ok(Message::Settings(settings)) => self.change(settings.as_ref()),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= next_flush {
                self.flush();
                next_flush = Instant::now() + FLUSH_INTERVAL;
            }
        }
        if let Some(files) = self.files.take() {
            files.close();
        }
        if let Some(stream) = self.stream.take() {
            stream.stop();
        }
        // What is complete is ready for delivery when the log has ended.
        drop(self.packer);
        let _ = self.packing.join();
    }

    fn take(&mut self, mut batch: Batch) {
        if let Some(stream) = &mut self.stream {
            stream.offer(std::mem::take(&mut batch.json), batch.records);
        }
        match &mut self.files {
            Some(files) if !batch.lines.is_empty() => files.take(&batch),
            Some(_) | None => self.queue.give_back(batch.records),
        }
        let records_max = self.queue.records_max.load(Ordering::Relaxed);
        let full = |files: &LogFiles| files.is_batch_full(records_max / 4);
        if self.files.as_ref().is_some_and(full) {
            self.flush();
        }
    }

    /// Takes a line of a bucket's access log, whose slot is given back at once: memory for these is bounded by itself.
    fn take_access(&mut self, record: &AccessLogLine) {
        if let Some(files) = &mut self.files {
            files.take_access(record);
        }
        self.queue.give_back(1);
    }

    fn flush(&mut self) {
        if let Some(files) = &mut self.files {
            self.queue.give_back(files.flush());
            let is_full = files.room() == QueueRoom::Full;
            self.queue.is_full.store(is_full, Ordering::Relaxed);
        }
    }

    fn change(&mut self, settings: Option<&LogSettings>) {
        if self.files.as_ref().map(LogFiles::settings) == settings {
            return;
        }
        self.flush();
        let open = |settings| LogFiles::open(settings, &self.undelivered, self.packer.clone());
        let opened = settings.map(open).transpose();
        match opened {
            Ok(files) => {
                if let Some(old) = std::mem::replace(&mut self.files, files) {
                    self.queue.give_back(old.close());
                }
            }
            Err(error) => {
                standard_error::warning(format_args!(
                    "the old log stays in use, the new one cannot be opened: {error}"
                ));
            }
        }
        self.queue
            .to_files
            .store(self.files.is_some(), Ordering::Relaxed);
        self.queue.is_full.store(false, Ordering::Relaxed);
    }
}
