//! Decides whether a path may be read as that of a bucket itself.
//!
//! The edge signs its requests to a bucket: a request for the root would list the bucket for viewers, or delete it.

use crate::canonical_path::{folds_to_delimiter, is_canonical, is_canonical_segment, is_plain};
use crate::percent::percent_decoded_bytes;

/// Maximum number of times a name is decoded; nobody encodes a real name more often.
const DECODINGS_MAX: usize = 3;

/// Returns whether anything between the edge and the bucket may read `path`, raw and with the origin path in front, as
/// the root of its bucket or something above it. Keys are literal (`x/../y` is one), so this errs on the side of the
/// root.
///
/// A path is safe if it has more segments that stay names in every reading than `..` that may cancel them.
pub(crate) fn may_name_root(path: &str) -> bool {
    if is_canonical(path) {
        return path == "/";
    }
    // Keys are UTF-8 text; some servers read `%c0%ae` and `%u002e` as dots.
    let text = decoded_fully(path).and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(text) = text.filter(|text| !text.contains("%u") && !text.contains("%U")) else {
        return true;
    };
    climbs_at_most(&text) >= names(path)
}

/// Returns the maximum number of segments that a fully decoded path may lead up.
fn climbs_at_most(text: &str) -> usize {
    let dots = text.matches("..").count();
    dots + text
        .chars()
        .filter(|character| folds_to_delimiter(*character))
        .count()
}

/// Returns the number of segments that stay names in every reading: those before the first odd one, and that one too if
/// it begins with a character at which no server cuts a name.
fn names(path: &str) -> usize {
    let mut names = 0;
    for segment in path.split('/') {
        match segment {
            "" | "." | ".." => {}
            canonical if is_canonical_segment(canonical) => names += 1,
            odd => return names + usize::from(begins_as_name(odd)),
        }
    }
    names
}

/// Returns whether the first character, fully decoded, is one at which no server cuts a name.
fn begins_as_name(segment: &str) -> bool {
    let Some(text) = decoded_fully(segment) else {
        return false;
    };
    let first = String::from_utf8_lossy(&text).chars().next();
    first.is_some_and(|first| {
        let is_cut =
            ['.', '+', char::REPLACEMENT_CHARACTER].contains(&first) || first.is_whitespace();
        !is_cut && is_plain(first)
    })
}

/// Percent-decodes until nothing is left to decode; `None` if that takes too many rounds.
fn decoded_fully(text: &str) -> Option<Vec<u8>> {
    let mut decoded = text.as_bytes().to_vec();
    for _ in 0..DECODINGS_MAX {
        let again = percent_decoded_bytes(&decoded).into_owned();
        if again == decoded {
            return Some(decoded);
        }
        decoded = again;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_read_as_the_root() {
        for root in [
            "/",
            "//",
            "/.",
            "/..",
            "/%2e",
            "/%2f",
            "/%5c",
            "/;a",
            "/%3fa",
            "/%00a",
            "/%20",
            "/a/..",
            "/a/../",
            "/a/../..",
            "/a/%2e%2e",
            "/a/%252e%252e",
            "/a%2f..",
            "/x%2fy/..",
            "/x%2fy/../..",
            "/a;/..",
            "/a/..;b",
            "/a/..%3f/b",
            "/a/..%00",
            "/a\\..",
            "/%c0%af",
            "/%25252525252f",
            "/v1/../a/../..",
            "/a/.%c0%ae",
            "/a/%u002e%u002e",
            "/a/%ef%bc%8e%ef%bc%8e",
            "/a/%e2%80%a5",
            "/a/%ff",
        ] {
            assert!(may_name_root(root), "{root}");
        }
    }

    #[test]
    fn ordinary_and_odd_keys_are_objects() {
        for key in [
            "/a",
            "/a/",
            "/a/b",
            "/a//b",
            "//a",
            "/x/../y",
            "/x/./y",
            "/a;b.mp4",
            "/100%25.pdf",
            "/a+b",
            "/a%3fb",
            "/a/..b",
            "/a/b/..",
            "/v1/x/../y",
            "/a%2Fb",
            "/über;a",
            "/%E6%97%A5;a",
            "/a/%2f",
        ] {
            assert!(!may_name_root(key), "{key}");
        }
    }
}
