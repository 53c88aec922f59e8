//! Video and audio of an mp4 object as messages.

mod line;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use self::line::{Line, Walker};
use super::flv::{
    AUDIO_AAC, AUDIO_MP3, Audio, Metadata, Picture, VIDEO_AVC, aac_sequence_header,
    avc_sequence_header, kbits_per_sec,
};
use super::{Message, MessageKind};
use crate::Refusal;
use crate::mp4::{Codec, Index, Track, TrackKind};

/// The default video track and the default audio track of an mp4 object, with the positions at which a viewer may
/// begin.
#[derive(Clone, Debug)]
pub struct Mp4Stream {
    shared: Arc<Shared>,
}

/// The state that all viewers share.
#[derive(Debug)]
struct Shared {
    index: Arc<Index>,
    /// Video and audio, or one of them.
    lines: Vec<Line>,
    headers: Vec<Message>,
}

impl Mp4Stream {
    pub(super) fn new(index: Arc<Index>) -> Result<Mp4Stream, Refusal> {
        let mut lines = Vec::new();
        let mut headers = Vec::new();
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let Some(place) = choose(&index, kind)? else {
                continue;
            };
            let track = &index.tracks[place];
            let line = Line::survey(place, track)?;
            if line.size_bytes > 0 {
                headers.extend(sequence_header(track)?);
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return Err(Refusal::NoTrack);
        }
        Ok(Mp4Stream {
            shared: Arc::new(Shared {
                index,
                lines,
                headers,
            }),
        })
    }

    pub(super) fn duration(&self) -> Duration {
        self.shared.index.duration()
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        self.describe().to_amf()
    }

    fn describe(&self) -> Metadata {
        let mut metadata = Metadata {
            duration: self.duration(),
            object_size_bytes: self.shared.index.object_size_bytes,
            picture: None,
            audio: None,
        };
        for line in &self.shared.lines {
            let track = line.track(&self.shared.index);
            let rate = kbits_per_sec(line.size_bytes, metadata.duration);
            match track.kind {
                TrackKind::Video => metadata.picture = Some(picture(track, rate)),
                TrackKind::Audio | TrackKind::Text => metadata.audio = Some(audio(track, rate)),
            }
        }
        metadata
    }

    pub(super) fn headers(&self) -> Vec<Message> {
        self.shared.headers.clone()
    }

    pub(super) fn messages_from(&self, at_ms: u32) -> Mp4Messages {
        let shared = &self.shared;
        let mut at_ms = at_ms;
        let mut walkers = Vec::with_capacity(shared.lines.len());
        for line in &shared.lines {
            let track = line.track(&shared.index);
            let walker = line.walk_from(track, at_ms);
            // Audio begins where video does; the video track comes first in `lines`.
            at_ms = at_ms.min(line.next_shown_ms(track, &walker).unwrap_or(at_ms));
            walkers.push(walker);
        }
        Mp4Messages {
            shared: Arc::clone(shared),
            walkers,
            floor_ms: 0,
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        let shared = &self.shared;
        let lines_bytes: usize = shared.lines.iter().map(Line::memory_bytes).sum();
        size_of::<Shared>() + shared.index.size_bytes() + lines_bytes
    }
}

/// Returns the index of the track of a kind that is sent: one that FLV can carry, preferably the default.
fn choose(index: &Index, kind: TrackKind) -> Result<Option<usize>, Refusal> {
    let mut is_there = false;
    let mut chosen: Option<(usize, &Track)> = None;
    for (place, track) in index.tracks.iter().enumerate() {
        if track.kind != kind || track.codec == Codec::Other || track.sample_count == 0 {
            continue;
        }
        is_there = true;
        let lateness = |track: &Track| track.roles.lateness(track.is_default);
        let is_better = chosen.is_none_or(|(_, other)| lateness(track) < lateness(other));
        if is_carried(kind, track.codec) && is_better {
            chosen = Some((place, track));
        }
    }
    if is_there && chosen.is_none() {
        return Err(Refusal::Unsupported("codec in rtmp"));
    }
    Ok(chosen.map(|(place, _)| place))
}

/// Returns true if FLV has a number for the codec of a kind of track, and old players support it.
fn is_carried(kind: TrackKind, codec: Codec) -> bool {
    match codec {
        Codec::Avc => kind == TrackKind::Video,
        Codec::Aac | Codec::Mp3 => kind == TrackKind::Audio,
        Codec::Hevc
        | Codec::Vp9
        | Codec::Av1
        | Codec::Ac3
        | Codec::Eac3
        | Codec::Opus
        | Codec::Flac
        | Codec::Tx3g
        | Codec::WebVtt
        | Codec::Other => false,
    }
}

fn sequence_header(track: &Track) -> Result<Option<Message>, Refusal> {
    let missing = Refusal::Corrupt("no decoder configuration");
    Ok(match (track.kind, track.codec) {
        (TrackKind::Video, _) => {
            let configuration = track.decoder_config(b"avcC").ok_or(missing)?;
            Some(avc_sequence_header(configuration))
        }
        (TrackKind::Audio | TrackKind::Text, Codec::Mp3) => None,
        (TrackKind::Audio | TrackKind::Text, _) => {
            let configuration = track.audio_specific_config().ok_or(missing)?;
            Some(aac_sequence_header(&configuration))
        }
    })
}

fn picture(track: &Track, kbits_per_sec: Option<f64>) -> Picture {
    let seconds = track.media_duration as f64 / f64::from(track.timescale);
    Picture {
        codec_number: VIDEO_AVC,
        width: Some(f64::from(track.width)),
        height: Some(f64::from(track.height)),
        frame_rate: (seconds > 0.0).then(|| f64::from(track.sample_count) / seconds),
        kbits_per_sec,
    }
}

fn audio(track: &Track, kbits_per_sec: Option<f64>) -> Audio {
    Audio {
        codec_number: if track.codec == Codec::Mp3 {
            AUDIO_MP3
        } else {
            AUDIO_AAC
        },
        sample_rate: Some(f64::from(track.sample_rate)),
        sample_size_bits: Some(16.0),
        is_stereo: Some(track.channels > 1),
        kbits_per_sec,
    }
}

/// The samples of all lines from given ones on, by decode time.
#[derive(Clone, Debug)]
pub(super) struct Mp4Messages {
    shared: Arc<Shared>,
    /// Positions in the lines, one for each.
    walkers: Vec<Walker>,
    /// Timestamp of the last message; none may be earlier.
    floor_ms: u32,
}

impl Iterator for Mp4Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let lines = self.shared.lines.iter().zip(&mut self.walkers);
        // At the same time, video goes first.
        let due = lines.filter_map(|(line, walker)| Some((walker.due_ms()?, line, walker)));
        let (due_ms, line, walker) = due.min_by_key(|(due_ms, ..)| *due_ms)?;
        self.floor_ms = self.floor_ms.max(due_ms);
        let track = line.track(&self.shared.index);
        let message = line.message(track, walker, self.floor_ms);
        line.advance(track, walker);
        message
    }
}
