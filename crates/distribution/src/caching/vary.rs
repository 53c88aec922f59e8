//! `Vary` (RFC 9111 4.1): decides which fields of a request choose among the variants under one key.

use http::{HeaderMap, HeaderName, header};

/// Maximum number of names. A response with more varies too much to be worth storing.
pub const VARY_NAMES_MAX: usize = 32;

/// The rule that a response's `Vary` states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaryRule {
    /// One response serves all requests.
    Same,
    /// Each combination of these fields' values has its own response.
    Names(VaryNames),
    /// No response can be reused: `*`, an unreadable name, or too many names.
    Never,
}

/// Names of request fields: lower-case, sorted, each once, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaryNames(Vec<HeaderName>);

impl VaryNames {
    /// Returns the names in order.
    pub fn names(&self) -> &[HeaderName] {
        &self.0
    }

    /// Encodes the names for the disk; [`VaryNames::decode`] reads them.
    pub fn encode(&self) -> Vec<u8> {
        let names: Vec<&str> = self.0.iter().map(HeaderName::as_str).collect();
        names.join(",").into_bytes()
    }

    /// Decodes the bytes of [`VaryNames::encode`]; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let names: Vec<HeaderName> = bytes
            .split(|&byte| byte == b',')
            .map(|name| HeaderName::from_lowercase(name).ok())
            .collect::<Option<_>>()?;
        let is_sorted = names
            .windows(2)
            .all(|pair| pair[0].as_str() < pair[1].as_str());
        (is_sorted && names.len() <= VARY_NAMES_MAX).then_some(VaryNames(names))
    }
}

/// Reads `Vary`.
///
/// It may name a field that does not reach the origin: the origin saw no such field, and every request that
/// [`crate::caching::CacheKey::variant`] gets lacks it too.
pub fn vary_rule(response: &HeaderMap) -> VaryRule {
    let mut names: Vec<HeaderName> = Vec::new();
    for value in response.get_all(header::VARY) {
        for member in value.as_bytes().split(|&byte| byte == b',') {
            let member = member.trim_ascii();
            if member.is_empty() {
                continue;
            }
            // `*` is also a valid token, so a name alone does not exclude it.
            let Ok(name) = HeaderName::from_bytes(member) else {
                return VaryRule::Never;
            };
            if member == b"*" {
                return VaryRule::Never;
            }
            names.push(name);
        }
    }
    names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    match names.len() {
        0 => VaryRule::Same,
        1..=VARY_NAMES_MAX => VaryRule::Names(VaryNames(names)),
        _ => VaryRule::Never,
    }
}

pub(crate) fn varies_by_everything(response: &HeaderMap) -> bool {
    match vary_rule(response) {
        VaryRule::Never => true,
        VaryRule::Same | VaryRule::Names(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &HeaderName, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in text.lines() {
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(text: &str, expected: &VaryRule) {
        let found = vary_rule(&headers(&header::VARY, text));
        assert_eq!(&found, expected, "{text}");
        if let VaryRule::Names(names) = &found {
            assert_eq!(VaryNames::decode(&names.encode()).as_ref(), Some(names));
        }
    }

    #[test]
    fn never_the_same() {
        for never in [
            "*", "*, *", "*\n*", ", *", "\n*", "*, Foo", "Foo, *", "a b", "a;b",
        ] {
            check(never, &VaryRule::Never);
        }
        let many: Vec<String> = (0..=VARY_NAMES_MAX).map(|n| format!("n{n}")).collect();
        check(&many.join(","), &VaryRule::Never);
    }

    #[test]
    fn names() {
        check("", &VaryRule::Same);
        check(" , ,", &VaryRule::Same);
        let expected = VaryNames(["bar", "foo"].map(HeaderName::from_static).to_vec());
        check("Foo, bar ,FOO\nfoo", &VaryRule::Names(expected));
    }

    #[test]
    fn what_nobody_wrote_is_not_read() {
        for bad in ["", "b,a", "a,a", "A", "a,", "a, b"] {
            assert_eq!(VaryNames::decode(bad.as_bytes()), None, "{bad}");
        }
    }
}
