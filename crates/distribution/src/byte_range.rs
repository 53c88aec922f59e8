//! Ranges of bytes: as they stand in `Range` and `Content-Range` (RFC 9110 14), and as code counts them.

use http::HeaderValue;

/// A range as the wire has it, both ends included (RFC 9110 14.1.2). It has at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, counted from 0.
    pub start: u64,
    /// The last byte; never before `start`.
    pub end_inclusive: u64,
}

impl ByteRange {
    /// How many bytes it has; at least one.
    pub fn size_bytes(&self) -> u64 {
        self.end_inclusive - self.start + 1
    }

    /// The same bytes as a [`Span`]. The one conversion between the two ways to count.
    pub fn span(&self) -> Span {
        Span {
            start: self.start,
            end: self.end_inclusive.saturating_add(1),
        }
    }

    /// The value of `Content-Range` within an object of `size_bytes` (RFC 9110 14.4).
    pub fn content_range(&self, size_bytes: u64) -> String {
        format!("bytes {}-{}/{size_bytes}", self.start, self.end_inclusive)
    }
}

/// A range as code counts, from `start` to before `end`. It may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte, counted from 0.
    pub start: u64,
    /// The place behind the last byte; never before `start`.
    pub end: u64,
}

impl Span {
    /// How many bytes it has.
    pub fn size_bytes(&self) -> u64 {
        self.end - self.start
    }

    /// Whether the byte at this place is one of them.
    pub fn contains(&self, position: u64) -> bool {
        self.start <= position && position < self.end
    }

    /// The same bytes as the wire has them; `None` when there are none, for which the wire has no words.
    pub fn byte_range(&self) -> Option<ByteRange> {
        let end_inclusive = self.end.checked_sub(1)?;
        (self.start <= end_inclusive).then_some(ByteRange {
            start: self.start,
            end_inclusive,
        })
    }
}

/// One range of a `Range` field, of an object whose size need not be known (RFC 9110 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSpec {
    /// `first-last`: these bytes, or as many of them as there are.
    Within(ByteRange),
    /// `first-`: all from this byte on.
    From(u64),
    /// `-length`: so many at the end.
    Last(u64),
}

impl RangeSpec {
    /// The least that a GET can ask for.
    pub const FIRST_BYTE: RangeSpec = RangeSpec::Within(ByteRange {
        start: 0,
        end_inclusive: 0,
    });

    /// The value of `Range` that asks for this range alone.
    pub fn to_header_value(self) -> HeaderValue {
        let text = match self {
            RangeSpec::Within(range) => format!("bytes={}-{}", range.start, range.end_inclusive),
            RangeSpec::From(start) => format!("bytes={start}-"),
            RangeSpec::Last(length) => format!("bytes=-{length}"),
        };
        HeaderValue::try_from(text).expect("digits and `-` are allowed in a field's value")
    }
}

/// What `Content-Range` says of a 206: which bytes they are, and of how many (RFC 9110 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The bytes that the response has.
    pub range: ByteRange,
    /// The length of the whole object; more than the last byte of `range`.
    pub size_bytes: u64,
}

impl ContentRange {
    /// Reads `bytes first-last/size`. `None` for anything else: another unit, an object of unknown size, and a range
    /// that contradicts itself or the size, by which nothing may be put together (RFC 9110 14.4).
    pub fn parse(value: &str) -> Option<Self> {
        let (range, size_bytes) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (start, end_inclusive) = range.split_once('-')?;
        let (start, end_inclusive) = (start.parse().ok()?, end_inclusive.parse().ok()?);
        let size_bytes = size_bytes.parse().ok()?;
        let is_sound = start <= end_inclusive && end_inclusive < size_bytes;
        is_sound.then_some(ContentRange {
            range: ByteRange {
                start,
                end_inclusive,
            },
            size_bytes,
        })
    }

    /// The value of `Content-Range` of a 416, for an object of `size_bytes`.
    pub fn unsatisfied(size_bytes: u64) -> String {
        format!("bytes */{size_bytes}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_content_range(value: &str, expected: Option<(u64, u64, u64)>) {
        let expected = expected.map(|(start, end_inclusive, size_bytes)| ContentRange {
            range: ByteRange {
                start,
                end_inclusive,
            },
            size_bytes,
        });
        assert_eq!(ContentRange::parse(value), expected, "{value}");
    }

    #[test]
    fn content_ranges_that_contradict_themselves_are_refused() {
        for value in [
            "bytes 2-1/3",
            "bytes 0-3/3",
            "bytes 0-0/0",
            "bytes */3",
            "bytes 0-1/*",
            "bytes 0-/3",
            "bytes -1/3",
            "bytes=0-1/3",
            "seconds 0-1/3",
            "",
        ] {
            check_content_range(value, None);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let range = ByteRange {
            start: 5,
            end_inclusive: 9,
        };
        check_content_range(&range.content_range(10), Some((5, 9, 10)));
    }

    #[test]
    fn a_span_and_a_range_are_the_same_bytes() {
        let range = ByteRange {
            start: 5,
            end_inclusive: 5,
        };
        let span = Span { start: 5, end: 6 };
        assert_eq!((range.span(), span.byte_range()), (span, Some(range)));
        assert_eq!(range.size_bytes(), span.size_bytes());
        for empty in [0, 5] {
            let (start, end) = (empty, empty);
            assert_eq!(Span { start, end }.byte_range(), None);
        }
    }

    #[test]
    fn ranges_are_asked_for_in_three_ways() {
        let within = ByteRange {
            start: 0,
            end_inclusive: 65_535,
        };
        for (range, expected) in [
            (RangeSpec::Within(within), "bytes=0-65535"),
            (RangeSpec::From(7), "bytes=7-"),
            (RangeSpec::Last(u64::MAX), "bytes=-18446744073709551615"),
        ] {
            assert_eq!(range.to_header_value(), expected);
        }
    }
}
