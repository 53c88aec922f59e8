//! Reasons why nothing was signed.

use crate::policy_error::PolicyError;
use crate::scheme::KeyKind;
use crate::time::Timestamp;

/// The reason why nothing was signed. The text says what to do next and never contains key bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// An external signer failed; the text is its own.
    #[error("the external signer failed: {0}")]
    External(String),
    /// The key refused to sign: a digest of the wrong length, or a damaged key.
    #[error("the key could not sign: check that it is complete")]
    SigningFailed,
    /// An RSA key of a size that CloudFront no longer accepts.
    #[error(
        "CloudFront accepts RSA 2048 and ECDSA P-256, this key is {0}: make a new key, or allow legacy keys"
    )]
    LegacyKey(KeyKind),
    /// A URL that is neither `http://` nor `https://`.
    #[error("not an http or https URL: write it out, with https:// and the host")]
    NotHttp,
    /// A URL that cannot be parsed; the text is the parser's.
    #[error("not a URL that a browser would open: {0}")]
    NotAUrl(String),
    /// White space or control characters around or inside the URL.
    #[error(
        "white space or control characters around or inside the URL: remove them, or percent-encode them"
    )]
    ControlCharacters,
    /// A backslash in the URL.
    #[error("backslash in the URL: browsers turn it into a slash; write / or %5C")]
    Backslash,
    /// `user:password@` in the URL.
    #[error("user:password in the URL is never sent: remove it")]
    UserInfo,
    /// The host of a bucket.
    #[error("{0} is the bucket itself: sign the URL of the distribution in front of it")]
    BucketHost(String),
    /// A parameter in the URL with a name that is reserved for the signature.
    #[error(
        "the URL has its own parameter named {0}: rename it, the name is reserved for the signature"
    )]
    ReservedParameter(&'static str),
    /// A signed URL that would be too long.
    #[error("the signed URL would have {bytes} bytes, the limit is 8192: shorten the URL")]
    TooLong {
        /// Length that it would have had, in bytes.
        bytes: usize,
    },
    /// `*` in a URL that is signed without a resource of its own.
    #[error(
        "'*' needs a resource: give the URL of a file and this as the resource, or write %2A for the character itself"
    )]
    WildcardInUrl,
    /// An expiry of zero.
    #[error("the expiry is not a positive epoch: give seconds since 1970")]
    ExpiryNotPositive,
    /// An expiry or start so far away that it must be milliseconds.
    #[error("{} looks like milliseconds: divide it by 1000", .0.as_secs())]
    Milliseconds(Timestamp),
    /// A time past the year 9999 that is not recognizable as milliseconds of our time.
    #[error("{} is later than the year 9999: give seconds since 1970", .0.as_secs())]
    TooLate(Timestamp),
    /// A start that is not before the expiry.
    #[error("the not-before time {} is not before the expiry {}: the link would never be valid", .from.to_utc(), .until.to_utc())]
    NeverValid {
        /// Requested start.
        from: Timestamp,
        /// Requested expiry.
        until: Timestamp,
    },
    /// An IPv6 address.
    #[error("CloudFront policies support IPv4 only: leave the address out for IPv6 viewers")]
    Ipv6,
    /// Several addresses.
    #[error("one address or one range only: give a CIDR range such as 192.0.2.0/24")]
    IpList,
    /// A text that is not an address.
    #[error("not an IPv4 address or range: give 192.0.2.10 or 192.0.2.0/24")]
    NotAnAddress,
    /// A mask out of range, or not a number.
    #[error("the mask of the range must be 0 to 32, such as 192.0.2.0/24")]
    IpMask,
    /// A resource that opens every file of every distribution that trusts the key.
    #[error("the resource covers every host: name the host, or allow broad policies explicitly")]
    TooBroad,
    /// A resource of a form that CloudFront would not match.
    #[error("the resource must begin with http://, https://, *:// or *: {0}")]
    ResourceShape(String),
    /// `http*://` in the resource of a cookie.
    #[error("cookies cannot have a resource that begins with http*://: write http:// or https://")]
    CookieResourceScheme,
    /// A resource that does not cover the URL.
    #[error("the resource {resource} does not cover {url}: the link would be refused")]
    NotCovered {
        /// Resource of the policy.
        resource: String,
        /// URL in wire form.
        url: String,
    },
    /// A ready-made policy that CloudFront would refuse.
    #[error("the policy would be refused: {0}")]
    Policy(#[from] PolicyError),
    /// A ready-made policy together with other terms.
    #[error(
        "a ready-made policy has its own restrictions: leave out not-before time, address, resource and mark"
    )]
    PolicyAndTerms,
    /// A mark without any field.
    #[error("the mark of the link says nothing: set a field of it, or leave it out")]
    EmptyMark,
    /// A mark that says that the link was made at second 0.
    #[error("the time at which the link was made is not a positive epoch: give seconds since 1970")]
    MadeAtNoTime,
    /// A stamp or custom cookie without resource or policy.
    #[error("a resource is needed: give one such as https://host/videos/*")]
    ResourceMissing,
    /// Cookies without URL, resource or policy.
    #[error("cookies need the URL of a file, a resource, or a policy")]
    NothingToGrant,
    /// A text that is not a stream name.
    #[error(
        "not a stream name: give a path such as mp4:videos/talk, without rtmp://, query or white space"
    )]
    NotAStream,
    /// A resource with scheme or host for a stream.
    #[error(
        "the resource of a stream is its path alone, such as video/*: leave out rtmp:// and the host"
    )]
    StreamResource,
    /// Bytes of the wrong form from an external signer.
    #[error(
        "the signer returned bytes that are not a {0} signature: it must give PKCS#1 v1.5 of full length, or ECDSA as ASN.1 DER"
    )]
    SignatureForm(KeyKind),
    /// `SameSite=None` or `Partitioned` without `Secure`.
    #[error("browsers drop cookies with {0} that are not Secure: set it")]
    CookieNeedsSecure(&'static str),
    /// A cookie attribute with an impossible value.
    #[error("browsers would drop or misread the cookie attribute {0}: check its value")]
    CookieAttribute(&'static str),
}
