//! Says that an edge is stale when nothing was heard of the store for the configured time, whatever it waits for.

use crate::edge_state::FollowerState;
use privet_edge::standard_error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// When the store was last heard of, and how long that lasts.
#[derive(Debug)]
pub(super) struct Staleness {
    heard: watch::Sender<Instant>,
    stale_after: Duration,
}

impl Staleness {
    /// Begins with the present as the last time.
    pub(super) fn new(stale_after: Duration) -> Self {
        Staleness {
            heard: watch::channel(Instant::now()).0,
            stale_after,
        }
    }

    /// Notes that the store was heard of.
    pub(super) fn note_heard(&self) {
        self.heard.send_replace(Instant::now());
    }

    /// Returns true if the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.heard.borrow().elapsed() >= self.stale_after
    }

    /// Returns what tells that the time is over, at that moment.
    pub(super) fn watch(&self) -> StalenessWatch {
        StalenessWatch {
            heard: self.heard.subscribe(),
            stale_after: self.stale_after,
        }
    }
}

/// The timer beside a follower, which may be waiting for an answer of the store.
#[derive(Debug)]
pub(super) struct StalenessWatch {
    heard: watch::Receiver<Instant>,
    stale_after: Duration,
}

impl StalenessWatch {
    /// Warns, and marks the state that others see as stale, each time that nothing was heard for too long. Ends with
    /// the follower. That the store is heard of again is told by the follower.
    pub(super) async fn run(mut self, tell: &watch::Sender<Arc<FollowerState>>) {
        loop {
            let heard = *self.heard.borrow_and_update();
            // A time that is too far away never comes.
            let Some(over) = heard.checked_add(self.stale_after) else {
                return std::future::pending().await;
            };
            match timeout_at(over, self.heard.changed()).await {
                Ok(Ok(())) => continue,
                Ok(Err(_)) => return,
                Err(_) => {}
            }
            standard_error::warning(format_args!(
                "nothing was heard of the store for {} s: this edge is stale",
                heard.elapsed().as_secs()
            ));
            tell.send_modify(|state| Arc::make_mut(state).is_stale = true);
            if self.heard.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_edge_is_stale_in_time_whatever_it_waits_for() {
        let staleness = Staleness::new(Duration::from_secs(5));
        let (tell, state) = watch::channel(Arc::new(FollowerState::new("edge-1")));
        let watching = staleness.watch();
        let began = Instant::now();
        let said_at = async |state: &mut watch::Receiver<Arc<FollowerState>>| {
            state.wait_for(|state| state.is_stale).await.unwrap();
            began.elapsed().as_secs()
        };
        let following = async {
            let mut state = state;
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert!(!staleness.is_over());
            staleness.note_heard();
            // A look that never ends.
            assert_eq!(said_at(&mut state).await, 9);
            assert!(staleness.is_over());
            tokio::time::sleep(Duration::from_secs(60)).await;
            staleness.note_heard();
            tell.send_modify(|state| Arc::make_mut(state).is_stale = false);
            assert_eq!(said_at(&mut state).await, 74);
        };
        tokio::select! {
            () = following => {}
            () = watching.run(&tell) => panic!("the timer has ended"),
        }
    }
}
