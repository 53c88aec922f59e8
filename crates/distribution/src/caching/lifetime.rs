//! How long a stored response is fresh, and what becomes of it afterwards (RFC 9111 4.2, RFC 5861).
//!
//! Whether it is stored at all is decided in `storage`, which is also what makes a [`Lifetime`] from header fields.

use privet_sign::Timestamp;

mod explicit;
mod storage;

pub use storage::{Collapsing, OriginExchange, Storage, Unstorable, collapsing, storage};

/// The length of an encoded [`Lifetime`].
pub const LIFETIME_SIZE_BYTES: usize = 30;

/// The first byte of the encoding.
const ENCODING_VERSION: u8 = 1;

/// When the origin was asked and when the head of its response was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// `request_time` of RFC 9111 4.2.3.
    pub requested: Timestamp,
    /// `response_time`.
    pub received: Timestamp,
}

/// What a stored response is good for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// To be served.
    Fresh,
    /// To be served, and revalidated meanwhile (RFC 5861 3).
    StaleWhileRevalidate,
    /// To be revalidated first.
    Stale,
}

/// What becomes of a response that is no longer fresh when the origin fails (RFC 9111 4.2.4, RFC 5861 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServeStale {
    /// It must not be served.
    Never,
    /// For so many seconds after it became stale.
    Seconds(u32),
    /// As long as it is kept.
    Always,
}

/// How long a stored response lives. Small, made once from the header fields, kept beside the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    received: Timestamp,
    /// RFC 9111 4.2.3, `corrected_initial_age`.
    initial_age_secs: u32,
    /// Fresh so many seconds from `received` on; negative when it was stale before it came.
    fresh_secs: i64,
    stale_while_revalidate_secs: u32,
    serve_stale: ServeStale,
}

/// The spans of time that a lifetime is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Spans {
    /// The age at reception (RFC 9111 4.2.3).
    initial_age_secs: u32,
    /// The freshness lifetime, from which the age counts.
    freshness_secs: u32,
    /// How long the policy keeps it, counted from reception.
    kept_secs: u32,
    stale_while_revalidate_secs: u32,
}

impl Lifetime {
    fn new(received: Timestamp, spans: Spans, serve_stale: ServeStale) -> Self {
        let Spans {
            initial_age_secs,
            freshness_secs,
            kept_secs,
            stale_while_revalidate_secs,
        } = spans;
        let left = i64::from(freshness_secs) - i64::from(initial_age_secs);
        Lifetime {
            received,
            initial_age_secs,
            // Who sets no minimum is not to make fresh what came stale: RFC 9111 4.2 alone counts then.
            fresh_secs: if kept_secs == 0 {
                left
            } else {
                left.max(i64::from(kept_secs))
            },
            stale_while_revalidate_secs,
            serve_stale,
        }
    }

    /// Of a sign that several responses are kept, which is no response itself.
    pub fn of_a_marker(received: Timestamp) -> Self {
        Lifetime::new(received, Spans::default(), ServeStale::Never)
    }

    /// The current age in seconds (RFC 9111 4.2.3), the value of `Age`.
    ///
    /// A clock that went back behind the moment of reception gives the age at reception.
    pub fn age_secs(&self, now: Timestamp) -> u64 {
        u64::from(self.initial_age_secs).saturating_add(self.resident_secs(now).unwrap_or(0))
    }

    /// What the response is good for at `now`. When the clock went back behind its reception nothing is known: stale.
    pub fn verdict(&self, now: Timestamp) -> Freshness {
        let Some(resident) = self.resident_secs(now) else {
            return Freshness::Stale;
        };
        let stale_for = stale_for(resident, self.fresh_secs);
        if stale_for < 0 {
            Freshness::Fresh
        } else if stale_for < i64::from(self.stale_while_revalidate_secs) {
            Freshness::StaleWhileRevalidate
        } else {
            Freshness::Stale
        }
    }

    /// Whether the response may be served in place of an origin that cannot be reached or answers 500 to 504.
    pub fn may_serve_stale(&self, now: Timestamp) -> bool {
        let Some(resident) = self.resident_secs(now) else {
            return false;
        };
        match self.serve_stale {
            ServeStale::Never => false,
            ServeStale::Seconds(seconds) => {
                stale_for(resident, self.fresh_secs) < i64::from(seconds)
            }
            ServeStale::Always => true,
        }
    }

    /// Seconds until it becomes stale, negative afterwards: `ttl` of `Cache-Status` (RFC 9211 2.4).
    pub fn ttl_secs(&self, now: Timestamp) -> i64 {
        let resident = self.resident_secs(now).unwrap_or(0);
        -stale_for(resident, self.fresh_secs)
    }

    /// When it was received, or last confirmed by a 304.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// `None` when `now` lies before the reception.
    fn resident_secs(&self, now: Timestamp) -> Option<u64> {
        now.as_secs().checked_sub(self.received.as_secs())
    }

    /// For the disk; read by [`Lifetime::decode`].
    pub fn encode(&self) -> [u8; LIFETIME_SIZE_BYTES] {
        let (tag, seconds) = match self.serve_stale {
            ServeStale::Never => (0, 0),
            ServeStale::Seconds(seconds) => (1, seconds),
            ServeStale::Always => (2, 0),
        };
        let mut bytes = [0; LIFETIME_SIZE_BYTES];
        bytes[0] = ENCODING_VERSION;
        bytes[1] = tag;
        bytes[2..10].copy_from_slice(&self.received.as_secs().to_le_bytes());
        bytes[10..14].copy_from_slice(&self.initial_age_secs.to_le_bytes());
        bytes[14..22].copy_from_slice(&self.fresh_secs.to_le_bytes());
        bytes[22..26].copy_from_slice(&self.stale_while_revalidate_secs.to_le_bytes());
        bytes[26..30].copy_from_slice(&seconds.to_le_bytes());
        bytes
    }

    /// What [`Lifetime::encode`] wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LIFETIME_SIZE_BYTES] = bytes.try_into().ok()?;
        if bytes[0] != ENCODING_VERSION {
            return None;
        }
        let serve_stale = match (bytes[1], u32::from_le_bytes(field(bytes, 26))) {
            (0, 0) => ServeStale::Never,
            (1, seconds) => ServeStale::Seconds(seconds),
            (2, 0) => ServeStale::Always,
            _ => return None,
        };
        Some(Lifetime {
            received: Timestamp::from_secs(u64::from_le_bytes(field(bytes, 2))),
            initial_age_secs: u32::from_le_bytes(field(bytes, 10)),
            fresh_secs: i64::from_le_bytes(field(bytes, 14)),
            stale_while_revalidate_secs: u32::from_le_bytes(field(bytes, 22)),
            serve_stale,
        })
    }
}

/// Seconds since it became stale; negative while it is fresh.
fn stale_for(resident_secs: u64, fresh_secs: i64) -> i64 {
    i64::try_from(resident_secs)
        .unwrap_or(i64::MAX)
        .saturating_sub(fresh_secs)
        // So that the negation is a number, whatever the disk said.
        .max(-i64::MAX)
}

fn field<const N: usize>(bytes: &[u8; LIFETIME_SIZE_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests;
