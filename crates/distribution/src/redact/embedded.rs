//! Finds credentials inside other text: a link percent-encoded into a path or a parameter, or quoted in a header.
//!
//! Escapes are undone as often as they were made, so that nobody who decodes a log finds a signature there.

use super::{Secret, is_label, label};
use std::borrow::Cow;
use std::ops::Range;

/// In base64; a P-256 signature has about 96 characters.
const SIGNATURE_CHARACTERS_MIN: usize = 64;
/// What stands in front of a session token, with the token's own beginning.
const SESSION: &[u8] = b"~S1";

/// `text` with the values of all that is named `Policy` or `Signature` replaced as [`super::redact_query`] does, at
/// any depth of percent-encoding. `policy_label` stands for policies; `None` is the label of the first signature.
///
/// Session tokens in paths become `REDACTED`.
///
/// Without letter or digit in front the names count as spelled. In any other case, and behind anything, they
/// count when the value is as long as a signature.
pub(super) fn redact_text<'a>(text: &'a str, policy_label: Option<&str>) -> Cow<'a, str> {
    if !may_carry_credentials(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let decoded = Decoded::of(text);
    let secrets = decoded.secrets();
    if secrets.iter().all(|found| found.is_redacted) {
        return Cow::Borrowed(text);
    }
    let is_signature = |found: &&Embedded| found.secret == Secret::Signature;
    let policy_label = match (policy_label, secrets.iter().find(is_signature)) {
        (Some(label), _) => label.to_owned(),
        (None, Some(first)) => decoded.label(first),
        (None, None) => "redacted".to_owned(),
    };
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for found in secrets.iter().filter(|found| !found.is_redacted) {
        let value = decoded.place(&found.value);
        out.push_str(&text[copied..value.start]);
        match found.secret {
            Secret::Signature => out.push_str(&decoded.label(found)),
            Secret::Policy => out.push_str(&policy_label),
            Secret::Session => out.push_str("REDACTED"),
        }
        copied = value.end;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

const POLICY: &[u8] = b"Policy";
const SIGNATURE: &[u8] = b"Signature";
const NAMES: [(&[u8], Secret); 2] = [(POLICY, Secret::Policy), (SIGNATURE, Secret::Signature)];

/// False for almost all that is logged, and quickly: there is neither name, nor an escape that could hide a part of one.
fn may_carry_credentials(text: &[u8]) -> bool {
    if !text.iter().any(|byte| matches!(byte, b'=' | b'%' | b'~')) {
        return false;
    }
    text.iter().enumerate().any(|(at, byte)| {
        let rest = &text[at..];
        match byte {
            b'S' | b's' => starts_with_name(rest, SIGNATURE),
            b'P' | b'p' => starts_with_name(rest, POLICY),
            b'~' => rest.starts_with(SESSION),
            // A letter, a digit, `~` or `%` itself.
            b'%' => matches!(
                rest,
                [_, b'4'..=b'7', ..]
                    | [_, b'3', b'0'..=b'9', ..]
                    | [_, b'2', b'5', ..]
                    | [_, b'%', ..]
            ),
            _ => false,
        }
    })
}

fn starts_with_name(text: &[u8], name: &[u8]) -> bool {
    text.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// A text with all escapes undone, and where each of its bytes came from.
struct Decoded<'a> {
    text: &'a str,
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

/// Something that must not be logged; `value` counts decoded bytes.
struct Embedded {
    secret: Secret,
    value: Range<usize>,
    is_redacted: bool,
}

impl<'a> Decoded<'a> {
    /// One pass: what an escape gives may be a part of the next one, as in `%2553`.
    fn of(text: &'a str) -> Self {
        let mut bytes = Vec::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len());
        for (start, byte) in text.bytes().enumerate() {
            bytes.push(byte);
            starts.push(start);
            while let [.., b'%', high, low] = bytes[..]
                && let Some(escaped) = super::hex_pair(high, low)
            {
                bytes.truncate(bytes.len() - 3);
                starts.truncate(bytes.len() + 1);
                bytes.push(escaped);
            }
        }
        Decoded {
            text,
            bytes,
            starts,
        }
    }

    fn secrets(&self) -> Vec<Embedded> {
        let mut secrets = Vec::new();
        let mut next = 0;
        let is_mark = |byte: &u8| matches!(*byte, b'=' | b'~');
        while let Some(distance) = self.bytes[next..].iter().position(is_mark) {
            let mark = next + distance;
            next = mark + 1;
            let found = match self.bytes[mark] {
                b'~' => self.session_at(mark),
                _ => self.secret_at(mark),
            };
            if let Some(found) = found {
                next = found.value.end;
                secrets.push(found);
            }
        }
        secrets
    }

    /// The secret whose name ends where `equals` stands.
    fn secret_at(&self, equals: usize) -> Option<Embedded> {
        let (before, value) = (&self.bytes[..equals], &self.bytes[equals + 1..]);
        let (name, secret) = NAMES.into_iter().find(|(name, _)| {
            let start = equals.checked_sub(name.len());
            start.is_some_and(|start| before[start..].eq_ignore_ascii_case(name))
        })?;
        let (front, spelled) = before.split_at(equals - name.len());
        let stands_alone = spelled == name && !front.last().is_some_and(u8::is_ascii_alphanumeric);
        let from = equals + 1;
        let found = |length: usize, is_redacted| Embedded {
            secret,
            value: from..from + length,
            is_redacted,
        };
        if let Some(length) = label_length(value) {
            return Some(found(length, true));
        }
        let length = value_length(value);
        let is_secret = length >= SIGNATURE_CHARACTERS_MIN || (stands_alone && length > 0);
        is_secret.then(|| found(length, false))
    }

    /// The session token in front of which `tilde` stands.
    fn session_at(&self, tilde: usize) -> Option<Embedded> {
        let behind = &self.bytes[tilde..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let value = behind.starts_with(SESSION).then(|| &behind[1..])?;
        let length = value.iter().take_while(|byte| is_part(byte)).count();
        (length >= SIGNATURE_CHARACTERS_MIN).then_some(Embedded {
            secret: Secret::Session,
            value: tilde + 1..tilde + 1 + length,
            is_redacted: false,
        })
    }

    /// Where decoded bytes stand in the text.
    fn place(&self, decoded: &Range<usize>) -> Range<usize> {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.text.len());
        start(decoded.start)..start(decoded.end)
    }

    fn label(&self, found: &Embedded) -> String {
        let value = String::from_utf8_lossy(&self.bytes[found.value.clone()]);
        label(&value.replace(' ', "+"))
    }
}

/// How much of `value` is base64. A form decoder makes spaces of `+`, so a long value goes on behind them.
fn value_length(value: &[u8]) -> usize {
    let length = |with_spaces: bool| {
        let outside = |byte: &u8| !(is_base64(*byte) || (with_spaces && *byte == b' '));
        value.iter().position(outside).unwrap_or(value.len())
    };
    let (word, words) = (length(false), length(true));
    if words >= SIGNATURE_CHARACTERS_MIN {
        let last = value[..words].iter().rposition(|byte| *byte != b' ');
        last.map_or(word, |last| last + 1)
    } else {
        word
    }
}

/// Of both alphabets (fidelity note F1).
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-~_".contains(&byte)
}

/// The length of the label that `value` begins with.
fn label_length(value: &[u8]) -> Option<usize> {
    let ends = ["redacted".len(), "grant:".len() + 16];
    ends.into_iter().find(|&end| {
        let text = value.get(..end).and_then(|text| str::from_utf8(text).ok());
        text.is_some_and(is_label) && !value.get(end).copied().is_some_and(is_base64)
    })
}

#[cfg(test)]
mod tests;
