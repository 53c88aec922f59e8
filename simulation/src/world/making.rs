//! How a world begins.

use super::{Event, START_MS, Settings, Viewer, World};
use crate::checker::Checker;
use crate::edge::{Edge, POLL_MS};
use crate::random::Random;
use crate::store::{Link, Store};
use privet_distribution::links::{Arrival, ConfirmSetting, WhenStale};
use privet_sign::{
    Limited, LimitedId, LinkId, LinkMark, LinkNonce, PathTokenSecret, SubjectDigest, Timestamp,
};
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;

/// Time for which things go wrong, in milliseconds.
pub const TROUBLE_MS: u64 = 90_000;

/// Makes a world of a seed.
pub fn world(seed: u64, settings: Settings) -> World {
    let mut random = Random::new(seed);
    let links = (0..random.within(2, 6))
        .map(|_| link(&mut random))
        .collect();
    let edges = (0..random.within(1, 3))
        .map(|_| edge(&mut random))
        .collect();
    let viewers: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7];
    let viewers = viewers[..2 + random.index(7)]
        .iter()
        .map(|number| viewer(*number, &mut random))
        .collect();
    World {
        settings,
        secret: PathTokenSecret::new(&[7; 32]).expect("it is long enough"),
        random,
        now_ms: START_MS,
        queue: BinaryHeap::new(),
        events: Vec::new(),
        links,
        store: Store::default(),
        edges,
        viewers,
        waiting: Vec::new(),
        questions: Vec::new(),
        messages: BTreeMap::new(),
        tickets: 0,
        replicated_at: START_MS,
        seqs: 0,
        is_faulty: true,
        checker: Checker::default(),
        trace: Vec::new(),
    }
}

fn link(random: &mut Random) -> Link {
    let start = START_MS / 1000;
    let digest = [random.bytes(), random.bytes()].concat();
    let mut identity = [0; LinkId::SIZE_BYTES];
    identity.copy_from_slice(&digest);
    let id = LimitedId::from_bytes(random.bytes());
    let nonce = LinkNonce::from_bytes(random.bytes());
    let is_limited = random.chance(80);
    let subject = random.pick(&["ann", "ben"]);
    let made = start - 10 + random.below(100);
    let mark = LinkMark {
        limited: is_limited.then_some(Limited { id, nonce }),
        made: random.chance(50).then_some(Timestamp::from_secs(made)),
        subject: random.chance(50).then(|| SubjectDigest::of(subject)),
    };
    Link {
        limited: is_limited.then_some(id),
        digest: LinkId::from_bytes(identity),
        mark,
        until: Timestamp::from_secs(start + random.pick(&[40, 120, 3600])),
        path: format!("/{}/{}", random.pick(&["a", "b"]), random.below(3)),
        confirm: random.pick(&[
            ConfirmSetting::Auto,
            ConfirmSetting::Auto,
            ConfirmSetting::Always,
            ConfirmSetting::Never,
        ]),
        uses_max: random.pick(&[1, 1, 1, 2, 3]),
        viewers_max: random.pick(&[1, 2, 9]),
        window_secs: random.pick(&[6, 20, 600]),
    }
}

fn edge(random: &mut Random) -> Edge {
    let when_stale = random.pick(&[WhenStale::Refuse, WhenStale::Refuse, WhenStale::ServeVisits]);
    let mut edge = Edge::new(when_stale);
    edge.news_at = START_MS;
    edge
}

fn viewer(number: u8, random: &mut Random) -> Viewer {
    // Some share an address, and are one viewer as long as they show no cookies.
    let last = if random.chance(30) { 0 } else { 1 + number };
    let (navigation, program) = (Arrival::Navigation, Arrival::Program);
    Viewer {
        client: IpAddr::from([192, 0, 2, last]),
        keeps_cookies: random.chance(60),
        arrival: random.pick(&[navigation, navigation, program, program, Arrival::Robot]),
        cookies: BTreeMap::new(),
        pages: BTreeMap::new(),
    }
}

impl World {
    /// Lets everybody begin.
    pub(super) fn begin(&mut self) {
        for edge in 0..self.edges.len() {
            let first = self.random.below(POLL_MS);
            self.after(first, Event::Poll(edge));
            self.after(first + 7, Event::Sweep(edge));
        }
        for viewer in 0..self.viewers.len() {
            let first = self.random.below(20_000);
            self.after(first, Event::Visit(viewer));
        }
        self.after(3000, Event::Fault);
        self.after(1000, Event::Operate);
    }

    /// True while there is trouble, and everybody goes on.
    pub(super) fn goes_on(&self) -> bool {
        self.now_ms < START_MS + TROUBLE_MS
    }
}
