//! What a follower looks after besides: whether uses of links outlive a failover of the database, and that the store
//! forgets what ended long ago.

use crate::store_links::StoreLinks;
use privet_distribution::config::LinksSettings;
use privet_edge::standard_error;
use privet_store::{Durability, Store, StoreError, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// Interval at which it is asked whether the database has a synchronous standby.
const CHECK_DURABILITY: Duration = Duration::from_secs(60);
/// Interval at which links that ended long ago are forgotten, and how long they are kept after their end.
const SWEEP: Duration = Duration::from_secs(60 * 60);
const KEPT_SECS: i64 = 30 * 24 * 60 * 60;

/// What was looked after, and when.
#[derive(Debug)]
pub(super) struct Upkeep {
    links: StoreLinks,
    durability: Option<(Instant, Durability)>,
    swept: Option<Instant>,
}

impl Upkeep {
    /// `links` are told whether uses may be redeemed.
    pub(super) fn new(links: StoreLinks) -> Self {
        Upkeep {
            links,
            durability: None,
            swept: None,
        }
    }

    /// Does what is due.
    pub(super) async fn tend(
        &mut self,
        store: &Store,
        settings: &LinksSettings,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.check_durability(store, settings).await?;
        self.sweep(store, now).await
    }

    /// Finds out whether uses of limited links outlive a failover of the database, without which none is redeemed
    /// unless the operator insists.
    async fn check_durability(
        &mut self,
        store: &Store,
        settings: &LinksSettings,
    ) -> Result<(), StoreError> {
        let checked = self.durability.as_ref().map(|(at, _)| *at);
        if checked.is_some_and(|at| at.elapsed() < CHECK_DURABILITY) {
            return Ok(());
        }
        let durability = store.synchronous_standby().await?;
        let before = self
            .durability
            .replace((Instant::now(), durability.clone()));
        let is_news = before.is_none_or(|(_, before)| before != durability);
        let insists = settings.allow_asynchronous_standby;
        self.links.set_durable(match &durability {
            Durability::File | Durability::Standby { .. } => true,
            Durability::Server { problem } => {
                if is_news {
                    let consequence = match insists {
                        true => "a failover may let limited links be used again",
                        false => {
                            "limited links are refused, as a failover might let them be used again; set \
                             synchronous_standby_names, or [links] allow_asynchronous_standby = true"
                        }
                    };
                    standard_error::warning(format_args!("{problem}: {consequence}"));
                }
                insists
            }
        });
        Ok(())
    }

    /// Has the store forget links and revocations that ended long ago, a part each time until there are none.
    async fn sweep(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        if self.swept.is_some_and(|at| at.elapsed() < SWEEP) {
            return Ok(());
        }
        let before = Timestamp::from_seconds(now.seconds().saturating_sub(KEPT_SECS));
        let swept = store.sweep_links(before).await?;
        self.swept = (!swept.has_more()).then(Instant::now);
        Ok(())
    }
}
