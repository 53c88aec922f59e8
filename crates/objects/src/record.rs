//! The extended attribute of a file, in which everything lies that is known of an object besides its bytes.
//!
//! It begins with a version; then follow fields: number, length, bytes. Small, so that a usual one fits into the file's
//! inode. A reader passes over fields that it does not know.

use crate::{Algorithm, Attributes, Checksum, ChecksumType, ETag, ObjectError, Parts};

/// Name of the extended attribute.
pub(crate) const ATTRIBUTE: &str = "user.privet";
/// Maximum length of the attribute: ext4 keeps all attributes of a file in one block of 4 KiB, and other programs have
/// theirs there too (access control lists, labels).
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 3584;

const VERSION: u8 = 1;

const STATE: u8 = 1;
const ETAG: u8 = 2;
const MODIFIED: u8 = 3;
const KEY: u8 = 4;
const PARTS: u8 = 5;
const USER: u8 = 6;
const TAG: u8 = 7;
const CHECKSUM: u8 = 8;
const REQUESTED: u8 = 9;
/// The first of the headers with fixed names.
const HEADERS: u8 = 16;

/// Size and time of a file: what tells whether it is still the one that a record was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) size_bytes: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i64,
}

/// What the attribute says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The file for which `etag`, `checksums`, `parts` and `modified_ns` were written.
    pub(crate) state: Option<FileState>,
    pub(crate) etag: Option<ETag>,
    /// Time of the last change of headers, if that is later than the file's.
    pub(crate) modified_ns: Option<i64>,
    /// The key, if the file does not lie at its path.
    pub(crate) key: Option<String>,
    pub(crate) parts: Parts,
    pub(crate) attributes: Attributes,
    pub(crate) checksums: Vec<Checksum>,
    /// The checksum that a multipart upload is to have.
    pub(crate) requested: Option<(Algorithm, ChecksumType)>,
}

impl Record {
    /// Returns the attribute's bytes. Sizes of parts that do not fit are left out: their number is in the entity tag.
    ///
    /// Errors: `MetadataTooLarge`.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        let mut bytes = self.encode_without_parts();
        if bytes.len() > ATTRIBUTE_BYTES_MAX {
            return Err(ObjectError::MetadataTooLarge);
        }
        let mut runs = Vec::new();
        for (size, count) in self.parts.runs() {
            push_number(&mut runs, *size);
            push_number(&mut runs, u64::from(*count));
        }
        if !runs.is_empty() && bytes.len() + runs.len() + 4 <= ATTRIBUTE_BYTES_MAX {
            push_field(&mut bytes, PARTS, &[&runs]);
        }
        Ok(bytes)
    }

    fn encode_without_parts(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        if let Some(state) = &self.state {
            let mut size = Vec::new();
            push_number(&mut size, state.size_bytes);
            push_field(
                &mut bytes,
                STATE,
                &[&state.modified_ns.to_le_bytes(), &size],
            );
        }
        match &self.etag {
            Some(ETag::Content(digest)) => push_field(&mut bytes, ETAG, &[digest]),
            Some(ETag::Parts(digest, count)) => {
                push_field(&mut bytes, ETAG, &[digest, &count.to_le_bytes()])
            }
            // A tag of inode and times is made anew whenever it is asked for.
            Some(ETag::File(_)) | None => {}
        }
        if let Some(modified_ns) = self.modified_ns {
            push_field(&mut bytes, MODIFIED, &[&modified_ns.to_le_bytes()]);
        }
        if let Some(key) = &self.key {
            push_field(&mut bytes, KEY, &[key.as_bytes()]);
        }
        for (number, text) in (HEADERS..).zip(self.attributes.headers.texts()) {
            if let Some(text) = text {
                push_field(&mut bytes, number, &[text.as_bytes()]);
            }
        }
        for (name, value) in &self.attributes.headers.user {
            push_pair(&mut bytes, USER, name, value);
        }
        for (name, value) in &self.attributes.tags.0 {
            push_pair(&mut bytes, TAG, name, value);
        }
        for checksum in &self.checksums {
            let kind = kind_byte(checksum.algorithm, checksum.checksum_type);
            push_field(&mut bytes, CHECKSUM, &[&[kind], &checksum.value]);
        }
        if let Some((algorithm, checksum_type)) = self.requested {
            push_field(
                &mut bytes,
                REQUESTED,
                &[&[kind_byte(algorithm, checksum_type)]],
            );
        }
        bytes
    }

    /// Reads the attribute. `None` if it is damaged, of another version, or says what no client could have said: then
    /// the file counts as one that was put there by hand.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Record> {
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut record = Record::default();
        let mut runs = Vec::new();
        while let Some((number, tail)) = rest.split_first() {
            rest = tail;
            let length = usize::try_from(take_number(&mut rest)?).ok()?;
            let field;
            (field, rest) = rest.split_at_checked(length)?;
            if *number == PARTS {
                runs = decode_runs(field)?;
            } else {
                record.take_field(*number, field)?;
            }
        }
        let size_bytes = record.state.map_or(0, |state| state.size_bytes);
        record.parts = Parts::from_runs(runs, size_bytes).unwrap_or_default();
        record.attributes.check().ok()?;
        Some(record)
    }

    fn take_field(&mut self, number: u8, mut field: &[u8]) -> Option<()> {
        match number {
            STATE => {
                let (modified, mut size) = field.split_first_chunk()?;
                self.state = Some(FileState {
                    modified_ns: i64::from_le_bytes(*modified),
                    size_bytes: take_number(&mut size)?,
                });
            }
            ETAG => {
                let (digest, count) = field.split_first_chunk()?;
                self.etag = Some(match count {
                    [] => ETag::Content(*digest),
                    [low, high] => ETag::Parts(*digest, u16::from_le_bytes([*low, *high])),
                    [..] => return None,
                });
            }
            MODIFIED => self.modified_ns = Some(i64::from_le_bytes(field.try_into().ok()?)),
            KEY => self.key = Some(text(field)?),
            USER => self.attributes.headers.user.push(take_pair(&mut field)?),
            TAG => self.attributes.tags.0.push(take_pair(&mut field)?),
            CHECKSUM => {
                let (kind, value) = field.split_first()?;
                let (algorithm, checksum_type) = read_kind(*kind)?;
                if value.len() != algorithm.value_bytes() {
                    return None;
                }
                self.checksums.push(Checksum {
                    algorithm,
                    checksum_type,
                    value: value.to_vec(),
                });
            }
            REQUESTED => self.requested = Some(read_kind(*field.first()?)?),
            other => {
                let mut headers = self.attributes.headers.texts_mut();
                let place = usize::from(other).checked_sub(usize::from(HEADERS));
                if let Some(place) = place.and_then(|place| headers.get_mut(place)) {
                    **place = Some(text(field)?);
                }
            }
        }
        Some(())
    }

    /// Returns the record of a file in this state: what was written for another state is not believed.
    pub(crate) fn believed(self, state: FileState) -> Record {
        if self.state == Some(state) {
            return self;
        }
        Record {
            key: self.key,
            attributes: self.attributes,
            ..Record::default()
        }
    }
}

fn kind_byte(algorithm: Algorithm, checksum_type: ChecksumType) -> u8 {
    let composite = match checksum_type {
        ChecksumType::FullObject => 0,
        ChecksumType::Composite => 0x80,
    };
    let place = Algorithm::ALL.iter().position(|known| *known == algorithm);
    u8::try_from(place.expect("ALL has every algorithm")).expect("five algorithms") | composite
}

fn read_kind(byte: u8) -> Option<(Algorithm, ChecksumType)> {
    let checksum_type = match byte & 0x80 {
        0 => ChecksumType::FullObject,
        1.. => ChecksumType::Composite,
    };
    Some((
        *Algorithm::ALL.get(usize::from(byte & 0x7f))?,
        checksum_type,
    ))
}

fn decode_runs(mut field: &[u8]) -> Option<Vec<(u64, u32)>> {
    let mut runs = Vec::new();
    while !field.is_empty() {
        let size = take_number(&mut field)?;
        runs.push((size, u32::try_from(take_number(&mut field)?).ok()?));
    }
    Some(runs)
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn push_field(bytes: &mut Vec<u8>, number: u8, pieces: &[&[u8]]) {
    bytes.push(number);
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    push_number(bytes, length as u64);
    for piece in pieces {
        bytes.extend_from_slice(piece);
    }
}

fn push_pair(bytes: &mut Vec<u8>, number: u8, name: &str, value: &str) {
    let mut length = Vec::new();
    push_number(&mut length, name.len() as u64);
    push_field(bytes, number, &[&length, name.as_bytes(), value.as_bytes()]);
}

fn take_pair(field: &mut &[u8]) -> Option<(String, String)> {
    let length = usize::try_from(take_number(field)?).ok()?;
    let (name, value) = field.split_at_checked(length)?;
    Some((text(name)?, text(value)?))
}

/// Writes a number in groups of seven bits, the least significant first (LEB128).
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let group = u64::from(byte & 0x7f);
        if group << shift >> shift != group {
            return None;
        }
        number |= group << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
