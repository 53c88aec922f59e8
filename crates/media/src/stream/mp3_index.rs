//! The frames of an mp3 object: found by walking over it, passed on as they are.

use std::time::Duration;

use super::Message;
use crate::Refusal;
use crate::mp4::{Limits, Step};

/// Finds the frames of an mp3 object; used as [`crate::mp4::Locator`] is.
#[derive(Debug)]
pub struct Mp3Locator {
    object_size_bytes: u64,
}

impl Mp3Locator {
    /// Begins with an object of this size.
    pub fn new(object_size_bytes: u64, _limits: Limits) -> Mp3Locator {
        Mp3Locator { object_size_bytes }
    }

    /// What is wanted next: about 1 MiB at a time, rising; stretches within large tags of other kinds are passed over.
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

    /// Puts the frames in order.
    ///
    /// # Errors
    ///
    /// Why the object can not be sent.
    pub fn finish(self) -> Result<Mp3Index, Refusal> {
        Err(Refusal::NotAFilm)
    }
}

/// The frames of an mp3 object.
#[derive(Clone, Debug)]
pub struct Mp3Index {}

impl Mp3Index {
    pub(super) fn duration(&self) -> Duration {
        Duration::ZERO
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn messages_from(&self, _at_ms: u32) -> Mp3Messages {
        Mp3Messages {}
    }

    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Mp3Index>()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Mp3Messages {}

impl Iterator for Mp3Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        None
    }
}
