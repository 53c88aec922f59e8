//! Reads the parts of a manifest that decide where its URIs lead: levels with their bases, and the positions of URIs.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::DEPTH_MAX;
use crate::Refusal;

/// A parsed manifest.
pub(super) struct Manifest {
    pub(super) levels: Vec<Level>,
    /// Positions of URIs, in the order of the text.
    pub(super) places: Vec<UriPosition>,
}

/// One `MPD`, `Period`, `AdaptationSet` or `Representation`.
pub(super) struct Level {
    /// Index of its parent, which precedes it among the levels.
    pub(super) parent: Option<usize>,
    /// Ranges of its own `BaseURL`s.
    pub(super) bases: Vec<Range<usize>>,
    /// True if it has a `SegmentTemplate` or `SegmentList` of its own.
    pub(super) has_segments: bool,
    /// True if something in it lies in the file that the base names.
    pub(super) needs_base: bool,
    pub(super) is_representation: bool,
}

/// The position of a URI.
#[derive(Clone)]
pub(super) struct UriPosition {
    /// Range of the URI as written, without the space around it.
    pub(super) range: Range<usize>,
    pub(super) kind: UriKind,
    pub(super) spelling: Spelling,
}

/// The form in which XML writes a URI.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Text with entities such as `&amp;`.
    Escaped,
    /// Text of a CDATA section.
    Plain,
}

/// The kind of a URI, and the level whose bases it is resolved against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UriKind {
    /// A template with `$Number$` and the like.
    Template(usize),
    File(usize),
    /// The `BaseURL` of a level.
    Base(usize),
    /// A URI of the manifest itself, to which bases do not apply.
    Manifest,
}

impl Manifest {
    pub(super) fn read(text: &str) -> Result<Manifest, Refusal> {
        let mut walk = Walk {
            text,
            manifest: Manifest {
                levels: Vec::new(),
                places: Vec::new(),
            },
            open: Vec::new(),
        };
        let mut reader = Reader::from_str(text);
        loop {
            let before = position(&reader);
            let event = reader.read_event().map_err(|_| NOT_WELL_FORMED)?;
            match event {
                Event::Start(tag) => walk.begin(&tag, position(&reader))?,
                Event::Empty(tag) => {
                    walk.begin(&tag, position(&reader))?;
                    walk.open.pop();
                }
                Event::End(_) => walk.end(before)?,
                Event::DocType(_) => {
                    return Err(Refusal::Unsupported("a manifest with a document type"));
                }
                Event::Eof => break,
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::GeneralRef(_) => {}
            }
        }
        let Manifest { levels, places } = &mut walk.manifest;
        // Attributes of one tag are read by their meaning, and may stand in any order.
        places.sort_unstable_by_key(|place| place.range.start);
        match (walk.open.is_empty(), levels.is_empty()) {
            (true, false) => Ok(walk.manifest),
            (true, true) => Err(NOT_A_MANIFEST),
            (false, _) => Err(NOT_WELL_FORMED),
        }
    }
}

/// An element whose end tag has not come.
struct Open {
    element: Element,
    /// Index of the innermost level: the element itself or one around it.
    level: usize,
    /// Offset of its content.
    content: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    BaseUrl,
    Location,
    Other,
}

struct Walk<'a> {
    text: &'a str,
    manifest: Manifest,
    open: Vec<Open>,
}

impl Walk<'_> {
    fn begin(&mut self, tag: &BytesStart<'_>, content: usize) -> Result<(), Refusal> {
        if self.open.len() == DEPTH_MAX {
            return Err(Refusal::TooLarge("depth of a manifest"));
        }
        let name = tag.local_name();
        let name = name.as_ref();
        let around = self.open.last().map(|open| open.level);
        let level = match (name, around) {
            ("MPD", None) | ("Period" | "AdaptationSet" | "Representation", Some(_)) => {
                self.begin_level(around, name == "Representation")?
            }
            (_, None) => return Err(NOT_A_MANIFEST),
            (_, Some(level)) => level,
        };
        match name {
            "SegmentTemplate" => {
                self.manifest.levels[level].has_segments = true;
                let names = ["media", "initialization", "index", "bitstreamSwitching"];
                self.read_attributes(tag, &names, UriKind::Template(level))?;
            }
            "SegmentList" => self.manifest.levels[level].has_segments = true,
            "SegmentURL" => {
                let has_media = self.read_attributes(tag, &["media"], UriKind::File(level))?;
                self.read_attributes(tag, &["index"], UriKind::File(level))?;
                self.manifest.levels[level].needs_base |= has_media == ElementKind::Nothing;
            }
            "Initialization" | "RepresentationIndex" | "BitstreamSwitching" => {
                let has_source = self.read_attributes(tag, &["sourceURL"], UriKind::File(level))?;
                self.manifest.levels[level].needs_base |= has_source == ElementKind::Nothing;
            }
            _ => {}
        }
        self.read_attributes(tag, &["xlink:href"], UriKind::Manifest)?;
        let element = match name {
            "BaseURL" => Element::BaseUrl,
            "Location" | "PatchLocation" => Element::Location,
            _ => Element::Other,
        };
        self.open.push(Open {
            element,
            level,
            content,
        });
        Ok(())
    }

    fn begin_level(
        &mut self,
        parent: Option<usize>,
        is_representation: bool,
    ) -> Result<usize, Refusal> {
        let levels = &mut self.manifest.levels;
        if levels.len() == LEVELS_MAX {
            return Err(Refusal::TooLarge("representations of a manifest"));
        }
        levels.push(Level {
            parent,
            bases: Vec::new(),
            has_segments: false,
            needs_base: false,
            is_representation,
        });
        Ok(levels.len() - 1)
    }

    /// Handles an end tag, which begins at `before`.
    fn end(&mut self, before: usize) -> Result<(), Refusal> {
        let Some(open) = self.open.pop() else {
            return Err(NOT_WELL_FORMED);
        };
        let kind = match open.element {
            Element::BaseUrl => UriKind::Base(open.level),
            Element::Location => UriKind::Manifest,
            Element::Other => return Ok(()),
        };
        let (range, spelling) = content(self.text, open.content..before)?;
        if open.element == Element::BaseUrl {
            self.manifest.levels[open.level].bases.push(range.clone());
        }
        self.push_place(UriPosition {
            range,
            kind,
            spelling,
        })
    }

    fn read_attributes(
        &mut self,
        tag: &BytesStart<'_>,
        names: &[&str],
        kind: UriKind,
    ) -> Result<ElementKind, Refusal> {
        let mut found = ElementKind::Nothing;
        let mut attributes = tag.attributes();
        // The check for repeated names takes time quadratic in their number.
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|_| NOT_WELL_FORMED)?;
            if !names.contains(&attribute.key.as_ref()) {
                continue;
            }
            let range = range_within(self.text, &attribute.value).ok_or(NOT_WELL_FORMED)?;
            self.push_place(UriPosition {
                range: trimmed(self.text, range),
                kind,
                spelling: Spelling::Escaped,
            })?;
            found = ElementKind::Something;
        }
        Ok(found)
    }

    fn push_place(&mut self, place: UriPosition) -> Result<(), Refusal> {
        if self.manifest.places.len() == PLACES_MAX {
            return Err(Refusal::TooLarge("URIs of a manifest"));
        }
        self.manifest.places.push(place);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ElementKind {
    Something,
    Nothing,
}

/// Returns the text of an element that contains only text.
fn content(text: &str, range: Range<usize>) -> Result<(Range<usize>, Spelling), Refusal> {
    let range = trimmed(text, range);
    let content = &text[range.clone()];
    let section = content
        .strip_prefix("<![CDATA[")
        .and_then(|rest| rest.strip_suffix("]]>"));
    match section {
        Some(section) if !section.contains('<') => {
            let start = range.start + "<![CDATA[".len();
            Ok((trimmed(text, start..start + section.len()), Spelling::Plain))
        }
        None if !content.contains('<') => Ok((range, Spelling::Escaped)),
        Some(_) | None => Err(Refusal::Unsupported("a manifest with markup in a URI")),
    }
}

/// Trims XML's white space from both ends. Players differ in what else is white space: `sign` gets to see it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_ascii_start().len());
    start..start + inner.trim_ascii().len()
}

/// Returns the range of `piece` in `text`. The reader returns slices of the text itself without their positions.
fn range_within(text: &str, piece: &str) -> Option<Range<usize>> {
    let start = piece.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let range = start..start.checked_add(piece.len())?;
    (text.get(range.clone()) == Some(piece)).then_some(range)
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

const NOT_WELL_FORMED: Refusal = Refusal::Corrupt("a manifest that is not well-formed");
const NOT_A_MANIFEST: Refusal = Refusal::Unsupported("a manifest that does not begin with MPD");

/// Number of levels. A manifest of a day's programme with its breaks has some thousands.
const LEVELS_MAX: usize = 20_000;

/// Number of URIs: as many as a video may have segments, for two tracks.
const PLACES_MAX: usize = 200_000;
