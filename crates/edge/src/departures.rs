//! Responses on their way: handed to hyper to their last byte, and not yet known to have reached the operating system.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;

/// Completeness of a response that has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// To its last byte.
    Whole,
    /// The viewer did not get everything.
    BrokenOff,
}

/// A response that is over for hyper.
pub(crate) trait Departing: Debug {
    /// Notes that it has left, and that nothing more will happen to it.
    fn depart(self: Box<Self>, departure: Departure);
}

/// The responses of one connection that have not left yet, in order.
///
/// The transport reports when they have left: a TCP stream when it is flushed, another transport when its peer has
/// confirmed them.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    waiting: RefCell<VecDeque<Box<dyn Departing>>>,
    /// Set when nothing leaves any more.
    is_closed: Cell<bool>,
}

impl Departures {
    /// Adds a response that is over for hyper. `is_complete` is set if its last byte was handed over.
    pub(crate) fn add(&self, answer: Box<dyn Departing>, is_complete: bool) {
        if is_complete && !self.is_closed.get() {
            self.waiting.borrow_mut().push_back(answer);
        } else {
            answer.depart(Departure::BrokenOff);
        }
    }

    /// Notes that every byte so far has reached the operating system: the responses are on their way.
    pub(crate) fn everything_left(&self) {
        self.let_go(Departure::Whole);
    }

    /// Notes that the connection is over: responses that have not left never will.
    pub(crate) fn closed(&self) {
        self.is_closed.set(true);
        self.let_go(Departure::BrokenOff);
    }

    /// Gives back the memory that is not needed while nothing is on its way.
    pub(crate) fn shrink(&self) {
        self.waiting.borrow_mut().shrink_to_fit();
    }

    /// Returns true if every response so far has left.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    fn let_go(&self, departure: Departure) {
        while let Some(answer) = self.next() {
            answer.depart(departure);
        }
    }

    /// Ends the borrow before a response departs: that may call back into this list.
    fn next(&self) -> Option<Box<dyn Departing>> {
        self.waiting.borrow_mut().pop_front()
    }
}
