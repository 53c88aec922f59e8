//! The permission that a valid signature gives, its fingerprint for logs, and the identity of its link.

use std::sync::Arc;

use aws_lc_rs::digest;

use crate::credentials::CredentialSource;
use crate::encoding::{self, hex};
use crate::key::PublicKey;
use crate::link_id::LinkId;
use crate::link_mark::LinkMark;
use crate::resource::{self, Sections};
use crate::time::Timestamp;

/// The permission that a valid signature gives. Only a [`crate::Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) key_pair_id: Arc<str>,
    pub(crate) until: Timestamp,
    pub(crate) source: CredentialSource,
    pub(crate) signature_mark: SignatureMark,
    pub(crate) query_use: QueryUse,
    pub(crate) path_use: PathUse,
    /// Resource of a custom policy or of a path token; `None` for a canned policy, or where everything is covered.
    pub(crate) resource: Option<Arc<str>>,
    /// Boxed, so that the grants of links without one cost no more.
    pub(crate) link_mark: Option<Arc<LinkMark>>,
}

/// The signature behind a grant, as far as grants have to be told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureMark {
    /// The whole signature. It is stored as it is, so that a digest costs nothing where none is needed.
    Signature(Arc<ConfirmedSignature>),
    /// The digests of the signature that a path token carries.
    PathToken(PathTokenMark),
}

/// A signature that its public key has confirmed.
#[derive(PartialEq, Eq)]
pub(crate) struct ConfirmedSignature {
    pub(crate) key: PublicKey,
    /// Signed bytes: the policy as received, or the rebuilt canned text.
    pub(crate) text: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl std::fmt::Debug for ConfirmedSignature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ConfirmedSignature({:?})", self.key)
    }
}

/// The digests of a signature and of its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathTokenMark {
    /// First bytes of the signature's digest.
    pub(crate) digest: [u8; MARK_SIZE_BYTES],
    pub(crate) link: LinkId,
}

/// Number of bytes of a digest in a fingerprint.
pub(crate) const MARK_SIZE_BYTES: usize = 8;

/// The effect of the viewer's own part of the query on a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryUse {
    /// The grant may be valid for this query only.
    Compared,
    /// The grant is valid for every query, or for none.
    Ignored,
}

/// The part of a URL's path that a grant leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// The grant is valid for one spelling of one path, the requested one: a canned policy, or a resource
    /// without wildcards.
    Exact,
    /// The grant is valid for the paths that a wildcard covers, and for no others.
    Pattern,
    /// The grant is valid for every path of the host.
    Ignored,
}

impl Grant {
    /// Returns the id of the key that signed.
    pub fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    /// Returns the expiry: requests that start at or after it are refused.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Returns whether a derived URL has to carry the viewer's own parameters too, for the grant to be valid for it.
    pub fn query_use(&self) -> QueryUse {
        self.query_use
    }

    /// Returns how much of the path was signed. With a wildcard, the signer has not seen the requested spelling.
    pub fn path_use(&self) -> PathUse {
        self.path_use
    }

    /// True if the signed resource names this raw segment of a path: as it is, or with a wildcard before its extension,
    /// as `*.mp4/` names that of a video.
    pub fn names_segment(&self, segment: &str) -> bool {
        let Sections::Url {
            rest: Some(rest), ..
        } = resource::sections(self.resource.as_deref().unwrap_or_default())
        else {
            return false;
        };
        // The text behind a `?` may be the query.
        let path = rest.split('?').next().unwrap_or(rest);
        let extension = segment.rfind('.').map(|dot| &segment[dot..]);
        let is_literal = !segment.is_empty() && !segment.contains('*');
        is_literal
            && path.split('/').any(|named| {
                named == segment || extension.is_some_and(|extension| named.ends_with(extension))
            })
    }

    /// Returns whether the URL, cookies or a path token carried the credentials.
    pub fn source(&self) -> CredentialSource {
        self.source
    }

    /// Returns 16 lower-case hex digits of SHA-256 over the signature: they name the grant in logs and reveal
    /// nothing usable.
    ///
    /// The fingerprint names a signature, not a link: see [`Grant::link_id`].
    pub fn fingerprint(&self) -> String {
        hex(&self.signature_mark.digest())
    }

    /// Returns the identity of the link: the same for all signatures of one key over one text, and for path tokens
    /// issued for it.
    ///
    /// It is computed here, by one digest over a public key and the signed text, unless a path token brought it along.
    pub fn link_id(&self) -> LinkId {
        self.signature_mark.link_id()
    }

    /// Returns what the signed text says about the link in Privet's own member, or what the path token issued for it
    /// repeats. `None` for a canned policy, and for a policy without the member.
    ///
    /// The grant of a limited link permits nothing alone: its use has to be counted first. A path token of one is
    /// issued after that, by whoever calls [`crate::Verifier::issue`].
    pub fn link_mark(&self) -> Option<&LinkMark> {
        self.link_mark.as_deref()
    }
}

/// Returns the [`Grant::fingerprint`] of a signature text, as [`crate::Credentials::signature`] returns it, for logs of
/// refused requests.
///
/// Returns `None` if the text is not base64.
pub fn fingerprint(signature_text: &str) -> Option<String> {
    encoding::decode(&encoding::percent_decode(signature_text))
        .map(|signature| hex(&mark_of(&signature)))
}

impl SignatureMark {
    pub(crate) fn digest(&self) -> [u8; MARK_SIZE_BYTES] {
        match self {
            SignatureMark::Signature(confirmed) => mark_of(&confirmed.signature),
            SignatureMark::PathToken(mark) => mark.digest,
        }
    }

    pub(crate) fn link_id(&self) -> LinkId {
        match self {
            SignatureMark::Signature(confirmed) => LinkId::of(&confirmed.key, &confirmed.text),
            SignatureMark::PathToken(mark) => mark.link,
        }
    }
}

fn mark_of(signature: &[u8]) -> [u8; MARK_SIZE_BYTES] {
    let digest = digest::digest(&digest::SHA256, signature);
    let mut mark = [0; MARK_SIZE_BYTES];
    mark.copy_from_slice(&digest.as_ref()[..MARK_SIZE_BYTES]);
    mark
}
