//! Why a link opens or not: every check of the edge in words, and what the signature was really made over.
//!
//! The checks are those of [`crate::Verifier::url`], by the same walk. Hints go further: they try the mistakes that signers
//! and people make, and name the one that verifies.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use crate::credentials::Credentials;
use crate::explain::checks::{Findings, Listener};
use crate::explain::ledger::Ledger;
use crate::key_set::KeySet;
use crate::leniency::Leniency;
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

/// Longest text that is looked at.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Reason enough to refuse.
    Failed,
    /// Depends on something that was not given.
    Unknown,
    /// Makes no sense after an earlier failure.
    Skipped,
}

/// One check of the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of what is checked, such as `Key-Pair-Id` or `path`.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// Value that would pass, in words.
    pub expected: String,
    /// Value that there is, in words.
    pub found: String,
}

/// The answer that the edge would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is served.
    Opens,
    /// One of the five bodies.
    Refused(ErrorCode),
    /// The text says what is missing for an answer.
    CannotTell(String),
}

/// `checks` in the order of the edge; `hints` name near variants that would have verified and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The answer: that of the first failed check.
    pub verdict: Verdict,
    /// All checks, in the order of the edge.
    pub checks: Vec<Check>,
    /// Advice, one sentence each.
    pub hints: Vec<String>,
    /// The decoded policy, or the canned text rebuilt from the URL.
    pub policy_text: Option<String>,
}

/// The link, and the circumstances in which it is used. `client: None` leaves address conditions undecided (`CannotTell`).
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The link as pasted; white space and quotes around it are ignored.
    pub url: &'a str,
    /// A `Cookie` header value.
    pub cookies: Option<&'a str>,
    /// Known public keys. When empty, signatures stay undecided.
    pub keys: &'a KeySet,
    /// The moment of the request.
    pub now: Timestamp,
    /// The viewer's address.
    pub client: Option<IpAddr>,
    /// The edge's switches.
    pub leniency: Leniency,
}

/// Says check by check what the edge would do with a link, and what to do about it.
///
/// Takes hostile input: the work is bounded, whatever the text.
pub fn explain(question: &Question<'_>) -> Explanation {
    let pasted = unquote(question.url);
    match Sent::by_client(pasted) {
        Ok(sent) => explain_sent(question, pasted, &sent),
        Err(reason) => Explanation {
            verdict: Verdict::CannotTell(reason),
            checks: Vec::new(),
            hints: hints::about_text(pasted),
            policy_text: None,
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
    }
}

/// Makes all checks, and writes down how they went.
fn listen(
    question: &Question<'_>,
    object: &Object<'_>,
    credentials: &Credentials<'_>,
    ledger: &mut Ledger,
) -> Findings {
    let verifier = Verifier {
        keys: question.keys,
        now: question.now,
        // Without an address a condition about it is written down as undecided.
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
    // The listener has heard all that it ends with.
    let _ = walk.run(object);
    listener.findings
}

/// Why the signature does not verify: what was signed in place of it, or else what its length tells.
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
    /// Without fragment.
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
                "this is an RTMP link, and only web links are explained: what refused a stream is in the edge's live log, as \
                 x-privet-refusal"
                    .to_owned(),
            );
        }
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err("this is not an http or https URL: give the whole link".to_owned());
        }
        let mut url = url::Url::parse(pasted)
            .map_err(|error| format!("this is not a URL that a client would open: {error}"))?;
        url.set_fragment(None);
        // Never sent; both fail only for URLs without a host.
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

/// The text without white space and one pair of quotes or brackets around it.
fn unquote(text: &str) -> &str {
    let text = text.trim();
    let pairs = [('"', '"'), ('\'', '\''), ('<', '>'), ('`', '`'), ('“', '”')];
    let inner = pairs
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.unwrap_or(text).trim()
}

/// The start of a text that may be long.
fn short(text: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 300;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A moment for people and for scripts: `2026-01-01T18:00:00Z (1767290400)`.
fn moment(time: Timestamp) -> String {
    format!("{} ({})", time.to_utc(), time.as_secs())
}

#[cfg(test)]
mod tests;
