//! The `Range` field (RFC 9110 14.1.2, 14.2) and the framing of multipart/byteranges (RFC 9110 14.6).

use crate::byte_range::ByteRange;
use std::fmt::Write as _;

/// The ranges that a `Range` field selects from an object of known size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RangeSet {
    /// The field has another unit, an error, too many ranges, overlapping ones, or ranges out of order.
    Ignored,
    NotSatisfiable,
    One(ByteRange),
    Several(Vec<ByteRange>),
}

/// One element of the set, checked against the object's size.
enum RangeSpec {
    Range(ByteRange),
    PastTheEnd,
    Everything,
}

pub(crate) fn parse(value: &str, size_bytes: u64, ranges_max: usize) -> RangeSet {
    let Some((unit, set)) = value.split_once('=') else {
        return RangeSet::Ignored;
    };
    if !unit.eq_ignore_ascii_case("bytes") {
        return RangeSet::Ignored;
    }
    let mut asked = 0;
    let mut first: Option<ByteRange> = None;
    let mut several: Vec<ByteRange> = Vec::new();
    for element in set
        .split(',')
        .map(|element| element.trim_matches([' ', '\t']))
    {
        // RFC 9110 5.6.1.2: recipients have to tolerate empty elements.
        if element.is_empty() {
            continue;
        }
        asked += 1;
        if asked > ranges_max {
            return RangeSet::Ignored;
        }
        let range = match parse_element(element, size_bytes) {
            None | Some(RangeSpec::Everything) => return RangeSet::Ignored,
            Some(RangeSpec::PastTheEnd) => continue,
            Some(RangeSpec::Range(range)) => range,
        };
        match several.last().or(first.as_ref()) {
            None => first = Some(range),
            Some(before) if range.start <= before.end_inclusive => return RangeSet::Ignored,
            Some(&before) => {
                if several.is_empty() {
                    several.push(before);
                }
                several.push(range);
            }
        }
    }
    match first {
        None if asked == 0 => RangeSet::Ignored,
        None => RangeSet::NotSatisfiable,
        Some(range) if several.is_empty() => RangeSet::One(range),
        Some(_) => RangeSet::Several(several),
    }
}

/// Parses `first-`, `first-last` or `-length`; `None` for anything else.
fn parse_element(element: &str, size_bytes: u64) -> Option<RangeSpec> {
    let (first, last) = element.split_once('-')?;
    let (start, end_inclusive) = if first.is_empty() {
        let length = parse_number(last)?;
        if size_bytes == 0 && length > 0 {
            return Some(RangeSpec::Everything);
        }
        (
            size_bytes.saturating_sub(length),
            size_bytes.saturating_sub(1),
        )
    } else {
        let start = parse_number(first)?;
        let end = if last.is_empty() {
            u64::MAX
        } else {
            parse_number(last)?
        };
        if end < start {
            return None;
        }
        (start, end.min(size_bytes.saturating_sub(1)))
    };
    if start >= size_bytes {
        return Some(RangeSpec::PastTheEnd);
    }
    Some(RangeSpec::Range(ByteRange {
        start,
        end_inclusive,
    }))
}

/// Parses digits only; a number beyond 64 bits counts as the greatest one.
fn parse_number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Returns the text before the bytes of one part of a multipart/byteranges body, from the CRLF that ends the previous
/// part.
///
/// `boundary` is without dashes; `size_bytes` is the length of the whole object (RFC 9110 14.6, RFC 2046 5.1.1).
pub fn multipart_part_head(
    boundary: &str,
    content_type: &str,
    range: &ByteRange,
    size_bytes: u64,
) -> String {
    let mut head = String::with_capacity(128);
    // Writing to a String does not fail.
    let _ = write!(
        head,
        "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
        range.content_range(size_bytes)
    );
    head
}

/// Returns the text after the last part.
pub fn multipart_end(boundary: &str) -> String {
    format!("\r\n--{boundary}--\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_their_boundaries() {
        let object = b"0123456789";
        let ranges = [(0, 1), (9, 9)].map(|(start, end_inclusive)| ByteRange {
            start,
            end_inclusive,
        });
        let mut body = String::new();
        for range in &ranges {
            body += &multipart_part_head("b", "text/plain", range, 10);
            let bytes = &object[range.start as usize..=range.end_inclusive as usize];
            body += &String::from_utf8_lossy(bytes);
        }
        body += &multipart_end("b");
        assert_eq!(
            body,
            "\r\n--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
             \r\n--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-9/10\r\n\r\n9\r\n--b--\r\n"
        );
    }
}
