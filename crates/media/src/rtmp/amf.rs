//! AMF0: the values of commands, read under limits, and written. The format is Adobe's "Action Message Format -- AMF
//! 0".

use super::fault::Fault;

/// Nesting depth of objects and arrays.
const DEPTH_MAX: usize = 8;
/// Number of keys of one object or array.
const KEYS_MAX: usize = 64;
/// Number of values of one command.
const VALUES_MAX: usize = 16;
const TEXT_SIZE_BYTES_MAX: usize = 4096;

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const TEXT: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_TEXT: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML: u8 = 15;
const TYPED_OBJECT: u8 = 16;
const AMF3: u8 = 17;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Boolean(bool),
    Text(String),
    /// Fields in the order in which they came. Arrays are objects whose keys are empty.
    Object(Vec<(String, Value)>),
    /// Null, undefined, and types that no supported command uses.
    Null,
}

impl Value {
    /// Makes an object of the given fields.
    pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
        Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).into())
    }

    pub(super) fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Boolean(_) | Value::Object(_) | Value::Null => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(_) | Value::Boolean(_) | Value::Object(_) | Value::Null => None,
        }
    }

    /// Returns the text under a key of an object.
    pub(super) fn text_at(&self, key: &str) -> Option<&str> {
        let Value::Object(fields) = self else {
            return None;
        };
        let (_, value) = fields.iter().find(|(name, _)| name == key)?;
        value.as_text()
    }

    /// Appends the encoded value.
    ///
    /// Values that are written come from this crate: their texts are shorter than 64 KiB, and they are not deeply
    /// nested.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(number) => {
                out.push(NUMBER);
                out.extend(number.to_be_bytes());
            }
            Value::Boolean(boolean) => out.extend([BOOLEAN, u8::from(*boolean)]),
            Value::Text(text) => {
                out.push(TEXT);
                write_text(text, out);
            }
            Value::Object(fields) => {
                out.push(OBJECT);
                for (key, value) in fields {
                    write_text(key, out);
                    value.write(out);
                }
                out.extend([0, 0, OBJECT_END]);
            }
            Value::Null => out.push(NULL),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let text = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend((text.len() as u16).to_be_bytes());
    out.extend_from_slice(text);
}

/// Encodes several values.
pub(super) fn written(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        value.write(&mut out);
    }
    out
}

/// Reads the values of a command. An AMF3 value ends it: no argument of interest is sent as AMF3.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Value>, Fault> {
    let mut reader = Reader { rest: bytes };
    let mut values = Vec::new();
    while let Some(marker) = reader.rest.first() {
        if *marker == AMF3 {
            break;
        }
        if values.len() == VALUES_MAX {
            return Err(Fault::AmfTooLarge);
        }
        values.push(reader.value()?);
    }
    Ok(values)
}

/// An object or array whose end has not been reached.
#[derive(Debug)]
struct Open {
    fields: Vec<(String, Value)>,
    /// Key of the next value.
    key: String,
    /// Number of values still to come, for arrays. Objects end with a marker.
    left: Option<u32>,
}

/// A complete value, or the beginning of an object or array.
enum Begun {
    Value(Value),
    Object,
    Array(u32),
}

#[derive(Debug)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads one value with everything nested in it. The nesting is kept on an explicit stack, not on the call stack.
    fn value(&mut self) -> Result<Value, Fault> {
        let mut stack: Vec<Open> = Vec::new();
        loop {
            let mut value = match self.begun()? {
                Begun::Value(value) => Some(value),
                Begun::Object => {
                    open(&mut stack, None)?;
                    None
                }
                Begun::Array(count) => {
                    open(&mut stack, Some(count))?;
                    None
                }
            };
            loop {
                let Some(innermost) = stack.last_mut() else {
                    return value.ok_or(Fault::Amf);
                };
                if let Some(value) = value.take() {
                    if innermost.fields.len() == KEYS_MAX {
                        return Err(Fault::AmfTooLarge);
                    }
                    let key = std::mem::take(&mut innermost.key);
                    innermost.fields.push((key, value));
                }
                match self.next_of(innermost)? {
                    Next::Value => break,
                    Next::End => {
                        value = stack.pop().map(|open| Value::Object(open.fields));
                    }
                }
            }
        }
    }

    /// Returns whether the object has another value.
    fn next_of(&mut self, open: &mut Open) -> Result<Next, Fault> {
        match &mut open.left {
            Some(0) => Ok(Next::End),
            Some(left) => {
                *left -= 1;
                Ok(Next::Value)
            }
            None => {
                open.key = self.text()?;
                if open.key.is_empty() && self.rest.first() == Some(&OBJECT_END) {
                    self.take(1)?;
                    return Ok(Next::End);
                }
                Ok(Next::Value)
            }
        }
    }

    fn begun(&mut self) -> Result<Begun, Fault> {
        let value = match self.take(1)?[0] {
            NUMBER => Value::Number(f64::from_be_bytes(self.array()?)),
            BOOLEAN => Value::Boolean(self.take(1)?[0] != 0),
            TEXT => Value::Text(self.text()?),
            LONG_TEXT | XML => {
                let length = u32::from_be_bytes(self.array()?);
                Value::Text(self.text_of(length as usize)?)
            }
            OBJECT => return Ok(Begun::Object),
            TYPED_OBJECT => {
                self.text()?;
                return Ok(Begun::Object);
            }
            // The count before an ECMA array is only a hint: the array ends as objects do.
            ECMA_ARRAY => {
                self.take(4)?;
                return Ok(Begun::Object);
            }
            STRICT_ARRAY => return Ok(Begun::Array(u32::from_be_bytes(self.array()?))),
            NULL | UNDEFINED | UNSUPPORTED => Value::Null,
            DATE => {
                self.take(10)?;
                Value::Null
            }
            _ => return Err(Fault::Amf),
        };
        Ok(Begun::Value(value))
    }

    fn text(&mut self) -> Result<String, Fault> {
        let length = u16::from_be_bytes(self.array()?);
        self.text_of(usize::from(length))
    }

    /// Bytes that are not UTF-8 become replacement characters, which no name contains.
    fn text_of(&mut self, length: usize) -> Result<String, Fault> {
        if length > TEXT_SIZE_BYTES_MAX {
            return Err(Fault::AmfTooLarge);
        }
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| Fault::Amf)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Amf)?;
        self.rest = rest;
        Ok(taken)
    }
}

enum Next {
    Value,
    End,
}

fn open(stack: &mut Vec<Open>, left: Option<u32>) -> Result<(), Fault> {
    if stack.len() == DEPTH_MAX {
        return Err(Fault::AmfTooLarge);
    }
    stack.push(Open {
        fields: Vec::new(),
        key: String::new(),
        left,
    });
    Ok(())
}

#[cfg(test)]
mod tests;
