//! Codec strings: RFC 6381, and the additions of each codec's standard.

use std::fmt::Write;

use super::Track;
use crate::mp4::boxes::Fields;
use crate::mp4::dolby_vision::DolbyVision;
use crate::mp4::{Codec, audio};

/// NAL unit types of the parameter sets of H.265.
const HEVC_PARAMETER_SETS: [u8; 3] = [32, 33, 34];

pub(super) fn codec_string(track: &Track) -> String {
    let name = String::from_utf8_lossy(track.sample_entry.get(4..8).unwrap_or_default());
    let string = match track.codec {
        Codec::Avc => avc(&name, track),
        Codec::Hevc => hevc(track),
        Codec::Vp9 => vp9(track),
        Codec::Av1 => av1(track),
        Codec::Aac => aac(track),
        Codec::Mp3 => mp3(track),
        Codec::Opus => Some("opus".to_owned()),
        Codec::Ac3 | Codec::Eac3 | Codec::Flac | Codec::Tx3g | Codec::WebVtt | Codec::Other => None,
    };
    string.unwrap_or_else(|| name.into_owned())
}

/// Returns the codec string of H.264, ISO 14496-15 E.2.
fn avc(name: &str, track: &Track) -> Option<String> {
    let [_, profile, constraints, level, ..] = track.decoder_config(b"avcC")? else {
        return None;
    };
    Some(format!("{name}.{profile:02x}{constraints:02x}{level:02x}"))
}

/// Returns the codec string of H.265, ISO 14496-15 E.3.
fn hevc(track: &Track) -> Option<String> {
    let config = track.decoder_config(b"hvcC")?;
    let [_, general, rest @ ..] = config else {
        return None;
    };
    let (compatibility, rest) = rest.split_first_chunk()?;
    let (constraints, rest) = rest.split_first_chunk::<6>()?;
    let level = rest.first()?;
    let name = hevc_name(track, hevc_is_complete(config))?;
    if matches!(name, "dvh1" | "dvhe") {
        let dolby_vision = DolbyVision::of(track.codec, &track.sample_entry)?;
        return Some(dolby_vision.codec_string(name));
    }
    let space = ["", "A", "B", "C"][usize::from(general >> 6)];
    let profile = general & 0x1f;
    let compatibility = u32::from_be_bytes(*compatibility).reverse_bits();
    let tier = match general & 0x20 {
        0 => 'L',
        _ => 'H',
    };
    let mut string = format!("{name}.{space}{profile}.{compatibility:X}.{tier}{level}");
    let last = constraints.iter().rposition(|byte| *byte != 0);
    for byte in constraints.iter().take(last.map_or(0, |last| last + 1)) {
        let _ = write!(string, ".{byte:X}");
    }
    Some(string)
}

/// Returns the name under which the sample entry is sent: with all parameter sets in it, the one that Apple's players
/// accept.
fn hevc_name(track: &Track, is_complete: bool) -> Option<&str> {
    let name = std::str::from_utf8(track.sample_entry.get(4..8)?).ok()?;
    Some(match (name, is_complete) {
        ("hev1", true) => "hvc1",
        ("dvhe", true) => "dvh1",
        (name, _) => name,
    })
}

/// Returns true if an `hvcC` has all parameter sets, so that none needs to be in the samples: ISO 14496-15 8.3.3.1.
fn hevc_is_complete(config: &[u8]) -> bool {
    let mut found = [false; HEVC_PARAMETER_SETS.len()];
    let mut fields = Fields::new(config);
    let mut read = || {
        fields.skip(22)?;
        for _ in 0..fields.u8()? {
            let kind = fields.u8()? & 0x3f;
            for _ in 0..fields.u16()? {
                let size_bytes = fields.u16()?;
                fields.skip(size_bytes.into())?;
                for (known, found) in HEVC_PARAMETER_SETS.iter().zip(&mut found) {
                    *found |= *known == kind;
                }
            }
        }
        Some(())
    };
    read().is_some() && found.iter().all(|found| *found)
}

/// Returns the codecs parameter of VP Codec ISO Media File Format Binding, version 1.0.
fn vp9(track: &Track) -> Option<String> {
    let config = track.decoder_config(b"vpcC")?.get(4..)?;
    let [profile, level, depth, primaries, transfer, coefficients, ..] = config else {
        return None;
    };
    let (bits, subsampling, range) = (depth >> 4, depth >> 1 & 7, depth & 1);
    Some(format!(
        "vp09.{profile:02}.{level:02}.{bits:02}.{subsampling:02}.{primaries:02}.{transfer:02}.{coefficients:02}.{range:02}"
    ))
}

/// Returns the codecs parameter of AV1 Codec ISO Media File Format Binding, section 5.
fn av1(track: &Track) -> Option<String> {
    let [_, profile_and_level, flags, ..] = track.decoder_config(b"av1C")? else {
        return None;
    };
    let (profile, level) = (profile_and_level >> 5, profile_and_level & 0x1f);
    let tier = match flags & 0x80 {
        0 => 'M',
        _ => 'H',
    };
    let bits = match flags & 0x60 {
        0 => 8,
        0x60 => 12,
        _ => 10,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{bits:02}"))
}

fn aac(track: &Track) -> Option<String> {
    let payload = track.decoder_config(b"esds")?;
    match audio::object_type(payload)? {
        0x40 => {
            let config = audio::audio_specific_config(payload)?;
            Some(format!("mp4a.40.{}", audio::decoded_object_type(config)?))
        }
        other => Some(format!("mp4a.{other:02x}")),
    }
}

fn mp3(track: &Track) -> Option<String> {
    let object_type = track.decoder_config(b"esds").and_then(audio::object_type);
    Some(format!("mp4a.{:02x}", object_type.unwrap_or(0x6b)))
}
