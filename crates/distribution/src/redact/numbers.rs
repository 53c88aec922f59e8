//! Finds lists of numbers that may be the characters of a credential: `[77,84,…]`, `CHAR(77)||CHAR(84)`, `4d:54:…`.

use std::ops::Range;

/// As many as the characters of the shortest credential.
const NUMBERS_MIN: usize = super::runs::RUN_CHARACTERS_MIN;
/// Enough for `)+String.fromCharCode(`.
const SEPARATOR_SIZE_BYTES_MAX: usize = 32;
/// Without a letter in them so short separators need not be the same: `, ` and a line break take turns.
const PUNCTUATION_SIZE_BYTES_MAX: usize = 4;

/// False for almost all that is logged: of a character's number, in decimal or hexadecimal, at least one digit is decimal.
pub(super) fn may_have_numbers(text: &[u8]) -> bool {
    text.len() >= 2 * NUMBERS_MIN
        && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= NUMBERS_MIN
}

/// From the first to the last number of each list.
pub(super) fn number_lists(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut list = List::default();
    for number in words(bytes).filter(|word| is_number(&bytes[word.clone()])) {
        let separator = &bytes[list.last.end..number.start];
        if list.count == 0 || separator.len() > SEPARATOR_SIZE_BYTES_MAX {
            found.extend(list.range());
            list = List::of(number);
        } else if is_punctuation(separator) || list.separator.is_none_or(|one| one == separator) {
            list.push(number, separator);
        } else {
            found.extend(list.range());
            list = List::of(list.last);
            list.push(number, separator);
        }
    }
    found.extend(list.range());
    found
}

/// The numbers of a list so far.
#[derive(Default)]
struct List<'a> {
    start: usize,
    last: Range<usize>,
    count: usize,
    /// The separator with letters that all others are like.
    separator: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    fn of(number: Range<usize>) -> Self {
        List {
            start: number.start,
            last: number,
            count: 1,
            separator: None,
        }
    }

    fn push(&mut self, number: Range<usize>, separator: &'a [u8]) {
        self.count += 1;
        self.last = number;
        if !is_punctuation(separator) {
            self.separator = Some(separator);
        }
    }

    fn range(&self) -> Option<Range<usize>> {
        (self.count >= NUMBERS_MIN).then_some(self.start..self.last.end)
    }
}

fn is_punctuation(separator: &[u8]) -> bool {
    separator.len() <= PUNCTUATION_SIZE_BYTES_MAX
        && !separator.iter().any(u8::is_ascii_alphanumeric)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + bytes[next..].iter().position(u8::is_ascii_alphanumeric)?;
        let end = bytes[start..]
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric());
        next = end.map_or(bytes.len(), |end| start + end);
        Some(start..next)
    })
}

/// The number of a byte, in decimal or hexadecimal, with any zeros in front.
fn is_number(word: &[u8]) -> bool {
    let marks: [&[u8]; 4] = [b"0x", b"0X", b"x", b"u"];
    let digits = marks.into_iter().find_map(|mark| word.strip_prefix(mark));
    let digits = digits.unwrap_or(word);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    match &digits[zeros..] {
        [] => zeros > 0,
        [digit] => digit.is_ascii_digit() || (word.len() > 1 && digit.is_ascii_hexdigit()),
        short @ [_, _] => short.iter().all(u8::is_ascii_hexdigit),
        long @ [_, _, _] => long.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
