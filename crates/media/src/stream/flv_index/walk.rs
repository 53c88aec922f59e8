//! Walks over the tags of an flv object, a range at a time.

use super::script::Script;
use super::tags::{Tags, body_head_size_bytes};
use super::{FlvIndex, MessageKind};
use crate::Refusal;
use crate::mp4::{Limits, Step};
use crate::stream::stretch_at;

/// Size of the object's own header, and the largest that is accepted.
const FILE_HEADER_SIZE_BYTES: u32 = 9;
const FILE_HEADER_SIZE_BYTES_MAX: u32 = 1 << 10;

/// Size of the fields between the bodies of two tags: the previous tag's size, and the next tag's header.
const PREVIOUS_SIZE_BYTES: u64 = 4;
const TAG_HEADER_SIZE_BYTES: u64 = 11;
const BETWEEN_SIZE_BYTES: u64 = PREVIOUS_SIZE_BYTES + TAG_HEADER_SIZE_BYTES;

/// Size of the part of a script tag that is read.
const SCRIPT_SIZE_BYTES_MAX: u64 = 32 << 10;

/// Finds the tags of an flv object; it is used as [`crate::mp4::Locator`] is.
#[derive(Debug)]
pub struct FlvLocator {
    object_size_bytes: u64,
    limits: Limits,
    stage: Stage,
    tags: Tags,
    script: Option<Script>,
    /// Number of tags of all kinds.
    count: u32,
    /// Size of the last tag's body.
    previous_size_bytes: Option<u32>,
}

/// The progress of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// At the beginning of the object, where its own header is.
    Begin,
    /// At this position, where the previous tag's size is, and then the next tag.
    At(u64),
    /// At the end: no complete tag follows.
    End,
}

/// The result of looking for the next tag in the supplied bytes.
enum Seen {
    Tag(TagHead),
    NotYet,
    End,
}

/// The header of a tag.
#[derive(Clone, Copy, Debug)]
struct TagHead {
    kind: Option<MessageKind>,
    body_size_bytes: u32,
    timestamp_ms: i32,
    previous_size_bytes: u32,
}

impl FlvLocator {
    /// Creates a locator for an object of this size.
    pub fn new(object_size_bytes: u64, limits: Limits) -> FlvLocator {
        FlvLocator {
            object_size_bytes,
            limits,
            stage: Stage::Begin,
            tags: Tags::default(),
            script: None,
            count: 0,
            previous_size_bytes: None,
        }
    }

    /// Returns the next step: about 1 MiB at a time, at increasing offsets; the contents of large tags are skipped.
    pub fn step(&self) -> Step {
        match self.stage {
            Stage::Begin if self.object_size_bytes == 0 => Step::Done,
            Stage::Begin => Step::Read(stretch_at(0, self.object_size_bytes)),
            Stage::At(position) => Step::Read(stretch_at(position, self.object_size_bytes)),
            Stage::End => Step::Done,
        }
    }

    /// Takes the bytes of the range of [`Self::step`], neither more nor fewer.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] for which these bytes already give a reason.
    pub fn supply(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Step::Read(range) = self.step() else {
            return Ok(());
        };
        if bytes.len() as u64 != range.end - range.start {
            return Err(Refusal::Truncated);
        }
        let mut position = match self.stage {
            Stage::Begin => file_header(bytes)?,
            Stage::At(position) => position,
            Stage::End => return Ok(()),
        };
        loop {
            // Offsets of tags only increase, and the next one may lie beyond this range.
            let rest = usize::try_from(position - range.start)
                .ok()
                .and_then(|start| bytes.get(start..))
                .unwrap_or_default();
            match self.look(position, rest)? {
                Seen::Tag(head) => position = self.pass(position, head, rest)?,
                Seen::NotYet => {
                    self.stage = Stage::At(position);
                    return Ok(());
                }
                Seen::End => {
                    self.stage = Stage::End;
                    return Ok(());
                }
            }
        }
    }

    /// Looks at the tag whose predecessor's size is at `position`, where `rest` begins.
    fn look(&self, position: u64, rest: &[u8]) -> Result<Seen, Refusal> {
        let object_rest = self.object_size_bytes.saturating_sub(position);
        if object_rest < BETWEEN_SIZE_BYTES {
            return Ok(Seen::End);
        }
        let Some(between) = rest.first_chunk::<{ BETWEEN_SIZE_BYTES as usize }>() else {
            return Ok(Seen::NotYet);
        };
        let head = TagHead::read(between)?;
        self.check_predecessor(&head)?;
        let body_size_bytes = u64::from(head.body_size_bytes);
        // Recorders that were stopped leave a partial tag: the video ends before it.
        if object_rest - BETWEEN_SIZE_BYTES < body_size_bytes {
            return Ok(Seen::End);
        }
        let wanted = match head.kind {
            Some(MessageKind::Data) => SCRIPT_SIZE_BYTES_MAX,
            Some(kind @ (MessageKind::Audio | MessageKind::Video)) => body_head_size_bytes(kind),
            None => 0,
        };
        if (rest.len() as u64) < BETWEEN_SIZE_BYTES + wanted.min(body_size_bytes) {
            return Ok(Seen::NotYet);
        }
        Ok(Seen::Tag(head))
    }

    /// Checks the predecessor's size. Some writers do not count the tag's header, some write 0.
    fn check_predecessor(&self, head: &TagHead) -> Result<(), Refusal> {
        let Some(size_bytes) = self.previous_size_bytes else {
            return Ok(());
        };
        let whole = size_bytes + TAG_HEADER_SIZE_BYTES as u32;
        if [whole, size_bytes, 0].contains(&head.previous_size_bytes) {
            return Ok(());
        }
        Err(Refusal::Corrupt("tags do not follow one another"))
    }

    /// Adds a tag, and returns the position of the next one.
    fn pass(&mut self, position: u64, head: TagHead, rest: &[u8]) -> Result<u64, Refusal> {
        self.count += 1;
        if self.count > self.limits.samples_max {
            return Err(Refusal::TooLarge("tags"));
        }
        self.previous_size_bytes = Some(head.body_size_bytes);
        let offset = position + BETWEEN_SIZE_BYTES;
        let seen = &rest[BETWEEN_SIZE_BYTES as usize..];
        let size_bytes = head.body_size_bytes;
        let body = &seen[..seen.len().min(size_bytes as usize)];
        match head.kind {
            Some(MessageKind::Data) if self.script.is_none() => {
                let size = body.len().min(SCRIPT_SIZE_BYTES_MAX as usize);
                self.script = Script::read(&body[..size]);
            }
            Some(MessageKind::Data) | None => {}
            Some(kind @ (MessageKind::Audio | MessageKind::Video)) => {
                self.tags
                    .take(kind, offset, size_bytes, head.timestamp_ms, body)?;
            }
        }
        Ok(offset + u64::from(size_bytes))
    }

    /// Puts the tags in order, and makes the index.
    ///
    /// # Errors
    ///
    /// `Truncated` if the object was not walked to its end or has no complete tag, `NoTrack` if it has neither video
    /// nor audio, and any other for which the tags as a whole give a reason.
    pub fn finish(self) -> Result<FlvIndex, Refusal> {
        match self.stage {
            Stage::Begin if self.object_size_bytes == 0 => return Err(Refusal::NotAVideo),
            Stage::Begin | Stage::At(_) => return Err(Refusal::Truncated),
            Stage::End if self.count == 0 => return Err(Refusal::Truncated),
            Stage::End => {}
        }
        let script = self.script.unwrap_or_default();
        self.tags
            .into_index(self.object_size_bytes, script, self.limits.duration_max)
    }
}

/// Checks the object's own header, and returns the position of the tags.
fn file_header(bytes: &[u8]) -> Result<u64, Refusal> {
    if !bytes.starts_with(b"FLV\x01") {
        return Err(Refusal::NotAVideo);
    }
    let size = bytes
        .get(5..FILE_HEADER_SIZE_BYTES as usize)
        .ok_or(Refusal::Truncated)?;
    let size_bytes = size
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte));
    if !(FILE_HEADER_SIZE_BYTES..=FILE_HEADER_SIZE_BYTES_MAX).contains(&size_bytes) {
        return Err(Refusal::Corrupt("flv header"));
    }
    Ok(u64::from(size_bytes))
}

impl TagHead {
    fn read(between: &[u8; BETWEEN_SIZE_BYTES as usize]) -> Result<TagHead, Refusal> {
        let &[p0, p1, p2, p3, flags, s0, s1, s2, t0, t1, t2, t3, _, _, _] = between;
        if flags & 0x20 != 0 {
            return Err(Refusal::Encrypted);
        }
        let kind = match flags {
            8 => Some(MessageKind::Audio),
            9 => Some(MessageKind::Video),
            18 => Some(MessageKind::Data),
            // A script in AMF3.
            15 => None,
            _ => return Err(Refusal::Corrupt("kind of a tag")),
        };
        Ok(TagHead {
            kind,
            body_size_bytes: u32::from_be_bytes([0, s0, s1, s2]),
            // The fourth byte is the most significant, table E.4.1.
            timestamp_ms: i32::from_be_bytes([t3, t0, t1, t2]),
            previous_size_bytes: u32::from_be_bytes([p0, p1, p2, p3]),
        })
    }
}
