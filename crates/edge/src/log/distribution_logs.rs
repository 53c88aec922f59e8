//! The logs that distributions have of their own, beside the node's, for buckets that the edge does not know:
//! CloudFront's files, in a folder with the bucket's name.
//!
//! The node's log has every record and holds up requests rather than lose one. These are copies: lines that cannot be
//! written wait in bounded memory, and those beyond are left out and told.

use super::batch::{Batch, OwnLines};
use super::file::{LogFile, finish_leftovers};
use crate::standard_error;
use privet_distribution::config::{DistributionLogging, LogSettings};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum size of the lines of one file that wait in memory.
const FILE_WAITING_SIZE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Maximum size of the lines of all files that wait in memory.
const WAITING_SIZE_BYTES_MAX: usize = 64 * 1024 * 1024;
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// A distribution's log in one hour.
type LogName = (Arc<DistributionLogging>, String, u64);

/// All files of these logs under way.
#[derive(Debug)]
pub(super) struct DistributionLogs {
    /// Folder above those of the buckets.
    folder: PathBuf,
    /// Folder of the node's own log, whose files are not touched.
    node_folder: PathBuf,
    files: HashMap<LogName, LogFile>,
    /// Folders in which the files of earlier runs were finished.
    known_folders: HashSet<PathBuf>,
    waiting_size_bytes: usize,
    /// Number of records that were left out since the last complaint.
    missed: usize,
    complained: Option<Instant>,
}

impl DistributionLogs {
    /// Nothing is read or written before there are lines.
    pub(super) fn new(settings: &LogSettings, node_folder: &Path) -> Self {
        DistributionLogs {
            folder: settings.folder.clone(),
            node_folder: node_folder.to_owned(),
            files: HashMap::new(),
            known_folders: HashSet::new(),
            waiting_size_bytes: 0,
            missed: 0,
            complained: None,
        }
    }

    /// Takes the lines of a distribution's own log.
    pub(super) fn take(&mut self, batch: &Batch, own: &OwnLines) {
        let size_bytes = own.lines.len();
        let logging = &own.logging;
        let name = (
            Arc::clone(logging),
            batch.distribution_id.clone(),
            batch.hour,
        );
        let root = &self.folder;
        let file = self.files.entry(name).or_insert_with(|| {
            let (folder, prefix) = place_of(root, logging);
            LogFile::new(&folder, prefix, logging.layout.header(), batch)
        });
        let is_room = file.waiting_size_bytes() + size_bytes <= FILE_WAITING_SIZE_BYTES_MAX
            && self.waiting_size_bytes + size_bytes <= WAITING_SIZE_BYTES_MAX;
        match is_room {
            true => {
                file.take(&own.lines, batch.records);
                self.waiting_size_bytes += size_bytes;
            }
            false => self.missed += batch.records,
        }
    }

    /// Writes the lines in memory; those that cannot be written stay there.
    pub(super) fn flush(&mut self, settings: &LogSettings) {
        let newest_hour = self.files.keys().map(|(_, _, hour)| *hour).max();
        let Self {
            folder,
            node_folder,
            files,
            known_folders,
            waiting_size_bytes,
            missed,
            ..
        } = self;
        let is_crowded = *waiting_size_bytes > WAITING_SIZE_BYTES_MAX / 2;
        let mut fault = None;
        files.retain(|(logging, id, hour), file| {
            let (folder, _) = place_of(folder, logging);
            let is_fresh = file.waiting_size_bytes() > 0;
            let prepared = match is_fresh {
                true => prepare(&folder, node_folder, known_folders),
                false => Ok(()),
            };
            if let Err(error) = prepared.and_then(|()| file.write_member()) {
                fault = Some((id.clone(), folder, error));
                // What can never be written must not take the room of what can.
                let is_given_up = is_crowded && file.is_done(*hour, newest_hour, settings);
                *missed += if is_given_up { file.waiting() } else { 0 };
                return !is_given_up;
            }
            // There may be as many files as distributions, each for some lines now and then.
            file.release();
            !(file.is_done(*hour, newest_hour, settings) && file.finish().is_ok())
        });
        self.waiting_size_bytes = self.files.values().map(LogFile::waiting_size_bytes).sum();
        if let Some((id, folder, error)) = fault {
            self.complain(&id, &folder, &error);
        }
    }

    /// Writes and finishes everything that can be written.
    pub(super) fn close(&mut self, settings: &LogSettings) {
        self.flush(settings);
        let mut lost = self.missed;
        for file in self.files.values_mut() {
            lost += file.waiting();
            if let Err(error) = file.finish() {
                let part = file.part().display();
                standard_error::warning(format_args!("{part} keeps its working name: {error}"));
            }
        }
        if lost > 0 {
            standard_error::warning(format_args!(
                "the logs of distributions miss {lost} of their records"
            ));
        }
    }

    fn complain(&mut self, id: &str, folder: &Path, error: &io::Error) {
        if self
            .complained
            .is_some_and(|at| at.elapsed() < COMPLAIN_EVERY)
        {
            return;
        }
        self.complained = Some(Instant::now());
        let missed = match std::mem::take(&mut self.missed) {
            0 => String::new(),
            missed => format!("; {missed} records of such logs were left out so far"),
        };
        standard_error::warning(format_args!(
            "the log of distribution {id} in {} cannot be written ({error}){missed}",
            folder.display()
        ));
    }
}

/// Returns the folder of a log, and what stands before the names of its files.
fn place_of<'l>(root: &Path, logging: &'l DistributionLogging) -> (PathBuf, &'l str) {
    let bucket = root.join(&logging.bucket);
    match logging.prefix.rsplit_once('/') {
        Some((folders, name)) => (bucket.join(folders), name),
        None => (bucket, &logging.prefix),
    }
}

/// Creates a folder, and finishes what an earlier run left behind there.
fn prepare(
    folder: &Path,
    node_folder: &Path,
    known_folders: &mut HashSet<PathBuf>,
) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    if folder == node_folder || known_folders.contains(folder) {
        return Ok(());
    }
    finish_leftovers(folder)?;
    known_folders.insert(folder.to_owned());
    Ok(())
}
