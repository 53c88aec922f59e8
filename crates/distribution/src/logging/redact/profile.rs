//! Tells by its characters alone what looks like a signature, a policy or a path token.
//!
//! Names of files are made of words. A signature is random: in it, capitals, small letters and digits alternate.

use super::budget::{Budget, OverBudget};
use super::runs::{
    Kind, LONG_PIECE_CHARACTERS_MIN, RUN_CHARACTERS_MIN, SHORT_PIECE_CHARACTERS_MIN, is_base64,
    is_path_token,
};
use std::ops::Range;

/// Half of a signature. What is shorter opens nothing, and is not searched for.
const REST_CHARACTERS_MIN: usize = 43;

/// One more than the digest of SHA-512 has in hexadecimal, which is the longest that names of files have.
const HEXADECIMAL_MIN: usize = 129;

/// Behind the `S1` of a path token there are no fewer.
const PATH_TOKEN_CHARACTERS_MIN: usize = 110;

/// What stands in front of a path token.
const PATH_TOKEN: &[u8] = b"S1";

/// Of random base64 less than one stretch in ten million has fewer capitals, small letters, or turns.
///
/// A turn is where a capital follows a small letter, or a digit and a letter stand side by side: in 86 random
/// characters there are 36, give or take 4.5.
const CASE_MIN: u16 = 10;
const TURNS_MIN: u16 = 11;

/// A P-256 signature in base32 has 110 characters at its shortest.
const BASE32_MIN: usize = 110;

/// In random base32 a letter and a digit stand side by side 33 times in 110, give or take 5.
const BASE32_TURNS_MIN: u16 = 16;

/// Of less than this a long piece lacks nothing.
const SMALL_PIECE_CHARACTERS_MIN: usize = 4;

/// What a text takes to count its characters.
const STEPS_PER_BYTE: usize = 2;

/// How much of a credential that was cut a part of a run may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceSize {
    /// One of two pieces of a credential.
    Long,
    /// What is left of a credential of which another piece was found.
    Short,
    /// What a long piece lacks of a whole.
    Small,
}

/// A text and how many characters of each sort are in front of any place. All ranges are of its bytes, and within a
/// run.
pub(super) struct Profile<'a> {
    pub(super) bytes: &'a [u8],
    /// At the beginning and behind each character of base64.
    sums: Vec<Sum>,
    /// How many characters of base64 are in front of each byte, and of the end.
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

    /// Whether a credential may be here.
    pub(super) fn may_be_credential(
        &self,
        range: &Range<usize>,
        budget: &mut Budget,
    ) -> Result<bool, OverBudget> {
        Ok(self.last_credential(range, budget)?.is_some())
    }

    /// Where the last stretch begins that may be of a credential: what begins behind it is none.
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

    /// Whether a part of a credential may be here, of which the rest was taken for the value of a name or for a token.
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

    /// `None` for what is no piece.
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

    /// Where the last `length` characters in a row begin of which this is found.
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
        // The character that has so many in front of it.
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

/// Words have no digit between letters, and no capital within them.
fn is_small_piece(characters: &[u8]) -> bool {
    let length = characters.len();
    let capitals = characters.iter().filter(|byte| byte.is_ascii_uppercase());
    let capitals = capitals.count();
    let is_mixed = capitals > 0 && turns(characters) * 8 >= length;
    length >= SMALL_PIECE_CHARACTERS_MIN && (capitals == length || is_mixed)
}

/// Whether these characters may be the name of a parameter, and not the beginning of a credential: neither digits
/// between letters, nor capitals within a word or side by side.
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

/// How many characters of each sort there are: sixteen bits for each number, so that all are counted at once. What
/// exceeds them is lost in the difference of two sums.
#[derive(Clone, Copy, Default)]
struct Sum([u64; 2]);

const UPPER: (usize, u32) = (0, 0);
const LOWER: (usize, u32) = (0, 16);
const TURNS: (usize, u32) = (0, 32);
/// The last one, for there is no end to them between two characters.
const BLANK: (usize, u32) = (0, 48);
const HEXADECIMAL: (usize, u32) = (1, 0);
const MARK: (usize, u32) = (1, 16);
const BASE32_UPPER: (usize, u32) = (1, 32);
const BASE32_LOWER: (usize, u32) = (1, 48);

impl Sum {
    fn add(&mut self, byte: u8, is_turn: bool) {
        let [first, second] = SORTS[usize::from(byte)];
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
        // The lowest sixteen bits are meant.
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

    /// Of [`LONG_PIECE_CHARACTERS_MIN`]: half of what there is on average. Prose has more blanks.
    fn is_random_long(self) -> bool {
        self.count(UPPER) >= 6
            && self.count(LOWER) >= 6
            && self.count(TURNS) >= 8
            && self.count(BLANK) <= 3
    }

    /// Of [`SHORT_PIECE_CHARACTERS_MIN`].
    fn is_random_short(self) -> bool {
        self.count(UPPER) >= 2
            && self.count(LOWER) >= 2
            && self.count(TURNS) >= 3
            && self.count(BLANK) <= 2
    }

    /// A signature written in hexadecimal, perhaps with a mark between the digits; or in any other way that makes turns
    /// of two in three characters, as `x41x42`.
    fn is_hexadecimal(self) -> bool {
        let all = HEXADECIMAL_MIN as u16;
        let (hexadecimal, mark) = (self.count(HEXADECIMAL), self.count(MARK));
        let has_marks = mark * 4 >= all && mark < all;
        hexadecimal == all
            || (has_marks && hexadecimal + mark == all)
            || self.count(TURNS) * 8 >= all * 5
    }

    /// A signature in base32, of capitals or small letters and six digits. Digests in hexadecimal have the others, too.
    fn is_base32(self) -> bool {
        let all = BASE32_MIN as u16;
        let is_whole = self.count(BASE32_UPPER) == all || self.count(BASE32_LOWER) == all;
        is_whole && self.count(TURNS) >= BASE32_TURNS_MIN
    }
}

const SORTS: [[u64; 2]; 256] = {
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
