//! The bodies of FLV tags: the headers before the samples, and `onMetaData`.
//!
//! Annexes and tables are those of Adobe's "Video File Format Specification", version 10.1.

use std::time::Duration;

use bytes::Bytes;

use super::{Message, MessageKind};
use crate::Parts;

/// Codec numbers, tables E.4.3.1 and E.4.2.1.
pub(super) const VIDEO_AVC: u8 = 7;
pub(super) const AUDIO_MP3: u8 = 2;
pub(super) const AUDIO_MP3_8_KHZ: u8 = 14;
pub(super) const AUDIO_AAC: u8 = 10;

/// Packet types of AVC and AAC bodies, in their second byte: a decoder configuration, or samples.
pub(super) const PACKET_HEADER: u8 = 0;
pub(super) const PACKET_SAMPLES: u8 = 1;

/// Size limit of a body: RTMP writes lengths with 24 bits.
pub(super) const BODY_SIZE_BYTES_MAX: u64 = 0xff_ffff;

/// Size of [`avc_head`].
pub(super) const AVC_HEAD_SIZE_BYTES: u64 = 5;

/// Header of AAC samples: AAC, 44 kHz, 16 bits, stereo, whatever the audio really is, as E.4.2.1 prescribes.
pub(super) static AAC_HEAD: [u8; 2] = [AUDIO_AAC << 4 | 0x0f, PACKET_SAMPLES];

/// Makes the header of AVC samples.
///
/// `composition_ms`, from decoding to showing, is clamped to what 24 bits with a sign can hold, about 2.3 hours. It is
/// never negative: some players distrust all times then.
pub(super) fn avc_head(is_key: bool, packet: u8, composition_ms: u32) -> [u8; 5] {
    let frame_type: u8 = if is_key { 1 } else { 2 };
    let [_, high, middle, low] = composition_ms.min(0x7f_ffff).to_be_bytes();
    [frame_type << 4 | VIDEO_AVC, packet, high, middle, low]
}

/// Makes the header of an MP3 frame. Sample rates for which FLV has no number are given as the next higher one that it
/// has: decoders go by the frame's own header.
pub(super) fn mp3_head(sample_rate: u32, channels: u16) -> [u8; 1] {
    let (format, rate) = match sample_rate {
        0..=8_000 => (AUDIO_MP3_8_KHZ, 0),
        8_001..=11_025 => (AUDIO_MP3, 1),
        11_026..=22_050 => (AUDIO_MP3, 2),
        22_051.. => (AUDIO_MP3, 3),
    };
    let stereo = u8::from(channels != 1);
    [format << 4 | rate << 2 | 0b10 | stereo]
}

/// Makes a message of the AVC decoder configuration (`avcC`).
pub(super) fn avc_sequence_header(configuration: &[u8]) -> Message {
    let mut body = avc_head(true, PACKET_HEADER, 0).to_vec();
    body.extend_from_slice(configuration);
    own_message(MessageKind::Video, body)
}

/// Makes a message of the AudioSpecificConfig.
pub(super) fn aac_sequence_header(configuration: &[u8]) -> Message {
    let mut body = vec![AAC_HEAD[0], PACKET_HEADER];
    body.extend_from_slice(configuration);
    own_message(MessageKind::Audio, body)
}

fn own_message(kind: MessageKind, bytes: Vec<u8>) -> Message {
    let mut body = Parts::default();
    body.push_bytes(Bytes::from(bytes));
    Message {
        kind,
        timestamp_ms: 0,
        body,
        is_key: true,
    }
}

/// The contents of a video's `onMetaData`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub duration: Duration,
    pub object_size_bytes: u64,
    pub picture: Option<Picture>,
    pub audio: Option<Audio>,
}

/// The values of `onMetaData` for video; unknown ones are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Picture {
    pub codec_number: u8,
    pub width: Option<f64>,
    pub height: Option<f64>,
    pub frame_rate: Option<f64>,
    pub kbits_per_sec: Option<f64>,
}

/// The values of `onMetaData` for audio; unknown ones are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Audio {
    pub codec_number: u8,
    pub sample_rate: Option<f64>,
    pub sample_size_bits: Option<f64>,
    pub is_stereo: Option<bool>,
    pub kbits_per_sec: Option<f64>,
}

impl Metadata {
    /// Encodes in AMF0: the name and an ECMA array, annex E.5.
    pub fn to_amf(&self) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.number("duration", Some(self.duration.as_secs_f64()));
        if let Some(picture) = &self.picture {
            fields.number("width", picture.width);
            fields.number("height", picture.height);
            fields.number("videodatarate", picture.kbits_per_sec);
            fields.number("framerate", picture.frame_rate);
            fields.number("videocodecid", Some(f64::from(picture.codec_number)));
        }
        if let Some(audio) = &self.audio {
            fields.number("audiodatarate", audio.kbits_per_sec);
            fields.number("audiosamplerate", audio.sample_rate);
            fields.number("audiosamplesize", audio.sample_size_bits);
            fields.boolean("stereo", audio.is_stereo);
            fields.number("audiocodecid", Some(f64::from(audio.codec_number)));
        }
        fields.number("filesize", Some(self.object_size_bytes as f64));
        fields.into_amf("onMetaData")
    }
}

/// Returns thousands of bits per second, for `onMetaData`; `None` if the duration is 0.
pub(super) fn kbits_per_sec(size_bytes: u64, duration: Duration) -> Option<f64> {
    let secs = duration.as_secs_f64();
    (secs > 0.0).then(|| size_bytes as f64 * 8.0 / 1000.0 / secs)
}

const AMF_NUMBER: u8 = 0;
const AMF_BOOLEAN: u8 = 1;
const AMF_STRING: u8 = 2;
const AMF_ECMA_ARRAY: u8 = 8;
const AMF_END: [u8; 3] = [0, 0, 9];

/// The fields of an ECMA array.
#[derive(Default)]
struct Fields {
    count: u32,
    bytes: Vec<u8>,
}

impl Fields {
    fn number(&mut self, name: &str, value: Option<f64>) {
        let Some(value) = value else { return };
        self.name(name);
        self.bytes.push(AMF_NUMBER);
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    fn boolean(&mut self, name: &str, value: Option<bool>) {
        let Some(value) = value else { return };
        self.name(name);
        self.bytes
            .extend_from_slice(&[AMF_BOOLEAN, u8::from(value)]);
    }

    fn name(&mut self, name: &str) {
        self.count += 1;
        push_text(&mut self.bytes, name);
    }

    fn into_amf(self, title: &str) -> Vec<u8> {
        let mut amf = vec![AMF_STRING];
        push_text(&mut amf, title);
        amf.push(AMF_ECMA_ARRAY);
        amf.extend_from_slice(&self.count.to_be_bytes());
        amf.extend_from_slice(&self.bytes);
        amf.extend_from_slice(&AMF_END);
        amf
    }
}

/// Appends a text. Names are our own and short: their length fits into two bytes.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u16).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_pictures_have_the_composition_time_in_24_bits() {
        for (is_key, composition_ms, expected) in [
            (true, 0, [0x17, 1, 0, 0, 0]),
            (false, 83, [0x27, 1, 0, 0, 83]),
            (false, 0x12_3456, [0x27, 1, 0x12, 0x34, 0x56]),
            (true, u32::MAX, [0x17, 1, 0x7f, 0xff, 0xff]),
        ] {
            let head = avc_head(is_key, PACKET_SAMPLES, composition_ms);
            assert_eq!(head, expected, "{composition_ms}");
        }
    }

    #[test]
    fn heads_of_mp3_tell_rate_and_channels() {
        for (sample_rate, channels, expected) in [
            (8_000, 1, 0xe2),
            (11_025, 1, 0x26),
            (16_000, 2, 0x2b),
            (22_050, 1, 0x2a),
            (32_000, 2, 0x2f),
            (44_100, 2, 0x2f),
            (48_000, 1, 0x2e),
        ] {
            assert_eq!(mp3_head(sample_rate, channels), [expected], "{sample_rate}");
        }
    }

    #[test]
    fn sequence_headers_are_bytes_of_our_own() {
        let video = avc_sequence_header(b"conf");
        assert_eq!(
            (video.kind, video.body.size_bytes()),
            (MessageKind::Video, 9)
        );
        let audio = aac_sequence_header(&[0x12, 0x10]);
        let expected = Bytes::from_static(&[0xaf, 0, 0x12, 0x10]);
        assert_eq!(audio.body.as_slice(), [crate::Part::Bytes(expected)]);
    }

    #[test]
    fn metadata_is_an_ecma_array() {
        let metadata = Metadata {
            duration: Duration::from_millis(1_500),
            object_size_bytes: 2,
            picture: None,
            audio: Some(Audio {
                codec_number: AUDIO_MP3,
                is_stereo: Some(true),
                ..Audio::default()
            }),
        };
        let mut expected = b"\x02\0\x0aonMetaData\x08\0\0\0\x04".to_vec();
        expected.extend(b"\0\x08duration\0\x3f\xf8\0\0\0\0\0\0");
        expected.extend(b"\0\x06stereo\x01\x01");
        expected.extend(b"\0\x0caudiocodecid\0\x40\0\0\0\0\0\0\0");
        expected.extend(b"\0\x08filesize\0\x40\0\0\0\0\0\0\0\0\0\x09");
        assert_eq!(metadata.to_amf(), expected);
    }

    #[test]
    fn nothing_that_does_not_last_has_a_rate() {
        assert_eq!(kbits_per_sec(10, Duration::ZERO), None);
        assert_eq!(kbits_per_sec(1_000, Duration::from_secs(2)), Some(4.0));
    }
}
