//! One URL or stream name in, one line of output out.

use privet_sign::{SignError, Signer, Stamp, Terms, UrlChange, WireUrl};
use serde_json::json;

use super::notes;
use crate::printable::json_line;
use crate::shell;

/// What is made of each line.
pub(super) enum Product {
    /// A signature for each URL.
    Links { signer: Signer, terms: Terms },
    /// A signature for each stream name.
    Streams { signer: Signer, terms: Terms },
    /// The same signature on all URLs.
    Stamped(Stamp),
}

/// How a link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkForm {
    /// The link alone.
    Plain,
    /// An object with the link and what was changed.
    Json,
    /// A curl command.
    Curl,
}

/// Everything that is the same for all lines.
pub(super) struct Links {
    pub(super) product: Product,
    pub(super) strict: bool,
    pub(super) form: LinkForm,
}

/// A line of output, and what to say about it.
pub(super) struct SignedLink {
    pub(super) line: String,
    pub(super) changes: Vec<UrlChange>,
    /// What it will not do, though it may have been meant to.
    pub(super) note: Option<String>,
}

/// Why a line was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkError {
    /// The signer refused it.
    Sign(SignError),
    /// `--strict`, and clients would send another form.
    NotWireForm { sent: String },
    /// Bytes that are no text.
    NotText,
    /// A line beyond the limit.
    TooLong,
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkError::Sign(error) => error.fmt(formatter),
            LinkError::NotWireForm { sent } => {
                write!(
                    formatter,
                    "clients send another form: give {sent}, or leave out --strict"
                )
            }
            LinkError::NotText => formatter.write_str("not UTF-8 text: percent-encode it"),
            LinkError::TooLong => formatter.write_str("the line is longer than 65536 bytes"),
        }
    }
}

impl From<SignError> for LinkError {
    fn from(error: SignError) -> Self {
        LinkError::Sign(error)
    }
}

impl Links {
    /// Whether each line costs a signature, so that threads pay off.
    pub(super) fn signs_each(&self) -> bool {
        match self.product {
            Product::Links { .. } | Product::Streams { .. } => true,
            Product::Stamped(_) => false,
        }
    }

    /// Signs one URL or name.
    ///
    /// # Errors
    /// A [`LinkError`] that says why this one was refused.
    pub(super) fn sign(&self, input: &str) -> Result<SignedLink, LinkError> {
        let mut note = None;
        let (signed, changes) = match &self.product {
            Product::Streams { signer, terms } => (signer.sign_stream(input, terms)?, Vec::new()),
            Product::Links { signer, terms } => {
                let url = self.wire_url(input)?;
                note = notes::about_url(url.as_str(), terms);
                (signer.sign_url(&url, terms)?, url.changes().to_vec())
            }
            Product::Stamped(stamp) => {
                let url = self.wire_url(input)?;
                let mut signed = String::new();
                stamp.apply(&url, &mut signed)?;
                (signed, url.changes().to_vec())
            }
        };
        let line = self.write(input, signed, &changes);
        Ok(SignedLink {
            line,
            changes,
            note,
        })
    }

    fn wire_url(&self, input: &str) -> Result<WireUrl, LinkError> {
        wire_url(input, self.strict)
    }

    fn write(&self, input: &str, signed: String, changes: &[UrlChange]) -> String {
        match self.form {
            LinkForm::Plain => signed,
            LinkForm::Curl => format!("curl --globoff {}", shell::quoted(&signed)),
            LinkForm::Json => {
                let changes: Vec<String> = changes.iter().map(UrlChange::to_string).collect();
                json_line(&json!({ "input": input, "url": signed, "changes": changes }))
            }
        }
    }
}

/// The form that clients send; with `strict` only a URL that is in it already.
///
/// # Errors
/// [`LinkError::NotWireForm`], or what [`WireUrl::parse`] refuses.
pub(super) fn wire_url(input: &str, strict: bool) -> Result<WireUrl, LinkError> {
    let url = WireUrl::parse(input)?;
    if strict && !url.changes().is_empty() {
        return Err(LinkError::NotWireForm {
            sent: url.as_str().to_owned(),
        });
    }
    Ok(url)
}
