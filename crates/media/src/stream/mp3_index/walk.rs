//! Walks over the frames of an mp3 object, a range at a time.

use std::sync::Arc;
use std::time::Duration;

use super::frame::{HEADER_SIZE_BYTES, Header, Shape};
use super::{Frame, Mp3Index, Shared};
use crate::Refusal;
use crate::mp4::{Limits, Step};
use crate::stream::flv::{AUDIO_MP3, Audio, Metadata, kbits_per_sec};
use crate::stream::stretch_at;

/// Number of bytes needed to identify an element: two frames, or the header of a tag.
const LOOK_SIZE_BYTES: u64 = 4 << 10;

/// Size limit of junk between frames, which is neither frame nor tag.
const JUNK_SIZE_BYTES_MAX: u64 = 64 << 10;

/// Size of an ID3v1 tag, which is at the very end.
const ID3V1_SIZE_BYTES: u64 = 128;

/// Finds the frames of an mp3 object; it is used as [`crate::mp4::Locator`] is.
#[derive(Debug)]
pub struct Mp3Locator {
    object_size_bytes: u64,
    limits: Limits,
    stage: Stage,
    audio: Option<(Shape, u16)>,
    frames: Vec<Frame>,
    size_bytes: u64,
}

/// The progress of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// At this position, where a frame or a tag begins unless it is junk.
    At { position: u64, faith: Faith },
    /// At the end: no complete frame follows.
    End,
}

/// The evidence that a frame header needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Faith {
    /// None: a frame ended here.
    Follows,
    /// Another frame after it, or the object's end: it comes after a tag, or after this much junk.
    Searches { junk_size_bytes: u64 },
}

/// The element at a position.
enum Mp3Element {
    Frame(Header),
    Tag { size_bytes: u64 },
    Junk,
    End,
}

impl Mp3Locator {
    /// Creates a locator for an object of this size.
    pub fn new(object_size_bytes: u64, limits: Limits) -> Mp3Locator {
        let begin = Stage::At {
            position: 0,
            faith: Faith::Searches { junk_size_bytes: 0 },
        };
        Mp3Locator {
            object_size_bytes,
            limits,
            stage: if object_size_bytes == 0 {
                Stage::End
            } else {
                begin
            },
            audio: None,
            frames: Vec::new(),
            size_bytes: 0,
        }
    }

    /// Returns the next step: about 1 MiB at a time, at increasing offsets; the contents of tags are skipped.
    pub fn step(&self) -> Step {
        match self.stage {
            Stage::At { position, .. } => Step::Read(stretch_at(position, self.object_size_bytes)),
            Stage::End => Step::Done,
        }
    }

    /// Takes the bytes of the range of [`Self::step`], neither more nor fewer.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] for which these bytes already give a reason.
    pub fn supply(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Stage::At {
            position: start,
            mut faith,
        } = self.stage
        else {
            return Ok(());
        };
        let stretch = stretch_at(start, self.object_size_bytes);
        if bytes.len() as u64 != stretch.end - stretch.start {
            return Err(Refusal::Truncated);
        }
        let mut position = start;
        loop {
            let object_rest = self.object_size_bytes.saturating_sub(position);
            if object_rest < HEADER_SIZE_BYTES as u64 {
                self.stage = Stage::End;
                return Ok(());
            }
            let rest = usize::try_from(position - start)
                .ok()
                .and_then(|start| bytes.get(start..))
                .unwrap_or_default();
            if (rest.len() as u64) < LOOK_SIZE_BYTES.min(object_rest) {
                self.stage = Stage::At { position, faith };
                return Ok(());
            }
            let (passed, next) = match self.look(rest, object_rest, faith) {
                Mp3Element::Frame(header) => self.take(position, header, rest)?,
                Mp3Element::Tag { size_bytes } => {
                    (size_bytes, Faith::Searches { junk_size_bytes: 0 })
                }
                Mp3Element::Junk => (1, self.pass_junk(faith)?),
                Mp3Element::End => {
                    self.stage = Stage::End;
                    return Ok(());
                }
            };
            position = position.saturating_add(passed);
            faith = next;
        }
    }

    /// Identifies the element with which `rest` begins; `object_rest` is the number of bytes left in the object.
    fn look(&self, rest: &[u8], object_rest: u64, faith: Faith) -> Mp3Element {
        if let Some(size_bytes) = id3v2_size_bytes(rest).or_else(|| ape_size_bytes(rest)) {
            return Mp3Element::Tag { size_bytes };
        }
        if object_rest == ID3V1_SIZE_BYTES && rest.starts_with(b"TAG") {
            return Mp3Element::End;
        }
        let fits = |header: &Header| self.audio.is_none_or(|(shape, _)| shape == header.shape);
        let Some(header) = Header::read(rest).filter(fits) else {
            return Mp3Element::Junk;
        };
        let size_bytes = usize::from(header.size_bytes);
        let is_last = size_bytes as u64 == object_rest;
        let is_followed = || {
            let next = rest.get(size_bytes..).and_then(Header::read);
            next.is_some_and(|next| next.shape == header.shape)
        };
        match faith {
            Faith::Searches { .. } if !is_last && !is_followed() => Mp3Element::Junk,
            // The object was truncated within its last frame.
            Faith::Follows if size_bytes as u64 > object_rest => Mp3Element::End,
            Faith::Searches { .. } | Faith::Follows => Mp3Element::Frame(header),
        }
    }

    /// Adds a frame; skips the first one if it is a table instead of audio.
    fn take(
        &mut self,
        position: u64,
        header: Header,
        rest: &[u8],
    ) -> Result<(u64, Faith), Refusal> {
        let size_bytes = u64::from(header.size_bytes);
        let is_first = self.audio.is_none();
        self.audio.get_or_insert((header.shape, header.channels));
        if is_first && header.is_table(&rest[..rest.len().min(usize::from(header.size_bytes))]) {
            return Ok((size_bytes, Faith::Follows));
        }
        if self.frames.len() >= self.limits.samples_max as usize {
            return Err(Refusal::TooLarge("frames"));
        }
        let frame = Frame::new(position, header.size_bytes).ok_or(Refusal::TooLarge("object"))?;
        self.frames.push(frame);
        self.size_bytes += size_bytes;
        Ok((size_bytes, Faith::Follows))
    }

    fn pass_junk(&self, faith: Faith) -> Result<Faith, Refusal> {
        let passed = match faith {
            Faith::Follows => 0,
            Faith::Searches { junk_size_bytes } => junk_size_bytes,
        };
        if passed >= JUNK_SIZE_BYTES_MAX {
            return Err(match self.audio {
                None => Refusal::NotAVideo,
                Some(_) => Refusal::Corrupt("frames do not follow one another"),
            });
        }
        Ok(Faith::Searches {
            junk_size_bytes: passed + 1,
        })
    }

    /// Makes the index of the frames.
    ///
    /// # Errors
    ///
    /// `Truncated` if the object was not walked to its end, `NotAVideo` without frames, `TooLarge` if it is too long.
    pub fn finish(mut self) -> Result<Mp3Index, Refusal> {
        if self.stage != Stage::End {
            return Err(Refusal::Truncated);
        }
        let Some((shape, channels)) = self.audio.filter(|_| !self.frames.is_empty()) else {
            return Err(Refusal::NotAVideo);
        };
        self.frames.shrink_to_fit();
        let samples = self.frames.len() as u64 * u64::from(shape.samples);
        let duration = Duration::from_secs_f64(samples as f64 / f64::from(shape.sample_rate));
        if duration > self.limits.duration_max {
            return Err(Refusal::TooLarge("duration"));
        }
        let metadata = Metadata {
            duration,
            object_size_bytes: self.object_size_bytes,
            picture: None,
            audio: Some(Audio {
                codec_number: AUDIO_MP3,
                sample_rate: Some(f64::from(shape.sample_rate)),
                sample_size_bits: Some(16.0),
                is_stereo: Some(channels == 2),
                kbits_per_sec: kbits_per_sec(self.size_bytes, duration),
            }),
        };
        Ok(Mp3Index {
            shared: Arc::new(Shared {
                metadata,
                shape,
                channels,
                frames: self.frames,
            }),
        })
    }
}

/// Returns the whole size of an ID3v2 tag: its own header, the size in four times seven bits, and a footer if its flags
/// say so.
fn id3v2_size_bytes(bytes: &[u8]) -> Option<u64> {
    let &[b'I', b'D', b'3', major, minor, flags, s0, s1, s2, s3] = bytes.first_chunk()? else {
        return None;
    };
    let size = [s0, s1, s2, s3];
    if major == 0xff || minor == 0xff || size.iter().any(|byte| *byte >= 0x80) {
        return None;
    }
    let size_bytes = size
        .iter()
        .fold(0, |value, byte| value << 7 | u64::from(*byte));
    Some(size_bytes + if flags & 0x10 == 0 { 10 } else { 20 })
}

/// Returns the whole size of an APE tag that begins with its header, or of a footer that stands alone.
fn ape_size_bytes(bytes: &[u8]) -> Option<u64> {
    let header = bytes.first_chunk::<32>()?;
    if !header.starts_with(b"APETAGEX") {
        return None;
    }
    let number = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let is_header = number(20) & 0x2000_0000 != 0;
    Some(32 + if is_header { u64::from(number(12)) } else { 0 })
}
