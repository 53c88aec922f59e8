//! Work on long texts, off the worker and limited in parallel, whether those who requested it stay or leave.

use crate::origin::DiskWork;
use privet_distribution::request::Denial;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Time limit for getting a permit. Viewers that have left may still stand in the queue: their leaving is not noticed
/// before they are answered.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Result of the work. It holds its permit until it is dropped, so that few results wait to be counted.
pub(crate) struct Done<T> {
    pub(crate) result: T,
    _permit: Option<SemaphorePermit<'static>>,
}

/// Does the work when there is a permit for it.
///
/// Work that has begun continues even if its viewer leaves. So it takes its permit along, and what `work` owns must
/// hold the charges for its memory.
///
/// Errors: others have all permits for too long, the work has panicked, or the process ends.
pub(crate) async fn long_work<T: Send + 'static>(
    permits: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Done<T>, Denial> {
    let waiting = timeout(PERMIT_TIMEOUT, permits.acquire()).await;
    // The semaphore is never closed.
    let permit = waiting.map_err(|_| Denial::CapacityExceeded)?.ok();
    let working = DiskWork::start(move || Done {
        result: work(),
        _permit: permit,
    });
    working.await.map_err(|_| Denial::CapacityExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_memory::{AnswerMemory, ConnectionMemory, GatheredBytes};
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    static PERMITS: Semaphore = Semaphore::const_new(1);
    static TAKEN: Semaphore = Semaphore::const_new(0);

    #[tokio::test(start_paused = true)]
    async fn m1_nobody_waits_long_for_a_permit() {
        let done = long_work(&TAKEN, || 7).await;
        assert_eq!(done.err(), Some(Denial::CapacityExceeded));
    }

    /// M4: viewers who left made room for the next ones while their work continued, so that any number was in progress.
    #[tokio::test]
    async fn m4_work_keeps_its_permit_and_its_memory_when_its_viewer_has_left() {
        let all = AnswerMemory::new(1 << 20);
        let memory = ConnectionMemory::new(&all, None, 0).admit(0).unwrap();
        let mut gathered = GatheredBytes::expecting(100_000, 100_000, &memory).unwrap();
        gathered.push(b"text").unwrap();
        let text = gathered.end();
        drop(memory);
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_end) = mpsc::channel::<()>();
        let work = long_work(&PERMITS, move || {
            begun.send(()).unwrap();
            // Blocks until the sender is dropped.
            let _ = may_end.recv();
            text.len()
        });
        tokio::select! {
            biased;
            _ = work => panic!("the work is over"),
            begun = has_begun => begun.unwrap(),
        }
        assert_eq!(PERMITS.available_permits(), 0);
        assert_eq!(all.used_bytes(), 100_000);
        drop(go_on);
        // The text is dropped before the permit.
        drop(PERMITS.acquire().await);
        assert_eq!(all.used_bytes(), 0);
        let done = long_work(&PERMITS, || 7).await.unwrap();
        assert_eq!((done.result, PERMITS.available_permits()), (7, 0));
        drop(done);
        assert_eq!(PERMITS.available_permits(), 1);
    }
}
