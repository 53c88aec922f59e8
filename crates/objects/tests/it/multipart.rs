//! Multipart uploads.

use crate::folder::{Folder, get, key, settings};
use privet_objects::{
    Algorithm, ChecksumType, CompletedPart, Completion, Digests, Headers, ObjectError, OpenError,
    Part, Settings, TagCondition, UploadEntry, UploadId, UploadInProgress, UploadsRequest,
    WriteConditions,
};
use std::time::{Duration, SystemTime};

fn create(folder: &Folder, text: &str) -> UploadInProgress {
    folder
        .bucket
        .create_upload(&key(text), Headers::default(), None)
        .unwrap()
}

fn send(folder: &Folder, upload: &UploadInProgress, number: u16, content: &str) -> Part {
    let mut part = folder.bucket.part(&upload.key, &upload.id, number).unwrap();
    part.write(content.as_bytes()).unwrap();
    part.commit(&Digests::default()).unwrap()
}

fn completion(parts: &[Part]) -> Completion {
    let named = |part: &Part| CompletedPart {
        number: part.number,
        etag: part.etag.to_string(),
        checksum: None,
    };
    Completion {
        parts: parts.iter().map(named).collect(),
        ..Completion::default()
    }
}

#[test]
fn an_upload_that_is_not_there_takes_nothing() {
    let folder = Folder::new();
    let none = UploadId::parse(&"0".repeat(32)).unwrap();
    let other = create(&folder, "other").id;
    for id in [&none, &other] {
        let (bucket, a) = (&folder.bucket, key("a"));
        let missing = Some(ObjectError::NoSuchUpload);
        assert_eq!(bucket.part(&a, id, 1).err(), missing);
        assert_eq!(bucket.parts(&a, id, 0, 10).err(), missing);
        assert_eq!(
            bucket.complete(&a, id, &Completion::default()).err(),
            missing
        );
        assert_eq!(bucket.abort(&a, id).err(), missing);
        assert_eq!(bucket.upload(&a, id).err(), missing);
    }
    for text in [
        "",
        "..",
        "../media",
        &"0".repeat(31),
        &"A".repeat(32),
        &"/".repeat(32),
    ] {
        assert_eq!(UploadId::parse(text), None);
    }
}

#[test]
fn wrong_parts_make_no_object() {
    let folder = Folder::with(&Settings {
        object_size_bytes_max: 20,
        ..settings()
    });
    let upload = create(&folder, "a");
    for number in [0, 10_001] {
        let part = folder.bucket.part(&upload.key, &upload.id, number);
        assert_eq!(part.err(), Some(ObjectError::InvalidPartNumber));
    }
    let small = send(&folder, &upload, 1, "abc");
    let parts = [
        send(&folder, &upload, 2, "0123456789"),
        send(&folder, &upload, 3, "0123456789"),
        send(&folder, &upload, 4, "x"),
    ];
    let check = |completion: &Completion, expected| {
        let made = folder.bucket.complete(&upload.key, &upload.id, completion);
        assert_eq!(made, Err(expected));
        assert_eq!(folder.get("a"), Err(ObjectError::NotFound));
    };
    check(&completion(&[]), ObjectError::InvalidPartOrder);
    check(
        &completion(&[parts[1].clone(), parts[0].clone()]),
        ObjectError::InvalidPartOrder,
    );
    check(
        &completion(&[parts[0].clone(), parts[0].clone()]),
        ObjectError::InvalidPartOrder,
    );
    check(
        &completion(&[small, parts[0].clone()]),
        ObjectError::EntityTooSmall,
    );
    check(&completion(&parts), ObjectError::EntityTooLarge);
    let mut wrong = completion(&parts[..1]);
    wrong.size = Some(9);
    check(&wrong, ObjectError::SizeMismatch);
    wrong = completion(&parts[..1]);
    wrong.checksum = Some((Algorithm::Crc32, vec![0; 4]));
    check(&wrong, ObjectError::ChecksumMismatch(Algorithm::Crc32));
    wrong = completion(&parts[..1]);
    wrong.parts[0].etag.push_str("-1");
    check(&wrong, ObjectError::InvalidPart);
    wrong = completion(&parts[..1]);
    wrong.parts[0].number = 9;
    check(&wrong, ObjectError::InvalidPart);
    wrong = completion(&parts[..1]);
    wrong.conditions.if_match = Some(TagCondition::Any);
    check(&wrong, ObjectError::NotFound);
    // The upload is still there.
    folder
        .bucket
        .complete(&upload.key, &upload.id, &completion(&parts[..1]))
        .unwrap();
    assert_eq!(folder.get("a").unwrap(), "0123456789");
}

#[test]
fn parts_become_one_object_once() {
    let folder = Folder::new();
    for text in ["a/b", "odd//key"] {
        let headers = Headers {
            content_type: Some("video/mp4".into()),
            ..Headers::default()
        };
        let checksum = Some((Algorithm::Crc64Nvme, ChecksumType::FullObject));
        let upload = folder
            .bucket
            .create_upload(&key(text), headers.clone(), checksum)
            .unwrap();
        let last = send(&folder, &upload, 10_000, "end");
        send(&folder, &upload, 5, "lost");
        let first = send(&folder, &upload, 5, "begin");
        let listed = folder.bucket.parts(&upload.key, &upload.id, 0, 1).unwrap();
        assert_eq!((listed.parts, listed.next), (vec![first.clone()], Some(5)));
        let listed = folder.bucket.parts(&upload.key, &upload.id, 5, 10).unwrap();
        assert_eq!((listed.parts, listed.next), (vec![last.clone()], None));
        assert_eq!(folder.get(text), Err(ObjectError::NotFound));
        let completion = completion(&[first, last]);
        let made = folder
            .bucket
            .complete(&upload.key, &upload.id, &completion)
            .unwrap();
        assert_eq!(folder.get(text).unwrap(), "beginend");
        assert_eq!(made, folder.bucket.metadata(&key(text)).unwrap());
        assert_eq!(
            (made.headers, made.parts.sizes().collect()),
            (headers, vec![5_u64, 3])
        );
        assert!(made.etag.to_string().ends_with("-2"));
        assert_eq!(
            made.checksums[0].value,
            Algorithm::Crc64Nvme.checksum(b"beginend")
        );
        // The answer is given again, and changes nothing.
        let newer = folder.put(text, "newer");
        let again = folder
            .bucket
            .complete(&upload.key, &upload.id, &completion)
            .unwrap();
        assert_eq!(
            (again.etag, again.modified, again.size),
            (made.etag, made.modified, 8)
        );
        assert_eq!(folder.bucket.metadata(&key(text)).unwrap(), newer);
        let mut other = completion;
        other.parts.pop();
        let other = folder.bucket.complete(&upload.key, &upload.id, &other);
        assert_eq!(other, Err(ObjectError::NoSuchUpload));
        assert_eq!(
            folder.bucket.abort(&upload.key, &upload.id),
            Err(ObjectError::NoSuchUpload)
        );
    }
    let all = UploadsRequest {
        max: 10,
        ..UploadsRequest::default()
    };
    assert!(folder.bucket.uploads(&all).unwrap().entries.is_empty());
}

#[test]
fn an_aborted_upload_is_gone_with_its_parts() {
    let folder = Folder::new();
    let upload = create(&folder, "a");
    send(&folder, &upload, 1, "content");
    let mut late = folder.bucket.part(&upload.key, &upload.id, 2).unwrap();
    late.write(b"late").unwrap();
    folder.bucket.abort(&upload.key, &upload.id).unwrap();
    assert_eq!(
        late.commit(&Digests::default()),
        Err(ObjectError::NoSuchUpload)
    );
    for path in [".privet/uploads", ".privet/temporary"] {
        assert_eq!(
            std::fs::read_dir(folder.path(path)).unwrap().count(),
            0,
            "{path}"
        );
    }
    assert_eq!(
        folder.buckets.delete(&crate::folder::name("media")),
        Ok::<(), OpenError>(())
    );
}

#[test]
fn abandoned_uploads_expire() {
    let folder = Folder::with(&Settings {
        completed_for: Duration::ZERO,
        ..settings()
    });
    let (old, done) = (create(&folder, "old"), create(&folder, "done"));
    let part = send(&folder, &done, 1, "content");
    folder
        .bucket
        .complete(&done.key, &done.id, &completion(&[part]))
        .unwrap();
    let new = create(&folder, "new");
    assert_eq!(folder.bucket.expire(SystemTime::UNIX_EPOCH), Ok(0));
    assert_eq!(
        folder.bucket.expire(new.initiated + Duration::from_secs(1)),
        Ok(2)
    );
    for upload in [old, new] {
        assert_eq!(
            folder.bucket.upload(&upload.key, &upload.id).err(),
            Some(ObjectError::NoSuchUpload)
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path(".privet/uploads"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(folder.get("done").unwrap(), "content");
}

#[test]
fn uploads_have_a_limit_and_an_order() {
    let folder = Folder::with(&Settings {
        uploads_max: 5,
        ..settings()
    });
    let uploads: Vec<_> = ["b", "a/1", "a/2", "b", "c"]
        .map(|text| create(&folder, text))
        .into();
    let more = folder
        .bucket
        .create_upload(&key("d"), Headers::default(), None);
    assert_eq!(more.err(), Some(ObjectError::TooManyUploads));
    let mut request = UploadsRequest {
        delimiter: Some("/".into()),
        max: 1,
        ..UploadsRequest::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = folder.bucket.uploads(&request).unwrap();
        listed.extend(page.entries);
        match page.next {
            Some((key, id)) => (request.key_marker, request.id_marker) = (Some(key), id),
            None => break,
        }
    }
    let expected = [
        UploadEntry::CommonPrefix("a/".into()),
        UploadEntry::Upload(uploads[0].clone()),
        UploadEntry::Upload(uploads[3].clone()),
        UploadEntry::Upload(uploads[4].clone()),
    ];
    assert_eq!(listed, expected);
    let prefix = UploadsRequest {
        prefix: "a/".into(),
        max: 10,
        ..UploadsRequest::default()
    };
    assert_eq!(folder.bucket.uploads(&prefix).unwrap().entries.len(), 2);
}

#[test]
fn wholes_have_only_checksums_that_can_be_made() {
    let folder = Folder::new();
    let invalid = [
        (Algorithm::Sha256, ChecksumType::FullObject),
        (Algorithm::Crc64Nvme, ChecksumType::Composite),
    ];
    for checksum in invalid {
        let upload = folder
            .bucket
            .create_upload(&key("a"), Headers::default(), Some(checksum));
        assert_eq!(upload.err(), Some(ObjectError::InvalidChecksumType));
    }
}

#[test]
fn objects_are_copied() {
    let folder = Folder::new();
    let upload = create(&folder, "parts");
    let part = send(&folder, &upload, 1, "content");
    folder
        .bucket
        .complete(&upload.key, &upload.id, &completion(&[part]))
        .unwrap();
    folder.put("whole", "content");
    for text in ["parts", "whole"] {
        let source = folder.bucket.open(&key(text)).unwrap();
        let algorithms = [Algorithm::Crc32];
        let conditions = WriteConditions::default();
        let copy = folder
            .bucket
            .copy(
                &source,
                &key("odd//copy"),
                Headers::default(),
                &algorithms,
                &conditions,
            )
            .unwrap();
        assert_eq!(
            copy.etag,
            folder.bucket.metadata(&key("whole")).unwrap().etag
        );
        assert_eq!(
            copy.checksums[0].value,
            Algorithm::Crc32.checksum(b"content")
        );
        let copy = folder
            .bucket
            .copy(&source, &key("copy"), Headers::default(), &[], &conditions)
            .unwrap();
        assert_eq!(
            copy.etag,
            folder.bucket.metadata(&key("whole")).unwrap().etag
        );
        assert_eq!(get(&folder.bucket, "copy").unwrap(), "content");
        // Onto itself.
        let copied = folder
            .bucket
            .copy(&source, &key(text), Headers::default(), &[], &conditions)
            .unwrap();
        assert_eq!(copied.size, 7);
        assert_eq!(folder.get(text).unwrap(), "content");
    }
}
