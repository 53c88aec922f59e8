//! Sample entries, ISO 14496-12 8.5.2: how a track is coded, and what its decoder is told first.

use bytes::{BufMut, Bytes, BytesMut};

use super::boxes::{self, BoxKind, Boxes, Fields};
use super::{Codec, TrackKind};
use crate::Refusal;

/// A sample entry, read.
#[derive(Debug)]
pub(super) struct SampleEntry {
    pub(super) codec: Codec,
    pub(super) bytes: Bytes,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: u16,
    pub(super) sample_rate: u32,
}

/// Longest sample entry: parameter sets and colour profiles take some kilobytes.
const SIZE_BYTES_MAX: usize = 256 << 10;

/// Sizes of the fields before the boxes of an entry, without its header.
const VIDEO_FIELDS_SIZE_BYTES: usize = 78;
const AUDIO_FIELDS_SIZE_BYTES: usize = 28;
const TX3G_FIELDS_SIZE_BYTES: usize = 38;
const TEXT_FIELDS_SIZE_BYTES: usize = 8;

/// What QuickTime adds to the fields of sound in its versions 1 and 2.
const QUICKTIME_FIELDS_SIZE_BYTES: [usize; 2] = [16, 36];

impl SampleEntry {
    /// Reads the one entry of an `stsd`.
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
        // The entry goes from the start of `whole` to the end of its payload.
        let size_bytes = whole.len() - entries.rest().len();
        refuse_encrypted(name)?;
        if count > 1 {
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
            channels: 0,
            sample_rate: 0,
        };
        match entry.codec {
            Codec::Other => {}
            Codec::Avc | Codec::Hevc | Codec::Vp9 | Codec::Av1 => entry.read_video(payload)?,
            Codec::Aac | Codec::Mp3 | Codec::Ac3 | Codec::Eac3 | Codec::Opus | Codec::Flac => {
                entry.read_audio(name, payload)?;
            }
            Codec::Tx3g | Codec::WebVtt => {}
        }
        entry.require_config()?;
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
            // QuickTime wraps it.
            None => match boxes::find(inner, b"wave")? {
                Some(wave) => boxes::find(wave, b"esds")?,
                None => None,
            },
        };
        if &name == b"mp4a" {
            let payload = elementary.ok_or(Refusal::Corrupt("no decoder configuration"))?;
            self.codec = elementary_codec(payload);
            if version != 0 {
                self.bytes = self.in_iso_form(payload);
            }
        }
        self.read_sound_config();
        Ok(())
    }

    /// The entry of a QuickTime file as ISO 14496-14 has it: players of fMP4 know no other form.
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

    /// Channels and rate as the decoder's configuration has them, since the fields of the entry often are placeholders.
    fn read_sound_config(&mut self) {
        let sound = match self.codec {
            Codec::Aac => self
                .config(b"esds")
                .and_then(audio_specific_config)
                .and_then(aac_sound),
            Codec::Ac3 => self.config(b"dac3").and_then(ac3_sound),
            Codec::Eac3 => self.config(b"dec3").and_then(eac3_sound),
            Codec::Opus => self
                .config(b"dOps")
                .and_then(|config| Some((u16::from(*config.get(1)?), 48_000))),
            Codec::Flac => self.config(b"dfLa").and_then(flac_sound),
            Codec::Mp3
            | Codec::Avc
            | Codec::Hevc
            | Codec::Vp9
            | Codec::Av1
            | Codec::Tx3g
            | Codec::WebVtt
            | Codec::Other => None,
        };
        if let Some((channels, sample_rate)) = sound {
            self.channels = channels;
            self.sample_rate = sample_rate;
        }
    }

    fn config(&self, kind: &BoxKind) -> Option<&[u8]> {
        config(self.codec, &self.bytes, kind)
    }

    /// Refuses a track whose decoder would be told nothing.
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
            Codec::Aac => config.and_then(audio_specific_config).is_some(),
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

/// Payload of a box within a sample entry.
pub(super) fn config<'a>(codec: Codec, entry: &'a [u8], kind: &BoxKind) -> Option<&'a [u8]> {
    let fields_size_bytes = match codec {
        Codec::Avc | Codec::Hevc | Codec::Vp9 | Codec::Av1 => VIDEO_FIELDS_SIZE_BYTES,
        Codec::Aac | Codec::Mp3 | Codec::Ac3 | Codec::Eac3 | Codec::Opus | Codec::Flac => {
            AUDIO_FIELDS_SIZE_BYTES
        }
        Codec::Tx3g => TX3G_FIELDS_SIZE_BYTES,
        Codec::WebVtt => TEXT_FIELDS_SIZE_BYTES,
        Codec::Other => return None,
    };
    boxes::find(entry.get(8 + fields_size_bytes..)?, kind).ok()?
}

fn codec(kind: TrackKind, name: BoxKind) -> Codec {
    match (kind, &name) {
        (TrackKind::Video, b"avc1" | b"avc3") => Codec::Avc,
        (TrackKind::Video, b"hvc1" | b"hev1") => Codec::Hevc,
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

fn refuse_encrypted(name: BoxKind) -> Result<(), Refusal> {
    match &name {
        b"encv" | b"enca" | b"enct" | b"encs" | b"drms" | b"drmi" => Err(Refusal::Encrypted),
        _ => Ok(()),
    }
}

/// Refuses an entry that says how it is protected, whatever it is called.
fn refuse_protected(inner: &[u8]) -> Result<(), Refusal> {
    match boxes::find(inner, b"sinf")? {
        Some(_) => Err(Refusal::Encrypted),
        None => Ok(()),
    }
}

/// What an `esds` says of its stream, ISO 14496-1 7.2.6.
struct Elementary<'a> {
    object_type: u8,
    specific: Option<&'a [u8]>,
}

fn elementary(payload: &[u8]) -> Option<Elementary<'_>> {
    let mut fields = Fields::new(payload);
    let _ = fields.version_and_flags()?;
    let mut stream = Fields::new(descriptor(&mut fields, 3)?);
    stream.skip(2)?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let size_bytes = stream.u8()?;
        stream.skip(size_bytes.into())?;
    }
    if flags & 0x20 != 0 {
        stream.skip(2)?;
    }
    let mut config = Fields::new(descriptor(&mut stream, 4)?);
    let object_type = config.u8()?;
    config.skip(12)?;
    Some(Elementary {
        object_type,
        specific: descriptor(&mut config, 5),
    })
}

/// The payload of the next descriptor, which must have this tag. One that claims more than there is ends with what it is
/// in.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Option<&'a [u8]> {
    if fields.u8()? != tag {
        return None;
    }
    let mut size_bytes = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        size_bytes = size_bytes << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    fields.bytes(size_bytes.min(fields.rest().len()))
}

fn elementary_codec(payload: &[u8]) -> Codec {
    match elementary(payload).map(|elementary| elementary.object_type) {
        Some(0x40 | 0x67) => Codec::Aac,
        Some(0x69 | 0x6b) => Codec::Mp3,
        Some(_) | None => Codec::Other,
    }
}

/// The object type of an `esds`, as codec strings have it.
pub(super) fn object_type(payload: &[u8]) -> Option<u8> {
    elementary(payload).map(|elementary| elementary.object_type)
}

/// The AudioSpecificConfig of an `esds`, ISO 14496-3 1.6.2.1.
pub(super) fn audio_specific_config(payload: &[u8]) -> Option<&[u8]> {
    elementary(payload)?
        .specific
        .filter(|specific| specific.len() >= 2)
}

/// Bits of a configuration, from the first on.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    fn audio_object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            short => Some(short),
        }
    }

    fn sample_rate(&mut self) -> Option<u32> {
        const RATES: [u32; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
            8_000, 7_350,
        ];
        match self.take(4)? {
            15 => self.take(24),
            index => RATES.get(index as usize).copied(),
        }
    }
}

/// The audio object type of an AudioSpecificConfig: 2 is AAC-LC.
pub(super) fn audio_object_type(config: &[u8]) -> Option<u32> {
    let mut bits = Bits {
        bytes: config,
        position: 0,
    };
    bits.audio_object_type()
}

/// Channels and rate; of SBR the rate that comes out of it.
fn aac_sound(config: &[u8]) -> Option<(u16, u32)> {
    const CHANNELS: [u16; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];
    const SBR: u32 = 5;
    const PARAMETRIC_STEREO: u32 = 29;
    let mut bits = Bits {
        bytes: config,
        position: 0,
    };
    let object_type = bits.audio_object_type()?;
    let mut rate = bits.sample_rate()?;
    let channels = *CHANNELS.get(bits.take(4)? as usize)?;
    if object_type == SBR || object_type == PARAMETRIC_STEREO {
        rate = bits.sample_rate()?;
    }
    // With 0 a program configuration says it; the fields of the entry stand then.
    (channels > 0 && rate > 0).then_some(match object_type {
        PARAMETRIC_STEREO => (2, rate),
        _ => (channels, rate),
    })
}

/// Channels of `acmod` and `lfeon`, and the rate of `fscod`: ETSI TS 102 366 F.4 and F.6.
fn dolby_sound(rate: u32, mode: u32, low_frequency: u32) -> Option<(u16, u32)> {
    const RATES: [u32; 3] = [48_000, 44_100, 32_000];
    const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
    let channels = CHANNELS.get(mode as usize)? + low_frequency as u16;
    Some((channels, *RATES.get(rate as usize)?))
}

fn ac3_sound(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: 0,
    };
    let rate = bits.take(2)?;
    bits.take(5 + 3)?;
    dolby_sound(rate, bits.take(3)?, bits.take(1)?)
}

fn eac3_sound(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: 16,
    };
    let rate = bits.take(2)?;
    bits.take(5 + 1 + 1 + 3)?;
    dolby_sound(rate, bits.take(3)?, bits.take(1)?)
}

/// Of STREAMINFO, RFC 9639 8.2, behind version, flags and the head of the block.
fn flac_sound(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: (4 + 4 + 10) * 8,
    };
    let rate = bits.take(20)?;
    let channels = bits.take(3)? as u16 + 1;
    (rate > 0).then_some((channels, rate))
}
