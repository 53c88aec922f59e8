//! Finds the index of an object: walks over the boxes at top level with few ranged reads.
//!
//! If the index comes first, one read of 64 KiB finds it in most objects, and a second one reads the rest. If the media
//! comes first, one read after it finds the index. In fragmented objects the `moof` of each fragment is read, with one
//! read each; the segment index (`sidx`) says nothing about samples, and since the walk goes from fragment to fragment,
//! it would save no read.

use std::ops::Range;

use bytes::Bytes;

use super::boxes::{self, BoxHeader, HEADER_SIZE_BYTES_MAX};
use super::held::Held;
use super::{Index, Limits, Step, movie};
use crate::Refusal;

/// Size of a read where a box is expected: enough for the whole index of a short video.
const WINDOW_SIZE_BYTES: u64 = 64 << 10;

/// Size of a read where a fragment is expected: enough for the `moof` of some hundred samples.
const FRAGMENT_WINDOW_SIZE_BYTES: u64 = 16 << 10;

/// Kinds of boxes that an mp4 object may begin with.
const FIRST_KINDS: [&[u8; 4]; 9] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid",
];

/// Finds the index of an object with few ranged reads.
#[derive(Debug)]
pub struct Locator {
    object_size_bytes: u64,
    limits: Limits,
    state: State,
    /// Number of boxes passed since the beginning, the index or the last fragment.
    boxes: u32,
    movie: Option<Held>,
    fragments: Vec<Held>,
    /// Size of all fragments in memory.
    fragments_size_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// A box is expected at this position.
    Walk { at: u64 },
    /// A box was read in part.
    Hold {
        range: Range<u64>,
        header_size_bytes: u64,
        bytes: Vec<u8>,
    },
    /// All boxes needed were read.
    Done,
}

/// The use of a box at top level.
enum TopLevelBox {
    Movie,
    Fragment,
    Passed,
}

impl Locator {
    /// Creates a locator for an object of this size.
    pub fn new(object_size_bytes: u64, limits: Limits) -> Locator {
        Locator {
            object_size_bytes,
            limits,
            state: match object_size_bytes {
                0 => State::Done,
                _ => State::Walk { at: 0 },
            },
            boxes: 0,
            movie: None,
            fragments: Vec::new(),
            fragments_size_bytes: 0,
        }
    }

    /// Returns the next step.
    pub fn step(&self) -> Step {
        match &self.state {
            State::Walk { at } => {
                let window = match self.movie {
                    None => WINDOW_SIZE_BYTES,
                    Some(_) => FRAGMENT_WINDOW_SIZE_BYTES,
                };
                let window = window
                    .min(self.limits.index_size_bytes_max)
                    .max(HEADER_SIZE_BYTES_MAX);
                Step::Read(*at..self.object_size_bytes.min(at.saturating_add(window)))
            }
            State::Hold { range, bytes, .. } => {
                Step::Read(range.start + bytes.len() as u64..range.end)
            }
            State::Done => Step::Done,
        }
    }

    /// Takes the bytes of the range of [`Self::step`], neither more nor fewer.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] for which these bytes already give a reason; `Truncated` if their number is not that of the
    /// range.
    pub fn supply(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Step::Read(range) = self.step() else {
            return Ok(());
        };
        if bytes.len() as u64 != range.end - range.start {
            return Err(Refusal::Truncated);
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done => Ok(()),
            State::Walk { at } => self.walk(at, bytes),
            State::Hold {
                range,
                header_size_bytes,
                bytes: mut held,
            } => {
                held.extend_from_slice(bytes);
                self.hold(range, header_size_bytes, held)
            }
        }
    }

    /// Reads and validates the index; this takes up to tens of milliseconds for a video of hours.
    ///
    /// # Errors
    ///
    /// The reason why no video can be made of the object.
    pub fn finish(self) -> Result<Index, Refusal> {
        match (self.state, self.movie) {
            (State::Done, Some(movie)) => movie::read(
                &movie,
                &self.fragments,
                self.object_size_bytes,
                &self.limits,
            ),
            (State::Done, None) => Err(Refusal::NotAVideo),
            (State::Walk { .. } | State::Hold { .. }, _) => Err(Refusal::Truncated),
        }
    }

    /// Passes the boxes of a window that begins at `start`, up to the first that is needed and incomplete.
    fn walk(&mut self, start: u64, window: &[u8]) -> Result<(), Refusal> {
        let end = start + window.len() as u64;
        let mut at = start;
        while at < self.object_size_bytes {
            let rest = &window[(at.min(end) - start) as usize..];
            let Some(header) = BoxHeader::read(rest)? else {
                return self.walk_on_at(at);
            };
            let found = self.pass(at, header)?;
            let Some(range) = self.range(at, header) else {
                return self.end_at_cut(&header.kind);
            };
            match found {
                TopLevelBox::Passed => at = range.end,
                TopLevelBox::Movie | TopLevelBox::Fragment => {
                    let held = &rest[..rest.len().min((range.end - at) as usize)];
                    at = range.end;
                    self.hold(range, header.header_size_bytes, held.to_vec())?;
                    if !matches!(self.state, State::Walk { .. }) {
                        return Ok(());
                    }
                }
            }
        }
        self.state = State::Done;
        Ok(())
    }

    /// Continues the walk with a window at this position, at or after the end of the current one.
    fn walk_on_at(&mut self, at: u64) -> Result<(), Refusal> {
        if self.object_size_bytes - at < HEADER_SIZE_BYTES_MAX {
            // A few stray bytes at the end are no box. Before the index they may be all there is.
            self.state = State::Done;
            return match (&self.movie, at) {
                (Some(_), _) => Ok(()),
                (None, 0) => Err(Refusal::NotAVideo),
                (None, _) => Err(Refusal::Truncated),
            };
        }
        self.state = State::Walk { at };
        Ok(())
    }

    /// Counts a box, and returns its use.
    fn pass(&mut self, at: u64, header: BoxHeader) -> Result<TopLevelBox, Refusal> {
        if at == 0 && !FIRST_KINDS.contains(&&header.kind) {
            return Err(Refusal::NotAVideo);
        }
        self.boxes += 1;
        if self.boxes > self.limits.boxes_max {
            return Err(Refusal::TooLarge("boxes before the index"));
        }
        Ok(match (&header.kind, &self.movie) {
            (b"moov", None) => TopLevelBox::Movie,
            (b"moof", Some(_)) => TopLevelBox::Fragment,
            _ => TopLevelBox::Passed,
        })
    }

    /// Returns the range of a box, if it lies within the object.
    fn range(&self, at: u64, header: BoxHeader) -> Option<Range<u64>> {
        let end = match header.size_bytes {
            None => self.object_size_bytes,
            Some(size_bytes) => at.checked_add(size_bytes)?,
        };
        (end <= self.object_size_bytes).then_some(at..end)
    }

    /// Ends the walk at a box that extends beyond the object. A fragmented recording that was cut off is valid up to
    /// the last fragment that is complete with its media.
    fn end_at_cut(&mut self, kind: &[u8; 4]) -> Result<(), Refusal> {
        if self.movie.is_none() {
            return Err(Refusal::Truncated);
        }
        if kind == b"mdat" {
            self.fragments.pop();
        }
        self.state = State::Done;
        Ok(())
    }

    /// Stores a box of which `bytes` were read; once it is complete, the walk continues after it.
    fn hold(
        &mut self,
        range: Range<u64>,
        header_size_bytes: u64,
        mut bytes: Vec<u8>,
    ) -> Result<(), Refusal> {
        let size_bytes = range.end - range.start;
        if size_bytes > self.limits.index_size_bytes_max - self.fragments_size_bytes {
            return Err(Refusal::TooLarge("index"));
        }
        if (bytes.len() as u64) < size_bytes {
            bytes.reserve_exact(size_bytes as usize - bytes.len());
            self.state = State::Hold {
                range,
                header_size_bytes,
                bytes,
            };
            return Ok(());
        }
        let at = range.end;
        let payload = Bytes::from(bytes).slice(header_size_bytes as usize..);
        let held = Held { range, payload };
        self.boxes = 0;
        let goes_on = match &self.movie {
            None => {
                let has_fragments = boxes::find(&held.payload, b"mvex")?.is_some();
                self.movie = Some(held);
                has_fragments
            }
            Some(_) => {
                if self.fragments.len() >= self.limits.fragments_max as usize {
                    return Err(Refusal::TooLarge("fragments"));
                }
                self.fragments_size_bytes += size_bytes;
                self.fragments.push(held);
                true
            }
        };
        self.state = match goes_on && at < self.object_size_bytes {
            true => State::Walk { at },
            false => State::Done,
        };
        Ok(())
    }
}
