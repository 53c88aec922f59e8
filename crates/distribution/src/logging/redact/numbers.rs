//! Finds lists of numbers that may be a credential: its characters or bytes, as in `[77,84,…]`, `CHAR(77)||CHAR(84)` or
//! `4d:54:…`, or its words of two or four bytes.
//!
//! IP addresses are no list, nor are increasing numbers, which count something.

use super::budget::{Budget, OverBudget};
use number::{Form, Number, words};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

mod number;

/// Minimum size of a list: a P-256 signature has 68 to 72 bytes, and nearly as many in whole words.
const BYTES_MIN: usize = 64;
/// Minimum number of decimal digits in such a list; fewer than one list in ten thousand has less.
const DIGITS_MIN: usize = 56;
/// Maximum size of a separator: enough for `)+String.fromCharCode(`.
const SEPARATOR_SIZE_BYTES_MAX: usize = 32;
/// Maximum size of separators that may differ as long as they have no letter, such as `, ` and a line break in turn.
const PUNCTUATION_SIZE_BYTES_MAX: usize = 4;
/// Maximum length of an address with its port.
const ADDRESS_CHARACTERS_MAX: usize = 47;
const STEPS_PER_BYTE: usize = 4;

/// Returns false for almost all text that is logged: of each number, decimal or hexadecimal, one digit or more is
/// decimal.
pub(super) fn may_have_numbers(text: &[u8]) -> bool {
    text.len() >= 2 * BYTES_MIN
        && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS_MIN
}

/// Returns the range of each list, from its first to its last number.
pub(super) fn number_lists(
    bytes: &[u8],
    budget: &mut Budget,
) -> Result<Vec<Range<usize>>, OverBudget> {
    budget.spend(STEPS_PER_BYTE * bytes.len())?;
    let mut found = Vec::new();
    let mut lists = Form::ALL.map(List::of_form);
    // Ends of the last address and of the last text that was found to be none.
    let (mut address_end, mut other_end) = (0, 0);
    for word in words(bytes) {
        if word.start < address_end {
            continue;
        }
        if word.start >= other_end {
            let dotted = dotted_at(bytes, word.start);
            if is_address(&bytes[dotted.clone()]) {
                address_end = dotted.end;
                found.extend(lists.iter_mut().filter_map(List::finished));
                continue;
            }
            other_end = dotted.end;
        }
        if let Some(number) = Number::of(&bytes[word.clone()]) {
            for list in &mut lists {
                found.extend(list.taken(bytes, word.clone(), number));
            }
        }
    }
    found.extend(lists.iter_mut().filter_map(List::finished));
    found.sort_by_key(|list: &Range<usize>| list.start);
    Ok(found)
}

/// Returns the text around the beginning of a word that has only characters of an address, which may begin with `::`.
fn dotted_at(bytes: &[u8], word: usize) -> Range<usize> {
    let colons = bytes[..word].iter().rev().take_while(|byte| **byte == b':');
    let is_dotted = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(**byte, b'.' | b':');
    let start = word - colons.take(2).count();
    let end = word + bytes[word..].iter().take_while(is_dotted).count();
    let marks = bytes[word..end].iter().rev();
    let marks = marks.take_while(|byte| matches!(**byte, b'.' | b':'));
    start..end - marks.count()
}

fn is_address(text: &[u8]) -> bool {
    if text.len() > ADDRESS_CHARACTERS_MAX || !text.iter().any(|byte| matches!(byte, b'.' | b':')) {
        return false;
    }
    let text = str::from_utf8(text).unwrap_or_default();
    text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok()
}

/// The numbers of a list so far, all in one form.
struct List<'a> {
    form: Form,
    start: usize,
    last: Range<usize>,
    last_value: u32,
    count: usize,
    /// Number of values that are larger than the one before.
    rises: usize,
    /// Number of values as large as nearly all random ones.
    large: usize,
    /// Number of values that can only be hexadecimal.
    hexadecimal: usize,
    value_min: u32,
    value_max: u32,
    /// Separator with letters, which all others must equal.
    separator: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    fn of_form(form: Form) -> Self {
        List {
            form,
            start: 0,
            last: 0..0,
            last_value: 0,
            count: 0,
            rises: 0,
            large: 0,
            hexadecimal: 0,
            value_min: u32::MAX,
            value_max: 0,
            separator: None,
        }
    }

    /// Appends a number; returns the list that this ends, if any.
    fn taken(
        &mut self,
        bytes: &'a [u8],
        word: Range<usize>,
        number: Number,
    ) -> Option<Range<usize>> {
        let Some(value) = number.value(self.form) else {
            return self.finished();
        };
        let separator = &bytes[self.last.end..word.start];
        let is_one = separator.len() <= SEPARATOR_SIZE_BYTES_MAX
            && (is_punctuation(separator) || self.separator.is_none_or(|one| one == separator));
        let finished = match is_one {
            true => None,
            false => self.finished(),
        };
        if self.count == 0 {
            self.start = word.start;
        } else if !is_punctuation(separator) {
            self.separator = Some(separator);
        }
        self.rises += usize::from(value > self.last_value);
        self.large += usize::from(value >= self.form.large());
        self.hexadecimal += usize::from(number.is_hexadecimal);
        self.value_min = self.value_min.min(value);
        self.value_max = self.value_max.max(value);
        self.last_value = value;
        self.count += 1;
        self.last = word;
        finished
    }

    /// Starts again and returns the list so far if it may be a credential.
    fn finished(&mut self) -> Option<Range<usize>> {
        let list = std::mem::replace(self, List::of_form(self.form));
        list.is_credential().then_some(list.start..list.last.end)
    }

    fn is_credential(&self) -> bool {
        let size_bytes = self.count * self.form.size_bytes();
        // Random numbers rise half of the time, give or take an eighth.
        let is_counting = self.rises * 10 >= self.count * 9;
        size_bytes >= BYTES_MIN && !is_counting && (self.form == Form::Byte || self.is_random())
    }

    /// Returns true if the words fill their range: most are large, even signed ones, and the largest and smallest far
    /// apart.
    fn is_random(&self) -> bool {
        let span_min = match self.form {
            Form::Byte => 0,
            Form::Decimal16 | Form::Hexadecimal16 => 1 << 15,
            Form::Decimal32 | Form::Hexadecimal32 => 1 << 30,
        };
        let is_form = match self.form {
            Form::Byte | Form::Decimal16 | Form::Decimal32 => true,
            Form::Hexadecimal16 | Form::Hexadecimal32 => self.hexadecimal * 2 >= self.count,
        };
        is_form
            && self.large * 8 >= self.count * 5
            && self.value_max.saturating_sub(self.value_min) >= span_min
    }
}

fn is_punctuation(separator: &[u8]) -> bool {
    separator.len() <= PUNCTUATION_SIZE_BYTES_MAX
        && !separator.iter().any(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests;
