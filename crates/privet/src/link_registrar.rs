//! What the store is told of a link: its limits and words, as the commands `link create` and `sign` take them.

use crate::api::{Api, ApiArguments, ApiRequest};
use crate::command_error::CommandError;
use crate::link_fault::LinkFault;
use crate::moment;
use clap::Args;
use http::Method;
use privet_sign::{
    Limited, LimitedId, LinkMark, LinkNonce, Signer, SubjectDigest, Terms, Timestamp, WireUrl,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What the store counts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitsArguments {
    /// Number of visits; 1 makes a one-time link
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    uses: Option<u64>,
    /// Number of different viewers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    viewers: Option<u64>,
    /// Number of bytes that may be sent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    bytes: Option<u64>,
    /// Whether a person presses a button before a visit counts: always, never, or for browsers and unknown robots
    /// [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = ["always", "never", "auto"])]
    confirm: Option<String>,
    /// Time without a request after which a visit is over [default: that of the configuration]
    #[arg(long, value_name = "DURATION", value_parser = moment::parse_duration)]
    window: Option<Duration>,
}

/// What people say of a link.
#[derive(Debug, Args)]
#[command(next_help_heading = "Words")]
pub(crate) struct WordsArguments {
    /// Whom the link is for; all links of a subject can be revoked together
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Label; all links with one can be revoked together
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Who answers for the link
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// Who has sent the link, as the page with the button says
    #[arg(long, value_name = "TEXT")]
    sender: Option<String>,
    /// Name of the file, as the page with the button says [default: the end of the path]
    #[arg(long, value_name = "TEXT")]
    file_name: Option<String>,
    /// Note for operators
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl LimitsArguments {
    fn are_given(&self) -> bool {
        self.uses.is_some() || self.viewers.is_some() || self.bytes.is_some()
    }

    /// Refuses settings of the visits of links whose visits nobody counts.
    ///
    /// # Errors
    /// [`LinkFault::NothingCounted`].
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        let is_setting = self.confirm.is_some() || self.window.is_some();
        match is_setting && !self.are_given() {
            true => Err(LinkFault::NothingCounted.into()),
            false => Ok(()),
        }
    }
}

impl WordsArguments {
    fn texts(&self) -> [(&'static str, &Option<String>); 6] {
        [
            ("subject", &self.subject),
            ("label", &self.label),
            ("owner", &self.owner),
            ("sender", &self.sender),
            ("file_name", &self.file_name),
            ("note", &self.note),
        ]
    }
}

/// Returns true if links with these options are registered.
pub(crate) fn registers(limits: &LimitsArguments, words: &WordsArguments) -> bool {
    let is_setting = limits.confirm.is_some() || limits.window.is_some();
    let has_words = words.texts().iter().any(|(_, value)| value.is_some());
    limits.are_given() || is_setting || has_words
}

/// Returns the members that say what is counted, and by whom the link is found.
pub(crate) fn body(limits: &LimitsArguments, words: &WordsArguments) -> Map<String, Value> {
    let mut body = Map::new();
    if limits.are_given() {
        let counted =
            json!({ "uses": limits.uses, "viewers": limits.viewers, "bytes": limits.bytes });
        body.insert("limits".to_owned(), counted);
    }
    if let Some(confirm) = &limits.confirm {
        body.insert("confirm".to_owned(), confirm.as_str().into());
    }
    if let Some(window) = limits.window {
        body.insert("window_seconds".to_owned(), window.as_secs().into());
    }
    for (name, value) in words.texts() {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.as_str().into());
        }
    }
    body
}

/// What the marks of links with one set of limits and words have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marking {
    is_limited: bool,
    subject: Option<SubjectDigest>,
}

impl Marking {
    /// Returns what is common to the marks.
    pub(crate) fn of(limits: &LimitsArguments, words: &WordsArguments) -> Self {
        Marking {
            is_limited: limits.are_given(),
            subject: words.subject.as_deref().map(SubjectDigest::of),
        }
    }

    /// Returns the mark of one link, which no other has.
    pub(crate) fn mark(self, now: Timestamp) -> LinkMark {
        let limited = self.is_limited.then(|| Limited {
            id: LimitedId::from_bytes(random()),
            nonce: LinkNonce::from_bytes(random()),
        });
        LinkMark {
            limited,
            made: Some(now),
            subject: self.subject,
        }
    }
}

/// Registers a link; returns it as it is stored.
///
/// # Errors
/// [`CommandError::Api`].
pub(crate) fn registered(api: &Api, body: &Value) -> Result<Value, CommandError> {
    let request = ApiRequest {
        method: Method::POST,
        target: "/v1/links".to_owned(),
        body: Some(body),
        ..ApiRequest::default()
    };
    Ok(api.ask(&request)?.body)
}

/// Signs links with one set of limits and words, and registers each of them.
pub(crate) struct Registrar {
    api: Api,
    marking: Marking,
    /// What the store is told of each link.
    body: Map<String, Value>,
}

impl Registrar {
    /// Returns the registrar at the interface that is named, or that of the configuration.
    ///
    /// # Errors
    /// [`LinkFault::NothingCounted`]; those of [`ApiArguments::find`].
    pub(crate) fn new(
        limits: &LimitsArguments,
        words: &WordsArguments,
        api: &ApiArguments,
    ) -> Result<Self, CommandError> {
        limits.check()?;
        Ok(Registrar {
            api: api.find()?,
            marking: Marking::of(limits, words),
            body: body(limits, words),
        })
    }

    /// Signs a link, and registers it. Returns the signed URL.
    ///
    /// # Errors
    /// [`CommandError::Sign`]; [`CommandError::Api`] for a link that is not registered, and opens nothing if it is
    /// limited.
    pub(crate) fn sign(
        &self,
        signer: &Signer,
        url: &WireUrl,
        terms: &Terms,
    ) -> Result<String, CommandError> {
        let terms = Terms {
            mark: Some(self.marking.mark(moment::now())),
            ..terms.clone()
        };
        let signed = signer.sign_url(url, &terms)?;
        let mut body = self.body.clone();
        body.insert("link".to_owned(), signed.as_str().into());
        registered(&self.api, &body.into())?;
        Ok(signed)
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    // The text of an id begins with a letter then, and is no option on a command line.
    bytes[0] &= 0x7f;
    bytes
}
