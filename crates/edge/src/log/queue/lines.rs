//! The lines of a log file that grows: each with the time of its record in front, by which they are put in order when
//! the file is complete.

use flate2::Compression;
use flate2::write::GzEncoder;
use privet_sign::Timestamp;
use std::io::{self, Write};

/// Number of digits of the time, in seconds since 1970.
const TIME_DIGITS: usize = 12;

/// Appends the time that stands before a line.
pub(in crate::log) fn push_time(at: Timestamp, out: &mut Vec<u8>) {
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{:0TIME_DIGITS$}", at.as_secs());
}

/// Appends the lines that begin a file; they stay before all others.
pub(super) fn push_header(header: &str, out: &mut Vec<u8>) {
    for line in header.split_inclusive('\n') {
        push_time(Timestamp::from_secs(0), out);
        out.extend_from_slice(line.as_bytes());
    }
}

/// Returns the lines in the order of their times, without these, and those of one time in the order in which they came.
/// A torn line at the end is cut off, as is what a power failure has left in place of a line.
pub(super) fn ordered(lines: &[u8]) -> Vec<u8> {
    let whole = lines.split_inclusive(|&byte| byte == b'\n');
    let mut whole: Vec<(&[u8], &[u8])> = whole
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| line.split_at_checked(TIME_DIGITS))
        .filter(|(time, _)| time.iter().all(u8::is_ascii_digit))
        .collect();
    whole.sort_by_key(|(time, _)| *time);
    let mut ordered = Vec::with_capacity(lines.len());
    for (_, line) in whole {
        ordered.extend_from_slice(line);
    }
    ordered
}

/// Returns the object that a file of this name becomes: the same at every attempt, compressed where its name says so.
pub(super) fn object_of(name: &str, lines: &[u8]) -> io::Result<Vec<u8>> {
    let ordered = ordered(lines);
    if !name.ends_with(".gz") {
        return Ok(ordered);
    }
    let mut object = GzEncoder::new(Vec::new(), Compression::fast());
    object.write_all(&ordered)?;
    object.finish()
}

/// Returns the number of records among lines; those that begin a file are none.
pub(super) fn count_records(lines: &[u8]) -> u64 {
    let lines = lines.split_inclusive(|&byte| byte == b'\n');
    // There are fewer than 2^64.
    lines.filter(|line| !line.starts_with(b"#")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[u8], expected: &str) {
        assert_eq!(String::from_utf8(ordered(lines)).unwrap(), expected);
    }

    #[test]
    fn what_is_no_whole_line_is_cut_off() {
        check(b"", "");
        check(b"000000000001", "");
        check(b"000000000001a\n000000000002b", "a\n");
        check(b"000000000001a\n00000\n", "a\n");
        check(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\n000000000001a\n", "a\n");
    }

    #[test]
    fn lines_come_in_the_order_of_their_times() {
        let mut lines = Vec::new();
        push_header("#one\n#two\n", &mut lines);
        for (secs, text) in [(9, "a"), (7, "b"), (100, "c"), (9, "d"), (7, "e")] {
            push_time(Timestamp::from_secs(secs), &mut lines);
            lines.extend_from_slice(format!("{text}\n").as_bytes());
        }
        check(&lines, "#one\n#two\nb\ne\na\nd\nc\n");
        assert_eq!(count_records(&ordered(&lines)), 5);
    }

    #[test]
    fn an_object_is_the_same_at_every_attempt() {
        let lines = b"000000000002b\n000000000001a\n";
        assert_eq!(object_of("x", lines).unwrap(), b"a\nb\n");
        let one = object_of("x.gz", lines).unwrap();
        assert_eq!(object_of("x.gz", lines).unwrap(), one);
        assert_eq!(one[..2], [0x1f, 0x8b]);
    }
}
