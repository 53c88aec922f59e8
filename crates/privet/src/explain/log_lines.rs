//! Finds the requests with a link in the log files that a configuration names: the node's own, those of distributions,
//! and those that were delivered into buckets that are folders of this machine.

use crate::command_error::CommandError;
use crate::stored_service::served_snapshot;
use flate2::read::MultiGzDecoder;
use percent_encoding::percent_decode_str;
use privet_control::host_and_path;
use privet_distribution::config::{LogDestination, Snapshot};
use privet_distribution::logging::{redact_query, redact_viewer_text};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Number of requests that are shown, the newest ones.
const FOUND_MAX: usize = 20;
/// Number of files that are looked through, the newest ones.
const FILES_MAX: usize = 2_000;
/// Number of bytes that are read of a file, counted after decompression.
const FILE_SIZE_BYTES_MAX: u64 = 1 << 30;
/// Depth of folders beneath the first one.
const DEPTH_MAX: usize = 16;

/// What the logs say of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogLines {
    /// Requests, the newest first.
    pub(super) found: Vec<FoundLine>,
    /// Where was not looked, and why.
    pub(super) notes: Vec<String>,
}

/// A request in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundLine {
    file: PathBuf,
    /// Values by the names of their fields; only those that the log has.
    values: BTreeMap<String, String>,
}

/// A request to look for, as it is logged.
struct Wanted {
    host: String,
    path: String,
    query: String,
}

/// Looks for the requests with a link in the logs of a configuration.
///
/// # Errors
/// [`CommandError::Configuration`] and those of a store.
pub(super) fn find(config: &Path, url: &str) -> Result<LogLines, CommandError> {
    let snapshot = served_snapshot(config)?;
    let mut lines = LogLines::default();
    let roots = roots(&snapshot, &mut lines.notes);
    let Some(wanted) = Wanted::of(url) else {
        lines
            .notes
            .push("the link names no path of a host".to_owned());
        return Ok(lines);
    };
    let mut files = BTreeSet::new();
    for root in roots {
        collect(&root, 0, &mut files);
    }
    if files.len() > FILES_MAX {
        let note = format!(
            "only the newest {FILES_MAX} of {} log files were read",
            files.len()
        );
        lines.notes.push(note);
    }
    for (_, file) in files.into_iter().rev().take(FILES_MAX) {
        // A file that is delivered meanwhile is found where it has gone.
        let found = lines_of(&file, &wanted).unwrap_or_default();
        lines.found.extend(found);
    }
    lines
        .found
        .sort_by_cached_key(|line| std::cmp::Reverse(line.time()));
    lines
        .found
        .dedup_by(|one, other| one.values == other.values);
    lines.found.truncate(FOUND_MAX);
    Ok(lines)
}

impl FoundLine {
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("-", String::as_str)
    }

    fn time(&self) -> String {
        format!("{} {}", self.value("date"), self.value("time"))
    }

    /// Returns the request in one line.
    pub(super) fn text(&self) -> String {
        format!(
            "{}  {} {} from {} ({})",
            self.time(),
            self.value("sc-status"),
            self.value("x-edge-detailed-result-type"),
            self.value("c-ip"),
            self.file.display()
        )
    }

    /// Returns the file, and the values by the names of their fields.
    pub(super) fn json(&self) -> Value {
        json!({ "file": self.file.display().to_string(), "fields": self.values })
    }
}

impl Wanted {
    fn of(url: &str) -> Option<Self> {
        let url = url.trim();
        let (host, path) = host_and_path(url)?;
        let query = url.split_once('?').map_or("-", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        Some(Wanted {
            host: without_port(host).to_ascii_lowercase(),
            path: redact_viewer_text(path).into_owned(),
            query: redact_query(query).into_owned(),
        })
    }

    /// Returns true if a record is of such a request, as far as it has the fields that say so; the path it must have.
    fn is(&self, values: &BTreeMap<String, String>) -> bool {
        let host = values
            .get("x-host-header")
            .map(|host| host.to_ascii_lowercase());
        let host = host
            .as_deref()
            .map(|host| host.split(':').next().unwrap_or(host));
        values.get("cs-uri-stem") == Some(&self.path)
            && host.is_none_or(|host| host.eq_ignore_ascii_case(&self.host))
            && values
                .get("cs-uri-query")
                .is_none_or(|query| *query == self.query)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
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

fn lines_of(file: &Path, wanted: &Wanted) -> io::Result<Vec<FoundLine>> {
    let text = MultiGzDecoder::new(BufReader::new(File::open(file)?));
    let text = BufReader::new(text.take(FILE_SIZE_BYTES_MAX));
    let mut fields: Vec<String> = Vec::new();
    let mut found = Vec::new();
    // A file that is being written ends in the middle.
    for line in text.lines().map_while(Result::ok) {
        if let Some(names) = line.strip_prefix("#Fields: ") {
            fields = names.split(' ').map(str::to_owned).collect();
            continue;
        }
        let values = values_of(&line, &fields);
        if values.as_ref().is_some_and(|values| wanted.is(values)) {
            let file = file.to_owned();
            found.extend(values.map(|values| FoundLine { file, values }));
        }
    }
    Ok(found)
}

/// Reads a line of either form; `None` for one that is no record.
fn values_of(line: &str, fields: &[String]) -> Option<BTreeMap<String, String>> {
    if line.starts_with('{') {
        let values: Map<String, Value> = serde_json::from_str(line).ok()?;
        let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
        return Some(values.into_iter().filter_map(text).collect());
    }
    let values = line.split('\t').map(|value| {
        // Values are percent-encoded as a whole.
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    });
    let values: BTreeMap<String, String> = fields.iter().cloned().zip(values).collect();
    (!values.is_empty() && !line.starts_with('#')).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fields: &str) -> Vec<String> {
        fields.split(' ').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(url: &str, line: &str, expected: bool) {
        let fields = names("date time cs-uri-stem x-host-header cs-uri-query");
        let values = values_of(line, &fields).unwrap();
        assert_eq!(Wanted::of(url).unwrap().is(&values), expected, "{line}");
    }

    #[test]
    fn lines_that_are_no_records() {
        assert_eq!(values_of("#Version: 1.0", &names("date")), None);
        assert_eq!(values_of("{", &names("date")), None);
        assert_eq!(values_of("2025-12-29", &[]), None);
    }

    #[test]
    fn a_request_is_known_by_host_path_and_redacted_query() {
        let url = "https://www.example.com/a%20b?x=1&Signature=@@@";
        let line = |host: &str, path: &str, query: &str| format!("d\tt\t{path}\t{host}\t{query}");
        let query = "x=1&Signature=redacted";
        check(url, &line("other.example.com", "/a%2520b", query), false);
        check(url, &line("www.example.com", "/a%20b", query), false);
        check(url, &line("www.example.com", "/a%2520b", "-"), false);
        check(url, &line("WWW.example.com:8080", "/a%2520b", query), true);
        check(
            "https://www.example.com/a",
            &line("www.example.com", "/a", "-"),
            true,
        );
        let json = r#"{"cs-uri-stem":"/a","cs-uri-query":"-"}"#;
        check("https://www.example.com/a", json, true);
        check("https://www.example.com/b", json, false);
    }
}
