//! What lists say of a video: tracks, codecs, sizes, segments; free of the index that it was read from.

use std::time::Duration;

use crate::mp4::{self, Codec, Colour, Index, Roles, Track, TrackKind};
use crate::mux;
use crate::segmentation::{PlannedSegment, PlannedTrack, Segmentation};

/// What lists say of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoDescription {
    /// All tracks of the segmentation, by number.
    pub tracks: Vec<TrackDescription>,
    /// Of the longest track.
    pub duration: Duration,
}

/// What the playlist of the transport stream says of it: picture and default sound together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsDescription {
    /// RFC 6381, of picture and sound, with a comma between.
    pub codecs: String,
    /// Length of each.
    pub segments: Vec<Duration>,
}

/// What lists say of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackDescription {
    /// As in names: 1 is the first of the file.
    pub number: u32,
    /// What it is for.
    pub kind: TrackKind,
    /// How it is coded.
    pub codec: Codec,
    /// RFC 6381.
    pub codecs: String,
    /// ISO 639-2; `None` when undetermined.
    pub language: Option<String>,
    /// As the file calls it.
    pub name: Option<String>,
    /// Whether the file enables it.
    pub is_default: bool,
    /// What it is for beside its kind, as far as the file says so.
    pub roles: Roles,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
    /// Colours of a picture, as far as the file says them.
    pub colour: Option<Colour>,
    /// SUPPLEMENTAL-CODECS of HLS: Dolby Vision upon a picture that others show too.
    pub supplemental_codecs: Option<String>,
    /// Average of a picture's, reduced: numerator and denominator.
    pub frame_rate: Option<(u32, u32)>,
    /// 0 for others than sound.
    pub channels: u16,
    /// 0 for others than sound.
    pub sample_rate: u32,
    /// Of the whole.
    pub average_bits_per_sec: u64,
    /// Of the segment with the most.
    pub peak_bits_per_sec: u64,
    /// Units in a second of the segments' times.
    pub timescale: u32,
    /// In order; the first has number 1 in names.
    pub segments: Vec<SegmentDescription>,
    /// Whether each segment that has samples starts with one where decoding may begin.
    pub starts_with_sync: bool,
    /// The key frame that each segment of a picture starts with.
    pub i_frames: Option<Vec<IFrame>>,
    /// Whether it is in HLS with fMP4, and in DASH.
    pub is_offered: bool,
}

/// What lists say of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentDescription {
    /// In the track's timescale.
    pub start: u64,
    /// In the track's timescale.
    pub duration: u64,
}

/// Where the key frame of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IFrame {
    /// From byte 0 of the segment to the end of its first sample.
    pub size_bytes: u64,
}

/// Describes a video for the lists.
pub fn describe(index: &Index, segmentation: &Segmentation) -> VideoDescription {
    let planned = segmentation.tracks.iter();
    let tracks = planned.filter_map(|planned| {
        let track = index.track(planned.number)?;
        Some(describe_track(track, planned))
    });
    VideoDescription {
        tracks: tracks.collect(),
        duration: index.duration(),
    }
}

fn describe_track(track: &Track, planned: &PlannedTrack) -> TrackDescription {
    let bits = BitRates::of(planned.segments.iter().map(|segment| {
        let size_bytes = segment.size_bytes + header_size_bytes(segment);
        (size_bytes, mp4::time(segment.duration, track.timescale))
    }));
    let segments = planned.segments.iter().map(|segment| SegmentDescription {
        start: segment.start,
        duration: segment.duration,
    });
    let starts_with_sync = planned
        .segments
        .iter()
        .all(|segment| segment.starts_with_sync || segment.sample_count == 0);
    TrackDescription {
        number: track.number,
        kind: track.kind,
        codec: track.codec,
        codecs: track.codec_string(),
        language: track.language.clone(),
        name: track.name.clone(),
        is_default: track.is_default,
        roles: track.roles,
        width: track.width,
        height: track.height,
        colour: track.colour,
        supplemental_codecs: track.supplemental_codecs(),
        frame_rate: frame_rate(track),
        channels: track.channels,
        sample_rate: track.sample_rate,
        average_bits_per_sec: bits.average,
        peak_bits_per_sec: bits.peak,
        timescale: track.timescale,
        segments: segments.collect(),
        starts_with_sync,
        i_frames: i_frames(track, planned),
        is_offered: is_offered(track.codec),
    }
}

/// Whether players take a codec in fMP4: sound as MP3 is refused by those in browsers.
fn is_offered(codec: Codec) -> bool {
    match codec {
        Codec::Avc
        | Codec::Hevc
        | Codec::Vp9
        | Codec::Av1
        | Codec::Aac
        | Codec::Ac3
        | Codec::Eac3
        | Codec::Opus
        | Codec::Flac
        | Codec::Tx3g
        | Codec::WebVtt => true,
        Codec::Mp3 | Codec::Other => false,
    }
}

fn header_size_bytes(segment: &PlannedSegment) -> u64 {
    mux::media_segment_header_size_bytes(segment.sample_count)
}

/// The key frames of a picture, when each segment starts with one.
fn i_frames(track: &Track, planned: &PlannedTrack) -> Option<Vec<IFrame>> {
    if track.kind != TrackKind::Video {
        return None;
    }
    let segments = planned.segments.iter();
    segments
        .map(|segment| {
            let size_bytes =
                header_size_bytes(segment) + u64::from(segment.first_sample_size_bytes);
            segment.starts_with_sync.then_some(IFrame { size_bytes })
        })
        .collect()
}

/// Pictures in a second on the average: numerator and denominator, reduced.
fn frame_rate(track: &Track) -> Option<(u32, u32)> {
    if track.kind != TrackKind::Video || track.media_duration == 0 {
        return None;
    }
    let count = u64::from(track.sample_count) * u64::from(track.timescale);
    let divisor = greatest_common_divisor(count, track.media_duration);
    let (mut numerator, mut denominator) = (count / divisor, track.media_duration / divisor);
    // Where times vary the fraction may be too long; its last digits say nothing then.
    while numerator > u64::from(u32::MAX) || denominator > u64::from(u32::MAX) {
        numerator /= 2;
        denominator /= 2;
    }
    let rate = (numerator as u32, denominator as u32);
    (rate.0 > 0 && rate.1 > 0).then_some(rate)
}

fn greatest_common_divisor(mut left: u64, mut right: u64) -> u64 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left.max(1)
}

/// What the segments of a track need in a second.
struct BitRates {
    average: u64,
    peak: u64,
}

impl BitRates {
    /// Segments of less than half the longest one's length have no say in the peak, RFC 8216 4.1: a last segment of a few
    /// samples would count as many times what it is.
    fn of(segments: impl Iterator<Item = (u64, Duration)> + Clone) -> BitRates {
        let longest = segments.clone().map(|(_, duration)| duration).max();
        let half = longest.unwrap_or_default() / 2;
        let size_bytes = segments.clone().map(|(size_bytes, _)| size_bytes).sum();
        let duration = segments.clone().map(|(_, duration)| duration).sum();
        let counted = segments.filter(|(_, duration)| *duration >= half);
        let peak = counted.map(|(size_bytes, duration)| bits_per_sec(size_bytes, duration));
        let average = bits_per_sec(size_bytes, duration);
        BitRates {
            average,
            peak: peak.max().unwrap_or_default().max(average),
        }
    }
}

fn bits_per_sec(size_bytes: u64, duration: Duration) -> u64 {
    let bits = u128::from(size_bytes) * 8 * 1_000_000;
    let microseconds = duration.as_micros().max(1);
    u64::try_from(bits.div_ceil(microseconds)).unwrap_or(u64::MAX)
}

/// Describes the video's transport stream; `None` when there is none.
pub fn describe_ts(index: &Index, segmentation: &Segmentation) -> Option<TsDescription> {
    let chosen = mux::ts_tracks(index, segmentation)?;
    let numbers = [Some(chosen.video), chosen.audio];
    let tracks: Vec<(&Track, &PlannedTrack)> = numbers
        .into_iter()
        .flatten()
        .filter_map(|number| Some((index.track(number)?, segmentation.track(number)?)))
        .collect();
    let (video, lead) = *tracks.first()?;
    let codecs: Vec<String> = tracks
        .iter()
        .map(|(track, _)| track.codec_string())
        .collect();
    let durations = lead.segments.iter();
    let durations = durations.map(|segment| mp4::time(segment.duration, video.timescale));
    Some(TsDescription {
        codecs: codecs.join(","),
        segments: durations.collect(),
    })
}

#[cfg(test)]
mod tests;
