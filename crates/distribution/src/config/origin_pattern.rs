//! Patterns of origins in CORS policies.

/// Returns true if `text` is valid in `allow_origins`: `*`, an origin, or one with `*.` before the host or `*` for the
/// port. Without a scheme it covers both.
pub(crate) fn is_origin_pattern(text: &str) -> bool {
    let (scheme, host, port) = split_origin(text);
    let is_scheme = matches!(scheme, None | Some("http" | "https"));
    let bare = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let is_ipv6 = bare.starts_with('[') && bare.ends_with(']');
    let is_port = |port: &str| port == "*" || port.parse::<u16>().is_ok();
    text == "*"
        || (is_scheme && (is_ipv6 || bare.split('.').all(is_label)) && port.is_none_or(is_port))
}

/// Returns true if `pattern` covers `origin`, the value of the `Origin` header.
pub(crate) fn origin_matches(pattern: &str, origin: &str) -> bool {
    let (wanted_scheme, wanted_host, wanted_port) = split_origin(pattern);
    let (scheme, host, port) = split_origin(origin);
    let is_scheme = wanted_scheme
        .is_none_or(|wanted| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(wanted)));
    let is_host = match wanted_host.strip_prefix('*') {
        // The rest begins with a dot, so `evil-example.com` is not below `*.example.com`.
        Some(rest) => {
            host.len() > rest.len()
                && host.is_char_boundary(host.len() - rest.len())
                && host[host.len() - rest.len()..].eq_ignore_ascii_case(rest)
        }
        None => host.eq_ignore_ascii_case(wanted_host),
    };
    is_scheme && is_host && (wanted_port == Some("*") || wanted_port == port)
}

/// Splits an origin into scheme, host and port.
fn split_origin(text: &str) -> (Option<&str>, &str, Option<&str>) {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    match rest.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((host, port)) if !port.contains(']') => (scheme, host, Some(port)),
        Some(_) | None => (scheme, rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, origin: &str, expected: bool) {
        assert!(is_origin_pattern(pattern), "{pattern}");
        assert_eq!(
            origin_matches(pattern, origin),
            expected,
            "{pattern} {origin}"
        );
    }

    #[test]
    fn patterns_that_are_none() {
        for bad in [
            "",
            "https://",
            "example.*",
            "test.*.example.org",
            "exa*mple.org",
            "ftp://example.org",
            "https://example.org/",
            "https://example.org:http",
        ] {
            assert!(!is_origin_pattern(bad), "{bad}");
        }
        assert!(is_origin_pattern("*"));
    }

    #[test]
    fn origins_below_a_domain() {
        check("https://*.example.com", "https://evil-example.com", false);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://.example.com.evil", false);
        check("https://*.example.com", "http://a.example.com", false);
        check("https://*.example.com", "https://a.example.com:8443", false);
        check("https://example.com", "null", false);
        check("https://example.com", "https://example.com.evil", false);
        check("https://*.example.com", "https://a.b.example.com", true);
        check(
            "https://*.example.com:*",
            "https://a.example.com:8443",
            true,
        );
        check("*.example.com", "http://a.example.com", true);
        check("https://Example.com", "https://example.com", true);
        check("http://[::1]:3000", "http://[::1]:3000", true);
    }
}
