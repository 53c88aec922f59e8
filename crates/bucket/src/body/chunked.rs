//! `aws-chunked`: the framing in which clients send bodies with signed chunks, with checksums that follow, or both (S3 API
//! Reference, "Transferring Payload in Multiple Chunks"). Pure: bytes in, bytes out.

use crate::body::BodyError;
use crate::encoding::unhex;
use crate::sigv4::{ChunkKind, ChunkSigner};
use aws_lc_rs::digest;
use bytes::{Buf, Bytes};
use std::sync::{Arc, Mutex, PoisonError};

/// Size of a line of framing: a length, a signature.
const LINE_SIZE_BYTES_MAX: usize = 256;
/// Size of the header fields after the last chunk.
const TRAILER_SIZE_BYTES_MAX: usize = 4096;
const SIGNATURE_FIELD: &str = "x-amz-trailer-signature";

/// Header fields after the last chunk, names in lower case.
pub(crate) type Trailer = Vec<(String, String)>;

/// The place in which a trailer appears once the body was read to its end. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrailerSlot(Arc<Mutex<Option<Trailer>>>);

impl TrailerSlot {
    pub(super) fn fill(&self, trailer: Trailer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trailer);
    }

    /// Returns the trailer; `None` as long as the body has not ended.
    pub(crate) fn take(&self) -> Option<Trailer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What was announced of a body in chunks.
#[derive(Debug)]
pub(crate) struct Framing {
    /// Checks the signatures of chunks, if they have them.
    pub(crate) signer: Option<ChunkSigner>,
    /// Names of the header fields that follow; `None` if none may.
    pub(crate) trailer: Option<Vec<String>>,
    /// Number of bytes of the body itself.
    pub(crate) length: u64,
}

/// The decoder of one body.
pub(crate) struct Chunked {
    framing: Framing,
    state: State,
    /// Line of framing that has not ended yet, or the trailer.
    line: Vec<u8>,
    /// Bytes of the body that were announced and not begun.
    left: u64,
    digest: digest::Context,
    signature: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A line with the length of a chunk.
    Header,
    /// Bytes of a chunk, and how many are to come.
    Data(u64),
    /// The line end after a chunk.
    DataEnd,
    /// Header fields, and the empty line that ends them.
    Trailer,
    End,
}

impl Chunked {
    pub(crate) fn new(framing: Framing) -> Self {
        Chunked {
            left: framing.length,
            framing,
            state: State::Header,
            line: Vec::new(),
            digest: digest::Context::new(&digest::SHA256),
            signature: [0; 32],
        }
    }

    /// Takes the next bytes of the body out of `input`; `None` if that is used up.
    pub(crate) fn take(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, BodyError> {
        while !input.is_empty() {
            match self.state {
                State::Header => {
                    if let Some(line) = self.read_line(input, LINE_SIZE_BYTES_MAX)? {
                        self.begin_chunk(&line)?;
                    }
                }
                State::Data(left) => return Ok(Some(self.read_data(input, left)?)),
                State::DataEnd => {
                    if let Some(line) = self.read_line(input, 2)? {
                        if !line.is_empty() {
                            return Err(BodyError::Chunks("a chunk is longer than its length"));
                        }
                        self.state = State::Header;
                    }
                }
                State::Trailer => self.read_trailer(input)?,
                State::End => return Err(BodyError::Chunks("something follows the last chunk")),
            }
        }
        Ok(None)
    }

    /// Checks that the body has ended, and returns its trailer.
    pub(crate) fn finish(&mut self) -> Result<Trailer, BodyError> {
        match self.state {
            State::End => self.trailer(),
            State::Header | State::Data(_) | State::DataEnd | State::Trailer => {
                Err(BodyError::TooShort)
            }
        }
    }

    /// Returns a line without its end, once that has come.
    fn read_line(&mut self, input: &mut Bytes, max: usize) -> Result<Option<Vec<u8>>, BodyError> {
        while input.has_remaining() {
            self.line.push(input.get_u8());
            if self.line.ends_with(b"\r\n") {
                let mut line = std::mem::take(&mut self.line);
                line.truncate(line.len() - 2);
                return Ok(Some(line));
            }
            if self.line.len() >= max {
                return Err(BodyError::Chunks("a line is too long"));
            }
        }
        Ok(None)
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), BodyError> {
        let line =
            std::str::from_utf8(line).map_err(|_| BodyError::Chunks("a line is not ASCII"))?;
        let (length, extension) = match line.split_once(';') {
            Some((length, extension)) => (length, Some(extension)),
            None => (line, None),
        };
        let is_number =
            (1..=16).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length = match is_number {
            true => u64::from_str_radix(length, 16).ok(),
            false => None,
        }
        .ok_or(BodyError::Chunks("a length is not hexadecimal"))?;
        if self.framing.signer.is_some() {
            self.signature = extension
                .and_then(|text| text.strip_prefix("chunk-signature="))
                .and_then(|text| unhex(text.as_bytes()))
                .ok_or(BodyError::Chunks("a chunk has no signature"))?;
        }
        if length > self.left {
            return Err(BodyError::TooLong);
        }
        self.left -= length;
        if length > 0 {
            self.state = State::Data(length);
            return Ok(());
        }
        if self.left > 0 {
            return Err(BodyError::TooShort);
        }
        self.check_chunk()?;
        self.state = State::Trailer;
        Ok(())
    }

    fn read_data(&mut self, input: &mut Bytes, left: u64) -> Result<Bytes, BodyError> {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let piece = input.split_to(taken);
        if self.framing.signer.is_some() {
            self.digest.update(&piece);
        }
        let left = left - taken as u64;
        self.state = State::Data(left);
        if left == 0 {
            self.check_chunk()?;
            self.state = State::DataEnd;
        }
        Ok(piece)
    }

    /// Compares the signature of a chunk that was read whole.
    fn check_chunk(&mut self) -> Result<(), BodyError> {
        let Some(signer) = &mut self.framing.signer else {
            return Ok(());
        };
        let fresh = digest::Context::new(&digest::SHA256);
        let content = std::mem::replace(&mut self.digest, fresh).finish();
        signer
            .check(ChunkKind::Data, content.as_ref(), &self.signature)
            .map_err(|_| BodyError::ChunkSignature)
    }

    /// Reads header fields up to the empty line. Some clients end with the last field's own line end.
    fn read_trailer(&mut self, input: &mut Bytes) -> Result<(), BodyError> {
        while input.has_remaining() {
            if self.state == State::End {
                return Ok(());
            }
            self.line.push(input.get_u8());
            if self.line == b"\r\n" || self.line.ends_with(b"\r\n\r\n") {
                self.state = State::End;
            } else if self.line.len() >= TRAILER_SIZE_BYTES_MAX {
                return Err(BodyError::Chunks("the trailer is too long"));
            }
        }
        Ok(())
    }

    /// Reads the header fields that came, which have to be those that were announced.
    fn trailer(&mut self) -> Result<Trailer, BodyError> {
        let text = std::mem::take(&mut self.line);
        let text =
            String::from_utf8(text).map_err(|_| BodyError::Chunks("the trailer is not ASCII"))?;
        let mut fields = Trailer::new();
        let mut signature = None;
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line
                .split_once(':')
                .ok_or(BodyError::Chunks("the trailer has a line without a colon"))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            if name == SIGNATURE_FIELD {
                signature = Some(value);
            } else {
                fields.push((name, value));
            }
        }
        let announced = self.framing.trailer.take().unwrap_or_default();
        let has_all = announced
            .iter()
            .all(|name| fields.iter().filter(|(known, _)| known == name).count() == 1);
        if !has_all || fields.len() != announced.len() {
            return Err(BodyError::Chunks(
                "the trailer is not what x-amz-trailer announced",
            ));
        }
        self.check_trailer(&fields, signature.as_deref())?;
        Ok(fields)
    }

    fn check_trailer(
        &mut self,
        fields: &Trailer,
        signature: Option<&str>,
    ) -> Result<(), BodyError> {
        let Some(signer) = self.framing.signer.as_mut().filter(|_| !fields.is_empty()) else {
            return Ok(());
        };
        let signature = signature
            .and_then(|text| unhex(text.as_bytes()))
            .ok_or(BodyError::Chunks("the trailer has no signature"))?;
        let mut signed = String::new();
        for (name, value) in fields {
            signed.push_str(&format!("{name}:{value}\n"));
        }
        let content = digest::digest(&digest::SHA256, signed.as_bytes());
        signer
            .check(ChunkKind::Trailer, content.as_ref(), &signature)
            .map_err(|_| BodyError::ChunkSignature)
    }
}
