//! The two streams within a transport stream: their types, their ids, and the headers of their frames.

use crate::mp4::{Codec, Track, TrackKind};
use crate::mux::ts::adts::{ADTS_HEADER_SIZE_BYTES, Adts};
use crate::mux::ts::avc::parameter_sets;

/// An H.264 video track.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Parameter sets with start codes, for key frames.
    pub parameter_sets: Vec<u8>,
}

impl Picture {
    /// Returns `None` if a transport stream cannot carry the track.
    pub fn of(track: &Track) -> Option<Picture> {
        if track.kind != TrackKind::Video || track.codec != Codec::Avc {
            return None;
        }
        let parameter_sets = parameter_sets(track.decoder_config(b"avcC")?)?;
        Some(Picture { parameter_sets })
    }
}

/// The format of audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audio {
    /// AAC in ADTS.
    Aac(Adts),
    /// MPEG-1 audio.
    Mpeg1,
    /// MPEG-2 audio of the lower sample rates.
    Mpeg2,
    /// AC-3.
    Ac3,
}

impl Audio {
    /// Returns `None` if a transport stream cannot carry the track.
    pub fn of(track: &Track) -> Option<Audio> {
        match track.codec {
            Codec::Aac => Some(Audio::Aac(Adts::of(&track.audio_specific_config()?)?)),
            Codec::Mp3 if track.sample_rate >= 32_000 => Some(Audio::Mpeg1),
            Codec::Mp3 => Some(Audio::Mpeg2),
            Codec::Ac3 => Some(Audio::Ac3),
            Codec::Avc
            | Codec::Hevc
            | Codec::Vp9
            | Codec::Av1
            | Codec::Eac3
            | Codec::Opus
            | Codec::Flac
            | Codec::Tx3g
            | Codec::WebVtt
            | Codec::Other => None,
        }
    }

    /// Returns the stream type: ISO 13818-1 table 2-34, and ATSC A/53 for AC-3.
    pub fn stream_type(&self) -> u8 {
        match self {
            Audio::Aac(_) => 0x0f,
            Audio::Mpeg1 => 0x03,
            Audio::Mpeg2 => 0x04,
            Audio::Ac3 => 0x81,
        }
    }

    /// Returns the stream id, ISO 13818-1 table 2-22: the first of MPEG audio, and private stream 1 for AC-3.
    pub fn stream_id(&self) -> u8 {
        match self {
            Audio::Aac(_) | Audio::Mpeg1 | Audio::Mpeg2 => 0xc0,
            Audio::Ac3 => 0xbd,
        }
    }

    /// Returns the size of a frame with its header; `None` if the frame does not fit.
    pub fn frame_size_bytes(&self, size_bytes: u32) -> Option<u32> {
        match self {
            Audio::Aac(_) => Adts::carries(size_bytes).then(|| size_bytes + ADTS_HEADER_SIZE_BYTES),
            Audio::Mpeg1 | Audio::Mpeg2 | Audio::Ac3 => Some(size_bytes),
        }
    }
}
