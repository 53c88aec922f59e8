//! The parts of a response: bytes made here, and ranges of the object.

use bytes::Bytes;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes made here.
    Bytes(Bytes),
    /// Bytes of the object, from `offset` on.
    Source {
        /// Offset of the first byte in the object.
        offset: u64,
        /// Number of bytes; never 0.
        size_bytes: u64,
    },
}

impl Part {
    /// Returns the number of bytes.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Source { size_bytes, .. } => *size_bytes,
        }
    }
}

/// Parts in the order in which they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    parts: Vec<Part>,
    size_bytes: u64,
}

impl Parts {
    /// Returns the number of bytes of all parts.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the parts; none is empty.
    pub fn as_slice(&self) -> &[Part] {
        &self.parts
    }

    /// Appends bytes made here.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.size_bytes += bytes.len() as u64;
            self.parts.push(Part::Bytes(bytes));
        }
    }

    /// Appends a range of the object; a range that begins where the last one ends is joined to it.
    ///
    /// The ranges of an [`crate::mp4::Index`] lie within an object of less than 2^62 bytes, so that sums do not
    /// overflow.
    pub fn push_source(&mut self, offset: u64, size_bytes: u64) {
        if size_bytes == 0 {
            return;
        }
        self.size_bytes += size_bytes;
        if let Some(Part::Source {
            offset: last,
            size_bytes: length,
        }) = self.parts.last_mut()
            && *last + *length == offset
        {
            *length += size_bytes;
            return;
        }
        self.parts.push(Part::Source { offset, size_bytes });
    }

    /// Appends all of `other`.
    pub(crate) fn append(&mut self, other: Parts) {
        self.parts.reserve(other.parts.len());
        for part in other.parts {
            match part {
                Part::Bytes(bytes) => self.push_bytes(bytes),
                Part::Source { offset, size_bytes } => self.push_source(offset, size_bytes),
            }
        }
    }

    /// Returns the bytes from `start` to before `end`, both within the whole.
    #[must_use]
    pub fn slice(&self, start: u64, end: u64) -> Parts {
        let mut slice = Parts::default();
        let mut position = 0;
        for part in &self.parts {
            let length = part.size_bytes();
            let from = start.clamp(position, position + length) - position;
            let to = end.clamp(position, position + length) - position;
            position += length;
            if from >= to {
                continue;
            }
            match part {
                Part::Bytes(bytes) if to - from == length => slice.push_bytes(bytes.clone()),
                // A slice of `Bytes` would keep the whole buffer in memory.
                Part::Bytes(bytes) => {
                    let bytes = Bytes::copy_from_slice(&bytes[from as usize..to as usize]);
                    slice.push_bytes(bytes);
                }
                Part::Source { offset, .. } => slice.push_source(offset + from, to - from),
            }
        }
        // The parts stay in memory for as long as a viewer takes to receive them.
        slice.parts.shrink_to_fit();
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        let mut parts = Parts::default();
        parts.push_bytes(Bytes::from_static(b"head"));
        parts.push_source(100, 10);
        parts.push_source(110, 5);
        parts.push_source(200, 3);
        parts
    }

    #[test]
    fn neighbours_are_joined() {
        assert_eq!(parts().size_bytes(), 22);
        assert_eq!(
            parts().as_slice()[1..],
            [
                Part::Source {
                    offset: 100,
                    size_bytes: 15
                },
                Part::Source {
                    offset: 200,
                    size_bytes: 3
                }
            ]
        );
    }

    #[test]
    fn any_slice_is_the_same_bytes() {
        let spelled = |parts: &Parts| -> Vec<u64> {
            parts
                .as_slice()
                .iter()
                .flat_map(|part| match part {
                    Part::Bytes(bytes) => bytes.iter().map(|byte| u64::from(*byte) << 32).collect(),
                    Part::Source { offset, size_bytes } => {
                        (*offset..offset + size_bytes).collect::<Vec<_>>()
                    }
                })
                .collect()
        };
        let whole = spelled(&parts());
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                let slice = parts().slice(start as u64, end as u64);
                assert_eq!(spelled(&slice), whole[start..end]);
                assert_eq!(slice.size_bytes(), (end - start) as u64);
            }
        }
    }
}
