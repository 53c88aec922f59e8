//! Judges whether a peer keeps up while the edge waits for it: moving no byte for too long, or too few over a window,
//! is too slow.
//!
//! Only time counts in which the edge waited for nobody else, so that a slow origin is never held against a viewer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Minimum progress required of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Least {
    /// Maximum time without a byte; also the amount of waiting that makes a window, over which the rate is measured.
    pub(crate) silence_max: Duration,
    /// Minimum rate in bytes a second; 0 requires none.
    pub(crate) rate_min: u64,
}

impl Least {
    /// Returns the bytes that must move in a window; `further` is the waiting of others that share it.
    fn window_bytes_min(&self, further: Duration) -> u64 {
        let waited = self.silence_max.saturating_add(further);
        let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.rate_min.saturating_mul(millis) / 1_000
    }
}

/// Verdict on a peer's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    KeepsUp,
    TooSlow,
}

/// A peer's progress.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Bytes moved in this window.
    bytes: u64,
    /// Time waited in this window, without the current wait.
    waited: Duration,
    /// Time waited in this window by those beyond the first that share the bytes, added up.
    further: Duration,
    /// Number of those that share the bytes, beyond the first.
    others: u32,
    wait: Option<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    /// Time since which no byte has moved.
    since: Instant,
    /// Start of the part of the wait that belongs to this window.
    counted_from: Instant,
}

impl Pace {
    /// Starts a wait for the peer, unless one is in progress.
    pub(crate) fn wait(&mut self, now: impl FnOnce() -> Instant) {
        self.wait.get_or_insert_with(|| {
            let now = now();
            Wait {
                since: now,
                counted_from: now,
            }
        });
    }

    /// Counts bytes that have moved, which ends the wait; zero bytes do not. The clock is read only if there was a
    /// wait.
    pub(crate) fn moved(&mut self, bytes: u64, now: impl FnOnce() -> Instant) {
        self.bytes = self.bytes.saturating_add(bytes);
        if bytes > 0 {
            self.pause(now);
        }
    }

    /// Ends the wait: the edge no longer waits for the peer.
    pub(crate) fn pause(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(wait) = self.wait.take() {
            self.count(now().saturating_duration_since(wait.counted_from));
        }
    }

    /// Sets how many share the bytes from now on; each of them must have the minimum rate.
    pub(crate) fn shared_by(&mut self, sharing: u32, now: Instant) {
        if let Some(mut wait) = self.wait {
            self.count(now.saturating_duration_since(wait.counted_from));
            wait.counted_from = now;
            self.wait = Some(wait);
        }
        self.others = sharing.saturating_sub(1);
    }

    fn count(&mut self, waited: Duration) {
        self.waited += waited;
        self.further += waited * self.others;
    }

    /// Returns the time at which the current wait must be judged if nothing moves until then.
    pub(crate) fn deadline(&self, least: &Least) -> Option<Instant> {
        let wait = self.wait?;
        let window_left = least.silence_max.saturating_sub(self.waited);
        Some((wait.since + least.silence_max).min(wait.counted_from + window_left))
    }

    /// Judges the current wait, and begins a new window if one is over.
    pub(crate) fn judge(&mut self, now: Instant, least: &Least) -> Judgement {
        let is_silent = self
            .wait
            .is_some_and(|wait| wait.since + least.silence_max <= now);
        if is_silent || self.judge_window(now, least) == Judgement::TooSlow {
            Judgement::TooSlow
        } else {
            Judgement::KeepsUp
        }
    }

    /// Judges the rate alone. A peer that was too slow once is so at every later call.
    pub(crate) fn judge_window(&mut self, now: Instant, least: &Least) -> Judgement {
        let so_far = self.wait.map_or(Duration::ZERO, |wait| {
            now.saturating_duration_since(wait.counted_from)
        });
        if self.waited + so_far < least.silence_max {
            return Judgement::KeepsUp;
        }
        let further = self.further + so_far * self.others;
        if self.bytes < least.window_bytes_min(further) {
            return Judgement::TooSlow;
        }
        self.bytes = 0;
        self.waited = Duration::ZERO;
        self.further = Duration::ZERO;
        if let Some(wait) = &mut self.wait {
            wait.counted_from = now;
        }
        Judgement::KeepsUp
    }

    /// Starts or continues a wait. Pending while the peer keeps up; ready when it is too slow.
    pub(crate) fn poll_too_slow(
        &mut self,
        least: &Least,
        alarm: &mut Alarm,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        self.wait(Instant::now);
        while let Some(deadline) = self.deadline(least) {
            ready!(alarm.poll(deadline, context));
            if self.judge(Instant::now(), least) == Judgement::TooSlow {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

/// One timer, reset only when it rings too early: most waits end long before.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Pending until `deadline`.
    pub(crate) fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        // A timer that rings earlier than needed is left running; it is checked again then.
        if sleep.is_elapsed() || sleep.deadline() > deadline {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(context));
        self.poll(deadline, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Least = Least {
        silence_max: Duration::from_secs(10),
        rate_min: 100,
    };

    /// Judges each of these waits, given in seconds and followed by so many bytes.
    fn judged(waits: &[(u64, u64)]) -> Vec<Judgement> {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut judge = |(secs, bytes): &(u64, u64)| {
            pace.wait(|| now);
            now += Duration::from_secs(*secs);
            let judgement = pace.judge(now, &LEAST);
            pace.moved(*bytes, || now);
            judgement
        };
        waits.iter().map(&mut judge).collect()
    }

    #[test]
    fn silence_is_too_slow_whatever_came_before() {
        let judged = judged(&[(1, 1_000_000), (9, 1), (10, 1)]);
        let expected = [Judgement::KeepsUp, Judgement::KeepsUp, Judgement::TooSlow];
        assert_eq!(judged, expected);
    }

    #[test]
    fn too_few_bytes_over_a_window_are_too_slow() {
        let drip = judged(&[(1, 99); 10]);
        assert_eq!(drip[9], Judgement::TooSlow);
        assert!(drip[..9].iter().all(|each| *each == Judgement::KeepsUp));
        // Zero bytes do not end a wait.
        assert!(judged(&[(1, 0); 10]).contains(&Judgement::TooSlow));
        // A burst helps in its own window only.
        let burst = [&[(1, 1_000_000)][..], &[(1, 1); 30]].concat();
        assert!(judged(&burst).contains(&Judgement::TooSlow));
    }

    #[test]
    fn enough_bytes_keep_up() {
        let steady = judged(&[(1, 112); 100]);
        assert!(steady.iter().all(|each| *each == Judgement::KeepsUp));
        let bursts = judged(&[(9, 1_000); 100]);
        assert!(bursts.iter().all(|each| *each == Judgement::KeepsUp));
    }

    #[test]
    fn time_without_a_wait_does_not_count() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..9 {
            pace.wait(|| now);
            now += Duration::from_secs(1);
            pace.moved(1, || now);
            now += Duration::from_secs(1_000);
            assert_eq!(pace.judge(now, &LEAST), Judgement::KeepsUp);
        }
    }

    #[test]
    fn of_each_that_shares_the_rate_is_asked_for_its_time() {
        let judged = |sharing: u32, bytes: u64| {
            let begun = Instant::now();
            let at = |secs| begun + Duration::from_secs(secs);
            let mut pace = Pace::default();
            pace.wait(|| begun);
            // The others come late: the first was alone for half the window.
            pace.shared_by(sharing, at(5));
            pace.moved(bytes, || at(9));
            pace.wait(|| at(9));
            pace.judge_window(at(10), &LEAST)
        };
        assert_eq!(judged(1, 999), Judgement::TooSlow);
        assert_eq!(judged(1, 1_000), Judgement::KeepsUp);
        assert_eq!(judged(61, 30_999), Judgement::TooSlow);
        assert_eq!(judged(61, 31_000), Judgement::KeepsUp);
    }

    #[test]
    fn no_rate_asks_for_a_byte_in_time_alone() {
        let least = Least {
            rate_min: 0,
            ..LEAST
        };
        let mut now = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace.wait(|| now);
            now += Duration::from_secs(9);
            assert_eq!(pace.judge(now, &least), Judgement::KeepsUp);
            pace.moved(1, || now);
        }
        pace.wait(|| now);
        now += Duration::from_secs(10);
        assert_eq!(pace.judge(now, &least), Judgement::TooSlow);
    }
}
