//! Encodings on the wire: CloudFront's base64 and percent-encoding.
//!
//! Source: developer guide, "Code examples for creating a signature"; `+ = /` become `- _ ~`.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::{GeneralPurpose, general_purpose};

const INVALID: u8 = 0xff;

/// Length of the longest base64 text that is decoded at all: a policy of 8 KiB has 10 924 digits.
const TEXT_BYTES_MAX: usize = 12 * 1024;

static CLOUDFRONT: GeneralPurpose = {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
    match Alphabet::new(digits) {
        Ok(alphabet) => GeneralPurpose::new(&alphabet, general_purpose::NO_PAD),
        Err(_) => panic!("the alphabet has 64 different printable characters"),
    }
};

/// Value of each digit in both alphabets: `+` and `-` are 62, `/` and `~` are 63.
static DIGITS: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut value = 0;
    while value < 26 {
        table[(b'A' + value) as usize] = value;
        table[(b'a' + value) as usize] = value + 26;
        value += 1;
    }
    value = 0;
    while value < 10 {
        table[(b'0' + value) as usize] = value + 52;
        value += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'~' as usize] = 63;
    table
};

/// Appends `bytes` in CloudFront's alphabet, with padding.
pub(crate) fn encode_into(bytes: &[u8], out: &mut String) {
    CLOUDFRONT.encode_string(bytes, out);
    out.push_str(match bytes.len() % 3 {
        0 => "",
        1 => "__",
        _ => "_",
    });
}

/// Encodes `bytes` in CloudFront's alphabet, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    encode_into(bytes, &mut text);
    text
}

/// Decodes CloudFront's or the standard alphabet, padded (`_` or `=`) or not.
///
/// Returns `None` for any other character, wrong padding, or bits left over. The standard alphabet is accepted because
/// signers of 2013 write it (T33 in the conformance matrix).
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let digits = text.trim_end_matches(['=', '_']).as_bytes();
    let padding = text.len() - digits.len();
    if padding != 0 && padding != (4 - digits.len() % 4) % 4 {
        return None;
    }
    let (groups, rest) = digits.as_chunks::<4>();
    let mut bytes = vec![0; groups.len() * 3];
    let mut seen = 0;
    for (group, out) in groups.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = group.map(|digit| DIGITS[usize::from(digit)]);
        seen |= a | b | c | d;
        *out = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    // Digits have six bits; only INVALID has more.
    if seen & 0xc0 != 0 {
        return None;
    }
    decode_rest(rest, &mut bytes)?;
    Some(bytes)
}

fn decode_rest(rest: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let value =
        |index: usize| Some(DIGITS[usize::from(rest[index])]).filter(|value| *value != INVALID);
    match rest.len() {
        0 => {}
        2 => {
            let (a, b) = (value(0)?, value(1)?);
            bytes.push(a << 2 | b >> 4);
            return (b & 0x0f == 0).then_some(());
        }
        3 => {
            let (a, b, c) = (value(0)?, value(1)?, value(2)?);
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]);
            return (c & 0x03 == 0).then_some(());
        }
        _ => return None,
    }
    Some(())
}

/// Percent-decodes once. `+` stays `+`; a `%` without two hex digits stays; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        match escape_at(bytes, index) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    Cow::Owned(match String::from_utf8(decoded) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn escape_at(bytes: &[u8], index: usize) -> Option<u8> {
    if bytes[index] != b'%' {
        return None;
    }
    let digit = |offset: usize| {
        let char = char::from(*bytes.get(index + offset)?);
        char.to_digit(16).and_then(|value| u8::try_from(value).ok())
    };
    Some(digit(1)? << 4 | digit(2)?)
}

/// Returns lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(decode(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn both_alphabets_are_read() {
        check("@@@", None);
        check("A", None);
        check("AB_", None);
        check("AB", None);
        check("AA===", None);
        check("_AAA", None);
        check("AA A", None);
        check("", Some(b""));
        check("AA", Some(b"\0"));
        check("AA__", Some(b"\0"));
        check("AA==", Some(b"\0"));
        check("-~-~", Some(&[0xfb, 0xff, 0xbf]));
        check("+/+/", Some(&[0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn what_is_written_is_read() {
        for length in 0..300usize {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 251 % 256) as u8).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn percent_is_decoded_once_and_plus_stays() {
        assert_eq!(percent_decode("a%zz%4"), "a%zz%4");
        assert_eq!(percent_decode("%ff"), "\u{fffd}");
        assert_eq!(percent_decode("%257E+"), "%7E+");
        assert_eq!(percent_decode("a%7Eb"), "a~b");
    }
}
