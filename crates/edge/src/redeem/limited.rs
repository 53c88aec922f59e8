//! The redemption of a limited link: asks the store what `privet-distribution` says is to be asked, and waits.

use super::{Presented, Purpose};
use crate::links::{EdgeLinks, LinkSource, LinkTerms, SeenVisit, TermsHeard};
use http::Method;
use privet_distribution::config::StaleLinks;
use privet_distribution::links::{
    Arrival, AttemptId, Confirmation, ConfirmationPage, GrantFacts, Heard, LinkPage, Moment, News,
    PageLanguage, QuestionKind, Redeeming, RedemptionFacts, RedemptionRules, RevokedObject, Step,
    StoreQuestion, UseMade, ViewerDigest, ViewerFacts, Visit, VisitSeal, WhenStale, arrival,
    confirmation_page, ending_page, file_name_of,
};
use privet_distribution::request::{Denial, LinkRefusal};
use privet_sign::{Grant, LimitedId, LinkId, Timestamp};
use std::time::Duration;

/// Time for which one answer of the store is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a question is sent at most, and for how long.
const TRIES_MAX: u32 = 6;
const PATIENCE_SECS: u64 = 10;
/// A visit is prolonged in the last third of its time, and at least this long before its end.
const RENEW_BEFORE_SECS_MIN: u64 = 5;

/// The use of a limited link by which a request is served.
#[derive(Clone, Debug)]
pub(crate) enum LinkUse {
    /// A visit.
    Visit {
        link: LimitedId,
        digest: LinkId,
        /// Time of the request.
        at: Timestamp,
        visit: Visit,
        made: UseMade,
        /// Value of `Set-Cookie` that proves the visit.
        cookie: String,
        /// True if the link may send a limited number of bytes.
        counts_bytes: bool,
    },
    /// Nothing was redeemed: only the head is sent.
    Head,
}

impl LinkUse {
    /// Returns the question by which this request made the use.
    pub(super) fn own_question(&self) -> Option<StoreQuestion> {
        match self {
            LinkUse::Visit {
                made: UseMade::Here(attempt),
                link,
                digest,
                at,
                visit,
                ..
            } => Some(StoreQuestion {
                link: *link,
                digest: *digest,
                attempt: *attempt,
                viewer: visit.viewer,
                at: *at,
                kind: QuestionKind::Redeem,
            }),
            LinkUse::Visit { .. } | LinkUse::Head => None,
        }
    }

    /// Returns whether this request has begun the visit.
    pub(crate) fn seen(&self) -> SeenVisit {
        match self {
            LinkUse::Visit {
                made: UseMade::Here(_),
                ..
            } => SeenVisit::Begins,
            LinkUse::Visit { .. } | LinkUse::Head => SeenVisit::GoesOn,
        }
    }

    /// Returns the viewer to whom the use belongs.
    pub(crate) fn viewer(&self) -> Option<ViewerDigest> {
        match self {
            LinkUse::Visit { visit, .. } => Some(visit.viewer),
            LinkUse::Head => None,
        }
    }
}

/// What became of a request with a limited link.
pub(super) enum Outcome {
    Served(LinkUse),
    Page(Box<LinkPage>, Option<LinkRefusal>),
}

/// A request with a limited link that nobody has revoked.
pub(super) struct LimitedRequest<'a> {
    pub(super) links: &'a EdgeLinks,
    pub(super) limited: LimitedId,
    pub(super) grant: &'a Grant,
    pub(super) presented: &'a Presented<'a>,
}

/// The viewer of a request, and how it is treated.
struct Caller {
    viewer: ViewerDigest,
    visit: Option<Visit>,
    attempt: AttemptId,
    arrival: Arrival,
    is_confirmed: bool,
}

impl LimitedRequest<'_> {
    pub(super) async fn redeem(&self) -> Result<Outcome, Denial> {
        let Some(source) = self.links.source() else {
            return Err(Denial::Link(LinkRefusal::StoreSilent));
        };
        let seal = VisitSeal {
            secret: &source.secret,
            link: self.grant.link_id(),
        };
        let caller = self.caller(&seal)?;
        let terms = match waited(source.store.terms(self.limited)).await {
            Some(TermsHeard::Known(terms)) => terms,
            Some(TermsHeard::NotRegistered) => {
                return self.refused(LinkRefusal::NotRegistered, &caller);
            }
            Some(TermsHeard::Silent) | None => {
                return self.refused(LinkRefusal::StoreSilent, &caller);
            }
        };
        let facts = self.facts(&terms, &caller, seal.link);
        let (mut redeeming, mut step) = Redeeming::start(facts, self.rules(), &self.moment());
        loop {
            match step {
                Step::AskStore { question, wait_ms } => {
                    let heard = asked(&source, question, wait_ms).await;
                    step = redeeming.on_answer(heard, &self.moment());
                }
                Step::Serve { visit, made } => {
                    return Ok(Outcome::Served(LinkUse::Visit {
                        link: self.limited,
                        digest: seal.link,
                        at: self.presented.now,
                        visit,
                        made,
                        cookie: seal.set_cookie(&visit, self.presented.now),
                        counts_bytes: terms.counts_bytes,
                    }));
                }
                Step::ServeHead => return Ok(Outcome::Served(LinkUse::Head)),
                Step::Confirm => return Ok(self.confirmation(&terms, &caller, &seal)),
                Step::Refuse(refusal) | Step::Unavailable(refusal) => {
                    return self.refused(refusal, &caller);
                }
            }
        }
    }

    fn caller(&self, seal: &VisitSeal<'_>) -> Result<Caller, Denial> {
        let request = self.presented.request;
        let attempt = AttemptId(random()?);
        let visit = seal.visit(request.headers);
        if let Some(visit) = &visit {
            self.links.note_shown(visit);
        }
        let pressed = self.presented.pressed;
        let confirmed =
            pressed.and_then(|text| seal.confirmed(text, request.client, self.presented.now));
        let arrival = match self.presented.purpose {
            Purpose::Request => arrival(request.headers),
            // An RTMP player asks for nothing but the video.
            Purpose::Play | Purpose::PlayContinued => Arrival::Program,
        };
        let viewer = seal.viewer(&ViewerFacts {
            visit,
            confirmed,
            client: request.client,
            arrival,
            attempt,
            shown: &self.links.shown(),
        });
        Ok(Caller {
            viewer,
            visit,
            attempt,
            arrival,
            is_confirmed: confirmed.is_some(),
        })
    }

    fn facts(&self, terms: &LinkTerms, caller: &Caller, digest: LinkId) -> RedemptionFacts {
        RedemptionFacts {
            link: self.limited,
            digest,
            until: self.grant.until().min(terms.until),
            visit: caller.visit,
            viewer: caller.viewer,
            attempt: caller.attempt,
            kind: match *self.presented.request.method {
                Method::HEAD | Method::OPTIONS => QuestionKind::Peek,
                _ => QuestionKind::Redeem,
            },
            confirmation: match self.presented.purpose {
                Purpose::Request if !caller.is_confirmed => {
                    terms.confirm.confirmation(caller.arrival)
                }
                // Nobody can be asked in a player.
                Purpose::Request | Purpose::Play | Purpose::PlayContinued => Confirmation::Settled,
            },
        }
    }

    fn rules(&self) -> RedemptionRules {
        let settings = self.presented.settings;
        let third = settings.window.as_secs() / 3;
        RedemptionRules {
            renew_before_secs: third.max(RENEW_BEFORE_SECS_MIN),
            when_stale: match settings.when_stale {
                StaleLinks::Refuse => WhenStale::Refuse,
                StaleLinks::ServeVisits => WhenStale::ServeVisits,
            },
            tries_max: TRIES_MAX,
            patience_secs: PATIENCE_SECS,
        }
    }

    fn moment(&self) -> Moment {
        let now = self.presented.clock.now();
        let object = RevokedObject {
            host: self.presented.request.host,
            paths: self.presented.paths,
        };
        let silence = now
            .as_secs()
            .saturating_sub(self.links.heard_at().as_secs());
        Moment {
            now,
            judgement: self.links.judge(&GrantFacts::of(self.grant, object), now),
            news: if silence > self.presented.settings.stale_after.as_secs() {
                News::Stale
            } else {
                News::Fresh
            },
        }
    }

    fn confirmation(&self, terms: &LinkTerms, caller: &Caller, seal: &VisitSeal<'_>) -> Outcome {
        let request = self.presented.request;
        let of_path = file_name_of(request.path);
        let confirmation = seal.confirmation(caller.viewer, request.client, self.presented.now);
        let page = confirmation_page(&ConfirmationPage {
            language: PageLanguage::of(request.headers),
            file_name: terms.file_name.as_deref().unwrap_or(&of_path),
            until: self.grant.until().min(terms.until),
            sender: terms.sender.as_deref(),
            uses: terms.uses,
            confirmation: &confirmation,
        });
        Outcome::Page(Box::new(page), None)
    }

    /// People are told why a link opens nothing, programs get CloudFront's answer.
    fn refused(&self, refusal: LinkRefusal, caller: &Caller) -> Result<Outcome, Denial> {
        match caller.arrival {
            Arrival::Navigation => {
                let language = PageLanguage::of(self.presented.request.headers);
                let page = ending_page(refusal, language);
                Ok(Outcome::Page(Box::new(page), Some(refusal)))
            }
            Arrival::Robot | Arrival::Program => Err(Denial::Link(refusal)),
        }
    }
}

async fn asked(source: &LinkSource, question: StoreQuestion, wait_ms: u64) -> Heard {
    if wait_ms > 0 {
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    let heard = waited(source.store.ask(question)).await;
    heard.unwrap_or(Heard::OutcomeUnknown)
}

async fn waited<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(ANSWER_TIMEOUT, answer).await.ok()
}

/// Two requests with the same number would be one attempt.
fn random() -> Result<[u8; 16], Denial> {
    let mut bytes = [0; 16];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| Denial::Link(LinkRefusal::StoreSilent))?;
    Ok(bytes)
}
