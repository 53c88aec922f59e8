//! The value of a request field that selects among responses (RFC 9111 4.1), independent of its lines and whitespace.

use crate::languages::{Languages, by_preference};
use http::{HeaderMap, HeaderName, header};

/// Returns the value for comparison: lines are combined, and whitespace around commas is removed (RFC 9111 4.1).
/// Returns `None` if the field is absent, which differs from an empty one.
///
/// Languages are compared without case (RFC 9110 12.5.4), or as `languages` says; other fields have no known structure.
pub(crate) fn selecting_value(
    request: &HeaderMap,
    name: &HeaderName,
    languages: Languages,
) -> Option<Vec<u8>> {
    let mut lines = request.get_all(name).iter().peekable();
    lines.peek()?;
    let mut out = Vec::new();
    let mut is_first = true;
    for line in lines {
        for member in members(line.as_bytes()) {
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            out.extend_from_slice(member.trim_ascii());
        }
    }
    if name == header::ACCEPT_LANGUAGE {
        out.make_ascii_lowercase();
        if languages == Languages::ByPreference
            && let Some(normalized) = by_preference(&out)
        {
            return Some(normalized);
        }
    }
    Some(out)
}

/// Splits at commas; a line with a quote is left whole, since a comma within quotes separates nothing.
fn members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_plain = !line.contains(&b'"');
    line.split(move |&byte| byte == b',' && is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Languages::{AsWritten, ByPreference};
    use http::HeaderValue;

    fn headers(name: &HeaderName, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in text.lines() {
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check_value(name: &'static str, text: &str, expected: &str) {
        let name = HeaderName::from_static(name);
        let value = selecting_value(&headers(&name, text), &name, AsWritten).unwrap();
        assert_eq!(String::from_utf8(value).unwrap(), expected);
    }

    #[test]
    fn values() {
        let foo = HeaderName::from_static("foo");
        assert_eq!(selecting_value(&HeaderMap::new(), &foo, ByPreference), None);
        check_value("foo", " 1,  2 ", "1,2");
        check_value("foo", "1\n2", "1,2");
        check_value("foo", "a B", "a B");
        check_value("foo", "\"a, b\"", "\"a, b\"");
        check_value("accept-language", "eN ,De", "en,de");
    }
}
