//! Deliveries in time that passes by itself, with buckets that fail when they are told to.

use super::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio::sync::Notify;

/// Files by bucket, and what happened to them.
#[derive(Default)]
struct Fake {
    waiting: RefCell<BTreeMap<String, VecDeque<u32>>>,
    failing: RefCell<BTreeSet<String>>,
    hanging: RefCell<BTreeSet<String>>,
    attempts: RefCell<Vec<(String, u32, u64)>>,
    arrived: RefCell<Vec<(String, u32)>>,
    changed: Notify,
    begun: RefCell<Option<Instant>>,
}

impl Fake {
    fn add(&self, bucket: &str, file: u32) {
        let mut waiting = self.waiting.borrow_mut();
        waiting
            .entry(bucket.to_owned())
            .or_default()
            .push_back(file);
        self.changed.notify_one();
    }

    fn secs(&self) -> u64 {
        let begun = *self.begun.borrow_mut().get_or_insert_with(Instant::now);
        begun.elapsed().as_secs()
    }

    fn attempts_of(&self, bucket: &str) -> Vec<u32> {
        let attempts = self.attempts.borrow();
        let own = attempts.iter().filter(|attempt| attempt.0 == bucket);
        own.map(|attempt| attempt.1).collect()
    }
}

impl Carrier for Fake {
    type Log = (String, u32);
    type Fault = ();

    fn buckets(&self) -> Vec<String> {
        let waiting = self.waiting.borrow();
        let some = waiting.iter().filter(|(_, files)| !files.is_empty());
        some.map(|(bucket, _)| bucket.clone()).collect()
    }

    fn take(&self, bucket: &str) -> Option<Self::Log> {
        let file = self.waiting.borrow_mut().get_mut(bucket)?.pop_front()?;
        Some((bucket.to_owned(), file))
    }

    async fn carry(&self, (bucket, file): &Self::Log) -> Result<(), ()> {
        let attempt = (bucket.clone(), *file, self.secs());
        self.attempts.borrow_mut().push(attempt);
        if self.hanging.borrow().contains(bucket) {
            std::future::pending::<()>().await;
        }
        if self.failing.borrow().contains(bucket) {
            return Err(());
        }
        self.arrived.borrow_mut().push((bucket.clone(), *file));
        Ok(())
    }

    fn put_back(&self, (bucket, file): Self::Log, (): ()) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.entry(bucket).or_default().push_front(file);
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Runs a delivery for `running`, then stops it with this patience. Returns the seconds until it has ended.
fn deliver(fake: &Rc<Fake>, running: Duration, patience: Duration) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (stop, stopped) = oneshot::channel();
    LocalSet::new().block_on(&runtime, async {
        // The beginning is remembered.
        fake.secs();
        let task = tokio::task::spawn_local(run(Rc::clone(fake), stopped));
        tokio::time::sleep(running).await;
        stop.send(patience).unwrap();
        task.await.unwrap();
        fake.secs()
    })
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_bucket_that_fails_holds_up_no_other_and_is_tried_less_and_less() {
    let fake = Rc::new(Fake::default());
    fake.failing.borrow_mut().insert("bad".into());
    for file in 0..20 {
        fake.add("bad", file);
        fake.add("good", file);
    }
    deliver(&fake, 600 * SECOND, SECOND);
    let good: Vec<u32> = (0..20).collect();
    assert_eq!(fake.attempts_of("good"), good);
    let attempts = fake.attempts_of("bad");
    // Four at once, one after 1, 2, 4, … 60 seconds, and one at the end.
    assert!((12..40).contains(&attempts.len()), "{attempts:?}");
    assert_eq!(fake.waiting.borrow()["bad"].len(), 20);
}

#[test]
fn what_arrives_late_arrives_whole_and_oldest_first() {
    let fake = Rc::new(Fake::default());
    fake.failing.borrow_mut().insert("a".into());
    fake.add("a", 1);
    deliver(&fake, 3 * SECOND, SECOND);
    assert!(fake.arrived.borrow().is_empty());
    fake.add("a", 2);
    fake.failing.borrow_mut().clear();
    deliver(&fake, SECOND, SECOND);
    let arrived = fake.arrived.borrow().clone();
    assert_eq!(arrived, [("a".to_owned(), 1), ("a".to_owned(), 2)]);
}

#[test]
fn the_end_does_not_wait_for_a_bucket_that_hangs() {
    let fake = Rc::new(Fake::default());
    fake.hanging.borrow_mut().insert("a".into());
    fake.add("a", 1);
    fake.add("b", 1);
    assert_eq!(deliver(&fake, SECOND, 5 * SECOND), 6);
    assert_eq!(fake.arrived.borrow().clone(), [("b".to_owned(), 1)]);
}

#[test]
fn a_delivery_on_a_thread_of_its_own_ends_when_it_is_told() {
    let deliverer = Deliverer::start(Fake::default).unwrap();
    deliverer.stop(SECOND);
}
