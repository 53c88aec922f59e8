//! `privet log who`: who opened a link, by the logs on this machine.
//!
//! The logs name a link by a digest of its signature, the grant. Whoever sends such a name instead of a signature is
//! refused, and counted among the refusals.

use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::input;
use crate::link_fault::LinkFault;
use crate::log_files::{Values, each_record};
use crate::printable::printable;
use crate::report::{counted, finish, say_all, say_json};
use crate::stored_service::served_snapshot;
use crate::table::table;
use crate::terminal;
use crate::text;
use clap::{Args, Subcommand};
use privet_distribution::logging::{redact_query, redact_viewer_text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::process::ExitCode;

/// Number of viewers that are told apart.
const VIEWERS_MAX: usize = 10_000;
/// Number of user agents that are kept of a viewer.
const USER_AGENTS_MAX: usize = 5;
/// Number of requests that are told apart by their ids.
const REQUESTS_MAX: usize = 1_000_000;
/// Digits of a grant's name.
const GRANT_DIGITS: usize = 16;

/// Arguments of `privet log`.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Tell who opened a link: addresses, times, bytes and user agents.
    ///
    /// The log files of the configuration are read, those among them that were delivered into buckets of this machine.
    #[command(after_help = "\
Examples:
  privet log who --link 'https://HOST/talk.mp4?Policy=…&Signature=…&Key-Pair-Id=…'
  privet log who --link - --json < link.txt
  privet log who --link 4b17a0c2d95e83f6")]
    Who(WhoArguments),
}

#[derive(Debug, Args)]
struct WhoArguments {
    /// Signed URL, or the 16 digits behind `grant:` in a log; with -, it is read from standard input
    #[arg(long, value_name = "URL|GRANT")]
    link: String,
    #[command(flatten)]
    config: ConfigOption,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &LogArguments) -> ExitCode {
    finish(match &arguments.command {
        LogCommand::Who(arguments) => who(arguments),
    })
}

fn who(arguments: &WhoArguments) -> Result<(), CommandError> {
    let grant = Grant::of(&given(&arguments.link)?).ok_or(LinkFault::NotInLogs)?;
    let snapshot = served_snapshot(&arguments.config.file())?;
    let mut viewers = Viewers::default();
    let notes = each_record(&snapshot, |_, values| {
        if grant.is(&values) {
            viewers.add(&values);
        }
    });
    if arguments.json {
        return say_json(&viewers.json(&grant, &notes));
    }
    for note in notes.iter().map(String::as_str).chain(viewers.note()) {
        terminal::hint(note);
    }
    say_all(&viewers.lines())
}

fn given(link: &str) -> Result<String, CommandError> {
    if link != "-" {
        return Ok(link.to_owned());
    }
    text::decode(&input::read("-")?).ok_or_else(|| CommandError::Read {
        source: "standard input".to_owned(),
        reason: "it is not UTF-8 text".to_owned(),
    })
}

/// The name of a grant in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    digits: String,
    /// As it stands in the place of signatures and path tokens.
    label: String,
}

impl Grant {
    /// Returns the grant that a link is logged as, or that has these digits.
    fn of(link: &str) -> Option<Self> {
        let link = link.trim();
        let digits = link.strip_prefix("grant:").unwrap_or(link);
        if digits.len() == GRANT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(Self::named(&digits.to_ascii_lowercase()));
        }
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        let query = redact_query(query.split('#').next().unwrap_or_default());
        let signature = query.split('&').find_map(signature_of);
        let digits = signature.and_then(|value| value.strip_prefix("grant:"));
        if let Some(digits) = digits {
            return Some(Self::named(digits));
        }
        let path = redact_viewer_text(path);
        let (_, rest) = path.split_once("grant:")?;
        let end = rest.find(|char: char| !char.is_ascii_hexdigit());
        let digits = &rest[..end.unwrap_or(rest.len())];
        (digits.len() == GRANT_DIGITS).then(|| Self::named(digits))
    }

    fn named(digits: &str) -> Self {
        Grant {
            digits: digits.to_owned(),
            label: format!("grant:{digits}"),
        }
    }

    /// Returns true if a record is of a request with the grant.
    fn is(&self, values: &Values) -> bool {
        let value = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
        match value("x-privet-grant") {
            "" | "-" => {}
            digits => return digits == self.digits,
        }
        let queries = ["cs-uri-query", "x-sname-query"];
        let mut in_queries = queries.iter().flat_map(|name| value(name).split('&'));
        let mut in_cookies = value("cs(Cookie)").split(';');
        in_queries.any(|piece| signature_of(piece) == Some(&self.label))
            || in_cookies.any(|piece| cookie_signature_of(piece) == Some(&self.label))
            || value("cs-uri-stem").contains(&self.label)
    }
}

fn signature_of(piece: &str) -> Option<&str> {
    piece.strip_prefix("Signature=")
}

fn cookie_signature_of(piece: &str) -> Option<&str> {
    let (name, value) = piece.trim().split_once('=')?;
    name.eq_ignore_ascii_case("CloudFront-Signature")
        .then_some(value)
}

/// Viewers by their addresses.
#[derive(Debug, Default)]
struct Viewers {
    by_address: BTreeMap<String, Viewer>,
    /// Ids of requests that were counted: a request is in the node's log and in that of its distribution.
    counted: HashSet<String>,
    left_out: u64,
}

/// What one address has requested.
#[derive(Debug, Default)]
struct Viewer {
    first: String,
    last: String,
    requests: u64,
    refused: u64,
    bytes: u64,
    /// Bytes of each connection of a stream, whose records have running totals.
    streamed: BTreeMap<String, u64>,
    user_agents: BTreeSet<String>,
}

impl Viewers {
    fn add(&mut self, values: &Values) {
        let value = |name: &str| values.get(name).map_or("-", String::as_str);
        let event = value("x-event");
        let id = match value("x-edge-request-id") {
            "-" => format!("{values:?}"),
            id => id.to_owned(),
        };
        if self.counted.contains(&id) {
            return;
        }
        let address = value("c-ip");
        let is_known = self.by_address.contains_key(address);
        if self.counted.len() >= REQUESTS_MAX || (!is_known && self.by_address.len() >= VIEWERS_MAX)
        {
            self.left_out += 1;
            return;
        }
        self.counted.insert(id);
        let viewer = self.by_address.entry(address.to_owned()).or_default();
        let time = format!("{}T{}Z", value("date"), value("time"));
        viewer.requests += 1;
        viewer.refused += u64::from(value("sc-status").starts_with('4'));
        let bytes = value("sc-bytes").parse().unwrap_or(0);
        match event {
            "-" => viewer.bytes = viewer.bytes.saturating_add(bytes),
            _ => {
                let total = viewer
                    .streamed
                    .entry(value("x-cf-client-id").to_owned())
                    .or_default();
                *total = bytes.max(*total);
            }
        }
        if viewer.first.is_empty() || time < viewer.first {
            viewer.first.clone_from(&time);
        }
        if time > viewer.last {
            viewer.last = time;
        }
        let agents = [value("cs(User-Agent)"), value("c-user-agent")];
        for agent in agents.into_iter().filter(|agent| *agent != "-") {
            if viewer.user_agents.len() < USER_AGENTS_MAX {
                // Values of JSON are as they were sent, those of columns are encoded.
                viewer.user_agents.insert(agent.to_owned());
            }
        }
    }

    /// Returns the viewers, the last ones first.
    fn sorted(&self) -> Vec<(&String, &Viewer)> {
        let mut viewers: Vec<_> = self.by_address.iter().collect();
        viewers.sort_by(|one, other| other.1.last.cmp(&one.1.last));
        viewers
    }

    fn note(&self) -> Option<&'static str> {
        (self.left_out > 0).then_some("there are more requests and viewers than are told apart")
    }

    fn lines(&self) -> Vec<String> {
        if self.by_address.is_empty() {
            return vec!["no request with this link was found".to_owned()];
        }
        let rows: Vec<[String; 7]> = self
            .sorted()
            .into_iter()
            .map(|(address, viewer)| {
                let agents: Vec<&str> = viewer.user_agents.iter().map(String::as_str).collect();
                [
                    printable(address).to_string(),
                    printable(&viewer.first).to_string(),
                    printable(&viewer.last).to_string(),
                    viewer.requests.to_string(),
                    viewer.refused.to_string(),
                    viewer.bytes().to_string(),
                    printable(&agents.join(", ")).to_string(),
                ]
            })
            .collect();
        let mut lines = table(
            [
                "ADDRESS",
                "FIRST",
                "LAST",
                "REQUESTS",
                "REFUSED",
                "BYTES",
                "USER AGENTS",
            ],
            &rows,
        );
        let viewers = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        lines.push(counted(viewers, "address", "addresses"));
        lines
    }

    fn json(&self, grant: &Grant, notes: &[String]) -> Value {
        let viewers: Vec<Value> = self
            .sorted()
            .into_iter()
            .map(|(address, viewer)| {
                json!({
                    "address": address,
                    "first": viewer.first,
                    "last": viewer.last,
                    "requests": viewer.requests,
                    "refused": viewer.refused,
                    "bytes": viewer.bytes(),
                    "user_agents": viewer.user_agents,
                })
            })
            .collect();
        let notes: Vec<&str> = notes
            .iter()
            .map(String::as_str)
            .chain(self.note())
            .collect();
        json!({ "grant": grant.digits, "viewers": viewers, "left_out": self.left_out, "notes": notes })
    }
}

impl Viewer {
    fn bytes(&self) -> u64 {
        self.streamed
            .values()
            .fold(self.bytes, |sum, bytes| sum.saturating_add(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "4b17a0c2d95e83f6";

    fn values(pairs: &[(&str, &str)]) -> Values {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: bool) {
        let grant = Grant::of(DIGITS).unwrap();
        assert_eq!(grant.is(&values(pairs)), expected, "{pairs:?}");
    }

    #[test]
    fn texts_that_name_no_grant() {
        for text in [
            "",
            "4b17a0c2d95e83f",
            "4b17a0c2d95e83fg",
            "grant:4b17a0c2d95e83f6a",
            "https://h/talk.mp4",
            "https://h/talk.mp4?Signature=short",
            "AQEBAQEBAQEBAQEBAQEBAQ",
        ] {
            assert_eq!(Grant::of(text), None, "{text}");
        }
    }

    #[test]
    fn a_grant_is_named_as_the_logs_name_it() {
        let grant = Grant::of(DIGITS);
        assert_eq!(Grant::of(&format!("grant:{DIGITS}")), grant);
        let signature = format!("{}_", "A".repeat(171));
        let link = format!("https://h/a?x=1&Signature={signature}&Key-Pair-Id=K");
        let logged = redact_query(&link).into_owned();
        let found = Grant::of(&link).unwrap();
        assert!(logged.contains(&found.label), "{logged}");
    }

    #[test]
    fn records_of_other_grants() {
        let label = format!("grant:{DIGITS}");
        check(&[("cs-uri-query", &format!("x={label}"))], false);
        check(&[("cs(User-Agent)", &label)], false);
        check(&[("cs-uri-query", "Signature=redacted")], false);
        let own = format!("Signature={label}");
        let other = [
            ("x-privet-grant", "0000000000000000"),
            ("cs-uri-query", &own),
        ];
        check(&other, false);
    }

    #[test]
    fn records_of_the_grant() {
        let label = format!("grant:{DIGITS}");
        check(&[("x-privet-grant", DIGITS)], true);
        check(
            &[(
                "cs-uri-query",
                &format!("a=b&Signature={label}&Key-Pair-Id=K"),
            )],
            true,
        );
        check(
            &[("cs(Cookie)", &format!("a=b; CloudFront-Signature={label}"))],
            true,
        );
        check(&[("cs-uri-stem", &format!("/talk.mp4/{label}/1.ts"))], true);
        check(&[("x-sname-query", &format!("Signature={label}"))], true);
    }

    #[test]
    fn a_request_in_two_logs_is_one() {
        let mut viewers = Viewers::default();
        let request = |id: &str, time: &str, status: &str| {
            values(&[
                ("x-edge-request-id", id),
                ("c-ip", "192.0.2.1"),
                ("date", "2030-01-01"),
                ("time", time),
                ("sc-status", status),
                ("sc-bytes", "100"),
                ("cs(User-Agent)", "curl/8"),
            ])
        };
        viewers.add(&request("b", "11:00:00", "200"));
        viewers.add(&request("b", "11:00:00", "200"));
        viewers.add(&request("a", "10:00:00", "403"));
        for (event, bytes) in [("play", "10"), ("stop", "30")] {
            let record = [
                ("x-event", event),
                ("x-cf-client-id", "C1"),
                ("c-ip", "192.0.2.1"),
                ("sc-bytes", bytes),
                ("date", "2030-01-01"),
                ("time", "12:00:00"),
            ];
            viewers.add(&values(&record));
        }
        let shown = viewers.json(&Grant::of(DIGITS).unwrap(), &[]);
        let expected = json!([{
            "address": "192.0.2.1",
            "first": "2030-01-01T10:00:00Z",
            "last": "2030-01-01T12:00:00Z",
            "requests": 4,
            "refused": 1,
            "bytes": 230,
            "user_agents": ["curl/8"],
        }]);
        assert_eq!(shown["viewers"], expected);
    }
}
