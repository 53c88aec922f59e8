//! Recognizes text that looks like a signature, a policy or a path token by its characters alone.
//!
//! File names are made of words. A signature is random: capitals, small letters and digits alternate in it.

use super::budget::{Budget, OverBudget};
use super::runs::{
    Kind, LONG_PIECE_CHARACTERS_MIN, RUN_CHARACTERS_MIN, SHORT_PIECE_CHARACTERS_MIN, is_base64,
    is_path_token,
};
use std::ops::Range;

/// Half of a signature. A shorter rest is of no use and is not searched for.
const REST_CHARACTERS_MIN: usize = 43;

/// One more than the hexadecimal digits of SHA-512, the longest digest in file names.
const HEXADECIMAL_MIN: usize = 129;

/// Minimum number of characters after the `S1` of a path token.
const PATH_TOKEN_CHARACTERS_MIN: usize = 110;

/// First characters of a path token.
const PATH_TOKEN: &[u8] = b"S1";

/// Minimum number of capitals and of small letters, and of turns: fewer than one in ten million spans of random base64
/// have less.
///
/// A turn is a capital after a small letter, or a digit next to a letter: 86 random characters have 36, give or take
/// 4.5.
const CASE_MIN: u16 = 10;
const TURNS_MIN: u16 = 11;

/// Length of the shortest P-256 signature in base32.
const BASE32_MIN: usize = 110;

/// Minimum number of turns in base32: 110 random characters have 33, give or take 5.
const BASE32_TURNS_MIN: u16 = 16;

/// Smallest piece that counts: a long piece that lacks fewer characters is found as a run by itself.
const SMALL_PIECE_CHARACTERS_MIN: usize = 4;

/// Steps to count the characters of a text, per byte.
const STEPS_PER_BYTE: usize = 2;

/// The part of a cut credential that a piece may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceSize {
    /// One of two pieces of a credential.
    Long,
    /// The rest of a credential of which another piece was found.
    Short,
    /// The characters that a long piece lacks.
    Small,
}

/// A text with the number of characters of each class before any position. All ranges are of its bytes, and within one
/// run.
pub(super) struct Profile<'a> {
    pub(super) bytes: &'a [u8],
    /// Counts before the first and after each character of base64.
    sums: Vec<Sum>,
    /// Number of base64 characters before each byte, and before the end.
    ranks: Vec<usize>,
}

impl<'a> Profile<'a> {
    pub(super) fn of(bytes: &'a [u8], budget: &mut Budget) -> Result<Self, OverBudget> {
        budget.spend(STEPS_PER_BYTE * bytes.len())?;
        let mut sums = Vec::with_capacity(bytes.len() + 1);
        let mut ranks = Vec::with_capacity(bytes.len() + 1);
        let (mut sum, mut before) = (Sum::default(), Kind::End);
        sums.push(sum);
        ranks.push(0);
        for byte in bytes {
            let kind = Kind::of(*byte);
            sum.add(*byte, is_turn(before, kind));
            if is_base64(*byte) {
                sums.push(sum);
            }
            if kind != Kind::Nothing {
                before = kind;
            }
            ranks.push(sums.len() - 1);
        }
        Ok(Profile { bytes, sums, ranks })
    }

    /// Returns true if the range may contain a credential.
    pub(super) fn may_be_credential(
        &self,
        range: &Range<usize>,
        budget: &mut Budget,
    ) -> Result<bool, OverBudget> {
        Ok(self.last_credential(range, budget)?.is_some())
    }

    /// Returns the start of the last span that may belong to a credential; whatever begins after it is none.
    pub(super) fn last_credential(
        &self,
        range: &Range<usize>,
        budget: &mut Budget,
    ) -> Result<Option<usize>, OverBudget> {
        if range.len() < RUN_CHARACTERS_MIN {
            return Ok(None);
        }
        budget.spend(2 * range.len())?;
        let random = self.last(range, RUN_CHARACTERS_MIN, Sum::is_random);
        let hexadecimal = self.last(range, HEXADECIMAL_MIN, Sum::is_hexadecimal);
        let base32 = self.last(range, BASE32_MIN, Sum::is_base32);
        let path_token = last_path_token(&self.bytes[range.clone()]);
        let path_token = path_token.map(|at| range.start + at);
        Ok(random.max(hexadecimal).max(base32).max(path_token))
    }

    /// Returns true if the range may contain part of a credential of which the rest was taken for a named value or a
    /// token.
    pub(super) fn may_be_rest(
        &self,
        range: &Range<usize>,
        budget: &mut Budget,
    ) -> Result<bool, OverBudget> {
        if range.len() < REST_CHARACTERS_MIN {
            return Ok(false);
        }
        budget.spend(range.len())?;
        let rest = self.last(range, REST_CHARACTERS_MIN, Sum::is_random_rest);
        Ok(rest.is_some() || self.may_be_credential(range, budget)?)
    }

    /// Returns the size of the piece, or `None` if it is none.
    pub(super) fn piece_size(
        &self,
        range: &Range<usize>,
        budget: &mut Budget,
    ) -> Result<Option<PieceSize>, OverBudget> {
        if range.len() < SHORT_PIECE_CHARACTERS_MIN {
            let is_small = is_small_piece(&self.bytes[range.clone()]);
            return Ok(is_small.then_some(PieceSize::Small));
        }
        budget.spend(range.len())?;
        let is = |length, is_found: fn(Sum) -> bool| self.last(range, length, is_found).is_some();
        Ok(if is(LONG_PIECE_CHARACTERS_MIN, Sum::is_random_long) {
            Some(PieceSize::Long)
        } else {
            is(SHORT_PIECE_CHARACTERS_MIN, Sum::is_random_short).then_some(PieceSize::Short)
        })
    }

    /// Returns the start of the last `length` base64 characters in a row whose counts satisfy `is_found`.
    fn last(
        &self,
        range: &Range<usize>,
        length: usize,
        is_found: impl Fn(Sum) -> bool,
    ) -> Option<usize> {
        let sums = &self.sums[self.ranks[range.start]..=self.ranks[range.end]];
        let ends = sums.get(length..)?;
        let mut stretches = ends.iter().zip(sums);
        let first = stretches.rposition(|(end, start)| is_found(end.since(*start)))?;
        let rank = self.ranks[range.start] + first;
        // Position of the character with that many before it.
        Some(self.ranks.partition_point(|before| *before <= rank) - 1)
    }
}

fn last_path_token(run: &[u8]) -> Option<usize> {
    let mut next = 0;
    let words = run.split(|byte| !is_path_token(*byte)).map(|word| {
        let start = next;
        next += word.len() + 1;
        (start, word)
    });
    let found = words.filter_map(|(start, word)| {
        let room = word.len().checked_sub(PATH_TOKEN_CHARACTERS_MIN)?;
        let mut begins = word[..room].windows(PATH_TOKEN.len());
        let begin = begins.rposition(|begin| begin == PATH_TOKEN)?;
        Some(start + begin)
    });
    found.last()
}

/// Returns true for text that is no word: words have no digit between letters and no capital inside.
fn is_small_piece(characters: &[u8]) -> bool {
    let length = characters.len();
    let capitals = characters.iter().filter(|byte| byte.is_ascii_uppercase());
    let capitals = capitals.count();
    let is_mixed = capitals > 0 && turns(characters) * 8 >= length;
    length >= SMALL_PIECE_CHARACTERS_MIN && (capitals == length || is_mixed)
}

/// Returns true if these characters may be a parameter's name rather than the beginning of a credential: no digit
/// between letters, and no capitals inside a word or side by side.
pub(super) fn is_name(characters: &[u8]) -> bool {
    let is_capitals = |pair: &[u8]| pair.iter().all(u8::is_ascii_uppercase);
    turns(characters) == 0 && !characters.windows(2).any(is_capitals)
}

fn turns(characters: &[u8]) -> usize {
    let pairs = characters.windows(2);
    let turns = pairs.filter(|pair| is_turn(Kind::of(pair[0]), Kind::of(pair[1])));
    turns.count()
}

fn is_turn(before: Kind, kind: Kind) -> bool {
    matches!(
        (before, kind),
        (Kind::Lower, Kind::Upper)
            | (Kind::Digit, Kind::Upper | Kind::Lower)
            | (Kind::Upper | Kind::Lower, Kind::Digit)
    )
}

/// The number of characters of each class, in sixteen bits each, so that one addition counts all. Overflow cancels out
/// in the difference of two sums.
#[derive(Clone, Copy, Default)]
struct Sum([u64; 2]);

const UPPER: (usize, u32) = (0, 0);
const LOWER: (usize, u32) = (0, 16);
const TURNS: (usize, u32) = (0, 32);
/// Last of its word: the number of blanks between two characters is unbounded, and an overflow must not reach another
/// count.
const BLANK: (usize, u32) = (0, 48);
const HEXADECIMAL: (usize, u32) = (1, 0);
const MARK: (usize, u32) = (1, 16);
const BASE32_UPPER: (usize, u32) = (1, 32);
const BASE32_LOWER: (usize, u32) = (1, 48);

impl Sum {
    fn add(&mut self, byte: u8, is_turn: bool) {
        let [first, second] = BYTE_CLASSES[usize::from(byte)];
        let turn = u64::from(is_turn) << TURNS.1;
        self.0[0] = self.0[0].wrapping_add(first).wrapping_add(turn);
        self.0[1] = self.0[1].wrapping_add(second);
    }

    fn since(self, start: Sum) -> Sum {
        let [first, second] = self.0;
        Sum([
            first.wrapping_sub(start.0[0]),
            second.wrapping_sub(start.0[1]),
        ])
    }

    fn count(self, (word, shift): (usize, u32)) -> u16 {
        // Only the lowest sixteen bits belong to this class.
        (self.0[word] >> shift) as u16
    }

    fn is_random(self) -> bool {
        self.count(UPPER) >= CASE_MIN
            && self.count(LOWER) >= CASE_MIN
            && self.count(TURNS) >= TURNS_MIN
    }

    fn is_random_rest(self) -> bool {
        self.count(UPPER) >= CASE_MIN / 2
            && self.count(LOWER) >= CASE_MIN / 2
            && self.count(TURNS) >= TURNS_MIN / 2
    }

    /// Returns true for half the average counts of [`LONG_PIECE_CHARACTERS_MIN`] random characters; prose has more
    /// blanks.
    fn is_random_long(self) -> bool {
        self.count(UPPER) >= 6
            && self.count(LOWER) >= 6
            && self.count(TURNS) >= 8
            && self.count(BLANK) <= 3
    }

    /// Returns true for the counts that a piece of [`SHORT_PIECE_CHARACTERS_MIN`] characters needs.
    fn is_random_short(self) -> bool {
        self.count(UPPER) >= 2
            && self.count(LOWER) >= 2
            && self.count(TURNS) >= 3
            && self.count(BLANK) <= 2
    }

    /// Returns true for a signature in hexadecimal, perhaps with a mark between digits, or in any notation with turns
    /// at five of eight characters, such as `x41x42`.
    fn is_hexadecimal(self) -> bool {
        let all = HEXADECIMAL_MIN as u16;
        let (hexadecimal, mark) = (self.count(HEXADECIMAL), self.count(MARK));
        let has_marks = mark * 4 >= all && mark < all;
        hexadecimal == all
            || (has_marks && hexadecimal + mark == all)
            || self.count(TURNS) * 8 >= all * 5
    }

    /// Returns true for a signature in base32: capitals or small letters, and six digits. Hexadecimal digests have the
    /// other digits, too.
    fn is_base32(self) -> bool {
        let all = BASE32_MIN as u16;
        let is_whole = self.count(BASE32_UPPER) == all || self.count(BASE32_LOWER) == all;
        is_whole && self.count(TURNS) >= BASE32_TURNS_MIN
    }
}

const BYTE_CLASSES: [[u64; 2]; 256] = {
    let mut sorts = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        let is_base32_digit = matches!(character, b'2'..=b'7');
        let of = [
            (UPPER, character.is_ascii_uppercase()),
            (LOWER, character.is_ascii_lowercase()),
            (BLANK, character == b' '),
            (HEXADECIMAL, character.is_ascii_hexdigit()),
            (
                MARK,
                matches!(character, b'+' | b'/' | b'=' | b'-' | b'~' | b'_'),
            ),
            (
                BASE32_UPPER,
                is_base32_digit || character.is_ascii_uppercase(),
            ),
            (
                BASE32_LOWER,
                is_base32_digit || character.is_ascii_lowercase(),
            ),
        ];
        let mut sort = 0;
        while sort < of.len() {
            let ((word, shift), is_one) = of[sort];
            sorts[byte][word] |= (is_one as u64) << shift;
            sort += 1;
        }
        byte += 1;
    }
    sorts
};

#[cfg(test)]
mod tests;
