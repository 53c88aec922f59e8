//! Decides when a bucket is tried: how many files at a time, and how long it is left alone after a failure.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Maximum number of files on their way into one bucket.
const FILES_PER_BUCKET_MAX: usize = 4;
/// Maximum number of files on their way: each is in memory.
const FILES_MAX: usize = 16;
/// Time after the first failure, which doubles with each further one.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What is under way, by bucket.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_bucket: HashMap<String, Lane>,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Lane {
    under_way: usize,
    /// Number of failures since the last file that arrived.
    failures: u32,
    not_before: Option<Instant>,
}

impl Lanes {
    /// Returns true if another file may be sent to a bucket now. One that has failed gets one file at a time until one
    /// has arrived.
    pub(super) fn may_begin(&self, bucket: &str, now: Instant) -> bool {
        if self.under_way >= FILES_MAX {
            return false;
        }
        let Some(lane) = self.by_bucket.get(bucket) else {
            return true;
        };
        let files_max = if lane.failures > 0 {
            1
        } else {
            FILES_PER_BUCKET_MAX
        };
        lane.under_way < files_max && lane.not_before.is_none_or(|time| time <= now)
    }

    /// Takes note that a file is on its way.
    pub(super) fn begin(&mut self, bucket: &str) {
        self.lane(bucket).under_way += 1;
        self.under_way += 1;
    }

    /// Takes note that a file has arrived.
    pub(super) fn arrived(&mut self, bucket: &str) {
        self.end(bucket);
        let lane = self.lane(bucket);
        (lane.failures, lane.not_before) = (0, None);
    }

    /// Takes note that a file has not arrived. The bucket is left alone for a second, and longer each time; `jitter`
    /// takes up to half of that away, so that many edges do not come back together.
    pub(super) fn failed(&mut self, bucket: &str, now: Instant, jitter: u8) {
        self.end(bucket);
        let lane = self.lane(bucket);
        // Files that were sent together fail together, which is one failure.
        if lane.not_before.is_none_or(|time| time <= now) {
            lane.not_before = Some(now + wait(lane.failures, jitter));
            lane.failures = lane.failures.saturating_add(1);
        }
    }

    /// Returns the next time at which a bucket may be tried again; `None` if none is left alone.
    pub(super) fn next_attempt(&self) -> Option<Instant> {
        let lanes = self.by_bucket.values();
        let waiting = lanes.filter(|lane| lane.under_way == 0);
        waiting.filter_map(|lane| lane.not_before).min()
    }

    /// Lets every bucket be tried at once.
    pub(super) fn try_all_once(&mut self) {
        for lane in self.by_bucket.values_mut() {
            lane.not_before = None;
        }
    }

    /// Forgets the buckets for which nothing waits any longer.
    pub(super) fn forget_all_but(&mut self, buckets: &[String]) {
        self.by_bucket
            .retain(|bucket, lane| lane.under_way > 0 || buckets.contains(bucket));
    }

    fn end(&mut self, bucket: &str) {
        self.lane(bucket).under_way -= 1;
        self.under_way -= 1;
    }

    fn lane(&mut self, bucket: &str) -> &mut Lane {
        self.by_bucket.entry(bucket.to_owned()).or_default()
    }
}

fn wait(failures: u32, jitter: u8) -> Duration {
    let doubled = WAIT_MIN.saturating_mul(1 << failures.min(16));
    let whole = doubled.min(WAIT_MAX);
    whole - whole * u32::from(jitter) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits = |jitter| [0, 1, 5, 6, 100].map(|failures| wait(failures, jitter).as_millis());
        assert_eq!(waits(0), [1_000, 2_000, 32_000, 60_000, 60_000]);
        assert_eq!(waits(255), [501, 1_003, 16_062, 30_117, 30_117]);
    }

    #[test]
    fn a_bucket_that_fails_is_left_alone_and_then_tried_with_one_file() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        for _ in 0..4 {
            assert!(lanes.may_begin("a", now));
            lanes.begin("a");
        }
        assert!(!lanes.may_begin("a", now), "four are on their way");
        assert!(lanes.may_begin("b", now));
        for _ in 0..4 {
            lanes.failed("a", now, 0);
        }
        let second = now + Duration::from_secs(1);
        assert_eq!(lanes.next_attempt(), Some(second), "one failure");
        assert!(!lanes.may_begin("a", now));
        assert!(lanes.may_begin("a", second));
        lanes.begin("a");
        assert!(!lanes.may_begin("a", second));
        assert_eq!(lanes.next_attempt(), None);
        lanes.failed("a", second, 0);
        assert_eq!(lanes.next_attempt(), Some(second + Duration::from_secs(2)));
        lanes.try_all_once();
        lanes.begin("a");
        lanes.arrived("a");
        lanes.begin("a");
        assert!(lanes.may_begin("a", second));
    }

    #[test]
    fn files_on_their_way_are_few() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        for number in 0..16 {
            let bucket = number.to_string();
            assert!(lanes.may_begin(&bucket, now));
            lanes.begin(&bucket);
        }
        assert!(!lanes.may_begin("16", now));
        lanes.arrived("0");
        assert!(lanes.may_begin("16", now));
    }
}
