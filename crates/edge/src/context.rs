//! Resources of requests: those that all workers share, and those of one worker.

use crate::answer_memory::{AnswerMemory, ConnectionMemory};
use crate::cache::{EdgeCache, WorkerCache};
use crate::clock::Clock;
use crate::connections_by_address::ConnectionsByAddress;
use crate::descriptors::Descriptors;
use crate::ends::{AllCounts, Ends};
use crate::guests::Guests;
use crate::links::EdgeLinks;
use crate::log::{Log, UndeliveredLogs, WorkerLog};
use crate::memory::{VerifiedSignatures, WorkerMemory};
use crate::notices::Notices;
use crate::origin::FileChanges;
use crate::origin_client::{OriginClient, OriginClientShared};
use crate::proxy_header::ProxyComplaints;
use crate::redeem::{KeyUse, Links};
use crate::state::EdgeState;
use crate::video::{SourceStores, VideoIndexes};
use crate::workers::Workers;
use arc_swap::ArcSwap;
use http::HeaderValue;
use privet_distribution::date_value;
use privet_sign::Timestamp;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::watch;

/// Resources that all workers share.
#[derive(Clone, Debug)]
pub(crate) struct EdgeContext {
    pub(crate) state: Arc<ArcSwap<EdgeState>>,
    pub(crate) memory: Arc<VerifiedSignatures>,
    pub(crate) cache: Arc<EdgeCache>,
    /// Changes of files in folders, for all configurations.
    pub(crate) changes: Arc<FileChanges>,
    pub(crate) videos: Arc<VideoIndexes>,
    pub(crate) connections_by_address: Arc<ConnectionsByAddress>,
    pub(crate) rtmp_connections_by_address: Arc<ConnectionsByAddress>,
    pub(crate) descriptors: Arc<Descriptors>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) answer_memory: Arc<AnswerMemory>,
    pub(crate) origin_client: Arc<OriginClientShared>,
    pub(crate) clock: Clock,
    /// Secret for setting the clock from outside.
    pub(crate) test_secret: Arc<str>,
    pub(crate) log: Log,
    /// Log files that wait for their delivery into buckets.
    pub(crate) undelivered: UndeliveredLogs,
    pub(crate) ends: Arc<AllCounts>,
    /// When each key last opened something.
    pub(crate) key_use: Arc<KeyUse>,
    /// What is known of links beyond their signed text.
    pub(crate) links: Arc<EdgeLinks>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) node_name: String,
}

/// Resources that one worker's connections share.
#[derive(Debug)]
pub(crate) struct WorkerContext {
    pub(crate) edge: EdgeContext,
    /// Remembers in front of the edge's own memory.
    pub(crate) memory: WorkerMemory,
    /// Fetches for the edge's cache.
    pub(crate) cache: Rc<WorkerCache>,
    pub(crate) guests: Rc<Guests>,
    /// Log and counters for everything that viewers are sent.
    pub(crate) ends: Rc<Ends>,
    /// Where the grants of requests and plays are redeemed.
    pub(crate) links: Links,
    pub(crate) via: HeaderValue,
    pub(crate) proxy_complaints: ProxyComplaints,
    state: RefCell<arc_swap::Cache<Arc<ArcSwap<EdgeState>>, Arc<EdgeState>>>,
    date: RefCell<HeaderValue>,
    date_of: Cell<u64>,
}

impl WorkerContext {
    pub(crate) fn new(edge: EdgeContext) -> Self {
        let via = format!("1.1 {}.cloudfront.net (CloudFront)", edge.node_name);
        WorkerContext {
            memory: WorkerMemory::new(Arc::clone(&edge.memory)),
            cache: WorkerCache::new(
                Arc::clone(&edge.cache),
                OriginClient::new(Arc::clone(&edge.origin_client)),
                edge.clock.clone(),
            ),
            guests: Rc::default(),
            ends: Rc::new(Ends::new(WorkerLog::new(edge.log.clone()), &edge.ends)),
            links: Links::new(Arc::clone(&edge.key_use), Arc::clone(&edge.links)),
            // Cannot fail: the node name is hexadecimal.
            via: HeaderValue::try_from(via).unwrap_or_else(|_| HeaderValue::from_static("1.1")),
            proxy_complaints: ProxyComplaints::new(Arc::clone(&edge.notices)),
            state: RefCell::new(arc_swap::Cache::new(Arc::clone(&edge.state))),
            date: RefCell::new(HeaderValue::from_static("")),
            date_of: Cell::new(u64::MAX),
            edge,
        }
    }

    /// Returns the current configuration, which stays alive as long as it is held.
    pub(crate) fn current(&self) -> Arc<EdgeState> {
        Arc::clone(self.state.borrow_mut().load())
    }

    /// Creates the memory account of a new connection. `peer` is the other side, or the viewer that a PROXY header
    /// names. `held_back_bytes_max`: see [`ConnectionMemory::new`].
    pub(crate) fn connection_memory(
        &self,
        peer: SocketAddr,
        held_back_bytes_max: u64,
    ) -> Arc<ConnectionMemory> {
        let state = self.current();
        let is_proxy = state.snapshot.node.trusted_proxies.contains(peer.ip());
        let viewer = (!is_proxy).then(|| peer.ip());
        ConnectionMemory::new(&self.edge.answer_memory, viewer, held_back_bytes_max)
    }

    /// Returns the stores for the bytes that videos are made of.
    pub(crate) fn source_stores(&self) -> SourceStores<'_> {
        SourceStores {
            cache: &self.cache,
            blocks: self.edge.videos.blocks(),
            arrivals: self.edge.videos.arrivals(),
        }
    }

    /// Returns the value of `Date`, made once a second.
    pub(crate) fn date(&self, now: Timestamp) -> HeaderValue {
        let now = now.as_secs();
        if self.date_of.get() != now {
            self.date.replace(date_value(Timestamp::from_secs(now)));
            self.date_of.set(now);
        }
        self.date.borrow().clone()
    }
}
