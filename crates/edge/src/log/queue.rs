//! The queue of log files for buckets: on disk, so that a record that was written arrives, whatever dies meanwhile.
//!
//! Here files grow and are completed; `undelivered` is what those see who deliver. What is beyond the limit of the
//! queue is dropped, oldest first, and told, or requests are refused, as the settings say.

mod file;
mod lines;
mod name;
mod undelivered;

pub use undelivered::{
    BucketDelivery, DeliveryFault, Dropped, LogDeliveryFacts, UndeliveredLog, UndeliveredLogs,
};

pub(super) use lines::push_time;

use super::batch::{Batch, OwnLines};
use super::file::unique;
use crate::notices::NoticeCode;
use file::QueueFile;
use name::{QUEUE_FOLDER, folder_of};
use privet_distribution::config::{DistributionLogging, LogSettings, UndeliveredFull};
use privet_distribution::logging::{access_log_file_name, log_file_name};
use privet_sign::Timestamp;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const HOUR_SECS: u64 = 3_600;
/// Time that a record may wait before it is written, and that is left for the delivery.
const BEFORE_DELIVERY: Duration = Duration::from_secs(3);
/// Maximum size of the lines of one file that wait in memory while the disk cannot be written.
const FILE_WAITING_SIZE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Maximum size of the lines of all files that wait in memory.
const WAITING_SIZE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A record of a bucket's access log: a finished line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogLine {
    /// Bucket that the log is for, whose location the edge has to know.
    pub bucket: String,
    /// Text before the names of the log's files.
    pub prefix: String,
    /// Time of the record.
    pub at: Timestamp,
    /// The line; ends of lines in it are left out.
    pub line: String,
}

/// The log that a file belongs to.
#[derive(Debug, PartialEq, Eq, Hash)]
enum LogName {
    /// A distribution's, in one hour.
    Distribution(Arc<DistributionLogging>, String, u64),
    /// The access log of buckets, by bucket and prefix.
    Access(String, String),
}

/// All files that grow in one queue.
#[derive(Debug)]
pub(super) struct DeliveryQueue {
    folder: PathBuf,
    close_after: Duration,
    size_bytes_max: u64,
    when_full: UndeliveredFull,
    files: HashMap<LogName, QueueFile>,
    undelivered: UndeliveredLogs,
    packer: Sender<Complete>,
    waiting_size_bytes: usize,
}

/// A file that takes no more lines: the folder of its queue, and the name of its object.
#[derive(Debug)]
pub(super) struct Complete {
    queue: PathBuf,
    object: PathBuf,
}

/// Whether requests may be answered, as far as the queue is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueRoom {
    /// There is room, or the oldest files make way.
    Free,
    /// Too much waits, and nothing may be dropped.
    Full,
}

impl DeliveryQueue {
    /// Opens the queue in the folder of the logs, with what an earlier run has left there.
    pub(super) fn open(
        settings: &LogSettings,
        undelivered: &UndeliveredLogs,
        packer: Sender<Complete>,
    ) -> io::Result<Self> {
        let folder = settings.folder.join(QUEUE_FOLDER);
        undelivered.add_folder(&folder)?;
        let after = settings.deliver_after;
        Ok(DeliveryQueue {
            folder,
            close_after: after.saturating_sub(BEFORE_DELIVERY).max(after / 2),
            size_bytes_max: settings.undelivered_size_bytes_max,
            when_full: settings.undelivered_full,
            files: HashMap::new(),
            undelivered: undelivered.clone(),
            packer,
            waiting_size_bytes: 0,
        })
    }

    /// Takes the lines of a distribution's own log.
    pub(super) fn take(&mut self, batch: &Batch, own: &OwnLines) {
        let logging = &own.logging;
        let id = &batch.distribution_id;
        let name = LogName::Distribution(Arc::clone(logging), id.clone(), batch.hour);
        let queue = &self.folder;
        let file = self.files.entry(name).or_insert_with(|| {
            let folder = queue.join(folder_of(&logging.bucket, &logging.prefix));
            let hour = Timestamp::from_secs(batch.hour * HOUR_SECS);
            let name = log_file_name(id, hour, &unique());
            QueueFile::new(folder, name, logging.layout.header().into(), Instant::now())
        });
        let is_taken = take_in(
            file,
            &own.lines,
            batch.records,
            &mut self.waiting_size_bytes,
        );
        self.count(is_taken, batch.records);
    }

    /// Takes a line of a bucket's access log.
    pub(super) fn take_access(&mut self, record: &AccessLogLine) {
        let name = LogName::Access(record.bucket.clone(), record.prefix.clone());
        let queue = &self.folder;
        let file = self.files.entry(name).or_insert_with(|| {
            let folder = queue.join(folder_of(&record.bucket, &record.prefix));
            let unique = format!("{}{}", unique(), unique()).to_ascii_uppercase();
            let name = access_log_file_name(record.at, &unique);
            QueueFile::new(folder, name, String::new(), Instant::now())
        });
        let mut line = Vec::new();
        push_time(record.at, &mut line);
        let is_of_one_line = |byte: &u8| !b"\r\n".contains(byte);
        line.extend(record.line.bytes().filter(is_of_one_line));
        line.push(b'\n');
        let is_taken = take_in(file, &line, 1, &mut self.waiting_size_bytes);
        self.count(is_taken, 1);
    }

    fn count(&self, taken: Taken, records: usize) {
        match taken {
            Taken::Waits => {}
            Taken::LeftOut => self.undelivered.count_missed(records as u64),
        }
    }

    /// Writes the lines in memory, completes files that are old or large, and keeps the queue within its limit. Lines
    /// that cannot be written stay in memory.
    pub(super) fn flush(&mut self, now: Instant) -> QueueRoom {
        let mut fault = None;
        let mut complete = Vec::new();
        let files = std::mem::take(&mut self.files);
        for (name, mut file) in files {
            if let Err(error) = file.write() {
                fault = Some(error);
            }
            // There may be as many files as distributions, each for some lines now and then.
            file.release();
            match file.waiting() == 0 && file.is_complete(now, self.close_after) {
                true => complete.push(file),
                false => _ = self.files.insert(name, file),
            }
        }
        self.complete(complete);
        let files = self.files.values();
        self.waiting_size_bytes = files.clone().map(QueueFile::waiting_size_bytes).sum();
        let growing_size_bytes = files.map(QueueFile::size_bytes).sum();
        if let Some(error) = fault {
            self.tell_of_fault(&error);
        }
        self.keep_within_limit(growing_size_bytes)
    }

    /// Writes and completes everything that can be written.
    pub(super) fn close(&mut self) {
        let mut complete = Vec::new();
        let mut lost = 0;
        let files = std::mem::take(&mut self.files);
        for mut file in files.into_values() {
            if let Err(error) = file.write() {
                lost += file.waiting() as u64;
                self.tell_of_fault(&error);
            }
            complete.push(file);
        }
        self.complete(complete);
        self.undelivered.count_missed(lost);
        self.undelivered.set_growing_size_bytes(0);
        if lost > 0 {
            self.undelivered
                .notices()
                .tell(NoticeCode::LogDropped, |_| {
                    format!(
                        "{lost} records of logs for buckets are lost, the disk did not take them"
                    )
                });
        }
    }

    fn complete(&self, files: Vec<QueueFile>) {
        for file in files {
            match file.complete() {
                Ok(Some(object)) => {
                    let queue = self.folder.clone();
                    // The packer ends only after the log's thread.
                    let _ = self.packer.send(Complete { queue, object });
                }
                Ok(None) => {}
                // It is found at the next start.
                Err(error) => self.tell_of_fault(&error),
            }
        }
    }

    fn keep_within_limit(&self, growing_size_bytes: u64) -> QueueRoom {
        let max = self.size_bytes_max;
        let mut size_bytes = self.undelivered.set_growing_size_bytes(growing_size_bytes);
        let waits_in_memory = self.waiting_size_bytes > WAITING_SIZE_BYTES_MAX / 2;
        if size_bytes > max / 2 {
            self.undelivered.notices().tell(NoticeCode::LogQueue, |_| {
                let percent = size_bytes * 100 / max;
                format!(
                    "logs of {size_bytes} bytes wait for their delivery, {percent} % of log.undelivered_size_bytes_max"
                )
            });
        }
        match self.when_full {
            UndeliveredFull::Refuse if size_bytes >= max || waits_in_memory => {
                return QueueRoom::Full;
            }
            UndeliveredFull::Refuse => return QueueRoom::Free,
            UndeliveredFull::DropOldest => {}
        }
        let before = self.undelivered.dropped();
        while size_bytes > max
            && let Some(freed) = self.undelivered.drop_oldest()
        {
            size_bytes = size_bytes.saturating_sub(freed);
        }
        let dropped = self.undelivered.dropped();
        if dropped != before {
            self.undelivered.notices().tell(NoticeCode::LogDropped, |_| {
                format!(
                    "too many logs wait for their delivery: {} of the oldest files with {} records were deleted since the \
                     start; see to the buckets, or raise log.undelivered_size_bytes_max",
                    dropped.files, dropped.records
                )
            });
        }
        QueueRoom::Free
    }

    fn tell_of_fault(&self, error: &io::Error) {
        let missed = match self.undelivered.dropped().records {
            0 => String::new(),
            missed => format!("; {missed} records of such logs are lost so far"),
        };
        let folder = self.folder.display();
        self.undelivered.notices().tell(NoticeCode::LogQueue, |_| {
            format!("logs for buckets cannot be written in {folder} ({error}){missed}")
        });
    }
}

/// Whether lines wait in memory until they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Waits,
    /// There was no room.
    LeftOut,
}

/// Gives lines to a file, if there is room for them in memory, of which `waiting` is used.
fn take_in(file: &mut QueueFile, lines: &[u8], records: usize, waiting: &mut usize) -> Taken {
    let is_room = file.waiting_size_bytes() + lines.len() <= FILE_WAITING_SIZE_BYTES_MAX
        && *waiting + lines.len() <= WAITING_SIZE_BYTES_MAX;
    if !is_room {
        return Taken::LeftOut;
    }
    file.take(lines, records);
    *waiting += lines.len();
    Taken::Waits
}

/// Starts the thread that makes objects of complete files. It ends when all senders are gone and everything is done.
pub(super) fn start_packer(
    undelivered: UndeliveredLogs,
) -> io::Result<(Sender<Complete>, JoinHandle<()>)> {
    let (sender, receiver): (_, Receiver<Complete>) = channel();
    let thread = std::thread::Builder::new()
        .name("privet-log-pack".into())
        .spawn(move || {
            for Complete { queue, object } in receiver {
                add(&undelivered, &queue, object);
            }
        })?;
    Ok((sender, thread))
}

fn add(undelivered: &UndeliveredLogs, queue: &Path, object: PathBuf) {
    if let Err(error) = undelivered::pack(&object) {
        // It is delivered all the same: the lines are put in order when they are read.
        undelivered.notices().tell(NoticeCode::LogQueue, |_| {
            format!(
                "the log file {} cannot be compressed: {error}",
                object.display()
            )
        });
    }
    undelivered.add(queue, object);
}

#[cfg(test)]
mod tests;
