//! Classifies headers by the effect of their names on an origin, in every spelling that some server takes for the same
//! name.

use http::{HeaderMap, HeaderName, header};
use std::borrow::Cow;

mod steering_words;

pub(crate) use steering_words::may_steer;

/// Names that are known to steer: because of them, some servers serve another path, host or scheme than that of the
/// request line, act by another method, or believe in another viewer than the edge does. Together with
/// [`STEERING_BEGINNINGS`] and [`STEERING_ENDS`] they never reach a bucket, and reach a server only where a policy
/// lists them by name. The latter also holds for names that contain a word of that kind ([`may_steer`]).
const STEERING: [&str; 43] = [
    "base-url",
    "cf-visitor",
    "client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "http-client-ip",
    "path-info",
    "path-translated",
    "proxy",
    "remote-addr",
    "remote-user",
    "request-uri",
    "script-name",
    "x-appengine-user-ip",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-cert",
    "x-forwarded",
    "x-host",
    "x-http-destinationurl",
    "x-matched-path",
    "x-method",
    "x-now-route-matches",
    "x-originating-ip",
    "x-override-url",
    "x-path",
    "x-proxy-url",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-request-uri",
    "x-request-url",
    "x-scheme",
    "x-script-name",
    "x-true-ip",
    "x-uri",
    "x-url-scheme",
    "x-webauth-user",
];
/// Prefixes of such names.
const STEERING_BEGINNINGS: [&str; 20] = [
    "camel",
    "cf-",
    "fastly-",
    "ssl-client-",
    "x-accel-",
    "x-appengine-",
    "x-arr-",
    "x-azure-",
    "x-envoy-",
    "x-forwarded-",
    "x-http-",
    "x-invoke-",
    "x-middleware-",
    "x-original-",
    "x-replaced-",
    "x-rewrite-",
    "x-sendfile-",
    "x-ssl-",
    "x-vercel-",
    "x-waws-",
];
/// Suffixes of such names.
const STEERING_ENDS: [&str; 6] = [
    "-client-ip",
    "-connecting-ip",
    "-connecting-ipv6",
    "-connection-ip",
    "-forwarded-for",
    "-override",
];

/// Returns the name as seen by a server that reads headers by way of CGI variables: every character that is neither a
/// letter nor a digit is the same there (RFC 3875 4.1.18 says so of `-`; servers do it to the others too).
pub(crate) fn folded(name: &HeaderName) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name.as_str());
    }
    let fold = |character: char| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '-'
        }
    };
    Cow::Owned(name.as_str().chars().map(fold).collect())
}

/// Returns whether the name has only one spelling for all readers: letters, digits and `-`.
pub(crate) fn is_plain(name: &HeaderName) -> bool {
    let mut bytes = name.as_str().bytes();
    bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns whether a header never crosses the edge: those of one connection (RFC 9110 7.6.1, RFC 9112 6), those that
/// would pass for statements of the edge or the origin (developer guide, "HTTP request headers and CloudFront
/// behavior"), and `Expect`.
pub(crate) fn is_never_forwarded(name: &HeaderName) -> bool {
    const OTHERS: [&str; 5] = [
        "keep-alive",
        "proxy-connection",
        "http2-settings",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    const KNOWN: [HeaderName; 9] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    let text = folded(name);
    KNOWN.iter().any(|known| known.as_str() == text)
        || OTHERS.contains(&&*text)
        || text.starts_with("x-edge-")
        || text.starts_with("x-amz-cf-")
}

/// Returns whether a header is the cache's own matter: conditions and ranges.
pub(crate) fn is_of_the_cache(name: &HeaderName) -> bool {
    const KNOWN: [HeaderName; 6] = [
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ];
    let text = folded(name);
    KNOWN.iter().any(|known| known.as_str() == text) || text == "request-range"
}

/// Returns whether the edge writes the header, even if with pieces of the viewer's.
pub(crate) fn is_edges_own(name: &HeaderName) -> bool {
    let text = folded(name);
    ["cookie", "host", "via", "x-forwarded-for"].contains(&&*text)
        || text.starts_with("cloudfront-")
}

/// Returns whether a name is that of a header that the edge writes, in a spelling that a policy cannot mean.
pub(crate) fn is_misspelt_own(name: &HeaderName) -> bool {
    is_edges_own(name) && !is_plain(name)
}

/// Returns whether some servers are known to take the path, the method or the viewer from this header, past everything
/// that was decided here.
pub(crate) fn is_steering(name: &HeaderName) -> bool {
    let text = folded(name);
    let begins = |beginning: &&str| text.starts_with(beginning);
    let ends = |end: &&str| text.ends_with(end);
    STEERING.contains(&&*text)
        || STEERING_BEGINNINGS.iter().any(begins)
        || STEERING_ENDS.iter().any(ends)
}

/// Returns whether the viewer's `Connection` names the header, which then ends at the edge (RFC 9110 7.6.1).
pub(crate) fn is_nominated(request: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = request.get_all(header::CONNECTION).into_iter();
    values.any(|value| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| is_spelling_of(option.trim_ascii(), name))
    })
}

/// Returns whether both are the same name to a server that folds them.
fn is_spelling_of(option: &[u8], name: &HeaderName) -> bool {
    HeaderName::from_bytes(option).is_ok_and(|option| folded(&option) == folded(name))
}
