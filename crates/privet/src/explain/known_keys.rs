//! Collects what is known about the edge for which a link is explained: the given keys, and what a configuration says
//! about the link's host and path.

use privet_control::{LinkAccess, LinkState, LinkStoreState};
use privet_sign::{Explanation, Timestamp};

use super::ExplainArguments;
use crate::command_error::CommandError;
use crate::input;
use crate::key_source::AnyKey;
use crate::store_access::runtime;
use crate::stored_service::{ServedLinks, served};

/// What is known for the explanation of a link.
pub(super) struct Known {
    /// Keys, and what a configuration says about the link.
    pub(super) access: LinkAccess,
    links: KnownLinks,
}

/// What is known of links beside their signed text.
enum KnownLinks {
    /// No configuration says which edge it is about.
    NotNamed,
    /// The configuration has no store.
    NoStore,
    Stored(ServedLinks),
}

/// Reads all keys that the options name, and what the configuration has.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Key`], [`CommandError::Configuration`], [`CommandError::Store`].
pub(super) fn read(arguments: &ExplainArguments, url: &str) -> Result<Known, CommandError> {
    let mut known = match arguments.config_file() {
        Some(file) => {
            let served = served(&file)?;
            Known {
                access: LinkAccess::of(&served.snapshot, url),
                links: served.links.map_or(KnownLinks::NoStore, KnownLinks::Stored),
            }
        }
        None => Known {
            access: LinkAccess::default(),
            links: KnownLinks::NotNamed,
        },
    };
    let passphrase = arguments.passphrase.read()?;
    for named in &arguments.public_key {
        let bytes = input::read_or_variable(&named.file)?;
        let key = AnyKey::parse(&bytes, passphrase.as_deref(), &named.file)?;
        let keys = &mut known.access.keys;
        keys.insert(named.id.clone(), key.public_key());
    }
    Ok(known)
}

impl Known {
    /// Adds the checks of what is not in the link's signed text.
    ///
    /// # Errors
    /// The system starts no runtime.
    pub(super) fn check_state(
        &self,
        explanation: &mut Explanation,
        url: &str,
        now: Timestamp,
    ) -> Result<(), CommandError> {
        let state = match &self.links {
            KnownLinks::NotNamed => LinkState {
                revocations: None,
                store: LinkStoreState::NotNamed,
                allow_asynchronous_standby: false,
            },
            KnownLinks::NoStore => LinkState {
                revocations: None,
                store: LinkStoreState::Absent,
                allow_asynchronous_standby: false,
            },
            KnownLinks::Stored(links) => LinkState {
                revocations: Some(&links.revocations),
                allow_asynchronous_standby: links.allow_asynchronous_standby,
                store: links
                    .store
                    .get()
                    .map_or(LinkStoreState::Silent, LinkStoreState::Open),
            },
        };
        runtime()?.block_on(state.check(explanation, url, now));
        Ok(())
    }
}
