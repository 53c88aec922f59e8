//! Bytes that are gathered piece by piece for one response: memory for each piece is charged before it is held.

use super::{BodyMemory, Charge, charged};
use bytes::Bytes;

/// Reason why no more is gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatherFault {
    /// There are more bytes than allowed.
    TooLarge,
    /// They are too many beside all that is on its way.
    NoMemory,
}

/// Contiguous bytes, charged together with the room for more of them.
#[derive(Debug)]
pub(crate) struct GatheredBytes {
    bytes: Vec<u8>,
    size_bytes_max: u64,
    charge: Charge,
}

impl GatheredBytes {
    /// Returns an empty buffer with room for `expected` bytes. More may come, up to `size_bytes_max`.
    ///
    /// Errors: more are expected than allowed, or there is no memory for them.
    pub(crate) fn expecting(
        expected: u64,
        size_bytes_max: u64,
        memory: &BodyMemory,
    ) -> Result<Self, GatherFault> {
        if expected > size_bytes_max {
            return Err(GatherFault::TooLarge);
        }
        let charge = memory.try_charge(expected).ok_or(GatherFault::NoMemory)?;
        let room = usize::try_from(expected).map_err(|_| GatherFault::TooLarge)?;
        Ok(GatheredBytes {
            bytes: Vec::with_capacity(room),
            size_bytes_max,
            charge,
        })
    }

    /// Appends a piece.
    ///
    /// Errors: with it there are too many bytes, or there is no memory for it.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), GatherFault> {
        let wanted = self.bytes.len() as u64 + piece.len() as u64;
        if wanted > self.size_bytes_max {
            return Err(GatherFault::TooLarge);
        }
        let room = self.bytes.capacity() as u64;
        if wanted > room {
            // Doubled, so that few pieces move the bytes. One worker moves bytes at a time: the old room is not counted
            // meanwhile.
            let room_wanted = wanted.max(room * 2).min(self.size_bytes_max);
            let grown = self.charge.try_grow(room_wanted - room);
            grown.ok_or(GatherFault::NoMemory)?;
            // Both are at most `size_bytes_max`, which fitted `usize` or is never reached.
            let more = usize::try_from(room_wanted - self.bytes.len() as u64);
            let more = more.map_err(|_| GatherFault::TooLarge)?;
            self.bytes.reserve_exact(more);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Returns all bytes, counted until no reference to them is left.
    pub(crate) fn end(self) -> Bytes {
        charged(Bytes::from(self.bytes), self.charge)
    }
}
