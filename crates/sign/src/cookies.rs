//! Signed cookies as text: a `Cookie` header to test with, `Set-Cookie` values to serve.
//!
//! Source: developer guide, "Set signed cookies"; RFC 6265 4.1 for the attributes.

use crate::sign_error::SignError;

/// The cookies of one grant, in the order expiry or policy, signature, key pair id, hash algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCookies {
    /// Name and value of each.
    pub pairs: Vec<(&'static str, String)>,
}

/// Attributes that all cookies of a grant get. `Expires` and `Max-Age` are left out on purpose: session cookies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieAttributes {
    /// Host or parent domain of the files.
    pub domain: Option<String>,
    /// Path prefix, no wildcards.
    pub path: Option<String>,
    /// HTTPS only.
    pub secure: bool,
    /// Out of reach for scripts.
    pub http_only: bool,
    /// From where browsers send it along; `None` leaves that to them.
    pub same_site: Option<SameSite>,
    /// One cookie jar per top-level site (CHIPS).
    pub partitioned: bool,
}

/// From where browsers send a cookie along (the draft that is to replace RFC 6265, 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Only from the site itself.
    Strict,
    /// Also when the viewer follows a link.
    Lax,
    /// From every site; needs `Secure`.
    None,
}

impl SameSite {
    fn as_str(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

impl SignedCookies {
    /// The value of a `Cookie` header: `name=value; name=value`.
    pub fn to_header(&self) -> String {
        let pairs: Vec<String> = self
            .pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// One `Set-Cookie` value per cookie.
    ///
    /// # Errors
    /// [`SignError::CookieAttribute`] for a value that the attribute cannot have,
    /// [`SignError::CookieNeedsSecure`] for combinations that browsers drop.
    pub fn set_cookie(&self, attributes: &CookieAttributes) -> Result<Vec<String>, SignError> {
        let tail = attributes.to_text()?;
        Ok(self
            .pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}{tail}"))
            .collect())
    }
}

impl CookieAttributes {
    fn to_text(&self) -> Result<String, SignError> {
        self.check()?;
        let mut text = String::new();
        for (name, value) in [
            ("Domain", self.domain.as_deref()),
            ("Path", self.path.as_deref()),
            ("SameSite", self.same_site.map(SameSite::as_str)),
        ] {
            if let Some(value) = value {
                text.push_str(&format!("; {name}={value}"));
            }
        }
        for (name, set) in [
            ("Secure", self.secure),
            ("HttpOnly", self.http_only),
            ("Partitioned", self.partitioned),
        ] {
            if set {
                text.push_str("; ");
                text.push_str(name);
            }
        }
        Ok(text)
    }

    fn check(&self) -> Result<(), SignError> {
        if self
            .domain
            .as_deref()
            .is_some_and(|domain| !is_domain(domain))
        {
            return Err(SignError::CookieAttribute("Domain"));
        }
        if self.path.as_deref().is_some_and(|path| !is_path(path)) {
            return Err(SignError::CookieAttribute("Path"));
        }
        let cross_site = self.same_site == Some(SameSite::None);
        match (self.secure, cross_site, self.partitioned) {
            (false, true, _) => Err(SignError::CookieNeedsSecure("SameSite=None")),
            (false, false, true) => Err(SignError::CookieNeedsSecure("Partitioned")),
            (true, _, _) | (false, false, false) => Ok(()),
        }
    }
}

/// Letters, digits, dots and hyphens; not `cloudfront.net`, which browsers treat as a public suffix.
fn is_domain(domain: &str) -> bool {
    let name = domain.strip_prefix('.').unwrap_or(domain);
    let shaped = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty() && name.bytes().all(shaped) && !name.eq_ignore_ascii_case("cloudfront.net")
}

/// A prefix; `*` would be taken literally, and the browser would keep the cookie back.
fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case reads better without borrowing"
    )]
    fn check(attributes: CookieAttributes, expected: Result<&str, SignError>) {
        let cookies = SignedCookies {
            pairs: vec![("CloudFront-Expires", "1".to_owned())],
        };
        let lines = cookies
            .set_cookie(&attributes)
            .map(|lines| lines.join("\n"));
        assert_eq!(lines, expected.map(str::to_owned));
    }

    fn attributes() -> CookieAttributes {
        CookieAttributes::default()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn attributes_that_browsers_drop_are_refused() {
        for domain in ["", "h;x", "https://h", "h/videos", "cloudfront.net"] {
            check(
                CookieAttributes {
                    domain: some(domain),
                    ..attributes()
                },
                Err(SignError::CookieAttribute("Domain")),
            );
        }
        for path in ["", "videos", "/videos/*", "/a b", "/a\r\nSet-Cookie: x"] {
            check(
                CookieAttributes {
                    path: some(path),
                    ..attributes()
                },
                Err(SignError::CookieAttribute("Path")),
            );
        }
        let cross_site = CookieAttributes {
            same_site: Some(SameSite::None),
            ..attributes()
        };
        check(
            cross_site,
            Err(SignError::CookieNeedsSecure("SameSite=None")),
        );
        let partitioned = CookieAttributes {
            partitioned: true,
            ..attributes()
        };
        check(
            partitioned,
            Err(SignError::CookieNeedsSecure("Partitioned")),
        );
    }

    #[test]
    fn attributes_are_written() {
        check(attributes(), Ok("CloudFront-Expires=1"));
        let all = CookieAttributes {
            domain: some("example.com"),
            path: some("/videos/"),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::None),
            partitioned: true,
        };
        let line = "CloudFront-Expires=1; Domain=example.com; Path=/videos/; SameSite=None; Secure; HttpOnly; Partitioned";
        check(all, Ok(line));
    }
}
