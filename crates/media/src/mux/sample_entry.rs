//! The sample entry of an init segment: the object's own, changed so that players of HLS accept it.

use std::ops::Range;

use crate::mp4::Track;

/// Offset of the boxes within a video sample entry, ISO 14496-12 12.1.3.
const VISUAL_HEADER_SIZE_BYTES: usize = 86;
/// Offset of the arrays of parameter sets in `hvcC`, ISO 14496-15 8.3.3.1.
const HEVC_ARRAYS_AT: usize = 22;
/// Parameter sets that decoding needs to begin: VPS, SPS and PPS.
const HEVC_PARAMETER_SETS: [u8; 3] = [32, 33, 34];

/// Returns the sample entry of a track, as a box.
///
/// It is the object's, save that it refers to the one data reference, and that `hev1` is renamed to `hvc1` (and `dvhe`
/// to `dvh1`) if it has all parameter sets: Apple's players accept no other.
pub fn sample_entry(track: &Track) -> Vec<u8> {
    let mut entry = track.sample_entry.to_vec();
    if let Some(reference) = entry.get_mut(14..16) {
        reference.copy_from_slice(&[0, 1]);
    }
    match entry.get(4..8) {
        Some(b"hev1") => name_out_of_band(&mut entry, *b"hvc1"),
        Some(b"dvhe") => name_out_of_band(&mut entry, *b"dvh1"),
        Some(_) | None => {}
    }
    entry
}

/// Turns `hev1` into `hvc1` if `hvcC` has all parameter sets, and marks them there as complete. Dolby Vision has a pair
/// of names with the same meaning.
fn name_out_of_band(entry: &mut [u8], name: [u8; 4]) {
    let Some(config) = child(entry, *b"hvcC") else {
        return;
    };
    let Some(arrays) = parameter_arrays(&entry[config.clone()]) else {
        return;
    };
    for at in arrays {
        entry[config.start + at] |= 0x80;
    }
    entry[4..8].copy_from_slice(&name);
}

/// Returns the offsets of the arrays of an `hvcC`; `None` if a kind of parameter set is missing or the box is
/// truncated.
fn parameter_arrays(config: &[u8]) -> Option<Vec<usize>> {
    let mut missing = HEVC_PARAMETER_SETS.to_vec();
    let mut arrays = Vec::new();
    let mut at = HEVC_ARRAYS_AT + 1;
    for _ in 0..*config.get(HEVC_ARRAYS_AT)? {
        let kind = config.get(at)? & 0x3f;
        let count = u16::from_be_bytes(config.get(at + 1..at + 3)?.try_into().ok()?);
        if HEVC_PARAMETER_SETS.contains(&kind) {
            arrays.push(at);
        }
        at += 3;
        for _ in 0..count {
            let size_bytes = u16::from_be_bytes(config.get(at..at + 2)?.try_into().ok()?);
            at += 2 + usize::from(size_bytes);
            config.get(..at)?;
            missing.retain(|missing| *missing != kind);
        }
    }
    missing.is_empty().then_some(arrays)
}

/// Returns the range of the payload of the first box of this kind within a video sample entry.
fn child(entry: &[u8], kind: [u8; 4]) -> Option<Range<usize>> {
    let mut at = VISUAL_HEADER_SIZE_BYTES;
    loop {
        let header = entry.get(at..at.checked_add(8)?)?;
        let (size_bytes, name) = header.split_at(4);
        let size_bytes = u32::from_be_bytes(size_bytes.try_into().ok()?);
        let end = at.checked_add(usize::try_from(size_bytes).ok()?)?;
        if end < at + 8 || end > entry.len() {
            return None;
        }
        if name == kind {
            return Some(at + 8..end);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::boxes::{write_box, write_u16, write_zeros};

    /// Makes an `hev1` entry whose `hvcC` has these arrays: kind, and parameter sets.
    fn entry(arrays: &[(u8, &[&[u8]])]) -> Vec<u8> {
        let mut out = Vec::new();
        write_box(&mut out, *b"hev1", |out| {
            write_zeros(out, VISUAL_HEADER_SIZE_BYTES - 8);
            write_box(out, *b"pasp", |out| write_zeros(out, 8));
            write_box(out, *b"hvcC", |out| {
                write_zeros(out, HEVC_ARRAYS_AT);
                out.push(arrays.len() as u8);
                for (kind, sets) in arrays {
                    out.push(*kind);
                    write_u16(out, sets.len() as u16);
                    for set in *sets {
                        write_u16(out, set.len() as u16);
                        out.extend_from_slice(set);
                    }
                }
            });
        });
        out
    }

    /// Expects these arrays to be marked as complete, or an unchanged entry for `None`.
    fn check(entry: &[u8], expected: Option<&[u8]>) {
        let mut named = entry.to_vec();
        name_out_of_band(&mut named, *b"hvc1");
        match expected {
            None => assert_eq!(named, entry),
            Some(kinds) => {
                assert_eq!(&named[4..8], b"hvc1");
                let changed = named.iter().zip(entry).skip(8);
                let marked = changed.filter(|(new, old)| new != old);
                assert!(marked.map(|(new, _)| new).eq(kinds));
            }
        }
    }

    #[test]
    fn what_lacks_a_parameter_set_stays_hev1() {
        let sets: &[&[u8]] = &[&[1, 2, 3]];
        check(&entry(&[]), None);
        check(&entry(&[(32, sets), (33, sets)]), None);
        check(&entry(&[(32, sets), (33, sets), (34, &[])]), None);
    }

    #[test]
    fn what_is_cut_off_stays_hev1() {
        let sets: &[&[u8]] = &[&[1, 2, 3]];
        let whole = entry(&[(32, sets), (33, sets), (34, sets)]);
        for end in 8..whole.len() {
            check(&whole[..end], None);
        }
    }

    #[test]
    fn with_all_parameter_sets_it_is_hvc1() {
        let sets: &[&[u8]] = &[&[1, 2, 3], &[4]];
        check(
            &entry(&[(32, sets), (33, sets), (34, sets), (39, sets)]),
            Some(&[0xa0, 0xa1, 0xa2]),
        );
    }
}
