//! The checks by name, and the listener that learns the outcome of each.
//!
//! One walk makes them all (`verifier::walk`). For the edge the first failure ends it; `explain` learns of every check,
//! so that its words and the edge's decision cannot differ.

use std::convert::Infallible;

use crate::grant::ConfirmedSignature;
use crate::ip::IpRange;
use crate::key::PublicKey;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// One check, with the values that it examines.
#[derive(Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Each reserved parameter occurs once.
    Parameters,
    /// There is an id, and it looks like one.
    KeyPairId(&'a str),
    /// The id names a key that is trusted here.
    Key {
        id: &'a str,
        key: Option<&'a PublicKey>,
    },
    /// There is a signature, and it can be decoded.
    SignatureText {
        text: &'a str,
        key: Option<&'a PublicKey>,
    },
    /// The expiry of a canned policy is an epoch in range.
    Expires(Option<&'a str>),
    /// An `Expires` that does not count is an expiry all the same (fidelity note F7).
    ExpiresBesidePolicy(Option<&'a str>),
    /// A custom policy can be decoded.
    PolicyText(&'a str),
    /// A custom policy, decoded, can be read.
    Policy(&'a [u8]),
    /// The name of the hash is known, or missing.
    HashAlgorithm,
    /// The signature was made by the key over the text.
    Signature(SignedText<'a>),
    /// The resource of a custom policy covers the object.
    Resource(Option<&'a str>),
    /// The start has passed.
    Start(Timestamp),
    /// The expiry has not been reached.
    End(Timestamp),
    /// The viewer's address is in the range.
    Address(IpRange),
}

/// The text that a signature has to be made over.
#[derive(Clone, Copy)]
pub(crate) enum SignedText<'a> {
    /// A text that is rebuilt from the URL and these digits.
    Canned(&'a str),
    /// The policy as received, decoded.
    Custom(&'a [u8]),
}

/// A check that is skipped after an earlier failure, named by what it lacks.
#[derive(Clone, Copy)]
pub(crate) enum Skipped<'a> {
    /// The key: there is no id to look up.
    KeyWithoutId,
    /// The signature: there is no key to check it with.
    SignatureWithoutKey(SignedText<'a>),
    /// The signature: there is none, or it cannot be decoded.
    SignatureWithoutBytes(SignedText<'a>),
    /// The signature: the policy cannot be decoded.
    SignatureWithoutPolicy,
    /// The signature: without an expiry there is no text to rebuild.
    SignatureWithoutExpires,
}

/// A listener that learns the outcome of each check, and decides whether the walk continues after a failure.
pub(crate) trait Checks {
    /// Placeholder for the value of a failed check. It has no values where the first failure ends the walk.
    type Failed: Copy;

    fn passed(&mut self, step: Step<'_>);

    /// Records a failure. An error ends the walk.
    fn failed(&mut self, step: Step<'_>, refusal: Refusal) -> Result<Self::Failed, Refusal>;

    fn skipped(&mut self, skipped: Skipped<'_>);

    /// Records the text that the key has confirmed, whatever else fails.
    fn confirmed(&mut self, signed: &ConfirmedSignature);

    /// Reports the outcome of a check.
    fn judge<T>(
        &mut self,
        step: Step<'_>,
        result: Result<T, Refusal>,
    ) -> Result<Judged<T, Self>, Refusal> {
        match result {
            Ok(value) => {
                self.passed(step);
                Ok(Ok(value))
            }
            Err(refusal) => self.failed(step, refusal).map(Err),
        }
    }
}

/// The result of a check, or a failure after which the walk continued.
pub(crate) type Judged<T, C> = Result<T, <C as Checks>::Failed>;

/// A listener that ends the walk at the first failure and ignores everything else.
pub(crate) struct FirstRefusal;

impl Checks for FirstRefusal {
    type Failed = Infallible;

    fn passed(&mut self, _step: Step<'_>) {}

    fn failed(&mut self, _step: Step<'_>, refusal: Refusal) -> Result<Infallible, Refusal> {
        Err(refusal)
    }

    fn skipped(&mut self, _skipped: Skipped<'_>) {}

    fn confirmed(&mut self, _signed: &ConfirmedSignature) {}
}
