//! Conclusions from an origin's responses, and their wording.

use super::questions::Named;
use crate::origin_client::{Findings, Privacy, Sight, Writers};
use http::StatusCode;
use privet_distribution::config::Origin;
use privet_sign::Timestamp;
use serde_json::{Value, json};
use std::fmt;

/// Result of probing one origin without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPrivacy {
    /// Id of the distribution.
    pub distribution_id: String,
    /// Id of the origin, unique within the distribution.
    pub origin_id: String,
    /// The origin in words: a bucket or a server, and its location.
    pub place: String,
    /// True if the origin itself tells holders of access keys from others, as a bucket does.
    pub knows_keys: bool,
    /// Read access of strangers.
    pub access: OriginAccess,
    /// Write access of strangers.
    pub writers: Writers,
    /// The object that was requested beside the listing and a name that does not exist.
    pub known_object: Option<String>,
    /// Time of the probe.
    pub asked: Timestamp,
}

/// Read access of requests without keys to an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginAccess {
    /// Nothing: everything was refused, including an object that the edge itself can read.
    Private,
    /// Objects, or the listing.
    Public {
        /// Status of the response.
        status: StatusCode,
    },
    /// Objects, or the listing, of a server that only this machine reaches.
    Loopback {
        /// Status of the response.
        status: StatusCode,
    },
    /// Everything was refused, but no existing object was requested.
    Unseen {
        /// Reason why none was.
        cause: UnseenCause,
    },
    /// The edge itself is refused: its keys, its clock, or the network location of its requests.
    EdgeRefused {
        /// Cause as one lower-case token.
        token: &'static str,
        /// The bucket's reason, and advice.
        reason: String,
    },
    /// The origin neither refused nor gave anything away.
    Unclear {
        /// Status of the response.
        status: StatusCode,
    },
    /// The origin did not respond.
    Unreachable {
        /// Reason and advice.
        reason: String,
    },
}

/// Reason why no existing object was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnseenCause {
    /// No object was named.
    NotNamed,
    /// An object was named, but not which of several distributions it belongs to.
    NotSaidWhose,
    /// The edge itself cannot read the object.
    NotThere {
        /// Status of the response to the edge.
        status: StatusCode,
    },
}

/// Judges an origin. One public response outweighs all others; an origin counts as private only if the edge itself
/// could read the object that strangers were refused.
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
                        "let it respond only to requests with a secret header (headers of the origin)"
                    }
                };
                write!(
                    formatter,
                    "ANYONE CAN READ {place} WITHOUT A SIGNATURE ({of} responded with {} to a request without \
                     credentials): {advice}, or remove the trusted keys from its behaviors",
                    status.as_u16()
                )
            }
            OriginAccess::Loopback { status } => write!(
                formatter,
                "{place} responds without a signature, but only this machine can reach it ({of} responded with {} to \
                 a request without credentials); if others use this machine, let it respond only to requests \
                 with a secret header (headers of the origin)",
                status.as_u16()
            ),
            OriginAccess::Unseen { cause } => self.write_unseen(formatter, of, *cause),
            OriginAccess::EdgeRefused { reason, .. } => write!(
                formatter,
                "cannot tell whether {place} is private ({of}): it refuses the edge itself, {reason}"
            ),
            OriginAccess::Unclear { status } => write!(
                formatter,
                "cannot tell whether {place} is private ({of} responded with {}): name an existing object with \
                 privet probe --object",
                status.as_u16()
            ),
            OriginAccess::Unreachable { reason } => write!(
                formatter,
                "cannot tell whether {place} is private ({of}): {reason}"
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
                "{place} hides its listing and unknown objects from requests without credentials ({of}); to be sure, \
                 name an existing object with privet probe --object"
            ),
            UnseenCause::NotSaidWhose => write!(
                formatter,
                "cannot tell whether {place} is private ({of}): several distributions are probed, so say whose \
                 object it is, privet probe --object {id}/PATH"
            ),
            UnseenCause::NotThere { status } => write!(
                formatter,
                "cannot tell whether {place} is private ({of}): the object {} does not exist, the edge itself gets \
                 {}; name an existing one with privet probe --object {id}/PATH",
                self.known_object.as_deref().unwrap_or_default(),
                status.as_u16()
            ),
        }
    }

    fn write_writing(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.writers {
            Writers::Unknown => "",
            Writers::Nobody => "; nobody can write to it without credentials",
            Writers::Perhaps => {
                "; ITS POLICY LETS STRANGERS WRITE TO IT under conditions or with exceptions: check them"
            }
            Writers::Anybody => {
                "; ANYONE CAN WRITE TO IT WITHOUT A SIGNATURE: remove that from its ACL and its policy"
            }
        })
    }

    /// Returns the result as the operator's socket sends it: `distribution`, `origin`, `place`, `access` (`private`,
    /// `public`, `unclear`, `unreachable`), `cause` (why it is unclear, or `loopback`, a token), `status`, `writers`
    /// (`nobody`, `perhaps`, `anybody`, or `null` if unknown), `object`, `asked` (seconds since 1970) and `message`,
    /// which is for people.
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
