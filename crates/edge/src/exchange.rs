//! One request and its response: what was received, and what became of it.
//!
//! [`Received`] never changes; [`Record`] is only ever written to, and is reported once, at its end.

mod link_record;
mod received;
mod record;

pub use link_record::object_paths;
pub(crate) use link_record::{LinkRecord, viewer_at};
pub(crate) use received::{Received, headers_memory_size_bytes, headers_size_bytes};
pub(crate) use record::{Outcome, Record};

use crate::answer_memory::RefusedAnswer;
use crate::departures::{Departing, Departure};
use crate::log::LogSlot;
use std::ops::{Deref, DerefMut};
use tokio::time::Instant;

/// A request under way, with its record.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) received: Received,
    pub(crate) record: Record,
    /// Count of a request that was not admitted, held until its page is gone.
    pub(crate) refused: Option<RefusedAnswer>,
}

/// An exchange that is not over. On every path its drop tells the connection, and so the log.
#[derive(Debug)]
pub(crate) struct OpenExchange(Option<Box<Exchange>>);

impl OpenExchange {
    /// Starts the record of a request, which has its `slot` in the log.
    pub(crate) fn new(received: Received, slot: LogSlot) -> Self {
        received.connection.request_began();
        OpenExchange(Some(Box::new(Exchange {
            record: Record::new(slot),
            received,
            refused: None,
        })))
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.0.take() {
            let now = Instant::now();
            exchange.record.ended = Some(now);
            let connection = std::rc::Rc::clone(&exchange.received.connection);
            connection.request_ended(now);
            let is_complete = exchange.record.outcome.complete;
            connection.departures.add(exchange, is_complete);
        }
    }
}

impl Deref for OpenExchange {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        self.0
            .as_deref()
            .expect("an open exchange is taken only by its drop")
    }
}

impl DerefMut for OpenExchange {
    fn deref_mut(&mut self) -> &mut Exchange {
        self.0
            .as_deref_mut()
            .expect("an open exchange is taken only by its drop")
    }
}

impl Departing for Exchange {
    fn depart(mut self: Box<Self>, departure: Departure) {
        if self.record.outcome.is_video {
            self.received.connection.video_ended();
        }
        self.record.end(&self.received, departure);
    }
}

impl Exchange {
    /// Returns the operator's word for why nothing more may be sent: the link was revoked, and what runs is to be cut.
    pub(crate) fn cut_off(&mut self) -> Option<&'static str> {
        let link = self.record.link.as_mut()?;
        link.cut_off(&self.received)
    }

    /// Notes that the first byte of the response is ready.
    pub(crate) fn answered(&mut self) {
        let is_video = self.record.answered(self.received.started);
        if is_video {
            self.received.connection.video_began();
        }
    }
}
