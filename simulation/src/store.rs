//! The store, as far as links are concerned: a model of what its statements do, with a copy that outlives it. A test
//! holds it to the real store.
//!
//! Every change is made in the running database, and is acknowledged once the copy has it: the synchronous standby, or
//! the disk. It has no clock: times are those of whoever asks. When the database is killed, the copy takes its place.
//! What was not acknowledged may then be in it or not.

use privet_distribution::links::{
    AttemptId, ConfirmSetting, QuestionKind, RevocationChange, RevocationEntry, Revoked,
    StoreAnswer, StoreQuestion, ViewerDigest,
};
use privet_sign::{LimitedId, LinkId, LinkMark, SubjectDigest, Timestamp};
use std::collections::BTreeSet;

/// A link, as it was made and signed.
#[derive(Clone, Debug)]
pub struct Link {
    /// The id, if the link is limited.
    pub limited: Option<LimitedId>,
    /// The identity.
    pub digest: LinkId,
    /// What its signed text says.
    pub mark: LinkMark,
    /// The end in its signed text.
    pub until: Timestamp,
    /// Path of the object.
    pub path: String,
    /// When a person has to press a button.
    pub confirm: ConfirmSetting,
    /// Uses at most.
    pub uses_max: u32,
    /// Viewers at most.
    pub viewers_max: u32,
    /// Time after which a use ends unless the viewer comes back.
    pub window_secs: u64,
}

/// A use that was made.
#[derive(Clone, Debug)]
pub struct UseRow {
    /// Index of its link.
    pub link: usize,
    /// Number among the uses of the link; none comes twice.
    pub number: u32,
    /// The attempt that made it.
    pub attempt: AttemptId,
    /// The viewer to whom it belongs.
    pub viewer: ViewerDigest,
    /// Its end.
    pub window_until: u64,
    /// When it was made.
    pub at: u64,
    /// True if it was given back.
    pub given_back: bool,
    /// True if another attempt was told of it: then it can no longer be given back.
    pub is_shared: bool,
}

/// What is in the database.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The uses.
    pub uses: Vec<UseRow>,
    /// The feed of changes; the number of a change is its place, from 1.
    pub changes: Vec<RevocationChange>,
}

/// A request to the store.
#[derive(Clone, Debug)]
pub enum Statement {
    /// A use is redeemed or peeked at.
    Ask(StoreQuestion),
    /// The use of a question is given back, for nothing of the object was sent.
    GiveBack(StoreQuestion),
    /// A revocation is made or lifted.
    Change(RevocationChange),
    /// The feed is read behind a change.
    Feed(usize),
}

/// What a statement returns.
#[derive(Clone, Debug)]
pub enum Returned {
    /// The answer to a question.
    Answer(StoreAnswer),
    /// It is done.
    Done,
    /// The number of the last change that is there, and the changes that were asked for.
    Changes(usize, Vec<RevocationChange>),
}

impl Rows {
    /// Carries out a statement.
    pub fn execute(&mut self, links: &[Link], statement: &Statement) -> Returned {
        match statement {
            Statement::Ask(question) => Returned::Answer(self.answer(links, question)),
            Statement::GiveBack(question) => {
                self.give_back(links, question);
                Returned::Done
            }
            Statement::Change(change) => {
                // The store gives the numbers, so that a message that comes twice is one change.
                if !self.changes.contains(change) {
                    self.changes.push(change.clone());
                }
                Returned::Done
            }
            Statement::Feed(behind) => {
                let behind = (*behind).min(self.changes.len());
                Returned::Changes(self.changes.len(), self.changes[behind..].to_vec())
            }
        }
    }

    /// Returns the viewer's use that has not ended.
    pub fn live_use(&self, link: usize, viewer: ViewerDigest, now: u64) -> Option<&UseRow> {
        self.of_link(link)
            .filter(|row| row.viewer == viewer && now < row.window_until)
            .max_by_key(|row| row.window_until)
    }

    /// Returns the uses of a link that were not given back.
    pub fn of_link(&self, link: usize) -> impl Iterator<Item = &UseRow> {
        let rows = self.uses.iter();
        rows.filter(move |row| row.link == link && !row.given_back)
    }

    /// Returns the revocations that were not lifted.
    pub fn in_force(&self) -> impl Iterator<Item = &RevocationEntry> {
        let is_lifted = |seq| self.changes.contains(&RevocationChange::Lifted(seq));
        self.changes.iter().filter_map(move |change| match change {
            RevocationChange::Made(entry) if !is_lifted(entry.seq) => Some(entry),
            RevocationChange::Made(_) | RevocationChange::Lifted(_) => None,
        })
    }

    /// True if a revocation is about a link.
    pub fn revoke(&self, link: &Link, now: u64) -> bool {
        self.in_force().any(|entry| is_about(entry, link, now))
    }

    /// A use that nobody else was told of no longer counts, nor will it if its question comes later.
    fn give_back(&mut self, links: &[Link], question: &StoreQuestion) {
        let of_attempt = |row: &&mut UseRow| row.attempt == question.attempt;
        match self.uses.iter_mut().find(of_attempt) {
            Some(row) if !row.is_shared => row.given_back = true,
            Some(_) => {}
            None => {
                let mut indexes = links.iter();
                let is_it = |link: &Link| link.limited == Some(question.link);
                let Some(link) = indexes.position(is_it) else {
                    return;
                };
                self.uses.push(UseRow {
                    link,
                    number: 0,
                    attempt: question.attempt,
                    viewer: question.viewer,
                    window_until: question.at.as_secs(),
                    at: question.at.as_secs(),
                    given_back: true,
                    is_shared: false,
                });
            }
        }
    }

    fn answer(&mut self, links: &[Link], question: &StoreQuestion) -> StoreAnswer {
        let now = question.at.as_secs();
        let mut numbered = links.iter().enumerate();
        let found = numbered.find(|(_, link)| link.limited == Some(question.link));
        let Some((index, link)) = found.filter(|(_, link)| link.digest == question.digest) else {
            return StoreAnswer::Unknown;
        };
        let mut of_link = self.in_force();
        if let Some(entry) = of_link.find(|entry| entry.what == Revoked::Link(link.digest)) {
            let revocation = entry.seq;
            return StoreAnswer::Revoked { revocation };
        }
        drop(of_link);
        if let Some(answer) = self.answer_of_attempt(question.attempt) {
            return answer;
        }
        if now >= link.until.as_secs() {
            return StoreAnswer::Ended;
        }
        if let Some(answer) = self.answer_again(index, link, question) {
            return answer;
        }
        let uses: Vec<&UseRow> = self.of_link(index).collect();
        let viewers: BTreeSet<ViewerDigest> = uses.iter().map(|row| row.viewer).collect();
        if uses.len() >= link.uses_max as usize {
            let last_at = uses.last().map(|row| row.at).unwrap_or_default();
            return StoreAnswer::UsedUp {
                uses: u32::try_from(uses.len()).unwrap_or(u32::MAX),
                last_at: Timestamp::from_secs(last_at),
            };
        }
        let is_new = !viewers.contains(&question.viewer);
        if is_new && viewers.len() >= link.viewers_max as usize {
            return StoreAnswer::ViewersUsedUp;
        }
        match question.kind {
            QuestionKind::Peek => StoreAnswer::Available,
            QuestionKind::Redeem => self.make(index, link, question),
        }
    }

    fn answer_of_attempt(&self, attempt: AttemptId) -> Option<StoreAnswer> {
        let row = self.uses.iter().find(|row| row.attempt == attempt)?;
        Some(match row.given_back {
            true => StoreAnswer::GivenBack,
            false => StoreAnswer::Redeemed {
                use_number: row.number,
                window_until: Timestamp::from_secs(row.window_until),
            },
        })
    }

    /// Answers by a use of the viewer that has not ended, which a later request goes on with.
    fn answer_again(
        &mut self,
        index: usize,
        link: &Link,
        question: &StoreQuestion,
    ) -> Option<StoreAnswer> {
        let now = question.at.as_secs();
        let attempt = self.live_use(index, question.viewer, now)?.attempt;
        let row = self.uses.iter_mut().find(|row| row.attempt == attempt)?;
        let window_until = row.window_until.max(now + link.window_secs);
        if question.kind == QuestionKind::Redeem {
            row.is_shared = true;
            row.window_until = window_until;
        }
        Some(StoreAnswer::Again {
            use_number: row.number,
            window_until: Timestamp::from_secs(window_until),
        })
    }

    fn make(&mut self, index: usize, link: &Link, question: &StoreQuestion) -> StoreAnswer {
        let now = question.at.as_secs();
        let of_link = self.uses.iter().filter(|row| row.link == index);
        let number = 1 + of_link.map(|row| row.number).max().unwrap_or_default();
        let row = UseRow {
            link: index,
            number,
            attempt: question.attempt,
            viewer: question.viewer,
            window_until: now + link.window_secs,
            at: now,
            given_back: false,
            is_shared: false,
        };
        let answer = StoreAnswer::Redeemed {
            use_number: number,
            window_until: Timestamp::from_secs(row.window_until),
        };
        self.uses.push(row);
        answer
    }
}

/// True if a revocation is about a link at `now`: the words of `RevocationEntry`, without what makes the table fast.
pub fn is_about(entry: &RevocationEntry, link: &Link, now: u64) -> bool {
    let made = link.mark.made;
    let is_later = made.is_some_and(|made| made > entry.made && made.as_secs() <= now);
    let names = match &entry.what {
        Revoked::Link(digest) => *digest == link.digest,
        Revoked::Key(id) => id == KEY,
        Revoked::Subject(subject) => !is_later && Some(*subject) == subject_of(link),
        Revoked::Object(pattern) => {
            let pattern = pattern.to_string();
            let path = format!("{HOST}{}", link.path);
            let covers = match pattern.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == pattern,
            };
            !is_later && covers
        }
    };
    names && now < entry.until.as_secs()
}

fn subject_of(link: &Link) -> Option<SubjectDigest> {
    link.mark.subject
}

/// The key of all links.
pub const KEY: &str = "K1";

/// The host of all objects.
pub const HOST: &str = "cdn.example.com";

/// When a statement is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// When the copy has it.
    ByTheCopy,
    /// When the database has it: what a fleet must not do, and the simulation has to find.
    Early,
}

/// A statement that the copy does not have yet.
#[derive(Clone, Debug)]
pub struct Pending {
    statement: Statement,
    /// Who waits for it.
    pub ticket: u64,
    /// What is said once the copy has it.
    pub returned: Returned,
}

/// The database and its copy.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// What the database has.
    pub live: Rows,
    /// What outlives it.
    pub copy: Rows,
    /// What the copy does not have, in the order in which it gets it.
    pub pending: Vec<Pending>,
    /// Number of times that it was killed.
    pub epoch: u64,
    /// Time until which nothing answers, in milliseconds.
    pub down_until: u64,
}

impl Store {
    /// Carries out a statement, whose result is told when the copy has it.
    pub fn execute(&mut self, links: &[Link], statement: Statement, ticket: u64) {
        let returned = self.live.execute(links, &statement);
        self.pending.push(Pending {
            statement,
            ticket,
            returned,
        });
    }

    /// Gives the copy what it does not have for longest.
    pub fn replicate(&mut self, links: &[Link]) -> Option<Pending> {
        if self.pending.is_empty() {
            return None;
        }
        let pending = self.pending.remove(0);
        self.copy.execute(links, &pending.statement);
        Some(pending)
    }

    /// Kills the database. The copy had got `reached` statements more than were acknowledged.
    pub fn kill(&mut self, links: &[Link], reached: usize) {
        for _ in 0..reached {
            self.replicate(links);
        }
        self.pending.clear();
        self.live = self.copy.clone();
        self.epoch += 1;
    }
}
