//! Has a manifest's URIs signed, and writes the grants into it.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use quick_xml::escape::unescape;

use super::manifest::{Manifest, Spelling, UriKind, UriPosition};
use super::reference::{can_be_signed, resolve};
use super::{Copy, Signed, ask, cut_fragment, for_template};
use crate::Refusal;
use crate::playlist::dash::escaped;

pub(super) fn rewrite(
    text: &str,
    sign: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, Refusal> {
    let plain = text.trim_start_matches('\u{feff}');
    let manifest = Manifest::read(plain)?;
    let bases = Bases::of(plain, &manifest)?;
    let mut spent_bytes = 0;
    let mut copy = Copy::of(plain);
    for place in &manifest.places {
        let written = value(plain, &place.range, place.spelling)?;
        if !can_be_signed(&written) {
            continue;
        }
        let (uri, _) = cut_fragment(&written);
        let signed = match place.kind {
            UriKind::Manifest => ask(uri, sign),
            UriKind::Base(level) if bases.names_a_file(level, uri) => {
                ask_with_each(bases.above(level), uri, sign, &mut spent_bytes)?
            }
            UriKind::Base(_) => None,
            UriKind::Template(level) | UriKind::File(level) => {
                ask_with_each(bases.below(level), uri, sign, &mut spent_bytes)?
            }
        };
        if let Some(signed) = signed {
            write(plain, place, &signed, &mut copy)?;
        }
    }
    let mark = &text[..text.len() - plain.len()];
    Ok(format!("{mark}{}", copy.end()))
}

/// Signs a URI resolved against each base that it may have.
fn ask_with_each(
    bases: &[Rc<str>],
    uri: &str,
    sign: &mut dyn FnMut(&str) -> Option<String>,
    spent_bytes: &mut usize,
) -> Result<Option<Signed>, Refusal> {
    if bases.len() > BELOW_MAX {
        return Err(TOO_MANY_BASES);
    }
    let mut first = None;
    for base in bases {
        *spent_bytes = spent_bytes.saturating_add(base.len() + uri.len() + QUESTION_SIZE_BYTES);
        if *spent_bytes > RESOLVED_BYTES_MAX {
            return Err(TOO_MANY_BASES);
        }
        let resolved = resolve(base, uri);
        // A URI with another scheme cannot be signed.
        let signed = can_be_signed(&resolved)
            .then(|| ask(&resolved, sign))
            .flatten();
        match (&first, signed) {
            // A grant for one host must not go to another.
            (_, None) => return Ok(None),
            (None, signed) => first = signed,
            (Some(first), Some(signed)) if *first == signed => {}
            (Some(_), Some(_)) => {
                return Err(Refusal::Unsupported(
                    "a manifest with a URI that needs several grants",
                ));
            }
        }
    }
    Ok(first)
}

fn write(
    text: &str,
    place: &UriPosition,
    signed: &Signed,
    copy: &mut Copy<'_>,
) -> Result<(), Refusal> {
    let written = &text[place.range.clone()];
    // A fragment stays after the grant. In escaped text, the `#` of `&#38;` begins none.
    let fragment = match place.spelling {
        Spelling::Plain => written.find('#'),
        Spelling::Escaped => written
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|at| !written[..*at].ends_with('&')),
    };
    let end = place.range.start + fragment.unwrap_or(written.len());
    let (start, instead) = match signed {
        Signed::Appended(grant) => (end, grant),
        Signed::Replaced(instead) => (place.range.start, instead),
    };
    let instead = match (place.kind, signed) {
        (UriKind::Template(_), Signed::Appended(_)) => for_template(instead),
        (UriKind::Template(_), Signed::Replaced(_))
        | (UriKind::File(_) | UriKind::Base(_) | UriKind::Manifest, _) => {
            Cow::Borrowed(instead.as_str())
        }
    };
    match place.spelling {
        Spelling::Escaped => copy.replace(start, end, &escaped(&instead)),
        Spelling::Plain => copy.replace(start, end, &instead),
    }
}

/// Decodes a URI. XML's own five entities are the only ones known.
fn value<'a>(
    text: &'a str,
    range: &Range<usize>,
    spelling: Spelling,
) -> Result<Cow<'a, str>, Refusal> {
    let written = &text[range.clone()];
    match spelling {
        Spelling::Plain => Ok(Cow::Borrowed(written)),
        Spelling::Escaped => {
            unescape(written).map_err(|_| Refusal::Corrupt("an entity in a manifest's URI"))
        }
    }
}

/// The bases of each level's URIs. A level may have several: locations of the same files.
struct Bases {
    /// Bases in effect within a level itself.
    within: Vec<Rc<[Rc<str>]>>,
    /// Bases of all representations below a level, for which its URIs are resolved.
    below: Vec<Rc<[Rc<str>]>>,
    parents: Vec<Option<usize>>,
    /// True if a representation below has its media in the file that a base of this level names.
    has_file: Vec<bool>,
    root: Rc<[Rc<str>]>,
}

impl Bases {
    fn of(text: &str, manifest: &Manifest) -> Result<Bases, Refusal> {
        let mut bases = Bases {
            within: Vec::with_capacity(manifest.levels.len()),
            below: Vec::new(),
            parents: manifest.levels.iter().map(|level| level.parent).collect(),
            has_file: vec![false; manifest.levels.len()],
            root: [Rc::from("")].into(),
        };
        let mut spent_bytes = 0;
        for place in &manifest.levels {
            let above = place
                .parent
                .map_or(&bases.root, |parent| &bases.within[parent]);
            let own = own_bases(text, manifest, &place.bases)?;
            let within = match own.is_empty() {
                true => Rc::clone(above),
                false => combined(above, &own, &mut spent_bytes)?,
            };
            bases.within.push(within);
        }
        bases.find_files(manifest);
        bases.gather_below(manifest);
        Ok(bases)
    }

    /// Finds the bases that name files: the nearest one of each representation whose segments have no URIs of their
    /// own.
    fn find_files(&mut self, manifest: &Manifest) {
        let representations = manifest.levels.iter().enumerate();
        for (number, _) in representations.filter(|(_, level)| level.is_representation) {
            let (mut nearest, mut has_segments, mut needs_base) = (None, false, false);
            let mut around = Some(number);
            while let Some(place) = around {
                let level = &manifest.levels[place];
                nearest = nearest.or((!level.bases.is_empty()).then_some(place));
                has_segments |= level.has_segments;
                needs_base |= level.needs_base;
                around = level.parent;
            }
            if let Some(nearest) = nearest
                && (!has_segments || needs_base)
            {
                self.has_file[nearest] = true;
            }
        }
    }

    fn gather_below(&mut self, manifest: &Manifest) {
        let mut gathered: Vec<Vec<Rc<str>>> = vec![Vec::new(); manifest.levels.len()];
        for (number, level) in manifest.levels.iter().enumerate() {
            if !level.is_representation {
                continue;
            }
            let mut around = Some(number);
            while let Some(place) = around {
                for base in self.within[number].iter() {
                    if !gathered[place].contains(base) {
                        gathered[place].push(Rc::clone(base));
                    }
                }
                // One more than allowed tells the caller that there are too many.
                gathered[place].truncate(BELOW_MAX + 1);
                around = manifest.levels[place].parent;
            }
        }
        self.below = gathered
            .into_iter()
            .zip(&self.within)
            .map(|(below, within)| {
                if below.is_empty() {
                    Rc::clone(within)
                } else {
                    below.into()
                }
            })
            .collect();
    }

    fn above(&self, level: usize) -> &[Rc<str>] {
        self.parents[level].map_or(&self.root, |parent| &self.within[parent])
    }

    fn below(&self, level: usize) -> &[Rc<str>] {
        &self.below[level]
    }

    /// Returns true if a base names a file; folders end with a slash.
    fn names_a_file(&self, level: usize, uri: &str) -> bool {
        let path = uri.split('?').next().unwrap_or(uri);
        let last = path.rsplit('/').next().unwrap_or(path);
        self.has_file[level] && !matches!(last, "" | "." | "..")
    }
}

fn own_bases(
    text: &str,
    manifest: &Manifest,
    ranges: &[Range<usize>],
) -> Result<Vec<String>, Refusal> {
    if ranges.len() > BASES_MAX {
        return Err(TOO_MANY_BASES);
    }
    let spelling = |range: &Range<usize>| {
        let place = manifest
            .places
            .binary_search_by_key(&range.start, |place| place.range.start);
        place.map_or(Spelling::Escaped, |place| manifest.places[place].spelling)
    };
    ranges
        .iter()
        .map(|range| {
            let base = value(text, range, spelling(range))?;
            Ok(cut_fragment(&base).0.to_owned())
        })
        .collect()
}

fn combined(
    above: &[Rc<str>],
    own: &[String],
    spent_bytes: &mut usize,
) -> Result<Rc<[Rc<str>]>, Refusal> {
    let mut combined: Vec<Rc<str>> = Vec::new();
    for outer in above {
        for inner in own {
            *spent_bytes = spent_bytes.saturating_add(outer.len() + inner.len());
            let resolved = resolve(outer, inner);
            if !combined.iter().any(|known| **known == *resolved) {
                combined.push(resolved.into());
            }
            if combined.len() > BASES_MAX || *spent_bytes > BASES_BYTES_MAX {
                return Err(TOO_MANY_BASES);
            }
        }
    }
    Ok(combined.into())
}

const TOO_MANY_BASES: Refusal = Refusal::TooLarge("base URLs of a manifest");

/// Number of bases of one representation.
const BASES_MAX: usize = 8;

/// Number of bases of one template, for all its representations.
const BELOW_MAX: usize = 64;

/// Total size of all bases, resolved.
const BASES_BYTES_MAX: usize = 16 << 20;

/// Total size of all URIs, resolved against their bases, with their grants.
const RESOLVED_BYTES_MAX: usize = 256 << 20;

/// Cost of one call of `sign`, beside its text.
const QUESTION_SIZE_BYTES: usize = 1024;
