//! A connection's events in the log of its streaming distribution.
//!
//! The slots for the end of the connection and of the play are reserved with those for their beginning, so that no
//! viewer gets anything that goes unlogged.

use super::opening::{NotPlayed, OpenVideo, Viewer};
use crate::context::WorkerContext;
use crate::log::{LogOf, LogSlot, StreamLine};
use crate::state::EdgeState;
use privet_distribution::config::{DistributionLogging, StreamingDistribution};
use privet_distribution::logging::{LoggedStream, OwnFields, StreamEvent, StreamLogRecord};
use privet_media::rtmp::{Connect, StreamName};
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// The log has no room: the disk has been full for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogFull;

/// A viewer that asks to be connected, with the facts that every record of the connection has.
pub(super) struct Caller {
    shared: Rc<WorkerContext>,
    state: Arc<EdgeState>,
    client: IpAddr,
    client_id: String,
    connect: Connect,
    sent_bytes: Rc<Cell<u64>>,
}

impl Caller {
    pub(super) fn new(
        viewer: &Viewer,
        connect: Connect,
        sent_bytes: &Rc<Cell<u64>>,
        (state, shared): (&Arc<EdgeState>, &Rc<WorkerContext>),
    ) -> Self {
        Caller {
            shared: Rc::clone(shared),
            state: Arc::clone(state),
            client: viewer.peer.ip(),
            client_id: viewer.id.clone(),
            connect,
            sent_bytes: Rc::clone(sent_bytes),
        }
    }

    /// Logs that the viewer has connected.
    pub(super) fn connect(self, streaming: &StreamingDistribution) -> Result<Events, LogFull> {
        let [slot, disconnect] = match self.reserve_two() {
            Ok(slots) => slots,
            Err(full) => {
                self.refused(Some(streaming), NotPlayed::UNLOGGED.token);
                return Err(full);
            }
        };
        let events = Events {
            caller: self,
            distribution_id: streaming.id.clone(),
            logging: streaming.logging.clone(),
            disconnect,
            play: None,
            plays: 0,
        };
        events.write(StreamEvent::Connect, slot);
        Ok(events)
    }

    /// Records that the viewer is not connected. No log has a line for it: there is no distribution, or no room.
    pub(super) fn refused(&self, streaming: Option<&StreamingDistribution>, refusal: &'static str) {
        let line = StreamLine {
            record: self.record(StreamEvent::Connect, None),
            own: OwnFields {
                refusal: Some(refusal),
                grant: None,
            },
        };
        let ends = &self.shared.ends;
        let of = streaming.map(|streaming| LogOf {
            distribution_id: &streaming.id,
            logging: streaming.logging.as_ref(),
        });
        ends.stream(LogSlot::None, of, &line);
    }

    /// Reserves a slot for one record.
    fn reserve(&self) -> Result<LogSlot, LogFull> {
        match self.slot() {
            LogSlot::Refused => Err(LogFull),
            slot @ (LogSlot::Reserved | LogSlot::None) => Ok(slot),
        }
    }

    /// Reserves slots for a beginning and its end.
    fn reserve_two(&self) -> Result<[LogSlot; 2], LogFull> {
        let begin = self.reserve()?;
        match self.reserve() {
            Ok(end) => Ok([begin, end]),
            Err(full) => {
                self.shared.ends.log.give_back(begin);
                Err(full)
            }
        }
    }

    /// Returns a slot for a record that is dropped if there is no room.
    fn slot(&self) -> LogSlot {
        let records_max = self.state.snapshot.node.limits.log_queue_records_max;
        self.shared.ends.log.reserve(records_max)
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
            edge_location: &self.state.snapshot.node.edge.location,
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

/// The events of one connection. Dropping this writes the last of them.
pub(super) struct Events {
    caller: Caller,
    distribution_id: String,
    logging: Option<Arc<DistributionLogging>>,
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
    /// Slot for the record that the video has stopped; `None` once it has.
    stop: Option<LogSlot>,
}

impl Events {
    /// Logs that a video begins.
    pub(super) fn play(&mut self, video: &OpenVideo) -> Result<(), LogFull> {
        self.stop();
        let [slot, stop] = self.caller.reserve_two()?;
        self.plays = self.plays.saturating_add(1);
        let (name, extension) = StreamName::stem_and_extension(&video.key);
        self.play = Some(LoggedPlay {
            name: name.to_owned(),
            query: video.name.query().to_owned(),
            extension: extension.to_owned(),
            id: self.plays,
            grant: video.grant.clone(),
            stop: Some(stop),
        });
        self.write(StreamEvent::Play, slot);
        Ok(())
    }

    /// Logs that the video continues from another position or after a pause.
    pub(super) fn goes_on(&mut self, event: StreamEvent) -> Result<(), LogFull> {
        let slot = match &mut self.play {
            Some(play) if play.stop != Some(LogSlot::Reserved) => {
                let [slot, stop] = self.caller.reserve_two()?;
                play.stop = Some(stop);
                slot
            }
            Some(_) | None => self.caller.reserve()?,
        };
        self.write(event, slot);
        Ok(())
    }

    /// Records why a video does not begin or continue. Without room it is counted but not logged: the viewer got
    /// nothing.
    pub(super) fn refused(
        &self,
        event: StreamEvent,
        name: Option<&StreamName>,
        refusal: &'static str,
    ) {
        let keys = name.map(StreamName::keys).unwrap_or_default();
        let key = keys.first().map(String::as_str).unwrap_or_default();
        let (stem, extension) = StreamName::stem_and_extension(key);
        let stream = name.map(|name| LoggedStream {
            name: stem,
            query: Some(name.query()).filter(|query| !query.is_empty()),
            extension,
            id: self.plays,
        });
        let own = OwnFields {
            refusal: Some(refusal),
            grant: None,
        };
        self.tell(self.caller.slot(), event, stream, own);
    }

    /// Records that the video pauses. The viewer gets nothing for that, so a full log is no reason to refuse it.
    pub(super) fn pause(&mut self) {
        self.write(StreamEvent::Pause, self.caller.slot());
    }

    /// Logs that the video has stopped, once. It may continue later.
    pub(super) fn stop(&mut self) {
        let play = self.play.as_mut();
        if let Some(stop) = play.and_then(|play| play.stop.take()) {
            self.write(StreamEvent::Stop, stop);
        }
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
        let own = OwnFields {
            refusal: None,
            grant: play.and_then(|play| play.grant.as_deref()),
        };
        self.tell(slot, event, stream, own);
    }

    fn tell(
        &self,
        slot: LogSlot,
        event: StreamEvent,
        stream: Option<LoggedStream<'_>>,
        own: OwnFields<'_>,
    ) {
        let line = StreamLine {
            record: self.caller.record(event, stream),
            own,
        };
        let ends = &self.caller.shared.ends;
        let of = LogOf {
            distribution_id: &self.distribution_id,
            logging: self.logging.as_ref(),
        };
        ends.stream(slot, Some(of), &line);
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
