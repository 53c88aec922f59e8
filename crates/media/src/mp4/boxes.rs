//! Boxes of ISO 14496-12 4.2 and their fields, read in place and without recursion.

use crate::Refusal;

/// The four-character code of a box.
pub(crate) type BoxKind = [u8; 4];

/// The header of a box, before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoxHeader {
    pub(crate) kind: BoxKind,
    pub(crate) header_size_bytes: u64,
    /// Size with the header; `None` if the box extends to the end of its container.
    pub(crate) size_bytes: Option<u64>,
}

/// Size of the longest header, which has a size of 64 bits.
pub(crate) const HEADER_SIZE_BYTES_MAX: u64 = 16;

impl BoxHeader {
    /// Reads a header; returns `Ok(None)` if `bytes` end within it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<BoxHeader>, Refusal> {
        let mut fields = Fields::new(bytes);
        let (Some(short), Some(kind)) = (fields.u32(), fields.array()) else {
            return Ok(None);
        };
        let (header_size_bytes, size_bytes) = match short {
            0 => (8, None),
            1 => match fields.u64() {
                None => return Ok(None),
                Some(long) => (16, Some(long)),
            },
            short => (8, Some(u64::from(short))),
        };
        if size_bytes.is_some_and(|size_bytes| size_bytes < header_size_bytes) {
            return Err(Refusal::Corrupt("a box shorter than its header"));
        }
        Ok(Some(BoxHeader {
            kind,
            header_size_bytes,
            size_bytes,
        }))
    }
}

/// One box within another: its kind and its payload.
pub(crate) type InnerBox<'a> = (BoxKind, &'a [u8]);

/// The boxes that a payload consists of, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Boxes<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Boxes<'a> {
        Boxes { rest: payload }
    }

    /// Returns the bytes that were not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn split(&mut self) -> Result<InnerBox<'a>, Refusal> {
        let cut = Refusal::Corrupt("a box longer than what it is in");
        let header = BoxHeader::read(self.rest)?.ok_or(cut)?;
        let size_bytes = match header.size_bytes {
            None => self.rest.len(),
            Some(size_bytes) => usize::try_from(size_bytes).map_err(|_| cut)?,
        };
        let (whole, rest) = self.rest.split_at_checked(size_bytes).ok_or(cut)?;
        self.rest = rest;
        let payload = whole.get(header.header_size_bytes as usize..);
        Ok((header.kind, payload.ok_or(cut)?))
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<InnerBox<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        // QuickTime ends a sequence of boxes with four zero bytes; nothing shorter than a header can be a box.
        if self.rest.len() < 8 {
            return None;
        }
        let item = self.split();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// Returns the payload of the first box of this kind.
pub(crate) fn find<'a>(payload: &'a [u8], kind: &BoxKind) -> Result<Option<&'a [u8]>, Refusal> {
    for inner in Boxes::new(payload) {
        let (found, payload) = inner?;
        if found == *kind {
            return Ok(Some(payload));
        }
    }
    Ok(None)
}

/// Returns the payload of the first box of this kind, which must be there.
pub(crate) fn require<'a>(
    payload: &'a [u8],
    kind: &BoxKind,
    missing: &'static str,
) -> Result<&'a [u8], Refusal> {
    find(payload, kind)?.ok_or(Refusal::Corrupt(missing))
}

/// The fields of a box, in order; reading past its end returns `None`.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Fields<'a> {
        Fields { rest: payload }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, size_bytes: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(size_bytes)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(crate) fn skip(&mut self, size_bytes: usize) -> Option<()> {
        self.bytes(size_bytes).map(|_| ())
    }

    pub(crate) fn array<const SIZE: usize>(&mut self) -> Option<[u8; SIZE]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads a time: 64 bits in version 1 of a box, 32 in version 0.
    pub(crate) fn time(&mut self, version: u8) -> Option<u64> {
        match version {
            0 => self.u32().map(u64::from),
            _ => self.u64(),
        }
    }

    /// Reads version and flags of a full box, ISO 14496-12 4.2.2.
    pub(crate) fn version_and_flags(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00ff_ffff))
    }
}

/// Returns a big-endian number of a table whose entries have `width` numbers: number `column` of entry `index`.
pub(crate) fn entry_u32(table: &[u8], width: usize, index: u32, column: usize) -> Option<u32> {
    let at = (index as usize).checked_mul(width)?.checked_add(column)?;
    let at = at.checked_mul(4)?;
    let bytes = table.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
