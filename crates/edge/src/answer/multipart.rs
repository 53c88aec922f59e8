//! Several ranges of an object in one body: multipart/byteranges (RFC 9110 14.6).

use super::Answer;
use crate::body::Piece;
use crate::request_id::request_id;
use bytes::Bytes;
use http::HeaderValue;
use privet_distribution::ByteRange;
use privet_distribution::response::{multipart_end, multipart_part_head};

/// What the parts of the body have in common.
pub(super) struct Multipart<'a> {
    /// The ranges in the order asked, all within the object.
    pub(super) ranges: &'a [ByteRange],
    /// The type of the object, which each part repeats.
    pub(super) content_type: &'a str,
    /// The length of the whole object.
    pub(super) size_bytes: u64,
}

impl Answer {
    /// Sends the ranges of `multipart`; `piece` has the bytes of one of them.
    pub(super) fn set_multipart(
        &mut self,
        multipart: &Multipart<'_>,
        mut piece: impl FnMut(ByteRange) -> Piece,
    ) {
        let boundary = boundary();
        let mut length = 0;
        for range in multipart.ranges {
            let head = multipart_part_head(
                &boundary,
                multipart.content_type,
                range,
                multipart.size_bytes,
            );
            length += head.len() as u64 + range.size_bytes();
            self.pieces.push(Piece::Memory(Bytes::from(head)));
            self.pieces.push(piece(*range));
        }
        let end = multipart_end(&boundary);
        length += end.len() as u64;
        self.pieces.push(Piece::Memory(Bytes::from(end)));
        let content_type = format!("multipart/byteranges; boundary={boundary}");
        if let Ok(content_type) = HeaderValue::try_from(content_type) {
            self.set_type(content_type);
        }
        self.set_length(length);
    }
}

/// Letters and digits that no object can know beforehand (RFC 2046 5.1.1).
fn boundary() -> String {
    request_id()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect()
}
