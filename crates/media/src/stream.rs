//! A video as RTMP sends it: messages of sound and picture in the order of their times, of mp4, flv and mp3 objects.
//!
//! The bodies are those of FLV tags (Adobe's "Video File Format Specification", version 10.1, annex E): a header of a few
//! bytes that is made here, and a stretch of the object. Who may see it, and how fast it goes out, is decided elsewhere.

mod flv;
mod flv_index;
mod mp3_index;
mod mp4;
#[cfg(test)]
mod mutation;

use std::sync::Arc;
use std::time::Duration;

use crate::mp4::Index;
use crate::{Parts, Refusal};

pub use flv_index::{FlvIndex, FlvLocator};
pub use mp3_index::{Mp3Index, Mp3Locator};
pub use mp4::Mp4Stream;

/// What a message carries. The numbers are RTMP's and FLV's alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Sound, 8.
    Audio,
    /// Picture, 9.
    Video,
    /// A script's data in AMF0, 18.
    Data,
}

impl MessageKind {
    /// As message type of RTMP and as tag type of FLV.
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
    /// What it carries.
    pub kind: MessageKind,
    /// When it is decoded, from the video's beginning. Of messages that follow one another it never falls.
    pub timestamp_ms: u32,
    /// At most 16,777,215 bytes, as its length has three bytes on the wire; never empty.
    pub body: Parts,
    /// Whether decoding may begin with it: key frames, and all sound.
    pub is_key: bool,
}

/// What is known of an object that RTMP can send. Cheap to clone.
#[derive(Clone, Debug)]
pub enum StreamIndex {
    /// Picture and sound of an mp4 object.
    Mp4(Mp4Stream),
    /// An flv object's own tags.
    Flv(FlvIndex),
    /// The frames of an mp3 object.
    Mp3(Mp3Index),
}

impl StreamIndex {
    /// Takes the default picture and the default sound of an mp4 object; walks all of their samples once.
    ///
    /// # Errors
    ///
    /// `Unsupported` where FLV cannot carry the codec, `TooLarge` where a sample does not fit into a message, `NoTrack`
    /// without picture and sound.
    pub fn of_mp4(index: Arc<Index>) -> Result<StreamIndex, Refusal> {
        Mp4Stream::new(index).map(StreamIndex::Mp4)
    }

    /// How long the video is shown.
    pub fn duration(&self) -> Duration {
        match self {
            StreamIndex::Mp4(stream) => stream.duration(),
            StreamIndex::Flv(index) => index.duration(),
            StreamIndex::Mp3(index) => index.duration(),
        }
    }

    /// `onMetaData` and its values in AMF0: the body of the data message that is sent first.
    pub fn metadata(&self) -> Vec<u8> {
        match self {
            StreamIndex::Mp4(stream) => stream.metadata(),
            StreamIndex::Flv(index) => index.metadata(),
            StreamIndex::Mp3(index) => index.metadata(),
        }
    }

    /// The sequence headers of AVC and AAC, which decoders need at the start and after each seek.
    ///
    /// Their timestamp is 0: they are sent with that of the message that follows.
    pub fn headers(&self) -> Vec<Message> {
        match self {
            StreamIndex::Mp4(stream) => stream.headers(),
            StreamIndex::Flv(index) => index.headers(),
            StreamIndex::Mp3(_) => Vec::new(),
        }
    }

    /// The messages from the key frame at or before `at` on; without picture, from the sound at that time on.
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

    /// Memory that it takes, for a weighted cache; of an mp4 object with its index.
    pub fn size_bytes(&self) -> usize {
        match self {
            StreamIndex::Mp4(stream) => stream.size_bytes(),
            StreamIndex::Flv(index) => index.size_bytes(),
            StreamIndex::Mp3(index) => index.size_bytes(),
        }
    }
}

/// The messages of a video, in the order of their timestamps. Owned and small: one is kept for each viewer.
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
