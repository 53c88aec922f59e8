//! Segments as transport streams, ISO 13818-1: H.264 with its audio.
//!
//! [`layout`] decides from the index alone which packets there are; they are filled here as the samples come.

mod adts;
mod avc;
mod layout;
mod packets;
mod pes;
mod streams;
mod tables;
mod units;

use crate::mp4::{Index, Track, TrackKind};
use crate::part::Parts;
use crate::segmentation::Segmentation;
use avc::NalWriter;
use layout::Layout;
use packets::{PacketWriter, packet_count};
use streams::{Audio, Picture};
use units::{PACKET_SIZE_BYTES, Stream};

/// Timestamp of the start of the video, in 1/90,000 s: decoding begins before presentation, and no timestamp may be
/// negative.
pub const TS_LEAD_90KHZ: u64 = 900_000;

/// The tracks of a transport stream, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TsTracks {
    /// Number of the video track.
    pub video: u32,
    /// Number of the audio track, if the video has audio.
    pub audio: Option<u32>,
}

/// Chooses the tracks of a transport stream: the lead track, and the default audio, which is no audio description or
/// the like if there is another.
///
/// Returns `None` if the lead track is not H.264 with NAL lengths of four bytes, or if the video has audio but none
/// that a transport stream carries: AAC that ADTS can describe, MP3 and AC-3. A video without its audio helps nobody.
pub fn ts_tracks(index: &Index, segmentation: &Segmentation) -> Option<TsTracks> {
    let video = index.track(segmentation.lead().number)?;
    Picture::of(video)?;
    let mut audio = segmentation
        .tracks
        .iter()
        .filter_map(|planned| index.track(planned.number))
        .filter(|track| track.kind == TrackKind::Audio)
        .peekable();
    let audio = match audio.peek() {
        None => None,
        Some(_) => {
            let carried: Vec<&Track> = audio.filter(|track| Audio::of(track).is_some()).collect();
            let chosen = carried
                .iter()
                .min_by_key(|track| track.roles.lateness(track.is_default));
            Some(chosen?.number)
        }
    };
    Some(TsTracks {
        video: video.number,
        audio,
    })
}

/// A segment as a transport stream, written as its samples come.
#[derive(Debug)]
pub struct TsSegment {
    layout: Layout,
    picture: Picture,
    audio: Option<Audio>,
    /// Tables, until they are written.
    tables: Option<tables::Tables>,
    packets: PacketWriter,
    nal: NalWriter,
    /// Numbers of units and of frames begun.
    units_begun: usize,
    frames_begun: usize,
    /// Rest of the unit and of the frame that were begun last.
    unit_frames_left: u32,
    frame_bytes_left: usize,
    stream: Stream,
}

impl TsSegment {
    /// Creates segment `number`, from 1; returns `None` if there is no such segment, or no transport stream can be made
    /// of it.
    pub fn new(index: &Index, segmentation: &Segmentation, number: u32) -> Option<TsSegment> {
        let tracks = ts_tracks(index, segmentation)?;
        let video = index.track(tracks.video)?;
        let picture = Picture::of(video)?;
        let audio = tracks.audio.and_then(|number| index.track(number));
        let audio = audio.and_then(|track| Some((track, Audio::of(track)?)));
        let layout = Layout::of(
            segmentation,
            number,
            (video, &picture),
            audio.as_ref().map(|(track, audio)| (*track, audio)),
        )?;
        let tables = tables::tables(number, audio.as_ref().map(|(track, audio)| (*track, audio)));
        Some(TsSegment {
            layout,
            picture,
            audio: audio.map(|(_, audio)| audio),
            tables: Some(tables),
            packets: PacketWriter::default(),
            nal: NalWriter::default(),
            units_begun: 0,
            frames_begun: 0,
            unit_frames_left: 0,
            frame_bytes_left: 0,
            stream: Stream::Picture,
        })
    }

    /// Returns the size of the whole segment, which is known before any byte.
    pub fn size_bytes(&self) -> u64 {
        self.layout.size_bytes
    }

    /// Skips the whole units within the first `size_bytes` of the stream, and returns how many bytes they take: so that
    /// a range at the end of a long segment costs no more than its own length. It must be called before
    /// [`Self::sources`].
    pub fn skip(&mut self, size_bytes: u64) -> u64 {
        let tables = self.tables.as_ref().map_or(0, |tables| tables.len() as u64);
        if size_bytes < tables {
            return 0;
        }
        self.tables = None;
        let mut skipped = tables;
        while let Some(unit) = self.layout.units.get(self.units_begun) {
            let count = packet_count(unit.stream, unit.size_bytes, unit.single_packets);
            let end = skipped + count * PACKET_SIZE_BYTES as u64;
            if end > size_bytes {
                break;
            }
            self.packets.skip(unit.stream, count);
            self.units_begun += 1;
            self.frames_begun += unit.frame_count as usize;
            skipped = end;
        }
        skipped
    }

    /// Returns ranges of the object, in the order in which [`Self::supply`] needs them.
    pub fn sources(&self) -> Parts {
        let mut parts = Parts::default();
        for frame in self.layout.frames.iter().skip(self.frames_begun) {
            parts.push_source(frame.offset, u64::from(frame.size_bytes));
        }
        parts
    }

    /// Takes the next bytes of [`Self::sources`], in pieces of any size, and appends complete packets to `out`.
    ///
    /// Bytes beyond the sources are ignored.
    pub fn supply(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        self.write_tables(out);
        // 184 bytes become 188, and a unit fills its last packet with stuffing.
        out.reserve(bytes.len() + bytes.len() / 32 + 16 * PACKET_SIZE_BYTES);
        self.packets.resume(out);
        while !bytes.is_empty() {
            if self.frame_bytes_left == 0 && self.begin_frame(out).is_none() {
                break;
            }
            let (piece, rest) = bytes.split_at(bytes.len().min(self.frame_bytes_left));
            self.frame_bytes_left -= piece.len();
            bytes = rest;
            match self.stream {
                Stream::Picture => {
                    self.nal.write(piece, &mut self.packets, out);
                    if self.frame_bytes_left == 0 {
                        self.nal.end(&mut self.packets, out);
                    }
                }
                Stream::Audio => self.packets.write(piece, out),
            }
        }
        self.packets.pause(out);
    }

    /// Appends the rest, and returns true if all sources were supplied.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        self.write_tables(out);
        self.frames_begun == self.layout.frames.len() && self.frame_bytes_left == 0
    }

    fn write_tables(&mut self, out: &mut Vec<u8>) {
        if let Some(tables) = self.tables.take() {
            out.extend_from_slice(&tables);
        }
    }

    /// Writes the headers before the next frame; returns `None` if there is none.
    fn begin_frame(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let frame = self.layout.frames.get(self.frames_begun)?;
        if self.unit_frames_left == 0 {
            let unit = self.layout.units.get(self.units_begun)?;
            self.packets.begin(unit);
            self.packets
                .write(&pes::header(unit, self.audio.as_ref()), out);
            if unit.stream == Stream::Picture {
                self.packets.write(&avc::DELIMITER, out);
            }
            if unit.has_parameter_sets {
                self.packets.write(&self.picture.parameter_sets, out);
            }
            self.stream = unit.stream;
            self.unit_frames_left = unit.frame_count;
            self.units_begun += 1;
        }
        if let (Stream::Audio, Some(Audio::Aac(adts))) = (self.stream, &self.audio) {
            self.packets.write(&adts.header(frame.size_bytes), out);
        }
        self.unit_frames_left = self.unit_frames_left.saturating_sub(1);
        self.frame_bytes_left = usize::try_from(frame.size_bytes).ok()?;
        self.frames_begun += 1;
        Some(())
    }
}

#[cfg(test)]
pub(in crate::mux) mod tests;
