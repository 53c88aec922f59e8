//! Finds what looks like a signature, a policy or a session token by its characters alone, wherever it stands.
//!
//! Names of files are made of words. A signature is random: in it, capitals, small letters and digits alternate.

use std::ops::Range;

/// A P-256 signature has 92 to 96 characters, the first of which an escape in front may seem to have taken.
pub(super) const RUN_CHARACTERS_MIN: usize = 86;

/// Half of that. What is shorter opens nothing, and is not searched for.
const REST_CHARACTERS_MIN: usize = 43;

/// One more than the digest of SHA-512 has in hexadecimal, which is the longest that names of files have.
const HEXADECIMAL_MIN: usize = 129;

/// Behind the `S1` of a session token there are no fewer.
const SESSION_CHARACTERS_MIN: usize = 110;

/// Of random base64 less than one stretch in ten million has fewer capitals, small letters, or turns.
///
/// A turn is where a capital follows a small letter, or a digit and a letter stand side by side: in 86 random characters
/// there are 36, give or take 4.5.
const CASE_MIN: u32 = 10;
const TURNS_MIN: u32 = 11;

/// Pieces of a credential that was cut are looked for from these lengths on: with each other, and beside one that was found.
const LONG_PIECE_CHARACTERS_MIN: usize = 40;
const SHORT_PIECE_CHARACTERS_MIN: usize = 24;

/// What stands in front of a session token.
const SESSION: &[u8] = b"S1";

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

/// False for most that is logged: there are no two stretches in which pieces of a credential have room, one of them long.
pub(super) fn may_have_stretches(text: &[u8]) -> bool {
    let (mut start, mut count, mut is_long) = (0, 0, false);
    while let Some(stretch) = text.get(start..start + SHORT_PIECE_CHARACTERS_MIN) {
        match stretch.iter().rposition(|byte| ends_raw_run(*byte)) {
            Some(position) => start += position + 1,
            None => {
                // It began behind what ended the one before.
                let end = text[start..].iter().position(|byte| ends_raw_run(*byte));
                let length = end.unwrap_or(text.len() - start);
                is_long |= length >= LONG_PIECE_CHARACTERS_MIN;
                count += 1;
                start += length;
            }
        }
    }
    is_long && count > 1
}

/// The runs of `bytes`: of characters of base64, in both alphabets, with nothing between them but what a line of text may
/// be broken with. The first and the last of a run are such characters.
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

/// Whether a credential may be in this part of a run.
pub(super) fn may_be_credential(run: &[u8]) -> bool {
    if run.len() < RUN_CHARACTERS_MIN {
        return false;
    }
    let sums = sums(run);
    any(&sums, RUN_CHARACTERS_MIN, Sum::is_random)
        || any(&sums, HEXADECIMAL_MIN, Sum::is_hexadecimal)
        || has_session(run)
}

/// Whether a part of a credential may be here, of which the rest was taken for the value of a name or for a token.
pub(super) fn may_be_rest(run: &[u8]) -> bool {
    may_be_credential(run)
        || (run.len() >= REST_CHARACTERS_MIN
            && any(&sums(run), REST_CHARACTERS_MIN, Sum::is_random_rest))
}

/// Whether this may be one of two pieces of a credential.
pub(super) fn is_long_piece(run: &[u8]) -> bool {
    any(&sums(run), LONG_PIECE_CHARACTERS_MIN, Sum::is_random_long)
}

/// Whether this may be what is left of a credential of which another piece was found.
pub(super) fn is_short_piece(run: &[u8]) -> bool {
    any(&sums(run), SHORT_PIECE_CHARACTERS_MIN, Sum::is_random_short)
}

/// How many characters of base64 there are.
pub(super) fn count(run: &[u8]) -> usize {
    run.iter().filter(|byte| is_base64(**byte)).count()
}

/// Whether this is found of any `length` characters in a row.
fn any(sums: &[Sum], length: usize, is_found: fn(Sum) -> bool) -> bool {
    let stretches = sums.iter().skip(length).zip(sums);
    stretches
        .into_iter()
        .any(|(end, start)| is_found(end.since(*start)))
}

/// Of both alphabets (fidelity note F1).
pub(super) fn is_base64(byte: u8) -> bool {
    match Kind::of(byte) {
        Kind::Upper | Kind::Lower | Kind::Digit | Kind::Mark => true,
        Kind::Nothing | Kind::End => false,
    }
}

/// A character of a session token.
pub(super) fn is_session(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn has_session(run: &[u8]) -> bool {
    run.split(|byte| !is_session(*byte)).any(|word| {
        let begins = word.windows(SESSION.len());
        let begin = begins.into_iter().position(|begin| begin == SESSION);
        begin.is_some_and(|begin| word.len() - begin >= SESSION.len() + SESSION_CHARACTERS_MIN)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
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
    fn of(byte: u8) -> Kind {
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

/// How many characters of each sort there are up to some place.
#[derive(Clone, Copy, Default)]
struct Sum {
    upper: u32,
    lower: u32,
    turns: u32,
    hexadecimal: u32,
    mark: u32,
    blank: u32,
}

impl Sum {
    fn since(self, start: Sum) -> Sum {
        Sum {
            upper: self.upper - start.upper,
            lower: self.lower - start.lower,
            turns: self.turns - start.turns,
            hexadecimal: self.hexadecimal - start.hexadecimal,
            mark: self.mark - start.mark,
            blank: self.blank - start.blank,
        }
    }

    fn is_random(self) -> bool {
        self.upper >= CASE_MIN && self.lower >= CASE_MIN && self.turns >= TURNS_MIN
    }

    fn is_random_rest(self) -> bool {
        self.upper >= CASE_MIN / 2 && self.lower >= CASE_MIN / 2 && self.turns >= TURNS_MIN / 2
    }

    /// Of [`LONG_PIECE_CHARACTERS_MIN`]: half of what there is on average. Prose has more blanks.
    fn is_random_long(self) -> bool {
        self.upper >= 6 && self.lower >= 6 && self.turns >= 8 && self.blank <= 3
    }

    /// Of [`SHORT_PIECE_CHARACTERS_MIN`].
    fn is_random_short(self) -> bool {
        self.upper >= 2 && self.lower >= 2 && self.turns >= 3 && self.blank <= 2
    }

    /// A signature written in hexadecimal, perhaps with a mark between the digits; or in any other way that makes turns of
    /// two in three characters, as `x41x42`.
    fn is_hexadecimal(self) -> bool {
        let all = HEXADECIMAL_MIN as u32;
        let has_marks = self.mark * 4 >= all && self.mark < all;
        self.hexadecimal == all
            || (has_marks && self.hexadecimal + self.mark == all)
            || self.turns * 8 >= all * 5
    }
}

/// The sums at the beginning and behind each character of base64.
fn sums(run: &[u8]) -> Vec<Sum> {
    let mut sums = Vec::with_capacity(run.len() + 1);
    let mut sum = Sum::default();
    sums.push(sum);
    let mut before = Kind::Nothing;
    for byte in run {
        if !is_base64(*byte) {
            sum.blank += u32::from(*byte == b' ');
            continue;
        }
        let kind = Kind::of(*byte);
        sum.upper += u32::from(kind == Kind::Upper);
        sum.lower += u32::from(kind == Kind::Lower);
        sum.mark += u32::from(kind == Kind::Mark);
        sum.hexadecimal += u32::from(byte.is_ascii_hexdigit());
        sum.turns += u32::from(is_turn(before, kind));
        sums.push(sum);
        before = kind;
    }
    sums
}

fn is_turn(before: Kind, kind: Kind) -> bool {
    matches!(
        (before, kind),
        (Kind::Lower, Kind::Upper)
            | (Kind::Digit, Kind::Upper | Kind::Lower)
            | (Kind::Upper | Kind::Lower, Kind::Digit)
    )
}

#[cfg(test)]
mod tests;
