//! The key that a group's rotation gives out: by a running edge, or from the store on the machine itself.

use crate::admin_socket::text;
use crate::api::{Api, ApiArguments, encoded};
use crate::command_error::CommandError;
use crate::group_fault::GroupFault;
use crate::moment;
use crate::store_access::{local_actor, now, open_store, runtime, store_settings};
use privet_control::{OperationError, signing_key};
use privet_sign::{KeyPairId, PrivateKey, Timestamp};
use privet_store::{AuditEntry, DocumentName, Outcome, Secret};
use std::path::Path;

/// A key, and until when links of it may be valid.
pub(super) struct GroupKey {
    pub(super) id: KeyPairId,
    pub(super) key: PrivateKey,
    links_end_by: Timestamp,
}

impl GroupKey {
    /// Gets the key of a group: from the interface that is named, otherwise from the store of the configuration.
    ///
    /// # Errors
    /// [`CommandError::Api`], [`CommandError::Configuration`], [`CommandError::Store`], [`CommandError::Group`].
    pub(super) fn find(group: &str, arguments: &ApiArguments) -> Result<Self, CommandError> {
        match arguments.named()? {
            Some(api) => asked(&api, group),
            None => own(&arguments.config(), group),
        }
    }

    /// Refuses links that would outlive the key.
    ///
    /// # Errors
    /// [`CommandError::Group`].
    pub(super) fn check_end(&self, until: Timestamp) -> Result<(), CommandError> {
        match until <= self.links_end_by {
            true => Ok(()),
            false => Err(GroupFault::TooLong {
                latest: self.links_end_by.to_utc(),
            }
            .into()),
        }
    }

    fn parse(id: &str, pem: &Secret, links_end_by: Timestamp) -> Result<Self, CommandError> {
        let key = PrivateKey::parse(pem.expose().as_bytes(), None);
        Ok(GroupKey {
            id: KeyPairId::parse(id).map_err(CommandError::KeyPairId)?,
            key: key.map_err(|error| CommandError::Key {
                source: format!("the private key of {id}"),
                error,
            })?,
            links_end_by,
        })
    }
}

fn asked(api: &Api, group: &str) -> Result<GroupKey, CommandError> {
    let target = format!("/v1/key-groups/{}/rotation/signing-key", encoded(group));
    let answer = api.get(target)?.body;
    let end = moment::parse_moment(text(&answer, "links_end_by")).map_err(|_| api.garbled())?;
    let pem = Secret::new(text(&answer, "pem"));
    GroupKey::parse(
        text(&answer, "key_pair_id"),
        &pem,
        end.resolve(moment::now()),
    )
}

fn own(config: &Path, group: &str) -> Result<GroupKey, CommandError> {
    let settings = store_settings(config)?;
    let found = runtime()?.block_on(async {
        let store = open_store(&settings).await?;
        let found = signing_key(&store, group, now().seconds()).await;
        let found = found.map_err(|error| {
            if let OperationError::Store(error) = error {
                return CommandError::from(error);
            }
            GroupFault::NoKey(error.to_string()).into()
        })?;
        store
            .audit(AuditEntry {
                actor: local_actor(),
                at: now(),
                operation: "key_groups.signing_key".to_owned(),
                outcome: Outcome::Done,
                document: Some(DocumentName::new("key_group", group)),
                before: None,
                after: None,
                detail: Some(found.key_pair_id.clone()),
            })
            .await?;
        Ok::<_, CommandError>(found)
    })?;
    let end = u64::try_from(found.links_end_by).unwrap_or_default();
    GroupKey::parse(&found.key_pair_id, &found.pem, Timestamp::from_secs(end))
}
