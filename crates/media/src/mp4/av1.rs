//! The sequence header of AV1 up to its colours, AV1 Bitstream & Decoding Process Specification 5.5.

use super::bits::Bits;
use super::colour::Colour;

/// Returns the colours of the sequence header in an `av1C`.
pub(super) fn colour(config: &[u8]) -> Option<Colour> {
    let mut bits = Bits::new(sequence_header(config.get(4..)?)?);
    let profile = bits.take(3)?;
    bits.skip(1);
    let is_reduced = bits.flag()?;
    match is_reduced {
        true => bits.skip(5),
        false => skip_operating_points(&mut bits)?,
    }
    skip_size(&mut bits, is_reduced)?;
    skip_tools(&mut bits, is_reduced)?;
    let is_deep = bits.flag()?;
    if profile == 2 && is_deep {
        bits.skip(1);
    }
    if profile != 1 {
        bits.skip(1);
    }
    match bits.flag()? {
        true => Colour::read(|| bits.take(8)),
        false => None,
    }
}

/// Returns the first unit, if it is a sequence header: an `av1C` may have no other before it.
fn sequence_header(units: &[u8]) -> Option<&[u8]> {
    const SEQUENCE_HEADER: u8 = 1;
    let (header, mut rest) = units.split_first()?;
    if header >> 3 & 0xf != SEQUENCE_HEADER {
        return None;
    }
    if header & 4 != 0 {
        rest = rest.get(1..)?;
    }
    if header & 2 == 0 {
        return Some(rest);
    }
    // LEB128: seven bits per byte, the lowest first.
    let mut size_bytes = 0_usize;
    for place in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        size_bytes |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return rest.get(..size_bytes);
        }
    }
    None
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(32 + 32);
        if bits.flag()? {
            // `uvlc()` is Exp-Golomb code.
            bits.exp_golomb()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? as usize + 1);
            bits.skip(32 + 5 + 5);
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12);
        if bits.take(5)? > 7 {
            bits.skip(1);
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1);
        }
        if has_display_delay && bits.flag()? {
            bits.skip(4);
        }
    }
    Some(())
}

fn skip_size(bits: &mut Bits<'_>, is_reduced: bool) -> Option<()> {
    let width_bits = bits.take(4)? as usize + 1;
    let height_bits = bits.take(4)? as usize + 1;
    bits.skip(width_bits + height_bits);
    if !is_reduced && bits.flag()? {
        bits.skip(4 + 3);
    }
    Some(())
}

fn skip_tools(bits: &mut Bits<'_>, is_reduced: bool) -> Option<()> {
    bits.skip(3);
    if !is_reduced {
        bits.skip(4);
        let has_order_hint = bits.flag()?;
        if has_order_hint {
            bits.skip(2);
        }
        // Screen content tools are chosen per frame, or forced on or off; the next flag follows only if they can be on.
        let has_screen_content = bits.flag()? || bits.flag()?;
        if has_screen_content && !bits.flag()? {
            bits.skip(1);
        }
        if has_order_hint {
            bits.skip(3);
        }
    }
    bits.skip(3);
    Some(())
}
