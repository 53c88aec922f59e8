//! Rotation of key groups: the schedule, the signing key for those who sign, and the steps, each of which is one write.
//!
//! Any process of a fleet may take a step: the write is made only if the rotation is still as it was read, so that two
//! processes never make two keys, and one that is killed leaves nothing half done.

mod making;
mod tending;

pub use tending::{AUTOPILOT, Tended};

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Admin, Operator, Read, Scope};
use crate::rotation::{Hold, Known, Rotation, Schedule};
use crate::service::stored_name;
use privet_distribution::config::ServiceKind;
use privet_store::{
    Actor, DocumentChange, DocumentName, EdgeRecord, Expected, Secret, Store, StoredDocument, Write,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Kind of rotations in the store; the id is that of the key group.
pub(crate) const ROTATION_KIND: &str = "key_rotation";
/// Kind of private keys in the store; the id is that of the public key.
pub(crate) const SIGNING_KEY_KIND: &str = "signing_key";
/// Member of an edge's report with the last use of keys.
pub(crate) const KEYS_OPENED: &str = "keys_opened";

/// Times that the signing key is looked for, while it changes.
const SIGNING_KEY_TRIALS: usize = 3;
const HOUR_SECS: i64 = 60 * 60;
const YEAR_SECS: i64 = 365 * 24 * HOUR_SECS;
/// Time in seconds after which an edge is silent that has reported nothing, while others have.
const SILENT_AFTER_SECS: i64 = 15 * 60;

/// A rotation as it is, with what is known of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRotation {
    /// Id of the key group.
    pub group: String,
    /// State of the rotation.
    pub rotation: Rotation,
    /// Edges on which the next key is in force, and all that are known.
    pub applied: (usize, usize),
    /// For each key that retires, when and why not now.
    pub holds: Vec<(String, Option<i64>, String)>,
    /// Last time at which keys opened something, in seconds since 1970.
    pub last_opened: BTreeMap<String, i64>,
}

/// A key to sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Id of the public key.
    pub key_pair_id: String,
    /// Private key (PEM).
    pub pem: Secret,
    /// Latest expiry of a link, in seconds since 1970.
    pub links_end_by: i64,
}

/// What is known of the use of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// Id of the public key.
    pub id: String,
    /// Time at which it was added, in seconds since 1970.
    pub created_at: i64,
    /// Ids of the groups that have it.
    pub groups: Vec<String>,
    /// Last time at which it opened something on any edge.
    pub last_opened_at: Option<i64>,
    /// Its part in a rotation.
    pub rotation: Option<KeyPart>,
}

/// The part of a key in a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// It is published and not used yet.
    Next,
    /// Signers use it.
    Current,
    /// Another has taken its place.
    Retiring {
        /// Time at which it is retired; `None` if that is not known.
        at: Option<i64>,
        /// Why not now.
        reason: String,
    },
}

/// A rotation as it was read.
pub(super) struct Stored {
    pub(super) etag: String,
    pub(super) rotation: Rotation,
}

impl Operations {
    /// Sets the schedule of a key group, and makes its first key, or changes the schedule.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::Invalid`], [`OperationError::ScopeTooNarrow`], and those of the
    /// store.
    pub async fn set_rotation(
        &self,
        operator: &Operator<Admin>,
        group: &str,
        schedule: Schedule,
    ) -> Result<ShownRotation, OperationError> {
        let store = self.rotation_store(operator)?;
        check_schedule(&schedule)?;
        let name = stored_name(ServiceKind::KeyGroup, group);
        if store.document(&name.kind, &name.id).await?.is_none() {
            return Err(OperationError::no_item(ServiceKind::KeyGroup, group));
        }
        let (expected, rotation) = match stored(store, group).await? {
            None => (Expected::Absent, Rotation::new(schedule, self.now())),
            Some(Stored { etag, mut rotation }) => {
                rotation.reschedule(schedule);
                (Expected::Etag(etag), rotation)
            }
        };
        let changes = vec![rotation_change(group, expected, Some(&rotation))?];
        let actor = operator.caller().actor();
        self.write_rotation(store, actor, ("set_key_rotation", changes))
            .await?;
        self.tend_group(store, group).await?;
        self.shown_rotation(store, group).await
    }

    /// Returns the rotation of a key group.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of the store.
    pub async fn rotation(
        &self,
        operator: &Operator<Read>,
        group: &str,
    ) -> Result<ShownRotation, OperationError> {
        self.check_visible(operator, ServiceKind::KeyGroup, group)
            .await?;
        self.shown_rotation(self.own_store()?, group).await
    }

    /// Ends the rotation of a key group. Its keys stay in the group, and the private ones are deleted.
    ///
    /// # Errors
    /// As [`Operations::set_rotation`].
    pub async fn end_rotation(
        &self,
        operator: &Operator<Admin>,
        group: &str,
    ) -> Result<(), OperationError> {
        let store = self.rotation_store(operator)?;
        let Stored { etag, rotation } = found(store, group).await?;
        let keys = rotation.current.iter().map(|key| &key.id);
        let keys = keys.chain(rotation.next.iter().map(|key| &key.id));
        let mut changes: Vec<DocumentChange> = keys.map(|id| signing_key_deletion(id)).collect();
        changes.push(rotation_change(group, Expected::Etag(etag), None)?);
        let actor = operator.caller().actor();
        self.write_rotation(store, actor, ("end_key_rotation", changes))
            .await
    }

    /// Makes another key now. While one is published and not used yet, there is nothing to be done.
    ///
    /// # Errors
    /// As [`Operations::set_rotation`].
    pub async fn rotate_now(
        &self,
        operator: &Operator<Admin>,
        group: &str,
    ) -> Result<ShownRotation, OperationError> {
        let store = self.rotation_store(operator)?;
        let Stored { etag, mut rotation } = found(store, group).await?;
        if rotation.next.is_none() {
            rotation.due_at = self.now();
            let change = rotation_change(group, Expected::Etag(etag), Some(&rotation))?;
            let actor = operator.caller().actor();
            self.write_rotation(store, actor, ("rotate_key", vec![change]))
                .await?;
        }
        self.tend_group(store, group).await?;
        self.shown_rotation(store, group).await
    }

    /// Returns the key with which links for a group's distributions are signed now.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] if there is none that is in force on all edges, and as
    /// [`Operations::set_rotation`].
    pub async fn signing_key(
        &self,
        operator: &Operator<Admin>,
        group: &str,
    ) -> Result<SigningKey, OperationError> {
        signing_key(self.rotation_store(operator)?, group, self.now()).await
    }

    /// Lists what is known of the use of public keys, by id.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], and those of the store.
    pub async fn key_usage(
        &self,
        operator: &Operator<Read>,
    ) -> Result<Vec<KeyUsage>, OperationError> {
        let store = self.own_store()?;
        let visible = self.visible(store, &operator.caller().scope).await?;
        let is_shown =
            |kind, id: &str| crate::visible::is_visible(&visible, &stored_name(kind, id));
        let opened = last_opened(&store.edges().await?);
        let mut usage = BTreeMap::new();
        for document in all_documents(store, ServiceKind::PublicKey.as_str()).await? {
            let last_opened_at = opened.get(&document.id).copied();
            let key = KeyUsage {
                id: document.id.clone(),
                created_at: document.created_at.seconds(),
                groups: Vec::new(),
                last_opened_at,
                rotation: None,
            };
            if is_shown(ServiceKind::PublicKey, &document.id) {
                usage.insert(document.id, key);
            }
        }
        for group in all_documents(store, ServiceKind::KeyGroup.as_str()).await? {
            if !is_shown(ServiceKind::KeyGroup, &group.id) {
                continue;
            }
            for id in group_keys(&group.body) {
                if let Some(key) = usage.get_mut(&id) {
                    key.groups.push(group.id.clone());
                }
            }
        }
        for document in all_documents(store, ROTATION_KIND).await? {
            if is_shown(ServiceKind::KeyGroup, &document.id) {
                let shown = self.shown_rotation(store, &document.id).await?;
                note_parts(&shown, &mut usage);
            }
        }
        Ok(usage.into_values().collect())
    }

    async fn shown_rotation(
        &self,
        store: &Store,
        group: &str,
    ) -> Result<ShownRotation, OperationError> {
        let rotation = found(store, group).await?.rotation;
        let known = known(store, group, &rotation).await?;
        let now = self.now();
        let holds = rotation.retiring.iter().map(|key| {
            let hold = rotation.hold(key, &known, now);
            let at = hold.as_ref().map_or(Some(now), Hold::until);
            let reason = hold.map_or("it is retired now".to_owned(), |hold| hold.reason());
            (key.id.clone(), at, reason)
        });
        Ok(ShownRotation {
            group: group.to_owned(),
            holds: holds.collect(),
            applied: known.applied,
            last_opened: known.last_opened,
            rotation,
        })
    }

    /// Private keys open all distributions that trust the group.
    fn rotation_store(&self, operator: &Operator<Admin>) -> Result<&Store, OperationError> {
        match &operator.caller().scope {
            Scope::All => self.store(),
            Scope::Distributions(_) => Err(OperationError::ScopeTooNarrow(
                "this is about keys that several distributions may trust",
            )),
        }
    }

    pub(super) async fn write_rotation(
        &self,
        store: &Store,
        actor: Actor,
        (operation, changes): (&str, Vec<DocumentChange>),
    ) -> Result<(), OperationError> {
        let write = Write {
            actor,
            operation: operation.to_owned(),
            at: self.timestamp(),
            changes,
            idempotency: None,
        };
        store.write(write).await?;
        Ok(())
    }
}

/// Returns the key with which links for a group's distributions are signed at `now`, in seconds since 1970, for
/// whoever has opened the store.
///
/// # Errors
/// [`OperationError::NotFound`] if the group is not rotated, or none of its keys is in force on all edges yet; those of
/// the store.
pub async fn signing_key(
    store: &Store,
    group: &str,
    now: i64,
) -> Result<SigningKey, OperationError> {
    for _ in 0..SIGNING_KEY_TRIALS {
        let rotation = found(store, group).await?.rotation;
        let Some(current) = &rotation.current else {
            break;
        };
        let document = store.document(SIGNING_KEY_KIND, &current.id).await?;
        // Between the two, another key may have taken its place.
        let Some(document) = document else { continue };
        let body = store.unseal(&document.kind, &document.id, &document.body)?;
        let Some(pem) = body.get("pem").and_then(Value::as_str) else {
            break;
        };
        return Ok(SigningKey {
            key_pair_id: current.id.clone(),
            pem: Secret::new(pem),
            links_end_by: now.saturating_add(rotation.schedule.longest_link_secs),
        });
    }
    Err(OperationError::NotFound {
        what: "key yet that is in force on all edges, of the key group",
        id: group.to_owned(),
    })
}

fn note_parts(shown: &ShownRotation, usage: &mut BTreeMap<String, KeyUsage>) {
    let rotation = &shown.rotation;
    let current = rotation
        .current
        .iter()
        .map(|key| (&key.id, KeyPart::Current));
    let next = rotation.next.iter().map(|key| (&key.id, KeyPart::Next));
    let retiring = shown.holds.iter().map(|(id, at, reason)| {
        let part = KeyPart::Retiring {
            at: *at,
            reason: reason.clone(),
        };
        (id, part)
    });
    for (id, part) in current.chain(next).chain(retiring) {
        if let Some(key) = usage.get_mut(id) {
            key.rotation = Some(part);
        }
    }
}

fn check_schedule(schedule: &Schedule) -> Result<(), OperationError> {
    let fields = [
        ("every_seconds", schedule.every_secs, HOUR_SECS),
        ("overlap_seconds", schedule.overlap_secs, 0),
        ("longest_link_seconds", schedule.longest_link_secs, 60),
    ];
    for (field, seconds, least) in fields {
        if !(least..=YEAR_SECS).contains(&seconds) {
            let message = format!("is not from {least} to {YEAR_SECS} seconds");
            return Err(OperationError::invalid(field, message));
        }
    }
    Ok(())
}

/// Reads a rotation; `None` if the group has none.
pub(super) async fn stored(store: &Store, group: &str) -> Result<Option<Stored>, OperationError> {
    let document = store.document(ROTATION_KIND, group).await?;
    document
        .map(|document| {
            let rotation = serde_json::from_value(document.body);
            Ok(Stored {
                etag: document.etag,
                rotation: rotation.map_err(|_| {
                    OperationError::System("a key rotation in the store cannot be read")
                })?,
            })
        })
        .transpose()
}

async fn found(store: &Store, group: &str) -> Result<Stored, OperationError> {
    let stored = stored(store, group).await?;
    stored.ok_or_else(|| OperationError::NotFound {
        what: "rotation of the key group",
        id: group.to_owned(),
    })
}

/// Returns what is known of the keys of a group.
pub(super) async fn known(
    store: &Store,
    group: &str,
    rotation: &Rotation,
) -> Result<Known, OperationError> {
    let document = store
        .document(ServiceKind::KeyGroup.as_str(), group)
        .await?;
    let edges = store.edges().await?;
    let change = rotation.next.as_ref().and_then(|next| next.change);
    let has_next =
        |edge: &&EdgeRecord| change.is_some_and(|change| edge.report.applied_seq >= change);
    Ok(Known {
        group: document.map_or_else(Vec::new, |document| group_keys(&document.body)),
        applied: (edges.iter().filter(has_next).count(), edges.len()),
        last_opened: last_opened(&edges),
        silent: silent(&edges),
    })
}

pub(super) fn group_keys(body: &Value) -> Vec<String> {
    let keys = body.get("public_keys").and_then(Value::as_array);
    let keys = keys.into_iter().flatten().filter_map(Value::as_str);
    keys.map(str::to_owned).collect()
}

/// Returns the last use of each key on any edge.
fn last_opened(edges: &[EdgeRecord]) -> BTreeMap<String, i64> {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let reports = edges
        .iter()
        .filter_map(|edge| edge.report.state.get(KEYS_OPENED)?.as_object());
    for (id, at) in reports.flatten() {
        let at = at.as_i64().unwrap_or_default();
        let known = last.entry(id.clone()).or_default();
        *known = at.max(*known);
    }
    last
}

/// Returns the name of an edge whose use of keys is not known: it has reported nothing for a while, or is of a version
/// that does not report it. Reports are compared with each other: their times are those of the edges' machines.
fn silent(edges: &[EdgeRecord]) -> Option<String> {
    let newest = edges.iter().map(|edge| edge.seen_at.seconds()).max()?;
    let is_silent = |edge: &&EdgeRecord| {
        let is_late = newest - edge.seen_at.seconds() > SILENT_AFTER_SECS;
        is_late || edge.report.state.get(KEYS_OPENED).is_none()
    };
    let edge = edges.iter().find(is_silent)?;
    Some(edge.report.name.clone())
}

/// Returns all documents of a kind.
pub(super) async fn all_documents(
    store: &Store,
    kind: &str,
) -> Result<Vec<StoredDocument>, OperationError> {
    let mut page = privet_store::Page::first(1_000);
    let mut all = Vec::new();
    loop {
        let documents = store.documents(kind, &page).await?;
        let Some(last) = documents.last() else {
            return Ok(all);
        };
        page.after = Some(last.id.clone());
        all.extend(documents);
    }
}

pub(super) fn rotation_change(
    group: &str,
    expected: Expected,
    rotation: Option<&Rotation>,
) -> Result<DocumentChange, OperationError> {
    let body = rotation.map(serde_json::to_value).transpose();
    Ok(DocumentChange {
        kind: ROTATION_KIND.to_owned(),
        id: group.to_owned(),
        expected,
        body: body.map_err(|_| OperationError::System("a key rotation cannot be written"))?,
        // A group stays while its keys are rotated.
        references: vec![stored_name(ServiceKind::KeyGroup, group)],
        secrets: Vec::new(),
        claims: Vec::new(),
    })
}

pub(super) fn signing_key_deletion(id: &str) -> DocumentChange {
    signing_key_change(id, Expected::Any, None)
}

pub(super) fn signing_key_change(
    id: &str,
    expected: Expected,
    pem: Option<(&str, &Secret)>,
) -> DocumentChange {
    DocumentChange {
        kind: SIGNING_KEY_KIND.to_owned(),
        id: id.to_owned(),
        expected,
        body: pem.map(|(group, pem)| json!({ "group": group, "pem": pem.expose() })),
        references: Vec::<DocumentName>::new(),
        secrets: vec!["/pem".to_owned()],
        claims: Vec::new(),
    }
}
