//! Access keys of S3 origins: found once, renewed before they expire, used until then when they cannot be renewed.

pub(super) mod surroundings;

use super::fault::OriginFaultKind;
use super::trust::Trust;
use privet_distribution::config::CredentialSource;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider};
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, OsEnv, ProvideCredential, SigningCredential};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};

/// Time before their expiry at which keys are renewed, while they still serve.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(300);
/// Minimum time that keys must still be valid for a request: the signer requires ten seconds.
const USABLE_FOR_AT_LEAST: Duration = Duration::from_secs(15);
/// Timeout for all sources of keys together.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Minimum time from a search that found nothing, or nothing better, to the next one.
const SEARCH_EVERY: Duration = Duration::from_secs(5);

/// Access keys by the source that the configuration names, shared by all workers.
#[derive(Debug)]
pub(super) struct Credentials {
    context: Context,
    by_profile: Mutex<HashMap<Option<String>, Arc<Keys>>>,
}

/// The keys of one source, and the search for them.
#[derive(Debug)]
struct Keys {
    provider: DefaultCredentialProvider,
    found: Mutex<FoundCredential>,
    /// Lock held by the task that searches.
    search: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct FoundCredential {
    credential: Option<Credential>,
    searched_at: Option<Instant>,
}

/// The state of the keys of one source.
enum Freshness {
    Fresh(Credential),
    /// Keys that still serve, and are to be renewed.
    Ageing(Credential),
    Missing,
}

impl Credentials {
    /// Creates a store of keys that are searched for through `context`.
    pub(super) fn new(context: Context) -> Self {
        Credentials {
            context,
            by_profile: Mutex::default(),
        }
    }

    /// Creates a store that searches the environment, files and network of this process.
    pub(super) fn of_this_process(trust: Arc<Trust>) -> Self {
        Self::new(surroundings::with_environment(OsEnv, trust))
    }

    /// Returns keys that can sign now.
    ///
    /// Errors: `Credentials` when there are none.
    pub(super) async fn current(
        &self,
        source: &CredentialSource,
    ) -> Result<Credential, OriginFaultKind> {
        match source {
            CredentialSource::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => Ok(Credential {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: session_token.clone(),
                expires_in: None,
            }),
            CredentialSource::Chain { profile } => self.searched(profile.as_ref()).await,
        }
    }

    async fn searched(&self, profile: Option<&String>) -> Result<Credential, OriginFaultKind> {
        let keys = self.keys(profile);
        match keys.freshness() {
            Freshness::Fresh(credential) => Ok(credential),
            Freshness::Ageing(credential) => {
                if let Ok(turn) = Arc::clone(&keys.search).try_lock_owned() {
                    let context = self.context.clone();
                    tokio::spawn(async move { keys.look_for(&context, turn).await });
                }
                Ok(credential)
            }
            Freshness::Missing => {
                let turn = Arc::clone(&keys.search).lock_owned().await;
                keys.look_for(&self.context, turn).await;
                match keys.freshness() {
                    Freshness::Fresh(credential) | Freshness::Ageing(credential) => Ok(credential),
                    Freshness::Missing => Err(OriginFaultKind::Credentials),
                }
            }
        }
    }

    fn keys(&self, profile: Option<&String>) -> Arc<Keys> {
        let mut by_profile = locked(&self.by_profile);
        let keys = by_profile
            .entry(profile.cloned())
            .or_insert_with(|| Arc::new(Keys::new(profile)));
        Arc::clone(keys)
    }
}

impl Keys {
    fn new(profile: Option<&String>) -> Self {
        // A data plane runs no programs, not even those that a profile names.
        let mut provider = DefaultCredentialProvider::builder().no_process();
        if let Some(profile) = profile {
            provider = provider.no_env().with_profile(profile);
        }
        Keys {
            provider: provider.build(),
            found: Mutex::default(),
            search: Arc::default(),
        }
    }

    fn freshness(&self) -> Freshness {
        let found = locked(&self.found);
        let Some(credential) = &found.credential else {
            return Freshness::Missing;
        };
        let now = Timestamp::now();
        if credential.is_valid_at(now + RENEW_BEFORE_EXPIRY) {
            Freshness::Fresh(credential.clone())
        } else if credential.is_valid_at(now + USABLE_FOR_AT_LEAST) {
            Freshness::Ageing(credential.clone())
        } else {
            Freshness::Missing
        }
    }

    /// Searches, unless somebody has just done so. The present keys stay when nothing is found.
    async fn look_for(&self, context: &Context, _turn: OwnedMutexGuard<()>) {
        let searched_at = locked(&self.found).searched_at;
        if searched_at.is_some_and(|at| at.elapsed() < SEARCH_EVERY) {
            return;
        }
        let search = timeout(SEARCH_TIMEOUT, self.provider.provide_credential(context)).await;
        let mut found = locked(&self.found);
        found.searched_at = Some(Instant::now());
        if let Ok(Ok(Some(credential))) = search {
            found.credential = Some(credential);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
