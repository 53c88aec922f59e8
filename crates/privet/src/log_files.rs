//! The records in the log files that a configuration names: the node's own, those of distributions, and those that were
//! delivered into buckets that are folders of this machine.

use flate2::read::MultiGzDecoder;
use percent_encoding::percent_decode_str;
use privet_distribution::config::{LogDestination, Snapshot};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Number of files that are looked through, the newest ones.
const FILES_MAX: usize = 2_000;
/// Number of bytes that are read of a file, counted after decompression.
const FILE_SIZE_BYTES_MAX: u64 = 1 << 30;
/// Depth of folders beneath the first one.
const DEPTH_MAX: usize = 16;

/// Values of a record by the names of their fields; only those that the log has.
pub(crate) type Values = BTreeMap<String, String>;

/// Gives each record to `each`, with its file, the newest files first. Returns where was not looked, and why.
pub(crate) fn each_record(snapshot: &Snapshot, mut each: impl FnMut(&Path, Values)) -> Vec<String> {
    let mut notes = Vec::new();
    let roots = roots(snapshot, &mut notes);
    let mut files = BTreeSet::new();
    for root in roots {
        collect(&root, 0, &mut files);
    }
    if files.len() > FILES_MAX {
        let note = format!(
            "only the newest {FILES_MAX} of {} log files were read",
            files.len()
        );
        notes.push(note);
    }
    for (_, file) in files.into_iter().rev().take(FILES_MAX) {
        // A file that is delivered meanwhile is found where it has gone.
        let _ = records_of(&file, &mut each);
    }
    notes
}

/// Returns the folders with log files.
fn roots(snapshot: &Snapshot, notes: &mut Vec<String>) -> BTreeSet<PathBuf> {
    let mut roots = BTreeSet::new();
    match &snapshot.node.log {
        Some(log) => _ = roots.insert(log.folder.clone()),
        None => notes.push("the configuration has no [log]".to_owned()),
    }
    let distributions = snapshot.distributions().iter();
    let mut elsewhere = BTreeSet::new();
    for logging in distributions.filter_map(|distribution| distribution.logging.as_ref()) {
        match snapshot.log_destination(&logging.bucket) {
            Some(LogDestination::Folder(root)) => _ = roots.insert(root.join(&logging.prefix)),
            // Objects lie at the paths of their keys.
            Some(LogDestination::Embedded) => {
                let settings = snapshot.node.buckets.as_ref();
                let root = settings.map(|settings| settings.folder.join(&logging.bucket));
                roots.extend(root.map(|root| root.join(&logging.prefix)));
            }
            Some(LogDestination::Endpoint(_)) => _ = elsewhere.insert(&logging.bucket),
            None => {}
        }
    }
    let note = |bucket| format!("bucket {bucket} is on an S3 server, the logs in it were not read");
    notes.extend(elsewhere.into_iter().map(note));
    roots
}

/// Collects compressed log files, with their times.
fn collect(folder: &Path, depth: usize, files: &mut BTreeSet<(SystemTime, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let is_log = path
            .extension()
            .is_some_and(|extension| extension == "gz" || extension == "part");
        if metadata.is_dir() && depth < DEPTH_MAX {
            collect(&path, depth + 1, files);
        } else if metadata.is_file()
            && is_log
            && let Ok(modified) = metadata.modified()
        {
            files.insert((modified, path));
        }
    }
}

fn records_of(file: &Path, each: &mut impl FnMut(&Path, Values)) -> io::Result<()> {
    let text = MultiGzDecoder::new(BufReader::new(File::open(file)?));
    let text = BufReader::new(text.take(FILE_SIZE_BYTES_MAX));
    let mut fields: Vec<String> = Vec::new();
    // A file that is being written ends in the middle.
    for line in text.lines().map_while(Result::ok) {
        if let Some(names) = line.strip_prefix("#Fields: ") {
            fields = names.split(' ').map(str::to_owned).collect();
            continue;
        }
        if let Some(values) = values_of(&line, &fields) {
            each(file, values);
        }
    }
    Ok(())
}

/// Reads a line of either form; `None` for one that is no record.
pub(crate) fn values_of(line: &str, fields: &[String]) -> Option<Values> {
    if line.starts_with('{') {
        let values: Map<String, Value> = serde_json::from_str(line).ok()?;
        let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
        return Some(values.into_iter().filter_map(text).collect());
    }
    let values = line.split('\t').map(|value| {
        // Values are percent-encoded as a whole.
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    });
    let values: Values = fields.iter().cloned().zip(values).collect();
    (!values.is_empty() && !line.starts_with('#')).then_some(values)
}
