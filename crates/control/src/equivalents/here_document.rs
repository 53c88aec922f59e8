//! JSON as the input of a command: a here-document of a POSIX shell (POSIX.1-2024, "Here-Document").

use crate::equivalents::secrets::{Masked, Secret};
use serde_json::Value;

/// Word that ends the document. No line of JSON consists of it.
const END: &str = "JSON";

/// A here-document: what stands behind the command, and the lines below it.
#[derive(Clone, Debug)]
pub(super) struct HereDocument {
    /// Redirection without the number of a descriptor: `<<'JSON'`.
    pub(super) redirection: String,
    /// Lines below the command, with the last that ends it.
    pub(super) lines: String,
    /// Comments that say which variables are needed, each with its line end.
    pub(super) comments: String,
}

impl HereDocument {
    /// Writes a value whose secrets are placeholders; the shell puts variables in their place.
    pub(super) fn of(value: &Value, secrets: &[Secret]) -> Self {
        let text = lines_of(value);
        if secrets.is_empty() {
            return HereDocument {
                redirection: format!("<<'{END}'"),
                lines: format!("{text}\n{END}"),
                comments: String::new(),
            };
        }
        // Without quotes around the word, the shell expands these characters.
        let mut text = text.replace('\\', r"\\");
        text = text.replace('$', r"\$").replace('`', r"\`");
        let mut comments = String::new();
        for Secret { name, pointer } in secrets {
            text = text.replace(&format!("\"{name}\""), &format!("\"${{{name}:?}}\""));
            comments.push_str(&format!(
                "# {name} holds the secret at {pointer}, written as in a JSON string\n"
            ));
        }
        HereDocument {
            redirection: format!("<<{END}"),
            lines: format!("{text}\n{END}"),
            comments,
        }
    }

    /// Writes a document.
    pub(super) fn of_masked(masked: &Masked) -> Self {
        HereDocument::of(&masked.document, &masked.secrets)
    }
}

/// Returns JSON in which characters that a terminal would obey are escaped, so that it can be printed and pasted.
fn lines_of(value: &Value) -> String {
    // Values have no form of their own that JSON could not have.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => shown.push(char),
            char if is_obeyed(char) => shown.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => shown.push(char),
        }
    }
    shown
}

/// Returns true for control characters, for line ends that are none in a shell, and for marks of direction (UAX #9).
pub(super) fn is_obeyed(char: char) -> bool {
    let is_mark = matches!(
        char,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    char.is_control() || is_mark
}
