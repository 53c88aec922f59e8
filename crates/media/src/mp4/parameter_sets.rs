//! Sequence parameter sets of H.264 (ITU-T H.264 7.3.2.1) and H.265 (ITU-T H.265 7.3.2.2), up to the colours in their
//! VUI.
//!
//! Reading ends whatever a set contains: each loop has a limit of its own, and nothing is stored.

use super::bits::Bits;
use super::boxes::Fields;
use super::colour::Colour;

/// The NAL unit type of a sequence parameter set of H.265.
const HEVC_SEQUENCE: u8 = 33;

/// Profiles of H.264 whose sets have chroma format and bit depth.
const AVC_HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// The chroma format whose planes may be coded separately.
const CHROMA_444: u32 = 3;

/// Limits of H.265: reference picture sets, and pictures in one; ITU-T H.265 7.4.3.2.1 and 7.4.8.
const REFERENCE_SETS_MAX: u32 = 64;
const REFERENCES_MAX: u32 = 16;

/// Returns the colours of the first sequence parameter set of an `avcC`.
pub(super) fn avc_colour(config: &[u8]) -> Option<Colour> {
    let mut fields = Fields::new(config.get(5..)?);
    if fields.u8()? & 0x1f == 0 {
        return None;
    }
    let size_bytes = fields.u16()?;
    let set = unescaped(fields.bytes(size_bytes.into())?.get(1..)?);
    let mut bits = Bits::new(&set);
    skip_avc_sequence(&mut bits)?;
    vui_colour(&mut bits)
}

/// Returns the colours of the first sequence parameter set of an `hvcC`.
pub(super) fn hevc_colour(config: &[u8]) -> Option<Colour> {
    let mut fields = Fields::new(config.get(22..)?);
    for _ in 0..fields.u8()? {
        let kind = fields.u8()? & 0x3f;
        for _ in 0..fields.u16()? {
            let size_bytes = fields.u16()?;
            let unit = fields.bytes(size_bytes.into())?;
            if kind == HEVC_SEQUENCE {
                let set = unescaped(unit.get(2..)?);
                let mut bits = Bits::new(&set);
                skip_hevc_sequence(&mut bits)?;
                return vui_colour(&mut bits);
            }
        }
    }
    None
}

/// Removes the emulation prevention bytes of a unit, ITU-T H.264 7.3.1.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}

/// Reads colours from `vui_parameters_present_flag` on, where both standards have the same syntax.
fn vui_colour(bits: &mut Bits<'_>) -> Option<Colour> {
    const EXTENDED_ASPECT_RATIO: u32 = 255;
    if !bits.flag()? {
        return None;
    }
    if bits.flag()? && bits.take(8)? == EXTENDED_ASPECT_RATIO {
        bits.skip(16 + 16);
    }
    // `overscan_info_present_flag` and `overscan_appropriate_flag`.
    if bits.flag()? {
        bits.skip(1);
    }
    if !bits.flag()? {
        return None;
    }
    // Video format and full-range flag.
    bits.skip(3 + 1);
    match bits.flag()? {
        true => Colour::read(|| bits.take(8)),
        false => None,
    }
}

fn skip_avc_sequence(bits: &mut Bits<'_>) -> Option<()> {
    let profile = bits.take(8)?;
    bits.skip(8 + 8);
    bits.exp_golomb()?;
    if AVC_HIGH_PROFILES.contains(&profile) {
        skip_avc_chroma(bits)?;
    }
    bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => bits.skip_exp_golomb(1)?,
        1 => {
            bits.skip(1);
            bits.skip_exp_golomb(2)?;
            let cycle = bits.exp_golomb().filter(|cycle| *cycle <= 255)?;
            bits.skip_exp_golomb(cycle)?;
        }
        _ => {}
    }
    bits.exp_golomb()?;
    bits.skip(1);
    bits.skip_exp_golomb(2)?;
    let has_frames_only = bits.flag()?;
    if !has_frames_only {
        bits.skip(1);
    }
    bits.skip(1);
    if bits.flag()? {
        bits.skip_exp_golomb(4)?;
    }
    Some(())
}

fn skip_avc_chroma(bits: &mut Bits<'_>) -> Option<()> {
    let format = bits.exp_golomb()?;
    if format == CHROMA_444 {
        bits.skip(1);
    }
    bits.skip_exp_golomb(2)?;
    bits.skip(1);
    if bits.flag()? {
        let lists = if format == CHROMA_444 { 12 } else { 8 };
        for place in 0..lists {
            if bits.flag()? {
                skip_avc_scaling_list(bits, if place < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(())
}

/// Skips a scaling list, which ends where the next scale would be 0.
fn skip_avc_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let mut scale = 8_i64;
    for _ in 0..size {
        let code = i64::from(bits.exp_golomb()?);
        let change = if code % 2 == 1 {
            code / 2 + 1
        } else {
            -code / 2
        };
        scale = (scale + change).rem_euclid(256);
        if scale == 0 {
            break;
        }
    }
    Some(())
}

fn skip_hevc_sequence(bits: &mut Bits<'_>) -> Option<()> {
    bits.skip(4);
    let sub_layers = bits.take(3)?;
    bits.skip(1);
    skip_hevc_profile(bits, sub_layers)?;
    bits.exp_golomb()?;
    if bits.exp_golomb()? == CHROMA_444 {
        bits.skip(1);
    }
    bits.skip_exp_golomb(2)?;
    if bits.flag()? {
        bits.skip_exp_golomb(4)?;
    }
    bits.skip_exp_golomb(2)?;
    let order_count_bits = bits.exp_golomb().filter(|extra| *extra <= 12)? as usize + 4;
    let ordered_layers = if bits.flag()? { sub_layers + 1 } else { 1 };
    bits.skip_exp_golomb(3 * ordered_layers + 6)?;
    if bits.flag()? && bits.flag()? {
        skip_hevc_scaling_lists(bits)?;
    }
    bits.skip(2);
    if bits.flag()? {
        bits.skip(4 + 4);
        bits.skip_exp_golomb(2)?;
        bits.skip(1);
    }
    skip_hevc_reference_sets(bits)?;
    if bits.flag()? {
        let count = bits.exp_golomb().filter(|count| *count <= 32)?;
        bits.skip(count as usize * (order_count_bits + 1));
    }
    bits.skip(2);
    Some(())
}

/// Skips `profile_tier_level`, ITU-T H.265 7.3.3.
fn skip_hevc_profile(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    const PROFILE_BITS: usize = 88;
    const LEVEL_BITS: usize = 8;
    bits.skip(PROFILE_BITS + LEVEL_BITS);
    let mut size = 0;
    for _ in 0..sub_layers {
        size += if bits.flag()? { PROFILE_BITS } else { 0 };
        size += if bits.flag()? { LEVEL_BITS } else { 0 };
    }
    if sub_layers > 0 {
        bits.skip((8 - sub_layers as usize) * 2);
    }
    bits.skip(size);
    Some(())
}

/// Skips `scaling_list_data`, ITU-T H.265 7.3.4.
fn skip_hevc_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4_u32 {
        let lists = if size == 3 { 2 } else { 6 };
        for _ in 0..lists {
            let coefficients = match bits.flag()? {
                // The list is copied from another one.
                false => 1,
                true => (16 << (2 * size)).min(64) + u32::from(size > 1),
            };
            bits.skip_exp_golomb(coefficients)?;
        }
    }
    Some(())
}

/// Skips all `st_ref_pic_set`, ITU-T H.265 7.3.7: each may be coded as the difference to the previous one.
fn skip_hevc_reference_sets(bits: &mut Bits<'_>) -> Option<()> {
    let count = bits
        .exp_golomb()
        .filter(|count| *count <= REFERENCE_SETS_MAX)?;
    let mut references = 0;
    for number in 0..count {
        let is_told_by_another = number > 0 && bits.flag()?;
        references = match is_told_by_another {
            true => skip_changes(bits, references)?,
            false => skip_references(bits)?,
        };
        if references > REFERENCES_MAX {
            return None;
        }
    }
    Some(())
}

/// Skips such a difference; returns the number of pictures in this set, out of those in the previous one and its own.
fn skip_changes(bits: &mut Bits<'_>, references: u32) -> Option<u32> {
    bits.skip(1);
    bits.exp_golomb()?;
    let mut kept = 0;
    for _ in 0..=references {
        let is_used = bits.flag()?;
        if is_used || bits.flag()? {
            kept += 1;
        }
    }
    Some(kept)
}

fn skip_references(bits: &mut Bits<'_>) -> Option<u32> {
    let mut count = || bits.exp_golomb().filter(|count| *count <= REFERENCES_MAX);
    let references = count()? + count()?;
    for _ in 0..references {
        bits.exp_golomb()?;
        bits.skip(1);
    }
    Some(references)
}
