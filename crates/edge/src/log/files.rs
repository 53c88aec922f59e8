//! CloudFront's log files in a folder: one gzip file per distribution and hour, named and rotated as documented.
//!
//! A file grows by whole gzip members under the name `….gz.part`; a member that does not fit on the disk is cut off
//! again and written later. A finished file gets its final name.

use super::batch::Batch;
use crate::request_id::request_id;
use crate::standard_error;
use flate2::Compression;
use flate2::write::GzEncoder;
use privet_distribution::config::LogSettings;
use privet_distribution::logging::log_file_name;
use privet_sign::Timestamp;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const HOUR_SECS: u64 = 3_600;
/// Time after its last record at which a file of a past hour is finished.
const QUIET_AFTER: Duration = Duration::from_secs(60);
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// Size of the lines that gather before they are compressed and written, unless a second passes first.
const BATCH_SIZE_BYTES: usize = 1024 * 1024;
const PART: &str = ".part";

/// All files under way.
#[derive(Debug)]
pub(super) struct LogFiles {
    settings: LogSettings,
    folder: PathBuf,
    files: HashMap<(String, u64), LogFile>,
    /// Number of records taken since the last attempt to write; `fresh_size_bytes` is the size of their lines.
    fresh_records: usize,
    fresh_size_bytes: usize,
    complained: Option<Instant>,
}

impl LogFiles {
    /// Creates the folder and finishes files that an earlier run left behind. Errors: the folder cannot be created or
    /// read.
    pub(super) fn open(settings: &LogSettings) -> io::Result<Self> {
        let folder = settings.folder.join(settings.prefix.trim_matches('/'));
        std::fs::create_dir_all(&folder)?;
        finish_leftovers(&folder)?;
        Ok(LogFiles {
            settings: settings.clone(),
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
            .or_insert_with(|| LogFile::new(folder, batch));
        file.lines.extend_from_slice(&batch.lines);
        file.records += batch.records;
        file.last_record = Instant::now();
        self.fresh_records += batch.records;
        self.fresh_size_bytes += batch.lines.len();
    }

    /// Writes the lines in memory and returns the number of records written; lines that cannot be written stay in
    /// memory.
    pub(super) fn flush(&mut self) -> usize {
        let newest_hour = self.files.keys().map(|(_, hour)| *hour).max();
        let settings = &self.settings;
        let mut fault = None;
        let mut written = 0;
        (self.fresh_records, self.fresh_size_bytes) = (0, 0);
        self.files.retain(|(_, hour), file| {
            match file.write_member() {
                Ok(records) => written += records,
                Err(error) => {
                    fault = Some(error);
                    return true;
                }
            }
            let past = newest_hour.is_some_and(|newest| *hour < newest)
                || file.last_record.elapsed() >= Duration::from_secs(HOUR_SECS);
            let finished = file.opened.elapsed() >= settings.rotate_after
                || file.plain_size_bytes >= settings.rotate_size_bytes_max
                || (past && file.last_record.elapsed() >= QUIET_AFTER);
            !(finished && file.finish().is_ok())
        });
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
                    let _ = io::stderr().write_all(&file.lines);
                    written += file.records;
                }
            }
            if let Err(error) = file.finish() {
                standard_error::warning(format_args!(
                    "{} keeps its working name: {error}",
                    file.part.display()
                ));
            }
        }
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
            waiting(self.files.values().map(|file| file.records).sum()),
        ));
    }
}

fn waiting(records: usize) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    }
}

/// A file under way.
#[derive(Debug)]
struct LogFile {
    header: &'static str,
    part: PathBuf,
    file: Option<File>,
    /// Number of bytes that are safely written.
    size_bytes: u64,
    /// Number of bytes written, counted before compression.
    plain_size_bytes: u64,
    /// Lines that are only in memory; `records` is their number.
    lines: Vec<u8>,
    records: usize,
    opened: Instant,
    last_record: Instant,
}

impl LogFile {
    fn new(folder: &Path, batch: &Batch) -> Self {
        let unique: String = request_id()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        let hour = Timestamp::from_secs(batch.hour * HOUR_SECS);
        let name = log_file_name(&batch.distribution_id, hour, &unique) + PART;
        LogFile {
            header: batch.header,
            part: folder.join(name),
            file: None,
            size_bytes: 0,
            plain_size_bytes: 0,
            lines: Vec::new(),
            records: 0,
            opened: Instant::now(),
            last_record: Instant::now(),
        }
    }

    /// Appends the lines in memory as one gzip member and returns their number.
    fn write_member(&mut self) -> io::Result<usize> {
        if self.lines.is_empty() {
            return Ok(0);
        }
        let mut member = GzEncoder::new(Vec::new(), Compression::fast());
        if self.size_bytes == 0 {
            member.write_all(self.header.as_bytes())?;
        }
        member.write_all(&self.lines)?;
        self.append(&member.finish()?)?;
        self.plain_size_bytes += self.lines.len() as u64;
        self.lines.clear();
        Ok(std::mem::take(&mut self.records))
    }

    fn append(&mut self, member: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                OpenOptions::new()
                    .append(true)
                    .create_new(true)
                    .mode(0o640)
                    .open(&self.part)?,
            ),
        };
        if let Err(error) = file.write_all(member) {
            // Half a member would make the rest of the file unreadable.
            file.set_len(self.size_bytes)?;
            return Err(error);
        }
        self.size_bytes += member.len() as u64;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.file.take().is_none() {
            return Ok(());
        }
        // The disk took the name, but not one record.
        if self.size_bytes == 0 {
            return std::fs::remove_file(&self.part);
        }
        std::fs::rename(&self.part, final_name(&self.part))
    }
}

/// Gives files that an earlier run left unfinished their final names: they are whole up to their last member.
fn finish_leftovers(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(&format!(".gz{PART}")) {
            std::fs::rename(&path, final_name(&path))?;
        }
    }
    Ok(())
}

fn final_name(part: &Path) -> PathBuf {
    part.with_extension("")
}
