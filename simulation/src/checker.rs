//! What has to hold, checked by whoever sees everything.
//!
//! 1. No link is served to more uses than it has, nor to more viewers.
//! 2. A revoked link is not served by an edge that was told, nor by any edge for longer than the stated bound if it is
//!    limited.
//! 3. A use belongs to one viewer, for ever.
//! 4. A link is not burnt for a viewer who has a use: who comes back is served.
//! 5. Nothing is served without an answer, or a visit that an answer has permitted.
//! 6. What counts nothing makes no use: HEAD, pages, and requests that were refused.

use crate::edge::{ANSWER_MS, Edge, Request, STALE_AFTER_MS, TRIES_MAX};
use crate::store::{Link, Rows, is_about};
use privet_distribution::links::{
    Confirmation, QuestionKind, RevocationChange, RevocationEntry, StoreAnswer, ViewerDigest,
    Visit, WhenStale,
};
use privet_distribution::request::LinkRefusal;
use std::collections::{BTreeMap, BTreeSet};

/// Time after which an edge serves no limited link that was revoked, in milliseconds: it was refused as soon as there
/// was no news, or its store was asked, which would have said so.
pub const BOUND_MS: u64 = STALE_AFTER_MS + (ANSWER_MS + 100) * TRIES_MAX as u64;

/// A revocation that was acknowledged.
#[derive(Clone, Debug)]
struct InForce {
    entry: RevocationEntry,
    since_ms: u64,
    /// Number of its change in the feed.
    number: usize,
}

/// The witness of all that happens.
#[derive(Debug, Default)]
pub struct Checker {
    revocations: Vec<InForce>,
    /// The revocations whose lift was asked for.
    lifted: BTreeSet<u64>,
    /// The uses that were served, by link.
    served: BTreeMap<usize, BTreeSet<(u32, ViewerDigest)>>,
    /// The latest end that the store has said of a viewer's use.
    permitted: BTreeMap<(usize, ViewerDigest), u64>,
    /// How often each thing happened.
    pub seen: BTreeMap<&'static str, u64>,
}

/// A broken promise.
pub type Broken = String;

/// What is known when a request is answered.
pub struct Scene<'a> {
    /// The links.
    pub links: &'a [Link],
    /// The edge that answers.
    pub edge: &'a Edge,
    /// The request.
    pub request: &'a Request,
    /// The time, in milliseconds.
    pub now_ms: u64,
}

impl Scene<'_> {
    fn link(&self) -> &Link {
        &self.links[self.request.link]
    }

    fn clock(&self) -> u64 {
        self.edge.clock(self.now_ms)
    }

    /// Returns the visit of the request's cookie, if it has not ended by the edge's clock.
    fn visit(&self) -> Option<Visit> {
        let visit = self.request.visit?;
        (self.clock() < visit.until.as_secs()).then_some(visit)
    }

    /// Returns the viewer as whoever sees the cookie knows it.
    pub fn viewer(&self) -> ViewerDigest {
        let visit = self.request.visit;
        visit.map_or(self.request.viewer, |visit| visit.viewer)
    }
}

impl Checker {
    /// Checks that an edge believes the cookies that edges have made for this link, and no others.
    pub fn believed(&self, shown: Option<Visit>, visit: Option<Visit>) -> Result<(), Broken> {
        if shown == visit {
            return Ok(());
        }
        Err(format!("{shown:?} was shown, {visit:?} believed"))
    }

    /// Counts that something happened.
    pub fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Hears that a change of revocations was acknowledged.
    pub fn acknowledged(&mut self, change: &RevocationChange, number: usize, now_ms: u64) {
        match change {
            RevocationChange::Made(entry) if !self.lifted.contains(&entry.seq) => {
                self.revocations.push(InForce {
                    entry: entry.clone(),
                    since_ms: now_ms,
                    number,
                });
            }
            RevocationChange::Made(_) | RevocationChange::Lifted(_) => {}
        }
    }

    /// Hears that a lift was asked for: from now on both is right.
    pub fn lifting(&mut self, seq: u64) {
        self.lifted.insert(seq);
        self.revocations.retain(|known| known.entry.seq != seq);
    }

    /// Hears of an answer that an edge got.
    pub fn answered(&mut self, scene: &Scene<'_>, answer: &StoreAnswer) {
        let window_until = match answer {
            StoreAnswer::Redeemed { window_until, .. }
            | StoreAnswer::Again { window_until, .. } => window_until.as_secs(),
            StoreAnswer::Available
            | StoreAnswer::UsedUp { .. }
            | StoreAnswer::ViewersUsedUp
            | StoreAnswer::BytesUsedUp
            | StoreAnswer::Revoked { .. }
            | StoreAnswer::Ended
            | StoreAnswer::GivenBack
            | StoreAnswer::Unknown => return,
        };
        let permitted = self.permitted.entry((scene.request.link, scene.viewer()));
        let latest = permitted.or_default();
        *latest = window_until.max(*latest);
    }

    /// Checks that a request may be served, by a visit if the link is limited. `answer` is what the store has said to
    /// it.
    pub fn serve(
        &mut self,
        scene: &Scene<'_>,
        visit: Option<Visit>,
        answer: Option<&StoreAnswer>,
    ) -> Result<(), Broken> {
        self.check_revoked(scene, visit.is_some())?;
        let Some(visit) = visit else {
            self.note("an ordinary link served");
            return Ok(());
        };
        self.check_permitted(scene, visit, answer)?;
        if scene.request.kind == QuestionKind::Peek {
            return Err("HEAD was answered with a body".to_owned());
        }
        let link = scene.link();
        let served = self.served.entry(scene.request.link).or_default();
        served.insert((visit.use_number, visit.viewer));
        if served.len() > link.uses_max as usize {
            let most = link.uses_max;
            return Err(format!("{most} uses were granted and served: {served:?}"));
        }
        let of_use = served.iter().filter(|use_of| use_of.0 == visit.use_number);
        if of_use.count() > 1 {
            return Err(format!("a use belongs to several viewers: {served:?}"));
        }
        let viewers: BTreeSet<ViewerDigest> = served.iter().map(|use_of| use_of.1).collect();
        if viewers.len() > link.viewers_max as usize {
            return Err(format!("too many viewers were served: {served:?}"));
        }
        self.note("a limited link served");
        Ok(())
    }

    /// Checks that a page was due: no robot may get an object by it.
    pub fn page(&mut self, scene: &Scene<'_>) -> Result<(), Broken> {
        self.check_revoked(scene, true)?;
        self.note("a page shown");
        match scene.request.confirmation {
            Confirmation::Ask => Ok(()),
            Confirmation::Settled => Err("a page was shown again".to_owned()),
        }
    }

    /// Checks that a refusal is not of a viewer who has a use. `rows` are those of the answering database.
    pub fn refuse(
        &mut self,
        scene: &Scene<'_>,
        refusal: LinkRefusal,
        had_use: bool,
    ) -> Result<(), Broken> {
        self.note(refusal.token());
        let is_of_uses = matches!(
            refusal,
            LinkRefusal::UsedUp { .. } | LinkRefusal::ViewersUsedUp
        );
        if is_of_uses && (had_use || scene.visit().is_some()) {
            return Err(format!("the link was burnt for its viewer: {refusal:?}"));
        }
        if is_of_uses && scene.link().limited.is_none() {
            return Err("an ordinary link has no uses".to_owned());
        }
        Ok(())
    }

    /// Checks a use that was just made for a request.
    pub fn made(&mut self, scene: &Scene<'_>, rows: &Rows) -> Result<(), Broken> {
        let link = scene.link();
        let uses = rows.of_link(scene.request.link).count();
        if uses > link.uses_max as usize {
            return Err(format!("the store has made {uses} uses"));
        }
        if scene.request.kind == QuestionKind::Peek {
            return Err("HEAD has made a use".to_owned());
        }
        if scene.request.confirmation == Confirmation::Ask && scene.request.visit.is_none() {
            return Err("a request that nobody has confirmed has made a use".to_owned());
        }
        self.note("a use made");
        Ok(())
    }

    /// Returns the links that have to be refused, once everybody was told.
    pub fn revoked(&self, links: &[Link], now_secs: u64) -> Vec<usize> {
        let revoked = |link: &Link| {
            let mut known = self.revocations.iter();
            known.any(|known| is_about(&known.entry, link, now_secs))
        };
        let numbered = links.iter().enumerate();
        let found = numbered.filter(|(_, link)| revoked(link));
        found.map(|(index, _)| index).collect()
    }

    fn check_revoked(&mut self, scene: &Scene<'_>, is_limited: bool) -> Result<(), Broken> {
        let clock = scene.clock();
        let about = |known: &&InForce| is_about(&known.entry, scene.link(), clock);
        for known in self.revocations.iter().filter(about) {
            if scene.edge.replica.len() >= known.number {
                return Err(format!("served though the edge was told: {known:?}"));
            }
            let keeps_visits =
                scene.edge.when_stale == WhenStale::ServeVisits && scene.visit().is_some();
            let for_ms = scene.now_ms - known.since_ms;
            if is_limited && !keeps_visits && for_ms > BOUND_MS {
                return Err(format!("served {for_ms} ms after {known:?}"));
            }
        }
        Ok(())
    }

    fn check_permitted(
        &self,
        scene: &Scene<'_>,
        visit: Visit,
        answer: Option<&StoreAnswer>,
    ) -> Result<(), Broken> {
        let by_answer = matches!(
            answer,
            Some(StoreAnswer::Redeemed { use_number, .. } | StoreAnswer::Again { use_number, .. })
                if *use_number == visit.use_number
        );
        let permitted = self.permitted.get(&(scene.request.link, visit.viewer));
        let latest = permitted.copied().unwrap_or_default();
        let by_visit = scene.visit().is_some_and(|shown| shown == visit) && scene.clock() < latest;
        if visit.viewer != scene.viewer() {
            return Err(format!("{visit:?} is another viewer's"));
        }
        if !by_answer && !by_visit {
            return Err(format!("served without an answer: {visit:?}, {answer:?}"));
        }
        if visit.until.as_secs() > latest || visit.until > scene.link().until {
            return Err(format!("the visit is longer than permitted: {visit:?}"));
        }
        Ok(())
    }
}
