//! RTMP without IO: handshake, chunks, messages, and one viewer's session.
//!
//! A [`Session`] takes the viewer's bytes and returns what the edge has to decide: whether the viewer may connect,
//! which video it wants to play. The edge replies by calling it, and sends what [`Session::take_output`] returns: bytes
//! made here, and ranges of the video. A [`Feed`] says which message of the video is due. The protocol is Adobe's "Real
//! Time Messaging Protocol" 1.0.

mod amf;
mod chunk;
mod fault;
mod feed;
mod handshake;
mod name;
mod pacer;
mod session;

pub use fault::Fault;
pub use feed::{Feed, Turn};
pub use handshake::{Hmac, RANDOM_SIZE_BYTES};
pub use name::{BadName, StreamName, VideoKind, host_of, path_of};
pub use pacer::Pacer;
pub use session::{
    Action, Connect, ConnectRefusal, Measure, PlayRefusal, PlayRequest, Session, Start,
};
