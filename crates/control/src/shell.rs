//! Quotes words for a POSIX shell (POSIX.1-2024, "Quoting"), since printed commands are there to be pasted.

/// Returns `text` as one word, in quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns `text` as one word, in quotes only if a shell would read something else without them.
pub fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    quoted(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(word(text), expected);
        let script = format!("printf %s {} {}", word(text), quoted(text));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text.repeat(2));
    }

    #[test]
    fn l8_a_shell_reads_the_word_that_was_meant() {
        check("", "''");
        check("a$(touch x)`id`", "'a$(touch x)`id`'");
        check("it's", r"'it'\''s'");
        check("''", r"''\'''\'''");
        check("a b\n;&|<>*?[]#!~{}\\\"", "'a b\n;&|<>*?[]#!~{}\\\"'");
        check("~/keys", "'~/keys'");
        check("\u{e9}", "'\u{e9}'");
        check("a/b-c_d.pem", "a/b-c_d.pem");
        check("K1=a.pub.pem", "K1=a.pub.pem");
    }
}
