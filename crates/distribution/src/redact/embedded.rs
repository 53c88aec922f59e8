//! Finds credentials inside other text: a link percent-encoded into a path or a parameter, quoted in a header, or the bare
//! signature of one.
//!
//! Escapes are undone as often as they were made, so that nobody who decodes a log finds a signature there.

use super::decoded::Decoded;
use super::numbers::{may_have_numbers, number_lists};
use super::pieces::{may_have_pieces, pieces};
use super::runs::{is_base64, is_session, may_be_credential, may_be_rest, may_have_run, runs};
use super::{Secret, is_label, label};
use std::borrow::Cow;
use std::ops::Range;

/// In base64; a P-256 signature has about 96 characters.
const SIGNATURE_CHARACTERS_MIN: usize = 64;
/// What stands in front of a session token in a path, with the token's own beginning.
const SESSION: &[u8] = b"/~S1";
/// What stands there afterwards.
const REDACTED_SESSION: &[u8] = b"/~REDACTED";

/// `text` with the values of all that is named `Policy` or `Signature` replaced as [`super::redact_query`] does, at
/// any depth of escaping. `policy_label` stands for policies; `None` is the label of the first signature.
///
/// Session tokens in paths become `REDACTED`. Any other run of characters that may be a credential is replaced as a whole:
/// by the label of the signature that it is, or by `redacted`.
///
/// Without letter or digit in front the names count as spelled. In any other case, and behind anything, they
/// count when the value is as long as a signature.
pub(super) fn redact_text<'a>(text: &'a str, policy_label: Option<&str>) -> Cow<'a, str> {
    if !may_carry_credentials(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut redacted = Cow::Borrowed(text);
    // A label may join what stood on both sides of a list, or be in the way no longer.
    for _ in 0..PASSES_MAX {
        match redact_once(&redacted, policy_label) {
            Cow::Borrowed(_) => break,
            Cow::Owned(more) => redacted = Cow::Owned(more),
        }
    }
    redacted
}

/// Each pass but the last makes the text simpler; two are almost always enough.
const PASSES_MAX: usize = 8;

fn redact_once<'a>(text: &'a str, policy_label: Option<&str>) -> Cow<'a, str> {
    let decoded = Decoded::of(text);
    let redacted = redact_decoded(&decoded, policy_label);
    if !decoded.has_open_entities {
        return redacted;
    }
    // A credential may hide in either reading.
    let again = Decoded::by_levels(&redacted);
    match redact_decoded(&again, policy_label) {
        Cow::Borrowed(_) => redacted,
        Cow::Owned(again) => Cow::Owned(again),
    }
}

fn redact_decoded<'a>(decoded: &Decoded<'a>, policy_label: Option<&str>) -> Cow<'a, str> {
    let text = decoded.text;
    let secrets = secrets(&decoded.bytes);
    if secrets.iter().all(|found| found.is_redacted) {
        return Cow::Borrowed(text);
    }
    let labels = secrets.iter().filter_map(|found| match found.secret {
        Secret::Signature => Some(value_label(decoded, found)),
        Secret::Run => signature_of_run(&decoded.bytes[found.value.clone()]),
        Secret::Policy | Secret::Session => None,
    });
    let policy_label = policy_label.map(str::to_owned);
    let policy_label = policy_label.or_else(|| { labels }.next());
    let policy_label = policy_label.unwrap_or_else(|| "redacted".to_owned());
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for found in secrets.iter().filter(|found| !found.is_redacted) {
        let value = decoded.place(&found.value);
        out.push_str(&text[copied..value.start]);
        match found.secret {
            Secret::Signature => out.push_str(&value_label(decoded, found)),
            Secret::Policy => out.push_str(&policy_label),
            Secret::Session => out.push_str("REDACTED"),
            Secret::Run => {
                let label = signature_of_run(&decoded.bytes[found.value.clone()]);
                out.push_str(label.as_deref().unwrap_or("redacted"));
            }
        }
        copied = value.end;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

const POLICY: &[u8] = b"Policy";
const SIGNATURE: &[u8] = b"Signature";
const NAMES: [(&[u8], Secret); 2] = [(POLICY, Secret::Policy), (SIGNATURE, Secret::Signature)];

/// False for almost all that is logged, and quickly: there is neither a long run, nor a name, nor an escape that could hide
/// a part of one.
fn may_carry_credentials(text: &[u8]) -> bool {
    may_have_run(text) || may_have_names(text) || may_have_pieces(text) || may_have_numbers(text)
}

fn may_have_names(text: &[u8]) -> bool {
    if !text.iter().any(|byte| matches!(byte, b'=' | b'%')) {
        return false;
    }
    text.iter().enumerate().any(|(at, byte)| {
        let rest = &text[at..];
        match byte {
            b'S' | b's' => starts_with_name(rest, SIGNATURE),
            b'P' | b'p' => starts_with_name(rest, POLICY),
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

/// Something that must not be logged; `value` counts decoded bytes.
struct Embedded {
    secret: Secret,
    value: Range<usize>,
    is_redacted: bool,
}

impl Embedded {
    fn run(value: Range<usize>) -> Self {
        Embedded {
            secret: Secret::Run,
            value,
            is_redacted: false,
        }
    }

    /// Whether more of it may stand around, cut off by other characters.
    fn may_be_cut(&self) -> bool {
        match self.secret {
            Secret::Policy | Secret::Signature | Secret::Run => {
                !self.is_redacted && self.value.len() >= SIGNATURE_CHARACTERS_MIN
            }
            Secret::Session => false,
        }
    }
}

/// All that must not be logged, in its order.
fn secrets(bytes: &[u8]) -> Vec<Embedded> {
    let mut secrets = secrets_of_runs(bytes);
    let known: Vec<_> = { secrets.iter() }
        .map(|found| (found.value.clone(), found.may_be_cut()))
        .collect();
    secrets.extend({ pieces(bytes, &known, name_length).into_iter() }.map(Embedded::run));
    secrets.extend(number_lists(bytes).into_iter().map(Embedded::run));
    secrets.sort_by_key(|found| found.value.start);
    without_overlaps(secrets)
}

/// A list of numbers may be the value of a name, or have something in it that was found for itself.
fn without_overlaps(secrets: Vec<Embedded>) -> Vec<Embedded> {
    let mut apart: Vec<Embedded> = Vec::with_capacity(secrets.len());
    for found in secrets {
        match apart.last_mut() {
            Some(last) if found.value.start < last.value.end => {
                last.value.end = last.value.end.max(found.value.end);
                last.is_redacted &= found.is_redacted;
            }
            _ => apart.push(found),
        }
    }
    apart
}

/// What is found in one run.
fn secrets_of_runs(bytes: &[u8]) -> Vec<Embedded> {
    let mut secrets = Vec::new();
    for run in runs(bytes) {
        let mut next = run.start;
        // What is between the values that have a name is looked at for itself: the rest of a path stays readable.
        for named in named_values(bytes, &run) {
            secrets.extend(nameless(bytes, next..named.value.start, may_be_rest));
            next = named.value.end;
            secrets.push(named);
        }
        let is_whole = next == run.start;
        let may_be = if is_whole {
            may_be_credential
        } else {
            may_be_rest
        };
        secrets.extend(nameless(bytes, next..run.end, may_be));
    }
    secrets
}

fn nameless(bytes: &[u8], range: Range<usize>, may_be: fn(&[u8]) -> bool) -> Option<Embedded> {
    let inner = runs(&bytes[range.clone()]).next()?;
    let run = range.start + inner.start..range.start + inner.end;
    let name = name_length(&bytes[run.clone()]);
    let value = run.start + name..run.end;
    may_be(&bytes[value.clone()]).then(|| Embedded::run(value))
}

/// How much of a run is the name of any other parameter, with its `=`. In base64 that stands at the end only.
fn name_length(run: &[u8]) -> usize {
    let start = &run[..run.len().min(NAME_CHARACTERS_MAX + 1)];
    let equals = start.iter().rposition(|byte| *byte == b'=');
    equals.map_or(0, |equals| equals + 1)
}

/// Few enough that nothing is lost when they were the beginning of a signature.
const NAME_CHARACTERS_MAX: usize = 32;

/// The values of names, and the session tokens of paths; nothing of a run that has no mark.
fn named_values(bytes: &[u8], run: &Range<usize>) -> Vec<Embedded> {
    let mut found = Vec::new();
    let mut next = run.start;
    let is_mark = |byte: &u8| matches!(*byte, b'=' | b'~');
    while let Some(distance) = bytes[next..run.end].iter().position(is_mark) {
        let mark = next + distance;
        next = mark + 1;
        let value = match bytes[mark] {
            b'~' => session_at(&bytes[..run.end], mark),
            _ => secret_at(bytes, mark, run.end),
        };
        if let Some(value) = value {
            next = value.value.end;
            found.push(value);
        }
    }
    found
}

/// The secret whose name ends where `equals` stands, in a run that goes to `run_end`.
fn secret_at(bytes: &[u8], equals: usize, run_end: usize) -> Option<Embedded> {
    let (before, value) = (&bytes[..equals], &bytes[equals + 1..run_end]);
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
    if let Some(length) = label_length(&bytes[from..]) {
        // The run ends within a label that has a colon.
        return Some(found(length.min(value.len()), true));
    }
    let length = value_length(value);
    let is_secret = length >= SIGNATURE_CHARACTERS_MIN || (stands_alone && length > 0);
    is_secret.then(|| found(length, false))
}

/// The session token in a path in front of which `tilde` stands. Elsewhere a token is a run like any other: in a signature,
/// too, `~S1` may occur.
fn session_at(bytes: &[u8], tilde: usize) -> Option<Embedded> {
    let behind = &bytes[tilde.checked_sub(1)?..];
    let length = |value: &[u8]| value.iter().take_while(|byte| is_session(**byte)).count();
    let length = length(&behind[2..]);
    let value = tilde + 1..tilde + 1 + length;
    let is_whole = matches!(bytes.get(value.end), None | Some(b'/'));
    let is_redacted = behind.starts_with(REDACTED_SESSION) && length == "REDACTED".len();
    let is_token = behind.starts_with(SESSION) && length >= SIGNATURE_CHARACTERS_MIN;
    (is_whole && (is_token || is_redacted)).then_some(Embedded {
        secret: Secret::Session,
        value,
        is_redacted,
    })
}

fn value_label(decoded: &Decoded<'_>, found: &Embedded) -> String {
    let value = &decoded.bytes[found.value.clone()];
    signature_of_run(value).unwrap_or_else(|| label(&String::from_utf8_lossy(value)))
}

/// The label of the signature that a run is, spaces taken for `+` or for nothing, or that it begins with.
fn signature_of_run(run: &[u8]) -> Option<String> {
    let with_plus = run
        .iter()
        .map(|byte| if *byte == b' ' { b'+' } else { *byte });
    let broken = run.iter().copied().filter(|byte| is_base64(*byte));
    let word = run.split(|byte| !is_base64(*byte)).next()?;
    let readings = [with_plus.collect(), broken.collect(), word.to_vec()];
    readings.into_iter().find_map(|reading: Vec<u8>| {
        // Of a P-256 key, and of an RSA key of 2,048 bits, padded or not.
        let is_signature = matches!(reading.len(), 88..=96 | 342..=344);
        let text = String::from_utf8(reading).ok().filter(|_| is_signature)?;
        Some(label(&text)).filter(|label| label != "redacted")
    })
}

/// How much of `value` is the value: a word of base64, or all that may be a signature that was broken into several.
fn value_length(value: &[u8]) -> usize {
    match may_be_credential(value) {
        true => value.len(),
        false => {
            let outside = |byte: &u8| !is_base64(*byte);
            value.iter().position(outside).unwrap_or(value.len())
        }
    }
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
