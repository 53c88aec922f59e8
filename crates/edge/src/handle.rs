//! A running edge as the rest of the program sees it: what it is told, and what it tells.

use crate::cache::{Invalidation, InvalidationItem};
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::descriptors::tell_of_shortage;
use crate::ends::EndTotals;
use crate::listeners::Listeners;
use crate::memory::VerifiedSignatures;
use crate::operator::{ChangeError, InvalidationError, Operator, OriginPrivacy, Prober};
use crate::start_error::StartError;
use crate::state::EdgeState;
use privet_cache::Statistics;
use privet_distribution::config::{CacheSettings, ListenerProtocol, Snapshot};
use privet_sign::PathTokenSecret;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running edge. Clones are of the same one; the last of them does not stop it.
#[derive(Clone, Debug)]
pub struct EdgeHandle(Arc<Core>);

#[derive(Debug)]
struct Core {
    context: EdgeContext,
    operator: Operator,
    /// For as long as this process lives, where none is configured.
    path_token_secret: PathTokenSecret,
    /// Held for the whole of a change, so that there is one at a time.
    listeners: Mutex<Listeners>,
}

impl EdgeHandle {
    pub(crate) fn new(
        context: EdgeContext,
        path_token_secret: PathTokenSecret,
        listeners: Listeners,
    ) -> Self {
        EdgeHandle(Arc::new(Core {
            operator: Operator::new(&context),
            context,
            path_token_secret,
            listeners: Mutex::new(listeners),
        }))
    }

    pub(crate) fn context(&self) -> &EdgeContext {
        &self.0.context
    }

    /// The configuration that requests are judged by from now on.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.context.state.load().snapshot)
    }

    /// Protocol and bound address of each listener (with the real port where 0 was configured), in no order.
    pub fn addresses(&self) -> Vec<(ListenerProtocol, SocketAddr)> {
        self.listeners().addresses()
    }

    /// The edge's clock, to be set in tests.
    pub fn clock(&self) -> &Clock {
        &self.0.context.clock
    }

    /// What a request must have in `X-Privet-Test-Secret` to set the clock in test mode.
    pub fn test_secret(&self) -> &str {
        &self.0.context.test_secret
    }

    /// The signatures confirmed so far.
    pub fn verified_signatures(&self) -> &VerifiedSignatures {
        &self.0.context.memory
    }

    /// How much has ended since the start, whatever the log's settings are.
    pub fn end_totals(&self) -> EndTotals {
        self.0.context.ends.totals()
    }

    /// Makes every stored object that `items` mean count as absent, from now on and after every restart.
    ///
    /// Complete when it returns; it waits for the disk, if the cache has one. Limits are CloudFront's (developer guide,
    /// "Quotas"): 3,000 items, 15 of them with a wildcard.
    ///
    /// # Errors
    /// Nothing is invalidated then: limits, an unknown distribution, a disk that cannot be written.
    pub fn invalidate(
        &self,
        distribution_id: &str,
        items: &[InvalidationItem],
    ) -> Result<Arc<Invalidation>, InvalidationError> {
        self.0.operator.invalidate(distribution_id, items)
    }

    /// Takes note that an object was written or deleted at an origin, by whoever has done it: all that is kept of it
    /// counts as changed from now on, on every worker and also where another origin has the same folder, bucket or
    /// server. That is files in memory and open ones, compressed forms, what is known of videos, and cached answers
    /// with every query.
    ///
    /// `path` is the object's own at the origin, beneath the folder or in the bucket, the origin path included:
    /// percent-encoded, with a slash before it. What the origin path does not lead to is kept by nobody.
    ///
    /// Complete when it returns; it waits for the disk. After a write that the file's size and times do not show, the
    /// object's entity tag is another one until the process ends.
    ///
    /// # Errors
    /// An origin that no behavior of the distribution has, a path that names nothing. If the change cannot be written
    /// down, the object's files count as changed and its cached answers may not.
    pub fn changed(
        &self,
        distribution_id: &str,
        origin_id: &str,
        path: &str,
    ) -> Result<(), ChangeError> {
        self.0.operator.changed(distribution_id, origin_id, path)
    }

    /// One of the latest invalidations, by its id.
    pub fn invalidation(&self, id: &str) -> Option<Arc<Invalidation>> {
        self.0.operator.invalidations().find(id)
    }

    /// The latest invalidations, newest first, `count_max` at most.
    pub fn invalidations(&self, count_max: usize) -> Vec<Arc<Invalidation>> {
        self.0.operator.invalidations().latest(count_max)
    }

    /// What the cache holds and has done since it was opened.
    pub fn cache_statistics(&self) -> Statistics {
        self.0.context.cache.store().statistics()
    }

    /// What origins of restricted behaviors told somebody without keys, when they were asked last. Empty until the
    /// first answers have come.
    pub fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        self.0.operator.privacy_of_origins()
    }

    /// The memory that answers take on their way to viewers; see `limits.responses_size_bytes_max`.
    pub fn responses_size_bytes(&self) -> u64 {
        self.0.context.answer_memory.used_bytes()
    }

    /// What the cache was opened with; a reload does not change it.
    pub fn cache_settings(&self) -> &CacheSettings {
        &self.0.operator.cache_settings
    }

    /// Asks origins whether they are private.
    pub fn prober(&self) -> Prober {
        Prober::new(self.0.operator.clone())
    }

    /// Goes over to another configuration without dropping a request: running requests end under the old one.
    ///
    /// The number of workers stays as it was started. What can fail comes first: new listeners are bound before
    /// anything changes, and those that are no longer configured are closed last, so that there is no moment without
    /// one.
    ///
    /// # Errors
    /// The old configuration stays in force, whole.
    pub fn reload(&self, snapshot: Arc<Snapshot>) -> Result<(), StartError> {
        // The table of listeners is locked to the end, so that reloads come one after the other. Whatever can fail stands
        // before the state is stored: from there on nothing is to be undone. The clock goes first, as no request may be
        // judged by a stopped clock under a configuration without the test mode; limits and log follow the state, which
        // the next request reads. New sockets are handed out and old ones closed last: the backlog of a new one holds
        // connections meanwhile, and nobody is turned away.
        let context = &self.0.context;
        let mut listeners = self.listeners();
        let secret = &self.0.path_token_secret;
        let state = Arc::new(EdgeState::prepare(snapshot, secret, &context.changes)?);
        let snapshot = &state.snapshot;
        let opened = listeners.open(&snapshot.listeners)?;
        let tasks = listeners.tasks(opened, &context.workers)?;
        let had_test_clock = context.state.load().snapshot.test_clock;
        if had_test_clock && !snapshot.test_clock {
            // A clock that a test has stopped must not outlive the test mode.
            context.clock.release();
        }
        tell_of_shortage(snapshot, context.descriptors.max());
        context.state.store(Arc::clone(&state));
        context.notices.renew();
        let responses_size_bytes_max = snapshot.limits.responses_size_bytes_max;
        context
            .answer_memory
            .set_limit(responses_size_bytes_max as u64);
        context.log.change(snapshot.log.clone());
        context.workers.hand_out(tasks);
        listeners.close_all_but(&snapshot.listeners);
        Ok(())
    }

    pub(crate) fn close_listeners(&self) {
        self.listeners().close_all_but(&[]);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        let listeners = &self.0.listeners;
        // A panic while it is held leaves a usable table behind.
        listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
