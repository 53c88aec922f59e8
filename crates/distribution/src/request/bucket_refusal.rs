//! Decides which errors of a bucket are about the edge itself: its keys, its clock, or the region or bucket that it is
//! configured for.
//!
//! Such an error says nothing about the object, so it is neither a response for a viewer nor a reason to drop a stored
//! object (fidelity note F96).

use http::StatusCode;

/// Reason why a bucket refuses the edge, whatever the viewer requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketRefusal {
    /// The access keys are unknown or revoked, or the secret does not match.
    Keys,
    /// The session token of temporary keys has expired, or is not a token.
    Token,
    /// The edge's clock and the bucket's are too far apart.
    Clock,
    /// The bucket is in another region, or behind another endpoint.
    Region,
    /// There is no such bucket.
    Bucket,
    /// The account that owns the keys or the bucket is suspended or has a problem.
    Account,
    /// The bucket, or something in front of it, refuses the request for a reason that does not concern the object.
    Unexplained,
}

/// The owner of a request's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSignature {
    /// The edge signed the request.
    Edge,
    /// The viewer signed the request, or nobody did: the bucket's opinion of it is between the two.
    NotEdge,
}

impl BucketRefusal {
    /// Returns one lower-case token for the operator's log.
    pub fn token(self) -> &'static str {
        match self {
            BucketRefusal::Keys => "origin-refuses-keys",
            BucketRefusal::Token => "origin-refuses-token",
            BucketRefusal::Clock => "origin-refuses-clock",
            BucketRefusal::Region => "origin-wrong-region",
            BucketRefusal::Bucket => "origin-no-such-bucket",
            BucketRefusal::Account => "origin-refuses-account",
            BucketRefusal::Unexplained => "origin-refuses-edge",
        }
    }

    /// Returns the operator's text: the problem, and its remedy.
    pub fn advice(self) -> &'static str {
        match self {
            BucketRefusal::Keys => {
                "it does not accept the edge's access keys; check access_key_id and secret_access_key, or where the \
                 keys come from, and reload or restart the edge; if other objects can be fetched, something that a \
                 policy forwards breaks the \
                 signature"
            }
            BucketRefusal::Token => {
                "it does not accept the session token of the edge's access keys; get new temporary keys and restart the \
                 edge, or let it take them from a role"
            }
            BucketRefusal::Clock => {
                "the clock of this machine and the bucket's are too far apart; set this machine's clock"
            }
            BucketRefusal::Region => {
                "the bucket is elsewhere; set region, and endpoint if there is one, to where it is"
            }
            BucketRefusal::Bucket => {
                "there is no such bucket; check bucket, endpoint and addressing"
            }
            BucketRefusal::Account => {
                "the account of the edge's access keys, or the bucket's, is closed or suspended; ask its provider"
            }
            BucketRefusal::Unexplained => {
                "it refuses the edge, not the object; check the access keys, and whatever is between the edge and \
                 the bucket"
            }
        }
    }
}

/// Returns the reason why a response refuses the edge; `None` when it is about the object or the viewer's request.
///
/// `code` is that of the body ([`s3_error_code`]); `None` when there is none. Redirects are the edge's own fault
/// however the request was signed: S3 sends them to clients that ask at the wrong endpoint, and never because of an
/// object (S3 API reference, "Error responses").
pub fn bucket_refusal(
    status: StatusCode,
    code: Option<&str>,
    signature: RequestSignature,
) -> Option<BucketRefusal> {
    if is_redirect(status) {
        return Some(BucketRefusal::Region);
    }
    match signature {
        RequestSignature::NotEdge => None,
        RequestSignature::Edge => match status.as_u16() {
            // The bucket's policy decides which objects these keys may read, so these codes are about the object. Every
            // other code of a 403 is about the client, including codes that are unknown here.
            403 => match code {
                Some(code) if FORBIDDEN_OBJECT.contains(&code) => None,
                code => code.and_then(named).or(Some(BucketRefusal::Unexplained)),
            },
            // RFC 9110 15.5.2: the credentials are not valid.
            401 => code.and_then(named).or(Some(BucketRefusal::Keys)),
            // Most of these are about the viewer's part of the request.
            400 | 404 | 409 => code.and_then(named),
            _ => None,
        },
    }
}

/// Returns whether the body has to be examined before anybody receives it: any error may be about the client, which is
/// the edge.
pub fn may_refuse_edge(status: StatusCode, signature: RequestSignature) -> bool {
    let is_error = status.is_client_error() || status.is_server_error();
    is_redirect(status) || (signature == RequestSignature::Edge && is_error)
}

/// Returns the part of an S3 error with this code that a viewer gets: the code and its meaning. The rest is about the
/// edge: its account and role, the canonical request, the object's location in the bucket.
pub fn s3_error_page(code: &str) -> String {
    let message = meaning(code).map_or_else(String::new, |meaning| {
        format!("<Message>{meaning}</Message>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>{message}</Error>"
    )
}

/// Returns the text of the S3 API reference, "List of error codes".
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" => "Access Denied",
        "AccessForbidden" => "CORSResponse: This CORS request is not allowed.",
        "BadDigest" => "The Content-MD5 you specified did not match what we received.",
        "EntityTooLarge" => "Your proposed upload exceeds the maximum allowed size.",
        "InternalError" => "We encountered an internal error. Please try again.",
        "InvalidObjectState" => "The operation is not valid for the object's storage class",
        "InvalidRange" => "The requested range is not satisfiable",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "NoSuchKey" => "The specified key does not exist.",
        "NoSuchUpload" => "The specified upload does not exist.",
        "NoSuchVersion" => "The specified version does not exist.",
        "PreconditionFailed" => "At least one of the pre-conditions you specified did not hold",
        "ServiceUnavailable" | "SlowDown" => "Please reduce your request rate.",
        _ => return None,
    })
}

/// Returns whether a text names an account, role or user of Amazon or of a similar gateway (`arn:aws:iam::…`), as an
/// error does that says who may not do what.
pub fn names_identity(text: &[u8]) -> bool {
    text.windows(IDENTITY.len())
        .any(|window| window.eq_ignore_ascii_case(IDENTITY))
}

const IDENTITY: &[u8] = b"arn:";

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Codes of a 403 that is about the object: no permission for it (which hides a missing one), archived, a preflight
/// that no rule allows, no room for it.
const FORBIDDEN_OBJECT: [&str; 4] = [
    "AccessDenied",
    "InvalidObjectState",
    "AccessForbidden",
    "QuotaExceeded",
];

/// Maps the codes that are about the edge (S3 API reference, "List of error codes"; those of Ceph's gateway and MinIO).
fn named(code: &str) -> Option<BucketRefusal> {
    Some(match code {
        "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "AccessKeyDisabled"
        | "InvalidSecurity"
        | "MissingSecurityElement"
        | "MissingSecurityHeader"
        | "Unauthorized"
        | "CredentialsNotSupported"
        | "SignatureVersionNotSupported" => BucketRefusal::Keys,
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "InvalidTokenId" => {
            BucketRefusal::Token
        }
        "RequestTimeTooSkewed" | "RequestExpired" => BucketRefusal::Clock,
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IllegalLocationConstraintException"
        | "InvalidRegion"
        | "IncorrectEndpoint" => BucketRefusal::Region,
        "NoSuchBucket" | "InvalidBucketName" => BucketRefusal::Bucket,
        "NotSignedUp" | "AccountProblem" | "AllAccessDisabled" | "InvalidPayer"
        | "UserSuspended" => BucketRefusal::Account,
        _ => return None,
    })
}

/// Returns the value of the first `<Code>` in the body of an S3 error: up to 64 letters, digits and dots.
pub fn s3_error_code(body: &[u8]) -> Option<&str> {
    element(body, "Code", |byte| {
        byte.is_ascii_alphanumeric() || byte == b'.'
    })
}

/// Returns the region that an S3 error names as the right one: up to 64 lower-case letters, digits and dashes.
pub fn s3_error_region(body: &[u8]) -> Option<&str> {
    element(body, "Region", is_of_a_region)
}

/// Like [`s3_error_region`], for the value of a header.
pub fn region_name(value: &[u8]) -> Option<&str> {
    plain(value, is_of_a_region)
}

fn is_of_a_region(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Returns the text of the first element of this name if all its characters are `is_plain`: the text is printed, and
/// must not be anybody's free text.
fn element<'b>(body: &'b [u8], name: &str, is_plain: fn(u8) -> bool) -> Option<&'b str> {
    let start = after(body, format!("<{name}>").as_bytes())?;
    let rest = body.get(start..)?;
    let end = rest.iter().position(|&byte| byte == b'<')?;
    let (text, closing) = rest.split_at(end);
    if !closing.starts_with(format!("</{name}>").as_bytes()) {
        return None;
    }
    plain(text.trim_ascii(), is_plain)
}

fn plain(text: &[u8], is_plain: fn(u8) -> bool) -> Option<&str> {
    let is_good =
        !text.is_empty() && text.len() <= WORD_SIZE_BYTES_MAX && text.iter().all(|&b| is_plain(b));
    if !is_good {
        return None;
    }
    std::str::from_utf8(text).ok()
}

fn after(body: &[u8], needle: &[u8]) -> Option<usize> {
    let at = body
        .windows(needle.len())
        .position(|window| window == needle)?;
    Some(at + needle.len())
}

/// Maximum size of a code or a region. They are a few dozen characters long.
const WORD_SIZE_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
