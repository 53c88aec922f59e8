//! Hexadecimal digits of digests and random names.

/// Returns two lowercase digits for each byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Reads lowercase digits, two for each byte.
pub(crate) fn from_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * LENGTH {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(&pair[0])? << 4 | digit(&pair[1])?;
    }
    Some(bytes)
}

/// Returns a name that nobody can guess and nothing else has.
pub(crate) fn random_name() -> String {
    let mut random = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut random);
    to_hex(&random)
}
