//! Puts objects of the edge's own into buckets: log files.

use super::fault::{OriginFault, OriginFaultKind};
use super::refusal::{Judged, Refused};
use super::{OriginCall, OriginClient, OriginRequestBody};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use privet_distribution::config::Origin;
use privet_distribution::request::s3_error_code;
use privet_sign::Scheme;
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// Time limit for one object: it has at most some megabytes.
const DEPOSIT_TIMEOUT: Duration = Duration::from_secs(120);
/// Maximum number of bytes that are read of an error.
const ERROR_SIZE_BYTES_MAX: usize = 16 * 1024;
/// All characters that a key is not sent with; the client encodes what is left for the signature.
const ENCODED_IN_KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// An object to be put into a bucket.
#[derive(Debug)]
pub(crate) struct Deposit<'d> {
    pub(crate) key: &'d str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Reason why an object was not put.
#[derive(Debug)]
pub(crate) enum DepositFault {
    /// There was no response, or there are no keys to sign with.
    Failed(OriginFault),
    /// The bucket refuses the edge itself.
    Refused(Refused),
    /// The bucket refuses this request.
    Status(StatusCode, Option<String>),
}

impl DepositFault {
    /// Returns a word for the kind of fault.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            DepositFault::Failed(fault) if fault.kind == OriginFaultKind::Credentials => "no-keys",
            DepositFault::Failed(_) => "unreached",
            DepositFault::Refused(_) => "refuses-edge",
            DepositFault::Status(_, _) => "refused",
        }
    }
}

impl fmt::Display for DepositFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DepositFault::Failed(fault) if fault.kind == OriginFaultKind::Credentials => formatter
                .write_str(
                    "there are no valid access keys for it; set access_key_id and secret_access_key at the bucket, \
                     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
                ),
            DepositFault::Failed(fault) => write!(formatter, "{fault}"),
            DepositFault::Refused(refused) => write!(formatter, "{refused}"),
            DepositFault::Status(status, code) => {
                write!(formatter, "the bucket answers {}", status.as_u16())?;
                if let Some(code) = code {
                    write!(formatter, " {code}")?;
                }
                match status.as_u16() {
                    403 => formatter.write_str("; its keys need s3:PutObject"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl OriginClient {
    /// Puts an object into a bucket, signed with its keys and with the digest of its bytes.
    pub(crate) async fn deposit(
        &self,
        bucket: &Origin,
        deposit: Deposit<'_>,
    ) -> Result<(), DepositFault> {
        let putting = self.put(bucket, deposit);
        let late = || DepositFault::Failed(OriginFaultKind::ResponseTimeout.into());
        timeout(DEPOSIT_TIMEOUT, putting)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn put(&self, bucket: &Origin, deposit: Deposit<'_>) -> Result<(), DepositFault> {
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_static(deposit.content_type);
        headers.insert(CONTENT_TYPE, content_type);
        if let Ok(digest) = HeaderValue::try_from(hexadecimal(&deposit.bytes)) {
            headers.insert("x-amz-content-sha256", digest);
        }
        let call = OriginCall {
            method: Method::PUT,
            target: format!("/{}", utf8_percent_encode(deposit.key, ENCODED_IN_KEY)),
            headers,
            body: OriginRequestBody::Memory(Bytes::from(deposit.bytes)),
            viewer_scheme: Scheme::Https,
            viewer: None,
        };
        let judged = self.ask(bucket, call).await;
        let mut response = match judged.map_err(DepositFault::Failed)? {
            Judged::Refused(refused) => return Err(DepositFault::Refused(refused)),
            Judged::Response(response) => response,
        };
        if response.status.is_success() {
            response.body.discard();
            return Ok(());
        }
        let text = response.body.look_ahead(ERROR_SIZE_BYTES_MAX).await;
        let code = text
            .ok()
            .and_then(|text| text.whole().and_then(s3_error_code).map(str::to_owned));
        Err(DepositFault::Status(response.status, code))
    }
}

/// Returns the SHA-256 digest of some bytes in hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
