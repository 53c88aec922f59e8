//! Runs of base64 characters, of which credentials consist.

use std::ops::Range;

/// Minimum length of a credential: a P-256 signature has 92 to 96 characters, the first of which a preceding escape may
/// appear to include.
pub(super) const RUN_CHARACTERS_MIN: usize = 86;

/// Minimum lengths of the pieces of a cut credential: of one among other pieces, and of one beside a credential that
/// was found.
pub(super) const LONG_PIECE_CHARACTERS_MIN: usize = 40;
pub(super) const SHORT_PIECE_CHARACTERS_MIN: usize = 24;

/// Returns false for almost all text that is logged, and quickly: characters that end a run are everywhere.
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

/// Returns false for most text that is logged: it has no two spans with room for pieces of a credential, one of them
/// long, and no span that lacks only a small piece.
pub(super) fn may_have_stretches(text: &[u8]) -> bool {
    have_room(text, |_| true) && have_room(text, may_be_mixed)
}

fn have_room(text: &[u8], is_counted: fn(&[u8]) -> bool) -> bool {
    let (mut start, mut count, mut length_max) = (0, 0, 0);
    while let Some(stretch) = text.get(start..start + SHORT_PIECE_CHARACTERS_MIN) {
        match stretch.iter().rposition(|byte| ends_raw_run(*byte)) {
            Some(position) => start += position + 1,
            None => {
                // The span begins after the byte that ended the previous one.
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

/// Returns true for a text with two capitals, or with an escape that may be one.
fn may_be_mixed(stretch: &[u8]) -> bool {
    let is_escape = |byte: &u8| matches!(byte, b'%' | b'&' | b'\\' | 0x80..);
    let capitals = stretch.iter().filter(|byte| byte.is_ascii_uppercase());
    capitals.count() >= 2 || stretch.iter().any(is_escape)
}

/// Returns the runs of `bytes`: base64 characters of both alphabets, with nothing between them but characters at which
/// text may be broken. A run begins and ends with a base64 character.
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

/// Counts the base64 characters.
pub(super) fn count(run: &[u8]) -> usize {
    run.iter().filter(|byte| is_base64(**byte)).count()
}

/// Returns true for the characters of both alphabets (fidelity note F1).
pub(super) fn is_base64(byte: u8) -> bool {
    match Kind::of(byte) {
        Kind::Upper | Kind::Lower | Kind::Digit | Kind::Mark => true,
        Kind::Nothing | Kind::End => false,
    }
}

/// Returns true for the characters of a path token.
pub(super) fn is_path_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Upper,
    Lower,
    Digit,
    /// One of `+ / =` and `- ~ _`.
    Mark,
    /// A space, line break, non-ASCII byte, or the backslash of an escape: text may have been broken with it.
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

/// Returns true if `byte` ends a run before escapes are undone; a possible part of an escape does not.
fn ends_raw_run(byte: u8) -> bool {
    Kind::of(byte) == Kind::End && !matches!(byte, b'%' | b'&' | b'#' | b';' | b'{' | b'}')
}
