//! Percent-encoding as signatures and keys have it, hexadecimal and Base64.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::borrow::Cow;

/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same, but for the slashes of a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Encodes a name or a value of a query.
pub(crate) fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// Encodes a path, whose slashes stay.
pub(crate) fn encode_path(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED_IN_PATH).to_string()
}

/// Decodes a path or a part of a query; `None` if a `%` is followed by anything but two digits, or if the bytes are not
/// UTF-8: such a key cannot be said in XML.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = rest.get(at + 3..)?;
    }
    percent_decode_str(text).decode_utf8().ok()
}

/// Returns bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// Reads 64 lower-case hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (nibble(digits[0])? << 4) | nibble(digits[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_is_strict() {
        for bad in ["%", "a%2", "%zz", "%C3", "%FF", "%2", "%%20"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(decode("a%2Fb+%C3%A9").as_deref(), Some("a/b+é"));
    }

    #[test]
    fn hexadecimal_is_lower_case_and_whole() {
        for bad in ["", &"A".repeat(64), &"a".repeat(63), &"g".repeat(64)] {
            assert_eq!(unhex(bad.as_bytes()), None, "{bad}");
        }
        let bytes = unhex("0f".repeat(32).as_bytes()).unwrap();
        assert_eq!(hex(&bytes), "0f".repeat(32));
    }
}
