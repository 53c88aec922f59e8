//! Undoes escapes of all kinds in a text, however deeply nested, and records the position of each byte.

use super::budget::{Budget, OverBudget};
use crate::percent::hex_pair;
use std::ops::Range;

/// A text with all escapes undone: percent-encoding, those of JSON, JavaScript and C, HTML entities, and fullwidth
/// forms.
pub(super) struct Decoded<'a> {
    pub(super) text: &'a str,
    /// One byte for each ASCII character; [`FOREIGN`] or the UTF-8 bytes for any other.
    pub(super) bytes: Vec<u8>,
    starts: Vec<usize>,
    /// Number of hexadecimal digits at the end of `bytes`, counted up to one more than a number has.
    digits: usize,
    /// True if there are numeric entities without `;`, so that the text can be read in two ways.
    pub(super) has_open_entities: bool,
}

/// Byte for an escaped character outside ASCII; no credential contains one.
const FOREIGN: u8 = 0x80;

/// Maximum depth of escaping; nobody nests escapes more deeply.
const LEVELS_MAX: usize = 16;

/// Steps per byte of one pass: the byte is appended, may be cut off, and is examined for escapes.
const STEPS_PER_BYTE: usize = 3;

/// Steps per byte of each level.
const STEPS_PER_BYTE_AND_LEVEL: usize = 3;

/// The length of an escape, and the byte it stands for.
type Escape = (usize, u8);

impl<'a> Decoded<'a> {
    /// Decodes in one pass, in which the value of an escape may be part of the next one, as in `%2553` or `&#37;53`.
    pub(super) fn of(text: &'a str, budget: &mut Budget) -> Result<Self, OverBudget> {
        if !may_have_escapes(text.as_bytes()) {
            return Ok(Decoded::plain(text));
        }
        budget.spend(STEPS_PER_BYTE * text.len())?;
        let mut decoded = Decoded {
            text,
            bytes: Vec::with_capacity(text.len()),
            starts: Vec::with_capacity(text.len()),
            digits: 0,
            has_open_entities: false,
        };
        let mut pending = Vec::new();
        for (start, byte) in text.bytes().enumerate() {
            if decoded.digits == 0 && !may_end_escape(byte) {
                decoded.append(byte, start);
                continue;
            }
            pending.push((byte, start));
            decoded.push(&mut pending);
        }
        decoded.has_open_entities |= decoded.bytes.windows(2).any(|pair| pair == b"&#");
        while let Some((length, value, _)) = numeric_entity(&decoded.bytes, decoded.digits) {
            decoded.has_open_entities = true;
            pending.push((value, decoded.cut(length)));
            decoded.push(&mut pending);
        }
        Ok(decoded)
    }

    /// Decodes one level of escapes after another, each from the left. Needed for texts with open entities, which one
    /// pass may misread.
    pub(super) fn by_levels(text: &'a str, budget: &mut Budget) -> Result<Self, OverBudget> {
        let mut decoded = Decoded::plain(text);
        for _ in 0..LEVELS_MAX {
            budget.spend(STEPS_PER_BYTE_AND_LEVEL * decoded.bytes.len())?;
            let length = decoded.bytes.len();
            decoded.undo_level();
            if decoded.bytes.len() == length {
                return Ok(decoded);
            }
        }
        Err(OverBudget)
    }

    fn plain(text: &'a str) -> Self {
        Decoded {
            text,
            bytes: text.as_bytes().to_vec(),
            starts: (0..text.len()).collect(),
            digits: 0,
            has_open_entities: false,
        }
    }

    fn undo_level(&mut self) {
        let (mut next, mut kept) = (0, 0);
        while let Some(byte) = self.bytes.get(next) {
            let (length, value) = escape_from(&self.bytes[next..]).unwrap_or((1, *byte));
            self.bytes[kept] = value;
            self.starts[kept] = self.starts[next];
            kept += 1;
            next += length;
        }
        self.bytes.truncate(kept);
        self.starts.truncate(kept);
    }

    /// Returns the position of decoded bytes in the original text.
    pub(super) fn place(&self, decoded: &Range<usize>) -> Range<usize> {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.text.len());
        start(decoded.start)..start(decoded.end)
    }

    /// Appends the last byte of `pending`. An escape that ends with it is replaced by one byte, which is appended in
    /// turn, so the work is bounded by the length of the text.
    fn push(&mut self, pending: &mut Vec<(u8, usize)>) {
        while let Some((byte, start)) = pending.pop() {
            if let Some((length, value, radix)) = numeric_entity(&self.bytes, self.digits)
                && ends_entity(byte, radix)
            {
                self.has_open_entities = true;
                let value = (value, self.cut(length));
                pending.extend([(byte, start), value]);
                continue;
            }
            if byte == b'0' && has_leading_zero(&self.bytes) {
                continue;
            }
            self.append(byte, start);
            if may_end_escape(byte)
                && let Some((length, value)) = escape(&self.bytes)
            {
                pending.push((value, self.cut(length)));
            }
        }
    }

    fn append(&mut self, byte: u8, start: usize) {
        self.bytes.push(byte);
        self.starts.push(start);
        self.digits = match byte.is_ascii_hexdigit() {
            true => (self.digits + 1).min(DIGITS_MAX + 1),
            false => 0,
        };
    }

    /// Removes the last bytes and returns their start in the original text.
    fn cut(&mut self, length: usize) -> usize {
        let kept = self.bytes.len() - length;
        let start = self.starts[kept];
        self.bytes.truncate(kept);
        self.starts.truncate(kept);
        self.digits = trailing(&self.bytes, 16).len();
        start
    }
}

fn may_have_escapes(text: &[u8]) -> bool {
    // In UTF-8, U+FF01 to U+FF5E begin with 0xef.
    text.iter()
        .any(|byte| matches!(byte, b'%' | b'\\' | b'&' | 0xef))
}

fn may_end_escape(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b';' | b'}' | 0x80..)
}

/// Returns true if an entity ends before `next`: not before the possible start of an escaped digit or `;`, as in
/// `&#6&#49;&#59;`.
fn ends_entity(next: u8, radix: u32) -> bool {
    let is_part = next == b';' || char::from(next).is_digit(radix);
    !is_part && !matches!(next, b'&' | b'%' | b'\\')
}

/// Returns true if one more zero changes nothing. Any number of zeros is allowed, and none needs to be read twice.
fn has_leading_zero(bytes: &[u8]) -> bool {
    let marks: [&[u8]; 6] = [b"&#0", b"&#x0", b"&#X0", b"\\u{0", b"\\x{0", b"\\o{0"];
    bytes.last() == Some(&b'0') && marks.into_iter().any(|mark| bytes.ends_with(mark))
}

/// Returns the escape at the beginning of `bytes`, as browsers read it: a numeric entity ends before any non-digit.
fn escape_from(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        [b'%' | b'\\', b'u', digit, ..] if digit.is_ascii_hexdigit() => fixed_from(bytes, 6),
        [b'%', ..] => fixed_from(bytes, 3),
        [b'\\', b'u' | b'x' | b'o', b'{', ..] => braced_from(bytes),
        [b'\\', b'x' | b'0'..=b'7', ..] => fixed_from(bytes, 4),
        [b'\\', b'U', ..] => fixed_from(bytes, 10),
        [b'&', b'#', ..] => numeric_from(bytes),
        [b'&', ..] => named_from(bytes),
        [0xef, ..] => fullwidth(bytes.get(..3)?),
        _ => None,
    }
}

fn fixed_from(bytes: &[u8], length: usize) -> Option<Escape> {
    fixed_length(bytes.get(..length)?).filter(|(escaped, _)| *escaped == length)
}

fn numeric_from(bytes: &[u8]) -> Option<Escape> {
    let forms: [(&[u8], u32); 3] = [(b"&#x", 16), (b"&#X", 16), (b"&#", 10)];
    forms.into_iter().find_map(|(mark, radix)| {
        let rest = bytes.strip_prefix(mark)?;
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let count = rest.iter().take_while(is_digit).count();
        let closed = usize::from(rest.get(count) == Some(&b';'));
        let value = character(&rest[..count], radix)?;
        Some((mark.len() + count + closed, value))
    })
}

fn named_from(bytes: &[u8]) -> Option<Escape> {
    let start = &bytes[..bytes.len().min(NAME_CHARACTERS_MAX + 2)];
    let is_end = |byte: &u8| !byte.is_ascii_alphanumeric();
    let end = 1 + start[1..].iter().position(is_end)?;
    let (length, value) = { start[end] == b';' }.then(|| named_entity(&start[..end]))??;
    Some((length + 1, value))
}

fn braced_from(bytes: &[u8]) -> Option<Escape> {
    BRACES.into_iter().find_map(|(mark, radix)| {
        let rest = bytes.strip_prefix(mark)?;
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let count = rest.iter().take_while(is_digit).count();
        let is_closed = rest.get(count) == Some(&b'}');
        let value = is_closed.then(|| character(&rest[..count], radix))??;
        Some((mark.len() + count + 1, value))
    })
}

/// Returns the escape at the end of `bytes`.
fn escape(bytes: &[u8]) -> Option<Escape> {
    let (rest, last) = bytes.split_last().map(|(last, rest)| (rest, *last))?;
    match last {
        b';' => numeric_entity(rest, trailing(rest, 16).len())
            .map(|(length, value, _)| (length, value))
            .or_else(|| named_entity(rest))
            .map(|(length, value)| (length + 1, value)),
        b'}' => braced(rest).map(|(length, value)| (length + 1, value)),
        digit if digit.is_ascii_hexdigit() => fixed_length(bytes),
        0x80.. => fullwidth(&bytes[bytes.len().saturating_sub(3)..]),
        _ => None,
    }
}

/// Returns an escape with a fixed number of digits at the end of `bytes`.
fn fixed_length(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        // The value is a byte of UTF-8, not the number of a character.
        [.., b'%', high, low] => hex_pair(*high, *low).map(|value| (3, value)),
        [.., b'\\', b'x', high, low] => hex_pair(*high, *low).map(|value| (4, value)),
        [.., b'\\', a, b, c] => character(&[*a, *b, *c], 8).map(|value| (4, value)),
        [.., b'%' | b'\\', b'u', a, b, c, d] => {
            character(&[*a, *b, *c, *d], 16).map(|value| (6, value))
        }
        [.., b'\\', b'U', _, _, _, _, _, _, _, _] => {
            character(&bytes[bytes.len() - 8..], 16).map(|value| (10, value))
        }
        _ => None,
    }
}

const BRACES: [(&[u8], u32); 3] = [(b"\\u{", 16), (b"\\x{", 16), (b"\\o{", 8)];

/// Returns the escape `\u{3d}`, `\x{3d}` or `\o{75}` at the end of `bytes`, which lack its `}`.
fn braced(bytes: &[u8]) -> Option<Escape> {
    BRACES.into_iter().find_map(|(mark, radix)| {
        let digits = trailing(bytes, radix);
        let before = &bytes[..bytes.len() - digits.len()];
        let value = before.ends_with(mark).then(|| character(digits, radix))??;
        Some((mark.len() + digits.len(), value))
    })
}

/// Returns length, value and radix of `&#61` or `&#x3d` at the end of `bytes`, which lack its `;`. `digits` is the
/// number of hexadecimal digits at the end of `bytes`.
fn numeric_entity(bytes: &[u8], digits: usize) -> Option<(usize, u8, u32)> {
    if digits == 0 || digits > DIGITS_MAX {
        return None;
    }
    let (before, digits) = bytes.split_at(bytes.len() - digits);
    let (mark, radix) = match before {
        [.., b'&', b'#'] if digits.iter().all(u8::is_ascii_digit) => (2, 10),
        [.., b'&', b'#', b'x' | b'X'] => (3, 16),
        _ => return None,
    };
    Some((mark + digits.len(), character(digits, radix)?, radix))
}

/// Returns the ASCII character of a fullwidth form, U+FF01 to U+FF5E, in UTF-8.
fn fullwidth(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        [0xef, 0xbc, low @ 0x81..=0xbf] => Some((3, low - 0x81 + b'!')),
        [0xef, 0xbd, low @ 0x80..=0x9e] => Some((3, low - 0x80 + b'`')),
        _ => None,
    }
}

/// Returns the entity, such as `&amp`, at the end of `bytes`, which lack its `;`. Names that are not listed become
/// [`FOREIGN`], which ends no run: their characters are invisible or were inserted, since no link contains them.
fn named_entity(bytes: &[u8]) -> Option<Escape> {
    let last = &bytes[bytes.len().saturating_sub(NAME_CHARACTERS_MAX + 1)..];
    let mark = last
        .iter()
        .rposition(|byte| !byte.is_ascii_alphanumeric())?;
    let (mark, name) = last[mark..].split_first()?;
    if *mark != b'&' || !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    let named = ENTITIES
        .iter()
        .find(|(one, _)| one.eq_ignore_ascii_case(name));
    Some((name.len() + 1, named.map_or(FOREIGN, |(_, value)| *value)))
}

/// Maximum length of an entity's name; the longest in HTML has 31 characters.
const NAME_CHARACTERS_MAX: usize = 32;

const ENTITIES: [(&[u8], u8); 34] = [
    (b"amp", b'&'),
    (b"equals", b'='),
    (b"plus", b'+'),
    (b"sol", b'/'),
    (b"lowbar", b'_'),
    (b"underbar", b'_'),
    (b"percnt", b'%'),
    (b"num", b'#'),
    (b"quest", b'?'),
    (b"bsol", b'\\'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"tab", b'\t'),
    (b"newline", b'\n'),
    (b"semi", b';'),
    (b"lcub", b'{'),
    (b"lbrace", b'{'),
    (b"rcub", b'}'),
    (b"rbrace", b'}'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"comma", b','),
    (b"colon", b':'),
    (b"period", b'.'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"lsqb", b'['),
    (b"lbrack", b'['),
    (b"rsqb", b']'),
    (b"rbrack", b']'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
    (b"commat", b'@'),
    (b"excl", b'!'),
];

/// Returns the digits at the end of `bytes`, up to one more than a number has.
fn trailing(bytes: &[u8], radix: u32) -> &[u8] {
    let last = &bytes[bytes.len().saturating_sub(DIGITS_MAX + 1)..];
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let other = last.iter().rposition(|byte| !is_digit(byte));
    &last[other.map_or(0, |other| other + 1)..]
}

/// Maximum number of digits, not counting repeated leading zeros.
const DIGITS_MAX: usize = 16;

/// Returns the character with the number written in `digits`.
fn character(digits: &[u8], radix: u32) -> Option<u8> {
    let text = str::from_utf8(digits).ok()?;
    let number = u64::from_str_radix(text, radix).ok()?;
    let number = match number {
        0xff01..=0xff5e => number - 0xfee0,
        other => other,
    };
    let ascii = u8::try_from(number).ok().filter(u8::is_ascii);
    Some(ascii.unwrap_or(FOREIGN))
}

#[cfg(test)]
mod tests;
