//! Where a log file waits for its delivery: its folder and name say into which bucket it goes, and under which key.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// Folder of the queue, in the folder of the logs.
pub(super) const QUEUE_FOLDER: &str = ".undelivered";
/// Maximum size of a part of a prefix that makes one folder. A file system takes 255 bytes.
const PART_SIZE_BYTES_MAX: usize = 240;

/// Returns the folder of the files of a log, beneath the folder of the queue: the bucket, and the prefix in a spelling
/// that no part of a path can have in another way.
pub(super) fn folder_of(bucket: &str, prefix: &str) -> PathBuf {
    let spelt = spell(prefix);
    let mut folder = PathBuf::from(spell(bucket));
    let mut rest = spelt.as_str();
    while !rest.is_empty() {
        // The spelling is ASCII.
        let (part, after) = rest.split_at(rest.len().min(PART_SIZE_BYTES_MAX));
        folder.push(part);
        rest = after;
    }
    folder
}

/// Returns bucket and key of a file of that name in a folder beneath that of the queue; `None` for a folder that
/// [`folder_of`] does not make.
pub(super) fn destination_of(folder: &Path, name: &str) -> Option<(String, String)> {
    let parts = folder.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    let parts: Vec<&str> = parts.collect::<Option<_>>()?;
    let (bucket, prefix) = parts.split_first()?;
    let key = read(&prefix.concat())? + name;
    Some((read(bucket)?, key))
}

/// Spells a text with letters, digits and dashes, everything else percent-encoded.
fn spell(text: &str) -> String {
    let mut spelt = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => spelt.push(char::from(byte)),
            // Writing to a string does not fail.
            other => drop(write!(spelt, "%{other:02X}")),
        }
    }
    spelt
}

/// Reads what [`spell`] has written; `None` for everything else.
fn read(spelt: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = spelt;
    while let Some(byte) = rest.bytes().next() {
        let size_bytes = if byte == b'%' { 3 } else { 1 };
        let (one, after) = rest.split_at_checked(size_bytes)?;
        bytes.push(match byte {
            b'%' => u8::from_str_radix(&one[1..], 16).ok()?,
            other => other,
        });
        rest = after;
    }
    let text = String::from_utf8(bytes).ok()?;
    (spell(&text) == spelt).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_none(folder: &str) {
        assert_eq!(destination_of(Path::new(folder), "x.gz"), None, "{folder}");
    }

    #[track_caller]
    fn check(bucket: &str, prefix: &str, expected: &str) {
        let folder = folder_of(bucket, prefix);
        assert_eq!(folder, Path::new(expected));
        let found = destination_of(&folder, "x.gz");
        let expected = (bucket.to_owned(), format!("{prefix}x.gz"));
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn other_folders_have_no_destination() {
        for folder in [
            "", "..", "a/..", "/a", "a/b.c", "a/%2", "a/%2f", "a/%41", "a/%FF", "a/é", "my.logs",
        ] {
            check_none(folder);
        }
    }

    #[test]
    fn any_prefix_has_a_folder() {
        check("my.logs", "", "my%2Elogs");
        check("logs", "www/x-", "logs/www%2Fx-");
        check("logs", "../é", "logs/%2E%2E%2F%C3%A9");
        let long = "/".repeat(300);
        let folder = folder_of("logs", &long);
        assert!(folder.iter().all(|part| part.len() <= 240));
        let found = destination_of(&folder, "x");
        assert_eq!(found, Some(("logs".to_owned(), long + "x")));
    }
}
