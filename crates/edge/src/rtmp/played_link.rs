//! The link by which a video plays: whether it is still in force, and what is counted of it.

use crate::exchange::viewer_at;
use crate::links::{Seen, SeenVisit};
use crate::redeem::{LinkUse, Links};
use privet_distribution::links::{Judgement, RevokedObject, ViewerDigest};
use privet_distribution::request::LinkRefusal;
use privet_sign::{Grant, Timestamp};
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;

/// A play's link. Dropping it counts the play.
#[derive(Debug)]
pub(super) struct PlayedLink {
    links: Links,
    grant: Grant,
    host: String,
    path: String,
    /// Number of revocations that cut, when the grant was judged last.
    cuts: u64,
    used: Option<(ViewerDigest, SeenVisit)>,
    began: Option<Began>,
}

/// What is known since the video has begun.
#[derive(Debug)]
struct Began {
    address: IpAddr,
    /// Bytes sent over the connection, and how many they were at the beginning.
    sent_bytes: Rc<Cell<u64>>,
    sent_before: u64,
    watched_secs: u64,
    at: Timestamp,
}

impl PlayedLink {
    /// Notes the grant of a play of the object at `path`. Called before it is judged, so that no revocation comes in
    /// between. `host` is the one that the viewer connected to.
    pub(super) fn new(grant: &Grant, (host, path): (&str, &str), links: &Links) -> Self {
        PlayedLink {
            cuts: links.shared().cuts(),
            links: links.clone(),
            grant: grant.clone(),
            host: host.to_owned(),
            path: path.to_owned(),
            used: None,
            began: None,
        }
    }

    /// Notes the use of a limited link.
    pub(super) fn used(&mut self, link_use: &LinkUse) {
        self.used = link_use.viewer().map(|viewer| (viewer, link_use.seen()));
    }

    /// Notes that the video begins.
    pub(super) fn begin(&mut self, address: IpAddr, sent_bytes: &Rc<Cell<u64>>, now: Timestamp) {
        self.began = Some(Began {
            address,
            sent_bytes: Rc::clone(sent_bytes),
            sent_before: sent_bytes.get(),
            watched_secs: 0,
            at: now,
        });
    }

    /// Notes how far the video was played.
    pub(super) fn played_to(&mut self, timestamp_ms: u64, now: Timestamp) {
        if let Some(began) = &mut self.began {
            began.watched_secs = began.watched_secs.max(timestamp_ms / 1000);
            began.at = now;
        }
    }

    /// Returns the revocation by which the object is refused under the host that the viewer connected to.
    pub(super) fn refusal(&self, now: Timestamp) -> Option<LinkRefusal> {
        match self.judge(now) {
            Judgement::NotRevoked => None,
            Judgement::Revoked(by) => Some(LinkRefusal::Revoked {
                revocation: by.revocation,
            }),
            Judgement::Forgotten => Some(LinkRefusal::RevocationsForgotten),
        }
    }

    /// Returns the operator's word for why nothing more may be sent.
    pub(super) fn cut_off(&mut self, now: Timestamp) -> Option<&'static str> {
        let cuts = self.links.shared().cuts();
        if cuts == self.cuts {
            return None;
        }
        self.cuts = cuts;
        match self.judge(now) {
            Judgement::Revoked(by) if by.cut => {
                let revocation = by.revocation;
                Some(LinkRefusal::Revoked { revocation }.token())
            }
            Judgement::Revoked(_) | Judgement::NotRevoked | Judgement::Forgotten => None,
        }
    }

    fn judge(&self, now: Timestamp) -> Judgement {
        let object = RevokedObject {
            host: &self.host,
            paths: &[&self.path],
        };
        self.links.judge(&self.grant, object, now)
    }
}

impl Drop for PlayedLink {
    fn drop(&mut self) {
        let Some(began) = &self.began else {
            return;
        };
        if self.grant.link_mark().is_none() {
            return;
        }
        let link = self.grant.link_id();
        let (viewer, visit) = self
            .used
            .unwrap_or_else(|| (viewer_at(began.address), SeenVisit::NotCounted));
        let seen = Seen {
            at: began.at,
            bytes: began.sent_bytes.get().saturating_sub(began.sent_before),
            viewer,
            visit,
            address: began.address,
            refusal: None,
        };
        let ledger = self.links.shared().ledger();
        ledger.note(link, &seen);
        ledger.watched(link, began.watched_secs);
    }
}
