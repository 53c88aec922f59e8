//! Undoes the escapes of a text, of all kinds and however often they were made, and remembers where each byte stood.

use super::budget::{Budget, OverBudget};
use crate::percent::hex_pair;
use std::ops::Range;

/// A text with all escapes undone: percent-encoding, those of JSON, JavaScript and C, HTML's entities, fullwidth forms.
pub(super) struct Decoded<'a> {
    pub(super) text: &'a str,
    /// One byte each for a character of ASCII; [`FOREIGN`], or its bytes in UTF-8, for every other.
    pub(super) bytes: Vec<u8>,
    starts: Vec<usize>,
    /// How many hexadecimal digits `bytes` end with, counted up to one more than a number has.
    digits: usize,
    /// Whether numeric entities without `;` were met, so that the text may be read in two ways.
    pub(super) has_open_entities: bool,
}

/// Stands for an escaped character outside ASCII, of which no credential has any.
const FOREIGN: u8 = 0x80;

/// More often than this nobody escapes anything.
const LEVELS_MAX: usize = 16;

/// What a byte costs in one pass: it is appended, may be cut off, and looked at for escapes.
const STEPS_PER_BYTE: usize = 3;

/// What a byte costs at each level.
const STEPS_PER_BYTE_AND_LEVEL: usize = 3;

/// An escape at the end of what was read: how long it is, and what it stands for.
type Escape = (usize, u8);

impl<'a> Decoded<'a> {
    /// One pass: what an escape gives may be a part of the next one, as in `%2553` or `&#37;53`.
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

    /// One level of escapes after the other, each from the left. For texts with open entities, which one pass may
    /// misread.
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

    /// Where decoded bytes stand in the text.
    pub(super) fn place(&self, decoded: &Range<usize>) -> Range<usize> {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.text.len());
        start(decoded.start)..start(decoded.end)
    }

    /// Appends the last of `pending`. What ends with it makes one byte of several, which is appended in turn; so the
    /// work is no more than the length of the text.
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

    /// Takes off the last bytes; says where they began in the text.
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
    // U+FF01 to U+FF5E begin with 0xef.
    text.iter()
        .any(|byte| matches!(byte, b'%' | b'\\' | b'&' | 0xef))
}

fn may_end_escape(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b';' | b'}' | 0x80..)
}

/// Not in front of what may begin an escaped digit or `;`, as in `&#6&#49;&#59;`.
fn ends_entity(next: u8, radix: u32) -> bool {
    let is_part = next == b';' || char::from(next).is_digit(radix);
    !is_part && !matches!(next, b'&' | b'%' | b'\\')
}

/// Whether one more zero changes nothing: there may be any number of them, and none needs to be read twice.
fn has_leading_zero(bytes: &[u8]) -> bool {
    let marks: [&[u8]; 6] = [b"&#0", b"&#x0", b"&#X0", b"\\u{0", b"\\x{0", b"\\o{0"];
    bytes.last() == Some(&b'0') && marks.into_iter().any(|mark| bytes.ends_with(mark))
}

/// The escape that `bytes` begin with, as browsers read it: a numeric entity ends in front of whatever is no digit.
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

/// The escape that `bytes` end with.
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

/// Escapes of as many digits as their mark says.
fn fixed_length(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        // One byte of a character, and not its number.
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

/// `\u{3d}`, `\x{3d}` and `\o{75}`, up to their `}`.
fn braced(bytes: &[u8]) -> Option<Escape> {
    BRACES.into_iter().find_map(|(mark, radix)| {
        let digits = trailing(bytes, radix);
        let before = &bytes[..bytes.len() - digits.len()];
        let value = before.ends_with(mark).then(|| character(digits, radix))??;
        Some((mark.len() + digits.len(), value))
    })
}

/// `&#61` and `&#x3d`, up to their `;`: length, value and radix. `digits` is how many hexadecimal digits `bytes` end
/// with.
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

/// U+FF01 to U+FF5E in UTF-8: the characters of ASCII, as wide as those of Chinese.
fn fullwidth(bytes: &[u8]) -> Option<Escape> {
    match bytes {
        [0xef, 0xbc, low @ 0x81..=0xbf] => Some((3, low - 0x81 + b'!')),
        [0xef, 0xbd, low @ 0x80..=0x9e] => Some((3, low - 0x80 + b'`')),
        _ => None,
    }
}

/// `&amp` and its like, up to their `;`. A name that is not listed stands for nothing that is in a link or ends a part
/// of one: for what cannot be seen, or was put in between.
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

/// HTML's longest name has 31.
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

/// The last bytes of which all are digits, up to one more than a number has.
fn trailing(bytes: &[u8], radix: u32) -> &[u8] {
    let last = &bytes[bytes.len().saturating_sub(DIGITS_MAX + 1)..];
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let other = last.iter().rposition(|byte| !is_digit(byte));
    &last[other.map_or(0, |other| other + 1)..]
}

/// Zeros in front of which there are more than one are not counted.
const DIGITS_MAX: usize = 16;

/// The character with the number that `digits` are.
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
