//! Failed logins by address: after a few within a minute, an address is not listened to for the rest of it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Failures of one address within a window, after which it has to wait.
const FAILURES_MAX: u32 = 20;
const WINDOW_SECS: i64 = 60;
/// Addresses that are counted by themselves; others share one count.
const ADDRESSES_MAX: usize = 10_000;

/// Counts of failures. Addresses of one /64 network of IPv6 count as one.
#[derive(Debug, Default)]
pub(crate) struct FailedAttempts {
    windows: HashMap<IpAddr, Window>,
    others: Window,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: i64,
    failures: u32,
}

impl Window {
    /// Returns the seconds until the window ends, if it is full.
    fn wait(self, now: i64) -> Option<i64> {
        let left = self.began.saturating_add(WINDOW_SECS).saturating_sub(now);
        (self.failures >= FAILURES_MAX && left > 0).then(|| left.min(WINDOW_SECS))
    }

    fn is_over(self, now: i64) -> bool {
        now.saturating_sub(self.began) >= WINDOW_SECS
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
    /// Returns for how many seconds an address is not listened to; `None` if it is.
    pub(crate) fn wait(&self, address: IpAddr, now: i64) -> Option<i64> {
        let window = self.windows.get(&network(address));
        let is_full = self.windows.len() >= ADDRESSES_MAX;
        match window {
            Some(window) => window.wait(now),
            None if is_full => self.others.wait(now),
            None => None,
        }
    }

    /// Counts a failure. Times are in seconds since 1970.
    pub(crate) fn count(&mut self, address: IpAddr, now: i64) {
        let address = network(address);
        if !self.windows.contains_key(&address) && self.windows.len() >= ADDRESSES_MAX {
            self.windows.retain(|_, window| !window.is_over(now));
            if self.windows.len() >= ADDRESSES_MAX {
                return self.others.count(now);
            }
        }
        self.windows.entry(address).or_default().count(now);
    }
}

/// Returns the address that stands for those of one subscriber.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
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
            attempts.count(address(failed), 100);
        }
        assert_eq!(attempts.wait(address(asked), 110), expected);
        assert_eq!(attempts.wait(address(asked), 160), None);
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
    fn a_full_table_counts_strangers_together() {
        let mut attempts = FailedAttempts::default();
        for number in 0..ADDRESSES_MAX {
            let number = u32::try_from(number).unwrap();
            attempts.count(IpAddr::from(number.to_be_bytes()), 100);
        }
        for _ in 0..FAILURES_MAX {
            attempts.count(address("203.0.113.1"), 100);
        }
        assert_eq!(attempts.wait(address("203.0.113.2"), 100), Some(60));
        attempts.count(address("203.0.113.3"), 160);
        assert_eq!(attempts.windows.len(), 1);
    }
}
