//! Finds the pieces of a credential that was cut by other characters, each too short to be found by itself.

use super::budget::{Budget, OverBudget};
use super::named::SIGNATURE_CHARACTERS_MIN;
use super::profile::{PieceSize, Profile, is_name};
use super::runs::{RUN_CHARACTERS_MIN, count, may_have_stretches, runs};
use std::ops::Range;

/// Maximum distance between pieces none of which was found: `,`, `"+"`, `<br>` and the like.
const SEPARATOR_SIZE_BYTES_MAX: usize = 8;
/// Maximum distance between a credential that was found and a shorter piece.
const GAP_SIZE_BYTES_MAX: usize = 16;
/// Maximum length of a name: short enough that nothing is lost if it was the beginning of a signature.
const NAME_CHARACTERS_MAX: usize = 32;

/// Returns false for almost all text that is logged: it has no two long words.
pub(super) fn may_have_pieces(text: &[u8]) -> bool {
    may_have_stretches(text)
}

/// Returns the length of any other parameter's name at the beginning of a run, including `=`, which in base64 occurs
/// only at the end.
pub(super) fn name_length(run: &[u8]) -> usize {
    let start = &run[..run.len().min(NAME_CHARACTERS_MAX + 1)];
    let equals = start.iter().rposition(|byte| *byte == b'=');
    equals.map_or(0, |equals| equals + 1)
}

/// A secret that was found already; several of them are in order of position.
pub(super) struct Known {
    pub(super) range: Range<usize>,
    /// Number of its characters, if the rest of it may be nearby.
    pub(super) cut: Option<usize>,
}

/// A part of a run.
struct Piece {
    run: Range<usize>,
    /// Range that must not be logged; empty for a known secret.
    value: Range<usize>,
    characters: usize,
    size: PieceSize,
    is_known: bool,
    is_found: bool,
}

/// Returns the pieces that belong to credentials, besides those of `known`.
pub(super) fn pieces(
    profile: &Profile<'_>,
    known: &[Known],
    budget: &mut Budget,
) -> Result<Vec<Range<usize>>, OverBudget> {
    budget.spend(profile.bytes.len())?;
    let mut pieces = Vec::new();
    let mut known = known.iter().peekable();
    let mut next = 0;
    for run in runs(profile.bytes) {
        next = run.start.max(next);
        while let Some(found) = known.next_if(|known| known.range.start < run.end) {
            pieces.extend(unknown(profile, next..found.range.start, budget)?);
            pieces.extend(found.cut.map(|cut| Piece::known(found, cut)));
            next = next.max(found.range.end);
        }
        pieces.extend(unknown(profile, next..run.end, budget)?);
    }
    let mut pieces = without_lonely(pieces);
    find_groups(&mut pieces);
    find_neighbours(&mut pieces);
    let found = pieces.into_iter().filter(|piece| piece.is_found);
    let found = found.map(|piece| piece.value);
    Ok(found.filter(|value| !value.is_empty()).collect())
}

/// Returns part of a run as a piece, without a name before it, if it may be one.
fn unknown(
    profile: &Profile<'_>,
    range: Range<usize>,
    budget: &mut Budget,
) -> Result<Option<Piece>, OverBudget> {
    let bytes = profile.bytes;
    let Some(inner) = bytes.get(range.clone()).and_then(|part| runs(part).next()) else {
        return Ok(None);
    };
    let run = range.start + inner.start..range.start + inner.end;
    let name = name_length(&bytes[run.clone()]);
    let name = match is_name(&bytes[run.start..run.start + name]) {
        true => name,
        false => 0,
    };
    let value = run.start + name..run.end;
    let size = profile.piece_size(&value, budget)?;
    Ok(size.map(|size| Piece {
        run,
        characters: count(&bytes[value.clone()]),
        value,
        size,
        is_known: false,
        is_found: false,
    }))
}

impl Piece {
    fn known(known: &Known, characters: usize) -> Piece {
        Piece {
            run: known.range.clone(),
            value: 0..0,
            characters,
            size: PieceSize::Long,
            is_known: true,
            is_found: characters >= SIGNATURE_CHARACTERS_MIN,
        }
    }

    fn is_near(&self, next: &Piece, distance_max: usize) -> bool {
        next.run.start.saturating_sub(self.run.end) <= distance_max
    }
}

/// Removes small pieces that are not next to a larger one, because many words look like small pieces.
fn without_lonely(pieces: Vec<Piece>) -> Vec<Piece> {
    let is_large = |piece: Option<&Piece>, other: &Piece| {
        piece.is_some_and(|piece| {
            let (one, next) = match piece.run.start < other.run.start {
                true => (piece, other),
                false => (other, piece),
            };
            let is_near = one.is_near(next, SEPARATOR_SIZE_BYTES_MAX);
            is_near && piece.size != PieceSize::Small && !piece.is_known
        })
    };
    let is_kept: Vec<bool> = { pieces.iter().enumerate() }
        .map(|(at, piece)| {
            let before = at.checked_sub(1).and_then(|before| pieces.get(before));
            piece.size != PieceSize::Small
                || is_large(before, piece)
                || is_large(pieces.get(at + 1), piece)
        })
        .collect();
    let kept = pieces.into_iter().zip(is_kept).filter(|(_, kept)| *kept);
    kept.map(|(piece, _)| piece).collect()
}

/// Marks pieces that are close together, one of them long, as one credential.
fn find_groups(pieces: &mut [Piece]) {
    let is_joined = |one: &Piece, next: &Piece| one.is_near(next, SEPARATOR_SIZE_BYTES_MAX);
    for group in pieces.chunk_by_mut(is_joined) {
        let characters = group.iter().map(|piece| piece.characters);
        let is_credential = characters.sum::<usize>() >= RUN_CHARACTERS_MIN;
        let has_long = group.iter().any(|piece| piece.size == PieceSize::Long);
        if is_credential && group.len() > 1 && has_long {
            group.iter_mut().for_each(|piece| piece.is_found = true);
        }
    }
}

/// Marks all pieces connected to something found, except small ones.
fn find_neighbours(pieces: &mut [Piece]) {
    let is_near = |one: &Piece, next: &Piece| one.is_near(next, GAP_SIZE_BYTES_MAX);
    for group in pieces.chunk_by_mut(is_near) {
        let is_found = group.iter().any(|piece| piece.is_found);
        for piece in group {
            piece.is_found |= is_found && piece.size != PieceSize::Small;
        }
    }
}
