//! Turns one URL or stream name into one line of output.

use privet_sign::{SignError, Signer, Stamp, Terms, UrlChange, WireUrl};
use serde_json::json;

use super::notes;
use crate::command_error::CommandError;
use crate::link_registrar::Registrar;
use crate::printable::json_line;
use privet_control::shell;

/// What each line of input is signed as.
pub(super) enum Product {
    /// A signature for each URL.
    Links { signer: Signer, terms: Terms },
    /// A signature for each URL, by links that a store knows.
    Registered {
        signer: Signer,
        terms: Terms,
        registrar: Box<Registrar>,
    },
    /// A signature for each stream name.
    Streams { signer: Signer, terms: Terms },
    /// The same signature on all URLs.
    Stamped(Stamp),
}

/// The form in which a link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkForm {
    /// The link alone.
    Plain,
    /// A JSON object with the link and the changes to its URL.
    Json,
    /// A curl command.
    Curl,
}

/// The settings that are the same for all lines.
pub(super) struct Links {
    pub(super) product: Product,
    pub(super) strict: bool,
    pub(super) form: LinkForm,
}

/// A line of output, and the notes about it.
pub(super) struct SignedLink {
    pub(super) line: String,
    pub(super) changes: Vec<UrlChange>,
    /// A warning about something that the link will not do, though it may have been intended.
    pub(super) note: Option<String>,
}

/// Why a line was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkError {
    /// The signer refused it.
    Sign(SignError),
    /// It is not registered, and is not printed.
    Registration(String),
    /// `--strict`, and clients would send another form.
    NotWireForm { sent: String },
    /// Bytes that are not UTF-8 text.
    NotText,
    /// A line longer than the limit.
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
            LinkError::Registration(reason) => formatter.write_str(reason),
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
    /// Returns whether each line takes a signature, so that threads pay off.
    pub(super) fn signs_each(&self) -> bool {
        match self.product {
            Product::Links { .. } | Product::Registered { .. } | Product::Streams { .. } => true,
            Product::Stamped(_) => false,
        }
    }

    /// Signs one URL or name.
    ///
    /// # Errors
    /// A [`LinkError`] with the reason for the refusal.
    pub(super) fn sign(&self, input: &str) -> Result<SignedLink, LinkError> {
        let mut note = None;
        let (signed, changes) = match &self.product {
            Product::Streams { signer, terms } => (signer.sign_stream(input, terms)?, Vec::new()),
            Product::Links { signer, terms } => {
                let url = self.wire_url(input)?;
                note = notes::about_url(url.as_str(), terms);
                (signer.sign_url(&url, terms)?, url.changes().to_vec())
            }
            Product::Registered {
                signer,
                terms,
                registrar,
            } => {
                let url = self.wire_url(input)?;
                note = notes::about_url(url.as_str(), terms);
                let signed = registrar.sign(signer, &url, terms);
                (signed.map_err(not_registered)?, url.changes().to_vec())
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

fn not_registered(error: CommandError) -> LinkError {
    if let CommandError::Sign(error) = error {
        return LinkError::Sign(error);
    }
    LinkError::Registration(error.to_string())
}

/// Returns the URL in the form that clients send; with `strict`, a URL in any other form is refused.
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
