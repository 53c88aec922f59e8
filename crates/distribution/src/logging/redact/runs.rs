//! Runs of characters of base64, of which credentials are made.

use std::ops::Range;

/// A P-256 signature has 92 to 96 characters, the first of which an escape in front may seem to have taken.
pub(super) const RUN_CHARACTERS_MIN: usize = 86;

/// Pieces of a credential that was cut are looked for from these lengths on: with each other, and beside one that was
/// found.
pub(super) const LONG_PIECE_CHARACTERS_MIN: usize = 40;
pub(super) const SHORT_PIECE_CHARACTERS_MIN: usize = 24;

/// False for almost all that is logged, and quickly: everywhere stands something that ends a run.
pub(super) fn may_have_run(text: &[u8]) -> bool {
    let mut start = 0;
    while let Some(stretch) = text.get(start..start + RUN_CHARACTERS_MIN) {
        match stretch.iter().rposition(|byte| ends_raw_run(*byte)) {
            None => return true,
            Some(position) => start += position + 1,
        }
    }
    false
}

/// False for most that is logged: there are no two stretches in which pieces of a credential have room, one of them
/// long, and none that lacks only a small piece.
pub(super) fn may_have_stretches(text: &[u8]) -> bool {
    have_room(text, |_| true) && have_room(text, may_be_mixed)
}

fn have_room(text: &[u8], is_counted: fn(&[u8]) -> bool) -> bool {
    let (mut start, mut count, mut length_max) = (0, 0, 0);
    while let Some(stretch) = text.get(start..start + SHORT_PIECE_CHARACTERS_MIN) {
        match stretch.iter().rposition(|byte| ends_raw_run(*byte)) {
            Some(position) => start += position + 1,
            None => {
                // It began behind what ended the one before.
                let end = text[start..].iter().position(|byte| ends_raw_run(*byte));
                let length = end.unwrap_or(text.len() - start);
                if is_counted(&text[start..start + length]) {
                    length_max = length_max.max(length);
                    count += 1;
                }
                start += length;
            }
        }
    }
    length_max > RUN_CHARACTERS_MIN - SHORT_PIECE_CHARACTERS_MIN
        || (length_max >= LONG_PIECE_CHARACTERS_MIN && count > 1)
}

/// Two capitals, or an escape that may be one.
fn may_be_mixed(stretch: &[u8]) -> bool {
    let is_escape = |byte: &u8| matches!(byte, b'%' | b'&' | b'\\' | 0x80..);
    let capitals = stretch.iter().filter(|byte| byte.is_ascii_uppercase());
    capitals.count() >= 2 || stretch.iter().any(is_escape)
}

/// The runs of `bytes`: of characters of base64, in both alphabets, with nothing between them but what a line of text
/// may be broken with. The first and the last of a run are such characters.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + bytes[next..].iter().position(|byte| is_base64(*byte))?;
        let ends = |byte: &u8| Kind::of(*byte) == Kind::End;
        let end = bytes[start..].iter().position(ends);
        next = end.map_or(bytes.len(), |end| start + end);
        let last = bytes[start..next]
            .iter()
            .rposition(|byte| is_base64(*byte))?;
        Some(start..start + last + 1)
    })
}

/// How many characters of base64 there are.
pub(super) fn count(run: &[u8]) -> usize {
    run.iter().filter(|byte| is_base64(**byte)).count()
}

/// Of both alphabets (fidelity note F1).
pub(super) fn is_base64(byte: u8) -> bool {
    match Kind::of(byte) {
        Kind::Upper | Kind::Lower | Kind::Digit | Kind::Mark => true,
        Kind::Nothing | Kind::End => false,
    }
}

/// A character of a path token.
pub(super) fn is_path_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Upper,
    Lower,
    Digit,
    /// `+ / =` and `- ~ _`.
    Mark,
    /// Space, a line break, what is not ASCII, the backslash of an escape: text may have been broken with it.
    Nothing,
    End,
}

impl Kind {
    pub(super) fn of(byte: u8) -> Kind {
        KINDS[usize::from(byte)]
    }
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::End; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'A'..=b'Z' => Kind::Upper,
            b'a'..=b'z' => Kind::Lower,
            b'0'..=b'9' => Kind::Digit,
            b'+' | b'/' | b'=' | b'-' | b'~' | b'_' => Kind::Mark,
            0..=b' ' | b'\\' | 0x7f.. => Kind::Nothing,
            _ => Kind::End,
        };
        byte += 1;
    }
    kinds
};

/// Before escapes are undone, what may be a part of one ends nothing.
fn ends_raw_run(byte: u8) -> bool {
    Kind::of(byte) == Kind::End && !matches!(byte, b'%' | b'&' | b'#' | b';' | b'{' | b'}')
}
