//! Escapes untrusted text, so that a terminal shows it and does not obey it. All output of the program goes through
//! here, except pure data: links, playlists, keys.

use serde_json::Value;
use std::borrow::Cow;

/// Returns `text` with control characters and directional marks escaped.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    spelled(text, |char, out| out.extend(char.escape_default()))
}

/// Returns `value` on one line, with the same characters as `\uXXXX`, their escape in JSON strings.
pub(crate) fn json_line(value: &Value) -> String {
    // JSON has none of them outside strings, and serde_json has escaped those below U+0020 inside.
    let text = value.to_string();
    let json = spelled(&text, |char, out| {
        out.push_str(&format!("\\u{:04x}", u32::from(char)));
    });
    json.into_owned()
}

/// Returns whether [`printable`] leaves `text` unchanged.
pub(crate) fn is_printable(text: &str) -> bool {
    !text.contains(is_obeyed)
}

fn spelled(text: &str, spell: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if is_printable(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_obeyed(char) {
            spell(char, &mut out);
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Returns whether a character is escaped: control characters (C0, DEL, C1), other line endings, and the explicit marks
/// of the bidirectional algorithm (UAX #9), with which a text is displayed in another order than it has.
fn is_obeyed(char: char) -> bool {
    let is_bidirectional = matches!(
        char,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    // U+2028 and U+2029 end a line or a paragraph.
    char.is_control() || is_bidirectional || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// All characters that a terminal obeys, each once.
    fn obeyed() -> String {
        let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
        let marks = "\u{061c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{2028}\u{2029}";
        controls.chain(marks.chars()).collect()
    }

    #[test]
    fn l3_no_control_character_and_no_direction_reaches_a_terminal() {
        let shown = printable(&obeyed()).into_owned();
        assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        assert_eq!(printable("a\u{9b}\u{202e}b\n"), "a\\u{9b}\\u{202e}b\\n");
        assert_eq!(
            printable("a\u{e9}\u{1f3ac} \\u{9b}"),
            "a\u{e9}\u{1f3ac} \\u{9b}"
        );
    }

    #[test]
    fn l3_json_has_them_escaped_and_is_what_it_was() {
        let value = json!({ obeyed(): [obeyed(), "\\\" \u{e9}\u{1f3ac}"] });
        let line = json_line(&value);
        assert!(!line.contains(is_obeyed), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        assert_eq!(
            json_line(&json!("\u{9b}\u{7f}\u{202e}")),
            "\"\\u009b\\u007f\\u202e\""
        );
    }
}
