//! Failed logins: after a few within a minute, nobody at that address is told anything for the rest of it, and an
//! access key that failed there is not listened to. Other keys are: a neighbour behind the same address locks nobody
//! out.

use crate::networks::network;
use std::collections::HashMap;
use std::net::IpAddr;

/// Failures within a window, after which one has to wait.
const FAILURES_MAX: u32 = 20;
const WINDOW_SECS: i64 = 60;
/// Windows that are remembered. The oldest gives way: who has so many addresses is not held up by the loss of some.
const WINDOWS_MAX: usize = 10_000;

/// Counts of failures. Addresses of one /64 network of IPv6 count as one.
#[derive(Debug, Default)]
pub(crate) struct FailedAttempts {
    windows: HashMap<Attempt, Window>,
}

/// What failures are counted by: an address, and the key if it is one that exists. Keys that do not exist are not told
/// apart, so that nobody fills the table with them.
type Attempt = (IpAddr, Option<String>);

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: i64,
    failures: u32,
}

impl Window {
    /// Returns the seconds until the window ends, if it is full.
    fn wait(self, now: i64) -> Option<i64> {
        let is_waiting = self.failures >= FAILURES_MAX && !self.is_over(now);
        is_waiting.then(|| self.began.saturating_add(WINDOW_SECS).saturating_sub(now))
    }

    /// Returns true after its time, and if the clock was set back to before its beginning.
    fn is_over(self, now: i64) -> bool {
        now < self.began || now.saturating_sub(self.began) >= WINDOW_SECS
    }

    fn count(&mut self, now: i64) {
        if self.is_over(now) || self.failures == 0 {
            *self = Window {
                began: now,
                failures: 0,
            };
        }
        self.failures = self.failures.saturating_add(1);
    }
}

impl FailedAttempts {
    /// Returns for how many seconds an address is told nothing, or a key from there is not listened to; `None` if it
    /// is.
    pub(crate) fn wait(&self, address: IpAddr, key: Option<&str>, now: i64) -> Option<i64> {
        let attempt = (network(address), key.map(str::to_owned));
        self.windows.get(&attempt)?.wait(now)
    }

    /// Counts a failure against the address, and against the key there if it exists. Times are in seconds since 1970.
    pub(crate) fn count(&mut self, address: IpAddr, key: Option<&str>, now: i64) {
        let network = network(address);
        self.count_one((network, None), now);
        if let Some(key) = key {
            self.count_one((network, Some(key.to_owned())), now);
        }
    }

    fn count_one(&mut self, attempt: Attempt, now: i64) {
        if !self.windows.contains_key(&attempt) && self.windows.len() >= WINDOWS_MAX {
            self.windows.retain(|_, window| !window.is_over(now));
            self.make_room();
        }
        self.windows.entry(attempt).or_default().count(now);
    }

    fn make_room(&mut self) {
        if self.windows.len() < WINDOWS_MAX {
            return;
        }
        let oldest = self.windows.iter().min_by_key(|(_, window)| window.began);
        if let Some(oldest) = oldest.map(|(attempt, _)| attempt.clone()) {
            self.windows.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(failed: &str, times: u32, asked: &str, expected: Option<i64>) {
        let mut attempts = FailedAttempts::default();
        for _ in 0..times {
            attempts.count(address(failed), None, 100);
        }
        assert_eq!(attempts.wait(address(asked), None, 110), expected);
        assert_eq!(attempts.wait(address(asked), None, 160), None);
    }

    #[test]
    fn many_failures_make_an_address_wait() {
        check("192.0.2.1", FAILURES_MAX, "192.0.2.1", Some(50));
        check("192.0.2.1", FAILURES_MAX, "::ffff:192.0.2.1", Some(50));
        check("2001:db8::1", FAILURES_MAX, "2001:db8::2", Some(50));
        check("2001:db8::1", FAILURES_MAX, "2001:db8:0:1::2", None);
        check("192.0.2.1", FAILURES_MAX - 1, "192.0.2.1", None);
        check("192.0.2.1", FAILURES_MAX, "192.0.2.2", None);
    }

    #[test]
    fn a_key_waits_for_its_own_failures_alone() {
        let mut attempts = FailedAttempts::default();
        for _ in 0..FAILURES_MAX {
            attempts.count(address("192.0.2.1"), Some("K1"), 100);
        }
        let wait = |of: &str, key| attempts.wait(address(of), key, 110);
        assert_eq!(wait("192.0.2.1", Some("K1")), Some(50));
        assert_eq!(wait("192.0.2.1", Some("K2")), None);
        assert_eq!(wait("192.0.2.1", None), Some(50));
        assert_eq!(wait("192.0.2.2", Some("K1")), None);
    }

    #[test]
    fn a_clock_that_is_set_back_lets_nobody_wait_longer() {
        let mut attempts = FailedAttempts::default();
        for _ in 0..FAILURES_MAX {
            attempts.count(address("192.0.2.1"), None, 10_000);
        }
        assert_eq!(attempts.wait(address("192.0.2.1"), None, 9_999), None);
        attempts.count(address("192.0.2.1"), None, 100);
        assert_eq!(attempts.wait(address("192.0.2.1"), None, 100), None);
    }

    #[test]
    fn a_full_table_makes_no_stranger_wait_for_others() {
        let mut attempts = FailedAttempts::default();
        for number in 0..WINDOWS_MAX {
            let number = u32::try_from(number).unwrap();
            attempts.count(IpAddr::from(number.to_be_bytes()), None, 100);
        }
        for _ in 0..FAILURES_MAX {
            attempts.count(address("203.0.113.1"), None, 101);
        }
        assert_eq!(attempts.windows.len(), WINDOWS_MAX);
        assert_eq!(attempts.wait(address("203.0.113.2"), None, 101), None);
        assert_eq!(attempts.wait(address("203.0.113.1"), None, 101), Some(60));
        attempts.count(address("203.0.113.3"), None, 161);
        assert_eq!(attempts.windows.len(), 1);
    }
}
