use super::*;
use crate::{Headers, Tags};
use proptest::prelude::*;

fn full() -> Record {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Record {
        state: Some(FileState {
            size_bytes: 11 << 20,
            modified_ns: 1_700_000_000_123_456_789,
        }),
        etag: Some(ETag::Parts([7; 16], 3)),
        modified_ns: Some(-1),
        key: Some("a//b".into()),
        parts: Parts::of([5 << 20, 5 << 20, 1 << 20]),
        attributes: Attributes {
            headers: Headers {
                content_type: Some("video/mp4".into()),
                website_redirect: Some("/é".into()),
                user: vec![pair("a", ""), pair("b", "ü")],
                ..Headers::default()
            },
            tags: Tags(vec![pair("colour", "red"), pair("x", "")]),
        },
        checksums: vec![Checksum {
            algorithm: Algorithm::Crc64Nvme,
            checksum_type: ChecksumType::Composite,
            value: vec![1; 8],
        }],
        requested: Some((Algorithm::Sha256, ChecksumType::FullObject)),
    }
}

#[test]
fn damaged_attributes_are_not_believed() {
    let bytes = full().encode().unwrap();
    assert_eq!(Record::decode(b""), None);
    assert_eq!(Record::decode(&[2]), None);
    for length in 1..bytes.len() {
        let cut = Record::decode(&bytes[..length]);
        assert!(cut.is_none_or(|record| record != full()), "{length}");
    }
}

#[test]
fn headers_that_nobody_could_have_sent_are_not_believed() {
    let mut record = full();
    record.attributes.headers.content_type = Some("a\r\nSet-Cookie: b".into());
    assert_eq!(Record::decode(&record.encode().unwrap()), None);
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(Record::decode(&full().encode().unwrap()), Some(full()));
    assert_eq!(
        Record::decode(&Record::default().encode().unwrap()),
        Some(Record::default())
    );
}

#[test]
fn fields_of_later_versions_are_passed_over() {
    let mut bytes = full().encode().unwrap();
    push_field(&mut bytes, 200, &[b"what this is, nobody knows yet"]);
    assert_eq!(Record::decode(&bytes), Some(full()));
}

#[test]
fn a_usual_record_fits_into_an_inode() {
    let mut record = full();
    record.etag = Some(ETag::Content([7; 16]));
    record.attributes = Attributes::default();
    record.attributes.headers.content_type = Some("image/jpeg".into());
    (record.key, record.parts, record.requested) = (None, Parts::default(), None);
    record.modified_ns = None;
    // An inode of 256 bytes has 96 for attributes, of which 28 are spent on the name and tables.
    let length = record.encode().unwrap().len();
    assert!(length <= 68, "{length}");
}

#[test]
fn what_does_not_fit_is_refused_and_sizes_of_parts_are_left_out() {
    let mut record = full();
    record.parts = Parts::of(1..=10_000);
    let read = Record::decode(&record.encode().unwrap()).unwrap();
    assert_eq!((read.parts, read.etag), (Parts::default(), record.etag));
    record.attributes.headers.cache_control = Some("a".repeat(ATTRIBUTE_BYTES_MAX));
    assert_eq!(record.encode(), Err(ObjectError::MetadataTooLarge));
}

#[test]
fn a_file_in_another_state_keeps_what_was_said_of_it_alone() {
    let state = full().state.unwrap();
    assert_eq!(full().believed(state), full());
    let other = FileState {
        size_bytes: 1,
        ..state
    };
    let believed = full().believed(other);
    assert_eq!((believed.etag, believed.checksums.len()), (None, 0));
    assert_eq!(believed.attributes, full().attributes);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        bytes.insert(0, VERSION);
        let _ = Record::decode(&bytes);
    }

    #[test]
    fn numbers_are_read_as_written(number: u64) {
        let mut bytes = Vec::new();
        push_number(&mut bytes, number);
        let mut rest = bytes.as_slice();
        prop_assert_eq!(take_number(&mut rest), Some(number));
        prop_assert!(rest.is_empty());
    }
}
