//! Delivers log files into buckets: at least once, oldest first, each bucket by itself.
//!
//! Where files come from and how they get into a bucket is the [`Carrier`]'s matter. Here it is decided when which one
//! is tried: a bucket that fails is left alone for a while, and holds up no other.

mod lanes;

use lanes::Lanes;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

/// What delivering needs of the rest of the program. Used by one thread.
pub trait Carrier: 'static {
    /// A complete log file.
    type Log: 'static;
    /// Reason why one was not delivered.
    type Fault;

    /// Returns the buckets with files that wait.
    fn buckets(&self) -> Vec<String>;

    /// Takes the oldest file that waits for a bucket; `None` if there is none.
    fn take(&self, bucket: &str) -> Option<Self::Log>;

    /// Brings a file into its bucket, under the same key at every attempt. It has arrived when this returns, and is
    /// forgotten.
    fn carry(&self, log: &Self::Log) -> impl Future<Output = Result<(), Self::Fault>>;

    /// Lets a file wait on, in its old place.
    fn put_back(&self, log: Self::Log, fault: Self::Fault);

    /// Waits until there are other files.
    fn changed(&self) -> impl Future<Output = ()>;
}

/// A running delivery. Dropping it lets it run to the end of the process.
#[derive(Debug)]
pub struct Deliverer {
    stop: oneshot::Sender<Duration>,
    thread: JoinHandle<()>,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Arrived,
    Waits,
}

impl Deliverer {
    /// Starts a thread that delivers what `carrier`, which is made there, has.
    ///
    /// # Errors
    /// The thread or its runtime cannot be started.
    pub fn start<C: Carrier>(carrier: impl FnOnce() -> C + Send + 'static) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("privet-deliver".into())
            .spawn(move || {
                let delivering = async { run(Rc::new(carrier()), stopped).await };
                LocalSet::new().block_on(&runtime, delivering);
                // A disk or a server that does not respond must not keep the program from ending.
                runtime.shutdown_background();
            })?;
        Ok(Deliverer { stop, thread })
    }

    /// Tries once more to deliver what waits, for at most `patience`, and ends. What is left stays in the queue.
    pub fn stop(self, patience: Duration) {
        // A thread that has ended by itself needs no telling.
        let _ = self.stop.send(patience);
        let _ = self.thread.join();
    }
}

async fn run<C: Carrier>(carrier: Rc<C>, mut stopped: oneshot::Receiver<Duration>) {
    let mut lanes = Lanes::default();
    let mut carrying = JoinSet::new();
    let mut deadline = None;
    loop {
        begin(&carrier, &mut lanes, &mut carrying);
        if deadline.is_some() && carrying.is_empty() {
            return;
        }
        let next_attempt = lanes.next_attempt().filter(|_| deadline.is_none());
        tokio::select! {
            Some(done) = carrying.join_next() => {
                if let Ok((bucket, carried)) = done {
                    note(&mut lanes, &bucket, carried);
                }
            }
            () = carrier.changed(), if deadline.is_none() => {}
            () = at(next_attempt), if next_attempt.is_some() => {}
            patience = &mut stopped, if deadline.is_none() => {
                // Without a word the program is about to end.
                deadline = Some(Instant::now() + patience.unwrap_or_default());
                lanes.try_all_once();
            }
            () = at(deadline), if deadline.is_some() => return,
        }
    }
}

/// Begins as many deliveries as there may be.
fn begin<C: Carrier>(
    carrier: &Rc<C>,
    lanes: &mut Lanes,
    carrying: &mut JoinSet<(String, Carried)>,
) {
    let buckets = carrier.buckets();
    lanes.forget_all_but(&buckets);
    for bucket in buckets {
        while lanes.may_begin(&bucket, Instant::now())
            && let Some(log) = carrier.take(&bucket)
        {
            lanes.begin(&bucket);
            let (carrier, bucket) = (Rc::clone(carrier), bucket.clone());
            carrying.spawn_local(async move {
                let carried = match carrier.carry(&log).await {
                    Ok(()) => Carried::Arrived,
                    Err(fault) => {
                        carrier.put_back(log, fault);
                        Carried::Waits
                    }
                };
                (bucket, carried)
            });
        }
    }
}

fn note(lanes: &mut Lanes, bucket: &str, carried: Carried) {
    match carried {
        Carried::Arrived => lanes.arrived(bucket),
        Carried::Waits => lanes.failed(bucket, Instant::now(), jitter()),
    }
}

async fn at(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time).await;
    }
}

/// Returns a random number from 0 to 255.
fn jitter() -> u8 {
    let mut random = [0];
    // Without randomness all wait equally long, no more.
    let _ = aws_lc_rs::rand::fill(&mut random);
    random[0]
}

#[cfg(test)]
mod tests;
