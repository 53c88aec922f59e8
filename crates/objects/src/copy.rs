//! Copies of objects within and between buckets, without reading their bytes where that is not needed.

use crate::{
    Algorithm, Attributes, BucketFolder, Digests, Key, Metadata, ObjectError, ObjectFile,
    WriteConditions,
};
use std::io::{Read, Seek, SeekFrom};

const CHUNK_BYTES: usize = 256 * 1024;

impl BucketFolder {
    /// Makes the object of `key` a copy of `source`, which may lie in another bucket, with these attributes and a
    /// checksum by each of `algorithms`.
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
        let mut upload = self.begin(key, attributes)?;
        for algorithm in algorithms {
            upload.compute(*algorithm);
        }
        let mut file = &source.file;
        let error = |error: std::io::Error| crate::incoming::system_error(&error);
        file.seek(SeekFrom::Start(0)).map_err(error)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match file.read(&mut buffer).map_err(error)? {
                0 => break,
                length => upload.write(&buffer[..length])?,
            }
        }
        if !source.is_unchanged() {
            return Err(ObjectError::Changed);
        }
        upload.commit(conditions, &Digests::default())
    }
}
