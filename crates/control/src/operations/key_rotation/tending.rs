//! The steps of rotations: each is one write, made only if the rotation is still as it was read.

use super::making::{KeyPair, key_pair};
use super::{
    ROTATION_KIND, Stored, all_documents, known, rotation_change, signing_key_change,
    signing_key_deletion, stored,
};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::writing::Effect;
use crate::rotation::{NextKey, Rotation, Step};
use crate::service::{Facts, facts, stored_name};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{Actor, DocumentChange, Expected, Store, StoreError, StoredDocument};
use serde_json::{Value, json};

/// Name of the author of all steps in the audit trail; no operator can have it.
pub const AUTOPILOT: &str = "autopilot";
/// Steps of one group at a time. A rotation has fewer; more would be a mistake here.
const STEPS_MAX: usize = 24;

/// What was done with the rotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Steps that were taken.
    pub steps: usize,
    /// Groups whose rotation is held up by a fault, with its text.
    pub faults: Vec<(String, String)>,
}

/// A step's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Step,
    Nothing,
}

/// A key group as it was read.
struct Group {
    document: StoredDocument,
    value: Value,
}

impl Operations {
    /// Does what is due of all rotations, as far as it can be done now. To be called again and again, by every process.
    ///
    /// # Errors
    /// Those of the store; a fault of one group does not keep others from being rotated.
    pub async fn tend_rotations(&self) -> Result<Tended, OperationError> {
        let store = self.store()?;
        let mut tended = Tended::default();
        for document in all_documents(store, ROTATION_KIND).await? {
            match self.tend_group(store, &document.id).await {
                Ok(steps) => tended.steps += steps,
                Err(error) => tended.faults.push((document.id, error.to_string())),
            }
        }
        Ok(tended)
    }

    /// Does what is due of one rotation; returns the number of steps.
    pub(super) async fn tend_group(
        &self,
        store: &Store,
        group: &str,
    ) -> Result<usize, OperationError> {
        for steps in 0..STEPS_MAX {
            match self.take_step(store, group).await {
                Ok(Taken::Step) => {}
                Ok(Taken::Nothing) => return Ok(steps),
                // Another process was first.
                Err(OperationError::Store(
                    StoreError::Stale { .. } | StoreError::NotFound(_) | StoreError::Exists(_),
                )) => return Ok(steps),
                Err(error) => return Err(error),
            }
        }
        Ok(STEPS_MAX)
    }

    async fn take_step(&self, store: &Store, group: &str) -> Result<Taken, OperationError> {
        let Some(Stored { etag, rotation }) = stored(store, group).await? else {
            return Ok(Taken::Nothing);
        };
        let known = known(store, group, &rotation).await?;
        let now = self.now();
        let mut after = rotation.clone();
        let (operation, mut changes) = match rotation.step(&known, now) {
            Step::Wait => return Ok(Taken::Nothing),
            Step::Begin => ("publish_key", self.publish(store, group, &mut after).await?),
            Step::Number => {
                if let Some(next) = &mut after.next {
                    next.change = Some(store.last_change().await?);
                }
                ("note_key_change", Vec::new())
            }
            Step::Use => {
                let old = rotation.current.as_ref();
                after.use_next(now);
                // No signer is given it any more: what is not kept cannot be stolen.
                let deletions = old.map(|old| signing_key_deletion(&old.id));
                ("use_key", deletions.into_iter().collect())
            }
            Step::Retire(id) => {
                after.forget(&id);
                ("retire_key", self.without_key(store, group, &id).await?)
            }
            Step::Forget(id) => {
                after.forget(&id);
                ("forget_key", vec![signing_key_deletion(&id)])
            }
        };
        changes.push(rotation_change(group, Expected::Etag(etag), Some(&after))?);
        self.write_rotation(store, actor(), (operation, changes))
            .await?;
        Ok(Taken::Step)
    }

    /// Makes a key pair, and returns the changes by which it is published.
    async fn publish(
        &self,
        store: &Store,
        group: &str,
        rotation: &mut Rotation,
    ) -> Result<Vec<DocumentChange>, OperationError> {
        let key_type = rotation.schedule.key_type;
        let made = tokio::task::spawn_blocking(move || key_pair(key_type)).await;
        let lost = |_| OperationError::System("the thread for this has failed");
        let KeyPair {
            id,
            public,
            private,
        } = made.map_err(lost)??;
        let mut group_after = read_group(store, group).await?;
        if let Some(keys) = group_after.keys() {
            keys.push(json!(id));
        }
        let key = ServiceItem {
            kind: ServiceKind::PublicKey,
            id: id.clone(),
            value: json!({ "id": id, "pem": public }),
        };
        let key_facts = facts(&key)?;
        let group_item = group_after.item()?;
        let changed = [(key, key_facts), group_item];
        self.check_service(store, effect(&changed)).await?;
        let [(key, _), (item, group_facts)] = changed;
        rotation.next = Some(NextKey {
            id: id.clone(),
            made_at: self.now(),
            change: None,
        });
        Ok(vec![
            DocumentChange {
                kind: key.kind.as_str().to_owned(),
                id: id.clone(),
                expected: Expected::Absent,
                body: Some(key.value),
                references: Vec::new(),
                secrets: Vec::new(),
                claims: Vec::new(),
            },
            signing_key_change(&id, Expected::Absent, Some((group, &private))),
            group_change(&group_after.document.etag, item, &group_facts),
        ])
    }

    /// Returns the change by which a key is taken out of its group.
    async fn without_key(
        &self,
        store: &Store,
        group: &str,
        id: &str,
    ) -> Result<Vec<DocumentChange>, OperationError> {
        let mut group_after = read_group(store, group).await?;
        if let Some(keys) = group_after.keys() {
            keys.retain(|key| key != id);
        }
        let changed = [group_after.item()?];
        self.check_service(store, effect(&changed)).await?;
        let [(item, group_facts)] = changed;
        let etag = &group_after.document.etag;
        Ok(vec![group_change(etag, item, &group_facts)])
    }
}

impl Group {
    fn keys(&mut self) -> Option<&mut Vec<Value>> {
        self.value.get_mut("public_keys")?.as_array_mut()
    }

    fn item(&self) -> Result<(ServiceItem, Facts), OperationError> {
        let item = ServiceItem {
            kind: ServiceKind::KeyGroup,
            id: self.document.id.clone(),
            value: self.value.clone(),
        };
        let facts = facts(&item)?;
        Ok((item, facts))
    }
}

async fn read_group(store: &Store, group: &str) -> Result<Group, OperationError> {
    let kind = ServiceKind::KeyGroup;
    let document = store.document(kind.as_str(), group).await?;
    let document = document.ok_or_else(|| OperationError::no_item(kind, group))?;
    let value = store.unseal(&document.kind, &document.id, &document.body)?;
    Ok(Group { document, value })
}

fn effect(changed: &[(ServiceItem, Facts)]) -> Effect<'_> {
    Effect {
        changed,
        removed: &[],
        visible: &None,
    }
}

fn group_change(etag: &str, item: ServiceItem, facts: &Facts) -> DocumentChange {
    let references = facts.references.iter();
    DocumentChange {
        kind: item.kind.as_str().to_owned(),
        id: item.id,
        expected: Expected::Etag(etag.to_owned()),
        body: Some(item.value),
        references: references
            .map(|(kind, id)| stored_name(*kind, id))
            .collect(),
        secrets: facts.secrets.clone(),
        claims: facts.claims.clone(),
    }
}

fn actor() -> Actor {
    Actor {
        operator: AUTOPILOT.to_owned(),
        how: AUTOPILOT.to_owned(),
        address: None,
        request_id: None,
    }
}
