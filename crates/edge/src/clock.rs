//! The current time: the system's clock, or the one a test has set.

use privet_sign::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Value of a clock that no test has set.
const UNSET: u64 = u64::MAX;

/// The edge's clock. Clones share one setting.
#[derive(Clone, Debug)]
pub struct Clock {
    set_to: Arc<AtomicU64>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock {
            set_to: Arc::new(AtomicU64::new(UNSET)),
        }
    }
}

impl Clock {
    /// Returns the seconds since 1970 in UTC, rounded down.
    pub fn now(&self) -> Timestamp {
        match self.set_to.load(Ordering::Relaxed) {
            UNSET => system_time(),
            secs => Timestamp::from_secs(secs),
        }
    }

    /// Stops the clock at `now`, until it is set again or released. For tests.
    pub fn set(&self, now: Timestamp) {
        self.set_to
            .store(now.as_secs().min(UNSET - 1), Ordering::Relaxed);
    }

    /// Goes back to the system's clock.
    pub fn release(&self) {
        self.set_to.store(UNSET, Ordering::Relaxed);
    }

    /// Returns true if a test has set the clock.
    pub fn is_set(&self) -> bool {
        self.set_to.load(Ordering::Relaxed) != UNSET
    }
}

fn system_time() -> Timestamp {
    // A clock before 1970 counts as 1970: every grant that has a start is refused then.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_secs(since.as_secs())
}
