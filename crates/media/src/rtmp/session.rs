//! One viewer's connection: what is said of itself, and what the edge has to decide.
//!
//! One video plays at a time. The commands are those of Adobe's specification, section 7.2, in the order and with the words
//! of its media server, which players expect.

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

/// What the edge has to do or decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// May the viewer connect? Answer with `accept` or `reject`.
    Connect(Connect),
    /// How long is a video? Answer with `measured` or `refuse`.
    Measure(Measure),
    /// Show a video, and end the one that plays. Answer with `start` or `refuse`.
    Play(PlayRequest),
    /// Go on from here. Answer with `start` or `refuse`, which leaves the play as it was.
    Seek(Duration),
    /// Go on after a pause; the viewer is here. Answer with `resume`, `start` or `refuse`.
    Resume(Duration),
    /// Send no more for now; the viewer is here.
    Pause(Duration),
    /// The viewer wants to hold so much.
    Buffer(Duration),
    /// The play is over.
    Stop,
}

/// What a viewer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// The application, as received: `cfx/st`.
    pub application: String,
    /// The whole address without the stream's name: `rtmp://host/cfx/st`.
    pub tc_url: Option<String>,
    /// The page that the player is in.
    pub page_url: Option<String>,
    /// Where the player came from.
    pub swf_url: Option<String>,
    /// The player's name and version.
    pub flash_version: Option<String>,
}

/// A question for the length of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Of the video.
    pub name: StreamName,
}

/// A video to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRequest {
    /// Of the video.
    pub name: StreamName,
    /// Where it begins.
    pub start: Duration,
    /// How much of it is wanted; all if not said.
    pub duration: Option<Duration>,
}

/// Why a viewer may not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectRefusal {
    /// No streaming distribution has this host.
    DistributionNotFound,
    /// The host is one of a download distribution.
    DistributionTypeMismatch,
    /// The application is none.
    InvalidInstance,
    /// The server has no room.
    Busy,
}

/// Why a video is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayRefusal {
    /// The viewer has no grant for it.
    Denied,
    /// There is no such object.
    NotFound,
    /// The object is no video that RTMP can carry.
    Unplayable,
    /// The origin failed.
    Unavailable,
    /// The name is none.
    BadName(BadName),
}

/// How a play begins, or goes on from another place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The body of `onMetaData`.
    pub metadata: Bytes,
    /// What decoders need first.
    pub headers: Vec<Message>,
    /// The time of the first message that follows.
    pub timestamp_ms: u32,
}

/// What waits for the edge's answer.
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
    /// Chunks, of which the first command must be `connect`.
    New,
    /// Connected, with this application.
    Connected(String),
    /// The viewer was turned away; what else it says is not heard.
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
    /// The message stream of the video that plays.
    playing: Option<u32>,
    /// Message streams that the viewer has made, by bit; the first is 1.
    streams: u32,
    /// Of the video's message that was sent last.
    last_timestamp_ms: u32,
    received_size_bytes: u64,
    acknowledged_size_bytes: u64,
    /// After how many bytes the viewer wants to hear that they came.
    window_size_bytes: u64,
}

impl Session {
    /// `random` is only used for the handshake.
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

    /// Takes bytes of the viewer in, up to where the edge has something to do; says how many.
    ///
    /// While an action waits for its answer nothing is taken in.
    ///
    /// # Errors
    ///
    /// The connection is to be ended at once.
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

    /// What is to be sent, and no longer kept here.
    pub fn take_output(&mut self) -> Parts {
        std::mem::take(&mut self.output)
    }

    /// How much is to be sent.
    pub fn output_size_bytes(&self) -> u64 {
        self.output.size_bytes()
    }

    /// Whether the handshake is over.
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Handshake(_) => false,
            Phase::New | Phase::Connected(_) | Phase::Rejected => true,
        }
    }

    /// Whether the viewer was turned away: what is to be sent is the last that it hears.
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

    /// Counts what came, and says so once it is as much as the viewer wants to hear of.
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
            // A command that may hold AMF3, after a byte that says of which kind the first value is.
            COMMAND_AMF3 => {
                let body = received.body.get(1..).unwrap_or_default();
                self.command(received.stream_id, body)
            }
            USER_CONTROL => self.user_control(&received.body),
            WINDOW_ACKNOWLEDGEMENT_SIZE => {
                self.set_window(&received.body)?;
                Ok(None)
            }
            // Acknowledgements, bandwidths, and whatever else a viewer has to say.
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
