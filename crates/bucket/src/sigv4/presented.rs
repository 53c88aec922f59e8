//! The signature that a request presents, in its header or its query, read strictly: each part once, in its form.

use crate::encoding::unhex;
use crate::query::Query;
use crate::sigv4::canonical::{self, Parts};
use crate::sigv4::{ALGORITHM, Claim, Payload, Refusal, Scope, credential, date};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

const SIZE_BYTES_MAX: usize = 4096;
const DIGEST: &str = "x-amz-content-sha256";

/// The head of a request, as it was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) method: &'a Method,
    /// Path, decoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
    /// Header fields, with `host`.
    pub(crate) headers: &'a HeaderMap,
}

/// The place of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `Authorization`.
    Header,
    /// A presigned URL.
    Query,
}

impl Presented<'_> {
    /// Reads the signature and everything that it covers. `now` is in seconds since 1970.
    pub(crate) fn claim(&self, now: i64) -> Result<Claim, Refusal> {
        match self.way()? {
            Way::Header => self.header_claim(now),
            Way::Query => self.query_claim(now),
        }
    }

    fn way(&self) -> Result<Way, Refusal> {
        // An empty field is what some clients send for none.
        let mut authorizations = self.headers.get_all(AUTHORIZATION).iter();
        let in_header = authorizations.any(|value| !value.is_empty());
        let in_query = self.query.has("X-Amz-Signature") || self.query.has("X-Amz-Algorithm");
        match (in_header, in_query) {
            (false, false) => Err(Refusal::Absent),
            (true, false) => Ok(Way::Header),
            (false, true) => Ok(Way::Query),
            (true, true) => Err(Refusal::malformed(
                "Authorization",
                "and a signature in the query are both sent",
            )),
        }
    }

    fn header_claim(&self, now: i64) -> Result<Claim, Refusal> {
        let [scope, signed_headers, signature] = read_authorization(self.headers)?;
        let scope = Scope::read(scope)?;
        let signed_headers = credential::signed_headers(signed_headers)?;
        let signature = read_signature(signature)?;
        self.check_signed(&signed_headers, |_| false)?;
        let amz_date =
            single(self.headers, "x-amz-date")?.ok_or(Refusal::Differs("x-amz-date is missing"))?;
        let signed_at = date::read(amz_date, &scope.date)
            .map_err(|_| Refusal::Differs("x-amz-date is no time of the credential's day"))?;
        date::check_skew(signed_at, now)?;
        let stated = single(self.headers, DIGEST)?.ok_or(Refusal::DigestAbsent)?;
        let payload = read_payload(stated)?;
        let parts = Parts {
            method: self.method.as_str(),
            path: self.path,
            query: &self.query.canonical_without(""),
            headers: self.headers,
            signed_headers: &signed_headers,
            payload: stated,
        };
        Ok(Claim {
            text_to_sign: canonical::text_to_sign(&parts, &scope, amz_date)?,
            amz_date: amz_date.to_owned(),
            scope,
            signature,
            payload,
        })
    }

    fn query_claim(&self, now: i64) -> Result<Claim, Refusal> {
        let parameter = |name: &'static str| {
            let value = self.query.get(name);
            value.ok_or(Refusal::malformed(name, "is missing"))
        };
        if parameter("X-Amz-Algorithm")? != ALGORITHM {
            return Err(Refusal::malformed(
                "X-Amz-Algorithm",
                "is not AWS4-HMAC-SHA256",
            ));
        }
        let scope = Scope::read(parameter("X-Amz-Credential")?)?;
        let signed_headers = credential::signed_headers(parameter("X-Amz-SignedHeaders")?)?;
        let signature = read_signature(parameter("X-Amz-Signature")?)?;
        // The digest may be stated by a client that sends what somebody else has signed; it is checked then.
        self.check_signed(&signed_headers, |name| name == DIGEST)?;
        let amz_date = parameter("X-Amz-Date")?;
        let signed_at = date::read(amz_date, &scope.date)?;
        date::check_expiry(signed_at, parameter("X-Amz-Expires")?, now)?;
        let (signed, payload) = self.payload_of_url(&signed_headers)?;
        let parts = Parts {
            method: self.method.as_str(),
            path: self.path,
            query: &self.query.canonical_without("X-Amz-Signature"),
            headers: self.headers,
            signed_headers: &signed_headers,
            payload: &signed,
        };
        Ok(Claim {
            text_to_sign: canonical::text_to_sign(&parts, &scope, amz_date)?,
            amz_date: amz_date.to_owned(),
            scope,
            signature,
            payload,
        })
    }

    /// Returns the word for the body in the signed text of a presigned URL, and what is to be checked.
    fn payload_of_url(&self, signed_headers: &[String]) -> Result<(String, Payload), Refusal> {
        let sent = single(self.headers, DIGEST)?;
        let is_signed = signed_headers.iter().any(|name| name == DIGEST);
        let signed = match (self.query.get("X-Amz-Content-Sha256"), sent, is_signed) {
            (Some(stated), _, _) | (None, Some(stated), true) => stated,
            (None, _, _) => "UNSIGNED-PAYLOAD",
        };
        let payload = read_payload(signed)?;
        match (payload, sent.map(read_payload).transpose()?) {
            (Payload::Unsigned, Some(sent @ Payload::Digest(_))) => Ok((signed.to_owned(), sent)),
            (Payload::Chunks { .. }, _) | (_, Some(Payload::Chunks { .. })) => Err(
                Refusal::malformed(DIGEST, "says that a presigned body is in chunks"),
            ),
            (payload, None | Some(Payload::Unsigned)) => Ok((signed.to_owned(), payload)),
            (payload, Some(sent)) if payload == sent => Ok((signed.to_owned(), payload)),
            (_, Some(Payload::Digest(_))) => Err(Refusal::Mismatch),
        }
    }

    /// Checks that the signature covers every `x-amz-` header that was sent, and that no temporary key is used.
    fn check_signed(
        &self,
        signed: &[String],
        is_excepted: impl Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        if self.headers.contains_key("x-amz-security-token")
            || self.query.has("X-Amz-Security-Token")
        {
            return Err(Refusal::SecurityToken);
        }
        for name in self.headers.keys().map(http::HeaderName::as_str) {
            // A server behind CGI variables reads `_` as `-`; here such a name means nothing, and nobody may think it
            // does.
            let is_amazons = name.replace('_', "-").starts_with("x-amz-");
            if is_amazons && !is_excepted(name) && !signed.iter().any(|known| known == name) {
                return Err(Refusal::HeaderNotSigned(name.to_owned()));
            }
        }
        Ok(())
    }
}

/// Returns credential, signed headers and signature of the `Authorization` header.
fn read_authorization(headers: &HeaderMap) -> Result<[&str; 3], Refusal> {
    let malformed = |fault| Refusal::malformed("Authorization", fault);
    let value = single(headers, AUTHORIZATION.as_str())?.ok_or(Refusal::Absent)?;
    if value.len() > SIZE_BYTES_MAX {
        return Err(malformed("is too long"));
    }
    if value.starts_with("AWS ") {
        return Err(Refusal::VersionTwo);
    }
    let rest = value
        .strip_prefix(ALGORITHM)
        .and_then(|rest| rest.strip_prefix(' '))
        .ok_or(malformed("is not of the form AWS4-HMAC-SHA256"))?;
    let mut found = [None; 3];
    for part in rest.split(',') {
        let (name, value) = part
            .trim_matches(' ')
            .split_once('=')
            .ok_or(malformed("has a part without ="))?;
        let place = ["Credential", "SignedHeaders", "Signature"]
            .iter()
            .position(|known| *known == name)
            .ok_or(malformed("has an unknown part"))?;
        if found[place].replace(value).is_some() {
            return Err(malformed("has a part twice"));
        }
    }
    let [Some(scope), Some(signed_headers), Some(signature)] = found else {
        return Err(malformed("lacks Credential, SignedHeaders or Signature"));
    };
    Ok([scope, signed_headers, signature])
}

fn read_signature(text: &str) -> Result<[u8; 32], Refusal> {
    let fault = "is not 64 lower-case hexadecimal digits";
    unhex(text.as_bytes()).ok_or(Refusal::malformed("Signature", fault))
}

fn read_payload(text: &str) -> Result<Payload, Refusal> {
    let fault = "is neither a SHA-256 nor a word that is known here";
    Payload::parse(text).ok_or(Refusal::malformed(DIGEST, fault))
}

/// Returns the value of a header field that may be sent once.
fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        (Err(_), _) => Err(Refusal::malformed(name, "is not ASCII")),
        (Ok(_), Some(_)) => Err(Refusal::malformed(name, "is sent twice")),
    }
}
