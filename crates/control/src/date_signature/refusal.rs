//! The reasons why a signature of a date is refused.

use thiserror::Error;

/// Maximum difference in seconds between the clocks of signer and edge: machines that keep time by a network are well
/// within it.
pub const DATE_SKEW_SECS_MAX: i64 = 60;
/// Time in seconds after the first request with a signature, for which others may have the same: clients sign whole
/// seconds, and a connection takes a while.
pub const FIRST_USE_SECS_MAX: i64 = 10;

/// The reason why a signature of a date does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DateRefusal {
    /// A part of it is missing, repeated, or not in its form.
    #[error("{part} {fault}")]
    Malformed {
        /// Part of the request, such as `Date`.
        part: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A temporary credential, which no operator has.
    #[error("temporary credentials are not supported; sign without x-amz-security-token")]
    SecurityToken,
    /// The request was signed too long ago.
    #[error("the date is older than {DATE_SKEW_SECS_MAX} seconds; sign again, and check the clock")]
    Expired,
    /// The request was signed in the future.
    #[error("the date is more than {DATE_SKEW_SECS_MAX} seconds in the future; check the clock")]
    NotYet,
    /// The request was signed before this process began, which does not know what was used until then.
    #[error("the request was signed before this edge began to serve; sign it again")]
    BeforeStart,
    /// The signature has come from another address before.
    #[error(
        "this signature has come from another address; give every machine an access key of its own"
    )]
    Elsewhere,
    /// The signature came for the first time too long ago.
    #[error("this signature is in use for more than {FIRST_USE_SECS_MAX} seconds; sign again")]
    Late,
    /// Too many signatures are alive.
    #[error("too many signed requests within two minutes; try again later")]
    Full,
}

impl DateRefusal {
    pub(crate) fn malformed(part: &'static str, fault: &'static str) -> Self {
        DateRefusal::Malformed { part, fault }
    }
}
