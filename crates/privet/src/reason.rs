//! Why the system did not do what it was asked to, in words for people.

use std::io;

/// The system's words, without the number that Rust puts behind them.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown cause".to_owned(),
    }
}
