//! An object is made of parts.

use super::in_progress::{DONE, InProgress, check_number, part_name};
use super::{CompletedPart, Completion, Part, UploadId};
use crate::bucket::commit;
use crate::checksum::{crc_bytes, crc_value, md5};
use crate::copy_bytes::append;
use crate::incoming::Incoming;
use crate::metadata::read_any_record;
use crate::record::Record;
use crate::shared::Shared;
use crate::system::open_file;
use crate::{
    Algorithm, BucketFolder, Checksum, ChecksumType, ETag, Key, Metadata, ObjectError, Parts,
};
use crc_fast::checksum_combine;
use rustix::fs::{AtFlags, FlockOperation};
use std::sync::Arc;

/// What the parts make, before their bytes are touched.
struct Whole {
    parts: Vec<Part>,
    etag: ETag,
    checksum: Option<Checksum>,
}

impl BucketFolder {
    /// Makes an object of parts, in one step. A second call with the same parts has the same answer for a while. It may
    /// take as long as copying all bytes does.
    ///
    /// Errors: `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `EntityTooLarge`, `SizeMismatch`,
    /// `ChecksumMismatch`, `PreconditionFailed`, `NotFound` as of [`crate::Upload::commit`], the system's.
    pub fn complete(
        &self,
        key: &Key,
        id: &UploadId,
        completion: &Completion,
    ) -> Result<Metadata, ObjectError> {
        let upload = InProgress::open_for(&self.shared, key, id)?;
        upload.lock(FlockOperation::LockExclusive)?;
        if upload.check_not_done().is_err() {
            return self.completed(&upload, completion);
        }
        let whole = Whole::of(&upload, completion, &self.shared)?;
        let mut incoming = Incoming::create(&self.shared)?;
        for part in &whole.parts {
            let opened = upload
                .part(part.number)?
                .filter(|opened| opened.part == *part);
            let opened = opened.ok_or(ObjectError::InvalidPart)?;
            incoming.count(part.size)?;
            append(&opened.file, incoming.file(), part.size)?;
        }
        let record = Record {
            etag: Some(whole.etag),
            parts: Parts::of(whole.parts.iter().map(|part| part.size)),
            attributes: upload.upload.attributes.clone(),
            checksums: whole.checksum.into_iter().collect(),
            ..Record::default()
        };
        let (metadata, record) = commit(incoming, key, record, &completion.conditions)?;
        // From here on the object is there. Without the answer, completing again makes the same object again.
        self.finish(&upload, &record)?;
        Ok(metadata)
    }

    /// Writes down what the upload became, and removes its parts.
    fn finish(&self, upload: &InProgress, record: &Record) -> Result<(), ObjectError> {
        let mut incoming = Incoming::create(&self.shared)?;
        incoming.write_record(record)?;
        let temporary = &self.shared.private()?.temporary;
        rustix::fs::renameat(temporary, incoming.name(), &upload.folder, DONE)?;
        incoming.placed();
        self.shared.sync(&upload.folder)?;
        for number in upload.numbers()? {
            rustix::fs::unlinkat(&upload.folder, part_name(number), AtFlags::empty())?;
        }
        Ok(())
    }

    /// Returns the answer of a completed upload once more.
    fn completed(
        &self,
        upload: &InProgress,
        completion: &Completion,
    ) -> Result<Metadata, ObjectError> {
        let (file, _) = open_file(&upload.folder, DONE)?;
        let record = read_any_record(&file)?;
        // Other parts than those that were completed are another request.
        let etag = whole_etag(completion.parts.iter().map(|part| ETag::parse(&part.etag)));
        if record.etag.is_none() || record.etag != etag {
            return Err(ObjectError::NoSuchUpload);
        }
        let metadata = Metadata::recorded(&upload.upload.key, record, &self.shared.settings);
        metadata.ok_or(ObjectError::NoSuchUpload)
    }
}

impl Whole {
    /// Checks the parts that a client names against those that were uploaded.
    fn of(
        upload: &InProgress,
        completion: &Completion,
        shared: &Arc<Shared>,
    ) -> Result<Whole, ObjectError> {
        let numbers: Vec<u16> = completion.parts.iter().map(|part| part.number).collect();
        if numbers.is_empty() || !numbers.is_sorted_by(|one, other| one < other) {
            return Err(ObjectError::InvalidPartOrder);
        }
        let mut parts = Vec::with_capacity(numbers.len());
        for named in &completion.parts {
            check_number(named.number)?;
            let part = upload.part(named.number)?.map(|opened| opened.part);
            let part = part
                .filter(|part| is_named(part, named))
                .ok_or(ObjectError::InvalidPart)?;
            parts.push(part);
        }
        let settings = &shared.settings;
        let (_, all_but_last) = parts.split_last().expect("there is a part");
        if all_but_last
            .iter()
            .any(|part| part.size < settings.part_size_bytes_min)
        {
            return Err(ObjectError::EntityTooSmall);
        }
        let size_bytes = parts
            .iter()
            .fold(0_u64, |sum, part| sum.saturating_add(part.size));
        if size_bytes > settings.object_size_bytes_max {
            return Err(ObjectError::EntityTooLarge);
        }
        if completion.size.is_some_and(|size| size != size_bytes) {
            return Err(ObjectError::SizeMismatch);
        }
        let etag =
            whole_etag(parts.iter().map(|part| Some(part.etag))).ok_or(ObjectError::InvalidPart)?;
        let checksum = whole_checksum(upload.upload.checksum, &parts)?;
        if let Some((algorithm, value)) = &completion.checksum {
            let made = checksum
                .as_ref()
                .filter(|made| made.algorithm == *algorithm);
            if made.is_none_or(|made| made.value != *value) {
                return Err(ObjectError::ChecksumMismatch(*algorithm));
            }
        }
        Ok(Whole {
            parts,
            etag,
            checksum,
        })
    }
}

/// Returns true if the part is the one that the client means.
fn is_named(part: &Part, named: &CompletedPart) -> bool {
    let is_checksum = |(algorithm, value): &(Algorithm, Vec<u8>)| {
        let made = part
            .checksums
            .iter()
            .find(|made| made.algorithm == *algorithm);
        made.is_some_and(|made| made.value == *value)
    };
    part.etag.to_string() == named.etag && named.checksum.as_ref().is_none_or(is_checksum)
}

/// Returns the entity tag of a whole: the MD5 of its parts' MD5s, and their number.
fn whole_etag(parts: impl Iterator<Item = Option<ETag>>) -> Option<ETag> {
    let mut digests = Vec::new();
    let mut count = 0_u16;
    for part in parts {
        let Some(ETag::Content(digest)) = part else {
            return None;
        };
        digests.extend_from_slice(&digest);
        count = count.checked_add(1)?;
    }
    Some(ETag::Parts(md5(&digests), count))
}

/// Returns the checksum of a whole, made of those of its parts.
fn whole_checksum(
    requested: Option<(Algorithm, ChecksumType)>,
    parts: &[Part],
) -> Result<Option<Checksum>, ObjectError> {
    let Some((algorithm, checksum_type)) = requested else {
        return Ok(None);
    };
    let values = parts.iter().map(|part| {
        let made = part
            .checksums
            .iter()
            .find(|made| made.algorithm == algorithm);
        made.map(|made| (made.value.as_slice(), part.size))
    });
    let values: Option<Vec<(&[u8], u64)>> = values.collect();
    let values = values.ok_or(ObjectError::InvalidPart)?;
    let value = match (checksum_type, algorithm.combining()) {
        (ChecksumType::FullObject, Some(crc)) => {
            let parts = values.iter().map(|(value, size)| (crc_value(value), *size));
            let whole = parts.reduce(|(one, length), (other, size)| {
                (checksum_combine(crc, one, other, size), length + size)
            });
            crc_bytes(algorithm, whole.map_or(0, |(value, _)| value))
        }
        (ChecksumType::FullObject, None) => return Err(ObjectError::InvalidChecksumType),
        (ChecksumType::Composite, _) => {
            let values: Vec<u8> = values
                .iter()
                .flat_map(|(value, _)| value.iter().copied())
                .collect();
            algorithm.checksum(&values)
        }
    };
    Ok(Some(Checksum {
        algorithm,
        checksum_type,
        value,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn part(content: &[u8]) -> Part {
        let checksum = |algorithm: Algorithm| Checksum {
            algorithm,
            checksum_type: ChecksumType::FullObject,
            value: algorithm.checksum(content),
        };
        Part {
            number: 1,
            size: content.len() as u64,
            etag: ETag::Content(md5(content)),
            modified: SystemTime::UNIX_EPOCH,
            checksums: Algorithm::ALL.map(checksum).to_vec(),
        }
    }

    #[test]
    fn checksums_of_parts_combine_to_that_of_the_whole() {
        let contents: [&[u8]; 4] = [b"first", b"", b"second part", b"3"];
        let parts = contents.map(part);
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let whole =
                whole_checksum(Some((algorithm, ChecksumType::FullObject)), &parts).unwrap();
            assert_eq!(
                whole.unwrap().value,
                algorithm.checksum(&contents.concat()),
                "{algorithm:?}"
            );
        }
        for algorithm in Algorithm::ALL {
            let whole = whole_checksum(Some((algorithm, ChecksumType::Composite)), &parts).unwrap();
            let values: Vec<u8> = contents
                .iter()
                .flat_map(|content| algorithm.checksum(content))
                .collect();
            assert_eq!(
                whole.unwrap().value,
                algorithm.checksum(&values),
                "{algorithm:?}"
            );
        }
        let hash = whole_checksum(Some((Algorithm::Sha256, ChecksumType::FullObject)), &parts);
        assert_eq!(hash, Err(ObjectError::InvalidChecksumType));
    }

    /// The tag that Amazon's documents and clients compute.
    #[test]
    fn the_tag_of_a_whole_is_made_of_those_of_its_parts() {
        let parts = [part(b"abc"), part(b"abc")];
        let tag = whole_etag(parts.iter().map(|part| Some(part.etag))).unwrap();
        let twice = [md5(b"abc"), md5(b"abc")].concat();
        assert_eq!(tag, ETag::Parts(md5(&twice), 2));
        assert_eq!(whole_etag([Some(tag)].into_iter()), None);
        assert_eq!(whole_etag([None].into_iter()), None);
    }
}
