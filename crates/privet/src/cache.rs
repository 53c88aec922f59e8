//! `privet cache`: shows the contents and statistics of a running edge's cache.

use crate::admin_socket::{Question, number};
use crate::api::ApiArguments;
use crate::command_error::CommandError;
use crate::report::{counted, finish, say_all, say_json};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Show the cache contents of a running edge, and its hit ratio since the start.
#[derive(Debug, Args)]
pub(crate) struct CacheArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 if no edge is running.
pub(crate) fn run(arguments: &CacheArguments) -> ExitCode {
    finish(show(arguments))
}

fn show(arguments: &CacheArguments) -> Result<(), CommandError> {
    let statistics = match arguments.api.remote()? {
        Some(api) => api.get("/v1/cache")?.body,
        None => {
            let question = Question {
                method: "GET",
                target: "/cache",
                body: None,
            };
            question.ask(&arguments.api.socket.find()?)?
        }
    };
    if arguments.json {
        say_json(&statistics)
    } else {
        say_all(&lines(&statistics))
    }
}

fn lines(statistics: &Value) -> Vec<String> {
    let count = |name| number(statistics, name);
    let mebibytes = |name| mebibytes(number(statistics, name));
    let mut lines = vec![format!(
        "memory    {} of {}: {}, {}",
        mebibytes("memory_bytes"),
        mebibytes("memory_bytes_max"),
        counted(count("objects"), "object", "objects"),
        counted(count("blocks"), "block", "blocks"),
    )];
    if statistics.get("disk_bytes_max").is_some_and(Value::is_u64) {
        lines.push(format!(
            "disk      {} of {}, in preallocated segments: {}, {} of memory for their index",
            mebibytes("disk_bytes"),
            mebibytes("disk_bytes_max"),
            counted(count("disk_entries"), "entry", "entries"),
            mebibytes("index_bytes"),
        ));
        lines.push(format!(
            "writes    {} to disk, {} skipped, {} failed to read back",
            count("writes"),
            count("writes_skipped"),
            count("read_failures"),
        ));
    }
    let (memory, disk, misses) = (count("hits_memory"), count("hits_disk"), count("misses"));
    lines.push(format!(
        "lookups   {memory} hits in memory, {disk} on disk, {misses} misses{}",
        share(memory.saturating_add(disk), misses),
    ));
    lines.push(format!(
        "evicted   {} from memory, {} from disk",
        count("evictions_memory"),
        count("evictions_disk"),
    ));
    lines
}

fn share(found: u64, missing: u64) -> String {
    match found.saturating_add(missing) {
        0 => String::new(),
        all => format!(" ({} % hits)", u128::from(found) * 100 / u128::from(all)),
    }
}

/// Formats a size with one decimal digit.
fn mebibytes(size_bytes: u64) -> String {
    let tenths = u128::from(size_bytes) * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(size_bytes: u64, expected: &str) {
        assert_eq!(mebibytes(size_bytes), expected);
    }

    #[test]
    fn sizes_have_one_digit() {
        check(0, "0.0 MiB");
        check(1024 * 1024 - 1, "0.9 MiB");
        check(1536 * 1024, "1.5 MiB");
        check(u64::MAX, "17592186044415.9 MiB");
    }

    #[test]
    fn shares_are_of_all() {
        assert_eq!(share(0, 0), "");
        assert_eq!(share(3, 1), " (75 % hits)");
        assert_eq!(share(u64::MAX, 1), " (100 % hits)");
    }
}
