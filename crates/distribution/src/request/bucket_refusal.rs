//! Which errors of a bucket are about the edge itself: its keys, its clock, the region or bucket that it is configured
//! for.
//!
//! Such an error says nothing about the object, so it is neither an answer to a viewer nor a reason to forget what is
//! stored (fidelity note F96).

use http::StatusCode;

/// Why a bucket refuses the edge, whatever the viewer has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketRefusal {
    /// The access keys are unknown, revoked, or the secret is another one's.
    Keys,
    /// The session token of temporary keys has expired, or is none.
    Token,
    /// The edge's clock and the bucket's are too far apart.
    Clock,
    /// The bucket is in another region, or behind another endpoint.
    Region,
    /// There is no such bucket.
    Bucket,
    /// The account that the keys or the bucket belong to may do nothing.
    Account,
    /// The bucket, or something in front of it, refuses the request for a reason that is not the object's.
    Unexplained,
}

/// Whether the request carried the edge's own signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSignature {
    /// The edge's.
    Edge,
    /// A viewer's own, or none: what the bucket thinks of that is between the two.
    NotEdge,
}

impl BucketRefusal {
    /// One lower-case token for the operator's log.
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

    /// What is wrong and what to do about it, for the operator.
    pub fn advice(self) -> &'static str {
        match self {
            BucketRefusal::Keys => {
                "it does not take the edge's access keys; check access_key_id and secret_access_key, or where the keys \
                 come from, and reload or restart the edge; if other objects come, what a policy passes on breaks the \
                 signature"
            }
            BucketRefusal::Token => {
                "it does not take the session token of the edge's access keys; get new temporary keys and restart the \
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
                "it refuses the edge, and not for the object's sake; check the access keys, and what stands between the \
                 edge and the bucket"
            }
        }
    }
}

/// Why the response to a request refuses the edge; `None` when it is about the object or the viewer's request.
///
/// `code` is that of the body ([`s3_error_code`]); `None` when there is none. Redirects are the edge's own failing
/// however the request was signed: S3 sends them to those who ask in the wrong place, and never for an object's sake
/// (S3 API reference, "Error responses").
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
            // Which objects a grant of the bucket's policy opens is the object's own affair. All other words for
            // "forbidden" speak of who asks; that includes those that nobody has thought of here.
            403 => match code {
                Some(code) if FORBIDDEN_OBJECT.contains(&code) => None,
                code => code.and_then(named).or(Some(BucketRefusal::Unexplained)),
            },
            // RFC 9110 15.5.2: the credentials are not good.
            401 => code.and_then(named).or(Some(BucketRefusal::Keys)),
            // Most of these are about what the viewer sent.
            400 | 404 | 409 => code.and_then(named),
            _ => None,
        },
    }
}

/// Whether the body has to be looked at before anybody gets it: any error may speak of who has asked.
pub fn may_refuse_edge(status: StatusCode, signature: RequestSignature) -> bool {
    let is_error = status.is_client_error() || status.is_server_error();
    is_redirect(status) || (signature == RequestSignature::Edge && is_error)
}

/// What a viewer gets of an S3 error with this code: the code, and what it means. The rest of it speaks of the edge:
/// its account and role, the canonical request, where the object is in the bucket.
pub fn s3_error_page(code: &str) -> String {
    let message = meaning(code).map_or_else(String::new, |meaning| {
        format!("<Message>{meaning}</Message>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>{message}</Error>"
    )
}

/// In the words of the S3 API reference, "List of error codes".
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

/// Whether a text names somebody's account, role or user at Amazon or a gateway like it (`arn:aws:iam::…`), as an error
/// does that says who may not do what.
pub fn names_identity(text: &[u8]) -> bool {
    text.windows(IDENTITY.len())
        .any(|window| window.eq_ignore_ascii_case(IDENTITY))
}

const IDENTITY: &[u8] = b"arn:";

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// 403 for the object's sake: no right to it (which hides a missing one), archived, a preflight that no rule allows, no
/// room for it.
const FORBIDDEN_OBJECT: [&str; 4] = [
    "AccessDenied",
    "InvalidObjectState",
    "AccessForbidden",
    "QuotaExceeded",
];

/// Codes that speak of the edge (S3 API reference, "List of error codes"; those of Ceph's gateway and MinIO).
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

/// The value of the first `<Code>` in the body of an S3 error: up to 64 letters, digits and dots.
pub fn s3_error_code(body: &[u8]) -> Option<&str> {
    element(body, "Code", |byte| {
        byte.is_ascii_alphanumeric() || byte == b'.'
    })
}

/// The region that an S3 error names as the right one: up to 64 lower-case letters, digits and dashes.
pub fn s3_error_region(body: &[u8]) -> Option<&str> {
    element(body, "Region", is_of_a_region)
}

/// The same, of a header's value.
pub fn region_name(value: &[u8]) -> Option<&str> {
    plain(value, is_of_a_region)
}

fn is_of_a_region(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// The first element of the name, if it has nothing but text of `is_plain` characters: what is printed is not to be
/// what somebody else wrote.
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

/// Codes and regions are a few dozen characters long.
const WORD_SIZE_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
