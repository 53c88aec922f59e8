//! Finds the requests with a link in the log files that a configuration names.

use crate::command_error::CommandError;
use crate::log_files::{Values, each_record};
use crate::stored_service::served_snapshot;
use privet_control::host_and_path;
use privet_distribution::logging::{redact_query, redact_viewer_text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Number of requests that are shown, the newest ones.
const FOUND_MAX: usize = 20;

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
    values: Values,
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
    let Some(wanted) = Wanted::of(url) else {
        lines
            .notes
            .push("the link names no path of a host".to_owned());
        return Ok(lines);
    };
    lines.notes = each_record(&snapshot, |file, values| {
        if wanted.is(&values) {
            let file = file.to_owned();
            lines.found.push(FoundLine { file, values });
        }
    });
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
    fn is(&self, values: &Values) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_files::values_of;

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
