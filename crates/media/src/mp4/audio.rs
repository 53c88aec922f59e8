//! Reads audio decoder configurations: `esds`, `dac3`, `dec3` and `dfLa`, as far as playlists need them.

use super::Codec;
use super::bits::Bits;
use super::boxes::Fields;

/// The decoder configuration of an `esds`, ISO 14496-1 7.2.6.
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

/// Returns the payload of the next descriptor, which must have this tag. One that claims to be longer than what it is
/// in is cut at its end.
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

/// Returns the codec of an `esds`.
pub(super) fn codec(payload: &[u8]) -> Codec {
    match elementary(payload).map(|elementary| elementary.object_type) {
        Some(0x40 | 0x67) => Codec::Aac,
        Some(0x69 | 0x6b) => Codec::Mp3,
        Some(_) | None => Codec::Other,
    }
}

/// Returns the object type of an `esds`, as codec strings have it.
pub(super) fn object_type(payload: &[u8]) -> Option<u8> {
    elementary(payload).map(|elementary| elementary.object_type)
}

/// Returns the AudioSpecificConfig of an `esds` (ISO 14496-3 1.6.2.1).
pub(super) fn audio_specific_config(payload: &[u8]) -> Option<&[u8]> {
    elementary(payload)?
        .specific
        .filter(|specific| specific.len() >= 2)
}

/// The audio object type of SBR: HE-AAC, `mp4a.40.5`.
const SBR: u32 = 5;
/// The audio object types after which SBR may be signalled: Main, LC, SSR and LTP.
const EXTENDED: std::ops::RangeInclusive<u32> = 1..=4;
/// The audio object type of SBR with parametric stereo: HE-AAC version 2, `mp4a.40.29`.
const PARAMETRIC_STEREO: u32 = 29;

/// Returns the audio object type that a decoder of this AudioSpecificConfig needs, as codec strings have it: 2 is
/// AAC-LC.
pub(super) fn decoded_object_type(config: &[u8]) -> Option<u32> {
    match Aac::read(config) {
        Some(aac) => Some(aac.object_type),
        None => audio_object_type(&mut Bits::new(config)),
    }
}

/// The contents of an AudioSpecificConfig, ISO 14496-3 1.6.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aac {
    /// The audio object type that a decoder needs.
    object_type: u32,
    /// Number of output channels; `None` if a program config element defines them.
    channels: Option<u16>,
    /// Output sample rate.
    sample_rate: u32,
}

impl Aac {
    pub(super) fn read(config: &[u8]) -> Option<Aac> {
        const CHANNELS: [u16; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];
        let mut bits = Bits::new(config);
        let mut object_type = audio_object_type(&mut bits)?;
        let mut sample_rate = rate(&mut bits)?;
        let mut channels = *CHANNELS.get(bits.take(4)? as usize)?;
        if object_type == SBR || object_type == PARAMETRIC_STEREO {
            sample_rate = rate(&mut bits)?;
        } else if EXTENDED.contains(&object_type)
            && let Some(extension) = Extension::find(&bits)
        {
            sample_rate = extension.sample_rate;
            // Parametric stereo makes two channels of one, and has no meaning for more (ISO 14496-3 8.6.4).
            object_type = match extension.has_parametric_stereo && channels == 1 {
                true => PARAMETRIC_STEREO,
                false => SBR,
            };
        }
        if object_type == PARAMETRIC_STEREO {
            channels = 2;
        }
        Some(Aac {
            object_type,
            channels: Some(channels).filter(|channels| *channels > 0),
            sample_rate,
        })
    }

    /// Returns the number of channels and the sample rate; `entry_channels` are those of the sample entry.
    pub(super) fn audio(&self, entry_channels: u16) -> Option<(u16, u32)> {
        let channels = self.channels.unwrap_or(entry_channels);
        (self.sample_rate > 0).then_some((channels, self.sample_rate))
    }
}

/// SBR signalled after the configuration of AAC-LC, so that decoders without SBR play half the band.
struct Extension {
    sample_rate: u32,
    has_parametric_stereo: bool,
}

impl Extension {
    /// Searches for the extension after the channels: the configurations in between have many forms, and all readers
    /// search for its eleven sync bits.
    fn find(bits: &Bits<'_>) -> Option<Extension> {
        const SYNC: u32 = 0x2b7;
        const PARAMETRIC_STEREO_SYNC: u32 = 0x548;
        let mut bits = (0..EXTENSION_BITS_MAX).find_map(|distance| {
            let mut bits = bits.clone();
            bits.skip(distance);
            (bits.take(11)? == SYNC).then_some(bits)
        })?;
        if audio_object_type(&mut bits)? != SBR || !bits.flag()? {
            return None;
        }
        let sample_rate = rate(&mut bits).filter(|rate| *rate > 0)?;
        let has_parametric_stereo =
            bits.take(11) == Some(PARAMETRIC_STEREO_SYNC) && bits.flag() == Some(true);
        Some(Extension {
            sample_rate,
            has_parametric_stereo,
        })
    }
}

/// Distance after the channels within which the extension is searched for: a program config element with its comment is
/// no longer.
const EXTENSION_BITS_MAX: usize = 8 * 512;

fn audio_object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        short => Some(short),
    }
}

fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    match bits.take(4)? {
        15 => bits.take(24),
        index => RATES.get(index as usize).copied(),
    }
}

/// Returns the channels of `acmod` and `lfeon`, and the rate of `fscod`: ETSI TS 102 366 F.4 and F.6.
fn dolby_audio(rate: u32, mode: u32, low_frequency: u32) -> Option<(u16, u32)> {
    const RATES: [u32; 3] = [48_000, 44_100, 32_000];
    const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
    let channels = CHANNELS.get(mode as usize)? + low_frequency as u16;
    Some((channels, *RATES.get(rate as usize)?))
}

/// Returns the channels and the rate of a `dac3`.
pub(super) fn ac3(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits::new(config);
    let rate = bits.take(2)?;
    bits.skip(5 + 3);
    dolby_audio(rate, bits.take(3)?, bits.take(1)?)
}

/// Returns the channels and the rate of the first substream of a `dec3`.
pub(super) fn eac3(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits::new(config);
    bits.skip(16);
    let rate = bits.take(2)?;
    bits.skip(5 + 1 + 1 + 3);
    dolby_audio(rate, bits.take(3)?, bits.take(1)?)
}

/// Returns the channels and the rate of STREAMINFO (RFC 9639 8.2), which follows version, flags and the block's header.
pub(super) fn flac(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits::new(config);
    bits.skip((4 + 4 + 10) * 8);
    let rate = bits.take(20)?;
    let channels = bits.take(3)? as u16 + 1;
    (rate > 0).then_some((channels, rate))
}
