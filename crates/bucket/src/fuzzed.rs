//! What the fuzz targets call: readers of what strangers send, with what has to hold for any input.

use crate::body::{Chunked, Framing};
use crate::form::{FormReader, Found, policy};
use crate::policy::{self as bucket_policy, PolicyContext, Transport};
use crate::query::Query;
use bytes::Bytes;

/// Reads a bucket policy. Whoever it lets in is named in it, and never everybody.
pub fn bucket_policy(bytes: &[u8]) {
    let context = PolicyContext {
        bucket: "photos",
        transport: Transport::Plain,
    };
    if let Ok(grants) = bucket_policy::read(bytes, context) {
        assert!(!grants.readers.is_empty() || !grants.listers.is_empty());
        let value: serde_json::Value =
            serde_json::from_slice(bytes).expect("what was read is JSON");
        let text = value.to_string();
        for reader in grants.readers.iter().chain(&grants.listers) {
            let id = match reader {
                bucket_policy::Reader::OriginAccessIdentity(id)
                | bucket_policy::Reader::CanonicalUser(id)
                | bucket_policy::Reader::Distribution { id, .. } => id,
            };
            assert!(!id.is_empty() && !id.contains('*') && text.contains(id.as_str()));
        }
    }
}

/// Reads a body in chunks without signatures, whole and byte by byte: the first two bytes say its length.
pub fn chunked_body(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = u64::from(u16::from_be_bytes(*length));
    let read = |step: usize| {
        let mut chunked = Chunked::new(Framing {
            signer: None,
            trailer: Some(vec!["x-amz-checksum-crc32".to_owned()]),
            length,
        });
        let mut content = Vec::new();
        for piece in body.chunks(step) {
            let mut left = Bytes::copy_from_slice(piece);
            while let Some(piece) = chunked.take(&mut left).ok()? {
                content.extend_from_slice(&piece);
            }
        }
        chunked.finish().ok().map(|trailer| (content, trailer))
    };
    let whole = read(body.len().max(1));
    assert_eq!(whole, read(1));
    if let Some((content, _)) = whole {
        assert_eq!(content.len() as u64, length);
    }
}

/// Reads a form, whole and byte by byte, and its policy.
pub fn form(bytes: &[u8]) {
    let read = |step: usize| {
        let mut reader = FormReader::new("multipart/form-data; boundary=xx").ok()?;
        let mut fields = None;
        let mut file = Vec::new();
        for piece in bytes.chunks(step) {
            reader.feed(piece).ok()?;
            loop {
                match reader.next().ok()? {
                    Found::Fields(found) => fields = Some(found),
                    Found::File(piece) => file.extend_from_slice(&piece),
                    Found::End => {}
                    Found::More => break,
                }
            }
        }
        reader.finish().ok()?;
        fields.map(|fields| (fields, file))
    };
    let Some((fields, file)) = read(1) else {
        return;
    };
    let whole = read(bytes.len().max(1));
    // What comes with the end of the file in one piece is not counted against what may follow.
    assert_eq!(whole, Some((fields.clone(), file)));
    if let Some(text) = fields.get("policy") {
        let _ = policy::check(text, &fields, "photos", 0);
    }
}

/// Reads a query: what is signed is read as the same again.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(query) = Query::parse(text) {
        let written = query.canonical_without("");
        assert_eq!(Query::parse(&written), Ok(query));
    }
}
