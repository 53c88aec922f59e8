//! What was counted of marked links and is not in the store yet. It is never waited for by a request.

use privet_distribution::links::ViewerDigest;
use privet_sign::{LinkId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Links of which something may wait. What comes beyond is not counted, which the sum of the others tells.
const LINKS_MAX: usize = 100_000;
/// Viewers and addresses of one link in one batch.
const EACH_MAX: usize = 100;

/// Number of refusals by their tokens.
pub type LinkRefusals = BTreeMap<&'static str, u64>;

/// What was counted of one link since it was last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Time of the first and of the last response.
    pub first: Option<Timestamp>,
    /// Time of the last one.
    pub last: Option<Timestamp>,
    /// Number of responses.
    pub responses: u64,
    /// Number of visits that began.
    pub uses: u64,
    /// Bytes of bodies that were handed over.
    pub bytes: u64,
    /// The furthest second of a video that was played, as far as it is known.
    pub watched_secs: u64,
    /// Viewers, as far as they fit.
    pub viewers: BTreeSet<[u8; 16]>,
    /// Their addresses, as far as they fit.
    pub addresses: BTreeSet<IpAddr>,
    /// Refusals by reason.
    pub refusals: LinkRefusals,
}

/// One response, or one refusal, of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Time of its end.
    pub(crate) at: Timestamp,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    /// The viewer.
    pub(crate) viewer: ViewerDigest,
    /// How it is known that a visit has begun.
    pub(crate) visit: SeenVisit,
    /// Address of the viewer.
    pub(crate) address: IpAddr,
    /// Reason why nothing was served.
    pub(crate) refusal: Option<&'static str>,
}

/// Whether a response begins a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeenVisit {
    /// The store has said so.
    Begins,
    /// It belongs to one that has begun.
    GoesOn,
    /// Nobody counts visits of the link: each viewer is one.
    NotCounted,
}

/// The counts of all links.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<LinkId, LinkCounts>>);

impl LinkCounts {
    fn note(&mut self, seen: &Seen) {
        if self.addresses.len() < EACH_MAX {
            self.addresses.insert(seen.address);
        }
        if let Some(refusal) = seen.refusal {
            *self.refusals.entry(refusal).or_default() += 1;
            return;
        }
        self.first = earlier(self.first, Some(seen.at));
        self.last = self.last.max(Some(seen.at));
        self.responses += 1;
        self.bytes += seen.bytes;
        let is_new = self.viewers.len() < EACH_MAX && self.viewers.insert(seen.viewer.0);
        self.uses += match seen.visit {
            SeenVisit::Begins => 1,
            SeenVisit::GoesOn => 0,
            SeenVisit::NotCounted => u64::from(is_new),
        };
    }

    fn add(&mut self, other: LinkCounts) {
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        self.responses += other.responses;
        self.uses += other.uses;
        self.bytes += other.bytes;
        self.watched_secs = self.watched_secs.max(other.watched_secs);
        self.viewers.extend(other.viewers);
        self.addresses.extend(other.addresses);
        for (refusal, count) in other.refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
    }
}

impl Ledger {
    pub(crate) fn note(&self, link: LinkId, seen: &Seen) {
        self.with(link, |counts| counts.note(seen));
    }

    /// Notes how far a video was played, from its beginning.
    pub(crate) fn watched(&self, link: LinkId, secs: u64) {
        self.with(link, |counts| {
            counts.watched_secs = counts.watched_secs.max(secs);
        });
    }

    pub(super) fn add(&self, link: LinkId, counts: LinkCounts) {
        self.with(link, |known| known.add(counts));
    }

    pub(super) fn take(&self) -> Vec<(LinkId, LinkCounts)> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *links).into_iter().collect()
    }

    fn with(&self, link: LinkId, act: impl FnOnce(&mut LinkCounts)) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = links.len() >= LINKS_MAX;
        match links.get_mut(&link) {
            Some(counts) => act(counts),
            None if is_full => {}
            None => act(links.entry(link).or_default()),
        }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: u64, refusal: Option<&'static str>) -> Seen {
        Seen {
            at: Timestamp::from_secs(at),
            bytes: 10,
            viewer: ViewerDigest([at as u8; 16]),
            visit: SeenVisit::NotCounted,
            address: IpAddr::from([192, 0, 2, at as u8]),
            refusal,
        }
    }

    #[test]
    fn a_refusal_is_no_response() {
        let ledger = Ledger::default();
        let link = LinkId::from_bytes([7; 32]);
        ledger.note(link, &seen(5, Some("link-used-up")));
        let [(_, counts)] = &ledger.take()[..] else {
            panic!("one link was seen");
        };
        assert_eq!((counts.responses, counts.bytes, counts.first), (0, 0, None));
        assert_eq!(counts.refusals["link-used-up"], 1);
        assert!(counts.viewers.is_empty());
    }

    #[test]
    fn what_could_not_be_stored_is_added_to_what_came_since() {
        let ledger = Ledger::default();
        let link = LinkId::from_bytes([7; 32]);
        ledger.note(link, &seen(5, None));
        let taken = ledger.take();
        ledger.note(link, &seen(9, None));
        ledger.note(link, &seen(3, None));
        for (link, counts) in taken {
            ledger.add(link, counts);
        }
        let counts = ledger.take().remove(0).1;
        assert_eq!((counts.responses, counts.bytes, counts.uses), (3, 30, 3));
        assert_eq!(counts.first, Some(Timestamp::from_secs(3)));
        assert_eq!(counts.last, Some(Timestamp::from_secs(9)));
        assert_eq!(counts.viewers.len(), 3);
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn links_beyond_the_limit_are_not_counted() {
        let ledger = Ledger::default();
        for number in 0..LINKS_MAX as u64 + 5 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            ledger.watched(LinkId::from_bytes(id), 1);
        }
        assert_eq!(ledger.take().len(), LINKS_MAX);
    }
}
