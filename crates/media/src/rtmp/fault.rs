//! Why a connection is ended: the viewer does not speak RTMP, or exceeds the limits.

use thiserror::Error;

/// A violation of the protocol or of its limits, after which the connection cannot continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The first byte is not the version of plain RTMP.
    #[error("not RTMP: the connection begins with byte {0}")]
    NotRtmp(u8),
    /// A chunk size of 0, or above the limit.
    #[error("chunk size {0} is not from 1 to 65536")]
    ChunkSize(u32),
    /// One message is above its limit, or all unfinished ones together.
    #[error("a message is too large")]
    MessageTooLarge,
    /// More chunk streams than any player uses.
    #[error("too many chunk streams")]
    TooManyChunkStreams,
    /// A chunk that refers to an earlier one of its chunk stream, where there is none.
    #[error("a chunk refers to a message that was never begun")]
    NoEarlierChunk,
    /// A new message begins before the last one of its chunk stream is complete.
    #[error("a message begins within another of its chunk stream")]
    Interrupted,
    /// A control message shorter than its fields.
    #[error("a control message is too short")]
    ControlTooShort,
    /// AMF that ends early or has an unknown kind of value.
    #[error("a command is not AMF0")]
    Amf,
    /// A string, an object or a command larger, or deeper, than the limits.
    #[error("a command is too large")]
    AmfTooLarge,
    /// A command before `connect`, or a second `connect`.
    #[error("a command comes out of turn")]
    OutOfTurn,
}

impl Fault {
    /// Returns a lower-case token for the operator's log.
    pub fn token(&self) -> &'static str {
        match self {
            Fault::NotRtmp(_) => "not-rtmp",
            Fault::ChunkSize(_) => "chunk-size",
            Fault::MessageTooLarge => "message-too-large",
            Fault::TooManyChunkStreams => "chunk-streams",
            Fault::NoEarlierChunk | Fault::Interrupted => "chunk-order",
            Fault::ControlTooShort => "control-too-short",
            Fault::Amf | Fault::AmfTooLarge => "amf",
            Fault::OutOfTurn => "command-order",
        }
    }
}
