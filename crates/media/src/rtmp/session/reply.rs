//! The messages sent to a viewer: their texts and their order.

use super::{Asked, ConnectRefusal, Phase, PlayRefusal, Session, Start};
use crate::rtmp::amf::{Value, written};
use crate::rtmp::chunk::message_type::{
    ACKNOWLEDGEMENT, COMMAND, DATA, SET_PEER_BANDWIDTH, USER_CONTROL, WINDOW_ACKNOWLEDGEMENT_SIZE,
};
use crate::rtmp::chunk::{ChunkStream, MessageHead};
use crate::stream::{Message, MessageKind};
use bytes::Bytes;
use std::time::Duration;

/// Number of sent bytes after which the viewer is to acknowledge them; Adobe's server announces the same.
pub(super) const WINDOW_SIZE_BYTES: u32 = 2_500_000;

/// User control messages, section 7.1.7.
pub(super) mod event {
    pub(in crate::rtmp::session) const STREAM_BEGIN: u16 = 0;
    pub(in crate::rtmp::session) const STREAM_EOF: u16 = 1;
    pub(in crate::rtmp::session) const SET_BUFFER_LENGTH: u16 = 3;
    pub(in crate::rtmp::session) const STREAM_IS_RECORDED: u16 = 4;
    pub(in crate::rtmp::session) const PING_REQUEST: u16 = 6;
    pub(in crate::rtmp::session) const PING_RESPONSE: u16 = 7;
}

#[derive(Clone, Copy)]
pub(super) enum Level {
    Status,
    Error,
}

impl Session {
    /// Accepts the connection.
    pub fn accept(&mut self) {
        let Some(Asked::Connect { transaction }) = self.asked else {
            return;
        };
        self.asked = None;
        self.control(
            WINDOW_ACKNOWLEDGEMENT_SIZE,
            &WINDOW_SIZE_BYTES.to_be_bytes(),
        );
        // The last byte is the limit type, 2: dynamic (section 5.4.5).
        let bandwidth = [&WINDOW_SIZE_BYTES.to_be_bytes()[..], &[2]].concat();
        self.control(SET_PEER_BANDWIDTH, &bandwidth);
        self.writer.enlarge(&mut self.output);
        // Players infer the server's abilities from this version; it stands for one that serves H.264.
        let server = Value::object([
            ("fmsVer", Value::text("FMS/3,5,7,7009")),
            ("capabilities", Value::Number(31.0)),
            ("mode", Value::Number(1.0)),
        ]);
        let result = Value::object([
            ("level", Value::text("status")),
            ("code", Value::text("NetConnection.Connect.Success")),
            ("description", Value::text("Connection succeeded.")),
            ("objectEncoding", Value::Number(0.0)),
        ]);
        self.result(transaction, server, result);
    }

    /// Turns the viewer away. The connection is to be closed once the reply is sent.
    pub fn reject(&mut self, refusal: ConnectRefusal) {
        let Some(Asked::Connect { transaction }) = self.asked else {
            return;
        };
        self.asked = None;
        let (code, word) = match refusal {
            ConnectRefusal::DistributionNotFound => {
                ("NetConnection.Connect.Rejected", "DistributionNotFound")
            }
            ConnectRefusal::DistributionTypeMismatch => {
                ("NetConnection.Connect.Rejected", "DistributionTypeMismatch")
            }
            ConnectRefusal::InvalidInstance => {
                ("NetConnection.Connect.InvalidApp", "InvalidInstance")
            }
            ConnectRefusal::Busy => ("NetConnection.Connect.Rejected", "ServiceUnavailable"),
        };
        self.phase = Phase::Rejected;
        self.error(transaction, code, word);
    }

    /// Reports the length of the video that was asked about.
    pub fn measured(&mut self, duration: Duration) {
        if let Some(Asked::Measure { transaction }) = self.asked {
            self.asked = None;
            let seconds = Value::Number(duration.as_secs_f64());
            self.result(transaction, Value::Null, seconds);
        }
    }

    /// Starts the requested play, or continues the current one from the requested position.
    pub fn start(&mut self, start: &Start) {
        match self.asked {
            Some(Asked::Play { stream_id }) => {
                self.playing = Some(stream_id);
                self.begin(stream_id);
                self.status(stream_id, Level::Status, "NetStream.Play.Reset", "Reset.");
                self.started(stream_id, start);
            }
            Some(Asked::Seek) => {
                let Some(stream_id) = self.playing else {
                    return;
                };
                self.user_control_event(event::STREAM_EOF, stream_id);
                self.begin(stream_id);
                self.status(
                    stream_id,
                    Level::Status,
                    "NetStream.Seek.Notify",
                    "Seeking.",
                );
                self.started(stream_id, start);
            }
            Some(Asked::Resume) => {
                let Some(stream_id) = self.playing else {
                    return;
                };
                self.begin(stream_id);
                self.unpaused(stream_id);
                self.started(stream_id, start);
            }
            Some(Asked::Connect { .. } | Asked::Measure { .. }) | None => return,
        }
        self.asked = None;
    }

    /// Continues after a pause where the play stopped.
    pub fn resume(&mut self) {
        if let (Some(Asked::Resume), Some(stream_id)) = (self.asked, self.playing) {
            self.asked = None;
            self.unpaused(stream_id);
        }
    }

    /// Refuses the requested action, with the reason.
    pub fn refuse(&mut self, refusal: PlayRefusal) {
        let (code, words) = match refusal {
            PlayRefusal::Denied => ("NetStream.Play.Failed", "Access denied."),
            PlayRefusal::NotFound => ("NetStream.Play.StreamNotFound", "Stream not found."),
            PlayRefusal::Unplayable => (
                "NetStream.Play.FileStructureInvalid",
                "The file cannot be streamed.",
            ),
            PlayRefusal::Unavailable => ("NetStream.Play.Failed", "The origin failed."),
            PlayRefusal::BadName(name) => ("NetStream.Play.StreamNotFound", name.word()),
        };
        match self.asked {
            Some(Asked::Measure { transaction }) => self.error(transaction, code, words),
            Some(Asked::Play { stream_id }) => {
                self.status(stream_id, Level::Error, code, words);
                // librtmp does not know this code, and would wait.
                if refusal == PlayRefusal::Unplayable {
                    self.status(stream_id, Level::Error, "NetStream.Play.Failed", words);
                }
            }
            Some(Asked::Seek) => {
                let stream_id = self.playing.unwrap_or_default();
                self.status(stream_id, Level::Error, "NetStream.Seek.Failed", words);
            }
            Some(Asked::Resume) => {
                let stream_id = self.playing.unwrap_or_default();
                self.status(stream_id, Level::Error, code, words);
            }
            Some(Asked::Connect { .. }) | None => return,
        }
        self.asked = None;
    }

    /// Sends one message of the video that plays.
    pub fn media(&mut self, message: &Message) {
        let Some(stream_id) = self.playing else {
            return;
        };
        let stream = match message.kind {
            MessageKind::Audio => ChunkStream::Audio,
            MessageKind::Video => ChunkStream::Video,
            MessageKind::Data => ChunkStream::Status,
        };
        self.last_timestamp_ms = message.timestamp_ms;
        let head = MessageHead {
            stream,
            message_type: message.kind.number(),
            stream_id,
            timestamp_ms: message.timestamp_ms,
        };
        self.writer.write(head, &message.body, &mut self.output);
    }

    /// Reports that all was sent. The viewer may still seek.
    pub fn finish(&mut self) {
        let Some(stream_id) = self.playing else {
            return;
        };
        let complete = Value::object([
            ("level", Value::text("status")),
            ("code", Value::text("NetStream.Play.Complete")),
        ]);
        let body = written(&[Value::text("onPlayStatus"), complete]);
        self.data(stream_id, self.last_timestamp_ms, body.into());
        self.status(stream_id, Level::Status, "NetStream.Play.Stop", "Stopped.");
        self.user_control_event(event::STREAM_EOF, stream_id);
    }

    /// Ends the play that runs: its viewer may not go on. Whatever was asked is not answered any more.
    pub fn cut_off(&mut self) {
        self.asked = None;
        let Some(stream_id) = self.playing.take() else {
            return;
        };
        let code = "NetStream.Play.Failed";
        self.status(stream_id, Level::Error, code, "Access denied.");
        self.user_control_event(event::STREAM_EOF, stream_id);
    }

    /// Pings a silent viewer, to learn if it is still there.
    pub fn ping(&mut self, now: Duration) {
        if self.is_open() {
            self.user_control_event(event::PING_REQUEST, now.as_millis() as u32);
        }
    }

    pub(super) fn reply_acknowledgement(&mut self) {
        // The count wraps around after 4 GiB.
        let received = self.received_size_bytes as u32;
        self.control(ACKNOWLEDGEMENT, &received.to_be_bytes());
    }

    fn begin(&mut self, stream_id: u32) {
        self.writer.forget();
        self.user_control_event(event::STREAM_IS_RECORDED, stream_id);
        self.user_control_event(event::STREAM_BEGIN, stream_id);
    }

    fn unpaused(&mut self, stream_id: u32) {
        let code = "NetStream.Unpause.Notify";
        self.status(stream_id, Level::Status, code, "Unpaused.");
    }

    /// Sends the messages that precede the video's own.
    fn started(&mut self, stream_id: u32, start: &Start) {
        let words = "Started playing.";
        self.status(stream_id, Level::Status, "NetStream.Play.Start", words);
        let access = [
            Value::text("|RtmpSampleAccess"),
            Value::Boolean(true),
            Value::Boolean(true),
        ];
        self.data(stream_id, start.timestamp_ms, written(&access).into());
        self.data(stream_id, start.timestamp_ms, start.metadata.clone());
        for header in &start.headers {
            self.media(&Message {
                timestamp_ms: start.timestamp_ms,
                ..header.clone()
            });
        }
        self.last_timestamp_ms = start.timestamp_ms;
    }

    fn control(&mut self, message_type: u8, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        let head = MessageHead::control(message_type);
        self.writer.write_bytes(head, body, &mut self.output);
    }

    pub(super) fn user_control_event(&mut self, event: u16, data: u32) {
        let body = [&event.to_be_bytes()[..], &data.to_be_bytes()].concat();
        self.control(USER_CONTROL, &body);
    }

    fn data(&mut self, stream_id: u32, timestamp_ms: u32, body: Bytes) {
        if body.is_empty() {
            return;
        }
        let head = MessageHead {
            stream: ChunkStream::Status,
            message_type: DATA,
            stream_id,
            timestamp_ms,
        };
        self.writer.write_bytes(head, body, &mut self.output);
    }

    pub(super) fn result(&mut self, transaction: f64, properties: Value, result: Value) {
        let number = Value::Number(transaction);
        let body = written(&[Value::text("_result"), number, properties, result]);
        self.connection_command(body);
    }

    pub(super) fn error(&mut self, transaction: f64, code: &str, words: &str) {
        let number = Value::Number(transaction);
        let told = told(Level::Error, code, words);
        let body = written(&[Value::text("_error"), number, Value::Null, told]);
        self.connection_command(body);
    }

    fn connection_command(&mut self, body: Vec<u8>) {
        let head = MessageHead {
            stream: ChunkStream::Connection,
            message_type: COMMAND,
            stream_id: 0,
            timestamp_ms: 0,
        };
        self.writer.write_bytes(head, body.into(), &mut self.output);
    }

    /// Sends the status of a stream.
    pub(super) fn status(&mut self, stream_id: u32, level: Level, code: &str, words: &str) {
        let values = [
            Value::text("onStatus"),
            Value::Number(0.0),
            Value::Null,
            told(level, code, words),
        ];
        let head = MessageHead {
            stream: ChunkStream::Status,
            message_type: COMMAND,
            stream_id,
            timestamp_ms: 0,
        };
        let body = written(&values).into();
        self.writer.write_bytes(head, body, &mut self.output);
    }
}

fn told(level: Level, code: &str, words: &str) -> Value {
    let level = match level {
        Level::Status => "status",
        Level::Error => "error",
    };
    Value::object([
        ("level", Value::text(level)),
        ("code", Value::text(code)),
        ("description", Value::text(words)),
    ])
}
