//! One request and its answer: what came, and what became of it.
//!
//! [`Received`] is what came and never changes; [`Record`] is only ever written to, and is told once, at its end.

mod received;
mod record;

pub(crate) use received::{Received, headers_memory_size_bytes, headers_size_bytes};
pub(crate) use record::{Outcome, Record};

use crate::answer_memory::RefusedAnswer;
use crate::departures::{Departing, Departure};
use crate::log::LogSlot;
use std::ops::{Deref, DerefMut};
use tokio::time::Instant;

/// A request on its way, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) received: Received,
    pub(crate) record: Record,
    /// That it was not admitted, until its page is gone.
    pub(crate) refused: Option<RefusedAnswer>,
}

/// An exchange that is not over. Whatever happens to it, its drop tells the connection, and so the log.
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
    /// The answer's first byte is ready.
    pub(crate) fn answered(&mut self) {
        let is_video = self.record.answered(self.received.started);
        if is_video {
            self.received.connection.video_began();
        }
    }
}
