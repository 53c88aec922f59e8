//! Normalizes `Accept-Language` to the preference it expresses, whatever its spelling (RFC 9110 12.4.2 and 12.5.4).

/// Maximum number of languages; a request with more is compared as it is written.
const LANGUAGES_MAX: usize = 32;

/// A comparison of two values of `Accept-Language`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Languages {
    /// By their text, except for case and spaces.
    AsWritten,
    /// By the languages they prefer, and the weights of these.
    ByPreference,
}

/// Returns the languages of `field`, which is in lower case: by descending weight, then by name, each in one spelling.
///
/// Returns `None` if a language cannot be parsed or there are more than 32, as the preference is then unknown.
pub(crate) fn by_preference(field: &[u8]) -> Option<Vec<u8>> {
    let mut languages = Vec::new();
    for member in field.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        if member.is_empty() {
            continue;
        }
        if languages.len() == LANGUAGES_MAX {
            return None;
        }
        languages.push(Language::read(member)?);
    }
    languages.sort_unstable_by(|one, other| {
        let by_weight = other.weight_thousandths.cmp(&one.weight_thousandths);
        by_weight.then_with(|| one.range.cmp(other.range))
    });
    languages.dedup();
    let written: Vec<Vec<u8>> = languages.iter().map(Language::write).collect();
    Some(written.join(&b','))
}

/// Returns the position of the language in `offered` that `field`, in lower case, prefers: languages without regions,
/// of which the first is for who prefers none (RFC 9110 12.5.4).
pub(crate) fn preferred(field: &[u8], offered: &[&str]) -> usize {
    let members = field.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let languages = members.take(LANGUAGES_MAX).filter_map(Language::read);
    let mut best = (0, 0);
    for language in languages {
        let primary = language.range.split(|&byte| byte == b'-').next();
        let position = offered
            .iter()
            .position(|offered| primary == Some(offered.as_bytes()) || language.range == b"*");
        match position {
            // Of the same weight, the first one counts.
            Some(position) if language.weight_thousandths > best.1 => {
                best = (position, language.weight_thousandths);
            }
            Some(_) | None => {}
        }
    }
    best.0
}

#[derive(PartialEq, Eq)]
struct Language<'a> {
    range: &'a [u8],
    weight_thousandths: u16,
}

impl<'a> Language<'a> {
    fn read(member: &'a [u8]) -> Option<Self> {
        let (range, weight) = match member.iter().position(|&byte| byte == b';') {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let range = range.trim_ascii_end();
        let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'*';
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*');
        let is_range = range.first().is_some_and(begins) && range.iter().all(goes_on);
        let weight_thousandths = match weight {
            Some(weight) => thousandths(weight.trim_ascii().strip_prefix(b"q=")?)?,
            None => 1000,
        };
        is_range.then_some(Language {
            range,
            weight_thousandths,
        })
    }

    fn write(&self) -> Vec<u8> {
        let mut out = self.range.to_vec();
        if self.weight_thousandths != 1000 {
            out.extend_from_slice(format!(";q=0.{:03}", self.weight_thousandths).as_bytes());
        }
        out
    }
}

/// Parses a weight in thousandths: `0` or `1` with at most three decimals, and never more than 1.
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, digits) = match text {
        [whole] => (whole, &b""[..]),
        [whole, b'.', digits @ ..] => (whole, digits),
        _ => return None,
    };
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut thousandths = 0;
    for place in 0..3 {
        let digit = digits.get(place).map_or(0, |digit| u16::from(digit - b'0'));
        thousandths = thousandths * 10 + digit;
    }
    match whole {
        b'0' => Some(thousandths),
        b'1' if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = by_preference(text.as_bytes());
        let found = found.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn the_same_preference_is_written_one_way() {
        for text in [
            "en,de",
            "de,en",
            "de;q=1,en;q=1.000",
            "en , de,,de",
            "en ; q=1.0,de",
        ] {
            check(text, Some("de,en"));
        }
        for text in ["fr;q=0.5,de", "de,fr;q=0.50", "de;q=1., fr; q=0.500"] {
            check(text, Some("de,fr;q=0.500"));
        }
        check("de;q=0,*;q=0.1", Some("*;q=0.100,de;q=0.000"));
        check("", Some(""));
    }

    #[test]
    fn the_language_of_a_page_is_the_preferred_one() {
        for (field, expected) in [
            ("", 0),
            ("de", 0),
            ("ja;q=0", 0),
            ("ja;q=x", 0),
            ("jab,j", 0),
            ("en,ja", 0),
            ("ja;q=0.5,en;q=0.6", 0),
            ("*,ja", 0),
            ("ja", 1),
            ("ja-jp", 1),
            ("ja,en", 1),
            ("de,ja;q=0.2,*;q=0.1", 1),
            ("en;q=0.8, ja;q=0.9", 1),
        ] {
            assert_eq!(
                preferred(field.as_bytes(), &["en", "ja"]),
                expected,
                "{field}"
            );
        }
    }

    #[test]
    fn another_preference_stays_another() {
        let written = |text: &str| by_preference(text.as_bytes()).unwrap();
        for (one, other) in [
            ("de,en;q=0.9", "de;q=0.9,en"),
            ("de", "de-at"),
            ("de", "de;q=0"),
            ("de,en", "de"),
            ("de;q=0.5", "de;q=0.501"),
        ] {
            assert_ne!(written(one), written(other), "{one} {other}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        for text in [
            "de;q=2",
            "de;q=1.1",
            "de;q=0.1234",
            "de;q=x",
            "de;q=",
            "de;level=1",
            "d e",
            "de_at",
            ";q=1",
            "\"de\"",
            "de;q=-1",
            "de;q=0,5",
        ] {
            check(text, None);
        }
        let many = vec!["de"; LANGUAGES_MAX + 1].join(",");
        check(&many, None);
    }
}
