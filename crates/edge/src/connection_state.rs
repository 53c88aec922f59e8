//! State that the requests of one connection share, and how long the viewer has kept the edge waiting.

use crate::answer_memory::ConnectionMemory;
use crate::clock::Clock;
use crate::departures::Departures;
use crate::ends::Ends;
use crate::file_placeholder::QueuedStretches;
use crate::request_id::request_id;
use crate::tls::TlsNames;
use crate::viewer_end::Naming;
use bytes::Bytes;
use http::HeaderMap;
use privet_distribution::config::{ForwardedHeaders, Snapshot};
use privet_distribution::request::{Denial, Forwarded, forwarded};
use privet_distribution::response::{Page, denial_page};
use privet_sign::Scheme;
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// Facts about a connection that are known before its first request, and never change.
#[derive(Debug)]
pub(crate) struct ConnectionFacts {
    /// Address of the peer, or of the viewer that a PROXY header names.
    pub(crate) peer: SocketAddr,
    pub(crate) naming: Naming,
    /// Scheme by which the viewer speaks to the edge, or to a balancer that terminates TLS.
    pub(crate) scheme: Scheme,
    pub(crate) tls: Option<TlsNames>,
    /// True if bodies may be handed over as ranges of files.
    pub(crate) sends_files: bool,
}

impl ConnectionFacts {
    /// Returns what is known about the viewer; `headers` count too if the peer is a trusted proxy.
    pub(crate) fn forwarded(&self, headers: &HeaderMap, snapshot: &Snapshot) -> Forwarded {
        let family = match self.naming {
            Naming::Known => snapshot.node.forwarded_headers,
            // Headers that follow such a PROXY header are not the proxy's own word.
            Naming::Unnamed => ForwardedHeaders::None,
        };
        let told = forwarded(
            self.peer.ip(),
            headers,
            &snapshot.node.trusted_proxies,
            family,
        );
        Forwarded {
            is_viewer_known: told.is_viewer_known && self.naming == Naming::Known,
            ..told
        }
    }
}

/// State that the requests of one connection share.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    pub(crate) facts: ConnectionFacts,
    pub(crate) clock: Clock,
    pub(crate) memory: Arc<ConnectionMemory>,
    /// Log and counters for the connection's exchanges.
    pub(crate) ends: Rc<Ends>,
    pub(crate) departures: Departures,
    pub(crate) stretches: QueuedStretches,
    /// Number of requests whose response is not complete.
    active: Cell<u32>,
    requests: Cell<usize>,
    /// Time when the connection last had nothing to answer.
    idle_since: Cell<Instant>,
    /// Set when bytes of a next request have arrived.
    head_begun: Cell<bool>,
    /// Whether the next request is awaited for so long already that the connection may be parked.
    park_due: Cell<bool>,
    /// Set when the last response has said that the connection stays, and so that its request had no body.
    stays: Cell<bool>,
    /// Number of videos on their way: a player may read them as slowly as it plays.
    paced: Cell<u32>,
}

impl ConnectionState {
    pub(crate) fn new(
        facts: ConnectionFacts,
        memory: Arc<ConnectionMemory>,
        clock: Clock,
        ends: Rc<Ends>,
    ) -> Rc<Self> {
        Rc::new(ConnectionState {
            facts,
            clock,
            memory,
            ends,
            departures: Departures::default(),
            stretches: QueuedStretches::default(),
            active: Cell::new(0),
            requests: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            // A new connection must send a whole head before long; only a used one may be idle.
            head_begun: Cell::new(true),
            park_due: Cell::new(false),
            stays: Cell::new(false),
            paced: Cell::new(0),
        })
    }

    pub(crate) fn request_began(&self) {
        self.active.set(self.active.get() + 1);
        self.requests.set(self.requests.get() + 1);
        self.head_begun.set(false);
        self.park_due.set(false);
        self.stays.set(false);
    }

    /// Notes that the response to the latest request says that the connection stays.
    pub(crate) fn will_stay(&self) {
        self.stays.set(true);
    }

    /// Returns the number of requests so far, including this one.
    pub(crate) fn request_count(&self) -> usize {
        self.requests.get()
    }

    /// Notes that the response is over for hyper: complete, or aborted.
    pub(crate) fn request_ended(&self, at: Instant) {
        self.active.set(self.active.get() - 1);
        if self.active.get() == 0 {
            self.idle_since.set(at);
        }
    }

    /// Notes that the response that begins is a video.
    pub(crate) fn video_began(&self) {
        self.paced.set(self.paced.get() + 1);
    }

    /// Notes that a video has left, or never will.
    pub(crate) fn video_ended(&self) {
        self.paced.set(self.paced.get() - 1);
    }

    /// Returns true if a player may be pacing what is on its way.
    pub(crate) fn is_paced(&self) -> bool {
        self.paced.get() > 0
    }

    /// Returns true if every response so far has left, so that the bytes written now are not from one of them.
    fn owes_nothing(&self) -> bool {
        self.active.get() == 0 && self.departures.is_empty()
    }

    pub(crate) fn bytes_arrived(&self) {
        if self.active.get() == 0 && !self.head_begun.get() {
            self.head_begun.set(true);
            self.idle_since.set(Instant::now());
        }
    }

    pub(crate) fn head_begun(&self) -> bool {
        self.head_begun.get()
    }

    /// Returns the time since which the next request is awaited; `None` while one is being answered, to the last byte.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.owes_nothing().then(|| self.idle_since.get())
    }

    /// The next request has been awaited for a while.
    pub(crate) fn idle_for_a_while(&self) {
        self.park_due.set(true);
    }

    /// Returns true if the connection may be parked: it has been idle for a while, and no byte of a next request is
    /// there.
    ///
    /// It must also have been said to stay. Where the edge said `close`, hyper may still be reading a body, which only
    /// hyper knows: taken from it, the rest of that body would be read as requests.
    pub(crate) fn may_park(&self) -> bool {
        self.stays.get() && self.park_due.get() && self.owes_nothing() && !self.head_begun.get()
    }

    /// Gives back what only answers need: the connection is parked.
    pub(crate) fn shrink(&self) {
        self.departures.shrink();
        self.stretches.shrink();
    }

    /// Restarts the idle time: the viewer was slow to read the last response, which has left only now.
    pub(crate) fn left_late(&self) {
        if self.active.get() == 0 && !self.departures.is_empty() {
            self.idle_since.set(Instant::now());
        }
    }

    /// Returns the reason if `bytes` are an error that hyper found in a request head and answered itself.
    ///
    /// A file may hold the same bytes, so they count only while no response of ours is on its way.
    pub(crate) fn refusal_of_hyper(&self, bytes: &[u8]) -> Option<Denial> {
        if !bytes.starts_with(b"HTTP/1.1 4") || !self.owes_nothing() {
            return None;
        }
        match bytes.get(9..12)? {
            b"431" | b"414" => Some(Denial::HeadTooLarge),
            _ => Some(Denial::BadRequest),
        }
    }

    /// Returns our page in place of such an error, and records that it was sent: there is no exchange that would.
    pub(crate) fn refuse_head(&self, denial: &Denial) -> Bytes {
        let page = raw_page(&denial_page(denial, &request_id()));
        self.ends.refused_head(denial, page.len() as u64);
        page
    }
}

/// Returns a page as HTTP/1.1 text, for the cases in which there is no request to answer.
fn raw_page(page: &Page) -> Bytes {
    let head = format!(
        "HTTP/1.1 {} {}\r\nServer: CloudFront\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nX-Cache: {}\r\n\r\n",
        page.status.as_str(),
        page.status.canonical_reason().unwrap_or(""),
        page.content_type,
        page.body.len(),
        page.result.x_cache(),
    );
    let mut bytes = Vec::with_capacity(head.len() + page.body.len());
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&page.body);
    Bytes::from(bytes)
}
