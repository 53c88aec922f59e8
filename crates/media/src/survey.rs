//! Surveys an object: which outputs would be made of it, what is left out, and why. Operators see it before viewers do.
//!
//! It uses the same index, segmentation and description that playlists and segments are made from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Refusal;
use crate::describe::{TrackDescription, VideoDescription, describe};
use crate::mp4::{Codec, Index, Limits, Track, TrackKind};
use crate::mux;
use crate::segmentation::Segmentation;
use crate::stream::StreamIndex;

/// The outputs that would be made of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Description of the tracks that have samples, as playlists use it.
    pub video: VideoDescription,
    /// All tracks of the file, in its order.
    pub tracks: Vec<SurveyedTrack>,
    /// Number of segments of each track that is not text.
    pub segment_count: u32,
    /// Result for HLS in fMP4, and for DASH.
    pub fragments: Result<(), Refusal>,
    /// Result for HLS in transport streams: the numbers of its tracks, video first.
    pub transport_stream: Result<Vec<u32>, Refusal>,
    /// Result for RTMP.
    pub rtmp: Result<(), Refusal>,
}

/// A track, and whether HLS in fMP4 and DASH offer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyedTrack {
    /// Number of the track; 1 is the first of the file.
    pub number: u32,
    /// Media type of the track.
    pub kind: TrackKind,
    /// Codec string of RFC 6381, or the bare name of an unknown codec; empty if the file does not state one.
    pub codecs: String,
    /// Time at which its last sample ends.
    pub duration: Duration,
    /// Reason why no playlist offers it.
    pub left_out: Option<LeftOut>,
}

/// The reason why no playlist of HLS in fMP4, and no manifest, offers a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// A track of times, hints or other data.
    NoMedia,
    /// A codec, or a form of text, that is not repackaged.
    Codec,
    /// A track without samples.
    NoSamples,
    /// MP3, which players refuse in fragments.
    NotInFragments,
    /// A further video track after the first.
    FurtherVideo,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            LeftOut::NoMedia => "it is neither video, audio nor text",
            LeftOut::Codec => "its codec is not repackaged",
            LeftOut::NoSamples => "it has no samples",
            LeftOut::NotInFragments => {
                "players refuse it in HLS with fMP4 and in DASH; transport streams and RTMP carry it"
            }
            LeftOut::FurtherVideo => "only the first video track of a file is offered",
        })
    }
}

impl Survey {
    /// Surveys a video that would be cut at the first key frame at or after `target`.
    ///
    /// # Errors
    ///
    /// The same as of [`Segmentation::of`]: then nothing is made of the object.
    pub fn of(index: &Arc<Index>, target: Duration, limits: &Limits) -> Result<Survey, Refusal> {
        let segmentation = Segmentation::of(index, target, limits)?;
        let video = describe(index, &segmentation);
        let tracks = index.tracks.iter();
        let tracks: Vec<_> = tracks.map(|track| surveyed(track, &video)).collect();
        let is_played =
            |track: &SurveyedTrack| track.left_out.is_none() && track.kind != TrackKind::Text;
        let fragments = match tracks.iter().any(is_played) {
            true => Ok(()),
            false => Err(Refusal::NoTrack),
        };
        Ok(Survey {
            tracks,
            video,
            segment_count: segmentation.segment_count,
            fragments,
            transport_stream: transport_stream(index, &segmentation),
            rtmp: StreamIndex::of_mp4(Arc::clone(index)).map(|_| ()),
        })
    }

    /// Returns the description of a track, if playlists offer it.
    pub fn offered(&self, number: u32) -> Option<&TrackDescription> {
        let mut tracks = self.tracks.iter();
        let track = tracks.find(|track| track.number == number)?;
        let mut described = self.video.tracks.iter();
        let described = described.find(|track| track.number == number);
        described.filter(|_| track.left_out.is_none())
    }

    /// Returns true if a player can play it in at least one form.
    pub fn plays(&self) -> bool {
        self.fragments.is_ok() || self.transport_stream.is_ok() || self.rtmp.is_ok()
    }
}

fn transport_stream(index: &Index, segmentation: &Segmentation) -> Result<Vec<u32>, Refusal> {
    let tracks = mux::ts_tracks(index, segmentation).ok_or(Refusal::NoTrack)?;
    Ok(std::iter::once(tracks.video).chain(tracks.audio).collect())
}

fn surveyed(track: &Track, video: &VideoDescription) -> SurveyedTrack {
    SurveyedTrack {
        number: track.number,
        kind: track.kind,
        codecs: track.codec_string(),
        duration: if track.codec == Codec::Other {
            Duration::ZERO
        } else {
            crate::mp4::time(track.end(), track.timescale)
        },
        left_out: left_out(track, video),
    }
}

fn left_out(track: &Track, video: &VideoDescription) -> Option<LeftOut> {
    if track.codec == Codec::Other {
        return Some(match track.sample_entry.is_empty() {
            true => LeftOut::NoMedia,
            false => LeftOut::Codec,
        });
    }
    let is_offered = |other: &&TrackDescription| other.is_offered;
    let mut offered = video.tracks.iter().filter(is_offered);
    match track.kind {
        _ if track.sample_count == 0 => Some(LeftOut::NoSamples),
        TrackKind::Video => {
            let first = offered.find(|other| other.kind == TrackKind::Video)?;
            (first.number != track.number).then_some(LeftOut::FurtherVideo)
        }
        TrackKind::Audio | TrackKind::Text => {
            let is_there = offered.any(|other| other.number == track.number);
            (!is_there).then_some(LeftOut::NotInFragments)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp4::tests::builder::{Video, VideoTrack, read};

    fn survey(video: &Video) -> Result<Survey, Refusal> {
        let index = Arc::new(read(&video.bytes()).unwrap());
        Survey::of(&index, Duration::from_secs(2), &Limits::default())
    }

    fn left_out(survey: &Survey) -> Vec<Option<LeftOut>> {
        survey.tracks.iter().map(|track| track.left_out).collect()
    }

    /// Makes an audio track in MP3.
    fn mp3() -> VideoTrack {
        let mut track = VideoTrack::audio(100);
        let object_type = track.entry.windows(2).position(|pair| pair == [0x40, 0x15]);
        track.entry[object_type.unwrap()] = 0x6b;
        track
    }

    #[test]
    fn what_is_left_out_has_its_reason() {
        let mut unknown = VideoTrack::audio(100);
        unknown.entry[4..8].copy_from_slice(b"sowt");
        let mut empty = VideoTrack::audio(0);
        empty.samples.clear();
        let video = Video::new(vec![
            VideoTrack::video(50, 25),
            mp3(),
            VideoTrack::audio(100),
            unknown,
            empty,
            VideoTrack::video(50, 25),
            VideoTrack::text(2),
        ]);
        let survey = survey(&video).unwrap();
        assert_eq!(
            left_out(&survey),
            [
                None,
                Some(LeftOut::NotInFragments),
                None,
                Some(LeftOut::Codec),
                Some(LeftOut::NoSamples),
                Some(LeftOut::FurtherVideo),
                None
            ]
        );
        assert_eq!(survey.tracks[3].codecs, "sowt");
        assert_eq!(survey.offered(1).unwrap().codecs, "avc1.64000a");
        assert_eq!(survey.offered(2), None);
        assert!(survey.fragments.is_ok() && survey.plays());
    }

    #[test]
    fn forms_are_refused_one_by_one() {
        let video = Video::new(vec![mp3()]);
        let survey = survey(&video).unwrap();
        assert_eq!(survey.fragments, Err(Refusal::NoTrack));
        assert_eq!(survey.transport_stream, Err(Refusal::NoTrack));
        assert!(survey.rtmp.is_ok() && survey.plays());
    }
}
