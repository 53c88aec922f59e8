//! Describes a video for playlists: tracks, codecs, sizes, segments; independent of the index that it was read from.

use std::time::Duration;

use crate::mp4::{self, Codec, Colour, Index, Roles, Track, TrackKind};
use crate::mux;
use crate::segmentation::{PlannedSegment, PlannedTrack, Segmentation};

/// The description of a video for playlists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoDescription {
    /// Tracks of the segmentation, ordered by number.
    pub tracks: Vec<TrackDescription>,
    /// Duration of the longest track.
    pub duration: Duration,
}

/// The description of the transport stream, which has video and default audio together, for its playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsDescription {
    /// Codec strings of video and audio (RFC 6381), with a comma between.
    pub codecs: String,
    /// Duration of each segment.
    pub segments: Vec<Duration>,
}

/// The description of a track for playlists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackDescription {
    /// Number of the track, as in names: 1 is the first of the file.
    pub number: u32,
    /// Media type of the track.
    pub kind: TrackKind,
    /// Coding of its samples.
    pub codec: Codec,
    /// Codec string of RFC 6381.
    pub codecs: String,
    /// Language by ISO 639-2; `None` if undetermined.
    pub language: Option<String>,
    /// Name in the file.
    pub name: Option<String>,
    /// True if the file enables it.
    pub is_default: bool,
    /// Roles beside its kind, as far as the file states them.
    pub roles: Roles,
    /// Width in pixels; 0 for audio.
    pub width: u32,
    /// Height in pixels; 0 for audio.
    pub height: u32,
    /// Colours of a video track, as far as the file states them.
    pub colour: Option<Colour>,
    /// SUPPLEMENTAL-CODECS of HLS: Dolby Vision on top of a base layer that other players show.
    pub supplemental_codecs: Option<String>,
    /// Average frame rate of a video track, reduced: numerator and denominator.
    pub frame_rate: Option<(u32, u32)>,
    /// Number of channels; 0 for tracks other than audio.
    pub channels: u16,
    /// Audio samples per second; 0 for tracks other than audio.
    pub sample_rate: u32,
    /// Average bitrate of the whole track.
    pub average_bits_per_sec: u64,
    /// Bitrate of the segment with the highest.
    pub peak_bits_per_sec: u64,
    /// Timescale of the segments: units per second of their times.
    pub timescale: u32,
    /// Segments in order; the first has number 1 in names.
    pub segments: Vec<SegmentDescription>,
    /// True if each segment that has samples starts with a sync sample.
    pub starts_with_sync: bool,
    /// Key frames with which the segments of a video track start; `None` if one does not start with a key frame.
    pub i_frames: Option<Vec<IFrame>>,
    /// True if the track is in HLS with fMP4, and in DASH.
    pub is_offered: bool,
}

/// The description of a segment for playlists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentDescription {
    /// Start, in the track's timescale.
    pub start: u64,
    /// Duration, in the track's timescale.
    pub duration: u64,
}

/// The range of a segment that holds its key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IFrame {
    /// Size from byte 0 of the segment to the end of its first sample.
    pub size_bytes: u64,
}

/// Describes a video for its playlists.
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

/// Returns true if players accept a codec in fMP4: those in browsers refuse MP3.
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

/// Returns the key frames of a video track, if each segment starts with one.
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

/// Returns the average frame rate: numerator and denominator, reduced.
fn frame_rate(track: &Track) -> Option<(u32, u32)> {
    if track.kind != TrackKind::Video || track.media_duration == 0 {
        return None;
    }
    let count = u64::from(track.sample_count) * u64::from(track.timescale);
    let divisor = greatest_common_divisor(count, track.media_duration);
    let (mut numerator, mut denominator) = (count / divisor, track.media_duration / divisor);
    // Where durations vary the fraction may be too long; its last digits mean nothing then.
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

/// The bitrates of a track's segments.
struct BitRates {
    average: u64,
    peak: u64,
}

impl BitRates {
    /// Ignores segments shorter than half the longest one for the peak (RFC 8216 4.1): a last segment of a few samples
    /// would otherwise count as many times its size.
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

/// Describes the video's transport stream; returns `None` if there is none.
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
