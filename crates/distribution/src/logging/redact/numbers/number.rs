//! One number of a list, and the ways of reading it.

use std::ops::Range;

/// The notation of a list's numbers, and the number of bytes in each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Byte,
    Decimal16,
    Hexadecimal16,
    Decimal32,
    Hexadecimal32,
}

impl Form {
    pub(super) const ALL: [Form; 5] = [
        Form::Byte,
        Form::Decimal16,
        Form::Hexadecimal16,
        Form::Decimal32,
        Form::Hexadecimal32,
    ];

    pub(super) fn size_bytes(self) -> usize {
        match self {
            Form::Byte => 1,
            Form::Decimal16 | Form::Hexadecimal16 => 2,
            Form::Decimal32 | Form::Hexadecimal32 => 4,
        }
    }

    /// Returns a bound that 15 of 16 random words reach, and 14 of 16 signed ones.
    pub(super) fn large(self) -> u32 {
        match self {
            Form::Byte => 0,
            Form::Decimal16 | Form::Hexadecimal16 => 1 << 12,
            Form::Decimal32 | Form::Hexadecimal32 => 1 << 28,
        }
    }

    /// Returns a bound that one of 4,096 random words is below.
    fn value_min(self) -> u32 {
        match self {
            Form::Byte => 0,
            Form::Decimal16 | Form::Hexadecimal16 => 1 << 4,
            Form::Decimal32 | Form::Hexadecimal32 => 1 << 20,
        }
    }

    fn value_max(self) -> u32 {
        match self {
            Form::Byte => 0xff,
            Form::Decimal16 | Form::Hexadecimal16 => 0xffff,
            Form::Decimal32 | Form::Hexadecimal32 => u32::MAX,
        }
    }
}

/// A word that may be a number.
#[derive(Clone, Copy)]
pub(super) struct Number {
    byte: Option<u32>,
    decimal: Option<u32>,
    hexadecimal: Option<u32>,
    /// True if a mark or a letter shows it.
    pub(super) is_hexadecimal: bool,
}

/// Maximum number of digits of a 32-bit number, except in binary.
const DIGITS_MAX: usize = 10;

impl Number {
    /// Parses a number in decimal, hexadecimal, octal or binary, with any number of leading zeros.
    pub(super) fn of(word: &[u8]) -> Option<Number> {
        let (digits, is_marked) = unmarked(word);
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        let (significant, is_zero) = (&digits[zeros..], zeros > 0 && zeros == digits.len());
        if (significant.is_empty() && !is_zero) || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let is_decimal = significant.iter().all(u8::is_ascii_digit);
        // A single letter is a word.
        let is_number = is_decimal || word.len() > 1;
        let hexadecimal = value(significant, 16).filter(|_| is_number);
        let decimal = value(significant, 10).filter(|_| is_decimal && !is_marked);
        let byte = match significant.len() {
            0..=2 => hexadecimal,
            3 => decimal
                .or(octal(significant))
                .filter(|number| *number <= 0xff),
            _ => None,
        };
        Some(Number {
            byte: byte.or_else(|| octal(significant)).or_else(|| binary(word)),
            decimal,
            hexadecimal: hexadecimal.filter(|_| is_marked || matches!(digits.len(), 3..=8)),
            is_hexadecimal: is_marked || !is_decimal,
        })
    }

    /// Returns its value in a list of this form, if it may be in one.
    pub(super) fn value(&self, form: Form) -> Option<u32> {
        let value = match form {
            Form::Byte => self.byte,
            Form::Decimal16 | Form::Decimal32 => self.decimal,
            Form::Hexadecimal16 | Form::Hexadecimal32 => self.hexadecimal,
        };
        value.filter(|value| (form.value_min()..=form.value_max()).contains(value))
    }
}

/// Removes the mark of a hexadecimal or octal number; the flag is true for a hexadecimal one.
fn unmarked(word: &[u8]) -> (&[u8], bool) {
    let marks: [&[u8]; 4] = [b"0x", b"0X", b"x", b"u"];
    match marks.into_iter().find_map(|mark| word.strip_prefix(mark)) {
        Some(digits) => (digits, true),
        None => (word.strip_prefix(b"0o").unwrap_or(word), false),
    }
}

fn value(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.len() > DIGITS_MAX {
        return None;
    }
    let value = { digits.iter() }.try_fold(0_u64, |value, digit| {
        Some(value * u64::from(radix) + u64::from(char::from(*digit).to_digit(radix)?))
    });
    u32::try_from(value?).ok()
}

/// Parses a byte in three octal digits.
fn octal(digits: &[u8]) -> Option<u32> {
    let value = value(digits, 8).filter(|_| digits.len() == 3);
    value.filter(|value| *value <= 0xff)
}

/// Parses a byte in eight binary digits, or in fewer after `0b`.
fn binary(word: &[u8]) -> Option<u32> {
    let digits = match word.strip_prefix(b"0b") {
        Some(digits) => digits,
        None if word.len() == 8 => word,
        None => return None,
    };
    value(digits, 2).filter(|_| matches!(digits.len(), 1..=8))
}

/// Returns the words, which consist of letters and digits.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + bytes[next..].iter().position(u8::is_ascii_alphanumeric)?;
        let is_end = |byte: &u8| !byte.is_ascii_alphanumeric();
        let end = bytes[start..].iter().position(is_end);
        next = end.map_or(bytes.len(), |end| start + end);
        Some(start..next)
    })
}
