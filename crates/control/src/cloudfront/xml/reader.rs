//! Reads a body by its shape. What the shape does not have is refused; namespaces do not matter.

use super::Fault;
use crate::cloudfront::model::{Element, Member, Model, Need, Shape, Version};
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use serde_json::{Map, Number, Value};

/// Most elements of a body.
const ELEMENTS_MAX: usize = 20_000;
/// Longest text of an element, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting; no shape is as deep.
const DEPTH_MAX: usize = 32;
/// Most attributes of an element.
const ATTRIBUTES_MAX: usize = 8;

/// Reads a body as the element of an operation, as `version` has it. An empty element is as absent, except for a text
/// that is required.
///
/// # Errors
/// Returns the first fault.
pub fn read(body: &[u8], element: Element, version: Version) -> Result<Value, Fault> {
    let mut body = Body::of(body, version)?;
    body.begin(element.root)?;
    let value = body.element(element.shape, element.root)?;
    body.finish()?;
    let has_members = matches!(Model::get().shape(element.shape), Shape::Structure(_));
    match value {
        Some(value) => Ok(value),
        None if has_members => Ok(Value::Object(Map::new())),
        None => Ok(Value::Null),
    }
}

/// Returns true for a character that XML 1.0 has (2.2).
fn is_xml_char(char: char) -> bool {
    match char {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    }
}

/// A body that is being read.
pub(super) struct Body<'a> {
    reader: Reader<&'a [u8]>,
    version: Version,
    elements: usize,
    depth: usize,
    /// Whether a declaration may still come.
    opening: Opening,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Untouched,
    Begun,
}

/// A part of a body that means something.
pub(super) enum Piece<'a> {
    Start(BytesStart<'a>),
    End,
    Text(String),
    Eof,
}

impl<'a> Body<'a> {
    /// Begins to read a body, which has to be of characters that XML has.
    pub(super) fn of(body: &'a [u8], version: Version) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body).map_err(|_| Fault::Encoding)?;
        if !text.chars().all(is_xml_char) {
            return Err(Fault::Encoding);
        }
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.enable_all_checks(true);
        config.expand_empty_elements = true;
        Ok(Body {
            reader,
            version,
            elements: 0,
            depth: 0,
            opening: Opening::Untouched,
        })
    }

    /// Returns the next part. Comments mean nothing; what else a document may have is refused.
    pub(super) fn next(&mut self) -> Result<Piece<'a>, Fault> {
        loop {
            let event = self.reader.read_event();
            let at = self.reader.error_position();
            let event = event.map_err(|_| Fault::Syntax { at })?;
            let opening = std::mem::replace(&mut self.opening, Opening::Begun);
            let what = match event {
                Event::Start(start) | Event::Empty(start) => return Ok(Piece::Start(start)),
                Event::End(_) => return Ok(Piece::End),
                Event::Text(text) => return Ok(Piece::Text(text.xml10_content().into_owned())),
                Event::CData(text) => return Ok(Piece::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(reference) => {
                    return Ok(Piece::Text(referred(&reference)?.to_string()));
                }
                Event::Eof => return Ok(Piece::Eof),
                Event::Comment(_) => continue,
                Event::Decl(declaration) if opening == Opening::Untouched => {
                    check_declaration(&declaration)?;
                    continue;
                }
                Event::Decl(_) => "a declaration in its midst",
                Event::PI(_) => "a processing instruction",
                Event::DocType(_) => "a document type",
            };
            return Err(Fault::Unwanted { what });
        }
    }

    /// Reads up to the begin of the outermost element, and returns that.
    pub(super) fn begin(&mut self, root: &'static str) -> Result<BytesStart<'a>, Fault> {
        loop {
            match self.next()? {
                Piece::Text(text) if is_blank(&text) => {}
                Piece::Start(start) if start.local_name().as_ref() == root => {
                    self.enter(&start)?;
                    return Ok(start);
                }
                Piece::Start(_) => return Err(Fault::Root { expected: root }),
                Piece::Text(_) | Piece::End | Piece::Eof => return Err(self.malformed()),
            }
        }
    }

    /// Checks that nothing comes behind the outermost element.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                Piece::Text(text) if is_blank(&text) => {}
                Piece::Eof => return Ok(()),
                Piece::Start(_) | Piece::End | Piece::Text(_) => return Err(self.malformed()),
            }
        }
    }

    pub(super) fn malformed(&self) -> Fault {
        Fault::Syntax {
            at: self.reader.buffer_position(),
        }
    }

    /// Notes that an element has ended.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts an element that begins, and checks its attributes: namespaces alone.
    pub(super) fn enter(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        self.elements += 1;
        self.depth += 1;
        if self.elements > ELEMENTS_MAX || self.depth > DEPTH_MAX {
            return Err(Fault::TooLarge);
        }
        for (position, attribute) in start.attributes().enumerate() {
            let at = self.reader.buffer_position();
            let attribute = attribute.map_err(|_| Fault::Syntax { at })?;
            let name: &str = attribute.key.as_ref();
            let is_namespace = name == "xmlns" || name.starts_with("xmlns:");
            if !is_namespace || position >= ATTRIBUTES_MAX {
                return Err(Fault::Unwanted {
                    what: "an attribute",
                });
            }
        }
        Ok(())
    }

    /// Reads an element that has begun, up to its end; `None` if it is empty.
    fn element(&mut self, shape: &'static str, place: &str) -> Result<Option<Value>, Fault> {
        let value = match Model::get().shape(shape) {
            shape @ Shape::Structure(members) => self.structure(members, shape.is_counted(), place),
            Shape::List { element, shape } => self.list((element, shape), place),
            scalar @ (Shape::Text
            | Shape::Flag
            | Shape::Whole
            | Shape::Fraction
            | Shape::Time
            | Shape::Bytes
            | Shape::Words(_)) => {
                let text = self.text(place)?;
                match text.is_empty() {
                    true => Ok(None),
                    false => scalar_of(scalar, text, place).map(Some),
                }
            }
        };
        self.leave();
        value
    }

    /// Returns the next element within one that has members, or `None` at its end.
    fn child(&mut self, place: &str) -> Result<Option<BytesStart<'a>>, Fault> {
        loop {
            match self.next()? {
                Piece::Start(start) => {
                    self.enter(&start)?;
                    return Ok(Some(start));
                }
                Piece::End => return Ok(None),
                Piece::Text(text) if is_blank(&text) => {}
                Piece::Text(_) => {
                    let place = place.to_owned();
                    return Err(Fault::Text { place });
                }
                Piece::Eof => return Err(self.malformed()),
            }
        }
    }

    fn structure(
        &mut self,
        members: &'static [Member],
        is_counted: bool,
        place: &str,
    ) -> Result<Option<Value>, Fault> {
        let mut object = Map::new();
        let mut seen: Vec<&'static str> = Vec::new();
        while let Some(start) = self.child(place)? {
            let name = start.local_name();
            let name: &str = name.as_ref();
            let inner = format!("{place}/{name}");
            let known = members.iter().find(|member| member.name == name);
            let Some(member) = known.filter(|member| member.since <= self.version) else {
                return Err(Fault::Unknown { place: inner });
            };
            if seen.contains(&member.name) {
                return Err(Fault::Twice { place: inner });
            }
            seen.push(member.name);
            if let Some(value) = self.element(member.shape, &inner)? {
                object.insert(member.name.to_owned(), value);
            }
        }
        if seen.is_empty() {
            return Ok(None);
        }
        if is_counted {
            check_quantity(&mut object, place)?;
        }
        for member in members.iter().filter(|member| member.since <= self.version) {
            self.check_present(member, &seen, &mut object, place)?;
        }
        Ok(Some(Value::Object(object)))
    }

    /// Checks that a required member was there. A text or a list may be there and be empty.
    fn check_present(
        &self,
        member: &Member,
        seen: &[&'static str],
        object: &mut Map<String, Value>,
        place: &str,
    ) -> Result<(), Fault> {
        // The number was checked, and is not kept.
        let is_checked = member.name == "Quantity" && !object.contains_key("Quantity");
        let is_there = object.contains_key(member.name) || is_checked;
        if member.need == Need::Optional || is_there {
            return Ok(());
        }
        let empty = match Model::get().shape(member.shape) {
            Shape::Text => Value::String(String::new()),
            Shape::List { .. } => Value::Array(Vec::new()),
            Shape::Structure(members)
                if members.iter().all(|member| member.need == Need::Optional) =>
            {
                Value::Object(Map::new())
            }
            Shape::Structure(_)
            | Shape::Flag
            | Shape::Whole
            | Shape::Fraction
            | Shape::Time
            | Shape::Bytes
            | Shape::Words(_) => Value::Null,
        };
        if !seen.contains(&member.name) || empty.is_null() {
            let place = format!("{place}/{}", member.name);
            return Err(Fault::Missing { place });
        }
        object.insert(member.name.to_owned(), empty);
        Ok(())
    }

    fn list(
        &mut self,
        (element, shape): (&'static str, &'static str),
        place: &str,
    ) -> Result<Option<Value>, Fault> {
        let mut items = Vec::new();
        while let Some(start) = self.child(place)? {
            let name = start.local_name();
            let name: &str = name.as_ref();
            let inner = format!("{place}/{name}");
            if name != element {
                return Err(Fault::Unknown { place: inner });
            }
            // An item is counted, whether it is empty or not.
            let item = self.element(shape, &inner)?;
            items.push(item.ok_or(Fault::Missing { place: inner })?);
        }
        Ok((!items.is_empty()).then_some(Value::Array(items)))
    }

    /// Reads the text of an element up to its end, exactly, but for line ends, which XML makes one character.
    fn text(&mut self, place: &str) -> Result<String, Fault> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(part) => text.push_str(&part),
                Piece::End => return Ok(text),
                Piece::Start(start) => {
                    let name = start.local_name();
                    let name: &str = name.as_ref();
                    let place = format!("{place}/{name}");
                    return Err(Fault::Unknown { place });
                }
                Piece::Eof => return Err(self.malformed()),
            }
            if text.len() > TEXT_BYTES_MAX {
                return Err(Fault::TooLarge);
            }
        }
    }
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    let is_version = declaration.version().is_ok_and(|version| version == "1.0");
    let is_encoding = match declaration.encoding() {
        None => true,
        Some(Ok(encoding)) => encoding.eq_ignore_ascii_case("utf-8"),
        Some(Err(_)) => false,
    };
    match is_version && is_encoding {
        true => Ok(()),
        false => Err(Fault::Encoding),
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| b" \t\r\n".contains(&byte))
}

/// Returns the character that a reference stands for: one of the five that XML has, or a number.
fn referred(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let name: &str = reference;
    match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let unwanted = Fault::Unwanted { what: "an entity" };
    match reference.resolve_char_ref() {
        Ok(Some(char)) if is_xml_char(char) => Ok(char),
        Ok(Some(_)) => Err(Fault::Encoding),
        Ok(None) | Err(_) => Err(unwanted),
    }
}

fn scalar_of(shape: &Shape, text: String, place: &str) -> Result<Value, Fault> {
    let fault = |form: &str| Fault::Value {
        place: place.to_owned(),
        form: form.to_owned(),
    };
    let word = text.trim_matches([' ', '\t', '\r', '\n']);
    match shape {
        Shape::Flag => match word {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(fault("true or false")),
        },
        Shape::Whole => {
            let number: Option<i64> = word.parse().ok();
            Ok(number.ok_or_else(|| fault("an integer"))?.into())
        }
        Shape::Fraction => {
            let number = word.parse().ok().and_then(Number::from_f64);
            Ok(Value::Number(number.ok_or_else(|| fault("a number"))?))
        }
        Shape::Words(words) => match words.contains(&word) {
            true => Ok(Value::String(word.to_owned())),
            false => Err(fault(&format!("one of {}", words.join(", ")))),
        },
        Shape::Text | Shape::Time | Shape::Bytes | Shape::Structure(_) | Shape::List { .. } => {
            Ok(Value::String(text))
        }
    }
}

/// Checks the number of items, and takes it away.
fn check_quantity(object: &mut Map<String, Value>, place: &str) -> Result<(), Fault> {
    let items = object.get("Items").and_then(Value::as_array);
    let counted = items.map_or(0, Vec::len);
    let Some(stated) = object.remove("Quantity") else {
        let place = format!("{place}/Quantity");
        return Err(Fault::Missing { place });
    };
    let stated = stated.as_i64().unwrap_or(-1);
    match usize::try_from(stated) {
        Ok(number) if number == counted => Ok(()),
        Ok(_) | Err(_) => Err(Fault::Quantity {
            place: place.to_owned(),
            stated,
            counted,
        }),
    }
}
