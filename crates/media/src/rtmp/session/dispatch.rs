//! Handles a viewer's commands and control messages.

use super::command::Command;
use super::reply::{Level, event};
use super::{
    Action, Asked, Connect, ConnectRefusal, Measure, Phase, PlayRefusal, PlayRequest, Session,
};
use crate::rtmp::amf::Value;
use crate::rtmp::chunk::control_number;
use crate::rtmp::fault::Fault;
use crate::rtmp::name::{BadName, StreamName};
use std::time::Duration;

/// Number of message streams of one connection.
const STREAMS_MAX: u32 = 16;

impl Session {
    pub(super) fn connect(&mut self, transaction: f64, connect: Connect) -> Option<Action> {
        self.asked = Some(Asked::Connect { transaction });
        if !StreamName::is_application(&connect.application) {
            self.reject(ConnectRefusal::InvalidInstance);
            return None;
        }
        self.phase = Phase::Connected(connect.application.clone());
        Some(Action::Connect(connect))
    }

    /// Handles a command after `connect`.
    pub(super) fn connected_command(
        &mut self,
        application: &str,
        stream_id: u32,
        command: Command,
    ) -> Option<Action> {
        match command {
            Command::Connect { transaction, .. } => {
                let words = "Already connected.";
                self.error(transaction, "NetConnection.Connect.Failed", words);
                None
            }
            Command::CreateStream { transaction } => {
                self.create_stream(transaction);
                None
            }
            Command::DeleteStream { stream_id } => self.delete_stream(stream_id as u32),
            Command::Close => self.playing.take().map(|_| Action::Stop),
            Command::Measure { transaction, name } => {
                self.asked = Some(Asked::Measure { transaction });
                let name = self.named(StreamName::read(application, &name))?;
                Some(Action::Measure(Measure { name }))
            }
            Command::Play {
                name,
                start,
                duration,
            } => {
                self.asked = Some(Asked::Play { stream_id });
                let name = self.named(StreamName::read(application, &name))?;
                self.playing = None;
                Some(Action::Play(PlayRequest {
                    name,
                    start,
                    duration,
                }))
            }
            Command::Seek(position) => {
                self.ask_playing(Asked::Seek)?;
                Some(Action::Seek(position))
            }
            Command::Resume(position) => {
                self.ask_playing(Asked::Resume)?;
                Some(Action::Resume(position))
            }
            Command::Pause(position) => {
                let stream_id = self.playing?;
                let words = "Paused.";
                self.status(stream_id, Level::Status, "NetStream.Pause.Notify", words);
                Some(Action::Pause(position))
            }
            Command::PreparePublish { transaction } => {
                let words = "Nothing can be published here.";
                self.error(transaction, "NetConnection.Call.Failed", words);
                None
            }
            Command::Publish => {
                let words = "Nothing can be published here.";
                self.status(stream_id, Level::Error, "NetStream.Publish.Denied", words);
                None
            }
        }
    }

    /// Requests an action of the edge for the video that plays; does nothing if none plays.
    fn ask_playing(&mut self, asked: Asked) -> Option<()> {
        self.playing?;
        self.asked = Some(asked);
        Some(())
    }

    fn named(&mut self, name: Result<StreamName, BadName>) -> Option<StreamName> {
        match name {
            Ok(name) => Some(name),
            Err(bad) => {
                self.refuse(PlayRefusal::BadName(bad));
                None
            }
        }
    }

    fn create_stream(&mut self, transaction: f64) {
        let id = (1..=STREAMS_MAX).find(|id| self.streams & 1 << id == 0);
        match id {
            Some(id) => {
                self.streams |= 1 << id;
                self.result(transaction, Value::Null, Value::Number(id.into()));
            }
            None => {
                let words = "Too many streams.";
                self.error(transaction, "NetConnection.Call.Failed", words);
            }
        }
    }

    fn delete_stream(&mut self, stream_id: u32) -> Option<Action> {
        if (1..=STREAMS_MAX).contains(&stream_id) {
            self.streams &= !(1 << stream_id);
        }
        let stopped = self.playing.take_if(|playing| *playing == stream_id);
        stopped.map(|_| Action::Stop)
    }

    pub(super) fn user_control(&mut self, body: &[u8]) -> Result<Option<Action>, Fault> {
        let (event, data) = body.split_first_chunk().ok_or(Fault::ControlTooShort)?;
        match u16::from_be_bytes(*event) {
            event::SET_BUFFER_LENGTH => {
                // The stream's id, and the buffer length in milliseconds.
                let length = control_number(data.get(4..).unwrap_or_default())?;
                let buffer = Duration::from_millis(length.into());
                Ok(Some(Action::Buffer(buffer)))
            }
            event::PING_REQUEST => {
                self.user_control_event(event::PING_RESPONSE, control_number(data)?);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn set_window(&mut self, body: &[u8]) -> Result<(), Fault> {
        self.window_size_bytes = control_number(body)?.into();
        Ok(())
    }
}
