//! An edge: the real table and the real decisions, and a plain model of what feeds them.

use crate::store::{HOST, KEY, Link};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use privet_distribution::links::{
    Arrival, AttemptId, Confirmation, GrantFacts, Judgement, LinkSource, Moment, News,
    QuestionKind, Redeeming, RedemptionFacts, RedemptionRules, RevocationChange, RevocationTable,
    RevokedObject, ShownVisits, Step, ViewerDigest, ViewerFacts, Visit, VisitSeal, WhenStale,
};
use privet_sign::Timestamp;
use std::net::IpAddr;

/// Time without news after which limited links are no longer served, in milliseconds.
pub const STALE_AFTER_MS: u64 = 5000;

/// Time from one reading of the feed to the next, in milliseconds.
pub const POLL_MS: u64 = 500;

/// Time after which an answer is no longer waited for, in milliseconds.
pub const ANSWER_MS: u64 = 1000;

/// How often a question is sent at most.
pub const TRIES_MAX: u32 = 3;

/// An edge.
#[derive(Debug)]
pub struct Edge {
    /// How far its clock is off, in seconds.
    pub clock_off: i64,
    /// What it knows of revocations, in memory.
    pub table: RevocationTable,
    /// Its copy of the feed, which outlives its process.
    pub replica: Vec<RevocationChange>,
    /// When the newest feed that it has was asked for.
    pub news_at: u64,
    /// When the last question for the feed was sent, as long as it was not answered.
    pub asked_at: Option<u64>,
    /// The question's ticket.
    pub feed_ticket: u64,
    /// True if nothing passes between it and the store.
    pub is_cut_off: bool,
    /// How it treats limited links without news.
    pub when_stale: WhenStale,
    /// The viewers who have shown cookies.
    pub shown: ShownVisits,
    /// Number of its restarts: what a process before it waited for is nothing to it.
    pub life: u64,
}

/// A viewer's request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Index of the viewer who sends it.
    pub from: usize,
    /// Index of the link.
    pub link: usize,
    /// Index of the edge.
    pub edge: usize,
    /// GET, or HEAD.
    pub kind: QuestionKind,
    /// Whether a page is to be shown.
    pub confirmation: Confirmation,
    /// The visit that the edge believes.
    pub visit: Option<Visit>,
    /// The viewer, as the edge knows it.
    pub viewer: ViewerDigest,
    /// A fresh random number.
    pub attempt: AttemptId,
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Index of the viewer.
    pub from: usize,
    /// Index of the link.
    pub link: usize,
    /// Index of the edge.
    pub edge: usize,
    /// GET, or HEAD.
    pub kind: QuestionKind,
    /// What it is sent by.
    pub arrival: Arrival,
    /// The viewer's address.
    pub client: IpAddr,
    /// The field `Cookie`.
    pub cookie: Option<String>,
    /// The text of the button, if it was pressed.
    pub pressed: Option<String>,
}

/// A request whose question is on its way.
#[derive(Debug)]
pub struct Waiting {
    /// The request.
    pub request: Request,
    /// The decision.
    pub redeeming: Redeeming,
    /// The edge's process.
    pub life: u64,
    /// True as soon as something came of it.
    pub is_over: bool,
}

/// What an edge does with a request.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
#[derive(Debug)]
pub enum Begun {
    /// The signature is refused, for the link has ended by the edge's clock.
    Expired,
    /// The link is not limited, and was judged.
    Ordinary(Judgement),
    /// The link is limited.
    Limited(Redeeming, Step),
}

impl Edge {
    /// Makes an edge that knows nothing.
    pub fn new(when_stale: WhenStale) -> Self {
        Edge {
            clock_off: 0,
            table: RevocationTable::new(),
            replica: Vec::new(),
            news_at: 0,
            asked_at: None,
            feed_ticket: 0,
            is_cut_off: false,
            when_stale,
            shown: ShownVisits::new(100),
            life: 0,
        }
    }

    /// Returns the time by its clock, in seconds.
    pub fn clock(&self, now_ms: u64) -> u64 {
        clock(now_ms, self.clock_off)
    }

    /// Reads what of a request concerns its link.
    pub fn read(
        &mut self,
        seal: &VisitSeal<'_>,
        link: &Link,
        sent: &Sent,
        now_ms: u64,
        attempt: AttemptId,
    ) -> Request {
        let now = Timestamp::from_secs(self.clock(now_ms));
        let mut headers = HeaderMap::new();
        let cookie = sent.cookie.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(cookie)) = cookie {
            headers.insert(COOKIE, cookie);
        }
        let visit = seal.visit(&headers);
        if let Some(visit) = &visit {
            self.shown.note(visit);
        }
        let pressed = sent.pressed.as_deref();
        let confirmed = pressed.and_then(|text| seal.confirmed(text.as_bytes(), sent.client, now));
        let viewer = seal.viewer(&ViewerFacts {
            visit,
            confirmed,
            client: sent.client,
            arrival: sent.arrival,
            attempt,
            shown: &self.shown,
        });
        let confirmation = match confirmed {
            Some(_) => Confirmation::Settled,
            None => link.confirm.confirmation(sent.arrival),
        };
        Request {
            from: sent.from,
            link: sent.link,
            edge: sent.edge,
            kind: sent.kind,
            confirmation,
            visit,
            viewer,
            attempt,
        }
    }

    /// Begins with a request at `now_ms`.
    pub fn begin(&mut self, link: &Link, request: &Request, now_ms: u64) -> Begun {
        if self.clock(now_ms) >= link.until.as_secs() {
            return Begun::Expired;
        }
        let moment = self.moment(link, now_ms);
        let Some(limited) = link.limited else {
            return Begun::Ordinary(moment.judgement);
        };
        let facts = RedemptionFacts {
            link: limited,
            digest: link.digest,
            until: link.until,
            visit: request.visit,
            viewer: request.viewer,
            attempt: request.attempt,
            kind: request.kind,
            confirmation: request.confirmation,
        };
        let (redeeming, step) = Redeeming::start(facts, self.rules(), &moment);
        Begun::Limited(redeeming, step)
    }

    /// Returns what it knows about a link.
    pub fn moment(&mut self, link: &Link, now_ms: u64) -> Moment {
        let now = Timestamp::from_secs(self.clock(now_ms));
        if self.judge(link, now) == Judgement::Forgotten {
            self.reload();
        }
        let is_fresh = now_ms < self.news_at + STALE_AFTER_MS;
        Moment {
            now,
            judgement: self.judge(link, now),
            news: if is_fresh { News::Fresh } else { News::Stale },
        }
    }

    /// Takes changes of the feed.
    pub fn take(&mut self, changes: &[RevocationChange], asked_at: u64) {
        self.replica.extend_from_slice(changes);
        self.apply(changes);
        self.news_at = self.news_at.max(asked_at);
    }

    /// Reads its copy into a new table.
    pub fn reload(&mut self) {
        self.table = RevocationTable::new();
        let replica = std::mem::take(&mut self.replica);
        self.apply(&replica);
        self.replica = replica;
    }

    fn apply(&self, changes: &[RevocationChange]) {
        let applied = self.table.apply(changes);
        assert_eq!(applied, Ok(()), "few revocations are made");
    }

    fn judge(&self, link: &Link, now: Timestamp) -> Judgement {
        let paths = [&*link.path];
        let facts = GrantFacts {
            link: LinkSource::Known(link.digest),
            key_pair_id: KEY,
            mark: Some(&link.mark),
            object: RevokedObject {
                host: HOST,
                paths: &paths,
            },
        };
        self.table.judge(&facts, now)
    }

    fn rules(&self) -> RedemptionRules {
        RedemptionRules {
            renew_before_secs: 3,
            when_stale: self.when_stale,
            tries_max: TRIES_MAX,
            patience_secs: 10,
        }
    }
}

/// Returns the time by a clock that is off, in seconds.
pub fn clock(now_ms: u64, off: i64) -> u64 {
    (now_ms / 1000).saturating_add_signed(off)
}
