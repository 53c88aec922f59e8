//! Takes one record a request and writes them where the operator wants them, losing none.
//!
//! A record's place is reserved before its request is answered. When the disk is full the records wait in memory;
//! when that is full too, requests are refused instead of going unlogged.

mod files;
mod stream;

use files::LogFiles;
use privet_distribution::{LogRecord, LogSettings};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stream::LiveStream;

/// How long a record may wait before it is written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Records taken from the queue between two flushes.
const BATCH_RECORDS_MAX: usize = 4_096;

/// A live copy of every record, one JSON object a line.
#[derive(Default)]
pub enum LogStream {
    /// No live copy.
    #[default]
    Off,
    /// Written from a thread of its own. A reader that does not keep up misses records, and is told how many.
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

/// Hands records to the log's thread. Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    sender: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    /// How many may wait, as of the latest request.
    records_max: Arc<AtomicUsize>,
    enabled: Arc<std::sync::atomic::AtomicBool>,
}

/// A reserved place in the queue.
#[derive(Debug)]
pub(crate) struct LogPermit {
    waiting: Arc<AtomicUsize>,
}

impl Drop for LogPermit {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a request can be logged.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Nothing is logged at all.
    Unlogged,
    Logged(LogPermit),
    /// The queue is full: the disk has been full for too long.
    Refused,
}

#[derive(Debug)]
enum Message {
    Record(LogPermit, Box<LogRecord>),
    Settings(Option<LogSettings>),
    Stop,
}

impl Log {
    /// Starts the log's thread. Errors: the folder can not be made or written.
    pub(crate) fn start(
        settings: Option<&LogSettings>,
        stream: LogStream,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let files = settings.map(LogFiles::open).transpose()?;
        let stream = match stream {
            LogStream::Off => None,
            LogStream::To(writer) => Some(LiveStream::start(writer)?),
        };
        let has_stream = stream.is_some();
        let enabled = files.is_some() || has_stream;
        let (sender, receiver) = channel();
        let log = Log {
            sender,
            waiting: Arc::default(),
            records_max: Arc::new(usize::MAX.into()),
            enabled: Arc::new(enabled.into()),
        };
        let writer = LogThread {
            files,
            stream,
            records_max: Arc::clone(&log.records_max),
            enabled: Arc::clone(&log.enabled),
        };
        let thread = std::thread::Builder::new()
            .name("privet-log".into())
            .spawn(move || writer.run(&receiver))?;
        Ok((log, thread))
    }

    /// Reserves a place for the record of a request that is about to be answered.
    pub(crate) fn admit(&self, records_max: usize) -> Admission {
        if !self.enabled.load(Ordering::Relaxed) {
            return Admission::Unlogged;
        }
        // Written only when it changes, so that workers do not contend for it.
        if self.records_max.load(Ordering::Relaxed) != records_max {
            self.records_max.store(records_max, Ordering::Relaxed);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= records_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Admission::Refused;
        }
        Admission::Logged(LogPermit {
            waiting: Arc::clone(&self.waiting),
        })
    }

    pub(crate) fn write(&self, permit: LogPermit, record: LogRecord) {
        // The thread ends only after the last worker; until then the queue takes everything.
        let _ = self.sender.send(Message::Record(permit, Box::new(record)));
    }

    /// Goes over to other settings; what is under way is finished under the old ones.
    pub(crate) fn change(&self, settings: Option<LogSettings>) {
        let _ = self.sender.send(Message::Settings(settings));
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }
}

struct LogThread {
    files: Option<LogFiles>,
    stream: Option<LiveStream>,
    records_max: Arc<AtomicUsize>,
    enabled: Arc<std::sync::atomic::AtomicBool>,
}

impl LogThread {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut next_flush = Instant::now() + FLUSH_INTERVAL;
        loop {
            let patience = next_flush.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(patience) {
                Ok(Message::Record(permit, record)) => self.take(permit, &record),
                Ok(Message::Settings(settings)) => self.change(settings),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let due = Instant::now() >= next_flush;
            // Half of a short queue: there must be room while the disk is written to.
            let batch_records_max =
                BATCH_RECORDS_MAX.min(self.records_max.load(Ordering::Relaxed) / 2);
            let full = self
                .files
                .as_ref()
                .is_some_and(|files| files.fresh() >= batch_records_max);
            if due || full {
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
    }

    fn take(&mut self, permit: LogPermit, record: &LogRecord) {
        if let Some(stream) = &mut self.stream {
            stream.offer(record);
        }
        if let Some(files) = &mut self.files {
            files.take(permit, record);
        }
    }

    fn flush(&mut self) {
        if let Some(files) = &mut self.files {
            files.flush();
        }
    }

    fn change(&mut self, settings: Option<LogSettings>) {
        if self.files.as_ref().map(LogFiles::settings) == settings.as_ref() {
            return;
        }
        let opened = settings.as_ref().map(LogFiles::open).transpose();
        match opened {
            Ok(files) => {
                if let Some(old) = std::mem::replace(&mut self.files, files) {
                    old.close();
                }
            }
            Err(error) => {
                eprintln!("privet: the old log goes on, the new one can not be opened: {error}")
            }
        }
        let enabled = self.files.is_some() || self.stream.is_some();
        self.enabled.store(enabled, Ordering::Relaxed);
    }
}
