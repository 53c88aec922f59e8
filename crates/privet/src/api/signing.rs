//! Signs an operator's request (AWS Signature Version 4), so that the secret itself never leaves this machine.

use crate::api_fault::ApiFault;
use aws_lc_rs::digest;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use privet_store::Secret;
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::{Context, SignRequest};

const SERVICE: &str = "privet";
/// The interface takes any region.
const REGION: &str = "us-east-1";
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// All characters but the unreserved ones and slashes (Signature Version 4, "UriEncode").
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Adds the signature of everything that the request has, its body included.
///
/// # Errors
/// [`ApiFault::Signature`], for an access key with characters that no header has.
pub(super) async fn sign(
    parts: &mut Parts,
    body: &[u8],
    (access_key_id, secret_access_key): (&str, &Secret),
) -> Result<(), ApiFault> {
    let fault = |error: &dyn std::fmt::Display| ApiFault::Signature(error.to_string());
    let digest = digest::digest(&digest::SHA256, body);
    let pairs = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    let digest = HeaderValue::try_from(pairs.collect::<String>()).map_err(|error| fault(&error))?;
    parts.headers.insert(CONTENT_SHA256, digest);
    let credential = Credential {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret_access_key.expose().to_owned(),
        session_token: None,
        expires_in: None,
    };
    let mut signed = encoded_once_more(parts).map_err(|error| fault(&error))?;
    RequestSigner::new(SERVICE, REGION)
        .sign_request(&Context::new(), &mut signed, Some(&credential), None)
        .await
        // The error's own text may quote the credential.
        .map_err(|error| fault(&error.kind()))?;
    parts.headers = signed.headers;
    Ok(())
}

/// Returns the request as it is signed. All services but S3 sign a path that is encoded once more, and the signer's
/// rule for paths is that of S3: it decodes them once.
fn encoded_once_more(parts: &Parts) -> Result<Parts, http::Error> {
    let path = utf8_percent_encode(parts.uri.path(), ENCODED_IN_PATH).to_string();
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    // The signer wants an absolute URI, and takes the host from the header where there is one.
    let host = parts
        .headers
        .get(HOST)
        .map_or(&[][..], HeaderValue::as_bytes);
    let uri = Uri::builder()
        .scheme("https")
        .authority(host)
        .path_and_query(target);
    let mut request = Request::builder()
        .method(parts.method.clone())
        .uri(uri.build()?)
        .body(())?;
    *request.headers_mut() = parts.headers.clone();
    Ok(request.into_parts().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{CONTENT_TYPE, IF_MATCH};
    use privet_control::sigv4::{Claim, Refusal, SignedRequest};

    const SECRET: &str = "hunter2";

    fn parts(target: &str) -> Parts {
        let request = Request::builder()
            .method("PUT")
            .uri(target)
            .header(HOST, "cdn.example.com:9443")
            .header(CONTENT_TYPE, "application/json")
            .header(IF_MATCH, "\"E1\"");
        request.body(()).unwrap().into_parts().0
    }

    fn verify(parts: &Parts, body: &[u8], secret: &str) -> Result<String, Refusal> {
        let now = crate::moment::now().as_secs();
        let claim = Claim::read(
            &SignedRequest {
                method: &parts.method,
                path: parts.uri.path(),
                query: parts.uri.query().unwrap_or_default(),
                headers: &parts.headers,
                body,
                services: &["privet"],
                signed_if_sent: &["if-match"],
            },
            i64::try_from(now).unwrap(),
        )?;
        claim
            .verify(Some(secret))
            .map(|verified| verified.access_key_id)
    }

    #[track_caller]
    fn check(target: &str, body: &[u8]) {
        let mut parts = parts(target);
        let secret = Secret::new(SECRET);
        let runtime = crate::store_access::runtime().unwrap();
        runtime
            .block_on(sign(&mut parts, body, ("PRIVETX", &secret)))
            .unwrap();
        assert_eq!(
            verify(&parts, body, SECRET),
            Ok("PRIVETX".to_owned()),
            "{target}"
        );
        assert_eq!(verify(&parts, body, "other"), Err(Refusal::Mismatch));
        assert!(verify(&parts, b"another body", SECRET).is_err());
        let mut other = parts.clone();
        other
            .headers
            .insert(IF_MATCH, HeaderValue::from_static("\"E2\""));
        assert_eq!(verify(&other, body, SECRET), Err(Refusal::Mismatch));
        assert!(!format!("{parts:?}").contains(SECRET));
    }

    #[test]
    fn the_interface_accepts_what_is_signed_here_and_nothing_else() {
        check("/v1/distributions", b"");
        check("/v1/distributions?limit=200&after=E1", b"{\"id\":\"E1\"}");
        check("/v1/keys/a%20b%2Fc%25~", b"");
        check(
            "/v1/changes?operator=a%40b&from=2030-01-01T00%3A00%3A00Z",
            b"",
        );
    }
}
