//! What is made of an origin's answers, and the words for it.

use super::questions::Named;
use crate::origin_client::{Findings, Privacy, Sight, Writers};
use http::StatusCode;
use privet_distribution::config::Origin;
use privet_sign::Timestamp;
use serde_json::{Value, json};
use std::fmt;

/// What one origin told somebody without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPrivacy {
    /// The distribution's.
    pub distribution_id: String,
    /// The origin's, unique within the distribution.
    pub origin_id: String,
    /// The origin in words: a bucket or a server, and where it is.
    pub place: String,
    /// Whether the origin itself tells those who have access keys from others, as a bucket does.
    pub knows_keys: bool,
    /// Whether strangers can read.
    pub access: OriginAccess,
    /// Whether they can write.
    pub writers: Writers,
    /// The object that was asked for beside the listing and a name that nobody has.
    pub known_object: Option<String>,
    /// When.
    pub asked: Timestamp,
}

/// What somebody without keys can read at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginAccess {
    /// Nothing: all was refused, an object among it that the edge itself gets.
    Private,
    /// Objects, or the listing.
    Public {
        /// Of the answer.
        status: StatusCode,
    },
    /// Objects, or the listing of a server that only this machine reaches.
    Loopback {
        /// Of the answer.
        status: StatusCode,
    },
    /// All was refused, but no object was asked for that is there.
    Unseen {
        /// Why not.
        cause: UnseenCause,
    },
    /// The edge itself is refused: its keys, its clock, or the place where it asks.
    EdgeRefused {
        /// One lower-case token.
        token: &'static str,
        /// What the bucket said, and what to do.
        reason: String,
    },
    /// The origin neither refused nor gave anything away.
    Unclear {
        /// Of the answer.
        status: StatusCode,
    },
    /// It could not be asked.
    Unreachable {
        /// Why, and what to do.
        reason: String,
    },
}

/// Why no object was asked for that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnseenCause {
    /// None was named.
    NotNamed,
    /// One was named, without saying whose of several distributions.
    NotSaidWhose,
    /// The edge itself does not get it.
    NotThere {
        /// Of the answer to the edge.
        status: StatusCode,
    },
}

/// One public answer outweighs all others; nothing is private that was not seen by the edge.
pub(super) fn access(findings: &Findings, named: &Named, origin: &Origin) -> OriginAccess {
    if let Privacy::Public { status } = findings.strangers {
        return match origin.source.is_for_this_machine() {
            true => OriginAccess::Loopback { status },
            false => OriginAccess::Public { status },
        };
    }
    if let Sight::Refused(refused) = &findings.edge {
        return OriginAccess::EdgeRefused {
            token: refused.cause.token(),
            reason: refused.to_string(),
        };
    }
    match findings.strangers {
        Privacy::Public { status } | Privacy::Unclear { status } => {
            OriginAccess::Unclear { status }
        }
        Privacy::Unreachable(fault) => OriginAccess::Unreachable {
            reason: fault.to_string(),
        },
        Privacy::Private => of_one_that_refuses(&findings.edge, named),
    }
}

fn of_one_that_refuses(edge: &Sight, named: &Named) -> OriginAccess {
    let cause = match (edge, named) {
        (Sight::There, _) => return OriginAccess::Private,
        (Sight::Unreachable(fault), _) => {
            return OriginAccess::Unreachable {
                reason: fault.to_string(),
            };
        }
        (Sight::NotThere { status }, _) => UnseenCause::NotThere { status: *status },
        (_, Named::SomebodyElses) => UnseenCause::NotSaidWhose,
        (
            Sight::NotLooked | Sight::Taken | Sight::Refused(_),
            Named::Object(_) | Named::Nothing,
        ) => UnseenCause::NotNamed,
    };
    OriginAccess::Unseen { cause }
}

impl fmt::Display for OriginPrivacy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = format!(
            "origin {} of distribution {}",
            self.origin_id, self.distribution_id
        );
        self.write_reading(formatter, &of)?;
        self.write_writing(formatter)
    }
}

impl OriginPrivacy {
    fn write_reading(&self, formatter: &mut fmt::Formatter<'_>, of: &str) -> fmt::Result {
        let place = &self.place;
        match &self.access {
            OriginAccess::Private => write!(formatter, "{place} is private ({of})"),
            OriginAccess::Public { status } => {
                let advice = match self.knows_keys {
                    true => "block public access to it",
                    false => {
                        "let it answer only those who send a secret header (headers of the origin)"
                    }
                };
                write!(
                    formatter,
                    "ANYONE CAN READ {place} WITHOUT A SIGNATURE ({of} answered {} to a request without keys): \
                     {advice}, or take the trusted keys off its behaviors",
                    status.as_u16()
                )
            }
            OriginAccess::Loopback { status } => write!(
                formatter,
                "{place} answers without a signature, but only this machine reaches it ({of} answered {} to a request \
                 without keys); if others use this machine, let it answer only those who send a secret header \
                 (headers of the origin)",
                status.as_u16()
            ),
            OriginAccess::Unseen { cause } => self.write_unseen(formatter, of, *cause),
            OriginAccess::EdgeRefused { reason, .. } => write!(
                formatter,
                "whether {place} is private could not be told ({of}): it refuses the edge itself, {reason}"
            ),
            OriginAccess::Unclear { status } => write!(
                formatter,
                "whether {place} is private could not be told ({of} answered {}): ask for an object that is there \
                 with privet probe --object",
                status.as_u16()
            ),
            OriginAccess::Unreachable { reason } => write!(
                formatter,
                "whether {place} is private could not be told ({of}): {reason}"
            ),
        }
    }

    fn write_unseen(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        of: &str,
        cause: UnseenCause,
    ) -> fmt::Result {
        let (place, id) = (&self.place, &self.distribution_id);
        match cause {
            UnseenCause::NotNamed => write!(
                formatter,
                "{place} keeps its listing and unknown objects from those without keys ({of}); to be sure, ask for an \
                 object that is there with privet probe --object"
            ),
            UnseenCause::NotSaidWhose => write!(
                formatter,
                "whether {place} is private could not be told ({of}): several distributions are asked, so say whose \
                 object it is, privet probe --object {id}/PATH"
            ),
            UnseenCause::NotThere { status } => write!(
                formatter,
                "whether {place} is private could not be told ({of}): the object {} is not there, the edge itself is \
                 answered {}; name one that is with privet probe --object {id}/PATH",
                self.known_object.as_deref().unwrap_or_default(),
                status.as_u16()
            ),
        }
    }

    fn write_writing(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.writers {
            Writers::Unknown => "",
            Writers::Nobody => "; nobody can write to it without keys",
            Writers::Perhaps => {
                "; ITS POLICY LETS STRANGERS WRITE TO IT under conditions or with exceptions: look at them"
            }
            Writers::Anybody => {
                "; ANYONE CAN WRITE TO IT WITHOUT A SIGNATURE: take that out of its ACL and its policy"
            }
        })
    }

    /// As the operator's socket tells it: `distribution`, `origin`, `place`, `access` (`private`, `public`, `unclear`,
    /// `unreachable`), `cause` (why it is unclear, or `loopback`, a token), `status`, `writers` (`nobody`, `perhaps`,
    /// `anybody`, or `null` where that was not told), `object`, `asked` (seconds since 1970) and `message`, which is
    /// for people.
    pub fn to_json(&self) -> Value {
        let (access, cause, status) = match &self.access {
            OriginAccess::Private => ("private", None, None),
            OriginAccess::Public { status } => ("public", None, Some(status)),
            OriginAccess::Loopback { status } => ("private", Some("loopback"), Some(status)),
            OriginAccess::Unseen { cause } => match cause {
                UnseenCause::NotNamed => ("unclear", Some("object-not-named"), None),
                UnseenCause::NotSaidWhose => ("unclear", Some("object-of-whom"), None),
                UnseenCause::NotThere { status } => {
                    ("unclear", Some("object-not-there"), Some(status))
                }
            },
            OriginAccess::EdgeRefused { token, .. } => ("unclear", Some(*token), None),
            OriginAccess::Unclear { status } => ("unclear", Some("answer"), Some(status)),
            OriginAccess::Unreachable { .. } => ("unreachable", None, None),
        };
        let writers = match self.writers {
            Writers::Anybody => Some("anybody"),
            Writers::Perhaps => Some("perhaps"),
            Writers::Nobody => Some("nobody"),
            Writers::Unknown => None,
        };
        json!({
            "distribution": self.distribution_id,
            "origin": self.origin_id,
            "place": self.place,
            "access": access,
            "cause": cause,
            "status": status.map(|status| status.as_u16()),
            "writers": writers,
            "object": self.known_object,
            "asked": self.asked.as_secs(),
            "message": self.to_string(),
        })
    }
}
