//! Classifies headers by the effect of their names on an origin, in every spelling that some server takes for the same
//! name.

use http::{HeaderMap, HeaderName, header};
use std::borrow::Cow;

mod steering_words;

pub(crate) use steering_words::may_steer;

/// Names that are known to steer: they make some servers serve another path, host or scheme than the request line says,
/// use another method, or believe in another viewer than the edge does. Along with [`STEERING_BEGINNINGS`] and
/// [`STEERING_ENDS`], they never reach a bucket, and reach a server only where a policy names them, as do names that
/// contain a word of that kind ([`may_steer`]).
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

/// Returns the name as seen by a server that reads headers from CGI variables: anything but letters and digits becomes
/// the same character (RFC 3875 4.1.18 says so of `-`, and servers do it with the others too).
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

/// Returns true if every server reads the name in the same way: it has only letters, digits and `-`.
pub(crate) fn is_plain(name: &HeaderName) -> bool {
    let mut bytes = name.as_str().bytes();
    bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns true for headers that never cross the edge: those of a single connection (RFC 9110 7.6.1, RFC 9112 6), those
/// that would pass for the edge's or the origin's own (developer guide, "HTTP request headers and CloudFront
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

/// Returns true for headers that the cache handles: conditions and ranges.
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

/// Returns true for headers that the edge writes, even if it uses parts of the viewer's.
pub(crate) fn is_edges_own(name: &HeaderName) -> bool {
    let text = folded(name);
    ["cookie", "host", "via", "x-forwarded-for"].contains(&&*text)
        || text.starts_with("cloudfront-")
}

/// Returns true if the name is that of a header written by the edge, in a spelling that no policy can mean.
pub(crate) fn is_misspelt_own(name: &HeaderName) -> bool {
    is_edges_own(name) && !is_plain(name)
}

/// Returns true if some servers are known to take the path, the method or the viewer from this header, bypassing
/// everything that the edge decided.
pub(crate) fn is_steering(name: &HeaderName) -> bool {
    let text = folded(name);
    let begins = |beginning: &&str| text.starts_with(beginning);
    let ends = |end: &&str| text.ends_with(end);
    STEERING.contains(&&*text)
        || STEERING_BEGINNINGS.iter().any(begins)
        || STEERING_ENDS.iter().any(ends)
}

/// Returns true if the viewer's `Connection` lists the header, which then ends at the edge (RFC 9110 7.6.1).
pub(crate) fn is_nominated(request: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = request.get_all(header::CONNECTION).into_iter();
    values.any(|value| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| is_spelling_of(option.trim_ascii(), name))
    })
}

/// Returns true if a server that folds names takes both for the same.
fn is_spelling_of(option: &[u8], name: &HeaderName) -> bool {
    HeaderName::from_bytes(option).is_ok_and(|option| folded(&option) == folded(name))
}
