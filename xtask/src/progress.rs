//! Progress for the waiting user: which step runs, how long it took the last time on this machine, and how long it took
//! now.
//!
//! The times are a convenience: a file that cannot be read or written changes nothing else.

use crate::command::{self, Outcome};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Largest size of the file of times, which has a few dozen steps; a larger file is not ours.
const FILE_SIZE_BYTES_MAX: u64 = 64 * 1024;

/// Runs one step between two lines. `at` follows its name, for instance with the number of the step.
///
/// Only the time of a step that passes is stored: a failed one says nothing about the next run.
pub fn step(name: &str, at: &str, work: impl FnOnce() -> Outcome) -> Outcome {
    println!("xtask: {}", opening(name, at, Times::read().last(name)));
    let began = Instant::now();
    let result = work();
    let elapsed = began.elapsed();
    match &result {
        Ok(()) => {
            println!("xtask: {name} passed in {}", shown(elapsed));
            Times::remember(name, elapsed);
        }
        Err(_) => println!("xtask: {name} FAILED after {}", shown(elapsed)),
    }
    result
}

/// Returns the line at the start of a step: its name, and what is known about it.
pub fn opening(name: &str, at: &str, last: Option<Duration>) -> String {
    let last = last.map(|last| format!("took {} the last time", shown(last)));
    let known: Vec<&str> = [Some(at), last.as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    if known.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", known.join("; "))
    }
}

/// The times that the steps took the last time.
#[derive(Debug, Default, PartialEq)]
pub struct Times {
    milliseconds: BTreeMap<String, u64>,
}

impl Times {
    /// Returns the times of this machine; none when their file is missing or broken.
    pub fn read() -> Self {
        Self::read_from(&file())
    }

    /// Replaces the stored time of a step.
    pub fn remember(step: &str, elapsed: Duration) {
        Self::remember_in(&file(), step, elapsed);
    }

    /// Returns the time of this step when it last passed.
    pub fn last(&self, step: &str) -> Option<Duration> {
        self.milliseconds
            .get(step)
            .copied()
            .map(Duration::from_millis)
    }

    fn read_from(file: &Path) -> Self {
        let is_small = fs::metadata(file).is_ok_and(|file| file.len() <= FILE_SIZE_BYTES_MAX);
        let text = is_small.then(|| fs::read(file).ok()).flatten();
        let milliseconds = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            milliseconds: milliseconds.unwrap_or_default(),
        }
    }

    /// The file is read again, because a step may have written it since this one began.
    fn remember_in(file: &Path, step: &str, elapsed: Duration) {
        let mut times = Self::read_from(file);
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        times.milliseconds.insert(step.to_owned(), milliseconds);
        // A half-written file counts as broken, and the next run ignores it.
        if let Ok(text) = serde_json::to_vec_pretty(&times.milliseconds) {
            let _ = fs::write(file, text);
        }
    }
}

fn file() -> PathBuf {
    command::target().join("xtask-times.json")
}

/// Formats a duration for people: `0.4 s`, `95 s`, `3 min 20 s`.
pub fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = (duration + Duration::from_millis(500)).as_secs();
    if seconds < 120 {
        return format!("{seconds} s");
    }
    format!("{} min {} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn check_ignored(text: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("times.json");
        fs::write(&file, text).unwrap();
        assert_eq!(Times::read_from(&file), Times::default());
        Times::remember_in(&file, "clippy", seconds(95.0));
        assert_eq!(Times::read_from(&file).last("clippy"), Some(seconds(95.0)));
    }

    #[test]
    fn a_broken_file_of_times_is_ignored_and_replaced() {
        check_ignored(b"");
        check_ignored(b"{\"clippy\": 95");
        check_ignored(b"{\"clippy\": \"95 s\"}");
        check_ignored(b"{\"clippy\": -1}");
        check_ignored(b"[1, 2]");
        check_ignored(&[0xff, 0xfe, 0x00]);
    }

    #[test]
    fn a_file_of_times_that_is_too_large_is_ignored_and_replaced() {
        let name = "a".repeat(usize::try_from(FILE_SIZE_BYTES_MAX).unwrap());
        check_ignored(format!("{{\"{name}\": 1}}").as_bytes());
    }

    #[test]
    fn no_times_are_known_where_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let times = Times::read_from(&folder.path().join("times.json"));
        assert_eq!(times.last("clippy"), None);
    }

    #[test]
    fn times_that_cannot_be_written_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("absent/times.json");
        Times::remember_in(&file, "clippy", seconds(95.0));
        assert_eq!(Times::read_from(&file), Times::default());
    }

    #[test]
    fn the_time_of_a_step_replaces_the_one_before_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("times.json");
        Times::remember_in(&file, "format", seconds(1.5));
        Times::remember_in(&file, "clippy", seconds(95.0));
        Times::remember_in(&file, "clippy", seconds(2.0));
        let times = Times::read_from(&file);
        assert_eq!(times.last("format"), Some(seconds(1.5)));
        assert_eq!(times.last("clippy"), Some(seconds(2.0)));
    }

    #[test]
    fn a_step_says_how_long_it_took_only_where_that_is_known() {
        let last = Some(seconds(95.0));
        assert_eq!(opening("clippy", "", None), "clippy");
        assert_eq!(
            opening("clippy", "step 3 of 7", None),
            "clippy (step 3 of 7)"
        );
        assert_eq!(
            opening("clippy", "", last),
            "clippy (took 95 s the last time)"
        );
        assert_eq!(
            opening("clippy", "step 3 of 7", last),
            "clippy (step 3 of 7; took 95 s the last time)"
        );
    }

    #[test]
    fn durations_are_shown_as_people_say_them() {
        for (duration, expected) in [
            (0.0, "0.0 s"),
            (0.44, "0.4 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (95.4, "95 s"),
            (119.6, "2 min 0 s"),
            (200.0, "3 min 20 s"),
        ] {
            assert_eq!(shown(seconds(duration)), expected);
        }
        assert_eq!(
            shown(Duration::from_millis(u64::MAX)),
            "307445734561825 min 52 s"
        );
    }
}
