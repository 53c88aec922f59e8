//! Decides how long a stored response is fresh, and how it may be used afterwards (RFC 9111 4.2, RFC 5861).
//!
//! `storage` decides whether a response is stored at all, and makes a [`Lifetime`] from its header fields.

use privet_sign::Timestamp;

mod explicit;
mod storage;

pub use storage::{Collapsing, OriginExchange, Storage, Unstorable, collapsing, storage};

/// Length of an encoded [`Lifetime`].
pub const LIFETIME_SIZE_BYTES: usize = 30;

/// First byte of the encoding.
const ENCODING_VERSION: u8 = 1;

/// The times of a request to the origin and of the arrival of its response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Time of the request, `request_time` of RFC 9111 4.2.3.
    pub requested: Timestamp,
    /// Time of the response, `response_time` of RFC 9111 4.2.3.
    pub received: Timestamp,
}

/// The permitted use of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The response may be served.
    Fresh,
    /// The response may be served, while it is revalidated (RFC 5861 3).
    StaleWhileRevalidate,
    /// The response has to be revalidated first.
    Stale,
}

/// The permitted use of a stale response when the origin fails (RFC 9111 4.2.4, RFC 5861 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServeStale {
    /// It must not be served.
    Never,
    /// It may be served for this number of seconds after it became stale.
    Seconds(u32),
    /// It may be served as long as it is stored.
    Always,
}

/// The lifetime of a stored response. It is small, computed once from the header fields, and stored beside the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    received: Timestamp,
    /// Age at reception, `corrected_initial_age` of RFC 9111 4.2.3.
    initial_age_secs: u32,
    /// Seconds of freshness from `received` on; negative if the response was stale before it arrived.
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
    min_fresh_secs: u32,
    stale_while_revalidate_secs: u32,
}

impl Lifetime {
    fn new(received: Timestamp, spans: Spans, serve_stale: ServeStale) -> Self {
        let Spans {
            initial_age_secs,
            freshness_secs,
            min_fresh_secs,
            stale_while_revalidate_secs,
        } = spans;
        let left = i64::from(freshness_secs) - i64::from(initial_age_secs);
        Lifetime {
            received,
            initial_age_secs,
            // Without a minimum TTL, a response that arrives stale stays stale: RFC 9111 4.2 alone counts.
            fresh_secs: if min_fresh_secs == 0 {
                left
            } else {
                left.max(i64::from(min_fresh_secs))
            },
            stale_while_revalidate_secs,
            serve_stale,
        }
    }

    /// Returns the lifetime of a `Vary` marker, which is not itself a response.
    pub fn for_marker(received: Timestamp) -> Self {
        Lifetime::new(received, Spans::default(), ServeStale::Never)
    }

    /// Returns the current age in seconds (RFC 9111 4.2.3), the value of `Age`.
    ///
    /// If the clock went back before the reception, it is the age at reception.
    pub fn age_secs(&self, now: Timestamp) -> u64 {
        u64::from(self.initial_age_secs).saturating_add(self.resident_secs(now).unwrap_or(0))
    }

    /// Returns the permitted use at `now`. If the clock went back before the reception, nothing is known, and the
    /// response is stale.
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

    /// Returns whether the response may be served in place of an origin that cannot be reached or responds with 500 to
    /// 504.
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

    /// Returns the seconds until it becomes stale, negative afterwards: `ttl` of `Cache-Status` (RFC 9211 2.4).
    pub fn ttl_secs(&self, now: Timestamp) -> i64 {
        let resident = self.resident_secs(now).unwrap_or(0);
        -stale_for(resident, self.fresh_secs)
    }

    /// Returns the time of its reception, or of its last confirmation by a 304.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// Returns the seconds since reception; `None` when `now` is before it.
    fn resident_secs(&self, now: Timestamp) -> Option<u64> {
        now.as_secs().checked_sub(self.received.as_secs())
    }

    /// Encodes the lifetime for the disk; [`Lifetime::decode`] reads it.
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

    /// Decodes the bytes of [`Lifetime::encode`]; `None` for anything else.
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

/// Returns the seconds since it became stale; negative while it is fresh.
fn stale_for(resident_secs: u64, fresh_secs: i64) -> i64 {
    i64::try_from(resident_secs)
        .unwrap_or(i64::MAX)
        .saturating_sub(fresh_secs)
        // The limit keeps the negation from overflowing, whatever the disk contained.
        .max(-i64::MAX)
}

fn field<const N: usize>(bytes: &[u8; LIFETIME_SIZE_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests;
