//! A bounded queue in front of the store's threads, which they empty one by one or in groups.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// Queue of waiting work.
pub(crate) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    arrived: Condvar,
    room: usize,
}

struct Waiting<T> {
    items: VecDeque<T>,
    state: QueueState,
}

#[derive(PartialEq, Eq)]
enum QueueState {
    Open,
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(room: usize) -> Self {
        let waiting = Waiting {
            items: VecDeque::new(),
            state: QueueState::Open,
        };
        Self {
            waiting: Mutex::new(waiting),
            arrived: Condvar::new(),
            room,
        }
    }

    /// Adds an item; refuses it where too many wait or the queue is closed.
    pub(crate) fn push(&self, item: T) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.state == QueueState::Closed {
            return Err(StoreError::Closed);
        }
        if waiting.items.len() >= self.room {
            return Err(StoreError::Busy);
        }
        waiting.items.push_back(item);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for items and takes up to `count` of them; none once the queue is closed and empty.
    pub(crate) fn take(&self, count: usize) -> Vec<T> {
        let mut waiting = self.lock();
        while waiting.items.is_empty() && waiting.state == QueueState::Open {
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let count = count.min(waiting.items.len());
        waiting.items.drain(..count).collect()
    }

    /// Takes no more items; what waits is still done.
    pub(crate) fn close(&self) {
        self.lock().state = QueueState::Closed;
        self.arrived.notify_all();
    }

    /// Takes no more items, and forgets those that wait: whoever waits for their answers hears that there is none.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.state = QueueState::Closed;
        let forgotten = std::mem::take(&mut waiting.items);
        drop(waiting);
        drop(forgotten);
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
