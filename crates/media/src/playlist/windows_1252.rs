//! Windows-1252, by the table of the WHATWG's Encoding Standard, which has a character for every byte.

/// Decodes bytes that are not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            0x80..=0x9f => UPPER_CONTROLS[usize::from(byte - 0x80)],
            byte => char::from(*byte),
        })
        .collect()
}

/// Characters of 0x80 to 0x9f; all others are as in ISO 8859-1.
const UPPER_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];
