//! Signs links: with a canned policy if that says it all, with a custom one otherwise.
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

/// A signer of links. It is cheap to clone and thread-safe, and its key is parsed once.
#[derive(Clone)]
pub struct Signer {
    key: Arc<dyn MessageSigner>,
    id: KeyPairId,
    scheme: SignatureScheme,
    /// Last parameters of every link: `&Key-Pair-Id=…` and, for SHA-256, `&Hash-Algorithm=SHA256`.
    tail: Arc<str>,
}

impl Signer {
    /// Makes a signer that CloudFront accepts: RSA 2048 or P-256.
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

    /// Makes a signer with RSA of any size, such as the 1024 and 4096 bits of old account key pairs.
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

    /// Returns the id that the links carry.
    pub fn key_pair_id(&self) -> &KeyPairId {
        &self.id
    }

    /// Signs `url`, with a canned policy if only `until` is given, with a custom one otherwise.
    ///
    /// # Errors
    /// A [`SignError`] that names the term that CloudFront would refuse, or the signer's failure.
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

    /// Makes signed cookies.
    ///
    /// `url` is the exact file for canned terms. With `terms.resource` or `terms.policy` it may be `None`; if given, it
    /// is checked against them.
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

    /// Signs a bare RTMP stream name such as `videos/talk` or `mp4:videos/talk.mp4`.
    ///
    /// The `mp4:`, `mp3:` or `flv:` prefix stays in the output but not in the policy (developer guide of 2017,
    /// "streaming distributions"). A resource is a path too: `videos/*`.
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

    /// Makes one signature for many URLs: a custom policy over `terms.resource` (or `terms.policy`).
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

/// Returns the value of `Hash-Algorithm`, if a link has to name one: SHA-1 is the default.
fn hash_name(scheme: SignatureScheme) -> Option<&'static str> {
    let named = scheme.hash().filter(|hash| *hash != HashAlgorithm::Sha1);
    named.map(HashAlgorithm::as_str)
}

/// Checks the form of a signature. External signers differ in what they return, and an error here is
/// clearer than a 403.
fn check_signature(kind: KeyKind, signature: &[u8]) -> Result<(), SignError> {
    let fits = match kind {
        KeyKind::Rsa { bits } => usize::try_from(bits.div_ceil(8)) == Ok(signature.len()),
        // The signature must be an ASN.1 sequence with its length; raw r and s are 64 bytes without one.
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
