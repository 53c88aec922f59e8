//! What the operator is told without having asked, by kinds: each as often as once a minute, however often it happens.
//!
//! Strangers can make most of it happen as often as they like.

use crate::standard_error;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a kind of notice is kept back after it was told.
const QUIET: Duration = Duration::from_secs(60);

/// A kind of notice. Its code stands behind the text, and stays what it is when the text changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NoticeCode {
    /// The operating system gave no connection.
    AcceptFailed,
    /// All places for connections are taken.
    ConnectionsMax,
    /// An address has as many connections as it may have.
    ConnectionsPerAddress,
    /// The same of RTMP.
    RtmpConnectionsPerAddress,
    /// No distribution has the host that was asked for.
    UnknownHost,
    /// A PROXY header was not understood, or is not believed.
    ProxyHeader,
    /// What a trusted proxy says of a request cannot be true.
    ForwardedContradiction,
    /// A refused request has headers that are believed only of trusted proxies.
    ForwardedUnbelieved,
    /// There are no access keys for a bucket.
    OriginKeys,
    /// An origin refuses the edge itself.
    OriginRefuses,
    /// An origin is not reached.
    OriginUnreached,
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
        }
    }
}

/// What was told, and when. All workers share it.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// By kind and by what it is about, which is one of the configuration's names, or nothing.
    told: Mutex<HashMap<(NoticeCode, String), Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    last: Option<Instant>,
    /// How often it happened since then.
    count: u64,
}

impl Notices {
    /// It happened once more; `text` says so, given how often since it was last told.
    pub(crate) fn tell(&self, code: NoticeCode, text: impl FnOnce(u64) -> String) {
        self.tell_of(code, "", text);
    }

    /// The same of something that has a name in the configuration: one is not kept back for another.
    pub(crate) fn tell_of(&self, code: NoticeCode, about: &str, text: impl FnOnce(u64) -> String) {
        if let Some(count) = self.turn(code, about, Instant::now()) {
            standard_error::warning(format_args!("{} [{}]", text(count), code.as_str()));
        }
    }

    /// Everything is news again: a configuration has come into force.
    pub(crate) fn renew(&self) {
        self.lock().clear();
    }

    /// How often it happened since it was last told, if it is to be told now.
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
        // A panic while it is held leaves usable counts behind.
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
