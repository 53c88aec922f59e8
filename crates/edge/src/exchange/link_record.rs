//! The link by which a response is given: whether it is still in force, and what is counted of it.

use super::received::Received;
use crate::links::{Seen, SeenVisit};
use crate::redeem::{LinkUse, Links};
use privet_distribution::links::{Judgement, RevokedObject, ViewerDigest};
use privet_distribution::request::LinkRefusal;
use privet_media::name::video_name;
use privet_sign::{Grant, LimitedId};
use std::net::IpAddr;

/// A response's link. It is noted for every grant, since any of them may be revoked while its transfer runs.
#[derive(Debug)]
pub(crate) struct LinkRecord {
    links: Links,
    grant: Grant,
    /// Number of revocations that cut, when the grant was judged last.
    cuts: u64,
    used: Option<(ViewerDigest, SeenVisit)>,
    /// Bytes that were reserved for the response.
    reserved: Option<(LimitedId, u64)>,
}

impl LinkRecord {
    /// Notes the grant of a request. Called before it is judged, so that no revocation comes in between.
    pub(crate) fn new(grant: &Grant, links: &Links) -> Self {
        LinkRecord {
            cuts: links.shared().cuts(),
            links: links.clone(),
            grant: grant.clone(),
            used: None,
            reserved: None,
        }
    }

    /// Notes the use of a limited link.
    pub(crate) fn used(&mut self, link_use: &LinkUse) {
        self.used = link_use.viewer().map(|viewer| (viewer, link_use.seen()));
    }

    /// Notes that bytes were reserved. What is not sent of them is returned at the end.
    pub(crate) fn reserved(&mut self, link: LimitedId, count: u64) {
        self.reserved = Some((link, count));
    }

    /// Returns the operator's word for why nothing more may be sent.
    pub(super) fn cut_off(&mut self, received: &Received) -> Option<&'static str> {
        let cuts = self.links.shared().cuts();
        if cuts == self.cuts {
            return None;
        }
        self.cuts = cuts;
        let request = received.viewer_request();
        let paths = object_paths(request.path);
        let object = RevokedObject {
            host: request.host,
            paths: &paths,
        };
        let now = received.connection.clock.now();
        match self.links.judge(&self.grant, object, now) {
            Judgement::Revoked(by) if by.cut => {
                let revocation = by.revocation;
                Some(LinkRefusal::Revoked { revocation }.token())
            }
            Judgement::Revoked(_) | Judgement::NotRevoked | Judgement::Forgotten => None,
        }
    }

    /// Counts the response, if the link's own text says that somebody may ask for it.
    pub(super) fn end(
        &mut self,
        (bytes, refusal): (u64, Option<&'static str>),
        received: &Received,
    ) {
        let shared = self.links.shared();
        if let (Some((link, count)), Some(source)) = (self.reserved.take(), shared.source()) {
            let unsent = count.saturating_sub(bytes);
            if unsent > 0 {
                source.store.return_bytes(link, unsent);
            }
        }
        if self.grant.link_mark().is_some() {
            let (viewer, visit) = self
                .used
                .unwrap_or_else(|| (viewer_at(received.viewer), SeenVisit::NotCounted));
            let seen = Seen {
                at: received.connection.clock.now(),
                bytes,
                viewer,
                visit,
                address: received.viewer,
                refusal,
            };
            shared.ledger().note(self.grant.link_id(), &seen);
        }
    }
}

/// Returns the viewer that an address stands for where nobody counts visits; all addresses of an IPv6 network of 64
/// bits are one.
pub(crate) fn viewer_at(address: IpAddr) -> ViewerDigest {
    let bytes = match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => {
            let mut bytes = address.octets();
            bytes[8..].fill(0);
            bytes
        }
    };
    ViewerDigest(bytes)
}

/// Returns the paths that name the object of a request: its own, and that of the video that something is made of.
pub fn object_paths(path: &str) -> [&str; 2] {
    let object = video_name(path).map_or(path, |name| name.object_path);
    [path, object]
}
