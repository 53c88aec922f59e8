//! The tags of an flv object: found by walking over it, and passed on unchanged.

mod script;
mod tags;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use self::tags::Tag;
use super::flv::Metadata;
use super::{Message, MessageKind};
use crate::Parts;

pub use walk::FlvLocator;

/// The tags of an flv object, at about 16 bytes each.
#[derive(Clone, Debug)]
pub struct FlvIndex {
    shared: Arc<Shared>,
}

/// The state that all viewers share. The first of each pair is for video, the second for audio.
#[derive(Debug)]
struct Shared {
    duration: Duration,
    metadata: Metadata,
    /// Tags by time; those of one kind in the object's order. The tags in `headers` are not among them.
    tags: Vec<Tag>,
    /// Indices of key frames in `tags`.
    keys: Vec<u32>,
    /// First sequence headers.
    headers: [Option<Tag>; 2],
    /// Indices of later sequence headers in `tags`, where the coding changes.
    later_headers: [Vec<u32>; 2],
}

impl FlvIndex {
    pub(super) fn duration(&self) -> Duration {
        self.shared.duration
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        self.shared.metadata.to_amf()
    }

    pub(super) fn headers(&self) -> Vec<Message> {
        let headers = self.shared.headers.iter().flatten();
        headers.map(|tag| message(*tag, 0)).collect()
    }

    pub(super) fn messages_from(&self, at_ms: u32) -> FlvMessages {
        let shared = &self.shared;
        let is_before = |number: u32| shared.timestamp_ms(number) <= at_ms;
        let next = if shared.keys.is_empty() {
            shared
                .tags
                .partition_point(|tag| tag.timestamp_ms as u32 <= at_ms)
                .saturating_sub(1)
        } else {
            let following = shared.keys.partition_point(|number| is_before(*number));
            // Tags before the first key frame belong to it.
            let key = following.checked_sub(1).filter(|key| *key > 0);
            key.map_or(0, |key| shared.keys[key] as usize)
        };
        let in_force = shared.later_headers.each_ref().map(|places| {
            let following = places.partition_point(|number| (*number as usize) < next);
            let place = places.get(following.checked_sub(1)?)?;
            shared.tags.get(*place as usize).copied()
        });
        FlvMessages {
            shared: Arc::clone(shared),
            in_force,
            next,
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        let shared = &self.shared;
        let places = shared.keys.capacity()
            + shared
                .later_headers
                .iter()
                .map(Vec::capacity)
                .sum::<usize>();
        size_of::<Shared>() + shared.tags.capacity() * size_of::<Tag>() + places * size_of::<u32>()
    }
}

impl Shared {
    fn timestamp_ms(&self, number: u32) -> u32 {
        self.tags
            .get(number as usize)
            .map_or(0, |tag| tag.timestamp_ms as u32)
    }
}

/// The tags from a given one on.
#[derive(Clone, Debug)]
pub(super) struct FlvMessages {
    shared: Arc<Shared>,
    /// Headers in effect at the first tag, if they are not the first ones.
    in_force: [Option<Tag>; 2],
    next: usize,
}

impl Iterator for FlvMessages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let tag = *self.shared.tags.get(self.next)?;
        let timestamp_ms = tag.timestamp_ms as u32;
        if let Some(header) = self.in_force.iter_mut().find_map(Option::take) {
            return Some(message(header, timestamp_ms));
        }
        self.next += 1;
        Some(message(tag, timestamp_ms))
    }
}

fn message(tag: Tag, timestamp_ms: u32) -> Message {
    let mut body = Parts::default();
    body.push_source(tag.offset, tag.size_bytes());
    Message {
        kind: tag.kind(),
        timestamp_ms,
        body,
        is_key: tag.is_key(),
    }
}
