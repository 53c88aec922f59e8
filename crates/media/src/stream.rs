//! A video as RTMP sends it: messages of audio and video ordered by time, from mp4, flv and mp3 objects.
//!
//! The bodies are those of FLV tags (Adobe's "Video File Format Specification", version 10.1, annex E): a header of a
//! few bytes that is made here, and a range of the object. Authorization and pacing are left to others.

mod flv;
mod flv_index;
mod mp3_index;
mod mp4;
#[cfg(test)]
mod mutation;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::mp4::Index;
use crate::{Parts, Refusal};

pub use flv_index::{FlvIndex, FlvLocator};
pub use mp3_index::{Mp3Index, Mp3Locator};
pub use mp4::Mp4Stream;

/// The content type of a message. The numbers are the same in RTMP and FLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Audio, 8.
    Audio,
    /// Video, 9.
    Video,
    /// Script data in AMF0, 18.
    Data,
}

impl MessageKind {
    /// Returns the message type of RTMP, which is also the tag type of FLV.
    pub fn number(self) -> u8 {
        match self {
            MessageKind::Audio => 8,
            MessageKind::Video => 9,
            MessageKind::Data => 18,
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Type of its content.
    pub kind: MessageKind,
    /// Decode time, from the video's beginning. It never decreases from one message to the next.
    pub timestamp_ms: u32,
    /// Body of at most 16,777,215 bytes, as its length has three bytes on the wire; never empty.
    pub body: Parts,
    /// True if decoding may begin with it: key frames, and all audio.
    pub is_key: bool,
}

/// The index of an object that RTMP can send. It is cheap to clone.
#[derive(Clone, Debug)]
pub enum StreamIndex {
    /// Video and audio of an mp4 object.
    Mp4(Mp4Stream),
    /// Tags of an flv object.
    Flv(FlvIndex),
    /// Frames of an mp3 object.
    Mp3(Mp3Index),
}

impl StreamIndex {
    /// Takes the default video track and the default audio track of an mp4 object; reads all of their sample tables
    /// once.
    ///
    /// # Errors
    ///
    /// `Unsupported` if FLV cannot carry the codec, `TooLarge` if a sample does not fit into a message, `NoTrack` if
    /// there is neither video nor audio.
    pub fn of_mp4(index: Arc<Index>) -> Result<StreamIndex, Refusal> {
        Mp4Stream::new(index).map(StreamIndex::Mp4)
    }

    /// Returns the duration of the video.
    pub fn duration(&self) -> Duration {
        match self {
            StreamIndex::Mp4(stream) => stream.duration(),
            StreamIndex::Flv(index) => index.duration(),
            StreamIndex::Mp3(index) => index.duration(),
        }
    }

    /// Returns `onMetaData` and its values in AMF0: the body of the data message that is sent first.
    pub fn metadata(&self) -> Vec<u8> {
        match self {
            StreamIndex::Mp4(stream) => stream.metadata(),
            StreamIndex::Flv(index) => index.metadata(),
            StreamIndex::Mp3(index) => index.metadata(),
        }
    }

    /// Returns the sequence headers of AVC and AAC, which decoders need at the start and after each seek.
    ///
    /// Their timestamp is 0; they are sent with the timestamp of the message that follows.
    pub fn headers(&self) -> Vec<Message> {
        match self {
            StreamIndex::Mp4(stream) => stream.headers(),
            StreamIndex::Flv(index) => index.headers(),
            StreamIndex::Mp3(_) => Vec::new(),
        }
    }

    /// Returns the messages from the key frame at or before `at` on; without video, from the audio at that time on.
    pub fn messages_from(&self, at: Duration) -> Messages {
        let at_ms = u32::try_from(at.as_millis()).unwrap_or(u32::MAX);
        Messages {
            walk: match self {
                StreamIndex::Mp4(stream) => Walk::Mp4(stream.messages_from(at_ms)),
                StreamIndex::Flv(index) => Walk::Flv(index.messages_from(at_ms)),
                StreamIndex::Mp3(index) => Walk::Mp3(index.messages_from(at_ms)),
            },
        }
    }

    /// Returns the memory that it takes, for a weighted cache; for an mp4 object this includes the index.
    pub fn size_bytes(&self) -> usize {
        match self {
            StreamIndex::Mp4(stream) => stream.size_bytes(),
            StreamIndex::Flv(index) => index.size_bytes(),
            StreamIndex::Mp3(index) => index.size_bytes(),
        }
    }
}

/// The messages of a video, in the order of their timestamps. They are owned and small: there is one for each viewer.
#[derive(Clone, Debug)]
pub struct Messages {
    walk: Walk,
}

#[derive(Clone, Debug)]
enum Walk {
    Mp4(mp4::Mp4Messages),
    Flv(flv_index::FlvMessages),
    Mp3(mp3_index::Mp3Messages),
}

impl Iterator for Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        match &mut self.walk {
            Walk::Mp4(messages) => messages.next(),
            Walk::Flv(messages) => messages.next(),
            Walk::Mp3(messages) => messages.next(),
        }
    }
}

/// Stretches that are read of an object end at multiples of this, and are not shorter than the other unless the object
/// ends.
const STRETCH_SIZE_BYTES: u64 = 1 << 20;
const STRETCH_SIZE_BYTES_MIN: u64 = 64 << 10;

/// What to read of an object from `position` on, which is within it.
fn stretch_at(position: u64, object_size_bytes: u64) -> Range<u64> {
    let end = position
        .saturating_add(STRETCH_SIZE_BYTES_MIN)
        .checked_next_multiple_of(STRETCH_SIZE_BYTES);
    position..end.unwrap_or(u64::MAX).min(object_size_bytes)
}
