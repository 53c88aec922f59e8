//! Copies of objects within and between buckets, without reading their bytes where that is not needed.

use crate::bucket::{check_attributes, commit};
use crate::copy_bytes::append;
use crate::incoming::Incoming;
use crate::record::Record;
use crate::{
    Algorithm, Attributes, BucketFolder, Checksum, ChecksumType, Digests, ETag, Key, Metadata,
    ObjectError, ObjectFile, WriteConditions,
};
use std::io::{Read, Seek, SeekFrom};

const CHUNK_BYTES: usize = 1024 * 1024;

impl BucketFolder {
    /// Makes the object of `key` a copy of `source`, which may lie in another bucket, with these attributes and a
    /// checksum by each of `algorithms`. The entity tag is the MD5 of the content, whatever that of the source is.
    ///
    /// Errors: `Changed` if the source was changed by hand meanwhile; otherwise as [`BucketFolder::begin`] and
    /// [`crate::Upload::commit`].
    pub fn copy(
        &self,
        source: &ObjectFile,
        key: &Key,
        attributes: impl Into<Attributes>,
        algorithms: &[Algorithm],
        conditions: &WriteConditions,
    ) -> Result<Metadata, ObjectError> {
        let attributes = attributes.into();
        check_attributes(key, &attributes)?;
        let mut incoming = Incoming::create(&self.shared)?;
        let (etag, checksums) = match known_digests(&source.metadata, algorithms) {
            Some(known) => {
                incoming.count(source.metadata.size)?;
                append(&source.file, incoming.file(), source.metadata.size)?;
                known
            }
            None => {
                read_into(source, &mut incoming, algorithms)?;
                incoming.digests(&Digests::default())?
            }
        };
        // What is known of the source is known of the copy only if these were the source's bytes.
        if !source.is_unchanged() {
            return Err(ObjectError::Changed);
        }
        let record = Record {
            etag: Some(etag),
            checksums,
            attributes,
            ..Record::default()
        };
        commit(incoming, key, record, conditions).map(|(metadata, _)| metadata)
    }
}

/// Returns the entity tag and the checksums of a copy, if they are known without reading the content.
fn known_digests(source: &Metadata, algorithms: &[Algorithm]) -> Option<(ETag, Vec<Checksum>)> {
    let ETag::Content(_) = source.etag else {
        return None;
    };
    let known = algorithms.iter().map(|algorithm| {
        let mut checksums = source.checksums.iter();
        checksums.find(|checksum| {
            checksum.algorithm == *algorithm && checksum.checksum_type == ChecksumType::FullObject
        })
    });
    let known: Option<Vec<Checksum>> = known.map(|checksum| checksum.cloned()).collect();
    Some((source.etag, known?))
}

fn read_into(
    source: &ObjectFile,
    incoming: &mut Incoming,
    algorithms: &[Algorithm],
) -> Result<(), ObjectError> {
    for algorithm in algorithms {
        incoming.compute(*algorithm);
    }
    let mut file = &source.file;
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            length => incoming.write(&buffer[..length])?,
        }
    }
}
