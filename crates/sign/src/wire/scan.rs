//! Decides in one scan whether a text is already in wire form.
//!
//! Only the plain case is accepted; anything unusual goes to the URL parser, which decides.

use super::WireParts;

/// Returns the parts of `url`, if a WHATWG parser would certainly leave every byte of it alone.
pub(super) fn parts(url: &str) -> Option<WireParts<'_>> {
    let (scheme, rest) = match url.strip_prefix("https://") {
        Some(rest) => ("https", rest),
        None => ("http", url.strip_prefix("http://")?),
    };
    let slash = rest.bytes().position(|byte| byte == b'/')?;
    let (host, target) = rest.split_at(slash);
    if !is_plain_host(host) {
        return None;
    }
    let (path, query) = match plain_path_len(target.as_bytes())? {
        length if length == target.len() => (target, None),
        length => (&target[..length], Some(&target[length + 1..])),
    };
    if query.is_some_and(|query| !is_plain_query(query.as_bytes())) {
        return None;
    }
    Some(WireParts {
        scheme,
        host,
        path,
        query,
    })
}

/// Accepts lower-case names only: no port, no address in any form, no punycode, no bucket.
fn is_plain_host(host: &str) -> bool {
    let mut label_start = true;
    let mut last_starts_with_letter = false;
    for byte in host.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => {
                if label_start {
                    last_starts_with_letter = byte.is_ascii_lowercase();
                }
                label_start = false;
            }
            b'.' if !label_start => label_start = true,
            _ => return false,
        }
    }
    !label_start
        && last_starts_with_letter
        && host.len() <= 253
        && !host.contains("xn--")
        && !host.ends_with("amazonaws.com")
        && !host.ends_with("amazonaws.com.cn")
}

/// Returns the length of the path, up to `?` or the end. `None` if it is not plain.
fn plain_path_len(target: &[u8]) -> Option<usize> {
    let mut previous = 0;
    for (index, byte) in target.iter().enumerate() {
        match byte {
            b'?' => return Some(index),
            // A segment that begins with a dot, or may once decoded, could be a dot segment.
            b'.' | b'%' if previous == b'/' => return None,
            _ if !PLAIN[usize::from(*byte)] => return None,
            _ => {}
        }
        previous = *byte;
    }
    Some(target.len())
}

/// Accepts a query without empty pieces and without characters that would be encoded.
fn is_plain_query(query: &[u8]) -> bool {
    let mut previous = b'&';
    for byte in query {
        if !PLAIN[usize::from(*byte)] && *byte != b'?' || (*byte == b'&' && previous == b'&') {
            return false;
        }
        previous = *byte;
    }
    previous != b'&'
}

/// Bytes that are left alone in paths and queries alike.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte as usize] = matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'%')
            || matches!(
                byte,
                b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
            );
        byte += 1;
    }
    plain
};
