//! Recognizes the spellings of a path that name the same object to every server.
//!
//! This is an allow-list. A server may decode a path again, resolve its dots, merge its slashes, truncate it or fold
//! its characters, in any order: a list of such readings is never complete. A canonical path contains nothing for them
//! to work on, so it is the same under all of them. The differences that remain are examined in `request::readings`.

use crate::percent::object_name;
use std::borrow::Cow;

/// Returns whether `path`, raw as the viewer sent it and without its query, has only one reading.
///
/// A canonical path is `/` and segments between single slashes, of which only the last may be empty. Each segment is
/// UTF-8 text, percent-encoded at most once. It has none of the characters at which servers truncate, split or decode;
/// it does not end in a dot (so no segment is `.` or `..`), and it neither begins nor ends in white space or in the `+`
/// that may stand for it: Windows strips both. No segment has the form in which ASP.NET puts sessions into paths,
/// `(S(…))`.
///
/// Takes time linear in the length of the path.
pub fn is_canonical(path: &str) -> bool {
    let Some(relative) = path.strip_prefix('/') else {
        return false;
    };
    let mut segments = relative.split('/').rev();
    let last = segments.next().unwrap_or_default();
    (last.is_empty() || is_canonical_segment(last))
        && segments.all(|segment| is_canonical_segment(segment) && !ends_request_line(segment))
}

/// Applies the rules of [`is_canonical`] to one segment, which must not be empty.
pub(crate) fn is_canonical_segment(segment: &str) -> bool {
    if segment.is_empty() {
        return false;
    }
    let Some(bytes) = decoded_once(segment) else {
        return false;
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return false;
    };
    let is_trimmed_end = |last: char| last == '.' || last == '\u{2026}' || is_trimmed(last);
    let first_word = text.split(is_trimmed).next().unwrap_or_default();
    // An ASP.NET session; an NTFS stream: `s.txt::$DATA` is `s.txt`, `private:$i30:$INDEX_ALLOCATION` is `private`.
    let is_for_windows = is_session_of_asp_net(text) || text.contains("::") || text.contains(":$");
    let is_odd = text.starts_with(is_trimmed)
        || text.ends_with(is_trimmed_end)
        || first_word == "."
        || first_word == ".."
        || is_for_windows;
    !is_odd && text.chars().all(is_plain)
}

/// Matches `(S(…))`, with any letter for the `S`, and several of them in a row.
fn is_session_of_asp_net(text: &str) -> bool {
    let inside = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix("))"));
    inside.is_some_and(|inside| {
        let mut letters = inside.chars();
        letters
            .next()
            .is_some_and(|letter| letter.is_ascii_alphabetic())
            && letters.next() == Some('(')
    })
}

/// Returns whether some server strips the character from the ends of a name: white space, the `+` that may stand for
/// it, and invisible characters.
fn is_trimmed(end: char) -> bool {
    let is_invisible = matches!(
        end,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe62}' | '\u{feff}' | '\u{ff0b}'
    );
    end == '+' || end.is_whitespace() || is_invisible
}

/// Returns whether a server that receives the decoded path would end the request line here: `/a HTTP/1.1`. The slash of
/// the version splits that, so the segment ends in `HTTP`, and is not the last one.
fn ends_request_line(segment: &str) -> bool {
    if !segment.contains(['%', '+']) {
        return false;
    }
    let text = object_name(segment);
    let word = text.rsplit_once([' ', '+']).map(|(_, word)| word);
    word.is_some_and(|word| word.eq_ignore_ascii_case("http"))
}

/// Returns the bytes of a segment; `None` for a `%` that begins no escape.
fn decoded_once(segment: &str) -> Option<Cow<'_, [u8]>> {
    // Most segments have neither, and every request comes through here.
    if !segment.contains(['%', ' ']) {
        return Some(Cow::Borrowed(segment.as_bytes()));
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            // An unescaped blank would end the request line.
            decoded.push(Some(byte).filter(|byte| *byte != b' ')?);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        decoded.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(Cow::Owned(decoded))
}

/// Returns true if no server is known or suspected to take the character for anything but itself.
pub(crate) fn is_plain(character: char) -> bool {
    match character {
        // The characters that RFC 3986 3.3 allows in a segment, without `;`, which ends a name where parameters follow.
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => true,
        '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | '=' | ':' | '@' => true,
        // The characters that browsers send unescaped nevertheless, and the blank, which they escape.
        '[' | ']' | '^' | '|' | ' ' => true,
        _ => !character.is_ascii() && !character.is_control() && !folds_to_delimiter(character),
    }
}

/// Returns whether the character becomes one of `. / \ ; % ? # :` when text is converted to a compatibility form
/// (Unicode Standard Annex 15, NFKC) or to a Windows code page ("best fit").
pub(crate) fn folds_to_delimiter(character: char) -> bool {
    const DELIMITERS_ALIKE: &str = "\u{a5}\u{37e}\u{589}\u{2024}\u{2025}\u{2047}\u{2048}\u{2049}\u{2100}\u{2101}\u{2105}\u{2106}\u{2a74}\u{2044}\u{20a9}\u{2215}\u{2216}\u{2236}\
        \u{29f5}\u{29f8}\u{29f9}\u{fe13}\u{fe14}\u{fe16}\u{fe19}\u{fe30}\u{fe52}\u{fe54}\u{fe55}\u{fe56}\u{fe5f}\u{fe68}\
        \u{fe6a}\u{33c2}\u{33c7}\u{33d8}\u{ff03}\u{ff05}\u{ff0e}\u{ff0f}\u{ff1a}\u{ff1b}\u{ff1f}\u{ff3c}";
    // "1." and similar characters.
    let is_numbered = matches!(character, '\u{2488}'..='\u{249b}' | '\u{1f100}');
    is_numbered || DELIMITERS_ALIKE.contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_odd(paths: &[&str]) {
        for odd in paths {
            assert!(!is_canonical(odd), "{odd}");
        }
    }

    #[test]
    fn what_a_server_may_collapse_is_not_canonical() {
        check_odd(&[
            "",
            "a",
            "*",
            "http://h/a",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/./a",
            "/../a",
            "/a/.",
            "/a/..",
            "/a/./b",
            "/a/../b",
            "/...",
            "/a./b",
            "/a.",
            "/a..",
            "/..+",
        ]);
    }

    #[test]
    fn what_a_server_may_cut_decode_or_fold_is_not_canonical() {
        check_odd(&[
            "/a/%2e",
            "/a/%2e%2E/b",
            "/.%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%00",
            "/a\u{0}",
            "/a%0ab",
            "/a%7f",
            "/a\u{7f}",
            "/a%c2%85",
            "/a;b",
            "/a%3bb",
            "/..;/a",
            "/;a",
            "/a%3fb",
            "/a%23b",
            "/a?b",
            "/a#b",
            "/a%25",
            "/a%252e",
            "/a%25%32%65",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%u002e",
            "/%c0%ae%c0%ae/a",
            "/a%c0%afb",
            "/%e0%80%af",
            "/%ff",
            "/%ed%a0%80",
            "/a%20/b",
            "/%20a",
            "/a%c2%a0/b",
            "/a%e3%80%80",
            "/a%ef%bc%8fb",
            "/%ef%bc%8e%ef%bc%8e/a",
            "/\u{ff0e}",
            "/a\u{2215}b",
            "/a\u{a5}b",
            "/a%e2%80%a5/b",
            "/a::$DATA",
            "/a:$i30:$INDEX_ALLOCATION/b",
            "/a+",
            "/+a/b",
            "/(S(x))/a",
            "/..%20x",
            "/.+x/a",
            "/a%20HTTP/1.1",
            "/a+http/1.0%20x",
            "/a%E2%80%A6/b",
            "/%EF%BB%BFa",
            "/a%E2%80%8B",
            "/a%E2%81%87b",
            "/a b",
            "/a\"",
            "/a<b>",
            "/a`b",
            "/{a}",
        ]);
    }

    #[test]
    fn ordinary_paths_are_canonical() {
        for plain in [
            "/",
            "/a",
            "/a/",
            "/a/b.mp4",
            "/.well-known/a",
            "/a..b/c",
            "/..a",
            "/~anna/a",
            "/a-b_c~d",
            "/a!$&'()*+,=:@b",
            "/c++.pdf",
            "/About%20HTTP",
            "/a(1).jpg",
            "/a[1].jpg",
            "/a^b|c",
            "/a%20b",
            "/a%2Bb%26c%3Dd%40e",
            "/a%21%27%28%29%2A",
            "/%C3%BCber",
            "/über",
            "/%E6%97%A5%E6%9C%AC.mp4",
            "/%F0%9F%8E%AC.mp4",
            "/12:30",
            "/File:a.jpg",
            "/x.mp4/hls/master.m3u8",
            "/%5B1%5D",
            "/%61%2Db",
            "/a%2ejpg",
            "/a%E2%80%A6b",
        ] {
            assert!(is_canonical(plain), "{plain}");
        }
    }
}
