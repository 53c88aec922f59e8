//! What is said between edges, operators and the store; some of it is lost, doubled, or late.

use super::{Asker, Event, World};
use crate::checker::{Broken, Scene};
use crate::edge::{ANSWER_MS, POLL_MS, Request};
use crate::store::{Acknowledged, Returned, Statement};
use privet_distribution::links::{Heard, QuestionKind, StoreAnswer, StoreQuestion};

/// A statement on its way, or what came of it.
#[derive(Clone, Debug)]
pub struct Message {
    asker: Asker,
    statement: Statement,
    sent_at: u64,
    returned: Option<Returned>,
    /// True if the viewer had a use when the store answered.
    had_use: bool,
}

/// How a message fares.
enum Fate {
    Refused,
    Lost,
    Arrives,
}

impl World {
    /// Sends a statement; says how it fared if the sender notices at once.
    pub(super) fn send(&mut self, edge: Option<usize>, asker: Asker, statement: Statement) -> bool {
        let is_cut_off = edge.is_some_and(|edge| self.edges[edge].is_cut_off);
        let fate = match is_cut_off {
            true if self.random.chance(50) => Fate::Refused,
            true => Fate::Lost,
            false if self.is_faulty && self.random.chance(4) => Fate::Lost,
            false => Fate::Arrives,
        };
        match fate {
            Fate::Refused => false,
            Fate::Lost => true,
            Fate::Arrives => {
                self.deliver(asker, statement);
                true
            }
        }
    }

    fn deliver(&mut self, asker: Asker, statement: Statement) {
        let copies = 1 + u64::from(self.is_faulty && self.random.chance(4));
        for _ in 0..copies {
            self.tickets += 1;
            let message = Message {
                asker: asker.clone(),
                statement: statement.clone(),
                sent_at: self.now_ms,
                returned: None,
                had_use: false,
            };
            self.messages.insert(self.tickets, message);
            let delay = self.delay();
            self.after(delay, Event::Arrive(self.tickets));
        }
    }

    /// Returns how long a message takes; in trouble, some take longer than anybody waits.
    fn delay(&mut self) -> u64 {
        match self.is_faulty {
            true if self.random.chance(5) => self.random.within(200, 5000),
            _ => self.random.within(1, 20),
        }
    }

    pub(super) fn arrive(&mut self, ticket: u64) -> Result<(), Broken> {
        if self.now_ms < self.store.down_until {
            // The connection is refused, or nobody is there: a sender who waits finds out by its timeout.
            return Ok(());
        }
        let Some(message) = self.messages.get(&ticket) else {
            return Ok(());
        };
        let statement = message.statement.clone();
        let asker = message.asker.clone();
        let had_use = self.had_use(&asker, &statement);
        let uses = self.store.live.uses.len();
        self.store.execute(&self.links, statement, ticket);
        if let Some(message) = self.messages.get_mut(&ticket) {
            message.had_use = had_use;
        }
        if let Asker::Request { number, .. } = asker
            && self.store.live.uses.len() > uses
        {
            let request = self.waiting[number].request;
            let scene = Scene {
                links: &self.links,
                edge: &self.edges[request.edge],
                request: &request,
                now_ms: self.now_ms,
            };
            self.checker.made(&scene, &self.store.live)?;
        }
        if self.settings.acknowledged == Acknowledged::Early {
            self.return_early();
        }
        let reaches = self.now_ms + self.random.within(1, 30);
        self.replicated_at = self.replicated_at.max(reaches);
        let epoch = self.store.epoch;
        self.at(self.replicated_at, Event::Replicate(epoch));
        Ok(())
    }

    /// Returns whether whoever asks has a use that has not ended, at the time of the question.
    fn had_use(&self, asker: &Asker, statement: &Statement) -> bool {
        let (Asker::Request { number, .. }, Statement::Ask(question)) = (asker, statement) else {
            return false;
        };
        let request = &self.waiting[*number].request;
        let viewer = request.visit.map_or(request.viewer, |visit| visit.viewer);
        let at = question.at.as_secs();
        let rows = &self.store.live;
        rows.live_use(request.link, viewer, at).is_some()
    }

    /// The copy gets a statement, and whoever waits hears of it.
    pub(super) fn replicate(&mut self, epoch: u64) -> Result<(), Broken> {
        if epoch != self.store.epoch {
            return Ok(());
        }
        let Some(pending) = self.store.replicate(&self.links) else {
            return Ok(());
        };
        if self.settings.acknowledged == Acknowledged::ByTheCopy {
            self.give_back_result(pending.ticket, pending.returned);
        }
        Ok(())
    }

    fn return_early(&mut self) {
        if let Some(pending) = self.store.pending.last() {
            let (ticket, returned) = (pending.ticket, pending.returned.clone());
            self.give_back_result(ticket, returned);
        }
    }

    fn give_back_result(&mut self, ticket: u64, returned: Returned) {
        let Some(message) = self.messages.get_mut(&ticket) else {
            return;
        };
        message.returned = Some(returned);
        let is_operator = matches!(message.asker, Asker::Operator(_));
        if !is_operator && self.is_faulty && self.random.chance(4) {
            return;
        }
        let delay = self.delay();
        self.after(delay, Event::Return(ticket));
    }

    pub(super) fn returned(&mut self, ticket: u64) -> Result<(), Broken> {
        let Some(message) = self.messages.remove(&ticket) else {
            return Ok(());
        };
        match (message.asker, message.returned) {
            (Asker::Request { number, question }, Some(Returned::Answer(answer))) => {
                let edge = self.waiting[number].request.edge;
                if self.edges[edge].is_cut_off {
                    return Ok(());
                }
                let heard = Heard::Answer(answer);
                self.hear(number, question, heard, message.had_use)
            }
            (Asker::Feed { edge, life }, Some(Returned::Changes(last, changes))) => {
                let known = &mut self.edges[edge];
                let is_asked = known.life == life && known.asked_at == Some(message.sent_at);
                // What comes late or twice is not what was asked for.
                if is_asked && !known.is_cut_off && last == known.replica.len() + changes.len() {
                    known.asked_at = None;
                    known.take(&changes, message.sent_at);
                    if !changes.is_empty() {
                        let text = format!("edge {edge} is told {changes:?}");
                        self.note(text);
                    }
                }
                Ok(())
            }
            (Asker::Operator(change), Some(_)) => {
                let mut changes = self.store.copy.changes.iter();
                let number = changes.position(|known| *known == change);
                let number = number.map_or(0, |index| index + 1);
                self.note(format!("acknowledged: {change:?}"));
                self.checker.acknowledged(&change, number, self.now_ms);
                Ok(())
            }
            (Asker::Nobody | Asker::Request { .. } | Asker::Feed { .. }, _)
            | (Asker::Operator(_), None) => Ok(()),
        }
    }

    /// An edge asks for the feed.
    pub(super) fn poll(&mut self, edge: usize) -> Result<(), Broken> {
        let known = &mut self.edges[edge];
        known.asked_at = Some(self.now_ms);
        let asker = Asker::Feed {
            edge,
            life: known.life,
        };
        let statement = Statement::Feed(known.replica.len());
        self.send(Some(edge), asker, statement);
        if self.goes_on() || !self.is_faulty {
            self.after(POLL_MS, Event::Poll(edge));
        }
        Ok(())
    }

    pub(super) fn send_question(
        &mut self,
        number: usize,
        question: StoreQuestion,
    ) -> Result<(), Broken> {
        self.questions[number] += 1;
        let current = self.questions[number];
        let edge = self.waiting[number].request.edge;
        let asker = Asker::Request {
            number,
            question: current,
        };
        let is_sent = self.send(Some(edge), asker, Statement::Ask(question));
        let timeout = Event::Timeout {
            number,
            question: current,
            is_unreachable: !is_sent,
        };
        self.after(if is_sent { ANSWER_MS } else { 1 }, timeout);
        Ok(())
    }

    pub(super) fn timed_out(
        &mut self,
        number: usize,
        question: u32,
        is_unreachable: bool,
    ) -> Result<(), Broken> {
        let heard = match is_unreachable {
            true => Heard::Unreachable,
            false => Heard::OutcomeUnknown,
        };
        self.hear(number, question, heard, false)
    }

    fn hear(
        &mut self,
        number: usize,
        question: u32,
        heard: Heard,
        had_use: bool,
    ) -> Result<(), Broken> {
        let waiting = &self.waiting[number];
        let request = waiting.request;
        let is_current = self.questions[number] == question && !waiting.is_over;
        if !is_current || waiting.life != self.edges[request.edge].life {
            return Ok(());
        }
        // A question is answered once; what comes of it decides the next step.
        self.questions[number] += 1;
        let answer = match heard {
            Heard::Answer(answer) => Some(answer),
            Heard::OutcomeUnknown | Heard::Unreachable => {
                self.checker.note("an outcome unknown");
                None
            }
        };
        self.witness(&request, answer.as_ref());
        let link = self.links[request.link].clone();
        let moment = self.edges[request.edge].moment(&link, self.now_ms);
        let step = self.waiting[number].redeeming.on_answer(heard, &moment);
        self.note(format!("request {number}: {heard:?}, so {step:?}"));
        self.take_step(number, step, answer, had_use)
    }

    fn witness(&mut self, request: &Request, answer: Option<&StoreAnswer>) {
        let Some(answer) = answer else { return };
        let is_redeemed = request.kind == QuestionKind::Redeem;
        let scene = Scene {
            links: &self.links,
            edge: &self.edges[request.edge],
            request,
            now_ms: self.now_ms,
        };
        if is_redeemed {
            self.checker.answered(&scene, answer);
        }
    }
}
