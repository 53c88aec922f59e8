//! Assembles a viewer's messages from chunks, under limits.

use super::message_type::{ABORT, SET_CHUNK_SIZE};
use super::{CHUNK_SIZE_BYTES_FIRST, EXTENDED};
use crate::rtmp::fault::Fault;

const CHUNK_SIZE_BYTES_MAX: u32 = 65_536;
const CHUNK_STREAMS_MAX: usize = 32;
const MESSAGE_SIZE_BYTES_MAX: u32 = 65_536;
/// Size limit of all unfinished messages together.
const MESSAGES_SIZE_BYTES_MAX: u32 = 2 * MESSAGE_SIZE_BYTES_MAX;
/// Size of basic header, message header and extended timestamp.
const HEADER_SIZE_BYTES_MAX: usize = 3 + 11 + 4;

/// A message from the viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) message_type: u8,
    pub(crate) stream_id: u32,
    pub(crate) body: Vec<u8>,
}

/// The state of one chunk stream.
#[derive(Debug)]
struct Stream {
    id: u32,
    message_type: u8,
    stream_id: u32,
    size_bytes: u32,
    /// True if chunks without a header repeat the extended timestamp.
    is_extended: bool,
    /// Received part of the unfinished message.
    body: Vec<u8>,
    /// True while a message is unfinished. A message without a body shows in no other way.
    is_open: bool,
}

/// Takes bytes in, and returns messages.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    chunk_size_bytes: u32,
    streams: Vec<Stream>,
    header: Header,
    /// Chunk whose payload is read: the index of its stream, and the number of bytes left.
    payload: Option<(usize, u32)>,
    /// Total size of the unfinished messages, as their headers announce it.
    announced_size_bytes: u32,
}

/// The part of a chunk's header received so far.
#[derive(Debug, Default)]
struct Header {
    bytes: [u8; HEADER_SIZE_BYTES_MAX],
    length: usize,
}

impl ChunkReader {
    pub(crate) fn new() -> Self {
        ChunkReader {
            chunk_size_bytes: CHUNK_SIZE_BYTES_FIRST,
            streams: Vec::new(),
            header: Header::default(),
            payload: None,
            announced_size_bytes: 0,
        }
    }

    /// Consumes bytes up to the end of a message; returns how many.
    ///
    /// Chunk sizes and aborts take effect here and are not returned.
    pub(crate) fn input(&mut self, bytes: &[u8]) -> Result<(usize, Option<Received>), Fault> {
        let mut at = 0;
        loop {
            match self.payload {
                None => {
                    let Some(byte) = bytes.get(at) else {
                        return Ok((at, None));
                    };
                    at += 1;
                    self.header_byte(*byte)?;
                }
                Some((place, left)) => {
                    let rest = &bytes[at..];
                    let taken = rest.len().min(left as usize);
                    at += taken;
                    let stream = &mut self.streams[place];
                    stream.body.extend_from_slice(&rest[..taken]);
                    let left = left - taken as u32;
                    self.payload = Some((place, left));
                    if left > 0 {
                        return Ok((at, None));
                    }
                    if let Some(received) = self.chunk_ended(place)? {
                        return Ok((at, Some(received)));
                    }
                }
            }
        }
    }

    /// Adds a byte to the header, and parses the header once it is complete.
    fn header_byte(&mut self, byte: u8) -> Result<(), Fault> {
        self.header.bytes[self.header.length] = byte;
        self.header.length += 1;
        let Some(basic) = self.header.basic() else {
            return Ok(());
        };
        let known = self.streams.iter().position(|stream| stream.id == basic.id);
        let fields = match basic.format {
            0 => 11,
            1 => 7,
            2 => 3,
            _ => 0,
        };
        let fields_end = basic.size_bytes + fields;
        if self.header.length < fields_end {
            return Ok(());
        }
        let is_extended = match fields {
            0 => known.is_some_and(|place| self.streams[place].is_extended),
            _ => self.header.number(basic.size_bytes, 3) == EXTENDED,
        };
        let end = fields_end + if is_extended { 4 } else { 0 };
        if self.header.length < end {
            return Ok(());
        }
        let place = self.chunk_begun(&basic, known, is_extended)?;
        self.header.length = 0;
        let stream = &self.streams[place];
        let left = stream.size_bytes - stream.body.len() as u32;
        self.payload = Some((place, left.min(self.chunk_size_bytes)));
        Ok(())
    }

    /// Applies a complete header; returns the index of its chunk stream.
    fn chunk_begun(
        &mut self,
        basic: &Basic,
        known: Option<usize>,
        is_extended: bool,
    ) -> Result<usize, Fault> {
        let place = match known {
            Some(place) => place,
            // Some begin a chunk stream with a header that has no message stream id: it is 0, the connection's own.
            None if basic.format <= 1 => self.begin_stream(basic.id)?,
            None => return Err(Fault::NoEarlierChunk),
        };
        let stream = &mut self.streams[place];
        let fields = basic.size_bytes;
        if basic.format < 3 {
            if stream.is_open {
                return Err(Fault::Interrupted);
            }
            stream.is_extended = is_extended;
        }
        if basic.format < 2 {
            stream.size_bytes = self.header.number(fields + 3, 3);
            stream.message_type = self.header.bytes[fields + 6];
        }
        if basic.format == 0 {
            let id = &self.header.bytes[fields + 7..fields + 11];
            stream.stream_id = u32::from_le_bytes(id.try_into().expect("four bytes"));
        }
        if !stream.is_open {
            stream.is_open = true;
            // This cannot overflow: the size has 24 bits, and the sum before it was within the limit.
            self.announced_size_bytes += stream.size_bytes;
            if stream.size_bytes > MESSAGE_SIZE_BYTES_MAX
                || self.announced_size_bytes > MESSAGES_SIZE_BYTES_MAX
            {
                return Err(Fault::MessageTooLarge);
            }
        }
        Ok(place)
    }

    fn begin_stream(&mut self, id: u32) -> Result<usize, Fault> {
        if self.streams.len() == CHUNK_STREAMS_MAX {
            return Err(Fault::TooManyChunkStreams);
        }
        self.streams.push(Stream {
            id,
            message_type: 0,
            stream_id: 0,
            size_bytes: 0,
            is_extended: false,
            body: Vec::new(),
            is_open: false,
        });
        Ok(self.streams.len() - 1)
    }

    /// Returns the message if this was its last chunk.
    fn chunk_ended(&mut self, place: usize) -> Result<Option<Received>, Fault> {
        self.payload = None;
        let stream = &mut self.streams[place];
        if (stream.body.len() as u32) < stream.size_bytes {
            return Ok(None);
        }
        stream.is_open = false;
        self.announced_size_bytes -= stream.size_bytes;
        let received = Received {
            message_type: stream.message_type,
            stream_id: stream.stream_id,
            body: std::mem::take(&mut stream.body),
        };
        match received.message_type {
            SET_CHUNK_SIZE => {
                let size = control_number(&received.body)?;
                if !(1..=CHUNK_SIZE_BYTES_MAX).contains(&size) {
                    return Err(Fault::ChunkSize(size));
                }
                self.chunk_size_bytes = size;
                Ok(None)
            }
            ABORT => {
                self.abort(control_number(&received.body)?);
                Ok(None)
            }
            _ => Ok(Some(received)),
        }
    }

    /// Discards the unfinished message of a chunk stream.
    fn abort(&mut self, id: u32) {
        let open = |stream: &&mut Stream| stream.id == id && stream.is_open;
        if let Some(stream) = self.streams.iter_mut().find(open) {
            stream.is_open = false;
            stream.body = Vec::new();
            self.announced_size_bytes -= stream.size_bytes;
        }
    }
}

/// Returns the number in the first four bytes of a control message.
pub(crate) fn control_number(body: &[u8]) -> Result<u32, Fault> {
    let number = body.first_chunk().ok_or(Fault::ControlTooShort)?;
    Ok(u32::from_be_bytes(*number))
}

/// The basic header: format and chunk stream.
struct Basic {
    format: u8,
    id: u32,
    size_bytes: usize,
}

impl Header {
    /// Returns `None` while the basic header is incomplete.
    fn basic(&self) -> Option<Basic> {
        let bytes = &self.bytes[..self.length];
        let first = *bytes.first()?;
        let (id, size_bytes) = match first & 0x3f {
            0 => (64 + u32::from(*bytes.get(1)?), 2),
            1 => {
                let high = u32::from(*bytes.get(2)?);
                (64 + u32::from(*bytes.get(1)?) + 256 * high, 3)
            }
            id => (u32::from(id), 1),
        };
        Some(Basic {
            format: first >> 6,
            id,
            size_bytes,
        })
    }

    /// Returns a big-endian number of up to four bytes.
    fn number(&self, at: usize, length: usize) -> u32 {
        let bytes = &self.bytes[at..at + length];
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}
