//! One viewer's connection: the state of the protocol, and the actions that the edge has to take.
//!
//! One video plays at a time. The commands are those of Adobe's specification, section 7.2; their replies have the
//! order and the texts of Adobe's media server, which players expect.

mod command;
mod dispatch;
mod reply;

use super::amf::read;
use super::chunk::message_type::{
    COMMAND, COMMAND_AMF3, USER_CONTROL, WINDOW_ACKNOWLEDGEMENT_SIZE,
};
use super::chunk::{ChunkReader, ChunkWriter, Received};
use super::fault::Fault;
use super::handshake::{Handshake, Hmac, Progress, RANDOM_SIZE_BYTES};
use super::name::{BadName, StreamName};
use crate::Parts;
use crate::stream::Message;
use bytes::Bytes;
use command::Command;
use std::time::Duration;

/// An action that the edge has to take or decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The viewer wants to connect. Reply with `accept` or `reject`.
    Connect(Connect),
    /// The viewer requests the length of a video. Reply with `measured` or `refuse`.
    Measure(Measure),
    /// Play a video, and end the one that plays. Reply with `start` or `refuse`.
    Play(PlayRequest),
    /// Continue from this position. Reply with `start` or `refuse`, which leaves the play as it was.
    Seek(Duration),
    /// Continue after a pause; the viewer is at this position. Reply with `resume`, `start` or `refuse`.
    Resume(Duration),
    /// Send no more for now; the viewer is at this position.
    Pause(Duration),
    /// The viewer wants to buffer this much.
    Buffer(Duration),
    /// The play is over.
    Stop,
}

/// A viewer's description of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// The application, as received: `cfx/st`.
    pub application: String,
    /// The whole URL without the stream's name: `rtmp://host/cfx/st`.
    pub tc_url: Option<String>,
    /// The URL of the page that the player is in.
    pub page_url: Option<String>,
    /// The URL that the player was loaded from.
    pub swf_url: Option<String>,
    /// The player's name and version.
    pub flash_version: Option<String>,
}

/// A request for the length of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Name of the video.
    pub name: StreamName,
}

/// A request to play a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRequest {
    /// Name of the video.
    pub name: StreamName,
    /// Position at which playback begins.
    pub start: Duration,
    /// Length of the requested part; `None` means all of it.
    pub duration: Option<Duration>,
}

/// The reason why a viewer may not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectRefusal {
    /// No streaming distribution has this host.
    DistributionNotFound,
    /// The host is one of a download distribution.
    DistributionTypeMismatch,
    /// The application is not that of a streaming distribution.
    InvalidInstance,
    /// The server is at its limit.
    Busy,
}

/// The reason why a video is not played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayRefusal {
    /// The viewer has no grant for it.
    Denied,
    /// There is no such object.
    NotFound,
    /// RTMP cannot carry the object as a video.
    Unplayable,
    /// The origin failed.
    Unavailable,
    /// The name is invalid.
    BadName(BadName),
}

/// The messages with which a play begins, or continues from another position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The body of `onMetaData`.
    pub metadata: Bytes,
    /// Decoder configurations, which are sent before the samples.
    pub headers: Vec<Message>,
    /// The time of the first message that follows.
    pub timestamp_ms: u32,
}

/// The action that awaits the edge's reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Connect { transaction: f64 },
    Measure { transaction: f64 },
    Play { stream_id: u32 },
    Seek,
    Resume,
}

#[derive(Debug)]
enum Phase {
    Handshake(Handshake),
    /// Chunks follow, of which the first command must be `connect`.
    New,
    /// Connected, with this application.
    Connected(String),
    /// The viewer was turned away; its further input is ignored.
    Rejected,
}

/// One viewer's connection.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    reader: ChunkReader,
    writer: ChunkWriter,
    output: Parts,
    asked: Option<Asked>,
    /// Message stream of the video that plays.
    playing: Option<u32>,
    /// Bit set of the message streams that the viewer has created; the first is 1.
    streams: u32,
    /// Timestamp of the video's message that was sent last.
    last_timestamp_ms: u32,
    received_size_bytes: u64,
    acknowledged_size_bytes: u64,
    /// Number of received bytes after which the viewer expects an acknowledgement.
    window_size_bytes: u64,
}

impl Session {
    /// Creates a session; `random` is only used for the handshake.
    pub fn new(random: Box<[u8; RANDOM_SIZE_BYTES]>, hmac: Hmac) -> Session {
        Session {
            phase: Phase::Handshake(Handshake::new(random, hmac)),
            reader: ChunkReader::new(),
            writer: ChunkWriter::new(),
            output: Parts::default(),
            asked: None,
            playing: None,
            streams: 0,
            last_timestamp_ms: 0,
            received_size_bytes: 0,
            acknowledged_size_bytes: 0,
            window_size_bytes: reply::WINDOW_SIZE_BYTES.into(),
        }
    }

    /// Consumes bytes of the viewer up to the next action; returns how many, and the action.
    ///
    /// While an action awaits its reply, nothing is consumed.
    ///
    /// # Errors
    ///
    /// After a fault the connection must be closed at once.
    pub fn input(&mut self, bytes: &[u8]) -> Result<(usize, Option<Action>), Fault> {
        let mut at = 0;
        while self.asked.is_none() && at < bytes.len() {
            let rest = &bytes[at..];
            let (taken, action) = match &mut self.phase {
                Phase::Handshake(_) => (self.handshake(rest)?, None),
                Phase::New | Phase::Connected(_) => self.chunks(rest)?,
                Phase::Rejected => (rest.len(), None),
            };
            at += taken;
            self.received(taken);
            if action.is_some() {
                return Ok((at, action));
            }
        }
        Ok((at, None))
    }

    /// Takes the bytes that are to be sent out of the session.
    pub fn take_output(&mut self) -> Parts {
        std::mem::take(&mut self.output)
    }

    /// Returns the number of bytes that are to be sent.
    pub fn output_size_bytes(&self) -> u64 {
        self.output.size_bytes()
    }

    /// Returns true once the handshake is over.
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Handshake(_) => false,
            Phase::New | Phase::Connected(_) | Phase::Rejected => true,
        }
    }

    /// Returns true if the viewer was turned away: the pending output is the last that it receives.
    pub fn is_rejected(&self) -> bool {
        match self.phase {
            Phase::Rejected => true,
            Phase::Handshake(_) | Phase::New | Phase::Connected(_) => false,
        }
    }

    fn handshake(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let Phase::Handshake(handshake) = &mut self.phase else {
            return Ok(0);
        };
        let (taken, progress) = handshake.input(bytes)?;
        match progress {
            Progress::Waiting => {}
            Progress::Answer(answer) => self.output.push_bytes(answer.into()),
            Progress::Complete => self.phase = Phase::New,
        }
        Ok(taken)
    }

    fn chunks(&mut self, bytes: &[u8]) -> Result<(usize, Option<Action>), Fault> {
        let (taken, received) = self.reader.input(bytes)?;
        let action = match received {
            Some(received) => self.message(&received)?,
            None => None,
        };
        Ok((taken, action))
    }

    /// Counts received bytes, and acknowledges them once they fill the viewer's window.
    fn received(&mut self, size_bytes: usize) {
        self.received_size_bytes += size_bytes as u64;
        let unacknowledged = self.received_size_bytes - self.acknowledged_size_bytes;
        if unacknowledged >= self.window_size_bytes && self.is_open() {
            self.acknowledged_size_bytes = self.received_size_bytes;
            self.reply_acknowledgement();
        }
    }

    fn message(&mut self, received: &Received) -> Result<Option<Action>, Fault> {
        match received.message_type {
            COMMAND => self.command(received.stream_id, &received.body),
            // A command that may hold AMF3, after a byte that names the format of the first value.
            COMMAND_AMF3 => {
                let body = received.body.get(1..).unwrap_or_default();
                self.command(received.stream_id, body)
            }
            USER_CONTROL => self.user_control(&received.body),
            WINDOW_ACKNOWLEDGEMENT_SIZE => {
                self.set_window(&received.body)?;
                Ok(None)
            }
            // Acknowledgements, bandwidths, and all other messages need no reply.
            _ => Ok(None),
        }
    }

    fn command(&mut self, stream_id: u32, body: &[u8]) -> Result<Option<Action>, Fault> {
        let values = read(body)?;
        let Some(command) = Command::of(&values) else {
            return Ok(None);
        };
        match &self.phase {
            Phase::Connected(application) => {
                let application = application.clone();
                Ok(self.connected_command(&application, stream_id, command))
            }
            Phase::New => match command {
                Command::Connect {
                    transaction,
                    connect,
                } => Ok(self.connect(transaction, connect)),
                Command::CreateStream { .. }
                | Command::DeleteStream { .. }
                | Command::Close
                | Command::Measure { .. }
                | Command::Play { .. }
                | Command::Seek(_)
                | Command::Pause(_)
                | Command::Resume(_)
                | Command::PreparePublish { .. }
                | Command::Publish => Err(Fault::OutOfTurn),
            },
            Phase::Handshake(_) | Phase::Rejected => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
