//! Decides what is asked of the store about a limited link, and what the answers permit: the redemption of a use.
//!
//! A use is one viewer's visit. It is made in the store, and nothing is served before the store has said that there is
//! one: an outcome that got lost is asked for again, with the same attempt, and silence serves nobody. Whoever asks,
//! and waits, is the edge.

use crate::links::revocations::Judgement;
use crate::request::LinkRefusal;
use privet_sign::{LimitedId, LinkId, Timestamp};

/// Random identity of one attempt to redeem, by which the store knows a question that it has answered already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub [u8; 16]);

/// A viewer, as far as uses are counted: a digest of an address or a random number in a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerDigest(pub [u8; 16]);

/// A viewer's visit, as the store made it and the viewer's cookie proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The number of the use among those of the link, from 1.
    pub use_number: u32,
    /// The viewer to whom it belongs.
    pub viewer: ViewerDigest,
    /// The time from which on it has to be shown to the store again.
    pub until: Timestamp,
}

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// The viewer's visit is to be a use.
    Redeem,
    /// The store says what it would answer, and changes nothing.
    Peek,
}

/// A question to the store. A repetition is the same in all parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreQuestion {
    /// The link's id in its signed text.
    pub link: LimitedId,
    /// The identity of the link, which has to be the registered one.
    pub digest: LinkId,
    /// The attempt for which the use is made.
    pub attempt: AttemptId,
    /// The viewer to whom the use will belong.
    pub viewer: ViewerDigest,
    /// The time of the request.
    pub at: Timestamp,
    /// What it is for.
    pub kind: QuestionKind,
}

/// An answer of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAnswer {
    /// This attempt has made a use, now or when it was asked before.
    Redeemed {
        /// The number of the use.
        use_number: u32,
        /// When it ends, unless the viewer asks again before.
        window_until: Timestamp,
    },
    /// The viewer has a use that has not ended, which an earlier attempt has made. From now on that attempt cannot
    /// give it back.
    Again {
        /// The number of the use.
        use_number: u32,
        /// When it ends, unless the viewer asks again before.
        window_until: Timestamp,
    },
    /// There is a use left, and none was made: the answer to a [`QuestionKind::Peek`] alone.
    Available,
    /// All uses were made.
    UsedUp {
        /// How many there were.
        uses: u32,
        /// When the last of them was made.
        last_at: Timestamp,
    },
    /// As many viewers as may use the link have.
    ViewersUsedUp,
    /// As many bytes as the link may send were sent.
    BytesUsedUp,
    /// The link was revoked.
    Revoked {
        /// The revocation's number.
        revocation: u64,
    },
    /// The link has ended.
    Ended,
    /// The attempt was given back, and is no use any more. Whoever gives one back does not ask for it again.
    GivenBack,
    /// There is no such link, or its identity is another.
    Unknown,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The store has answered.
    Answer(StoreAnswer),
    /// The question may have reached the store, and no answer came.
    OutcomeUnknown,
    /// The question did not reach the store.
    Unreachable,
}

/// Whether a person has to confirm before a use is made, so that no preview makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The page with the button is to be shown.
    Ask,
    /// The button was pressed, or there need not be one.
    Settled,
}

/// What the edge knows of changes at the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It has heard from it lately.
    Fresh,
    /// It has not heard from it for longer than is configured.
    Stale,
}

/// How limited links are treated while there is no news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenStale {
    /// They are refused.
    #[default]
    Refuse,
    /// Viewers who have a visit keep it to its end; others are refused.
    ServeVisits,
}

/// The settings of redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedemptionRules {
    /// Time before its end from which on a visit is shown to the store again, which prolongs it.
    pub renew_before_secs: u64,
    /// How limited links are treated while there is no news.
    pub when_stale: WhenStale,
    /// How often a question is sent at most; at least once.
    pub tries_max: u32,
    /// Time after which a question is not sent again.
    pub patience_secs: u64,
}

/// A request with a limited link whose signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedemptionFacts {
    /// The link's id in its signed text.
    pub link: LimitedId,
    /// The identity of the link.
    pub digest: LinkId,
    /// The end in its signed text.
    pub until: Timestamp,
    /// The visit that the viewer's cookie proves, for this link, whether it has ended or not.
    pub visit: Option<Visit>,
    /// The viewer if there is no visit.
    pub viewer: ViewerDigest,
    /// A fresh random number.
    pub attempt: AttemptId,
    /// [`QuestionKind::Peek`] for HEAD and OPTIONS, which count nothing.
    pub kind: QuestionKind,
    /// Whether a person has to confirm.
    pub confirmation: Confirmation,
}

/// What is known when a step is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// What the table of revocations says of the grant.
    pub judgement: Judgement,
    /// What is known of changes at the store.
    pub news: News,
}

/// The next step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The store is to be asked, and [`Redeeming::on_answer`] told what came of it.
    AskStore {
        /// The question.
        question: StoreQuestion,
        /// Time to wait before it is sent.
        wait_ms: u64,
    },
    /// The request is served. The viewer gets the visit as a cookie.
    Serve {
        /// The visit, which ends no later than the link.
        visit: Visit,
        /// Whether the use is this request's.
        made: UseMade,
    },
    /// The request is answered without a body. There is a use left or the viewer has one, and nothing was counted.
    ServeHead,
    /// The page with the button is shown.
    Confirm,
    /// The request is refused.
    Refuse(LinkRefusal),
    /// The request is answered by 503; the reason is the operator's.
    Unavailable(LinkRefusal),
}

/// Who has made the use that a request is served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseMade {
    /// This request, which may give it back if nothing of the object was sent.
    Here(AttemptId),
    /// An earlier one of the same viewer.
    Before,
}

/// The redemption of one request.
#[derive(Clone, Copy, Debug)]
pub struct Redeeming {
    facts: RedemptionFacts,
    rules: RedemptionRules,
    begun: Timestamp,
    tries: u32,
}

/// Time to wait before a question is sent for the second time; it doubles with each further one.
const WAIT_MS: u64 = 50;

impl Redeeming {
    /// Begins with a request.
    pub fn start(facts: RedemptionFacts, rules: RedemptionRules, moment: &Moment) -> (Self, Step) {
        let mut redeeming = Redeeming {
            facts,
            rules,
            begun: moment.now,
            tries: 0,
        };
        let step = redeeming.first_step(moment);
        (redeeming, step)
    }

    /// Goes on with what came of the question.
    ///
    /// Whatever the answer, nothing is served that was revoked meanwhile.
    pub fn on_answer(&mut self, heard: Heard, moment: &Moment) -> Step {
        if let Some(step) = refusal_of(moment) {
            return step;
        }
        match (heard, self.visit(moment.now)) {
            (Heard::Answer(answer), visit) => self.answered(answer, visit),
            // The visit needs no renewal yet.
            (Heard::OutcomeUnknown | Heard::Unreachable, Some(visit)) => self.keep(visit),
            (Heard::OutcomeUnknown | Heard::Unreachable, None) => self.ask_again(moment.now),
        }
    }

    fn first_step(&mut self, moment: &Moment) -> Step {
        if let Some(step) = refusal_of(moment) {
            return step;
        }
        let visit = self.visit(moment.now);
        match (moment.news, self.rules.when_stale, visit) {
            (News::Stale, WhenStale::ServeVisits, Some(visit)) => self.keep(visit),
            (News::Stale, WhenStale::ServeVisits, None) | (News::Stale, WhenStale::Refuse, _) => {
                Step::Unavailable(LinkRefusal::StoreStale)
            }
            (News::Fresh, _, Some(visit)) if !self.is_due(visit, moment.now) => self.keep(visit),
            (News::Fresh, _, _) => self.ask(),
        }
    }

    fn answered(&mut self, answer: StoreAnswer, visit: Option<Visit>) -> Step {
        match answer {
            StoreAnswer::Redeemed {
                use_number,
                window_until,
            } => match self.kind() {
                QuestionKind::Redeem => Step::Serve {
                    visit: self.visit_of(use_number, window_until),
                    made: UseMade::Here(self.facts.attempt),
                },
                QuestionKind::Peek => silent(),
            },
            StoreAnswer::Again {
                use_number,
                window_until,
            } => match self.kind() {
                QuestionKind::Redeem => self.keep(self.visit_of(use_number, window_until)),
                QuestionKind::Peek => self.known_again(),
            },
            StoreAnswer::Available => match self.kind() {
                QuestionKind::Redeem => silent(),
                QuestionKind::Peek => self.peeked(),
            },
            // The viewer's own use is one of those that were made.
            StoreAnswer::UsedUp { .. } | StoreAnswer::ViewersUsedUp if visit.is_some() => {
                visit.map_or_else(silent, |visit| self.keep(visit))
            }
            StoreAnswer::UsedUp { uses, last_at } => {
                Step::Refuse(LinkRefusal::UsedUp { uses, last_at })
            }
            StoreAnswer::ViewersUsedUp => Step::Refuse(LinkRefusal::ViewersUsedUp),
            StoreAnswer::BytesUsedUp => Step::Refuse(LinkRefusal::BytesUsedUp),
            StoreAnswer::Revoked { revocation } => {
                Step::Refuse(LinkRefusal::Revoked { revocation })
            }
            StoreAnswer::Ended => Step::Refuse(LinkRefusal::Ended),
            StoreAnswer::GivenBack => silent(),
            StoreAnswer::Unknown => Step::Refuse(LinkRefusal::NotRegistered),
        }
    }

    /// Serves by a visit that there is.
    fn keep(&self, visit: Visit) -> Step {
        match self.facts.kind {
            QuestionKind::Redeem => Step::Serve {
                visit,
                made: UseMade::Before,
            },
            QuestionKind::Peek => Step::ServeHead,
        }
    }

    /// Goes on with a viewer who has a use: whoever has pressed the button once need not press it again.
    fn known_again(&mut self) -> Step {
        match self.facts.kind {
            QuestionKind::Redeem => {
                self.facts.confirmation = Confirmation::Settled;
                self.ask()
            }
            QuestionKind::Peek => Step::ServeHead,
        }
    }

    /// Goes on after a good answer to a peek, which may have been made for the page.
    fn peeked(&self) -> Step {
        match self.facts.kind {
            QuestionKind::Redeem => Step::Confirm,
            QuestionKind::Peek => Step::ServeHead,
        }
    }

    fn ask_again(&mut self, now: Timestamp) -> Step {
        let waited = now.as_secs().saturating_sub(self.begun.as_secs());
        if self.tries >= self.rules.tries_max || waited >= self.rules.patience_secs {
            return silent();
        }
        self.ask()
    }

    fn ask(&mut self) -> Step {
        let wait_ms = match self.tries {
            0 => 0,
            tries => WAIT_MS << (tries - 1).min(6),
        };
        self.tries += 1;
        let facts = &self.facts;
        let question = StoreQuestion {
            link: facts.link,
            digest: facts.digest,
            attempt: facts.attempt,
            viewer: self.viewer(),
            at: self.begun,
            kind: self.kind(),
        };
        Step::AskStore { question, wait_ms }
    }

    /// A page is no use, and is shown only if one is left.
    fn kind(&self) -> QuestionKind {
        let had_visit = self.visit(self.begun).is_some();
        match (self.facts.kind, self.facts.confirmation) {
            (QuestionKind::Redeem, Confirmation::Ask) if !had_visit => QuestionKind::Peek,
            (kind, Confirmation::Ask | Confirmation::Settled) => kind,
        }
    }

    /// Returns the visit if it has not ended.
    fn visit(&self, now: Timestamp) -> Option<Visit> {
        self.facts.visit.filter(|visit| now < visit.until)
    }

    fn viewer(&self) -> ViewerDigest {
        let visit = self.facts.visit;
        visit.map_or(self.facts.viewer, |visit| visit.viewer)
    }

    fn visit_of(&self, use_number: u32, window_until: Timestamp) -> Visit {
        Visit {
            use_number,
            viewer: self.viewer(),
            until: window_until.min(self.facts.until),
        }
    }

    fn is_due(&self, visit: Visit, now: Timestamp) -> bool {
        let left = visit.until.as_secs().saturating_sub(now.as_secs());
        // A visit that lasts to the link's end cannot be prolonged.
        left <= self.rules.renew_before_secs && visit.until < self.facts.until
    }
}

fn silent() -> Step {
    Step::Unavailable(LinkRefusal::StoreSilent)
}

/// Returns the step of a grant that was revoked, or of which it cannot be said.
fn refusal_of(moment: &Moment) -> Option<Step> {
    match moment.judgement {
        Judgement::NotRevoked => None,
        Judgement::Revoked(by) => Some(Step::Refuse(LinkRefusal::Revoked {
            revocation: by.revocation,
        })),
        Judgement::Forgotten => Some(Step::Unavailable(LinkRefusal::RevocationsForgotten)),
    }
}

#[cfg(test)]
mod tests;
