//! PEM at its surface: the blocks of a text, repair of pasted line ends, writing.
//!
//! Decryption and ASN.1 belong to `evp`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block: its label and the text between the markers, headers included.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) body: &'a str,
}

/// Turns CRLF, and the literal `\n` that environment variables carry, into real line ends.
pub(crate) fn repair(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') && !text.contains("\\n") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace("\\r", "")
            .replace("\\n", "\n")
            .replace("\r\n", "\n")
            .replace('\r', "\n"),
    )
}

/// Returns the blocks of a text, in order. A block without its END marker is left out.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        rest = after;
        let Some((label, after)) = rest.split_once(DASHES) else {
            break;
        };
        let end = format!("-----END {label}-----");
        let Some((body, after)) = after.split_once(end.as_str()) else {
            continue;
        };
        found.push(Block { label, body });
        rest = after;
    }
    found
}

/// Decodes the DER inside a block that has no headers.
pub(crate) fn decode(block: &Block<'_>) -> Option<Vec<u8>> {
    let digits: String = block
        .body
        .chars()
        .filter(|char| !char.is_ascii_whitespace())
        .collect();
    STANDARD.decode(digits).ok()
}

/// Writes one block with lines of 64 characters and a newline at the end.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}
