//! Lays out a segment: its units, their order, and the number of their packets, in one pass over the index.

use std::iter::Peekable;

use crate::mp4::{Sample, Track};
use crate::mux::ts::TS_LEAD_90KHZ;
use crate::mux::ts::avc::DELIMITER;
use crate::mux::ts::packets::packet_count;
use crate::mux::ts::pes::{PES_HEADER_SIZE_BYTES, is_length_sayable};
use crate::mux::ts::streams::{Audio, Picture};
use crate::mux::ts::units::{PACKET_SIZE_BYTES, Stream, TIME_MASK, Unit};
use crate::segmentation::Segmentation;

/// Size up to which short audio frames are gathered into a unit: sixteen packets.
const AUDIO_UNIT_SIZE_BYTES: u64 = 16 * 184;
/// Number of values of a continuity counter.
const COUNTER_VALUES: u64 = 16;

/// A sample that is not empty.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Offset in the object.
    pub offset: u64,
    /// Size without the header that is put before it.
    pub size_bytes: u32,
}

/// The contents of a segment after its tables.
#[derive(Debug, Default)]
pub struct Layout {
    /// Units in the order in which they are sent.
    pub units: Vec<Unit>,
    /// Frames of all units, in the same order.
    pub frames: Vec<Frame>,
    /// Size of the segment, with its tables.
    pub size_bytes: u64,
}

impl Layout {
    /// Returns `None` if there is no such segment, or if a frame is too long for the container.
    pub fn of(
        segmentation: &Segmentation,
        number: u32,
        (video, picture): (&Track, &Picture),
        audio: Option<(&Track, &Audio)>,
    ) -> Option<Layout> {
        let mut layout = Layout::default();
        let mut pictures = frames(segmentation, video, number)?.peekable();
        let mut audio_tracks = match audio {
            Some((track, _)) => Some(frames(segmentation, track, number)?.peekable()),
            None => None,
        };
        loop {
            let next_picture = pictures.peek().map(|next| next.decode_time);
            let next_audio = audio_tracks
                .as_mut()
                .and_then(|audio_tracks| audio_tracks.peek());
            let next_audio = next_audio.map(|next| next.decode_time);
            match (next_picture, next_audio) {
                (None, None) => break,
                (Some(picture_time), Some(audio_time)) if audio_time < picture_time => {
                    layout.push_audio(audio_tracks.as_mut()?, audio?.1)?;
                }
                (Some(_), _) => layout.push_picture(&pictures.next()?, picture),
                (None, Some(_)) => layout.push_audio(audio_tracks.as_mut()?, audio?.1)?,
            }
        }
        let packets = layout.fill_up(Stream::Picture) + layout.fill_up(Stream::Audio);
        layout.size_bytes = (2 + packets) * PACKET_SIZE_BYTES as u64;
        Some(layout)
    }
}

impl Layout {
    /// Appends a picture. The first one of a segment has parameter sets too, even if decoding should not begin with it.
    fn push_picture(&mut self, next: &TimedFrame, picture: &Picture) {
        // The search goes backwards from the last unit: a video may have many units of audio before its first picture.
        let mut latest = self.units.iter().rev();
        let is_first = !latest.any(|unit| unit.stream == Stream::Picture);
        let has_parameter_sets = next.is_sync || is_first;
        let mut size_bytes = PES_HEADER_SIZE_BYTES + DELIMITER.len() as u64;
        if has_parameter_sets {
            size_bytes += picture.parameter_sets.len() as u64;
        }
        self.units.push(Unit {
            stream: Stream::Picture,
            decode_time: on_wire(next.decode_time),
            presentation_time: on_wire(next.presentation_time),
            is_sync: next.is_sync,
            has_parameter_sets,
            frame_count: 1,
            size_bytes: size_bytes + u64::from(next.frame.size_bytes),
            single_packets: 0,
        });
        self.frames.push(next.frame);
    }

    /// Appends a unit of several frames. A receiver counts their times from the first one on, so all have the same
    /// duration.
    fn push_audio(
        &mut self,
        frames: &mut Peekable<impl Iterator<Item = TimedFrame>>,
        audio: &Audio,
    ) -> Option<()> {
        let first = frames.next()?;
        let time = on_wire(first.presentation_time);
        let mut size_bytes = PES_HEADER_SIZE_BYTES;
        size_bytes += u64::from(audio.frame_size_bytes(first.frame.size_bytes)?);
        let mut frame_count = 1;
        self.frames.push(first.frame);
        let mut duration = first.duration;
        while let Some(next) = frames.peek() {
            let with_next = size_bytes + u64::from(audio.frame_size_bytes(next.frame.size_bytes)?);
            if with_next > AUDIO_UNIT_SIZE_BYTES || next.duration != duration {
                break;
            }
            size_bytes = with_next;
            frame_count += 1;
            duration = next.duration;
            self.frames.push(next.frame);
            frames.next();
        }
        self.units.push(Unit {
            stream: Stream::Audio,
            decode_time: time,
            presentation_time: time,
            is_sync: false,
            has_parameter_sets: false,
            frame_count,
            size_bytes,
            single_packets: 0,
        });
        is_length_sayable(size_bytes).then_some(())
    }

    /// Spreads the last unit of a stream over so many packets that its counter ends at 0, as each segment begins with
    /// 0: so counters continue across segments without a look at the previous ones. Returns the number of packets.
    pub fn fill_up(&mut self, stream: Stream) -> u64 {
        let mut count: u64 = self.packets_of(stream).sum();
        let Some(last) = self.units.iter_mut().rfind(|unit| unit.stream == stream) else {
            return 0;
        };
        let before = count - packet_count(stream, last.size_bytes, 0);
        // Each byte with a packet of its own adds one packet, save at most once, when the body loses a packet by it. A
        // unit has more bytes than the loop needs.
        while !count.is_multiple_of(COUNTER_VALUES) {
            last.single_packets += 1;
            count = before + packet_count(stream, last.size_bytes, last.single_packets);
        }
        count
    }

    /// Returns the number of packets of each unit of a stream.
    fn packets_of(&self, stream: Stream) -> impl Iterator<Item = u64> {
        self.units
            .iter()
            .filter(move |unit| unit.stream == stream)
            .map(|unit| packet_count(unit.stream, unit.size_bytes, unit.single_packets))
    }
}

/// A frame and its timestamps, which do not wrap around yet.
struct TimedFrame {
    frame: Frame,
    decode_time: i64,
    presentation_time: i64,
    /// Duration, in the track's timescale.
    duration: u32,
    is_sync: bool,
}

/// Returns the frames of a track in a segment; `None` if there is no such segment. Empty samples are not sent.
fn frames<'a>(
    segmentation: &Segmentation,
    track: &'a Track,
    number: u32,
) -> Option<impl Iterator<Item = TimedFrame> + use<'a>> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    let segment = segmentation.track(track.number)?.segments.get(place)?;
    let samples = track
        .samples_at(&segment.cursor)
        .take(usize::try_from(segment.sample_count).ok()?);
    let timed = samples.filter(|sample| sample.size_bytes > 0);
    Some(timed.map(|sample| timed_frame(track, &sample)))
}

/// Returns the frame of a sample. As nothing is shown before it is decoded, decoding begins as much earlier as the
/// track needs.
fn timed_frame(track: &Track, sample: &Sample) -> TimedFrame {
    let presentation_time = track.presentation_time(sample);
    let since_decoding =
        i64::from(sample.composition_offset) - i64::from(track.composition_offset_min);
    let decode_time = presentation_time.saturating_sub(since_decoding);
    TimedFrame {
        frame: Frame {
            offset: sample.offset,
            size_bytes: sample.size_bytes,
        },
        decode_time: in_90khz(decode_time, track.timescale),
        presentation_time: in_90khz(presentation_time, track.timescale),
        duration: sample.duration,
        is_sync: sample.is_sync,
    }
}

/// Converts to 1/90,000 s. Whole seconds are converted separately, so that no multiplication overflows.
fn in_90khz(time: i64, timescale: u32) -> i64 {
    let timescale = i64::from(timescale.max(1));
    let seconds = time.div_euclid(timescale).saturating_mul(90_000);
    seconds.saturating_add(time.rem_euclid(timescale) * 90_000 / timescale)
}

/// Returns the timestamp as sent: with the lead, in 33 bits.
fn on_wire(time: i64) -> u64 {
    time.cast_unsigned().wrapping_add(TS_LEAD_90KHZ) & TIME_MASK
}
