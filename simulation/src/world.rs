//! A fleet, its viewers and its operators, and what goes wrong: events in the order of time, all of them by chance.

mod ending;
mod faults;
mod making;
mod messages;
mod requests;

use crate::checker::{Broken, Checker};
use crate::edge::{Edge, Waiting};
use crate::random::Random;
use crate::store::{Acknowledged, Link, Store};
use privet_distribution::links::{Arrival, RevocationChange, StoreQuestion, Visit};
use privet_sign::PathTokenSecret;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;

/// Beginning of time, in milliseconds since the epoch.
pub const START_MS: u64 = 1_800_000_000_000;

/// Who waits for what the store returns.
#[derive(Clone, Debug)]
pub enum Asker {
    /// A request, for one of its questions.
    Request {
        /// Its number.
        number: usize,
        /// Which of its questions.
        question: u32,
    },
    /// An edge that reads the feed.
    Feed {
        /// Its index.
        edge: usize,
        /// Its process.
        life: u64,
    },
    /// Nobody.
    Nobody,
    /// An operator who has made a change.
    Operator(RevocationChange),
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A viewer opens a link.
    Visit(usize),
    /// An operator revokes or lifts.
    Operate,
    /// Something goes wrong.
    Fault,
    /// What was cut off is connected again.
    Heal(usize),
    /// An edge reads the feed.
    Poll(usize),
    /// An edge forgets what has ended.
    Sweep(usize),
    /// A question is sent.
    Send(usize, StoreQuestion),
    /// A message arrives at the store.
    Arrive(u64),
    /// The copy gets the next statement.
    Replicate(u64),
    /// What the store returns arrives.
    Return(u64),
    /// Nothing came of a question.
    Timeout {
        /// The request.
        number: usize,
        /// Which of its questions.
        question: u32,
        /// True if it did not even reach the store.
        is_unreachable: bool,
    },
}

/// Somebody with a link.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The address, which others may have, too.
    pub client: IpAddr,
    /// True if cookies are kept.
    pub keeps_cookies: bool,
    /// What it is.
    pub arrival: Arrival,
    /// The cookies, by link, and what they prove.
    pub cookies: BTreeMap<usize, (String, Visit)>,
    /// The links whose page is open, and the texts of their buttons.
    pub pages: BTreeMap<usize, String>,
}

/// How a run is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When the store acknowledges.
    pub acknowledged: Acknowledged,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            acknowledged: Acknowledged::ByTheCopy,
        }
    }
}

/// An event at its time; those of one time happen in the order in which they were made.
type Scheduled = Reverse<(u64, u64, usize)>;

/// All of it.
pub struct World {
    settings: Settings,
    /// The edges' secret.
    secret: PathTokenSecret,
    random: Random,
    now_ms: u64,
    queue: BinaryHeap<Scheduled>,
    events: Vec<Option<Event>>,
    links: Vec<Link>,
    store: Store,
    edges: Vec<Edge>,
    viewers: Vec<Viewer>,
    waiting: Vec<Waiting>,
    /// Number of the current question of each request.
    questions: Vec<u32>,
    /// What was sent to the store, and by whom.
    messages: BTreeMap<u64, messages::Message>,
    tickets: u64,
    /// When the copy gets what is pending.
    replicated_at: u64,
    seqs: u64,
    /// True while things go wrong.
    is_faulty: bool,
    checker: Checker,
    trace: Vec<String>,
}

impl World {
    /// Runs a world to its end. The error says what was broken, with the last events before.
    pub fn run(seed: u64, settings: Settings) -> Result<Checker, Broken> {
        let mut world = making::world(seed, settings);
        world.begin();
        let result = world.live().and_then(|()| world.end());
        match result {
            Ok(()) => Ok(world.checker),
            Err(broken) => Err(world.told(&broken)),
        }
    }

    /// Lets things happen until nothing is left.
    fn live(&mut self) -> Result<(), Broken> {
        while let Some(Reverse((at, _, index))) = self.queue.pop() {
            self.now_ms = at;
            if let Some(event) = self.events[index].take() {
                self.happen(event)?;
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Visit(viewer) => self.visit(viewer),
            Event::Operate => self.operate(),
            Event::Fault => self.fault(),
            Event::Heal(edge) => {
                self.edges[edge].is_cut_off = false;
                Ok(())
            }
            Event::Poll(edge) => self.poll(edge),
            Event::Sweep(edge) => self.sweep(edge),
            Event::Send(number, question) => self.send_question(number, question),
            Event::Arrive(ticket) => self.arrive(ticket),
            Event::Replicate(epoch) => self.replicate(epoch),
            Event::Return(ticket) => self.returned(ticket),
            Event::Timeout {
                number,
                question,
                is_unreachable,
            } => self.timed_out(number, question, is_unreachable),
        }
    }

    fn at(&mut self, at_ms: u64, event: Event) {
        let index = self.events.len();
        self.events.push(Some(event));
        self.queue.push(Reverse((at_ms, index as u64, index)));
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now_ms + ms, event);
    }

    fn note(&mut self, text: String) {
        let secs = (self.now_ms - START_MS) as f64 / 1000.0;
        self.trace.push(format!("{secs:9.3} {text}"));
    }

    fn told(&self, broken: &str) -> Broken {
        const LINES: usize = 40;
        let skipped = self.trace.len().saturating_sub(LINES);
        let trace = self.trace[skipped..].join("\n");
        format!("{trace}\n{broken}")
    }
}
