//! Decides whether a signature is whole: its length alone can show that a link was cut, or signed with another key.

use crate::encoding;
use crate::key::PublicKey;
use crate::scheme::KeyKind;

/// Sizes of common RSA signatures, in bytes.
const RSA_SIZES: [usize; 4] = [128, 256, 384, 512];
/// Size of an ECDSA P-256 signature as two numbers side by side, which is another mistake.
const RAW_ECDSA_SIZE: usize = 64;

/// The reason why a text cannot be a signature of a key, whatever was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The end is missing. The count is in bytes, or in characters if the rest cannot be decoded.
    Cut { found: String },
    /// Something follows the signature.
    Longer { found: String },
    /// The length is that of another key's signatures.
    OtherKey { found: String },
}

impl Misfit {
    /// Returns what was found, in words.
    pub(super) fn found(&self) -> &str {
        match self {
            Misfit::Cut { found } | Misfit::Longer { found } | Misfit::OtherKey { found } => found,
        }
    }

    /// Returns what to do about it. `id` is the key's.
    pub(super) fn hint(&self, id: &str) -> String {
        match self {
            Misfit::Cut { found } => format!(
                "the signature has {found}: the link was truncated; copy all of it, and look for a length limit in \
                 between"
            ),
            Misfit::Longer { found } => format!(
                "the signature has {found}: something was appended to it; use the link as it was signed"
            ),
            Misfit::OtherKey { found } => format!(
                "the signature has {found}: another key than {id} made it; sign with the private key of {id}, or give the \
                 id of the key that signed"
            ),
        }
    }
}

/// Returns the misfit of a decoded signature. `None` if `key` may have signatures of its length.
pub(super) fn misfit(key: &PublicKey, signature: &[u8]) -> Option<Misfit> {
    let length = signature.len();
    match key.kind() {
        KeyKind::Rsa { bits } => {
            let whole = size_bytes(bits);
            let found = format!("{length} of {whole} bytes");
            match length {
                _ if length == whole => None,
                _ if RSA_SIZES.contains(&length) || is_der(signature) => {
                    Some(Misfit::OtherKey { found })
                }
                _ if length < whole => Some(Misfit::Cut { found }),
                _ => Some(Misfit::Longer { found }),
            }
        }
        KeyKind::P256 => {
            let found = |whole: usize| format!("{length} of {whole} bytes");
            match signature {
                [0x30, ..] if is_der(signature) => None,
                _ if length == RAW_ECDSA_SIZE => None,
                _ if RSA_SIZES.contains(&length) => Some(Misfit::OtherKey {
                    found: format!("{length} bytes, as of an RSA key"),
                }),
                [0x30, rest, ..] if usize::from(*rest) + 2 > length => Some(Misfit::Cut {
                    found: found(usize::from(*rest) + 2),
                }),
                [0x30, rest, ..] => Some(Misfit::Longer {
                    found: found(usize::from(*rest) + 2),
                }),
                _ => None,
            }
        }
    }
}

/// Returns the misfit of a text that is not base64, if only its end is missing.
pub(super) fn cut_text(key: &PublicKey, text: &str) -> Option<Misfit> {
    let KeyKind::Rsa { bits } = key.kind() else {
        return None;
    };
    let whole = size_bytes(bits).div_ceil(3) * 4;
    let length = text.len();
    // The rest without padding is whole base64: nothing but the end is wrong with it.
    let left = text.trim_end_matches(['_', '=']);
    // A text that is not ASCII may not be cut just anywhere.
    let even = left.get(..left.len() - left.len() % 4);
    let is_sound = left.is_ascii()
        && even.is_some_and(|even| even.is_empty() || encoding::decode(even).is_some());
    (length < whole && is_sound).then(|| Misfit::Cut {
        found: format!("{length} of {whole} characters"),
    })
}

fn size_bytes(bits: u32) -> usize {
    usize::try_from(bits).unwrap_or(usize::MAX).div_ceil(8)
}

/// True for a sequence that is as long as its header says.
fn is_der(signature: &[u8]) -> bool {
    matches!(signature, [0x30, rest, ..] if usize::from(*rest) + 2 == signature.len())
}
