//! Finds the values of names that carry a grant, and path tokens in paths, within one run.

use super::budget::{Budget, OverBudget};
use super::profile::Profile;
use super::runs::{is_base64, is_path_token};
use super::{Secret, is_label};
use std::ops::Range;

/// Minimum length of a signature in base64; one of a P-256 key has about 96 characters.
pub(super) const SIGNATURE_CHARACTERS_MIN: usize = 64;
/// Bytes before a path token in a path, with the beginning of the token itself.
const PATH_TOKEN: &[u8] = b"/~S1";
/// Bytes at the same position once the token is redacted.
const REDACTED_PATH_TOKEN: &[u8] = b"/~REDACTED";

const POLICY: &[u8] = b"Policy";
const SIGNATURE: &[u8] = b"Signature";
const NAMES: [(&[u8], Secret); 2] = [(POLICY, Secret::Policy), (SIGNATURE, Secret::Signature)];

/// A secret that must not be logged, at positions in decoded bytes.
#[derive(Clone)]
pub(super) struct Embedded {
    pub(super) secret: Secret,
    /// Range of the value including its name, if it has one.
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) is_redacted: bool,
}

impl Embedded {
    /// Makes a secret of a value without a name.
    pub(super) fn run(value: Range<usize>) -> Self {
        Embedded {
            secret: Secret::Run,
            whole: value.clone(),
            value,
            is_redacted: false,
        }
    }
}

pub(super) fn may_have_names(text: &[u8]) -> bool {
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

/// Returns those named values and path tokens that satisfy `is_meant`; none for a run without `=` and `~`.
pub(super) fn named_values(
    profile: &Profile<'_>,
    run: &Range<usize>,
    is_meant: fn(&[u8], &Embedded) -> bool,
    budget: &mut Budget,
) -> Result<Vec<Embedded>, OverBudget> {
    budget.spend(run.len())?;
    let bytes = profile.bytes;
    let mut named = Named {
        profile,
        run: run.clone(),
        last_credential: None,
    };
    let mut found = Vec::new();
    let mut next = run.start;
    let is_mark = |byte: &u8| matches!(*byte, b'=' | b'~');
    while let Some(distance) = bytes[next..run.end].iter().position(is_mark) {
        let mark = next + distance;
        next = mark + 1;
        let value = match bytes[mark] {
            b'~' => path_token_at(&bytes[..run.end], mark),
            _ => named.secret_at(mark, budget)?,
        };
        if let Some(value) = value.filter(|value| is_meant(bytes, value)) {
            // A label has a colon, which ends the run within the label.
            next = value.value.end.min(run.end);
            found.push(value);
        }
    }
    Ok(found)
}

struct Named<'a> {
    profile: &'a Profile<'a>,
    run: Range<usize>,
    /// Possible start of the last credential in the run, found once for all names.
    last_credential: Option<Option<usize>>,
}

impl Named<'_> {
    /// Returns the secret whose name ends at `equals`.
    ///
    /// A name counts in its exact spelling unless a letter or digit precedes it. In any other spelling, or after any
    /// text, it counts if its value is as long as a signature.
    fn secret_at(
        &mut self,
        equals: usize,
        budget: &mut Budget,
    ) -> Result<Option<Embedded>, OverBudget> {
        let bytes = self.profile.bytes;
        let before = &bytes[..equals];
        let named = NAMES.into_iter().find_map(|(name, secret)| {
            let start = equals.checked_sub(name.len())?;
            let is_name = before[start..].eq_ignore_ascii_case(name);
            is_name.then_some((start, name, secret))
        });
        let Some((start, name, secret)) = named else {
            return Ok(None);
        };
        let (front, spelled) = before.split_at(start);
        let stands_alone = spelled == name && !front.last().is_some_and(u8::is_ascii_alphanumeric);
        let from = equals + 1;
        let found = |length: usize, is_redacted| Embedded {
            secret,
            whole: start..from + length,
            value: from..from + length,
            is_redacted,
        };
        if let Some(length) = label_length(&bytes[from..]) {
            return Ok(Some(found(length, true)));
        }
        let length = self.value_length(from, budget)?;
        let is_secret = length >= SIGNATURE_CHARACTERS_MIN || (stands_alone && length > 0);
        Ok(is_secret.then(|| found(length, false)))
    }

    /// Returns the length of the value at `from`: one word of base64, or the rest of the run if it may be a signature
    /// broken into several words.
    fn value_length(&mut self, from: usize, budget: &mut Budget) -> Result<usize, OverBudget> {
        let last_credential = match self.last_credential {
            Some(known) => known,
            None => self.profile.last_credential(&self.run, budget)?,
        };
        self.last_credential = Some(last_credential);
        let value = &self.profile.bytes[from..self.run.end];
        if last_credential.is_some_and(|start| start >= from) {
            return Ok(value.len());
        }
        let outside = |byte: &u8| !is_base64(*byte);
        let length = value.iter().position(outside).unwrap_or(value.len());
        budget.spend(length)?;
        Ok(length)
    }
}

/// Returns the path token after `tilde` in a path. Elsewhere a token is a run like any other, since `~S1` may occur in
/// a signature.
fn path_token_at(bytes: &[u8], tilde: usize) -> Option<Embedded> {
    let behind = &bytes[tilde.checked_sub(1)?..];
    let length = |value: &[u8]| {
        value
            .iter()
            .take_while(|byte| is_path_token(**byte))
            .count()
    };
    let length = length(&behind[2..]);
    let value = tilde + 1..tilde + 1 + length;
    let is_whole = matches!(bytes.get(value.end), None | Some(b'/'));
    let is_redacted = behind.starts_with(REDACTED_PATH_TOKEN) && length == "REDACTED".len();
    let is_token = behind.starts_with(PATH_TOKEN) && length >= SIGNATURE_CHARACTERS_MIN;
    (is_whole && (is_token || is_redacted)).then_some(Embedded {
        secret: Secret::PathToken,
        whole: tilde - 1..value.end,
        value,
        is_redacted,
    })
}

/// Returns the length of the label at the beginning of `value`.
fn label_length(value: &[u8]) -> Option<usize> {
    let ends = ["redacted".len(), "grant:".len() + 16];
    ends.into_iter().find(|&end| {
        let text = value.get(..end).and_then(|text| str::from_utf8(text).ok());
        text.is_some_and(is_label) && !value.get(end).copied().is_some_and(is_base64)
    })
}
