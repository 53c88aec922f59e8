//! The words in the names of headers that steer servers. Servers, frameworks and gateways invent such names every year:
//! a list of names is always out of date, while the words are few.

use super::{folded, is_steering};
use http::HeaderName;

/// Words that steer anywhere in a piece of a name: `pathname`, `clientcert`, `camelhttppath`.
const WORDS: [&str; 47] = [
    "accel",
    "addr",
    "admin",
    "apigateway",
    "auth",
    "backend",
    "cert",
    "claim",
    "client",
    "consumer",
    "country",
    "credential",
    "domain",
    "email",
    "forward",
    "geoip",
    "host",
    "https",
    "identity",
    "internal",
    "lambda",
    "login",
    "method",
    "middleware",
    "oidc",
    "original",
    "originating",
    "override",
    "path",
    "prefix",
    "principal",
    "proto",
    "proxied",
    "proxy",
    "redirect",
    "remote",
    "rewrite",
    "root",
    "rout",
    "saml",
    "scheme",
    "sendfile",
    "server",
    "tenant",
    "traversal",
    "upstream",
    "user",
];
/// Words that steer at the beginning or the end of a piece, but occur within others by chance: `baseurl`, not
/// `description`.
const SHORT_WORDS: [&str; 16] = [
    "base", "event", "group", "mount", "port", "query", "role", "scope", "script", "ssl", "sso",
    "subject", "target", "tls", "uri", "url",
];
/// Words that steer only as a whole piece.
const WHOLE_WORDS: [&str; 12] = [
    "context", "dn", "ip", "ipv4", "ipv6", "peerip", "real", "realip", "sourceip", "trueip",
    "verb", "viewerip",
];
/// Names with such words that browsers and common libraries send on their own. They describe the viewer's program, or
/// are credentials to be checked.
const HARMLESS: [&str; 31] = [
    "access-control-request-headers",
    "access-control-request-method",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "connect-protocol-version",
    "last-event-id",
    "max-forwards",
    "next-router-prefetch",
    "next-router-segment-prefetch",
    "next-router-state-tree",
    "origin",
    "priority",
    "referer",
    "upgrade-insecure-requests",
    "user-agent",
    "viewport-width",
    "x-amz-request-payer",
    "x-amz-target",
    "x-amz-user-agent",
    "x-amz-website-redirect-location",
    "x-auth-token",
    "x-client-data",
    "x-client-info",
    "x-client-version",
    "x-goog-api-client",
    "x-goog-user-project",
    "x-ms-client-request-id",
    "x-prototype-version",
    "x-user-agent",
    "x-xhr-referer",
];
/// Prefixes of such names.
const HARMLESS_BEGINNINGS: [&str; 10] = [
    "accept",
    "content-",
    "hx-",
    "if-",
    "sec-",
    "x-amz-copy-source-server-side-encryption-",
    "x-amz-meta-",
    "x-amz-server-side-encryption",
    "x-goog-meta-",
    "x-object-meta-",
];

/// Returns whether a server might take the path, the method or the viewer from this header, judging by the words of its
/// name.
pub(crate) fn may_steer(name: &HeaderName) -> bool {
    if is_steering(name) {
        return true;
    }
    let text = folded(name);
    let is_harmless = HARMLESS.contains(&&*text)
        || HARMLESS_BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning));
    !is_harmless && text.split('-').any(has_steering_word)
}

fn has_steering_word(piece: &str) -> bool {
    let has_short = |word: &&str| piece.starts_with(word) || piece.ends_with(word);
    WORDS.iter().any(|word| piece.contains(word))
        || SHORT_WORDS.iter().any(has_short)
        || WHOLE_WORDS.contains(&piece)
}
