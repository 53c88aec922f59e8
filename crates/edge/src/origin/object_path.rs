//! Turns the raw path of a request into the name of a file beneath the root, if there can be one.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Returns the relative file name for `path`, which begins with `/` and is percent-encoded.
///
/// `None` when no file can have that name: empty, `.` or `..` segments, a decoded `/` or NUL. An invalid escape
/// (`100%`) stands for itself.
pub(crate) fn relative_file_name(path: &str) -> Option<PathBuf> {
    let mut name = Vec::with_capacity(path.len());
    for segment in path.strip_prefix('/')?.split('/') {
        let start = name.len();
        decode_into(&mut name, segment.as_bytes());
        let decoded = &name[start..];
        let impossible = decoded.is_empty()
            || decoded == b"."
            || decoded == b".."
            || decoded.iter().any(|byte| matches!(byte, b'/' | 0));
        if impossible {
            return None;
        }
        name.push(b'/');
    }
    name.pop();
    Some(PathBuf::from(OsString::from_vec(name)))
}

/// Returns the key of an object in a bucket for `path`, which begins with `/` and is percent-encoded: all that follows,
/// decoded once. `None` if that is not UTF-8, as every key is.
pub(crate) fn object_key(path: &str) -> Option<String> {
    let encoded = path.strip_prefix('/')?;
    let mut key = Vec::with_capacity(encoded.len());
    decode_into(&mut key, encoded.as_bytes());
    String::from_utf8(key).ok()
}

fn decode_into(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => {
                    out.push(b'%');
                    rest = tail;
                }
            },
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(
            relative_file_name(path),
            expected.map(PathBuf::from),
            "{path}"
        );
    }

    #[test]
    fn no_name_leaves_the_root() {
        check("", None);
        check("/", None);
        check("/a//b", None);
        check("/a/", None);
        check("/../a", None);
        check("/a/%2e%2e/b", None);
        check("/a/%2E/b", None);
        check("/a%2fb", None);
        check("/a%00b", None);
        check("relative", None);
    }

    #[test]
    fn a_key_is_all_that_follows() {
        for (path, expected) in [
            ("a", None),
            ("/%ff", None),
            ("/", Some("")),
            ("//a", Some("/a")),
            ("/a//b/", Some("a//b/")),
            ("/x/../y", Some("x/../y")),
            ("/a%2fb%2520+c", Some("a/b%20+c")),
            ("/%00", Some("\0")),
            ("/100%", Some("100%")),
        ] {
            assert_eq!(object_key(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn names_are_decoded_once() {
        check("/a.jpg", Some("a.jpg"));
        check("/a/b%20c", Some("a/b c"));
        check("/a%2520b", Some("a%20b"));
        check("/100%/x%2", Some("100%/x%2"));
        check("/h%C3%A9llo", Some("héllo"));
        check("/..a/b..", Some("..a/b.."));
        check("/a+b", Some("a+b"));
    }
}
