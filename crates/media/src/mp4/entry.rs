//! Sample entries, ISO 14496-12 8.5.2: the codec of a track, and its decoder configuration.

use bytes::{BufMut, Bytes, BytesMut};

use super::boxes::{self, BoxKind, Boxes, Fields};
use super::entry_boxes::{self, AUDIO_FIELDS_SIZE_BYTES, VIDEO_FIELDS_SIZE_BYTES};
use super::entry_colour::entry_colour;
use super::{Codec, Colour, TrackKind, audio};
use crate::Refusal;

/// A parsed sample entry.
#[derive(Debug)]
pub(super) struct SampleEntry {
    pub(super) codec: Codec,
    pub(super) bytes: Bytes,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colour: Option<Colour>,
    pub(super) channels: u16,
    pub(super) sample_rate: u32,
    /// True if timed text is flagged as forced, which is shown to all viewers.
    pub(super) is_forced: bool,
}

/// Size limit of a sample entry: parameter sets and colour profiles take some kilobytes.
const SIZE_BYTES_MAX: usize = 256 << 10;

/// Sizes of the fields that QuickTime adds to audio entries of versions 1 and 2.
const QUICKTIME_FIELDS_SIZE_BYTES: [usize; 2] = [16, 36];

impl SampleEntry {
    /// Reads the one entry of an `stsd`, or the first of several that are the same.
    pub(super) fn read(kind: TrackKind, descriptions: &[u8]) -> Result<SampleEntry, Refusal> {
        let mut fields = Fields::new(descriptions);
        let head = (fields.version_and_flags(), fields.u32());
        let (Some(_), Some(count)) = head else {
            return Err(Refusal::Corrupt("stsd is too short"));
        };
        let whole = fields.rest();
        let mut entries = Boxes::new(whole);
        let Some(entry) = entries.next() else {
            return Err(Refusal::Corrupt("stsd without a sample entry"));
        };
        let (name, payload) = entry?;
        // The entry extends from the start of `whole` to the end of its payload.
        let size_bytes = whole.len() - entries.rest().len();
        refuse_encrypted(name)?;
        if !are_same(&whole[..size_bytes], entries.rest(), count) {
            return Err(Refusal::Unsupported("several sample descriptions"));
        }
        if size_bytes > SIZE_BYTES_MAX {
            return Err(Refusal::TooLarge("sample entry"));
        }
        let mut entry = SampleEntry {
            codec: codec(kind, name),
            bytes: Bytes::copy_from_slice(&whole[..size_bytes]),
            width: 0,
            height: 0,
            colour: None,
            channels: 0,
            sample_rate: 0,
            is_forced: false,
        };
        match entry.codec {
            Codec::Other => {}
            Codec::Avc | Codec::Hevc | Codec::Vp9 | Codec::Av1 => entry.read_video(payload)?,
            Codec::Aac | Codec::Mp3 | Codec::Ac3 | Codec::Eac3 | Codec::Opus | Codec::Flac => {
                entry.read_audio(name, payload)?;
            }
            Codec::Tx3g => entry.is_forced = is_forced(payload),
            Codec::WebVtt => {}
        }
        entry.require_config()?;
        entry.colour = entry_colour(entry.codec, &entry.bytes);
        Ok(entry)
    }

    fn read_video(&mut self, payload: &[u8]) -> Result<(), Refusal> {
        let mut fields = Fields::new(payload);
        let short = Refusal::Corrupt("a sample entry is too short");
        fields.skip(24).ok_or(short)?;
        self.width = fields.u16().ok_or(short)?.into();
        self.height = fields.u16().ok_or(short)?.into();
        refuse_protected(payload.get(VIDEO_FIELDS_SIZE_BYTES..).ok_or(short)?)
    }

    fn read_audio(&mut self, name: BoxKind, payload: &[u8]) -> Result<(), Refusal> {
        let mut fields = Fields::new(payload);
        let short = Refusal::Corrupt("a sample entry is too short");
        fields.skip(8).ok_or(short)?;
        let version = fields.u16().ok_or(short)?;
        fields.skip(6).ok_or(short)?;
        self.channels = fields.u16().ok_or(short)?;
        fields.skip(6).ok_or(short)?;
        self.sample_rate = fields.u32().ok_or(short)? >> 16;
        let inner = match version {
            0 => fields.rest(),
            version => {
                let added = QUICKTIME_FIELDS_SIZE_BYTES
                    .get(usize::from(version) - 1)
                    .ok_or(Refusal::Unsupported("version of a sample entry"))?;
                fields.rest().get(*added..).ok_or(short)?
            }
        };
        refuse_protected(inner)?;
        let elementary = match boxes::find(inner, b"esds")? {
            Some(payload) => Some(payload),
            // QuickTime wraps it in a `wave` box.
            None => match boxes::find(inner, b"wave")? {
                Some(wave) => boxes::find(wave, b"esds")?,
                None => None,
            },
        };
        if &name == b"mp4a" {
            let payload = elementary.ok_or(Refusal::Corrupt("no decoder configuration"))?;
            self.codec = audio::codec(payload);
            if version != 0 {
                self.bytes = self.in_iso_form(payload);
            }
        }
        self.read_audio_config();
        Ok(())
    }

    /// Returns the entry of a QuickTime file in the form of ISO 14496-14, the only one that players of fMP4 support.
    fn in_iso_form(&self, elementary: &[u8]) -> Bytes {
        let size_bytes = 8 + AUDIO_FIELDS_SIZE_BYTES + 8 + elementary.len();
        let mut entry = BytesMut::with_capacity(size_bytes);
        entry.put_u32(size_bytes as u32);
        entry.put_slice(b"mp4a\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0");
        entry.put_u16(self.channels);
        entry.put_u16(16);
        entry.put_u32(0);
        entry.put_u32(self.sample_rate << 16);
        entry.put_u32(8 + elementary.len() as u32);
        entry.put_slice(b"esds");
        entry.put_slice(elementary);
        entry.freeze()
    }

    /// Sets channels and rate from the decoder configuration, since the fields of the entry are often placeholders.
    fn read_audio_config(&mut self) {
        let found = match self.codec {
            Codec::Aac => self
                .config(b"esds")
                .and_then(audio::audio_specific_config)
                .and_then(audio::Aac::read)
                .and_then(|config| config.audio(self.channels)),
            Codec::Ac3 => self.config(b"dac3").and_then(audio::ac3),
            Codec::Eac3 => self.config(b"dec3").and_then(audio::eac3),
            Codec::Opus => self
                .config(b"dOps")
                .and_then(|config| Some((u16::from(*config.get(1)?), 48_000))),
            Codec::Flac => self.config(b"dfLa").and_then(audio::flac),
            Codec::Mp3
            | Codec::Avc
            | Codec::Hevc
            | Codec::Vp9
            | Codec::Av1
            | Codec::Tx3g
            | Codec::WebVtt
            | Codec::Other => None,
        };
        if let Some((channels, sample_rate)) = found {
            self.channels = channels;
            self.sample_rate = sample_rate;
        }
    }

    fn config(&self, kind: &BoxKind) -> Option<&[u8]> {
        entry_boxes::config(self.codec, &self.bytes, kind)
    }

    /// Refuses a track that lacks its decoder configuration.
    fn require_config(&self) -> Result<(), Refusal> {
        let (kind, size_bytes_min) = match self.codec {
            Codec::Avc => (b"avcC", 7),
            Codec::Hevc => (b"hvcC", 23),
            Codec::Vp9 => (b"vpcC", 12),
            Codec::Av1 => (b"av1C", 4),
            Codec::Aac => (b"esds", 4),
            Codec::Ac3 => (b"dac3", 3),
            Codec::Eac3 => (b"dec3", 5),
            Codec::Opus => (b"dOps", 11),
            Codec::Flac => (b"dfLa", 42),
            Codec::Mp3 | Codec::Tx3g | Codec::WebVtt | Codec::Other => return Ok(()),
        };
        let config = self
            .config(kind)
            .filter(|config| config.len() >= size_bytes_min);
        let is_complete = match self.codec {
            Codec::Aac => config.and_then(audio::audio_specific_config).is_some(),
            Codec::Avc
            | Codec::Hevc
            | Codec::Vp9
            | Codec::Av1
            | Codec::Ac3
            | Codec::Eac3
            | Codec::Opus
            | Codec::Flac
            | Codec::Mp3
            | Codec::Tx3g
            | Codec::WebVtt
            | Codec::Other => config.is_some(),
        };
        match is_complete {
            true => Ok(()),
            false => Err(Refusal::Corrupt("no decoder configuration")),
        }
    }
}

/// Returns true if the entries after the first one repeat it, as programs that join videos write them; `count` includes
/// the first.
fn are_same(first: &[u8], rest: &[u8], count: u32) -> bool {
    let mut others = rest.chunks(first.len().max(1));
    (1..count).all(|_| others.next() == Some(first))
}

fn codec(kind: TrackKind, name: BoxKind) -> Codec {
    match (kind, &name) {
        (TrackKind::Video, b"avc1" | b"avc3") => Codec::Avc,
        (TrackKind::Video, b"hvc1" | b"hev1" | b"dvh1" | b"dvhe") => Codec::Hevc,
        (TrackKind::Video, b"vp09") => Codec::Vp9,
        (TrackKind::Video, b"av01") => Codec::Av1,
        (TrackKind::Audio, b"mp4a") => Codec::Aac,
        (TrackKind::Audio, b".mp3") => Codec::Mp3,
        (TrackKind::Audio, b"ac-3") => Codec::Ac3,
        (TrackKind::Audio, b"ec-3") => Codec::Eac3,
        (TrackKind::Audio, b"Opus") => Codec::Opus,
        (TrackKind::Audio, b"fLaC") => Codec::Flac,
        (TrackKind::Text, b"tx3g") => Codec::Tx3g,
        (TrackKind::Text, b"wvtt") => Codec::WebVtt,
        (TrackKind::Video | TrackKind::Audio | TrackKind::Text, _) => Codec::Other,
    }
}

/// Returns true if the display flags of a `tx3g` say that all its samples are forced subtitles (QuickTime File Format,
/// "Subtitle sample description").
fn is_forced(payload: &[u8]) -> bool {
    const ALL_SAMPLES_ARE_FORCED: u32 = 0x8000_0000;
    let mut fields = Fields::new(payload);
    let flags = fields.skip(8).and_then(|()| fields.u32());
    flags.is_some_and(|flags| flags & ALL_SAMPLES_ARE_FORCED != 0)
}

fn refuse_encrypted(name: BoxKind) -> Result<(), Refusal> {
    match &name {
        b"encv" | b"enca" | b"enct" | b"encs" | b"drms" | b"drmi" => Err(Refusal::Encrypted),
        _ => Ok(()),
    }
}

/// Refuses an entry with protection information, whatever its name is.
fn refuse_protected(inner: &[u8]) -> Result<(), Refusal> {
    match boxes::find(inner, b"sinf")? {
        Some(_) => Err(Refusal::Encrypted),
        None => Ok(()),
    }
}
