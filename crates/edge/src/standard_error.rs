//! Lines for the operator on standard error, with the prefixes of the command line: `note:` for what is in order,
//! `warning:` for what should be looked at.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes `note: …`: something that an operator may want to know.
pub fn note(message: impl Display) {
    say("note", &message);
}

/// Writes `warning: …`: something that an operator should look at; the edge goes on.
pub fn warning(message: impl Display) {
    say("warning", &message);
}

/// Writes a line. Standard error may be closed, which is ignored: there is nobody to tell.
fn say(prefix: &str, message: &dyn Display) {
    let _ = io::stderr().write_all(line(prefix, message).as_bytes());
}

/// Returns one line, whatever the message contains: strangers choose names, and terminals obey control characters.
fn line(prefix: &str, message: &dyn Display) -> String {
    let mut line = format!("{prefix}: ");
    for char in message.to_string().chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(line("warning", &message), expected);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        check("a\x1b[2Jb", "warning: a\\u{1b}[2Jb\n");
        check("a\r\nerror: b", "warning: a\\r\\nerror: b\n");
        check("\u{9b}1m", "warning: \\u{9b}1m\n");
        check("é is a letter", "warning: é is a letter\n");
    }
}
