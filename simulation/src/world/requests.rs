//! Viewers, and what they are answered.

use super::{Asker, Event, World};
use crate::checker::{Broken, Checker, Scene};
use crate::edge::{Begun, Request, Sent, Waiting};
use crate::store::Statement;
use privet_distribution::links::{
    Arrival, AttemptId, Judgement, QuestionKind, Step, StoreAnswer, StoreQuestion, UseMade,
    ViewerDigest, Visit, VisitSeal,
};
use privet_sign::{LimitedId, Timestamp};

/// Whether an object was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
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
        from: usize,
        link: usize,
        edge: usize,
        kind: QuestionKind,
    ) -> Result<(), Broken> {
        let sent = self.sent(from, link, edge, kind);
        let attempt = AttemptId(self.random.bytes());
        let of_link = &self.links[link];
        let seal = VisitSeal {
            secret: &self.secret,
            link: of_link.digest,
        };
        let known = &mut self.edges[edge];
        let request = known.read(&seal, of_link, &sent, self.now_ms, attempt);
        let own = self.viewers[from].cookies.get(&link);
        let is_genuine = sent.cookie.as_ref() == own.map(|(text, _)| text);
        let shown = own.filter(|_| is_genuine).map(|(_, visit)| *visit);
        self.checker.believed(shown, request.visit)?;
        let begun = known.begin(of_link, &request, self.now_ms);
        match begun {
            Begun::Expired => {
                self.checker.note("a link expired");
                Ok(())
            }
            Begun::Ordinary(Judgement::NotRevoked) => {
                let (checker, scene) = self.scene(&request);
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

    /// Returns a request of a viewer, who shows the cookie of the link and presses the button of its page; or tries to
    /// get on by the cookie of another link.
    fn sent(&mut self, from: usize, link: usize, edge: usize, kind: QuestionKind) -> Sent {
        let is_forged = self.is_faulty && self.random.chance(5);
        let known = &mut self.viewers[from];
        let own = known.cookies.get(&link).map(|(text, _)| text.clone());
        let mut others = known.cookies.iter().filter(|(other, _)| **other != link);
        let other = others.next().map(|(_, (text, _))| text);
        let seal = VisitSeal {
            secret: &self.secret,
            link: self.links[link].digest,
        };
        let cookie = match other {
            Some(other) if is_forged => {
                self.checker.note("a cookie forged");
                Some(renamed(&seal, other))
            }
            _ => own,
        };
        let presses = kind == QuestionKind::Redeem && known.arrival == Arrival::Navigation;
        let pressed = if presses {
            known.pages.remove(&link)
        } else {
            None
        };
        Sent {
            from,
            link,
            edge,
            kind,
            arrival: known.arrival,
            client: known.client,
            cookie,
            pressed,
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
                self.open_page(&request);
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

    /// The page names the viewer for whom the store was asked.
    fn open_page(&mut self, request: &Request) {
        let known = &mut self.viewers[request.from];
        let seal = VisitSeal {
            secret: &self.secret,
            link: self.links[request.link].digest,
        };
        let now = self.edges[request.edge].clock(self.now_ms);
        let now = Timestamp::from_secs(now);
        let viewer = request.visit.map_or(request.viewer, |visit| visit.viewer);
        let text = seal.confirmation(viewer, known.client, now);
        known.pages.insert(request.link, text);
    }

    fn serve(
        &mut self,
        request: &Request,
        visit: Visit,
        made: UseMade,
        answer: Option<StoreAnswer>,
    ) -> Result<(), Broken> {
        let is_broken = self.is_faulty && self.random.chance(6);
        let body = if is_broken {
            Body::Nothing
        } else {
            Body::Bytes
        };
        match (body, made) {
            (Body::Bytes, _) => {
                let (checker, scene) = self.scene(request);
                checker.serve(&scene, Some(visit), answer.as_ref())?;
                // The answer may break off before its end, and the cookie is lost with it.
                let is_heard = !self.is_faulty || self.random.chance(95);
                let cookie = self.cookie(request, &visit);
                let viewer = &mut self.viewers[request.from];
                if viewer.keeps_cookies && is_heard {
                    viewer.cookies.insert(request.link, (cookie, visit));
                }
                Ok(())
            }
            (Body::Nothing, UseMade::Here(attempt)) => {
                self.checker.note("a use given back");
                let question = self.unused(request, attempt);
                let statement = Statement::GiveBack(question);
                self.send(Some(request.edge), Asker::Nobody, statement);
                Ok(())
            }
            (Body::Nothing, UseMade::Before) => Ok(()),
        }
    }

    fn unused(&self, request: &Request, attempt: AttemptId) -> StoreQuestion {
        let link = &self.links[request.link];
        let now = self.edges[request.edge].clock(self.now_ms);
        StoreQuestion {
            link: link.limited.unwrap_or(LimitedId::from_bytes([0; 16])),
            digest: link.digest,
            attempt,
            viewer: request.visit.map_or(request.viewer, |visit| visit.viewer),
            at: Timestamp::from_secs(now),
            kind: request.kind,
        }
    }

    /// Returns the cookie of a visit as a viewer sends it back.
    fn cookie(&self, request: &Request, visit: &Visit) -> String {
        let seal = VisitSeal {
            secret: &self.secret,
            link: self.links[request.link].digest,
        };
        let now = self.edges[request.edge].clock(self.now_ms);
        let text = seal.set_cookie(visit, Timestamp::from_secs(now));
        text.split(';').next().unwrap_or_default().to_owned()
    }

    fn scene<'w>(&'w mut self, request: &'w Request) -> (&'w mut Checker, Scene<'w>) {
        let scene = Scene {
            links: &self.links,
            edge: &self.edges[request.edge],
            request,
            now_ms: self.now_ms,
        };
        (&mut self.checker, scene)
    }
}

/// Returns the cookie of another link under the name of this one's.
fn renamed(seal: &VisitSeal<'_>, cookie: &str) -> String {
    let nobody = Visit {
        use_number: 0,
        viewer: ViewerDigest([0; 16]),
        until: Timestamp::from_secs(0),
    };
    let own = seal.set_cookie(&nobody, Timestamp::from_secs(0));
    let name = own.split('=').next().unwrap_or_default();
    let value = cookie.split_once('=').map_or(cookie, |(_, value)| value);
    format!("{name}={value}")
}
