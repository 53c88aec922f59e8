//! A connection's events in the log of its streaming distribution.
//!
//! The slots for the end of the connection and of the play are reserved with those for their beginning, so that no
//! viewer gets anything that goes unlogged.

use super::opening::{OpenVideo, Viewer};
use crate::context::WorkerContext;
use crate::log::{LogSlot, StreamLine};
use crate::state::EdgeState;
use privet_distribution::config::StreamingDistribution;
use privet_distribution::logging::{LoggedStream, OwnFields, StreamEvent, StreamLogRecord};
use privet_media::rtmp::{Connect, StreamName};
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// The log has no room: the disk has been full for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogFull;

/// The events of one connection. Dropping this writes the last of them.
pub(super) struct Events {
    shared: Rc<WorkerContext>,
    state: Arc<EdgeState>,
    distribution_id: String,
    client: IpAddr,
    client_id: String,
    connect: Connect,
    sent_bytes: Rc<Cell<u64>>,
    disconnect: LogSlot,
    play: Option<LoggedPlay>,
    /// Number of plays so far.
    plays: u32,
}

/// The current play, as the log records it.
struct LoggedPlay {
    name: String,
    query: String,
    extension: String,
    id: u32,
    /// Fingerprint of the grant, for the live copy.
    grant: Option<String>,
    /// Slot for the record that the video has stopped.
    stop: LogSlot,
}

impl Events {
    /// Logs that the viewer has connected.
    pub(super) fn connect(
        viewer: &Viewer,
        connect: Connect,
        streaming: &StreamingDistribution,
        sent_bytes: &Rc<Cell<u64>>,
        (state, shared): (&Arc<EdgeState>, &Rc<WorkerContext>),
    ) -> Result<Events, LogFull> {
        let mut events = Events {
            shared: Rc::clone(shared),
            state: Arc::clone(state),
            distribution_id: streaming.id.clone(),
            client: viewer.peer.ip(),
            client_id: viewer.id.clone(),
            connect,
            sent_bytes: Rc::clone(sent_bytes),
            disconnect: LogSlot::None,
            play: None,
            plays: 0,
        };
        let slot = events.reserve()?;
        events.disconnect = match events.reserve() {
            Ok(disconnect) => disconnect,
            Err(full) => {
                events.give_back(slot);
                return Err(full);
            }
        };
        events.write(StreamEvent::Connect, slot);
        Ok(events)
    }

    /// Logs that a video begins.
    pub(super) fn play(&mut self, video: &OpenVideo) -> Result<(), LogFull> {
        self.stop();
        let slot = self.reserve()?;
        let stop = match self.reserve() {
            Ok(stop) => stop,
            Err(full) => {
                self.give_back(slot);
                return Err(full);
            }
        };
        self.plays = self.plays.saturating_add(1);
        let (name, extension) = StreamName::stem_and_extension(&video.key);
        self.play = Some(LoggedPlay {
            name: name.to_owned(),
            query: video.name.query().to_owned(),
            extension: extension.to_owned(),
            id: self.plays,
            grant: video.grant.clone(),
            stop,
        });
        self.write(StreamEvent::Play, slot);
        Ok(())
    }

    /// Logs that the video continues from another position or after a pause.
    pub(super) fn goes_on(&mut self, event: StreamEvent) -> Result<(), LogFull> {
        let slot = self.reserve()?;
        if let Some(play) = &mut self.play
            && play.stop == LogSlot::None
        {
            match reserve(&self.shared, &self.state) {
                Ok(stop) => play.stop = stop,
                Err(full) => {
                    self.give_back(slot);
                    return Err(full);
                }
            }
        }
        self.write(event, slot);
        Ok(())
    }

    /// Logs why a video does not begin or continue. Without room the record is dropped: the viewer got nothing.
    pub(super) fn refused(&self, event: StreamEvent, name: &StreamName, refusal: &'static str) {
        let Ok(slot) = self.reserve() else {
            return;
        };
        let keys = name.keys();
        let key = keys.first().map(String::as_str).unwrap_or_default();
        let (stem, extension) = StreamName::stem_and_extension(key);
        let stream = LoggedStream {
            name: stem,
            query: Some(name.query()).filter(|query| !query.is_empty()),
            extension,
            id: self.plays,
        };
        let line = StreamLine {
            record: self.record(event, Some(stream)),
            own: OwnFields {
                refusal: Some(refusal),
                grant: None,
            },
        };
        let ends = &self.shared.ends;
        ends.stream(slot, &self.distribution_id, &line);
    }

    /// Logs that the video pauses. The viewer gets nothing for that, so a full log is no reason to refuse it.
    pub(super) fn pause(&mut self) {
        if let Ok(slot) = self.reserve() {
            self.write(StreamEvent::Pause, slot);
        }
    }

    /// Logs that the video has stopped, once. It may continue later.
    pub(super) fn stop(&mut self) {
        let play = self.play.as_mut();
        if let Some(stop) = play.map(|play| std::mem::take(&mut play.stop)) {
            self.write(StreamEvent::Stop, stop);
        }
    }

    fn reserve(&self) -> Result<LogSlot, LogFull> {
        reserve(&self.shared, &self.state)
    }

    fn give_back(&self, slot: LogSlot) {
        self.shared.ends.log.give_back(slot);
    }

    /// Logs an event, for the video that plays, if one does.
    fn write(&self, event: StreamEvent, slot: LogSlot) {
        let play = self.play.as_ref();
        let stream = play.map(|play| LoggedStream {
            name: &play.name,
            query: Some(play.query.as_str()).filter(|query| !query.is_empty()),
            extension: &play.extension,
            id: play.id,
        });
        let line = StreamLine {
            record: self.record(event, stream),
            own: OwnFields {
                refusal: None,
                grant: play.and_then(|play| play.grant.as_deref()),
            },
        };
        let ends = &self.shared.ends;
        ends.stream(slot, &self.distribution_id, &line);
    }

    fn record<'a>(
        &'a self,
        event: StreamEvent,
        stream: Option<LoggedStream<'a>>,
    ) -> StreamLogRecord<'a> {
        let tc_url = self.connect.tc_url.as_deref().unwrap_or_default();
        let (uri_stem, uri_query) = match tc_url.split_once('?') {
            Some((stem, query)) => (stem, Some(query)),
            None => (tc_url, None),
        };
        StreamLogRecord {
            at: self.shared.edge.clock.now(),
            edge_location: &self.state.snapshot.edge.location,
            client: self.client,
            event,
            sc_bytes: self.sent_bytes.get(),
            client_id: &self.client_id,
            uri_stem,
            uri_query,
            referrer: self.connect.swf_url.as_deref(),
            page_url: self.connect.page_url.as_deref(),
            user_agent: self.connect.flash_version.as_deref(),
            stream,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.stop();
        self.play = None;
        let disconnect = std::mem::take(&mut self.disconnect);
        self.write(StreamEvent::Disconnect, disconnect);
    }
}

/// Reserves a slot for one record.
fn reserve(shared: &WorkerContext, state: &EdgeState) -> Result<LogSlot, LogFull> {
    let records_max = state.snapshot.limits.log_queue_records_max;
    match shared.ends.log.reserve(records_max) {
        LogSlot::Refused => Err(LogFull),
        slot @ (LogSlot::Reserved | LogSlot::None) => Ok(slot),
    }
}
