//! Splits messages into chunks: headers made here, and ranges of the video between them.

use super::message_type::SET_CHUNK_SIZE;
use super::{CHUNK_SIZE_BYTES_FIRST, EXTENDED};
use crate::{Part, Parts};
use bytes::{BufMut, Bytes, BytesMut};

/// The announced chunk size. It is larger than most samples, so that most messages are one header and one range.
const CHUNK_SIZE_BYTES: u32 = 65_536;
/// Allocation size of the buffer for headers.
const HEADERS_SIZE_BYTES: usize = 1024;
/// Size up to which bytes made here are copied behind the header before them.
const COPIED_SIZE_BYTES_MAX: usize = 64;
/// Size limit of a message: its length has 24 bits.
const MESSAGE_SIZE_BYTES_MAX: u64 = 0xff_ffff;

/// The chunk streams in use, by what is sent in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkStream {
    /// Protocol control messages: section 5.4 prescribes 2.
    Control,
    /// Replies to commands of the connection.
    Connection,
    /// Status and metadata of a stream.
    Status,
    Audio,
    Video,
}

const CHUNK_STREAMS: usize = 5;

impl ChunkStream {
    fn id(self) -> u8 {
        match self {
            ChunkStream::Control => 2,
            ChunkStream::Connection => 3,
            ChunkStream::Status => 5,
            ChunkStream::Audio => 6,
            ChunkStream::Video => 7,
        }
    }
}

/// What is said of a message beside its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageHead {
    pub(crate) stream: ChunkStream,
    pub(crate) message_type: u8,
    /// 0 for what is about the whole connection.
    pub(crate) stream_id: u32,
    pub(crate) timestamp_ms: u32,
}

impl MessageHead {
    /// A message of the protocol itself.
    pub(crate) fn control(message_type: u8) -> Self {
        MessageHead {
            stream: ChunkStream::Control,
            message_type,
            stream_id: 0,
            timestamp_ms: 0,
        }
    }
}

/// The values that the next header of a chunk stream may omit.
#[derive(Clone, Copy, Debug)]
struct Last {
    stream_id: u32,
    timestamp_ms: u32,
}

/// Writes messages as chunks into [`Parts`].
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    chunk_size_bytes: u64,
    last: [Option<Last>; CHUNK_STREAMS],
    headers: BytesMut,
}

impl ChunkWriter {
    pub(crate) fn new() -> Self {
        ChunkWriter {
            chunk_size_bytes: u64::from(CHUNK_SIZE_BYTES_FIRST),
            last: [None; CHUNK_STREAMS],
            headers: BytesMut::new(),
        }
    }

    /// Announces the larger chunk size, and uses it from then on.
    pub(crate) fn enlarge(&mut self, out: &mut Parts) {
        let size = CHUNK_SIZE_BYTES.to_be_bytes();
        let body = Bytes::copy_from_slice(&size);
        self.write_bytes(MessageHead::control(SET_CHUNK_SIZE), body, out);
        self.chunk_size_bytes = u64::from(CHUNK_SIZE_BYTES);
    }

    /// Makes the next message of every chunk stream have a full header: timestamps start again.
    pub(crate) fn forget(&mut self) {
        self.last = [None; CHUNK_STREAMS];
    }

    /// Appends a message made here.
    pub(crate) fn write_bytes(&mut self, head: MessageHead, body: Bytes, out: &mut Parts) {
        let mut parts = Parts::default();
        parts.push_bytes(body);
        self.write(head, &parts, out);
    }

    /// Appends a message; omits one that is too long for RTMP.
    pub(crate) fn write(&mut self, head: MessageHead, body: &Parts, out: &mut Parts) {
        let MessageHead {
            stream,
            message_type,
            stream_id,
            timestamp_ms,
        } = head;
        let size_bytes = body.size_bytes();
        if size_bytes > MESSAGE_SIZE_BYTES_MAX {
            return;
        }
        let slot = &mut self.last[stream as usize];
        let delta = slot.and_then(|last| {
            let same = last.stream_id == stream_id;
            same.then(|| timestamp_ms.checked_sub(last.timestamp_ms))?
        });
        *slot = Some(Last {
            stream_id,
            timestamp_ms,
        });
        let time = delta.unwrap_or(timestamp_ms);
        let extended = (time >= EXTENDED).then_some(time);
        if self.headers.capacity() < HEADERS_SIZE_BYTES / 8 {
            self.headers.reserve(HEADERS_SIZE_BYTES);
        }
        let format = if delta.is_some() { 1 << 6 } else { 0 };
        self.headers.put_u8(format | stream.id());
        self.headers.put_uint(u64::from(time.min(EXTENDED)), 3);
        self.headers.put_uint(size_bytes, 3);
        self.headers.put_u8(message_type);
        if delta.is_none() {
            self.headers.put_u32_le(stream_id);
        }
        self.put_extended(extended);
        let mut position = 0;
        loop {
            let end = size_bytes.min(position + self.chunk_size_bytes);
            self.append(&body.slice(position, end), out);
            position = end;
            if position == size_bytes {
                break;
            }
            self.headers.put_u8(3 << 6 | stream.id());
            self.put_extended(extended);
        }
        out.push_bytes(self.headers.split().freeze());
    }

    /// Appends the extended timestamp, if there is one.
    fn put_extended(&mut self, extended: Option<u32>) {
        if let Some(time) = extended {
            self.headers.put_u32(time);
        }
    }

    /// Appends the payload of a chunk after its header; copies short bytes made here, so that both are one part.
    fn append(&mut self, payload: &Parts, out: &mut Parts) {
        for part in payload.as_slice() {
            match part {
                Part::Bytes(bytes) if bytes.len() <= COPIED_SIZE_BYTES_MAX => {
                    self.headers.put_slice(bytes);
                }
                Part::Bytes(bytes) => {
                    out.push_bytes(self.headers.split().freeze());
                    out.push_bytes(bytes.clone());
                }
                Part::Source { offset, size_bytes } => {
                    out.push_bytes(self.headers.split().freeze());
                    out.push_source(*offset, *size_bytes);
                }
            }
        }
    }
}
