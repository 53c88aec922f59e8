//! Keys of objects, and whether a key can be a path beneath a folder.

use std::fmt;

/// Maximum length of a key in bytes (S3, "Naming Amazon S3 objects").
pub const KEY_BYTES_MAX: usize = 1024;
/// Maximum length of a file's name in bytes, on every file system that Linux has.
const SEGMENT_BYTES_MAX: usize = 255;
/// Beginning of the names in a bucket's folder that are no objects.
pub(crate) const RESERVED: &str = ".privet";

/// The key of an object: 1 to 1,024 bytes of UTF-8, kept exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Reason why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The empty text.
    #[error("a key has at least one character")]
    Empty,
    /// More than 1,024 bytes.
    #[error("a key has at most 1024 bytes")]
    TooLong,
}

impl Key {
    /// Takes `text` as it is: nothing is decoded, normalized or cut off.
    ///
    /// Errors: its length.
    pub fn new(text: impl Into<String>) -> Result<Key, KeyError> {
        let text = text.into();
        match text.len() {
            0 => Err(KeyError::Empty),
            1..=KEY_BYTES_MAX => Ok(Key(text)),
            _ => Err(KeyError::TooLong),
        }
    }

    /// Returns the key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key as the relative path of a file, if it can be one on every file system that tells upper from
    /// lower case. No two keys have one path.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        is_path(&self.0).then_some(self.as_str())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns true if `text` is a relative path that names one file exactly: no segment is empty, `.`, `..` or too long,
/// no byte is a control character, and it does not lie among the reserved names.
pub(crate) fn is_path(text: &str) -> bool {
    let mut segments = text.split('/');
    !is_reserved(text) && segments.all(is_file_name)
}

/// Returns true if `name` can be the name of a file or folder on the way to an object.
pub(crate) fn is_file_name(name: &str) -> bool {
    let length = 1..=SEGMENT_BYTES_MAX;
    let is_plain = !name.bytes().any(|byte| byte < b' ' || byte == 0x7f);
    length.contains(&name.len()) && name != "." && name != ".." && is_plain
}

/// Returns true if `path` begins with a reserved name in any spelling that a file system could take for it: some fold
/// case and pass over characters that are not shown.
pub(crate) fn is_reserved(path: &str) -> bool {
    let folded = path.chars().filter(|char| !is_ignorable(*char));
    let folded = folded.flat_map(char::to_lowercase);
    let mut folded = folded.map(|char| if char == '\u{131}' { 'i' } else { char });
    RESERVED
        .chars()
        .all(|expected| folded.next() == Some(expected))
}

/// Returns true for characters that Unicode lets implementations ignore (`Default_Ignorable_Code_Point`), and for marks
/// that combine with the letter before them.
fn is_ignorable(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
