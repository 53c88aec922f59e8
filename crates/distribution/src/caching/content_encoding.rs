//! The codings that were applied to an object's bytes before they were stored, as stated by `Content-Encoding`.

use http::{HeaderMap, header};

/// A content coding of IANA's registry (RFC 9110 16.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppliedCoding {
    /// `gzip`, or `x-gzip`, which is the same (RFC 9110 8.4.1.3).
    Gzip,
    /// `deflate`: the zlib format (RFC 1950), in place of which some senders write bare DEFLATE (RFC 1951).
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
    /// `compress`, `exi` and the others, which are not decoded here.
    Foreign,
}

/// The codings of an object's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedCodings {
    /// Codings in the order in which they were applied: the last one is undone first.
    pub codings: Vec<AppliedCoding>,
    /// True if the field also has words that are not codings.
    pub has_other_words: bool,
}

impl AppliedCodings {
    /// Reads all `Content-Encoding` fields of a response as one list (RFC 9110 5.3, 5.6.1.2, 8.4).
    ///
    /// Empty elements and `identity` have no effect. A word counts as a coding only if it is registered: object stores
    /// keep the uploaders' text, which may also be the framing of the upload (`aws-chunked`), a charset, or the form of
    /// the bytes before they were sent (`utf-8`, `base64`, `binary`). The bytes themselves are then plain; if they are
    /// not, they are not a valid video or playlist either, which is found out by reading them.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut applied = AppliedCodings::default();
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for element in value.as_bytes().split(|&byte| byte == b',') {
                applied.push(name_of(element));
            }
        }
        applied
    }

    /// Returns whether the bytes are those of the object itself.
    pub fn is_plain(&self) -> bool {
        self.codings.is_empty()
    }

    fn push(&mut self, name: &[u8]) {
        let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
        if name.is_empty() || is(&"identity") {
            return;
        }
        let mut codings = CODINGS.iter();
        match codings.find(|(known, _)| is(known)) {
            Some((_, coding)) => self.codings.push(*coding),
            None => self.has_other_words = true,
        }
    }
}

/// Returns an element without white space, and without parameters and quotes that do not belong there.
fn name_of(element: &[u8]) -> &[u8] {
    let name = element.split(|&byte| byte == b';').next();
    let name = name.unwrap_or_default().trim_ascii();
    let unquoted = name.strip_prefix(b"\"");
    let unquoted = unquoted.and_then(|name| name.strip_suffix(b"\""));
    unquoted.unwrap_or(name).trim_ascii()
}

/// Codings of IANA's registry of HTTP content codings, except `identity`.
const CODINGS: [(&str, AppliedCoding); 12] = [
    ("gzip", AppliedCoding::Gzip),
    ("x-gzip", AppliedCoding::Gzip),
    ("deflate", AppliedCoding::Deflate),
    ("br", AppliedCoding::Brotli),
    ("zstd", AppliedCoding::Zstd),
    ("compress", AppliedCoding::Foreign),
    ("x-compress", AppliedCoding::Foreign),
    ("aes128gcm", AppliedCoding::Foreign),
    ("dcb", AppliedCoding::Foreign),
    ("dcz", AppliedCoding::Foreign),
    ("exi", AppliedCoding::Foreign),
    ("pack200-gzip", AppliedCoding::Foreign),
];

#[cfg(test)]
mod tests {
    use super::*;
    use AppliedCoding::{Brotli, Deflate, Foreign, Gzip, Zstd};
    use http::HeaderValue;

    #[track_caller]
    fn check(values: &[&[u8]], codings: &[AppliedCoding], has_other_words: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(header::CONTENT_ENCODING, value);
        }
        let expected = AppliedCodings {
            codings: codings.to_vec(),
            has_other_words,
        };
        assert_eq!(AppliedCodings::of(&headers), expected, "{values:?}");
    }

    #[test]
    fn h1_what_nobody_undoes_is_a_coding_still() {
        let names: [&[u8]; 6] = [
            b"compress",
            b"X-Compress",
            b"exi",
            b"dcz",
            b"aes128gcm",
            b"pack200-gzip",
        ];
        for name in names {
            check(&[name], &[Foreign], false);
        }
        check(&[b"gzip, compress"], &[Gzip, Foreign], false);
    }

    #[test]
    fn h1_words_that_are_no_codings_leave_the_bytes_plain() {
        let words: [&[u8]; 9] = [
            b"aws-chunked",
            b"base64",
            b"utf-8",
            b"UTF8",
            b"binary",
            b"none",
            b"null",
            b"video/mp4",
            b"\xff\xfe",
        ];
        for word in words {
            check(&[word], &[], true);
        }
    }

    #[test]
    fn h1_empty_elements_and_identity_say_nothing() {
        check(&[], &[], false);
        let values: [&[u8]; 6] = [b"", b" ", b",", b", ,\t,", b"identity", b"Identity ,"];
        for value in values {
            check(&[value], &[], false);
        }
        check(&[b"", b"identity"], &[], false);
    }

    #[test]
    fn h1_codings_stand_in_their_order() {
        check(&[b"gzip"], &[Gzip], false);
        check(&[b"X-GZip"], &[Gzip], false);
        check(&[b",br,, zstd ,deflate"], &[Brotli, Zstd, Deflate], false);
        check(&[b"gzip", b"br"], &[Gzip, Brotli], false);
        check(&[b"aws-chunked,gzip"], &[Gzip], true);
        check(&[b"gzip;q=1, \"br\""], &[Gzip, Brotli], false);
    }
}
