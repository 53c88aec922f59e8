//! Finds the pieces of a credential that was cut by other characters, each of them too short to be found for itself.

use super::runs::{
    RUN_CHARACTERS_MIN, count, is_long_piece, is_short_piece, may_have_stretches, runs,
};
use std::ops::Range;

/// Between pieces of which none was found: `,`, `"+"`, `<br>` and their like.
const SEPARATOR_SIZE_BYTES_MAX: usize = 8;
/// Between what was found and a shorter piece.
const GAP_SIZE_BYTES_MAX: usize = 16;

/// False for almost all that is logged: there are no two long words.
pub(super) fn may_have_pieces(text: &[u8]) -> bool {
    may_have_stretches(text)
}

/// A run, and whether it must not be logged.
struct Piece {
    run: Range<usize>,
    value: Range<usize>,
    is_long: bool,
    is_found: bool,
}

/// The pieces beside those of `known` that are credentials. `known` is in order: where something was found, and whether it
/// is long enough that more of it may stand around. `name_length` says how much of a run is a name.
pub(super) fn pieces(
    bytes: &[u8],
    known: &[(Range<usize>, bool)],
    name_length: fn(&[u8]) -> usize,
) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut known = known.iter().peekable();
    for run in runs(bytes) {
        let mut is_known = false;
        let mut is_found = false;
        while let Some((_, is_long)) = known.next_if(|(range, _)| range.start < run.end) {
            is_known = true;
            is_found |= is_long;
        }
        let value = run.start + name_length(&bytes[run.clone()])..run.end;
        if is_found || (!is_known && is_short_piece(&bytes[value.clone()])) {
            pieces.push(Piece {
                is_long: !is_known && is_long_piece(&bytes[value.clone()]),
                value: if is_known { 0..0 } else { value },
                run,
                is_found,
            });
        }
    }
    find_groups(bytes, &mut pieces);
    find_neighbours(&mut pieces);
    let found = pieces.into_iter().filter(|piece| piece.is_found);
    let found = found.map(|piece| piece.value);
    found.filter(|value| !value.is_empty()).collect()
}

/// Pieces that stand close together, one of them long, are one credential.
fn find_groups(bytes: &[u8], pieces: &mut [Piece]) {
    let is_joined =
        |one: &Piece, next: &Piece| next.run.start - one.run.end <= SEPARATOR_SIZE_BYTES_MAX;
    for group in pieces.chunk_by_mut(is_joined) {
        let characters = group.iter().map(|piece| count(&bytes[piece.value.clone()]));
        let is_credential = characters.sum::<usize>() >= RUN_CHARACTERS_MIN;
        if is_credential && group.len() > 1 && group.iter().any(|piece| piece.is_long) {
            group.iter_mut().for_each(|piece| piece.is_found = true);
        }
    }
}

/// All that hangs together with something found.
fn find_neighbours(pieces: &mut [Piece]) {
    let is_near = |one: &Piece, next: &Piece| next.run.start - one.run.end <= GAP_SIZE_BYTES_MAX;
    for group in pieces.chunk_by_mut(is_near) {
        let is_found = group.iter().any(|piece| piece.is_found);
        group.iter_mut().for_each(|piece| piece.is_found = is_found);
    }
}
