//! A running edge as the rest of the program sees it: the commands that it takes, and the state that it reports.

use crate::cache::{Invalidation, InvalidationItem};
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::descriptors::tell_of_shortage;
use crate::ends::EndTotals;
use crate::links::EdgeLinks;
use crate::listeners::Listeners;
use crate::log::{AccessLogLine, AccessLogged, UndeliveredLogs};
use crate::memory::VerifiedSignatures;
use crate::operator::{
    ChangeError, InvalidationError, LogCourier, Operator, OriginPrivacy, Prober,
};
use crate::start_error::StartError;
use crate::state::EdgeState;
use crate::unwritten_logs::tell_of_unwritten_logs;
use privet_cache::Statistics;
use privet_distribution::config::{CacheSettings, ListenerProtocol, Snapshot};
use privet_distribution::logging::redact_viewer_text;
use privet_sign::{PathTokenSecret, Timestamp};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running edge. Clones refer to the same edge; dropping the last one does not stop it.
#[derive(Clone, Debug)]
pub struct EdgeHandle(Arc<Core>);

#[derive(Debug)]
struct Core {
    context: EdgeContext,
    operator: Operator,
    /// Secret that lives as long as this process, for use where none is configured.
    path_token_secret: PathTokenSecret,
    /// Listeners, locked for the whole of a change, so that there is one change at a time.
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

    /// Returns the configuration that requests are judged by from now on.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.context.state.load().snapshot)
    }

    /// Returns protocol and bound address of each listener (with the real port where 0 was configured), in no order.
    pub fn addresses(&self) -> Vec<(ListenerProtocol, SocketAddr)> {
        self.listeners().addresses()
    }

    /// Returns the edge's clock, to be set in tests.
    pub fn clock(&self) -> &Clock {
        &self.0.context.clock
    }

    /// Returns the value of `X-Privet-Test-Secret` that a request needs to set the clock in test mode.
    pub fn test_secret(&self) -> &str {
        &self.0.context.test_secret
    }

    /// Returns the signatures verified so far.
    pub fn verified_signatures(&self) -> &VerifiedSignatures {
        &self.0.context.memory
    }

    /// Returns what the edge knows of links, which whoever follows the store tells it.
    pub fn links(&self) -> &Arc<EdgeLinks> {
        &self.0.context.links
    }

    /// Returns totals of what has ended since the start, whatever the log's settings are.
    pub fn end_totals(&self) -> EndTotals {
        self.0.context.ends.totals()
    }

    /// Makes every stored object that `items` match count as absent, from now on and after every restart.
    ///
    /// Complete when it returns; it waits for the disk, if the cache has one. Limits are CloudFront's (developer guide,
    /// "Quotas"): 3,000 items, 15 of them with a wildcard.
    ///
    /// # Errors
    /// Fails on an exceeded limit, an unknown distribution, or a disk that cannot be written. Nothing is invalidated
    /// then.
    pub fn invalidate(
        &self,
        distribution_id: &str,
        items: &[InvalidationItem],
    ) -> Result<Arc<Invalidation>, InvalidationError> {
        self.0.operator.invalidate(distribution_id, items)
    }

    /// Takes note that an object was written or deleted at an origin, by whatever program: everything cached of it
    /// counts as changed from now on, on every worker and also where another origin has the same folder, bucket or
    /// server. That covers files in memory and open files, compressed forms, the indexes of videos, and cached
    /// responses with any query.
    ///
    /// `path` is the object's own at the origin, beneath the folder or in the bucket, including the origin path:
    /// percent-encoded, with a leading slash. Nothing is cached of objects outside the origin path.
    ///
    /// Complete when it returns; it waits for the disk. After a write that the file's size and times do not show, the
    /// object's entity tag is a different one until the process ends.
    ///
    /// # Errors
    /// Fails on an origin that no behavior of the distribution has, or a path that names nothing. If the change cannot
    /// be written down, the object's files count as changed, but its cached responses may not.
    pub fn changed(
        &self,
        distribution_id: &str,
        origin_id: &str,
        path: &str,
    ) -> Result<(), ChangeError> {
        self.0.operator.changed(distribution_id, origin_id, path)
    }

    /// Returns one of the latest invalidations, by its id.
    pub fn invalidation(&self, id: &str) -> Option<Arc<Invalidation>> {
        self.0.operator.invalidations().find(id)
    }

    /// Returns the latest invalidations, newest first, `count_max` at most.
    pub fn invalidations(&self, count_max: usize) -> Vec<Arc<Invalidation>> {
        self.0.operator.invalidations().latest(count_max)
    }

    /// Returns the contents and the activity of the cache since it was opened.
    pub fn cache_statistics(&self) -> Statistics {
        self.0.context.cache.store().statistics()
    }

    /// Returns when public keys last opened something here, by their ids, to the minute.
    pub fn keys_last_opened(&self) -> BTreeMap<String, Timestamp> {
        self.0.context.key_use.last_opened()
    }

    /// Takes over when a key last opened something here before the process was started.
    pub fn remember_key_use(&self, key_pair_id: &str, at: Timestamp) {
        self.0.context.key_use.note(key_pair_id, at);
    }

    /// Returns what origins of restricted behaviors gave to requests without keys when they were last probed. Empty
    /// until the first responses have arrived.
    pub fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        self.0.operator.privacy_of_origins()
    }

    /// Returns the memory in bytes of responses on their way to viewers; see `limits.responses_size_bytes_max`.
    pub fn responses_size_bytes(&self) -> u64 {
        self.0.context.answer_memory.used_bytes()
    }

    /// Returns the settings that the cache was opened with; a reload does not change them.
    pub fn cache_settings(&self) -> &CacheSettings {
        &self.0.operator.cache_settings
    }

    /// Returns a prober, which checks whether origins are private.
    pub fn prober(&self) -> Prober {
        Prober::new(self.0.operator.clone())
    }

    /// Returns the log files that wait for their delivery into buckets.
    pub fn undelivered_logs(&self) -> UndeliveredLogs {
        self.0.context.undelivered.clone()
    }

    /// Returns a courier, which brings log files into buckets behind S3 endpoints.
    pub fn log_courier(&self) -> LogCourier {
        self.0.operator.courier()
    }

    /// Writes a line of a bucket's access log, which is delivered as the logs of distributions are. Signatures,
    /// policies and tokens in it are redacted.
    pub fn write_access_log(&self, line: AccessLogLine) -> AccessLogged {
        let line = AccessLogLine {
            line: redact_viewer_text(&line.line).into_owned(),
            ..line
        };
        let limits = &self.0.context.state.load().snapshot.node.limits;
        let log = &self.0.context.log;
        log.write_access(line, limits.log_queue_records_max)
    }

    /// Switches to another configuration without dropping a request: running requests finish under the old one.
    ///
    /// The number of workers does not change. Steps that can fail come first: new listeners are bound before anything
    /// changes, and those that are no longer configured are closed last, so that there is no moment without a listener.
    ///
    /// # Errors
    /// The old configuration stays loaded, whole.
    pub fn reload(&self, snapshot: Arc<Snapshot>) -> Result<(), StartError> {
        self.reload_locked(&mut self.listeners(), snapshot)
    }

    /// As [`EdgeHandle::reload`], with the settings of `node` and the service that is in force at this moment: a change
    /// of the service between the two would be undone.
    ///
    /// # Errors
    /// The old configuration stays loaded, whole.
    pub fn reload_node(&self, node: Snapshot) -> Result<(), StartError> {
        let mut listeners = self.listeners();
        let snapshot = node.with_service_of(&self.snapshot());
        self.reload_locked(&mut listeners, Arc::new(snapshot))
    }

    fn reload_locked(
        &self,
        listeners: &mut Listeners,
        snapshot: Arc<Snapshot>,
    ) -> Result<(), StartError> {
        // The table of listeners is locked to the end, so that reloads come one after the other. Whatever can fail
        // stands before the state is stored: from there on nothing is to be undone. The clock goes first, as no request
        // may be judged by a stopped clock under a configuration without the test mode; limits and log follow the
        // state, which the next request reads. New sockets are handed out and old ones closed last: the backlog of a
        // new one holds connections meanwhile, and nobody is turned away.
        let context = &self.0.context;
        let secret = &self.0.path_token_secret;
        let state = Arc::new(EdgeState::prepare(snapshot, secret, &context.changes)?);
        let snapshot = &state.snapshot;
        let opened = listeners.open(&snapshot.node.listeners)?;
        let tasks = listeners.tasks(opened, &context.workers)?;
        let had_test_clock = context.state.load().snapshot.node.test_clock;
        if had_test_clock && !snapshot.node.test_clock {
            // A clock that a test has stopped must not outlive test mode.
            context.clock.release();
        }
        tell_of_shortage(snapshot, context.descriptors.max());
        tell_of_unwritten_logs(snapshot, None);
        context.state.store(Arc::clone(&state));
        context.notices.renew();
        let responses_size_bytes_max = snapshot.node.limits.responses_size_bytes_max;
        context
            .answer_memory
            .set_limit(responses_size_bytes_max as u64);
        context.log.change(snapshot.node.log.clone());
        context.workers.hand_out(tasks);
        listeners.close_all_but(&snapshot.node.listeners);
        Ok(())
    }

    /// Switches to the snapshot that `change` makes of the one in force, under the same settings of the machine. What
    /// the two have in common stays as it is, so that the cost is that of what differs.
    ///
    /// # Errors Returns the error of `change`, or why something that the new snapshot names cannot be opened. The old
    /// one stays in force, whole.
    pub fn change_service<E: From<StartError>>(
        &self,
        change: impl FnOnce(&Snapshot) -> Result<Snapshot, E>,
    ) -> Result<(), E> {
        // A reload must not come between: it would be undone.
        let _listeners = self.listeners();
        let context = &self.0.context;
        let state = context.state.load();
        let snapshot = Arc::new(change(&state.snapshot)?);
        let changed = state.changed(snapshot, &context.changes)?;
        tell_of_unwritten_logs(&changed.snapshot, Some(&state.snapshot));
        context.state.store(Arc::new(changed));
        Ok(())
    }

    pub(crate) fn close_listeners(&self) {
        self.listeners().close_all_but(&[]);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        let listeners = &self.0.listeners;
        // A panic while the lock is held leaves a usable table behind.
        listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
