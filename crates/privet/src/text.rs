//! Reads text as Windows tools write it: UTF-16, and UTF-8 after a byte order mark, become plain UTF-8.

use std::io::{self, Read};

/// The size of one read.
const CHUNK_BYTES: usize = 64 * 1024;
/// The byte for an invalid character. It is invalid in UTF-8, so that readers of the text notice it.
const NO_CHARACTER: u8 = 0xFF;

/// Decodes the whole text; `None` if it is not text.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    Utf8::new(bytes).read_to_string(&mut text).ok()?;
    Some(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Encoding {
    /// Returns the encoding of a text that begins with `bytes`, and the length of its byte order mark; `None` if more
    /// bytes are needed. A zero among the first two bytes means UTF-16 without a mark, since no other text has one
    /// there.
    fn of(bytes: &[u8], is_all: bool) -> Option<(Self, usize)> {
        match bytes {
            [0xEF, 0xBB, 0xBF, ..] => Some((Encoding::Utf8, 3)),
            [0xFF, 0xFE, ..] => Some((Encoding::Utf16LittleEndian, 2)),
            [0xFE, 0xFF, ..] => Some((Encoding::Utf16BigEndian, 2)),
            [] | [_] | [0xEF, 0xBB] if !is_all => None,
            [0, 1..=255, ..] => Some((Encoding::Utf16BigEndian, 0)),
            [1..=255, 0, ..] => Some((Encoding::Utf16LittleEndian, 0)),
            _ => Some((Encoding::Utf8, 0)),
        }
    }
}

/// A reader that turns text in one of these encodings into UTF-8. It waits for the first two characters at most.
pub(crate) struct Utf8<R> {
    source: R,
    encoding: Option<Encoding>,
    /// Bytes that were read and not yet decoded.
    raw: Vec<u8>,
    /// Decoded text, handed out up to `given`.
    text: Vec<u8>,
    given: usize,
    /// The high surrogate of an incomplete character.
    high: Option<u16>,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(crate) fn new(source: R) -> Self {
        Utf8 {
            source,
            encoding: None,
            raw: Vec::new(),
            text: Vec::new(),
            given: 0,
            high: None,
            ended: false,
        }
    }

    /// Reads once from the source, and decodes as much as it can.
    fn advance(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + CHUNK_BYTES, 0);
        let read = self.source.read(&mut self.raw[kept..]);
        self.raw.truncate(kept + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        if self.encoding.is_none()
            && let Some((encoding, mark_bytes)) = Encoding::of(&self.raw, self.ended)
        {
            self.encoding = Some(encoding);
            self.raw.drain(..mark_bytes);
        }
        self.text.clear();
        self.given = 0;
        match self.encoding {
            None => {}
            Some(Encoding::Utf8) => std::mem::swap(&mut self.raw, &mut self.text),
            Some(Encoding::Utf16LittleEndian) => self.decode(u16::from_le_bytes),
            Some(Encoding::Utf16BigEndian) => self.decode(u16::from_be_bytes),
        }
        Ok(())
    }

    fn decode(&mut self, unit: fn([u8; 2]) -> u16) {
        let raw = std::mem::take(&mut self.raw);
        let (pairs, rest) = raw.as_chunks::<2>();
        for pair in pairs {
            self.push(unit(*pair));
        }
        self.raw = rest.to_vec();
        if self.ended && (!self.raw.is_empty() || self.high.take().is_some()) {
            self.text.push(NO_CHARACTER);
            self.raw.clear();
        }
    }

    fn push(&mut self, unit: u16) {
        let is_high = (0xD800..0xDC00).contains(&unit);
        let units = [self.high.take().unwrap_or_default(), unit];
        let text = match units {
            [0, _] if is_high => {
                self.high = Some(unit);
                return;
            }
            [0, _] => String::from_utf16(&units[1..]),
            [_, _] => String::from_utf16(&units),
        };
        match text {
            Ok(text) => self.text.extend_from_slice(text.as_bytes()),
            Err(_) => self.text.push(NO_CHARACTER),
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.advance()?;
        }
        let left = &self.text[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that returns one byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(decode(bytes).as_deref(), expected, "{bytes:?}");
        let mut text = Vec::new();
        Utf8::new(Trickle(bytes)).read_to_end(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).ok().as_deref(),
            expected,
            "{bytes:?}"
        );
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn l3_what_is_no_text_is_told() {
        check(b"\xff", None);
        check(b"a\xff", None);
        check(b"\xff\xfea", None);
        check(b"\xff\xfe\x00\xd8", None);
        check(b"\xff\xfe\x00\xd8a\0", None);
        check(b"\xff\xfe\x00\xdca\0", None);
        check(b"\xff\xfea\0b", None);
    }

    #[test]
    fn l3_marks_and_utf_16_are_read() {
        check(b"", Some(""));
        check(b"a", Some("a"));
        check(b"\0\0", Some("\0\0"));
        check(b"\xef\xbb\xbf", Some(""));
        check("\u{feff}ä\n".as_bytes(), Some("ä\n"));
        check("ï".as_bytes(), Some("ï"));
        let text = "https://host/ä/\u{1F3AC}\r\n";
        check(text.as_bytes(), Some(text));
        let marked = format!("\u{feff}{text}");
        for written in [text, &marked] {
            check(&utf16(written, u16::to_le_bytes), Some(text));
            check(&utf16(written, u16::to_be_bytes), Some(text));
        }
    }

    #[test]
    fn l3_long_texts_are_read() {
        let text = "a\u{1F3AC}".repeat(CHUNK_BYTES);
        assert!(decode(&utf16(&text, u16::to_le_bytes)).is_some_and(|read| read == text));
    }
}
