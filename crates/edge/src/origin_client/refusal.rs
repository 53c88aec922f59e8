//! Responses of buckets that refuse the edge itself: found before a viewer sees a byte of them, and reported to the
//! operator.
//!
//! The rules for these responses are in `privet-distribution`.

use super::fault::{OriginFault, OriginFaultKind};
use super::{OriginCall, OriginRequestBody, OriginResponse};
use crate::notices::{NoticeCode, Notices};
use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, ETAG, RANGE,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use privet_distribution::RangeSpec;
use privet_distribution::config::Origin;
use privet_distribution::request::{
    BucketRefusal, RequestSignature, bucket_refusal, may_refuse_edge, names_identity, region_name,
    s3_error_code, s3_error_page, s3_error_region,
};
use std::fmt;
use std::sync::Arc;
use tokio::time::timeout;

/// Maximum number of bytes that are read of an error before it is passed on. S3's errors have about a kilobyte, or two
/// or three with the canonical request.
const ERROR_SIZE_BYTES_MAX: usize = 16 * 1024;
/// Minimum length of a secret that is searched for. Amazon's key ids have sixteen characters and more, tokens hundreds.
const SECRET_SIZE_BYTES_MIN: usize = 8;

const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

const XML: HeaderValue = HeaderValue::from_static("application/xml");
/// Fields about the text of an error, which is replaced.
const OF_THE_TEXT: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LANGUAGE, ETAG, TRANSFER_ENCODING];

/// The signer of a request, and the edge's credentials that went with it.
#[derive(Debug)]
pub(super) enum Signer {
    /// Nobody, or the viewer.
    NotEdge,
    Edge {
        access_key_id: String,
        session_token: Option<String>,
    },
}

impl Signer {
    fn signature(&self) -> RequestSignature {
        match self {
            Signer::NotEdge => RequestSignature::NotEdge,
            Signer::Edge { .. } => RequestSignature::Edge,
        }
    }

    /// Returns true if a text repeats a secret of the edge and the bucket. It is not for viewers then, whatever the
    /// error means.
    fn is_given_away_by(&self, text: &[u8]) -> bool {
        let has = |secret: &str| {
            let secret = secret.as_bytes();
            // Shorter words occur by chance.
            secret.len() >= SECRET_SIZE_BYTES_MIN
                && text.windows(secret.len()).any(|window| window == secret)
        };
        match self {
            Signer::NotEdge => false,
            Signer::Edge {
                access_key_id,
                session_token,
            } => has(access_key_id) || session_token.as_deref().is_some_and(has),
        }
    }

    /// Returns true if a text repeats such a secret, or names the edge's identity.
    fn is_told_by(&self, text: &[u8]) -> bool {
        self.is_given_away_by(text) || names_identity(text)
    }

    /// Reduces an error to what it says about the object.
    fn withhold(&self, response: &mut OriginResponse, code: Option<&str>) {
        let telling: Vec<HeaderName> = response
            .headers
            .iter()
            .filter(|(name, value)| **name == BUCKET_REGION || self.is_told_by(value.as_bytes()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in telling {
            response.headers.remove(name);
        }
        let Some(code) = code else { return };
        let page = s3_error_page(code);
        for name in OF_THE_TEXT {
            response.headers.remove(name);
        }
        response.headers.insert(CONTENT_TYPE, XML);
        response
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
        response.body.replace_whole(page);
    }
}

/// A bucket's refusal of the edge. Its texts are plain: nothing but letters, digits, dots and dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) cause: BucketRefusal,
    status: StatusCode,
    code: Option<String>,
    /// Region of the bucket, if the response names it.
    region: Option<String>,
}

impl Refused {
    /// Returns the refusal of a HEAD that found no bucket.
    pub(super) fn without_bucket() -> Self {
        Refused {
            cause: BucketRefusal::Bucket,
            status: StatusCode::NOT_FOUND,
            code: None,
            region: None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(formatter, " {code}")?;
        }
        write!(formatter, ": {}", self.cause.advice())?;
        match &self.region {
            Some(region) => write!(formatter, " (the bucket names the region {region})"),
            None => Ok(()),
        }
    }
}

/// A response, or the refusal that it turned out to be.
#[derive(Debug)]
pub(super) enum Judged {
    Response(Box<OriginResponse>),
    Refused(Refused),
}

/// Inspects a response before it is used. The inspected bytes of its body are still read by those who get it.
///
/// Errors: the body that has to be inspected does not arrive.
pub(super) async fn judge(
    origin: &Origin,
    signer: &Signer,
    mut response: OriginResponse,
) -> Result<Judged, OriginFault> {
    let signature = signer.signature();
    if !may_refuse_edge(response.status, signature) {
        return Ok(Judged::Response(Box::new(response)));
    }
    let looking = response.body.look_ahead(ERROR_SIZE_BYTES_MAX);
    let text = timeout(origin.patience.response_timeout, looking)
        .await
        .unwrap_or(Err(OriginFault::from(OriginFaultKind::ResponseTimeout)))?;
    // A longer text is no error of S3's, whatever it begins with.
    let code = text.whole().and_then(s3_error_code);
    let given_away = || {
        // A 404 repeats the path, which the viewer chooses.
        let is_path = response.status == StatusCode::NOT_FOUND;
        let gives_away = !is_path && signer.is_given_away_by(text.bytes());
        // Without a code there is no page to replace the text with.
        let tells = code.is_none() && signer.is_told_by(text.bytes()) && !is_path;
        (gives_away || tells).then_some(BucketRefusal::Unexplained)
    };
    let cause = bucket_refusal(response.status, code, signature).or_else(given_away);
    let Some(cause) = cause else {
        signer.withhold(&mut response, code);
        return Ok(Judged::Response(Box::new(response)));
    };
    let refused = Refused {
        cause,
        status: response.status,
        code: code.map(str::to_owned),
        region: region(&response.headers, text.bytes()),
    };
    response.body.discard();
    Ok(Judged::Refused(refused))
}

fn region(headers: &HeaderMap, text: &[u8]) -> Option<String> {
    let header = headers.get(BUCKET_REGION);
    header
        .and_then(|value| region_name(value.as_bytes()))
        .or_else(|| s3_error_region(text))
        .map(str::to_owned)
}

/// Returns the GET that explains a HEAD's 400, 401 or 403, which has no body. It requests one byte.
pub(super) fn telling(call: &OriginCall) -> Option<OriginCall> {
    match &call.body {
        OriginRequestBody::Empty if call.method == Method::HEAD => {}
        OriginRequestBody::Empty | OriginRequestBody::Memory(_) | OriginRequestBody::Viewer(_) => {
            return None;
        }
    }
    let mut headers = call.headers.clone();
    headers.insert(RANGE, RangeSpec::FIRST_BYTE.to_header_value());
    Some(OriginCall {
        method: Method::GET,
        target: call.target.clone(),
        headers,
        body: OriginRequestBody::Empty,
        viewer_scheme: call.viewer_scheme,
        viewer: call.viewer,
    })
}

/// Returns true if a HEAD has to be explained by a GET. A 404 does not: missing objects are requested too often, and
/// every other request reveals a missing bucket.
pub(super) fn needs_telling(status: StatusCode, signer: &Signer) -> bool {
    signer.signature() == RequestSignature::Edge && matches!(status.as_u16(), 400 | 401 | 403)
}

/// Reports origins to the operator: viewers only see that a connection failed.
#[derive(Debug)]
pub(super) struct RefusalComplaints(Arc<Notices>);

impl RefusalComplaints {
    pub(super) fn new(notices: Arc<Notices>) -> Self {
        RefusalComplaints(notices)
    }

    /// Reports an origin that refuses the edge itself.
    pub(super) fn hear(&self, origin: &Origin, refused: &Refused) {
        let whom = whom(origin);
        let about = format!("{whom} {:?}", refused.cause);
        self.0.tell_of(NoticeCode::OriginRefuses, &about, |_| {
            format!(
                "{whom} refuses the edge itself, {refused}; meanwhile viewers get cached objects, or 502"
            )
        });
    }

    /// Reports an origin that is not reached, or for which there are no keys. Faults on an open connection may be about
    /// one object.
    pub(super) fn hear_fault(&self, origin: &Origin, fault: OriginFault) {
        let whom = whom(origin);
        let about = format!("{whom} {:?}", fault.kind);
        if fault.kind == OriginFaultKind::Credentials {
            self.0.tell_of(NoticeCode::OriginKeys, &about, |_| {
                "no valid access keys for a bucket; set access_key_id and secret_access_key at the origin, \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
                    .to_owned()
            });
        }
        if let Some(text) = unreached(&whom, fault) {
            self.0
                .tell_of(NoticeCode::OriginUnreached, &about, |_| text);
        }
    }
}

/// Names an origin in a report, with nothing of a request.
fn whom(origin: &Origin) -> String {
    format!("{} (origin {})", origin.source.place(), origin.id)
}

/// Returns the report of a fault; `None` for faults that do not keep every request from the origin.
fn unreached(whom: &str, fault: OriginFault) -> Option<String> {
    let status = match fault.kind {
        OriginFaultKind::Dns | OriginFaultKind::Connect | OriginFaultKind::Tls => 502,
        OriginFaultKind::ConnectTimeout => 504,
        OriginFaultKind::ResponseTimeout
        | OriginFaultKind::Closed
        | OriginFaultKind::Truncated
        | OriginFaultKind::InvalidHead
        | OriginFaultKind::HeadTooLarge
        | OriginFaultKind::InvalidTarget
        | OriginFaultKind::RequestBody
        | OriginFaultKind::RequestBodyTimeout
        | OriginFaultKind::Capacity
        | OriginFaultKind::Credentials
        | OriginFaultKind::Refused(_) => return None,
    };
    Some(format!(
        "{whom} cannot be reached: {fault}; meanwhile viewers get cached objects, or {status}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: OriginFaultKind, expected: Option<&str>) {
        let told = unreached("server http://a:80 (origin web)", kind.into());
        assert_eq!(told.as_deref(), expected);
    }

    #[test]
    fn an_origin_that_is_not_reached_is_told_with_its_cause() {
        check(OriginFaultKind::ResponseTimeout, None);
        check(OriginFaultKind::Truncated, None);
        check(OriginFaultKind::Credentials, None);
        check(
            OriginFaultKind::Connect,
            Some(
                "server http://a:80 (origin web) cannot be reached: cannot connect to the origin; check host and port; \
                 meanwhile viewers get cached objects, or 502",
            ),
        );
        check(
            OriginFaultKind::Dns,
            Some(
                "server http://a:80 (origin web) cannot be reached: the origin's host name does not resolve; check its \
                 spelling; meanwhile viewers get cached objects, or 502",
            ),
        );
        check(
            OriginFaultKind::ConnectTimeout,
            Some(
                "server http://a:80 (origin web) cannot be reached: the connection to the origin timed out; meanwhile \
                 viewers get cached objects, or 504",
            ),
        );
    }
}
