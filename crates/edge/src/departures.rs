//! Answers on their way: given to hyper to their last byte, and not yet known to be with the operating system.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;

/// How an answer has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// To its last byte.
    Whole,
    /// The viewer did not get everything.
    BrokenOff,
}

/// An answer that hyper has done with.
pub(crate) trait Departing: Debug {
    /// It has left, and nothing more will happen to it.
    fn depart(self: Box<Self>, departure: Departure);
}

/// The answers of one connection that have not left yet, in their order.
///
/// Whoever moves the connection's bytes says when they have left: a stream of TCP when it is flushed, another transport
/// when its peer has confirmed them.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    waiting: RefCell<VecDeque<Box<dyn Departing>>>,
    /// Nothing leaves any more.
    is_closed: Cell<bool>,
}

impl Departures {
    /// Takes an answer that is over for hyper. `is_complete`: its last byte was handed over.
    pub(crate) fn add(&self, answer: Box<dyn Departing>, is_complete: bool) {
        if is_complete && !self.is_closed.get() {
            self.waiting.borrow_mut().push_back(answer);
        } else {
            answer.depart(Departure::BrokenOff);
        }
    }

    /// Every byte so far is with the operating system: the answers are on their way.
    pub(crate) fn everything_left(&self) {
        self.let_go(Departure::Whole);
    }

    /// The connection is over: what has not left never will.
    pub(crate) fn closed(&self) {
        self.is_closed.set(true);
        self.let_go(Departure::BrokenOff);
    }

    /// Whether every answer so far has left.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    fn let_go(&self, departure: Departure) {
        while let Some(answer) = self.next() {
            answer.depart(departure);
        }
    }

    /// Not borrowed while an answer departs: that may come back here.
    fn next(&self) -> Option<Box<dyn Departing>> {
        self.waiting.borrow_mut().pop_front()
    }
}
