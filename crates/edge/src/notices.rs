//! Unsolicited messages to the operator, by kinds: each at most once a minute, however often its cause occurs.
//!
//! Strangers can cause most of them as often as they like.

use crate::standard_error;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time for which a kind of notice is held back after it was reported.
const QUIET: Duration = Duration::from_secs(60);

/// A kind of notice. Its code follows the text, and stays the same when the text changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NoticeCode {
    /// The operating system failed to accept a connection.
    AcceptFailed,
    /// The maximum number of connections is in use.
    ConnectionsMax,
    /// An address has its maximum number of connections.
    ConnectionsPerAddress,
    /// An address has its maximum number of RTMP connections.
    RtmpConnectionsPerAddress,
    /// No distribution has the requested host.
    UnknownHost,
    /// A PROXY header was not understood, or is not trusted.
    ProxyHeader,
    /// A trusted proxy's headers cannot be true.
    ForwardedContradiction,
    /// A refused request has headers that only trusted proxies may send.
    ForwardedUnbelieved,
    /// There are no access keys for a bucket.
    OriginKeys,
    /// An origin refuses the edge itself.
    OriginRefuses,
    /// An origin cannot be reached.
    OriginUnreached,
    /// Log files cannot be delivered into their bucket.
    LogDelivery,
    /// Log files for buckets wait, many of them or because the disk cannot be written.
    LogQueue,
    /// Log files or records for buckets were given up.
    LogDropped,
    /// A bucket that this machine keeps does not let an origin read.
    BucketNotGranted,
}

impl NoticeCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            NoticeCode::AcceptFailed => "accept-failed",
            NoticeCode::ConnectionsMax => "connections-max",
            NoticeCode::ConnectionsPerAddress => "connections-per-address",
            NoticeCode::RtmpConnectionsPerAddress => "rtmp-connections-per-address",
            NoticeCode::UnknownHost => "unknown-host",
            NoticeCode::ProxyHeader => "proxy-header",
            NoticeCode::ForwardedContradiction => "forwarded-contradiction",
            NoticeCode::ForwardedUnbelieved => "forwarded-unbelieved",
            NoticeCode::OriginKeys => "origin-keys",
            NoticeCode::OriginRefuses => "origin-refuses",
            NoticeCode::OriginUnreached => "origin-unreached",
            NoticeCode::LogDelivery => "log-delivery",
            NoticeCode::LogQueue => "log-queue",
            NoticeCode::LogDropped => "log-dropped",
            NoticeCode::BucketNotGranted => "bucket-not-granted",
        }
    }
}

/// The reported notices with their times, shared by all workers.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// Tallies by kind and subject; the subject is one of the configuration's names, or empty.
    told: Mutex<HashMap<(NoticeCode, String), Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    last: Option<Instant>,
    /// Number of occurrences since then.
    count: u64,
}

impl Notices {
    /// Counts an occurrence; `text` words the notice, given the number of occurrences since the last one.
    pub(crate) fn tell(&self, code: NoticeCode, text: impl FnOnce(u64) -> String) {
        self.tell_of(code, "", text);
    }

    /// Does the same for something that has a name in the configuration: one name does not hold back another.
    pub(crate) fn tell_of(&self, code: NoticeCode, about: &str, text: impl FnOnce(u64) -> String) {
        if let Some(count) = self.turn(code, about, Instant::now()) {
            standard_error::warning(format_args!("{} [{}]", text(count), code.as_str()));
        }
    }

    /// Makes everything news again, after a configuration was loaded.
    pub(crate) fn renew(&self) {
        self.lock().clear();
    }

    /// Returns the number of occurrences since the last notice, if one is due now.
    fn turn(&self, code: NoticeCode, about: &str, now: Instant) -> Option<u64> {
        let mut known = self.lock();
        let told = known.entry((code, about.to_owned())).or_default();
        told.count += 1;
        let is_recent = |last| now.saturating_duration_since(last) < QUIET;
        if told.last.is_some_and(is_recent) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.count))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(NoticeCode, String), Tally>> {
        // A panic while the lock is held leaves usable counts behind.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NoticeCode::{OriginUnreached, UnknownHost};

    #[test]
    fn each_kind_is_told_once_a_minute() {
        let notices = Notices::default();
        let begun = Instant::now();
        let turn = |code, about, secs| notices.turn(code, about, begun + Duration::from_secs(secs));
        assert_eq!(turn(UnknownHost, "", 0), Some(1));
        assert_eq!(turn(UnknownHost, "", 1), None);
        assert_eq!(turn(UnknownHost, "", 59), None);
        assert_eq!(turn(UnknownHost, "", 60), Some(3));
        assert_eq!(turn(OriginUnreached, "a", 60), Some(1));
        assert_eq!(turn(OriginUnreached, "b", 60), Some(1));
        assert_eq!(turn(OriginUnreached, "a", 61), None);
        notices.renew();
        assert_eq!(turn(OriginUnreached, "a", 61), Some(1));
    }
}
