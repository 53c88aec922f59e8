//! Viewers, and what they are answered.

use super::{Asker, Event, World};
use crate::checker::{Broken, Scene};
use crate::edge::{Begun, Request, Waiting};
use crate::store::Statement;
use privet_distribution::links::{
    Confirmation, Judgement, QuestionKind, Step, StoreAnswer, UseMade, Visit,
};

/// Whether an object was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Bytes,
    Nothing,
}

impl World {
    /// A viewer opens a link, at any edge.
    pub(super) fn visit(&mut self, viewer: usize) -> Result<(), Broken> {
        let link = self.random.index(self.links.len());
        let edge = self.random.index(self.edges.len());
        let kind = match self.random.chance(15) {
            true => QuestionKind::Peek,
            false => QuestionKind::Redeem,
        };
        let result = self.request(viewer, link, edge, kind);
        if self.goes_on() {
            // Some come back at once, as players and downloads do.
            let pause = match self.random.chance(60) {
                true => self.random.within(1, 1500),
                false => self.random.within(1000, 25_000),
            };
            self.after(pause, Event::Visit(viewer));
        }
        result
    }

    pub(super) fn request(
        &mut self,
        viewer: usize,
        link: usize,
        edge: usize,
        kind: QuestionKind,
    ) -> Result<(), Broken> {
        let known = &mut self.viewers[viewer];
        let page = known.pages.iter().position(|page| *page == link);
        let has_pressed = page.is_some() && kind == QuestionKind::Redeem;
        if let Some(page) = page.filter(|_| has_pressed) {
            known.pages.remove(page);
        }
        let confirmation = match known.is_browser && !has_pressed {
            true => Confirmation::Ask,
            false => Confirmation::Settled,
        };
        let request = Request {
            viewer,
            link,
            edge,
            kind,
            confirmation,
            visit: known.cookies.get(&link).copied(),
            address: known.address,
        };
        let links = &self.links;
        let begun = self.edges[edge].begin(links, &request, self.now_ms, &mut self.random);
        match begun {
            Begun::Expired => {
                self.checker.note("a link expired");
                Ok(())
            }
            Begun::Ordinary(Judgement::NotRevoked) => {
                let scene = self.scene(&request);
                let (checker, scene) = scene;
                checker.serve(&scene, None, None)
            }
            Begun::Ordinary(_) => {
                self.checker.note("an ordinary link refused");
                Ok(())
            }
            Begun::Limited(redeeming, step) => {
                let number = self.waiting.len();
                self.note(format!("request {number}: {request:?}, so {step:?}"));
                let life = self.edges[edge].life;
                self.waiting.push(Waiting {
                    request,
                    redeeming,
                    life,
                    is_over: false,
                });
                self.questions.push(0);
                self.take_step(number, step, None, false)
            }
        }
    }

    /// Does what was decided about a request.
    pub(super) fn take_step(
        &mut self,
        number: usize,
        step: Step,
        answer: Option<StoreAnswer>,
        had_use: bool,
    ) -> Result<(), Broken> {
        let request = self.waiting[number].request;
        if let Step::AskStore { question, wait_ms } = step {
            self.after(wait_ms, Event::Send(number, question));
            return Ok(());
        }
        self.waiting[number].is_over = true;
        match step {
            Step::AskStore { .. } => Ok(()),
            Step::Serve { visit, made } => self.serve(&request, visit, made, answer),
            Step::ServeHead => {
                self.checker.note("HEAD answered");
                match request.kind {
                    QuestionKind::Peek => Ok(()),
                    QuestionKind::Redeem => Err("GET was answered without a body".to_owned()),
                }
            }
            Step::Confirm => {
                self.viewers[request.viewer].pages.push(request.link);
                let (checker, scene) = self.scene(&request);
                checker.page(&scene)
            }
            Step::Refuse(refusal) => {
                let (checker, scene) = self.scene(&request);
                checker.refuse(&scene, refusal, had_use)
            }
            Step::Unavailable(refusal) => {
                self.checker.note(refusal.token());
                Ok(())
            }
        }
    }

    fn serve(
        &mut self,
        request: &Request,
        visit: Visit,
        made: UseMade,
        answer: Option<StoreAnswer>,
    ) -> Result<(), Broken> {
        let is_broken = self.is_faulty && self.random.chance(6);
        let sent = if is_broken {
            Sent::Nothing
        } else {
            Sent::Bytes
        };
        match (sent, made) {
            (Sent::Bytes, _) => {
                let (checker, scene) = self.scene(request);
                checker.serve(&scene, Some(visit), answer.as_ref())?;
                // The answer may break off before its end, and the cookie is lost with it.
                let is_heard = !self.is_faulty || self.random.chance(95);
                let viewer = &mut self.viewers[request.viewer];
                if viewer.keeps_cookies && is_heard {
                    viewer.cookies.insert(request.link, visit);
                }
                Ok(())
            }
            (Sent::Nothing, UseMade::Here(attempt)) => {
                self.checker.note("a use given back");
                let statement = Statement::GiveBack(attempt);
                self.send(Some(request.edge), Asker::Nobody, statement);
                Ok(())
            }
            (Sent::Nothing, UseMade::Before) => Ok(()),
        }
    }

    fn scene<'w>(
        &'w mut self,
        request: &'w Request,
    ) -> (&'w mut crate::checker::Checker, Scene<'w>) {
        let scene = Scene {
            links: &self.links,
            edge: &self.edges[request.edge],
            request,
            now_ms: self.now_ms,
        };
        (&mut self.checker, scene)
    }
}
