//! CloudFront's log files in a folder: one gzip file per distribution and hour, named and rotated as documented.
//!
//! Beside it are the logs of distributions that have their own: in folders, or in the queue of what is delivered.

use super::batch::Batch;
use super::distribution_logs::DistributionLogs;
use super::file::{LogFile, finish_leftovers};
use super::queue::{AccessLogLine, Complete, DeliveryQueue, QueueRoom, UndeliveredLogs};
use crate::standard_error;
use privet_distribution::config::{LogDelivery, LogSettings};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// Size of the lines that gather before they are compressed and written, unless a second passes first.
const BATCH_SIZE_BYTES: usize = 1024 * 1024;

/// All files under way.
#[derive(Debug)]
pub(super) struct LogFiles {
    settings: LogSettings,
    folder: PathBuf,
    files: HashMap<(String, u64), LogFile>,
    own: DistributionLogs,
    queue: DeliveryQueue,
    /// Whether the queue had room for more when it was last written.
    room: QueueRoom,
    /// Number of records taken since the last attempt to write; `fresh_size_bytes` is the size of their lines.
    fresh_records: usize,
    fresh_size_bytes: usize,
    complained: Option<Instant>,
}

impl LogFiles {
    /// Creates the folder and finishes files that an earlier run left behind. Errors: the folder cannot be created or
    /// read.
    pub(super) fn open(
        settings: &LogSettings,
        undelivered: &UndeliveredLogs,
        packer: Sender<Complete>,
    ) -> io::Result<Self> {
        let folder = settings.folder.join(settings.prefix.trim_matches('/'));
        std::fs::create_dir_all(&folder)?;
        finish_leftovers(&folder)?;
        Ok(LogFiles {
            settings: settings.clone(),
            own: DistributionLogs::new(settings, &folder),
            queue: DeliveryQueue::open(settings, undelivered, packer)?,
            room: QueueRoom::Free,
            folder,
            files: HashMap::new(),
            fresh_records: 0,
            fresh_size_bytes: 0,
            complained: None,
        })
    }

    pub(super) fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Returns true if enough has arrived since the last attempt to write early: a megabyte, or `records_max` records.
    /// Lines that a full disk left in memory do not count, or each further record would have them compressed again.
    pub(super) fn is_batch_full(&self, records_max: usize) -> bool {
        self.fresh_size_bytes >= BATCH_SIZE_BYTES || self.fresh_records >= records_max.max(1)
    }

    /// Takes finished lines.
    pub(super) fn take(&mut self, batch: &Batch) {
        let key = (batch.distribution_id.clone(), batch.hour);
        let folder = &self.folder;
        let file = self
            .files
            .entry(key)
            .or_insert_with(|| LogFile::new(folder, "", batch.header.into(), batch));
        file.take(&batch.lines, batch.records);
        if let Some(own) = batch.own.as_ref().filter(|own| !own.lines.is_empty()) {
            match own.logging.delivery {
                LogDelivery::Folder => self.own.take(batch, own),
                LogDelivery::Bucket => self.queue.take(batch, own),
            }
        }
        self.fresh_records += batch.records;
        self.fresh_size_bytes += batch.lines.len();
    }

    /// Takes a line of a bucket's access log.
    pub(super) fn take_access(&mut self, record: &AccessLogLine) {
        self.queue.take_access(record);
    }

    /// Returns whether the queue of what is to be delivered had room when it was last written.
    pub(super) fn room(&self) -> QueueRoom {
        self.room
    }

    /// Writes the lines in memory and returns the number of records written; lines that cannot be written stay in
    /// memory.
    pub(super) fn flush(&mut self) -> usize {
        let newest_hour = self.files.keys().map(|(_, hour)| *hour).max();
        let settings = &self.settings;
        let mut fault = None;
        let mut written = 0;
        (self.fresh_records, self.fresh_size_bytes) = (0, 0);
        // Before the node's own log: a record that is in that one is delivered as well, whatever dies in between.
        self.room = self.queue.flush(Instant::now());
        self.files.retain(|(_, hour), file| {
            match file.write_member() {
                Ok(records) => written += records,
                Err(error) => {
                    fault = Some(error);
                    return true;
                }
            }
            !(file.is_done(*hour, newest_hour, settings) && file.finish().is_ok())
        });
        self.own.flush(settings);
        if let Some(error) = fault {
            self.complain(&error);
        }
        written
    }

    /// Writes and finishes everything; returns the number of records. Lines that the disk does not take go to standard
    /// error, so that they are not lost.
    pub(super) fn close(mut self) -> usize {
        let mut written = self.flush();
        for file in self.files.values_mut() {
            match file.write_member() {
                Ok(records) => written += records,
                Err(_) => {
                    let _ = io::stderr().write_all(file.lines());
                    written += file.waiting();
                }
            }
            if let Err(error) = file.finish() {
                standard_error::warning(format_args!(
                    "{} keeps its working name: {error}",
                    file.part().display()
                ));
            }
        }
        self.own.close(&self.settings);
        self.queue.close();
        written
    }

    fn complain(&mut self, error: &io::Error) {
        if self
            .complained
            .is_some_and(|at| at.elapsed() < COMPLAIN_EVERY)
        {
            return;
        }
        self.complained = Some(Instant::now());
        standard_error::warning(format_args!(
            "the access log in {} cannot be written ({error}); {} wait in memory, free space there",
            self.folder.display(),
            waiting(self.files.values().map(LogFile::waiting).sum()),
        ));
    }
}

fn waiting(records: usize) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    }
}
