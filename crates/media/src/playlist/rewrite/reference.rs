//! References to URIs (RFC 3986 5.2), as far as playlists need them.

/// Returns true if a reference may carry a query: it is relative, or has the scheme `http` or `https`. `skd:`, `data:`
/// and `urn:` may not.
pub(super) fn can_be_signed(reference: &str) -> bool {
    let is_http =
        |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    !reference.is_empty() && scheme(reference).is_none_or(is_http)
}

/// Resolves `reference` against `base` (RFC 3986 5.2); either may be relative. Dot segments stay: the viewer that
/// requests the URI removes them.
pub fn resolve(base: &str, reference: &str) -> String {
    if base.is_empty() || scheme(reference).is_some() {
        return reference.to_owned();
    }
    let (root, path) = cut_root(base);
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = scheme(base).map_or_else(String::new, |scheme| format!("{scheme}:"));
        return format!("{scheme}//{rest}");
    }
    if reference.starts_with('/') {
        return format!("{root}{reference}");
    }
    let path_end = path.find(['?', '#']).unwrap_or(path.len());
    let (path, query) = path.split_at(path_end);
    if reference.is_empty() {
        return format!(
            "{root}{path}{}",
            query.split('#').next().unwrap_or_default()
        );
    }
    if reference.starts_with('?') {
        return format!("{root}{path}{reference}");
    }
    let folder_end = path.rfind('/').map_or(0, |slash| slash + 1);
    let slash = if path.is_empty() && !root.is_empty() {
        "/"
    } else {
        ""
    };
    format!("{root}{slash}{}{reference}", &path[..folder_end])
}

/// Splits a URI after its scheme and authority.
fn cut_root(uri: &str) -> (&str, &str) {
    let after_scheme = scheme(uri).map_or(0, |scheme| scheme.len() + 1);
    let rest = &uri[after_scheme..];
    let authority = match rest.strip_prefix("//") {
        Some(authority) => 2 + authority.find(['/', '?', '#']).unwrap_or(authority.len()),
        None => 0,
    };
    uri.split_at(after_scheme + authority)
}

/// Returns the text before the first colon, if it is a scheme (RFC 3986 3.1).
fn scheme(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &str, reference: &str, expected: &str) {
        assert_eq!(resolve(base, reference), expected, "{reference} at {base}");
    }

    #[test]
    fn references_resolve_as_in_rfc_3986() {
        let base = "http://a/b/c/d;p?q";
        check(base, "g:h", "g:h");
        check(base, "g", "http://a/b/c/g");
        check(base, "g/", "http://a/b/c/g/");
        check(base, "/g", "http://a/g");
        check(base, "//g", "http://g");
        check(base, "?y", "http://a/b/c/d;p?y");
        check(base, "g?y", "http://a/b/c/g?y");
        check(base, "", "http://a/b/c/d;p?q");
        check(base, "../g", "http://a/b/c/../g");
        check(base, "a/b:c", "http://a/b/c/a/b:c");
    }

    #[test]
    fn bases_may_be_relative() {
        check("", "x", "x");
        check("video/", "x", "video/x");
        check("video/a.mp4", "x", "video/x");
        check("a.mp4?q/r", "x", "x");
        check("/top/", "x", "/top/x");
        check("/top/", "/x", "/x");
        check("//h/a/", "x", "//h/a/x");
        check("https://h", "x", "https://h/x");
        check("https://h?q", "x", "https://h/x");
    }

    #[test]
    fn only_http_can_be_signed() {
        for reference in [
            "",
            "skd://key",
            "data:text/plain,x",
            "urn:mpeg:dash:resolve-to-zero:2013",
            "blob:x",
        ] {
            assert!(!can_be_signed(reference), "{reference}");
        }
        for reference in [
            "x",
            "/x",
            "//h/x",
            "HTTPS://h/x",
            "http:x",
            "a/b:c",
            "1:x",
            "?x",
        ] {
            assert!(can_be_signed(reference), "{reference}");
        }
    }
}
