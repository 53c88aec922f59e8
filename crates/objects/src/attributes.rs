//! What a client says about an object: content headers, user metadata and tags.

use crate::ObjectError;
use std::borrow::Cow;

/// Maximum number of tags of an object (S3, "Object tagging").
pub const TAGS_MAX: usize = 10;

/// Headers and tags that an object is stored with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Headers that are sent with the object.
    pub headers: Headers,
    /// Tags, in the order given.
    pub tags: Tags,
}

impl From<Headers> for Attributes {
    fn from(headers: Headers) -> Self {
        Attributes {
            headers,
            tags: Tags::default(),
        }
    }
}

/// Headers that are stored with an object and sent with it, as they came. `None` is a header that was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`. Always there in the headers of an object that is read: by its name, if nothing is stored.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// User metadata: names without `x-amz-meta-`, in lower case, with values.
    pub user: Vec<(String, String)>,
}

/// Tags of an object: at most ten, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Vec<(String, String)>);

impl Attributes {
    /// Checks that everything can be sent as a header and as XML, and that no name is there twice.
    ///
    /// Errors: `InvalidHeaders`, `InvalidTags`.
    pub(crate) fn check(&self) -> Result<(), ObjectError> {
        let headers = &self.headers;
        let values = headers.texts().into_iter().flatten().map(String::as_str);
        let mut values = values.chain(headers.user.iter().map(|(_, value)| value.as_str()));
        let names = headers.user.iter().map(|(name, _)| name.as_str());
        if !values.all(is_header_value) || !names.clone().all(is_user_name) || has_twice(names) {
            return Err(ObjectError::InvalidHeaders);
        }
        self.tags.check()
    }
}

impl Headers {
    /// Returns the headers with fixed names, in the order of their numbers in the attribute.
    pub(crate) fn texts(&self) -> [Option<&String>; 7] {
        [
            self.content_type.as_ref(),
            self.cache_control.as_ref(),
            self.content_disposition.as_ref(),
            self.content_encoding.as_ref(),
            self.content_language.as_ref(),
            self.expires.as_ref(),
            self.website_redirect.as_ref(),
        ]
    }

    /// Returns the place of each header with a fixed name, in the same order.
    pub(crate) fn texts_mut(&mut self) -> [&mut Option<String>; 7] {
        [
            &mut self.content_type,
            &mut self.cache_control,
            &mut self.content_disposition,
            &mut self.content_encoding,
            &mut self.content_language,
            &mut self.expires,
            &mut self.website_redirect,
        ]
    }
}

/// Returns a value of user metadata as it is sent: one that is not ASCII as an encoded word of RFC 2047, as S3 sends it
/// (S3 User Guide, "Working with object metadata").
#[must_use]
pub fn sent_value(value: &str) -> Cow<'_, str> {
    if value.is_ascii() {
        return Cow::Borrowed(value);
    }
    let mut word = String::from("=?UTF-8?Q?");
    for byte in value.bytes() {
        match byte {
            b' ' => word.push('_'),
            byte if byte.is_ascii_alphanumeric() => word.push(char::from(byte)),
            byte => word.push_str(&format!("={byte:02X}")),
        }
    }
    word.push_str("?=");
    Cow::Owned(word)
}

impl Tags {
    /// Checks number and lengths by S3's rules.
    ///
    /// Errors: `InvalidTags`.
    pub(crate) fn check(&self) -> Result<(), ObjectError> {
        let is_tag = |(name, value): &(String, String)| {
            (1..=128).contains(&name.chars().count())
                && value.chars().count() <= 256
                && !name.chars().chain(value.chars()).any(char::is_control)
        };
        let names = self.0.iter().map(|(name, _)| name.as_str());
        if self.0.len() > TAGS_MAX || !self.0.iter().all(is_tag) || has_twice(names) {
            return Err(ObjectError::InvalidTags);
        }
        Ok(())
    }
}

/// Returns true if the text can be a header's value (RFC 9110, 5.5) and comes back as it went.
fn is_header_value(text: &str) -> bool {
    !text
        .bytes()
        .any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
}

/// Returns true if the text can be the rest of a header's name (RFC 9110, 5.1) in lower case.
fn is_user_name(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| is_token(byte) && !byte.is_ascii_uppercase())
}

fn has_twice<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(change: impl FnOnce(&mut Headers)) -> Result<(), ObjectError> {
        let mut headers = Headers::default();
        change(&mut headers);
        Attributes::from(headers).check()
    }

    fn tags(tags: &[(&str, &str)]) -> Result<(), ObjectError> {
        let tags = tags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Tags(tags.collect()).check()
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        let invalid = Err(ObjectError::InvalidHeaders);
        for text in ["a\r\nSet-Cookie: b", "\0", "a\n", "\u{7f}"] {
            assert_eq!(
                headers(|headers| headers.content_type = Some(text.into())),
                invalid
            );
            assert_eq!(
                headers(|headers| headers.website_redirect = Some(text.into())),
                invalid
            );
            assert_eq!(
                headers(|headers| headers.user = vec![("a".into(), text.into())]),
                invalid
            );
            assert_eq!(
                headers(|headers| headers.user = vec![(text.into(), "a".into())]),
                invalid
            );
        }
        for name in ["", "A", "a b", "é", "a:"] {
            assert_eq!(
                headers(|headers| headers.user = vec![(name.into(), String::new())]),
                invalid
            );
        }
        let twice = vec![("a".into(), "1".into()), ("a".into(), "2".into())];
        assert_eq!(headers(|headers| headers.user = twice), invalid);
        assert_eq!(
            headers(|headers| headers.user = vec![("a-b_c".into(), "é ü\t".into())]),
            Ok(())
        );
    }

    #[test]
    fn tags_follow_the_rules_of_s3() {
        let invalid = Err(ObjectError::InvalidTags);
        assert_eq!(tags(&[("", "a")]), invalid);
        assert_eq!(tags(&[("a", "1"), ("a", "2")]), invalid);
        assert_eq!(tags(&[("a\n", "1")]), invalid);
        assert_eq!(tags(&[(&"a".repeat(129), "1")]), invalid);
        assert_eq!(tags(&[("a", &"b".repeat(257))]), invalid);
        let eleven: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let eleven: Vec<(&str, &str)> = eleven.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(tags(&eleven), invalid);
        assert_eq!(tags(&eleven[..10]), Ok(()));
        assert_eq!(tags(&[(&"é".repeat(128), &"é".repeat(256))]), Ok(()));
    }
}
