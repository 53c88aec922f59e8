//! Collects the tags of an flv object: reads what they hold, and puts them into the order in which they are sent.

use std::sync::Arc;
use std::time::Duration;

use super::script::Script;
use super::{FlvIndex, MessageKind, Shared};
use crate::Refusal;
use crate::stream::flv::{
    AUDIO_AAC, AVC_HEAD_SIZE_BYTES, Audio, Metadata, PACKET_HEADER, Picture, VIDEO_AVC,
    kbits_per_sec,
};

/// Time by which timestamps of one kind may decrease, as those of some recorders do; they are then raised.
const FALL_MS_MAX: i32 = 1_000;

/// Longest time that the last message is shown.
const LAST_MS_MAX: u32 = 1_000;

/// Returns the number of bytes at the start of a body that tell what it holds.
pub(super) fn body_head_size_bytes(kind: MessageKind) -> u64 {
    match kind {
        MessageKind::Audio | MessageKind::Video => 2,
        MessageKind::Data => 0,
    }
}

/// A message of the object, in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub offset: u64,
    /// Timestamp. Once the index is made it counts from the video's beginning, and is not negative.
    pub timestamp_ms: i32,
    /// Body size in 24 bits, with the flags `IS_…` above them.
    packed: u32,
}

const IS_VIDEO: u32 = 1 << 24;
const IS_KEY: u32 = 1 << 25;
const IS_HEADER: u32 = 1 << 26;

impl Tag {
    pub fn kind(self) -> MessageKind {
        match self.packed & IS_VIDEO {
            0 => MessageKind::Audio,
            _ => MessageKind::Video,
        }
    }

    pub fn size_bytes(self) -> u64 {
        u64::from(self.packed & 0xff_ffff)
    }

    pub fn is_key(self) -> bool {
        self.packed & IS_KEY != 0
    }

    pub fn is_header(self) -> bool {
        self.packed & IS_HEADER != 0
    }
}

/// The state of the video, or of the audio.
#[derive(Debug, Default)]
struct Track {
    /// First byte of the first body.
    first: Option<u8>,
    header: Option<Tag>,
    latest_ms: Option<i32>,
    size_bytes: u64,
    /// True if there are samples whose codec needs a sequence header.
    wants_header: bool,
}

/// The tags found so far.
#[derive(Debug, Default)]
pub(super) struct Tags {
    tags: Vec<Tag>,
    video: Track,
    audio: Track,
}

/// The content of a body, by its first bytes.
enum Body {
    Samples { marks: u32, wants_header: bool },
    Header,
    Nothing,
}

impl Tags {
    /// Adds a tag of audio or video; `body` has its first bytes, or all.
    pub fn take(
        &mut self,
        kind: MessageKind,
        offset: u64,
        size_bytes: u32,
        timestamp_ms: i32,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let Some(first) = body.first().copied() else {
            return Ok(());
        };
        let (track, held) = match kind {
            MessageKind::Video => (&mut self.video, video_body(first, body, size_bytes)?),
            MessageKind::Audio | MessageKind::Data => (&mut self.audio, audio_body(first, body)?),
        };
        let kind_mark = match kind {
            MessageKind::Video => IS_VIDEO,
            MessageKind::Audio | MessageKind::Data => 0,
        };
        let marks = match held {
            Body::Nothing => return Ok(()),
            Body::Header => IS_HEADER | IS_KEY,
            Body::Samples {
                marks,
                wants_header,
            } => {
                track.wants_header |= wants_header;
                marks
            }
        };
        track.first.get_or_insert(first);
        let mut tag = Tag {
            offset,
            timestamp_ms,
            packed: size_bytes | kind_mark | marks,
        };
        if tag.is_header() {
            // The first header precedes everything, whatever its time; later ones stay where they are.
            if track.header.is_none() {
                track.header = Some(tag);
                return Ok(());
            }
            tag.timestamp_ms = track.latest_ms.unwrap_or(timestamp_ms);
        } else {
            tag.timestamp_ms = track.not_falling(timestamp_ms)?;
            track.size_bytes += u64::from(size_bytes);
        }
        self.tags.push(tag);
        Ok(())
    }

    /// Orders the tags by time, and makes time count from the first.
    pub fn into_index(
        mut self,
        object_size_bytes: u64,
        script: Script,
        duration_max: Duration,
    ) -> Result<FlvIndex, Refusal> {
        if [&self.video, &self.audio]
            .iter()
            .any(|track| track.wants_header && track.header.is_none())
        {
            return Err(Refusal::Corrupt("no sequence header"));
        }
        if !self.tags.is_sorted_by_key(|tag| tag.timestamp_ms) {
            self.tags.sort_by_key(|tag| tag.timestamp_ms);
        }
        let (Some(first), Some(last)) = (self.tags.first(), self.tags.last()) else {
            return Err(Refusal::NoTrack);
        };
        let (first_ms, length_ms) = (
            first.timestamp_ms,
            first.timestamp_ms.abs_diff(last.timestamp_ms),
        );
        if Duration::from_millis(u64::from(length_ms)) > duration_max
            || i32::try_from(length_ms).is_err()
        {
            return Err(Refusal::TooLarge("duration"));
        }
        for tag in &mut self.tags {
            // No tag is earlier than the first, and the difference was checked to fit.
            tag.timestamp_ms = tag.timestamp_ms.wrapping_sub(first_ms);
        }
        self.tags.shrink_to_fit();
        let duration = Duration::from_millis(u64::from(length_ms) + u64::from(self.last_ms()));
        let places = |wanted: fn(&Tag) -> bool| -> Vec<u32> {
            let numbered = (0..).zip(&self.tags);
            numbered
                .filter(|(_, tag)| wanted(tag))
                .map(|(number, _)| number)
                .collect()
        };
        Ok(FlvIndex {
            shared: Arc::new(Shared {
                duration,
                headers: [self.video.header, self.audio.header],
                keys: places(|tag| {
                    tag.kind() == MessageKind::Video && tag.is_key() && !tag.is_header()
                }),
                later_headers: [
                    places(|tag| tag.is_header() && tag.kind() == MessageKind::Video),
                    places(|tag| tag.is_header() && tag.kind() == MessageKind::Audio),
                ],
                metadata: self.metadata(object_size_bytes, script, duration),
                tags: self.tags,
            }),
        })
    }

    /// Returns how long the last message is shown: as long as the previous one of its kind was.
    fn last_ms(&self) -> u32 {
        let Some(last) = self.tags.last() else {
            return 0;
        };
        let before = self
            .tags
            .iter()
            .rev()
            .skip(1)
            .find(|tag| tag.kind() == last.kind());
        before.map_or(0, |tag| {
            last.timestamp_ms
                .abs_diff(tag.timestamp_ms)
                .min(LAST_MS_MAX)
        })
    }

    fn metadata(&self, object_size_bytes: u64, script: Script, duration: Duration) -> Metadata {
        Metadata {
            duration,
            object_size_bytes,
            picture: self.video.first.map(|first| Picture {
                codec_number: first & 0x0f,
                width: script.width,
                height: script.height,
                frame_rate: script.frame_rate,
                kbits_per_sec: kbits_per_sec(self.video.size_bytes, duration),
            }),
            audio: self.audio.first.map(|first| Audio {
                codec_number: first >> 4,
                sample_rate: script.sample_rate,
                sample_size_bits: Some(if first & 2 == 0 { 8.0 } else { 16.0 }),
                is_stereo: Some(first & 1 == 1),
                kbits_per_sec: kbits_per_sec(self.audio.size_bytes, duration),
            }),
        }
    }
}

impl Track {
    /// Returns the timestamp, raised to the last one of this track if it is earlier.
    fn not_falling(&mut self, timestamp_ms: i32) -> Result<i32, Refusal> {
        let latest_ms = self.latest_ms.unwrap_or(timestamp_ms);
        if timestamp_ms < latest_ms.saturating_sub(FALL_MS_MAX) {
            return Err(Refusal::Corrupt("times go back"));
        }
        let raised_ms = timestamp_ms.max(latest_ms);
        self.latest_ms = Some(raised_ms);
        Ok(raised_ms)
    }
}

/// Reads the first bytes of a video body, table E.4.3.1.
fn video_body(first: u8, body: &[u8], size_bytes: u32) -> Result<Body, Refusal> {
    if first & 0x80 != 0 {
        return Err(Refusal::Unsupported("video in enhanced flv"));
    }
    let frame_type = first >> 4;
    // A command of the server, which is not to be stored.
    if frame_type == 5 {
        return Ok(Body::Nothing);
    }
    let codec_number = first & 0x0f;
    if !(2..=VIDEO_AVC).contains(&codec_number) {
        return Err(Refusal::Unsupported("codec of the video track"));
    }
    let is_avc = codec_number == VIDEO_AVC;
    if is_avc && u64::from(size_bytes) < AVC_HEAD_SIZE_BYTES {
        return Ok(Body::Nothing);
    }
    if is_avc && body.get(1) == Some(&PACKET_HEADER) {
        return Ok(Body::Header);
    }
    Ok(Body::Samples {
        marks: if frame_type == 1 || frame_type == 4 {
            IS_KEY
        } else {
            0
        },
        wants_header: is_avc,
    })
}

/// Reads the first bytes of an audio body, table E.4.2.1.
fn audio_body(first: u8, body: &[u8]) -> Result<Body, Refusal> {
    let codec_number = first >> 4;
    if matches!(codec_number, 9 | 12 | 13) {
        return Err(Refusal::Unsupported("codec of the audio track"));
    }
    let is_aac = codec_number == AUDIO_AAC;
    match body.get(1) {
        None if is_aac => Ok(Body::Nothing),
        Some(&PACKET_HEADER) if is_aac => Ok(Body::Header),
        None | Some(_) => Ok(Body::Samples {
            marks: IS_KEY,
            wants_header: is_aac,
        }),
    }
}
