//! What decoders of sound are told first: `esds`, `dac3`, `dec3` and `dfLa`, as far as lists need it.

use super::Codec;
use super::boxes::Fields;

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

/// The codec that an `esds` says.
pub(super) fn codec(payload: &[u8]) -> Codec {
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
pub(super) fn aac(config: &[u8]) -> Option<(u16, u32)> {
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

/// Of a `dac3`.
pub(super) fn ac3(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: 0,
    };
    let rate = bits.take(2)?;
    bits.take(5 + 3)?;
    dolby_sound(rate, bits.take(3)?, bits.take(1)?)
}

/// Of the first stream of a `dec3`.
pub(super) fn eac3(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: 16,
    };
    let rate = bits.take(2)?;
    bits.take(5 + 1 + 1 + 3)?;
    dolby_sound(rate, bits.take(3)?, bits.take(1)?)
}

/// Of STREAMINFO, RFC 9639 8.2, behind version, flags and the head of the block.
pub(super) fn flac(config: &[u8]) -> Option<(u16, u32)> {
    let mut bits = Bits {
        bytes: config,
        position: (4 + 4 + 10) * 8,
    };
    let rate = bits.take(20)?;
    let channels = bits.take(3)? as u16 + 1;
    (rate > 0).then_some((channels, rate))
}
