//! Why a request to the operators' interface could not be made, or was refused.

use crate::terminal;
use serde_json::Value;
use std::fmt;
use thiserror::Error;

/// A failure of a request to `/v1`.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum ApiFault {
    /// A text that is not an endpoint which may be used.
    #[error("the endpoint {text:?} {rule}")]
    Endpoint { text: String, rule: &'static str },
    /// No profile and no access key for an endpoint.
    #[error("there is no access key for {endpoint}")]
    NoAccessKey { endpoint: String },
    /// A profile, or its file, that cannot be used.
    #[error("{file}: {problem}")]
    Profiles { file: String, problem: String },
    /// Half an access key in the environment.
    #[error("{missing} is not set, and the other half of the access key is")]
    HalfAccessKey { missing: &'static str },
    /// Certificates that cannot be trusted.
    #[error("{file}: {problem}")]
    Authority { file: String, problem: String },
    /// An access key with which nothing can be signed.
    #[error("the request cannot be signed: {0}")]
    Signature(String),
    /// No answer.
    #[error("{target} does not answer: {reason}")]
    Unreachable { target: String, reason: String },
    /// An answer that is not that of Privet.
    #[error("the answer of {target} is unusable: {reason}")]
    Answer { target: String, reason: String },
    /// A document that cannot be sent.
    #[error("{source_name}: {problem}")]
    Document {
        source_name: String,
        problem: String,
    },
    /// A refusal, with everything that it says.
    #[error("{0}")]
    Refused(Box<Problem>),
}

impl ApiFault {
    /// Returns what the reader can do next, if the message does not say it already.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            ApiFault::NoAccessKey { .. } => Some(
                "set PRIVET_ACCESS_KEY_ID and PRIVET_SECRET_ACCESS_KEY, or give --profile NAME of profiles.toml",
            ),
            ApiFault::Unreachable { .. } => {
                Some("check that the edge runs, and [control] or [admin] in its configuration")
            }
            ApiFault::Endpoint { .. }
            | ApiFault::Profiles { .. }
            | ApiFault::HalfAccessKey { .. }
            | ApiFault::Authority { .. }
            | ApiFault::Signature(_)
            | ApiFault::Answer { .. }
            | ApiFault::Document { .. }
            | ApiFault::Refused(_) => None,
        }
    }

    /// Returns true for a fault of the command line and of what it names.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, ApiFault::Endpoint { .. })
    }
}

/// A refusal: `application/problem+json`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Word that stays the same in later versions.
    pub(crate) code: String,
    detail: String,
    field: Option<String>,
    hint: Option<String>,
    /// Further faults, each with its field.
    faults: Vec<String>,
    request_id: Option<String>,
}

impl Problem {
    /// Reads a problem; `None` for other JSON.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = |value: &Value, name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let list = |name: &str| {
            let list = value.get(name).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        Some(Problem {
            code: text(value, "code")?,
            detail: text(value, "detail")?,
            field: text(value, "field"),
            hint: text(value, "hint"),
            faults: list("faults")
                .iter()
                .map(|fault| {
                    let part = |name| text(fault, name).unwrap_or_default();
                    format!("{}: {}", part("field"), part("detail"))
                })
                .collect(),
            request_id: text(value, "request_id"),
        })
    }

    /// Prints every fault on a line of its own to standard error, and what to do.
    pub(crate) fn report(&self) {
        match self.faults.is_empty() {
            true => terminal::error(self),
            false => self.faults.iter().for_each(terminal::error),
        }
        if let Some(hint) = &self.hint {
            terminal::hint(hint);
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, detail, .. } = self;
        match &self.field {
            // The detail of a fault in a document begins with the field.
            Some(field) if !detail.starts_with(field.as_str()) => {
                write!(formatter, "{field}: {detail} ({code}")?;
            }
            Some(_) | None => write!(formatter, "{detail} ({code}")?,
        }
        match &self.request_id {
            Some(id) => write!(formatter, ", request {id})"),
            None => formatter.write_str(")"),
        }
    }
}
