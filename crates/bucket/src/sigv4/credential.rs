//! The credential of a signature: id of the key, and the scope in which its signing key is good.
//!
//! The operators' side reads the same grammar for its own services. The two share no crate on purpose: neither knows
//! the other, and a common one would be for these lines alone.

use crate::sigv4::Refusal;

const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;
const REGION_LENGTH_MAX: usize = 64;
const SIGNED_HEADERS_MAX: usize = 100;

/// Key, day and region of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key_id: String,
    /// Day of the signature, `YYYYMMDD`.
    pub(crate) date: String,
    pub(crate) region: String,
}

impl Scope {
    /// Reads `ID/DATE/REGION/s3/aws4_request`.
    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let malformed = |fault| Refusal::malformed("Credential", fault);
        let parts: Vec<&str> = text.split('/').collect();
        let [id, date, region, service, "aws4_request"] = parts.as_slice() else {
            return Err(malformed("is not ID/DATE/REGION/SERVICE/aws4_request"));
        };
        let is_id = (1..=ACCESS_KEY_ID_LENGTH_MAX).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_id {
            return Err(malformed("has no access key id"));
        }
        if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed("has no date"));
        }
        let is_region = (1..=REGION_LENGTH_MAX).contains(&region.len())
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_region {
            return Err(malformed("has no region"));
        }
        if *service != "s3" {
            return Err(malformed("is of another service than s3"));
        }
        Ok(Scope {
            access_key_id: (*id).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
        })
    }

    /// Returns the scope as it is signed.
    pub(super) fn text(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.date, self.region)
    }
}

/// Reads the names of the header fields that are signed: in lower case, sorted, each once, `host` among them.
pub(super) fn signed_headers(text: &str) -> Result<Vec<String>, Refusal> {
    let malformed = |fault| Refusal::malformed("SignedHeaders", fault);
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    if names.len() > SIGNED_HEADERS_MAX {
        return Err(malformed("are too many"));
    }
    let is_name = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
            })
    };
    if !names.iter().all(is_name) {
        return Err(malformed("are not lower-case names"));
    }
    if !names.is_sorted_by(|one, next| one < next) {
        return Err(malformed("are not sorted, or have a name twice"));
    }
    if !names.iter().any(|name| name == "host") {
        return Err(malformed("lack host"));
    }
    Ok(names)
}
