//! Finds a hexadecimal signature that was cut by other characters. Adjacent digests are none.

use super::budget::{Budget, OverBudget};
use super::runs::{LONG_PIECE_CHARACTERS_MIN, SHORT_PIECE_CHARACTERS_MIN};
use std::ops::Range;

/// Minimum number of digits of a signature; one of a P-256 key has 136 to 144.
const DIGITS_MIN: usize = 129;
/// Maximum distance between two pieces.
const SEPARATOR_SIZE_BYTES_MAX: usize = 8;
/// Numbers of digits in digests: MD5, SHA-1, SHA-224 to SHA-512, and sizes in between.
const DIGEST_DIGITS: [usize; 7] = [32, 40, 48, 56, 64, 96, 128];
/// Lengths of P-256 signatures of which a piece may look like a digest of SHA-512; the rest must not be all digits, as
/// a date is.
const SIGNATURE_DIGITS: [usize; 3] = [140, 142, 144];
const REST_DIGITS_MIN: usize = 12;

/// Returns the words of each cut signature.
pub(super) fn hexadecimal_pieces(
    bytes: &[u8],
    budget: &mut Budget,
) -> Result<Vec<Range<usize>>, OverBudget> {
    budget.spend(bytes.len())?;
    let mut words: Vec<_> = words(bytes).collect();
    let is_near =
        |one: &Range<usize>, next: &Range<usize>| next.start - one.end <= SEPARATOR_SIZE_BYTES_MAX;
    let groups = words.chunk_by_mut(is_near);
    let found = groups.filter(|group| group.len() > 1 && is_signature(bytes, group));
    Ok(found.flat_map(|group| group.to_vec()).collect())
}

fn is_signature(bytes: &[u8], group: &[Range<usize>]) -> bool {
    let digits: usize = group.iter().map(ExactSizeIterator::len).sum();
    let is_digest = |word: &Range<usize>| DIGEST_DIGITS.contains(&word.len());
    let long =
        { group.iter() }.filter(|word| word.len() >= LONG_PIECE_CHARACTERS_MIN && !is_digest(word));
    let is_cut = digits >= DIGITS_MIN && long.count() > 0;
    let rest = { group.iter() }.find(|word| word.len() < SHORT_PIECE_CHARACTERS_MIN);
    let is_rest = rest.is_some_and(|rest| {
        let is_number = bytes[rest.clone()].iter().all(u8::is_ascii_digit);
        SIGNATURE_DIGITS.contains(&digits) && !is_number
    });
    is_cut || is_rest
}

/// Returns all words of hexadecimal digits that are long enough, without `0x`.
fn words(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let start = next + bytes[next..].iter().position(u8::is_ascii_alphanumeric)?;
            let is_end = |byte: &u8| !byte.is_ascii_alphanumeric();
            let end = bytes[start..].iter().position(is_end);
            next = end.map_or(bytes.len(), |end| start + end);
            let start = match bytes[start..next].starts_with(b"0x") {
                true => start + 2,
                false => start,
            };
            let is_hexadecimal = bytes[start..next].iter().all(u8::is_ascii_hexdigit);
            if next - start >= REST_DIGITS_MIN && is_hexadecimal {
                return Some(start..next);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lengths: &[usize], separator: &str, expected: bool) {
        let digits = "0a1b2c3d4e5f".repeat(50);
        let words: Vec<_> = lengths.iter().map(|length| &digits[..*length]).collect();
        let text = words.join(separator);
        let mut budget = Budget::of(&text);
        let found = hexadecimal_pieces(text.as_bytes(), &mut budget).unwrap();
        assert_eq!(!found.is_empty(), expected, "{text}");
    }

    #[test]
    fn digests_are_no_signature() {
        for length in DIGEST_DIGITS {
            check(&[length; 9], ",", false);
        }
        check(&[40, 40], "...", false);
        check(&[128, 8], ".", false);
        check(&[32, 12], "-", false);
        check(&[72, 72], ", and then ", false);
    }

    #[test]
    fn cut_signatures_are_found() {
        for separator in [".", "/", "-", "=", "\",\""] {
            check(&[72, 72], separator, true);
            check(&[64, 80], separator, true);
            check(&[128, 16], separator, true);
            check(&[100, 42], separator, true);
            check(&[50, 50, 44], separator, true);
        }
    }
}
