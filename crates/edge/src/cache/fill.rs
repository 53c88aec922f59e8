//! One origin response on its way into the cache, and the viewers who follow it.
//!
//! The fill's task pushes pieces; followers take them at their own pace. Stored pieces may leave the window, and a
//! follower that is behind the window reads from the store instead.

use super::fetch_fault::FetchFault;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Maximum number of bytes that a fill runs ahead of its fastest follower.
const AHEAD_SIZE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The same while there is no memory to store the bytes: those ahead then lie beyond the cache's limit.
const AHEAD_UNSTORED_SIZE_BYTES_MAX: u64 = 64 * 1024;
/// Maximum number of missing bytes that a fill without followers still fetches.
const REMNANT_SIZE_BYTES_MAX: u64 = 1024 * 1024;
/// Maximum distance of a fill behind the position of a new follower that waits for it.
const APPROACH_SIZE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Bytes of one object from `start` on, as they arrive.
#[derive(Debug)]
pub(super) struct Fill {
    start: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Contiguous pieces, the first of which begins at `window_start`.
    window: VecDeque<Bytes>,
    window_start: u64,
    received: u64,
    /// Offset at which the body ends, once it is known.
    end: Option<u64>,
    outcome: Option<Result<(), FetchFault>>,
    /// Positions by the number of the follower; `None` is a free slot.
    followers: Vec<Option<FollowerPosition>>,
    followers_count: usize,
    /// Highest position that any follower has ever reached.
    furthest: u64,
    /// Maximum number of bytes that the fill may run ahead of `furthest`.
    ahead_size_bytes_max: u64,
    /// Waker of the fill's own task, while that waits for followers or for the origin.
    driver: Option<Waker>,
}

#[derive(Debug)]
struct FollowerPosition {
    position: u64,
    waker: Option<Waker>,
}

/// Distance over which a follower waits for a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only a short one: bytes further on are fetched by a fill of their own.
    Near,
    /// Any: the object cannot be fetched in parts.
    Any,
}

/// Instruction to the fill's task.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Read on.
    Go,
    /// Stop: nobody follows, and too much is missing.
    Abandon,
}

/// Result of polling a follower.
#[derive(Debug)]
pub(super) enum Step {
    /// The next bytes, at least one.
    Bytes(Bytes),
    /// The fill ends here.
    End,
    /// The follower is behind the window; the store has the bytes, or had them.
    Behind,
    /// The fill broke off before this position.
    Failed(FetchFault),
}

impl Fill {
    /// Creates a fill that begins at `start` and ends before `end`, if that is known.
    pub(super) fn new(start: u64, end: Option<u64>) -> Arc<Self> {
        Arc::new(Fill {
            start,
            state: Mutex::new(State {
                window: VecDeque::new(),
                window_start: start,
                received: start,
                end,
                outcome: None,
                followers: Vec::new(),
                followers_count: 0,
                furthest: start,
                ahead_size_bytes_max: AHEAD_SIZE_BYTES_MAX,
                driver: None,
            }),
        })
    }

    /// Returns the offset of the fill's first byte.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Joins at `position`. Returns `None` when the fill is over, will not pass there, or not soon enough.
    pub(super) fn follow(self: &Arc<Self>, position: u64, reach: Reach) -> Option<Follower> {
        let mut state = self.lock();
        let comes_by = state.comes_by(position, reach);
        comes_by.then(|| self.join(&mut state, position))
    }

    /// Returns true if [`Fill::follow`] would join with [`Reach::Near`].
    pub(super) fn comes_by(&self, position: u64) -> bool {
        self.lock().comes_by(position, Reach::Near)
    }

    /// Joins at the very start, unconditionally.
    pub(super) fn follow_from_start(self: &Arc<Self>) -> Follower {
        let mut state = self.lock();
        self.join(&mut state, self.start)
    }

    fn join(self: &Arc<Self>, state: &mut State, position: u64) -> Follower {
        let place = FollowerPosition {
            position,
            waker: None,
        };
        state.followers_count += 1;
        state.furthest = state.furthest.max(position);
        let free = state.followers.iter().position(Option::is_none);
        let number = match free {
            Some(number) => {
                state.followers[number] = Some(place);
                number
            }
            None => {
                state.followers.push(Some(place));
                state.followers.len() - 1
            }
        };
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
        Follower {
            fill: Arc::clone(self),
            number,
            position,
        }
    }

    /// Tells the fill's task whether to read on. Polled before each read, and while the task waits for the origin.
    pub(super) fn poll_pace(&self, context: &Context<'_>) -> Poll<Pace> {
        // The fastest follower sets the pace: the slower ones read from the store what has left the window, and could
        // otherwise hold up everybody else. Without followers what is nearly whole is still taken to its end, since the
        // next viewer gets it for nothing then. The waker is kept whatever the answer is: while the task waits for the
        // origin, followers who leave or come further have to wake it just as well.
        let mut state = self.lock();
        let pace = if state.followers_count == 0 {
            let missing = state.end.map(|end| end.saturating_sub(state.received));
            match missing {
                Some(missing) if missing <= REMNANT_SIZE_BYTES_MAX => Poll::Ready(Pace::Go),
                Some(_) | None => Poll::Ready(Pace::Abandon),
            }
        } else if state.received < state.furthest.saturating_add(state.ahead_size_bytes_max) {
            Poll::Ready(Pace::Go)
        } else {
            Poll::Pending
        };
        state.driver = Some(context.waker().clone());
        pace
    }

    /// Adds bytes and wakes the followers who wait for them.
    pub(super) fn push(&self, bytes: Bytes) {
        let mut state = self.lock();
        state.received += bytes.len() as u64;
        state.window.push_back(bytes);
        state.wake_followers();
    }

    /// Notes that the store has everything before `offset`, so that the window may begin there.
    pub(super) fn stored_before(&self, offset: u64) {
        let mut state = self.lock();
        state.ahead_size_bytes_max = AHEAD_SIZE_BYTES_MAX;
        state.let_go_before(offset);
        state.wake_followers();
    }

    /// Notes that the bytes are not being stored: keeps only those that followers have not taken yet, and not many.
    pub(super) fn not_stored(&self) {
        let mut state = self.lock();
        state.ahead_size_bytes_max = AHEAD_UNSTORED_SIZE_BYTES_MAX;
        let least = state
            .received
            .saturating_sub(4 * AHEAD_UNSTORED_SIZE_BYTES_MAX);
        let offset = state.slowest().max(least);
        state.let_go_before(offset);
        state.wake_followers();
    }

    /// Ends the fill, whether its body is complete or not. Only the first outcome counts.
    pub(super) fn finish(&self, outcome: Result<(), FetchFault>) {
        let mut state = self.lock();
        if outcome.is_ok() {
            state.end = Some(state.received);
        }
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
        }
        state.wake_followers();
    }

    /// Returns the offset at which the body ends, once it is known.
    pub(super) fn end(&self) -> Option<u64> {
        self.lock().end
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn comes_by(&self, position: u64, reach: Reach) -> bool {
        let is_in_reach = match reach {
            Reach::Near => position <= self.received.saturating_add(APPROACH_SIZE_BYTES_MAX),
            Reach::Any => true,
        };
        let is_within = position >= self.window_start && self.end.is_none_or(|end| position < end);
        let is_over = self.outcome.is_some() && position >= self.received;
        is_in_reach && is_within && !is_over
    }

    fn slowest(&self) -> u64 {
        let positions = self.followers.iter().flatten().map(|place| place.position);
        positions.min().unwrap_or(self.received)
    }

    fn let_go_before(&mut self, offset: u64) {
        while let Some(first) = self.window.front() {
            let first_end = self.window_start + first.len() as u64;
            if first_end > offset {
                break;
            }
            self.window_start = first_end;
            self.window.pop_front();
        }
    }

    fn wake_followers(&mut self) {
        for place in self.followers.iter_mut().flatten() {
            if let Some(waker) = place.waker.take() {
                waker.wake();
            }
        }
    }

    /// Returns the bytes at `position`, which is within the window.
    fn piece_at(&self, position: u64) -> Bytes {
        let mut piece_start = self.window_start;
        for piece in &self.window {
            let piece_end = piece_start + piece.len() as u64;
            if position < piece_end {
                return piece.slice((position - piece_start) as usize..);
            }
            piece_start = piece_end;
        }
        Bytes::new()
    }
}

/// A viewer's position in a fill. Dropping it leaves the fill.
#[derive(Debug)]
pub(super) struct Follower {
    fill: Arc<Fill>,
    number: usize,
    position: u64,
}

impl Follower {
    /// Returns the next bytes, `length_max` at most.
    pub(super) fn poll_next(&mut self, length_max: usize, context: &Context<'_>) -> Poll<Step> {
        let mut state = self.fill.lock();
        let step = if self.position < state.window_start {
            Step::Behind
        } else if self.position < state.received {
            let mut bytes = state.piece_at(self.position);
            bytes.truncate(length_max);
            self.position += bytes.len() as u64;
            Step::Bytes(bytes)
        } else {
            match &state.outcome {
                Some(Ok(())) => Step::End,
                Some(Err(fault)) => Step::Failed(*fault),
                None if state.end == Some(self.position) => Step::End,
                None => {
                    if let Some(place) = &mut state.followers[self.number] {
                        place.waker = Some(context.waker().clone());
                    }
                    return Poll::Pending;
                }
            }
        };
        if let Some(place) = &mut state.followers[self.number] {
            place.position = self.position;
        }
        state.furthest = state.furthest.max(self.position);
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
        Poll::Ready(step)
    }
}

impl Follower {
    /// Moves to `position`, which the viewer has reached through another source.
    pub(super) fn come_to(&mut self, position: u64) {
        if self.position == position {
            return;
        }
        self.position = position;
        let mut state = self.fill.lock();
        if let Some(place) = &mut state.followers[self.number] {
            place.position = position;
        }
        state.furthest = state.furthest.max(position);
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }

    /// Returns true if the fill has the byte at this position, or will have it.
    pub(super) fn is_within(&self) -> bool {
        let state = self.fill.lock();
        let reaches = state.end.is_none_or(|end| self.position < end);
        let comes = state.outcome.is_none() || self.position < state.received;
        self.position >= state.window_start && reaches && comes
    }

    /// Returns the offset at which the fill ends, once it is known.
    pub(super) fn known_end(&self) -> Option<u64> {
        self.fill.end()
    }

    /// Returns true if the fill has come no further than this position, and goes on.
    pub(super) fn is_foremost(&self) -> bool {
        let state = self.fill.lock();
        state.outcome.is_none() && self.position >= state.received
    }

    /// Waits until [`Follower::poll_next`] has something to return; an error is the one that it will return.
    pub(super) fn poll_near(&mut self, context: &Context<'_>) -> Poll<Result<(), FetchFault>> {
        let mut state = self.fill.lock();
        if self.position < state.received || state.end == Some(self.position) {
            return Poll::Ready(Ok(()));
        }
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(*outcome);
        }
        if let Some(place) = &mut state.followers[self.number] {
            place.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.fill.lock();
        state.followers[self.number] = None;
        state.followers_count -= 1;
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many slow viewers must not fill the memory with bytes that nobody can store.
    #[test]
    fn what_is_not_stored_does_not_run_far_ahead() {
        let fill = Fill::new(0, None);
        let _follower = fill.follow_from_start();
        let context = Context::from_waker(Waker::noop());
        fill.push(Bytes::from(vec![0; 512 * 1024]));
        assert_eq!(fill.poll_pace(&context), Poll::Ready(Pace::Go));
        fill.not_stored();
        assert_eq!(fill.poll_pace(&context), Poll::Pending);
        fill.stored_before(0);
        assert_eq!(fill.poll_pace(&context), Poll::Ready(Pace::Go));
    }
}
