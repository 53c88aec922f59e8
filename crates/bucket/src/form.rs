//! A form that uploads an object (`multipart/form-data`, RFC 7578), read as it arrives: its fields first, then the
//! file, which streams. Pure: bytes in, bytes out.

pub(crate) mod policy;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

const BOUNDARY_LENGTH_MAX: usize = 70;
const FIELDS_MAX: usize = 100;
const HEAD_SIZE_BYTES_MAX: usize = 4 * 1024;
/// Size of all fields together, as S3 limits what precedes the file.
const FIELDS_SIZE_BYTES_MAX: usize = 20 * 1024;
/// Size of what may follow the file: a submit button, the end of the form.
const EPILOGUE_SIZE_BYTES_MAX: u64 = 4 * 1024;

/// The reason why a form is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum FormError {
    #[error("the Content-Type has no boundary that can be read")]
    Boundary,
    #[error("the body of the form is not multipart/form-data")]
    Malformed,
    #[error("the form has too many fields, or too large ones, before the file")]
    TooLarge,
    #[error("the field {0:?} is there twice")]
    Twice(String),
    #[error("the form has no field \"file\"")]
    NoFile,
    #[error("the form ended before its end")]
    Incomplete,
    #[error("the field {0:?} cannot be a header field")]
    Unsendable(String),
}

/// The fields of a form: names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) values: Vec<(String, String)>,
    /// Name of the uploaded file, which stands for `${filename}` in the key.
    pub(crate) filename: String,
}

impl Fields {
    /// Returns the value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the object's key, with the file's name in it: the policy is about this one (S3 API Reference, "POST
    /// Policy": variables are expanded first, and of a path the text after its last slash counts).
    pub(crate) fn key(&self) -> Option<String> {
        let name = self.filename.rsplit(['/', '\\']).next();
        let key = self.get("key")?;
        Some(key.replace("${filename}", name.unwrap_or_default()))
    }

    /// Returns the fields that an object is stored with, and digests, as header fields. One that cannot be sent as a
    /// header field is refused: left out, it would be another form than the policy was held against.
    pub(crate) fn stored(&self) -> Result<HeaderMap, FormError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.values {
            let is_stored = name.starts_with("x-amz-")
                || name.starts_with("content-")
                || ["cache-control", "acl"].contains(&name.as_str());
            if !is_stored {
                continue;
            }
            let field = match name.as_str() {
                "acl" => "x-amz-acl",
                name => name,
            };
            let unsendable = || FormError::Unsendable(name.clone());
            let field = HeaderName::from_bytes(field.as_bytes()).map_err(|_| unsendable())?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unsendable())?;
            if headers.insert(field, value).is_some() {
                return Err(FormError::Twice(name.clone()));
            }
        }
        Ok(headers)
    }
}

/// What a reader has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All fields before the file; the file follows.
    Fields(Fields),
    /// Bytes of the file.
    File(Bytes),
    /// The file has ended.
    End,
    /// More bytes are needed.
    More,
}

/// The reader of one form.
#[derive(Debug)]
pub(crate) struct FormReader {
    /// Line end, two dashes and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
    fields: Fields,
    fields_size_bytes: usize,
    epilogue_size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// After a delimiter: a line end, or two dashes.
    Delimited,
    /// The head of a part.
    Head,
    /// The value of the field of this name.
    Value(String),
    File,
    Epilogue,
}

impl FormReader {
    /// Begins to read a form of this `Content-Type`.
    pub(crate) fn new(content_type: &str) -> Result<Self, FormError> {
        let boundary = boundary(content_type).ok_or(FormError::Boundary)?;
        let mut buffer = BytesMut::new();
        // So that the first delimiter is found like the others.
        buffer.extend_from_slice(b"\r\n");
        Ok(FormReader {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            buffer,
            state: State::Preamble,
            fields: Fields::default(),
            fields_size_bytes: 0,
            epilogue_size_bytes: 0,
        })
    }

    /// Takes bytes that have arrived.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), FormError> {
        if self.state == State::Epilogue {
            self.epilogue_size_bytes += bytes.len() as u64;
            return match self.epilogue_size_bytes > EPILOGUE_SIZE_BYTES_MAX {
                true => Err(FormError::Malformed),
                false => Ok(()),
            };
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Returns an error if the form may not end here.
    pub(crate) fn finish(&self) -> Result<(), FormError> {
        match self.state {
            State::Epilogue => Ok(()),
            State::Preamble | State::Delimited | State::Head | State::Value(_) | State::File => {
                Err(FormError::Incomplete)
            }
        }
    }

    /// Returns what the bytes that have arrived have in them.
    pub(crate) fn next(&mut self) -> Result<Found, FormError> {
        loop {
            let step = match self.state.clone() {
                State::Preamble => self.preamble()?,
                State::Delimited => self.delimited()?,
                State::Head => self.head()?,
                State::Value(name) => self.value(name)?,
                State::File => self.file(),
                State::Epilogue => Some(Found::More),
            };
            if let Some(found) = step {
                return Ok(found);
            }
        }
    }

    /// Skips everything up to and with the first delimiter.
    fn preamble(&mut self) -> Result<Option<Found>, FormError> {
        match find(&self.buffer, &self.delimiter) {
            Some(at) => {
                let _ = self.buffer.split_to(at + self.delimiter.len());
                self.state = State::Delimited;
                Ok(None)
            }
            None if self.buffer.len() > HEAD_SIZE_BYTES_MAX => Err(FormError::Malformed),
            None => Ok(Some(Found::More)),
        }
    }

    fn delimited(&mut self) -> Result<Option<Found>, FormError> {
        if self.buffer.len() < 2 {
            return Ok(Some(Found::More));
        }
        let end = self.buffer.split_to(2);
        match end.as_ref() {
            b"\r\n" => {
                self.state = State::Head;
                Ok(None)
            }
            b"--" => Err(FormError::NoFile),
            _ => Err(FormError::Malformed),
        }
    }

    fn head(&mut self) -> Result<Option<Found>, FormError> {
        let Some(at) = find(&self.buffer, b"\r\n\r\n") else {
            return match self.buffer.len() > HEAD_SIZE_BYTES_MAX {
                true => Err(FormError::TooLarge),
                false => Ok(Some(Found::More)),
            };
        };
        let head = self.buffer.split_to(at + 4);
        self.count(head.len())?;
        let head = std::str::from_utf8(&head).map_err(|_| FormError::Malformed)?;
        let head = PartHead::read(head).ok_or(FormError::Malformed)?;
        if head.name == "file" {
            self.fields.filename = head.filename.unwrap_or_default();
            self.state = State::File;
            return Ok(Some(Found::Fields(std::mem::take(&mut self.fields))));
        }
        if self.fields.get(&head.name).is_some() {
            return Err(FormError::Twice(head.name));
        }
        self.state = State::Value(head.name);
        Ok(None)
    }

    fn value(&mut self, name: String) -> Result<Option<Found>, FormError> {
        let Some(at) = find(&self.buffer, &self.delimiter) else {
            return match self.buffer.len() > FIELDS_SIZE_BYTES_MAX {
                true => Err(FormError::TooLarge),
                false => Ok(Some(Found::More)),
            };
        };
        let value = self.buffer.split_to(at);
        self.count(value.len())?;
        let _ = self.buffer.split_to(self.delimiter.len());
        let value = String::from_utf8(value.to_vec()).map_err(|_| FormError::Malformed)?;
        if self.fields.values.len() == FIELDS_MAX {
            return Err(FormError::TooLarge);
        }
        self.fields.values.push((name, value));
        self.state = State::Delimited;
        Ok(None)
    }

    /// Passes the file's bytes on, except for those that may be the beginning of a delimiter.
    fn file(&mut self) -> Option<Found> {
        if let Some(at) = find(&self.buffer, &self.delimiter) {
            let piece = self.buffer.split_to(at).freeze();
            if !piece.is_empty() {
                return Some(Found::File(piece));
            }
            self.buffer.clear();
            self.state = State::Epilogue;
            return Some(Found::End);
        }
        let kept = self.buffer.len().min(self.delimiter.len() - 1);
        let passed = self.buffer.len() - kept;
        match passed {
            0 => Some(Found::More),
            passed => Some(Found::File(self.buffer.split_to(passed).freeze())),
        }
    }

    fn count(&mut self, size_bytes: usize) -> Result<(), FormError> {
        self.fields_size_bytes += size_bytes;
        match self.fields_size_bytes > FIELDS_SIZE_BYTES_MAX {
            true => Err(FormError::TooLarge),
            false => Ok(()),
        }
    }
}

/// Returns true if a request uploads a form.
pub(crate) fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

fn boundary(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').skip(1).map(str::trim);
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let boundary = boundary.trim_matches('"');
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let is_boundary =
        (1..=BOUNDARY_LENGTH_MAX).contains(&boundary.len()) && boundary.bytes().all(is_known);
    is_boundary.then(|| boundary.to_owned())
}

/// The head of a part. Its `Content-Type` is passed over, as S3 does: no policy covers it.
struct PartHead {
    name: String,
    filename: Option<String>,
}

impl PartHead {
    fn read(head: &str) -> Option<Self> {
        let mut name = None;
        let mut filename = None;
        for line in head.split("\r\n").filter(|line| !line.is_empty()) {
            let (field, value) = line.split_once(':')?;
            if field.eq_ignore_ascii_case("content-disposition") {
                let rest = value.trim().strip_prefix("form-data")?;
                name = parameter(rest, "name");
                filename = parameter(rest, "filename");
            }
        }
        Some(PartHead {
            name: name?.to_ascii_lowercase(),
            filename,
        })
    }
}

/// Returns a parameter of `Content-Disposition`. Browsers write quotes in names as `%22` (HTML, "Multipart form data").
fn parameter(mut text: &str, wanted: &str) -> Option<String> {
    loop {
        text = text.trim_start_matches([';', ' ']);
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.replace("%22", "\""));
        }
        text = rest;
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests;
