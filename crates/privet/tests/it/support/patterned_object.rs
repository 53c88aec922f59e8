//! Objects of any size whose every byte is known, and a gate that a test opens.

use crate::support::{FakeOrigin, OriginAnswer, OriginAsk, PATIENCE};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, OnceLock};

/// Length of the period: a prime, so that no two pieces of a round size hold the same bytes.
const PERIOD: u64 = 65_521;

/// The bytes of one version of an object. Bytes of two versions differ at every position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    version: u8,
}

impl Pattern {
    pub fn of_version(version: u8) -> Self {
        Pattern { version }
    }

    pub fn byte_at(self, offset: u64) -> u8 {
        table()[(offset % PERIOD) as usize] ^ self.version
    }

    pub fn bytes(self, range: Range<u64>) -> Vec<u8> {
        let table = table();
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        let mut at = range.start;
        while at < range.end {
            let first = at % PERIOD;
            let length = (PERIOD - first).min(range.end - at);
            bytes.extend_from_slice(&table[first as usize..(first + length) as usize]);
            at += length;
        }
        if self.version != 0 {
            bytes.iter_mut().for_each(|byte| *byte ^= self.version);
        }
        bytes
    }

    /// Fails at the first byte from `offset` on that does not belong to this version.
    #[track_caller]
    pub fn assert_is(self, offset: u64, bytes: &[u8]) {
        let expected = self.bytes(offset..offset + bytes.len() as u64);
        if expected == bytes {
            return;
        }
        let place = expected.iter().zip(bytes).position(|(a, b)| a != b);
        panic!("another byte at {}", offset + place.unwrap_or(0) as u64);
    }
}

/// Returns one period, made of the high bits of a multiplicative generator.
fn table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(PERIOD as usize).collect()
    })
}

struct Version {
    etag: String,
    pattern: Pattern,
}

/// An object that handles ranges and conditions the way S3 and nginx do, whatever the path; clones are the same object.
#[derive(Clone)]
pub struct PatternedObject {
    size_bytes: u64,
    /// Headers of every response that is not an error.
    headers: Arc<Mutex<Vec<(String, String)>>>,
    version: Arc<Mutex<Version>>,
}

impl PatternedObject {
    pub fn new(size_bytes: u64, etag: &str) -> Self {
        PatternedObject {
            size_bytes,
            headers: Arc::default(),
            version: Arc::new(Mutex::new(Version {
                etag: etag.to_owned(),
                pattern: Pattern::of_version(0),
            })),
        }
    }

    /// Adds a header.
    pub fn with(self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        self.headers.lock().unwrap().push(header);
        self
    }

    /// Returns the bytes of the current version.
    pub fn pattern(&self) -> Pattern {
        self.version.lock().unwrap().pattern
    }

    /// Replaces the bytes by those of `pattern`.
    pub fn of_pattern(self, pattern: Pattern) -> Self {
        self.version.lock().unwrap().pattern = pattern;
        self
    }

    /// Changes to other bytes under another tag, from the next request on.
    pub fn change_to(&self, etag: &str) -> Pattern {
        let mut version = self.version.lock().unwrap();
        let pattern = Pattern::of_version(version.pattern.version.wrapping_add(1));
        *version = Version {
            etag: etag.to_owned(),
            pattern,
        };
        pattern
    }

    /// Responds as RFC 9110 13.2.2 and 14.2 say, for one range and entity tags.
    pub fn answer(&self, ask: &OriginAsk) -> OriginAnswer {
        let (etag, pattern) = {
            let version = self.version.lock().unwrap();
            (version.etag.clone(), version.pattern)
        };
        let holds = |condition: &str| condition == "*" || condition.contains(&etag);
        if ask
            .header("If-Match")
            .is_some_and(|condition| !holds(condition))
        {
            return OriginAnswer::whole(412, &[], "");
        }
        if ask.header("If-None-Match").is_some_and(holds) {
            return self.head(304, &etag, &[]);
        }
        let is_same = ask.header("If-Range").is_none_or(|tag| tag == etag);
        if ask.header("Range").is_none() || !is_same {
            let length = self.size_bytes.to_string();
            return self
                .head(200, &etag, &[("Content-Length", &length)])
                .send_pattern(pattern, 0..self.size_bytes);
        }
        let Some(range) = ask.range(self.size_bytes) else {
            let unsatisfied = format!("bytes */{}", self.size_bytes);
            return OriginAnswer::whole(416, &[("Content-Range", &unsatisfied)], "");
        };
        let length = (range.end - range.start).to_string();
        let content_range = format!(
            "bytes {}-{}/{}",
            range.start,
            range.end - 1,
            self.size_bytes
        );
        let framing = [
            ("Content-Length", length.as_str()),
            ("Content-Range", &content_range),
        ];
        self.head(206, &etag, &framing).send_pattern(pattern, range)
    }

    fn head(&self, status: u16, etag: &str, framing: &[(&str, &str)]) -> OriginAnswer {
        let own = self.headers.lock().unwrap().clone();
        let mut headers = vec![("ETag", etag), ("Accept-Ranges", "bytes")];
        headers.extend(
            own.iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        headers.extend(framing);
        OriginAnswer::head(status, &headers)
    }
}

impl FakeOrigin {
    /// Starts an origin that has one object under every path.
    pub fn object(size_bytes: u64, etag: &str) -> (FakeOrigin, PatternedObject) {
        FakeOrigin::of(&PatternedObject::new(size_bytes, etag))
    }

    /// Does the same for an object with headers of its own.
    pub fn of(object: &PatternedObject) -> (FakeOrigin, PatternedObject) {
        let answering = object.clone();
        let origin = FakeOrigin::start(move |ask| answering.answer(ask));
        (origin, object.clone())
    }
}

/// A gate that is closed until a test opens it; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<GatePosition>, Condvar)>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum GatePosition {
    #[default]
    Closed,
    Open,
}

impl Gate {
    pub fn closed() -> Self {
        Gate::default()
    }

    pub fn open(&self) {
        *self.0.0.lock().unwrap() = GatePosition::Open;
        self.0.1.notify_all();
    }

    /// Waits until the gate is open, but for no longer than `PATIENCE`.
    pub fn wait(&self) {
        let position = self.0.0.lock().unwrap();
        let is_closed = |position: &mut GatePosition| *position == GatePosition::Closed;
        drop(self.0.1.wait_timeout_while(position, PATIENCE, is_closed));
    }
}
