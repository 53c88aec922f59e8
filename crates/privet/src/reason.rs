//! Turns errors of the operating system into text for people.

use std::io;

/// Returns the system's message in lower case, without the number that Rust appends to it.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown cause".to_owned(),
    }
}
