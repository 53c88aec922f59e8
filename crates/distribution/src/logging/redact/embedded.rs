//! Finds credentials inside other text: a link percent-encoded into a path or a parameter or quoted in a header, or a
//! bare signature.
//!
//! All levels of escaping are undone, so that decoding a log reveals no signature.

use super::budget::{Budget, OverBudget};
use super::decoded::Decoded;
use super::hexadecimal::hexadecimal_pieces;
use super::named::{Embedded, may_have_names, named_values};
use super::numbers::{may_have_numbers, number_lists};
use super::pieces::{Known, may_have_pieces, name_length, pieces};
use super::profile::{Profile, is_name};
use super::runs::{count, is_base64, may_have_run, runs};
use super::{Secret, is_whole_signature, label};
use std::borrow::Cow;
use std::ops::Range;

/// The kinds of credentials to look for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Anything that may be a credential, for text that people read.
    Anything,
    /// Only parameters of URLs and path tokens in paths, for text that programs read.
    Urls,
}

/// Facts about a text that are known before it is read.
#[derive(Clone, Copy, Default)]
pub(super) struct Hints<'a> {
    /// Label of policies; `None` means that of the first signature.
    pub(super) policy_label: Option<&'a str>,
    /// Positions of labels, each with the number of characters it replaced that may be part of a signature.
    pub(super) cuts: &'a [(usize, usize)],
}

/// Replaces the values of everything named `Policy` or `Signature` as [`super::redact_query`] does, at any depth of
/// escaping.
///
/// Path tokens in paths become `REDACTED`. Any other run of characters that may be a credential is replaced as a whole,
/// by the label of its signature or by `redacted`.
///
/// # Errors
/// Returns [`OverBudget`] if examining the text takes too much work. None of it may be logged then.
pub(super) fn redact_text<'a>(
    text: &'a str,
    scope: Scope,
    hints: Hints<'_>,
) -> Result<Cow<'a, str>, OverBudget> {
    let mut reader = Reader {
        scope,
        hints,
        budget: Budget::of(text),
    };
    reader.redact(text)
}

/// Steps to sort, label and write one secret.
const STEPS_PER_SECRET: usize = 32;

/// Returns false for almost all text that is logged, and quickly: it has neither a long run, nor a name, nor an escape
/// that could hide part of one.
pub(super) fn may_carry_credentials(text: &[u8]) -> bool {
    may_have_run(text) || may_have_names(text) || may_have_pieces(text) || may_have_numbers(text)
}

struct Reader<'a> {
    scope: Scope,
    hints: Hints<'a>,
    budget: Budget,
}

impl Reader<'_> {
    fn redact<'a>(&mut self, text: &'a str) -> Result<Cow<'a, str>, OverBudget> {
        if !may_carry_credentials(text.as_bytes()) {
            return Ok(Cow::Borrowed(text));
        }
        let mut redacted = Cow::Borrowed(text);
        // A label may join the two sides of a list, or no longer separate them. Each pass but the last makes the text
        // simpler; two almost always suffice, and the budget bounds the rest.
        while let Some(more) = self.redact_once(&redacted)? {
            redacted = Cow::Owned(more);
            // Cuts are positions in the original text.
            self.hints.cuts = &[];
        }
        match self.scope {
            Scope::Anything => Reader {
                budget: Budget::of(&redacted),
                ..*self
            }
            .unless_blanks_hide_more(&redacted)?,
            Scope::Urls => {}
        }
        Ok(redacted)
    }

    /// Fails if removing blanks between rounds of decoding, as a reader of the log may do, would reveal a credential.
    fn unless_blanks_hide_more(&mut self, text: &str) -> Result<(), OverBudget> {
        if !has_escapes(text.as_bytes()) {
            return Ok(());
        }
        let mut bytes = Decoded::of(text, &mut self.budget)?.bytes;
        loop {
            let squeezed = without_blanks(&bytes);
            if squeezed.len() == bytes.len() || !has_escapes(&squeezed) {
                return Ok(());
            }
            let squeezed = String::from_utf8_lossy(&squeezed).into_owned();
            let decoded = Decoded::of(&squeezed, &mut self.budget)?;
            if decoded.bytes == squeezed.as_bytes() {
                return Ok(());
            }
            if self
                .secrets(&decoded)?
                .iter()
                .any(|found| !found.is_redacted)
            {
                return Err(OverBudget);
            }
            bytes = decoded.bytes;
        }
    }

    /// Returns the redacted text, or `None` if there is nothing to redact.
    fn redact_once(&mut self, text: &str) -> Result<Option<String>, OverBudget> {
        let decoded = Decoded::of(text, &mut self.budget)?;
        let redacted = self.redact_decoded(&decoded)?;
        if !decoded.has_open_entities {
            return Ok(redacted);
        }
        // A credential may hide in either reading.
        let again = redacted.as_deref().unwrap_or(text);
        let again = Decoded::by_levels(again, &mut self.budget)?;
        Ok(self.redact_decoded(&again)?.or(redacted))
    }

    fn redact_decoded(&mut self, decoded: &Decoded<'_>) -> Result<Option<String>, OverBudget> {
        let secrets = self.secrets(decoded)?;
        if secrets.iter().all(|found| found.is_redacted) {
            return Ok(None);
        }
        let labels: Vec<_> = { secrets.iter() }
            .map(|found| value_label(decoded, found))
            .collect();
        Ok(Some(self.written(decoded, &secrets, &labels)))
    }

    fn written(
        &self,
        decoded: &Decoded<'_>,
        secrets: &[Embedded],
        labels: &[Cow<'_, str>],
    ) -> String {
        let first = secrets.iter().zip(labels).find(|(found, label)| {
            found.secret == Secret::Signature
                || (found.secret == Secret::Run && *label != "redacted")
        });
        let first = first.map_or("redacted", |(_, label)| label);
        let policy_label = self.hints.policy_label.unwrap_or(first);
        let text = decoded.text;
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (found, label) in secrets.iter().zip(labels) {
            if found.is_redacted {
                continue;
            }
            let value = decoded.place(&found.value);
            out.push_str(&text[copied..value.start]);
            out.push_str(match found.secret {
                Secret::Signature | Secret::Run => label,
                Secret::Policy => policy_label,
                Secret::PathToken => "REDACTED",
            });
            copied = value.end;
        }
        out.push_str(&text[copied..]);
        out
    }

    /// Returns everything that must not be logged, in order.
    fn secrets(&mut self, decoded: &Decoded<'_>) -> Result<Vec<Embedded>, OverBudget> {
        let bytes = &decoded.bytes;
        self.budget.spend(bytes.len() + 1)?;
        let profile = Profile::of(bytes, &mut self.budget)?;
        let mut secrets = match self.scope {
            Scope::Anything => secrets_of_runs(&profile, &mut self.budget)?,
            Scope::Urls => return secrets_of_urls(&profile, &mut self.budget),
        };
        self.budget.spend(STEPS_PER_SECRET * secrets.len())?;
        let known: Vec<_> = { secrets.iter() }
            .map(|found| Known {
                range: found.whole.clone(),
                cut: self.cut(decoded, found),
            })
            .collect();
        let mut nameless = pieces(&profile, &known, &mut self.budget)?;
        if may_have_numbers(bytes) {
            nameless.extend(number_lists(bytes, &mut self.budget)?);
            nameless.extend(hexadecimal_pieces(bytes, &mut self.budget)?);
        }
        secrets.extend(nameless.into_iter().map(Embedded::run));
        secrets.sort_by_key(|found| found.value.start);
        Ok(without_overlaps(secrets))
    }

    /// Returns the number of characters of the secret if more of it may be nearby.
    fn cut(&self, decoded: &Decoded<'_>, found: &Embedded) -> Option<usize> {
        let value = &decoded.bytes[found.value.clone()];
        if found.is_redacted {
            let at = decoded.place(&found.value).start;
            let cut = { self.hints.cuts }.binary_search_by_key(&at, |(label, _)| *label);
            return cut.ok().map(|cut| self.hints.cuts[cut].1);
        }
        match found.secret {
            Secret::PathToken => None,
            Secret::Policy | Secret::Signature | Secret::Run => cut_length(value),
        }
    }
}

fn has_escapes(text: &[u8]) -> bool {
    text.iter().any(|byte| b"%&\\".contains(byte))
}

fn without_blanks(bytes: &[u8]) -> Vec<u8> {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || !byte.is_ascii();
    bytes
        .iter()
        .copied()
        .filter(|byte| !is_blank(byte))
        .collect()
}

/// Returns the number of base64 characters if more of the signature may be nearby. Nothing is missing from a whole
/// signature, nor from a policy, which is JSON.
pub(super) fn cut_length(value: &[u8]) -> Option<usize> {
    let is_policy = value.starts_with(b"ey") || value.starts_with(b"ew");
    (!is_policy && !is_whole_signature(value)).then(|| count(value))
}

/// Merges secrets that overlap: a list of numbers may be the value of a name, or contain something found separately.
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

/// Returns path tokens, and the parameters of URLs that carry a grant, in their exact spelling.
fn secrets_of_urls(
    profile: &Profile<'_>,
    budget: &mut Budget,
) -> Result<Vec<Embedded>, OverBudget> {
    let mut secrets = Vec::new();
    for run in runs(profile.bytes) {
        secrets.extend(named_values(profile, &run, is_of_url, budget)?);
    }
    Ok(secrets)
}

fn is_of_url(bytes: &[u8], found: &Embedded) -> bool {
    let before = found.whole.start.checked_sub(1).map(|at| bytes[at]);
    let name = &bytes[found.whole.start..found.value.start];
    match found.secret {
        Secret::PathToken => true,
        Secret::Policy | Secret::Signature | Secret::Run => {
            matches!(before, Some(b'?' | b'&')) && matches!(name, b"Policy=" | b"Signature=")
        }
    }
}

/// Returns the secrets in the runs of a text.
fn secrets_of_runs(
    profile: &Profile<'_>,
    budget: &mut Budget,
) -> Result<Vec<Embedded>, OverBudget> {
    let bytes = profile.bytes;
    let mut secrets = Vec::new();
    let mut next = 0;
    for run in runs(bytes) {
        // A label may extend beyond the run in which it begins.
        let run = run.start.max(next).min(run.end)..run.end;
        next = run.start;
        // The text between named values is examined separately, so that the rest of a path stays readable.
        let named = named_values(profile, &run, |_, _| true, budget)?;
        let may_be = match named.is_empty() {
            true => Profile::may_be_credential,
            false => Profile::may_be_rest,
        };
        for named in named {
            secrets.extend(nameless(profile, next..named.value.start, may_be, budget)?);
            next = named.value.end;
            secrets.push(named);
        }
        secrets.extend(nameless(profile, next..run.end, may_be, budget)?);
    }
    Ok(secrets)
}

type MayBe<'a> = fn(&Profile<'a>, &Range<usize>, &mut Budget) -> Result<bool, OverBudget>;

/// Returns the credential in part of a run, without a name before it unless the name may be its beginning.
fn nameless<'a>(
    profile: &Profile<'a>,
    range: Range<usize>,
    may_be: MayBe<'a>,
    budget: &mut Budget,
) -> Result<Option<Embedded>, OverBudget> {
    let bytes = profile.bytes;
    let Some(inner) = bytes.get(range.clone()).and_then(|part| runs(part).next()) else {
        return Ok(None);
    };
    let run = range.start + inner.start..range.start + inner.end;
    let value = run.start + name_length(&bytes[run.clone()])..run.end;
    let name = &bytes[run.start..value.start];
    let value = if may_be(profile, &value, budget)? {
        value
    } else if !is_name(name) && may_be(profile, &run, budget)? {
        run.clone()
    } else {
        return Ok(None);
    };
    let whole = run.start..value.end;
    Ok(Some(Embedded {
        whole,
        ..Embedded::run(value)
    }))
}

/// Returns the label of a value; empty if the value has no signature.
fn value_label<'a>(decoded: &'a Decoded<'_>, found: &Embedded) -> Cow<'a, str> {
    let value = &decoded.bytes[found.value.clone()];
    match found.secret {
        Secret::Policy | Secret::PathToken => Cow::Borrowed(""),
        Secret::Signature if found.is_redacted => String::from_utf8_lossy(value),
        Secret::Signature | Secret::Run => {
            signature_of_run(value).map_or(Cow::Borrowed("redacted"), Cow::Owned)
        }
    }
}

/// Returns the label of the signature that a run is, with spaces read as `+` or as nothing, or that it begins with.
fn signature_of_run(run: &[u8]) -> Option<String> {
    let with_plus = run
        .iter()
        .map(|byte| if *byte == b' ' { b'+' } else { *byte });
    let broken = run.iter().copied().filter(|byte| is_base64(*byte));
    let word = run.split(|byte| !is_base64(*byte)).next()?;
    signature_label(with_plus.collect())
        .or_else(|| signature_label(broken.collect()))
        .or_else(|| signature_label(word.to_vec()))
}

fn signature_label(reading: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(reading).ok()?;
    Some(label(&text)).filter(|label| label != "redacted")
}

/// The steps spent on a text.
#[cfg(test)]
pub(super) struct Spent {
    pub(super) steps: usize,
    pub(super) steps_max: usize,
    pub(super) is_over: bool,
}

#[cfg(test)]
pub(super) fn steps(text: &str, scope: Scope, hints: Hints<'_>) -> Spent {
    let mut reader = Reader {
        scope,
        hints,
        budget: Budget::of(text),
    };
    let steps_max = reader.budget.steps_left();
    let is_over = reader.redact(text).is_err();
    Spent {
        steps: steps_max - reader.budget.steps_left(),
        steps_max,
        is_over,
    }
}

#[cfg(test)]
mod tests;
