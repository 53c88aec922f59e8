//! The store of links, as an edge asks it: uses of limited links, their terms, their bytes.

use crate::late_store::LateStore;
use privet_distribution::links::{ConfirmSetting, Heard, QuestionKind, StoreAnswer, StoreQuestion};
use privet_edge::{LinkFuture, LinkStore, LinkTerms, TermsHeard};
use privet_sign::{LimitedId, LinkId, Timestamp};
use privet_store::{
    AttemptId, ByteAnswer, LinkConfirm, LinkDigest, LinkKind, LinkUse, RegisteredId, Store,
    StoreError, StoredLink, UseAnswer, ViewerDigest,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Links whose terms are remembered; they never change. Beyond that they are forgotten together.
const TERMS_MAX: usize = 10_000;

/// The links of a store. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct StoreLinks {
    store: LateStore,
    edge_id: Arc<str>,
    terms: Arc<Mutex<HashMap<LimitedId, Arc<LinkTerms>>>>,
    /// False where a failover of the database may forget uses: nothing is redeemed then.
    is_durable: Arc<AtomicBool>,
}

impl StoreLinks {
    /// Nothing is redeemed before [`StoreLinks::set_durable`] says that it may be.
    pub(crate) fn new(store: LateStore, edge_id: &str) -> Self {
        StoreLinks {
            store,
            edge_id: edge_id.into(),
            terms: Arc::default(),
            is_durable: Arc::default(),
        }
    }

    /// Says whether uses outlive a failover of the database, or are to be redeemed all the same.
    pub(crate) fn set_durable(&self, is_durable: bool) {
        self.is_durable.store(is_durable, Ordering::Relaxed);
    }

    fn open(&self) -> Option<Store> {
        let store = self.store.get()?;
        self.is_durable
            .load(Ordering::Relaxed)
            .then(|| store.clone())
    }

    fn link_use(&self, question: &StoreQuestion) -> LinkUse {
        LinkUse {
            link: registered(question.link),
            digest: LinkDigest::from_bytes(*question.digest.as_bytes()),
            attempt: AttemptId::from_bytes(question.attempt.0),
            viewer: ViewerDigest::from_bytes(question.viewer.0),
            at: stored_moment(question.at),
            edge: self.edge_id.to_string(),
        }
    }

    fn remembered(&self, link: LimitedId) -> Option<Arc<LinkTerms>> {
        let terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        terms.get(&link).cloned()
    }

    fn remember(&self, link: LimitedId, known: &Arc<LinkTerms>) {
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        if terms.len() >= TERMS_MAX {
            terms.clear();
        }
        terms.insert(link, Arc::clone(known));
    }

    /// Does something that nobody waits for.
    fn aside(act: impl Future<Output = ()> + Send + 'static) {
        // Outside a runtime the edge has stopped, and with it what would have been served.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(act));
        }
    }
}

impl LinkStore for StoreLinks {
    fn terms(&self, link: LimitedId) -> LinkFuture<TermsHeard> {
        if let Some(terms) = self.remembered(link) {
            return Box::pin(std::future::ready(TermsHeard::Known(terms)));
        }
        let links = self.clone();
        Box::pin(async move {
            let Some(store) = links.open() else {
                return TermsHeard::Silent;
            };
            match store.link(&registered(link)).await {
                Ok(Some(stored)) if stored.link.kind == LinkKind::Limited => {
                    let terms = Arc::new(terms_of(&stored));
                    links.remember(link, &terms);
                    TermsHeard::Known(terms)
                }
                Ok(Some(_) | None) => TermsHeard::NotRegistered,
                Err(_) => TermsHeard::Silent,
            }
        })
    }

    fn ask(&self, question: StoreQuestion) -> LinkFuture<Heard> {
        let links = self.clone();
        Box::pin(async move {
            let Some(store) = links.open() else {
                return Heard::Unreachable;
            };
            let wanted = links.link_use(&question);
            let answer = match question.kind {
                QuestionKind::Redeem => store.redeem(&wanted).await,
                QuestionKind::Peek => store.peek(&wanted).await,
                QuestionKind::Join => store.join(&wanted).await,
            };
            heard(answer)
        })
    }

    fn give_back(&self, unused: StoreQuestion) {
        let links = self.clone();
        Self::aside(async move {
            if let Some(store) = links.open() {
                // The viewer may go on with the use where this fails.
                let _ = store.give_back(&links.link_use(&unused)).await;
            }
        });
    }

    fn reserve_bytes(
        &self,
        link: (LimitedId, LinkId),
        count: u64,
        now: Timestamp,
    ) -> LinkFuture<Option<bool>> {
        let links = self.clone();
        Box::pin(async move {
            if count == 0 {
                return Some(true);
            }
            let store = links.open()?;
            let digest = LinkDigest::from_bytes(*link.1.as_bytes());
            let link = (&registered(link.0), &digest);
            let answer = store.reserve_bytes(link, count, stored_moment(now)).await;
            match answer {
                Ok(ByteAnswer::Reserved) => Some(true),
                Ok(ByteAnswer::Short { .. } | ByteAnswer::Refused)
                | Err(StoreError::Invalid { .. }) => Some(false),
                Err(_) => None,
            }
        })
    }

    fn return_bytes(&self, link: LimitedId, count: u64) {
        let links = self.clone();
        Self::aside(async move {
            if let Some(store) = links.open() {
                // Bytes that cannot be returned count as sent.
                let _ = store.return_bytes(&registered(link), count).await;
            }
        });
    }
}

fn heard(answer: Result<UseAnswer, StoreError>) -> Heard {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Heard::Answer(match answer {
        Ok(UseAnswer::Redeemed {
            use_number,
            window_until,
        }) => StoreAnswer::Redeemed {
            use_number: number(use_number),
            window_until: moment(window_until),
        },
        Ok(UseAnswer::Again {
            use_number,
            window_until,
        }) => StoreAnswer::Again {
            use_number: number(use_number),
            window_until: moment(window_until),
        },
        Ok(UseAnswer::Open) => StoreAnswer::Available,
        Ok(UseAnswer::UsedUp { uses, last_at }) => StoreAnswer::UsedUp {
            uses: number(uses),
            last_at: moment(last_at),
        },
        Ok(UseAnswer::ViewersUsedUp) => StoreAnswer::ViewersUsedUp,
        Ok(UseAnswer::BytesUsedUp) => StoreAnswer::BytesUsedUp,
        Ok(UseAnswer::Revoked { revocation }) => StoreAnswer::Revoked { revocation },
        Ok(UseAnswer::Ended) => StoreAnswer::Ended,
        Ok(UseAnswer::Unknown) => StoreAnswer::Unknown,
        Err(StoreError::Unreachable { .. }) => return Heard::Unreachable,
        // Whatever else went wrong, the use may have been made.
        Ok(UseAnswer::GivenBack) | Err(_) => return Heard::OutcomeUnknown,
    })
}

fn terms_of(stored: &StoredLink) -> LinkTerms {
    let link = &stored.link;
    LinkTerms {
        confirm: match link.confirm {
            LinkConfirm::Always => ConfirmSetting::Always,
            LinkConfirm::Never => ConfirmSetting::Never,
            LinkConfirm::Auto => ConfirmSetting::Auto,
        },
        file_name: link.file_name.clone(),
        sender: link.sender.clone(),
        until: moment(link.ends_at),
        uses: link
            .uses_max
            .map(|uses| u32::try_from(uses).unwrap_or(u32::MAX)),
        counts_bytes: link.bytes_max.is_some(),
    }
}

fn registered(link: LimitedId) -> RegisteredId {
    RegisteredId::from_bytes(*link.as_bytes())
}

fn moment(at: privet_store::Timestamp) -> Timestamp {
    Timestamp::from_secs(u64::try_from(at.seconds()).unwrap_or_default())
}

fn stored_moment(at: Timestamp) -> privet_store::Timestamp {
    privet_store::Timestamp::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX))
}
