//! Picture and sound of an mp4 object as messages.

use std::sync::Arc;
use std::time::Duration;

use super::Message;
use crate::Refusal;
use crate::mp4::Index;

/// The default picture and the default sound of an mp4 object, with the places where a viewer may begin.
#[derive(Clone, Debug)]
pub struct Mp4Stream {
    index: Arc<Index>,
}

impl Mp4Stream {
    pub(super) fn new(index: Arc<Index>) -> Result<Mp4Stream, Refusal> {
        Ok(Mp4Stream { index })
    }

    pub(super) fn duration(&self) -> Duration {
        self.index.duration()
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn headers(&self) -> Vec<Message> {
        Vec::new()
    }

    pub(super) fn messages_from(&self, _at_ms: u32) -> Mp4Messages {
        Mp4Messages {}
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.index.size_bytes()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Mp4Messages {}

impl Iterator for Mp4Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        None
    }
}
