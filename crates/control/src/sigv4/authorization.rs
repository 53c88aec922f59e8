//! The `Authorization` header of a signature, read strictly: each part once, in its form, and nothing else.

use crate::sigv4::{ALGORITHM, Refusal};
use http::HeaderMap;
use http::header::AUTHORIZATION;

const SIZE_BYTES_MAX: usize = 4096;
const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;
const REGION_LENGTH_MAX: usize = 64;
const SIGNED_HEADERS_MAX: usize = 100;

/// The parts of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) access_key_id: String,
    /// Day of the signature, `YYYYMMDD`.
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    /// Lower-case names, sorted, each once.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; 32],
}

impl Authorization {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Refusal::Absent)?;
        if values.next().is_some() {
            return Err(Refusal::malformed("Authorization", "is sent twice"));
        }
        let text = value
            .to_str()
            .ok()
            .filter(|text| text.len() <= SIZE_BYTES_MAX)
            .ok_or(Refusal::malformed(
                "Authorization",
                "is too long, or not ASCII",
            ))?;
        let (algorithm, rest) = text.split_once(' ').ok_or(Refusal::Absent)?;
        if algorithm != ALGORITHM {
            return Err(Refusal::Absent);
        }
        Authorization::parse(rest)
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut credential = None;
        let mut signed_headers = None;
        let mut signature = None;
        for part in text.split(',') {
            let (name, value) = part
                .trim_matches(' ')
                .split_once('=')
                .ok_or(Refusal::malformed("Authorization", "has a part without ="))?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(Refusal::malformed("Authorization", "has an unknown part")),
            };
            if slot.replace(value).is_some() {
                return Err(Refusal::malformed("Authorization", "has a part twice"));
            }
        }
        let [access_key_id, date, region, service] =
            read_credential(credential.ok_or(Refusal::malformed("Credential", "is missing"))?)?;
        let signed_headers =
            signed_headers.ok_or(Refusal::malformed("SignedHeaders", "are missing"))?;
        let signature = signature.ok_or(Refusal::malformed("Signature", "is missing"))?;
        Ok(Authorization {
            access_key_id,
            date,
            region,
            service,
            signed_headers: read_signed_headers(signed_headers)?,
            signature: read_signature(signature)?,
        })
    }

    pub(super) fn scope(&self) -> String {
        let Authorization {
            date,
            region,
            service,
            ..
        } = self;
        format!("{date}/{region}/{service}/aws4_request")
    }

    pub(super) fn check_service(&self, services: &[&str]) -> Result<(), Refusal> {
        match services.contains(&self.service.as_str()) {
            true => Ok(()),
            false => Err(Refusal::Service),
        }
    }

    /// Checks that the signature covers the host, every `x-amz-` header that was sent, and these others if they were
    /// sent.
    pub(super) fn check_headers(
        &self,
        headers: &HeaderMap,
        signed_if_sent: &[&str],
    ) -> Result<(), Refusal> {
        if !self.covers("host") {
            return Err(Refusal::malformed("SignedHeaders", "lack host"));
        }
        if headers.contains_key("x-amz-security-token") {
            return Err(Refusal::SecurityToken);
        }
        let mut names = headers.keys().map(http::HeaderName::as_str);
        if names.any(|name| name.starts_with("x-amz-") && !self.covers(name)) {
            return Err(Refusal::malformed(
                "SignedHeaders",
                "lack an x-amz- header that was sent",
            ));
        }
        let mut names = signed_if_sent.iter();
        if names.any(|name| headers.contains_key(*name) && !self.covers(name)) {
            return Err(Refusal::malformed(
                "SignedHeaders",
                "lack a header that must be signed if it is sent",
            ));
        }
        Ok(())
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }
}

fn read_credential(text: &str) -> Result<[String; 4], Refusal> {
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
    let is_name = |name: &str| {
        (1..=REGION_LENGTH_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_name(region) || !is_name(service) {
        return Err(malformed("has no region or no service"));
    }
    Ok([id, date, region, service].map(|part| (*part).to_owned()))
}

fn read_signed_headers(text: &str) -> Result<Vec<String>, Refusal> {
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
    Ok(names)
}

fn read_signature(text: &str) -> Result<[u8; 32], Refusal> {
    let malformed = || Refusal::malformed("Signature", "is not 64 lower-case hexadecimal digits");
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return Err(malformed());
    }
    let mut signature = [0; 32];
    for (byte, digits) in signature.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let high = nibble(digits[0]).ok_or_else(malformed)?;
        let low = nibble(digits[1]).ok_or_else(malformed)?;
        *byte = (high << 4) | low;
    }
    Ok(signature)
}
