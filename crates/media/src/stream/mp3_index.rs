//! The frames of an mp3 object: found by walking over it, with one message for each.

mod frame;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::frame::Shape;
use super::flv::{Metadata, mp3_head};
use super::{Message, MessageKind};
use crate::Parts;

pub use walk::Mp3Locator;

/// The frames of an mp3 object, at 8 bytes each.
#[derive(Clone, Debug)]
pub struct Mp3Index {
    shared: Arc<Shared>,
}

/// The state that all viewers share.
#[derive(Debug)]
struct Shared {
    metadata: Metadata,
    shape: Shape,
    channels: u16,
    frames: Vec<Frame>,
}

/// The position of a frame: 48 bits of its offset, 16 of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame(u64);

impl Frame {
    /// Returns `None` for an offset beyond 256 TiB.
    fn new(offset: u64, size_bytes: u16) -> Option<Frame> {
        (offset < 1 << 48).then_some(Frame(offset << 16 | u64::from(size_bytes)))
    }

    fn offset(self) -> u64 {
        self.0 >> 16
    }

    fn size_bytes(self) -> u64 {
        self.0 & 0xffff
    }
}

impl Mp3Index {
    pub(super) fn duration(&self) -> Duration {
        self.shared.metadata.duration
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        self.shared.metadata.to_amf()
    }

    pub(super) fn messages_from(&self, at_ms: u32) -> Mp3Messages {
        let shape = self.shared.shape;
        let number =
            u64::from(at_ms) * u64::from(shape.sample_rate) / (u64::from(shape.samples) * 1000);
        Mp3Messages {
            head: Bytes::copy_from_slice(&mp3_head(shape.sample_rate, self.shared.channels)),
            shared: Arc::clone(&self.shared),
            next: usize::try_from(number)
                .unwrap_or(usize::MAX)
                .min(self.shared.frames.len() - 1),
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Shared>() + self.shared.frames.capacity() * size_of::<Frame>()
    }
}

/// The frames from a given one on.
#[derive(Clone, Debug)]
pub(super) struct Mp3Messages {
    head: Bytes,
    shared: Arc<Shared>,
    next: usize,
}

impl Iterator for Mp3Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let frame = self.shared.frames.get(self.next)?;
        let shape = self.shared.shape;
        let time_ms =
            self.next as u64 * u64::from(shape.samples) * 1000 / u64::from(shape.sample_rate);
        let mut body = Parts::default();
        body.push_bytes(self.head.clone());
        body.push_source(frame.offset(), frame.size_bytes());
        self.next += 1;
        Some(Message {
            kind: MessageKind::Audio,
            timestamp_ms: u32::try_from(time_ms).unwrap_or(u32::MAX),
            body,
            is_key: true,
        })
    }
}
