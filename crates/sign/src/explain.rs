//! Explains why a link opens or not: every check of the edge in words, and the text that was really signed.
//!
//! The checks are those of [`crate::Verifier::url`], made by the same walk. Hints go further: they try the mistakes
//! that signers and people make, and name the one that verifies.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use crate::credentials::Credentials;
use crate::explain::checks::{Findings, Listener};
use crate::explain::ledger::Ledger;
use crate::key_set::KeySet;
use crate::leniency::Leniency;
use crate::link_id::LinkId;
use crate::link_mark::LinkMark;
use crate::memory::NoMemory;
use crate::object::Object;
use crate::refusal::ErrorCode;
use crate::time::Timestamp;
use crate::verifier::{Verifier, Walk};
use crate::viewer::{Scheme, ViewerUrl};
use crate::wire::WireParts;

mod checks;
mod hints;
mod ledger;
mod search;
mod sections;
mod spelling;
mod whole;

/// Length in bytes of the longest text that is examined.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The value is as it should be.
    Passed,
    /// The value is reason enough to refuse.
    Failed,
    /// The outcome depends on something that was not given.
    Unknown,
    /// The check is pointless after an earlier failure.
    Skipped,
}

/// One check of the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the checked item, such as `Key-Pair-Id` or `path`.
    pub name: &'static str,
    /// Outcome of the check.
    pub outcome: Outcome,
    /// Value that would pass, in words.
    pub expected: String,
    /// Value that was found, in words.
    pub found: String,
}

/// The response that the edge would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is served.
    Opens,
    /// The request is refused with one of CloudFront's five bodies.
    Refused(ErrorCode),
    /// The response cannot be known; the text says what is missing.
    CannotTell(String),
}

/// The result of [`explain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Response that the edge would give, decided by the first failed check.
    pub verdict: Verdict,
    /// All checks, in the order of the edge.
    pub checks: Vec<Check>,
    /// Hints, one sentence each: a near variant that would have verified, or what to do.
    pub hints: Vec<String>,
    /// Decoded policy, or the canned text rebuilt from the URL.
    pub policy_text: Option<String>,
    /// Identity of the link. `None` unless a known key has confirmed the signature; a link that has ended has one.
    pub link_id: Option<LinkId>,
    /// Mark of the link in its policy, whether or not the signature verifies.
    pub link_mark: Option<LinkMark>,
    /// Id of the key that has confirmed the signature.
    pub key_pair_id: Option<String>,
    /// End of the link, whether or not the signature verifies.
    pub until: Option<Timestamp>,
}

/// A link, and the circumstances of its use.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Link as pasted; white space and quotes around it are ignored.
    pub url: &'a str,
    /// Value of the `Cookie` header.
    pub cookies: Option<&'a str>,
    /// Known public keys. Without any, signatures stay undecided.
    pub keys: &'a KeySet,
    /// Time of the request.
    pub now: Timestamp,
    /// Address of the viewer. With `None`, address conditions stay undecided ([`Verdict::CannotTell`]).
    pub client: Option<IpAddr>,
    /// Leniency of the edge.
    pub leniency: Leniency,
}

/// Explains, check by check, what the edge would do with a link, and what to do about it.
///
/// The input may be hostile: the work is bounded, whatever the text.
pub fn explain(question: &Question<'_>) -> Explanation {
    let pasted = unquote(question.url);
    match Sent::by_client(pasted) {
        Ok(sent) => explain_sent(question, pasted, &sent),
        Err(reason) => Explanation {
            verdict: Verdict::CannotTell(reason),
            checks: Vec::new(),
            hints: hints::about_text(pasted),
            policy_text: None,
            link_id: None,
            link_mark: None,
            key_pair_id: None,
            until: None,
        },
    }
}

fn explain_sent(question: &Question<'_>, pasted: &str, sent: &Sent) -> Explanation {
    let url = sent.viewer_url();
    let headers = question.cookies.map(str::as_bytes).into_iter();
    let credentials = Credentials::from_request(url.query, headers);
    let mut ledger = Ledger::default();
    if sent.text != pasted {
        ledger.note(
            "URL form",
            "the URL as clients send it",
            &format!("clients send {}", short(&sent.text)),
        );
    }
    let findings = listen(question, &Object::of_url(&url), &credentials, &mut ledger);
    let mut hints = hints::about_text(pasted);
    hints.extend(hints::about_credentials(question, &credentials));
    hints.extend(about_signature(
        question,
        pasted,
        &url,
        &credentials,
        &findings,
    ));
    hints.extend(findings.hints);
    let is_mangled = hints::is_mangled(pasted);
    hints.extend(hints::about_checks(&ledger.checks, is_mangled));
    hints.dedup();
    Explanation {
        verdict: ledger.verdict(),
        checks: ledger.checks,
        hints,
        policy_text: findings.policy_text,
        link_id: findings.link_id,
        link_mark: findings.link_mark,
        key_pair_id: findings.key_pair_id,
        until: findings.until,
    }
}

/// Makes all checks and records their outcomes.
fn listen(
    question: &Question<'_>,
    object: &Object<'_>,
    credentials: &Credentials<'_>,
    ledger: &mut Ledger,
) -> Findings {
    let verifier = Verifier {
        keys: question.keys,
        now: question.now,
        // Without an address, a condition on it is recorded as undecided.
        client: question.client.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
        leniency: &question.leniency,
        memory: &NoMemory,
    };
    let mut listener = Listener::new(question, object, credentials, ledger);
    let mut walk = Walk {
        verifier: &verifier,
        credentials,
        checks: &mut listener,
    };
    // The listener has already recorded what the walk returns.
    let _ = walk.run(object);
    listener.findings
}

/// Explains why the signature does not verify, by the text signed instead, or else by what its length shows.
fn about_signature(
    question: &Question<'_>,
    pasted: &str,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    findings: &Findings,
) -> Option<String> {
    if !findings.signature_mismatch || question.keys.is_empty() {
        return findings.misfit.clone();
    }
    search::known_mistake(question, pasted, url, credentials)
        .or_else(|| findings.misfit.clone())
        .or_else(|| search::unknown_mistake(credentials))
}

/// The URL that a client sends for a pasted text.
struct Sent {
    /// URL without its fragment.
    text: String,
}

impl Sent {
    fn by_client(pasted: &str) -> Result<Self, String> {
        if pasted.len() > INPUT_BYTES_MAX {
            return Err("the text is too long for a URL".to_owned());
        }
        let lower = pasted.get(..8).unwrap_or(pasted).to_ascii_lowercase();
        if lower.starts_with("rtmp") {
            return Err(
                "this is an RTMP link, and only web links are explained: the reason for refusing a stream is in the \
                 edge's JSON access log, as x-privet-refusal"
                    .to_owned(),
            );
        }
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err("this is not an http or https URL: give the whole link".to_owned());
        }
        let mut url = url::Url::parse(pasted)
            .map_err(|error| format!("this is not a URL that a client would open: {error}"))?;
        url.set_fragment(None);
        // Clients never send user and password. Both calls fail only for URLs without a host.
        let _ = (url.set_username(""), url.set_password(None));
        Ok(Sent { text: url.into() })
    }

    fn viewer_url(&self) -> ViewerUrl<'_> {
        let WireParts {
            scheme,
            host,
            path,
            query,
        } = WireParts::cut(&self.text);
        let scheme = if scheme == "http" {
            Scheme::Http
        } else {
            Scheme::Https
        };
        ViewerUrl {
            scheme,
            host,
            path,
            query,
        }
    }
}

/// Strips white space and one pair of quotes or brackets around a text.
fn unquote(text: &str) -> &str {
    let text = text.trim();
    let pairs = [('"', '"'), ('\'', '\''), ('<', '>'), ('`', '`'), ('“', '”')];
    let inner = pairs
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.unwrap_or(text).trim()
}

/// Shortens a text that may be long.
fn short(text: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 300;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Formats a time for people and for scripts: `2026-01-01T18:00:00Z (1767290400)`.
fn moment(time: Timestamp) -> String {
    format!("{} ({})", time.to_utc(), time.as_secs())
}

#[cfg(test)]
mod tests;
