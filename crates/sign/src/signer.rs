//! Makes links: canned when that says it all, custom otherwise.
//!
//! Source: developer guide, "Create a signed URL using a canned policy" and "... a custom policy".
//! Parameters follow botocore's order: Expires or Policy, Signature, Key-Pair-Id, Hash-Algorithm.

use std::sync::Arc;

use crate::cookies::SignedCookies;
use crate::credentials::Field;
use crate::encoding;
use crate::id::KeyPairId;
use crate::key::MessageSigner;
use crate::scheme::{HashAlgorithm, KeyKind, SignatureScheme};
use crate::sign_error::SignError;
use crate::stamp::Stamp;
use crate::terms::{Plan, Purpose, Terms};
use crate::wire::{WireUrl, check_length};

/// Makes links. Cheap to clone, thread-safe, key parsed once.
#[derive(Clone)]
pub struct Signer {
    key: Arc<dyn MessageSigner>,
    id: KeyPairId,
    scheme: SignatureScheme,
    /// `&Key-Pair-Id=…` and, for SHA-256, `&Hash-Algorithm=SHA256`.
    tail: Arc<str>,
}

impl Signer {
    /// A signer that CloudFront accepts: RSA 2048 or P-256.
    ///
    /// # Errors
    /// [`SignError::LegacyKey`] for RSA of another size; see [`Signer::allow_legacy`].
    pub fn new(
        key: Arc<dyn MessageSigner>,
        id: KeyPairId,
        hash: HashAlgorithm,
    ) -> Result<Self, SignError> {
        match key.kind() {
            KeyKind::Rsa { bits: 2048 } | KeyKind::P256 => Ok(Self::allow_legacy(key, id, hash)),
            kind @ KeyKind::Rsa { .. } => Err(SignError::LegacyKey(kind)),
        }
    }

    /// A signer with RSA of any size, such as the 1024 and 4096 bits of old account key pairs.
    pub fn allow_legacy(key: Arc<dyn MessageSigner>, id: KeyPairId, hash: HashAlgorithm) -> Self {
        let scheme = key.kind().scheme(hash);
        let mut tail = format!("&{}={id}", Field::KeyPairId.parameter());
        if let Some(name) = hash_name(scheme) {
            tail.push_str(&format!("&{}={name}", Field::HashAlgorithm.parameter()));
        }
        Signer {
            key,
            id,
            scheme,
            tail: tail.into(),
        }
    }

    /// Id that the links carry.
    pub fn key_pair_id(&self) -> &KeyPairId {
        &self.id
    }

    /// The signed form of `url`. Canned when only `until` is given, custom otherwise.
    ///
    /// # Errors
    /// A [`SignError`] that names the term which CloudFront would refuse, or the signer's failure.
    pub fn sign_url(&self, url: &WireUrl, terms: &Terms) -> Result<String, SignError> {
        let plan = Plan::make(terms, Purpose::Url(url))?;
        let mut signed = String::with_capacity(url.as_str().len() + 512);
        signed.push_str(url.as_str());
        signed.push(if url.parts().query.is_some() {
            '&'
        } else {
            '?'
        });
        self.write_parameters(&plan, &mut signed)?;
        check_length(signed.len())?;
        Ok(signed)
    }

    /// Signed cookies.
    ///
    /// `url` is the exact file for canned terms; it may be `None` with `terms.resource` or `terms.policy`,
    /// and is checked against them otherwise.
    ///
    /// # Errors
    /// As [`Signer::sign_url`]; [`SignError::NothingToGrant`] without URL, resource and policy.
    pub fn sign_cookies(
        &self,
        url: Option<&WireUrl>,
        terms: &Terms,
    ) -> Result<SignedCookies, SignError> {
        let plan = Plan::make(terms, Purpose::Cookies(url))?;
        let signature = encoding::encode(&self.sign_plan(&plan)?);
        let terms = match &plan {
            Plan::Canned { until, .. } => (Field::Expires.cookie(), until.as_secs().to_string()),
            Plan::Custom { text, .. } => {
                (Field::Policy.cookie(), encoding::encode(text.as_bytes()))
            }
        };
        let mut pairs = vec![
            terms,
            (Field::Signature.cookie(), signature),
            (Field::KeyPairId.cookie(), self.id.to_string()),
        ];
        if let Some(name) = hash_name(self.scheme) {
            pairs.push((Field::HashAlgorithm.cookie(), name.to_owned()));
        }
        Ok(SignedCookies { pairs })
    }

    /// The signed form of a bare RTMP stream name such as `videos/talk` or `mp4:videos/talk.mp4`.
    ///
    /// The `mp4:`, `mp3:` or `flv:` prefix stays in the output and out of the policy
    /// (developer guide of 2017, "streaming distributions"). A resource is a path too: `videos/*`.
    ///
    /// # Errors
    /// [`SignError::NotAStream`], [`SignError::StreamResource`], or as [`Signer::sign_url`].
    pub fn sign_stream(&self, name: &str, terms: &Terms) -> Result<String, SignError> {
        let unfit =
            |char: char| char.is_control() || char.is_whitespace() || "?#\"\\&".contains(char);
        let bare = ["mp4:", "mp3:", "flv:"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        if bare.is_empty() || bare.starts_with('/') || bare.contains("://") || bare.contains(unfit)
        {
            return Err(SignError::NotAStream);
        }
        let plan = Plan::make(terms, Purpose::Stream(bare))?;
        let mut signed = format!("{name}?");
        self.write_parameters(&plan, &mut signed)?;
        check_length(signed.len())?;
        Ok(signed)
    }

    /// One signature for many URLs: custom policy over `terms.resource` (or `terms.policy`).
    ///
    /// # Errors
    /// As [`Signer::sign_url`]; [`SignError::ResourceMissing`] without resource and policy.
    pub fn stamp(&self, terms: &Terms) -> Result<Stamp, SignError> {
        let plan = Plan::make(terms, Purpose::Stamp)?;
        let mut parameters = String::new();
        self.write_parameters(&plan, &mut parameters)?;
        let resource = match plan {
            Plan::Custom { resource, .. } => resource,
            Plan::Canned { .. } => return Err(SignError::ResourceMissing),
        };
        Ok(Stamp::new(parameters, resource))
    }

    fn write_parameters(&self, plan: &Plan, out: &mut String) -> Result<(), SignError> {
        match plan {
            Plan::Canned { until, .. } => {
                out.push_str("Expires=");
                out.push_str(&until.as_secs().to_string());
            }
            Plan::Custom { text, .. } => {
                out.push_str("Policy=");
                encoding::encode_into(text.as_bytes(), out);
            }
        }
        out.push_str("&Signature=");
        encoding::encode_into(&self.sign_plan(plan)?, out);
        out.push_str(&self.tail);
        Ok(())
    }

    fn sign_plan(&self, plan: &Plan) -> Result<Vec<u8>, SignError> {
        let message = match plan {
            Plan::Canned { message, .. } => message.as_slice(),
            Plan::Custom { text, .. } => text.as_bytes(),
        };
        let signature = self.key.sign_message(self.scheme, message)?;
        check_signature(self.key.kind(), &signature)?;
        Ok(signature)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Signer({}, {}, {})",
            self.id,
            self.key.kind(),
            self.scheme.hash().map_or("", HashAlgorithm::as_str)
        )
    }
}

/// The value of `Hash-Algorithm`, where a link has to name one: SHA-1 goes without saying.
fn hash_name(scheme: SignatureScheme) -> Option<&'static str> {
    let named = scheme.hash().filter(|hash| *hash != HashAlgorithm::Sha1);
    named.map(HashAlgorithm::as_str)
}

/// External signers differ in what they return; better to say so here than in a 403.
fn check_signature(kind: KeyKind, signature: &[u8]) -> Result<(), SignError> {
    let fits = match kind {
        KeyKind::Rsa { bits } => usize::try_from(bits.div_ceil(8)) == Ok(signature.len()),
        // An ASN.1 sequence with its length; raw r and s are 64 bytes without one.
        KeyKind::P256 => {
            signature.first() == Some(&0x30)
                && signature
                    .get(1)
                    .is_some_and(|length| usize::from(*length) + 2 == signature.len())
        }
    };
    if fits {
        Ok(())
    } else {
        Err(SignError::SignatureForm(kind))
    }
}
