//! One log file: it grows by whole gzip members under the name `….gz.part`; a member that does not fit on the disk is
//! cut off again and written later. A finished file gets its final name.

use super::batch::Batch;
use crate::request_id::request_id;
use flate2::Compression;
use flate2::write::GzEncoder;
use privet_distribution::config::LogSettings;
use privet_distribution::logging::log_file_name;
use privet_sign::Timestamp;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const HOUR_SECS: u64 = 3_600;
/// Time after its last record at which a file of a past hour is finished.
const QUIET_AFTER: Duration = Duration::from_secs(60);
const PART: &str = ".part";

/// A file under way.
#[derive(Debug)]
pub(super) struct LogFile {
    header: Cow<'static, str>,
    part: PathBuf,
    file: Option<File>,
    /// True if the file exists under its working name.
    is_created: bool,
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
    /// Begins a file for the lines of a batch; `prefix` stands before its name, `header` are its first lines. Nothing
    /// is written yet.
    pub(super) fn new(
        folder: &Path,
        prefix: &str,
        header: Cow<'static, str>,
        batch: &Batch,
    ) -> Self {
        let hour = Timestamp::from_secs(batch.hour * HOUR_SECS);
        let name = log_file_name(&batch.distribution_id, hour, &unique());
        let name = format!("{prefix}{name}{PART}");
        LogFile {
            header,
            part: folder.join(name),
            file: None,
            is_created: false,
            size_bytes: 0,
            plain_size_bytes: 0,
            lines: Vec::new(),
            records: 0,
            opened: Instant::now(),
            last_record: Instant::now(),
        }
    }

    /// Takes finished lines.
    pub(super) fn take(&mut self, lines: &[u8], records: usize) {
        self.lines.extend_from_slice(lines);
        self.records += records;
        self.last_record = Instant::now();
    }

    /// Returns the size of the lines that are only in memory.
    pub(super) fn waiting_size_bytes(&self) -> usize {
        self.lines.len()
    }

    /// Returns the number of records that are only in memory.
    pub(super) fn waiting(&self) -> usize {
        self.records
    }

    /// Returns the lines that are only in memory.
    pub(super) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Returns the name under which the file grows.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Returns true if the file takes no more lines: it is old or large enough, or its hour is over and nothing has
    /// come for a while. `newest_hour` is that of the newest file.
    pub(super) fn is_done(&self, hour: u64, newest_hour: Option<u64>, log: &LogSettings) -> bool {
        let is_past = newest_hour.is_some_and(|newest| hour < newest)
            || self.last_record.elapsed() >= Duration::from_secs(HOUR_SECS);
        self.opened.elapsed() >= log.rotate_after
            || self.plain_size_bytes >= log.rotate_size_bytes_max
            || (is_past && self.last_record.elapsed() >= QUIET_AFTER)
    }

    /// Gives up the descriptor until the next lines are written.
    pub(super) fn release(&mut self) {
        self.file = None;
    }

    /// Appends the lines in memory as one gzip member and returns their number.
    pub(super) fn write_member(&mut self) -> io::Result<usize> {
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
            none => none.insert(open(&self.part, &mut self.is_created)?),
        };
        if let Err(error) = file.write_all(member) {
            // Half a member would make the rest of the file unreadable.
            file.set_len(self.size_bytes)?;
            return Err(error);
        }
        self.size_bytes += member.len() as u64;
        Ok(())
    }

    /// Gives the file its final name. Lines that are only in memory stay there.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file = None;
        if !std::mem::take(&mut self.is_created) {
            return Ok(());
        }
        // The disk took the name, but not one record.
        if self.size_bytes == 0 {
            return std::fs::remove_file(&self.part);
        }
        std::fs::rename(&self.part, final_name(&self.part))
    }
}

/// Opens a file to append to it, under a name that nobody else uses: the first time it must not exist, afterwards it
/// must.
fn open(part: &Path, is_created: &mut bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(!*is_created).mode(0o640);
    let opened = options.open(part);
    *is_created = opened.is_ok();
    opened
}

/// Gives files that an earlier run left unfinished their final names: they are whole up to their last member.
pub(super) fn finish_leftovers(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(&format!(".gz{PART}")) {
            std::fs::rename(&path, final_name(&path))?;
        }
    }
    Ok(())
}

/// Returns eight characters that tell a file from all others.
pub(super) fn unique() -> String {
    let id = request_id();
    let characters = id.chars().filter(char::is_ascii_alphanumeric);
    characters.take(8).collect()
}

fn final_name(part: &Path) -> PathBuf {
    part.with_extension("")
}
