//! Chunks: how messages are split and interleaved on the wire. Section 5.3 of the specification.

mod reader;
mod writer;

pub(super) use reader::{ChunkReader, Received, control_number};
pub(super) use writer::{ChunkStream, ChunkWriter, MessageHead};

/// Message types, sections 5.4 and 7.1.
pub(super) mod message_type {
    pub(crate) const SET_CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW_ACKNOWLEDGEMENT_SIZE: u8 = 5;
    pub(crate) const SET_PEER_BANDWIDTH: u8 = 6;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const DATA: u8 = 18;
    pub(crate) const COMMAND: u8 = 20;
}

/// Value of the timestamp field if the timestamp needs four bytes, which then follow the header.
const EXTENDED: u32 = 0xff_ffff;
/// Chunk size until the sender sets another.
const CHUNK_SIZE_BYTES_FIRST: u32 = 128;

#[cfg(test)]
mod tests;
