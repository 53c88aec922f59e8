//! The end of a run: trouble is over, and everybody gets what is due.

use super::{START_MS, World};
use crate::checker::Broken;
use crate::store::{Acknowledged, Link};
use privet_distribution::links::{
    Arrival, AttemptId, ConfirmSetting, Judgement, QuestionKind, ViewerDigest, ViewerFacts,
    VisitSeal,
};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Time within which all edges know all revocations once nothing goes wrong, in milliseconds.
const TOLD_MS: u64 = 1000;

impl World {
    /// Heals everything, waits, and checks what has to be so then.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        self.is_faulty = false;
        self.store.down_until = 0;
        for edge in &mut self.edges {
            edge.is_cut_off = false;
            edge.clock_off = 0;
        }
        self.note("all is well again".to_owned());
        let healed_at = self.now_ms;
        for edge in 0..self.edges.len() {
            self.poll(edge)?;
        }
        self.live_until(healed_at + TOLD_MS)?;
        if self.settings.acknowledged == Acknowledged::ByTheCopy {
            self.check_told()?;
        }
        self.check_served()
    }

    fn live_until(&mut self, end_ms: u64) -> Result<(), Broken> {
        while let Some(Reverse((at, ..))) = self.queue.peek() {
            if *at > end_ms {
                break;
            }
            if let Some(Reverse((at, _, index))) = self.queue.pop() {
                self.now_ms = at;
                if let Some(event) = self.events[index].take() {
                    self.happen(event)?;
                }
            }
        }
        self.now_ms = end_ms;
        Ok(())
    }

    /// Every edge refuses every revoked link.
    fn check_told(&mut self) -> Result<(), Broken> {
        let revoked = self.checker.revoked(&self.links, self.now_ms / 1000);
        for edge in 0..self.edges.len() {
            for index in 0..self.links.len() {
                let link = self.links[index].clone();
                let moment = self.edges[edge].moment(&link, self.now_ms);
                let is_open = moment.judgement == Judgement::NotRevoked;
                if revoked.contains(&index) && is_open {
                    return Err(format!("edge {edge} knows no revocation of {link:?}"));
                }
                let is_revoked = self.store.copy.revoke(&link, self.now_ms / 1000);
                if is_open == is_revoked {
                    return Err(format!("edge {edge} judges {link:?} wrongly"));
                }
            }
        }
        Ok(())
    }

    /// Whoever has a use is served, and so is a new viewer if there is one left: no use is lost.
    fn check_served(&mut self) -> Result<(), Broken> {
        for link in 0..self.links.len() {
            for viewer in 0..self.viewers.len() {
                self.check_viewer(link, viewer)?;
            }
        }
        Ok(())
    }

    fn check_viewer(&mut self, link: usize, viewer: usize) -> Result<(), Broken> {
        let now_secs = self.now_ms / 1000;
        let known = &self.links[link];
        let is_over = now_secs + 5 >= known.until.as_secs();
        let is_revoked = self.store.copy.revoke(known, now_secs);
        if known.limited.is_none() || is_over || is_revoked {
            return Ok(());
        }
        let edge = self.random.index(self.edges.len());
        let digest = self.digest(link, viewer, edge);
        let rows = &self.store.live;
        let has_use = rows.live_use(link, digest, now_secs + 3).is_some();
        let uses = rows.of_link(link).count();
        let viewers: BTreeSet<_> = rows.of_link(link).map(|row| row.viewer).collect();
        let has_room = viewers.contains(&digest) || viewers.len() < known.viewers_max as usize;
        let is_left = uses < known.uses_max as usize && has_room;
        let is_due = (has_use || is_left) && may_open(known, self.viewers[viewer].arrival);
        let before = self.served();
        // A person presses the button of the page; one that is old has to be opened again.
        for _ in 0..4 {
            self.request(viewer, link, edge, QuestionKind::Redeem)?;
            self.live_until(self.now_ms + 200)?;
        }
        match (is_due, self.served() > before) {
            (true, false) => Err(format!(
                "viewer {viewer} is not served by link {link} after {} ms",
                self.now_ms - START_MS
            )),
            (true, true) => {
                self.checker.note("a viewer served at the end");
                Ok(())
            }
            (false, _) => Ok(()),
        }
    }

    /// Returns the viewer as an edge knows it.
    fn digest(&self, link: usize, viewer: usize, edge: usize) -> ViewerDigest {
        let known = &self.viewers[viewer];
        let seal = VisitSeal {
            secret: &self.secret,
            link: self.links[link].digest,
        };
        seal.viewer(&ViewerFacts {
            visit: known.cookies.get(&link).map(|(_, visit)| *visit),
            confirmed: None,
            client: known.client,
            arrival: known.arrival,
            attempt: AttemptId([0; 16]),
            shown: &self.edges[edge].shown,
        })
    }

    fn served(&self) -> u64 {
        let seen = &self.checker.seen;
        seen.get("a limited link served")
            .copied()
            .unwrap_or_default()
    }
}

/// True if a viewer of this kind gets further than the page.
fn may_open(link: &Link, arrival: Arrival) -> bool {
    match (link.confirm, arrival) {
        (ConfirmSetting::Never, _) | (_, Arrival::Navigation) => true,
        (ConfirmSetting::Auto, Arrival::Program) => true,
        (ConfirmSetting::Auto | ConfirmSetting::Always, Arrival::Robot)
        | (ConfirmSetting::Always, Arrival::Program) => false,
    }
}
