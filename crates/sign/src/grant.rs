//! What a valid signature permits, and the name under which logs know it.

use std::sync::Arc;

use aws_lc_rs::digest;

use crate::credentials::CredentialSource;
use crate::encoding;
use crate::resource::{self, Sections};
use crate::time::Timestamp;

/// What a valid signature permits. Only a [`crate::Verifier`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) key_pair_id: Arc<str>,
    pub(crate) until: Timestamp,
    pub(crate) source: CredentialSource,
    pub(crate) mark: Mark,
    pub(crate) query_use: QueryUse,
    pub(crate) path_use: PathUse,
    /// What was signed for, where the grant may be good for more than one URL.
    pub(crate) resource: Option<Arc<str>>,
}

/// What names a grant in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The signature it came by.
    Signature(Arc<[u8]>),
    /// The first bytes of that signature's digest, as a session has them.
    Digest([u8; MARK_SIZE_BYTES]),
}

/// Bytes of a digest in a fingerprint.
pub(crate) const MARK_SIZE_BYTES: usize = 8;

/// Whether the viewer's own part of the query makes a difference to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryUse {
    /// The grant may be good for this very query only.
    Compared,
    /// It is good for every query, or for none.
    Ignored,
}

/// How much a grant leaves open about the path of what it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// It is good for one spelling of one path, the one that was asked for: a canned policy, or a resource without
    /// wildcards.
    Exact,
    /// It is good for the paths that a wildcard covers, and for others not.
    Pattern,
    /// It is good for every path of the host.
    Ignored,
}

impl Grant {
    /// Id of the key that signed.
    pub fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    /// The end: requests that start at or after it are refused.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether a derived URL has to carry the viewer's own parameters too, for the grant to be good for it.
    pub fn query_use(&self) -> QueryUse {
        self.query_use
    }

    /// How much of the path was signed: with a wildcard the signer has not seen the spelling that was asked for.
    pub fn path_use(&self) -> PathUse {
        self.path_use
    }

    /// Whether what was signed has this segment of a path, raw, in it: as it stands, or with a wildcard in front of its
    /// extension, as `*.mp4/` has that of a film.
    pub fn names_segment(&self, segment: &str) -> bool {
        let Sections::Url {
            rest: Some(rest), ..
        } = resource::sections(self.resource.as_deref().unwrap_or_default())
        else {
            return false;
        };
        // What follows a `?` may be the query.
        let path = rest.split('?').next().unwrap_or(rest);
        let extension = segment.rfind('.').map(|dot| &segment[dot..]);
        let is_literal = !segment.is_empty() && !segment.contains('*');
        is_literal
            && path.split('/').any(|named| {
                named == segment || extension.is_some_and(|extension| named.ends_with(extension))
            })
    }

    /// Whether the URL, cookies or a session token carried it.
    pub fn source(&self) -> CredentialSource {
        self.source
    }

    /// 16 lower-case hex digits of SHA-256 over the signature: names the grant in logs, reveals nothing usable.
    pub fn fingerprint(&self) -> String {
        hex(&self.mark.digest())
    }
}

/// [`Grant::fingerprint`] of a signature text as [`crate::Credentials::signature`] has it, for logs of refused requests.
///
/// `None` when the text is not base64.
pub fn fingerprint(signature_text: &str) -> Option<String> {
    encoding::decode(&encoding::percent_decode(signature_text))
        .map(|signature| hex(&mark_of(&signature)))
}

impl Mark {
    pub(crate) fn digest(&self) -> [u8; MARK_SIZE_BYTES] {
        match self {
            Mark::Signature(signature) => mark_of(signature),
            Mark::Digest(digest) => *digest,
        }
    }
}

fn mark_of(signature: &[u8]) -> [u8; MARK_SIZE_BYTES] {
    let digest = digest::digest(&digest::SHA256, signature);
    let mut mark = [0; MARK_SIZE_BYTES];
    mark.copy_from_slice(&digest.as_ref()[..MARK_SIZE_BYTES]);
    mark
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}
