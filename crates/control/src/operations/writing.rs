//! The one way in which an item of the service is changed: scope, facts, the whole service checked, then one write.

use crate::diff::{CutOff, Difference, cut_off, differences};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::applied::applied;
use crate::operations::change::{ChangeRequest, Changed, Mode, Undo};
use crate::operations::reading::{mask, resolve};
use crate::operations::secrets::clear_submitted;
use crate::operator::{Admin, Entry, Operator, Scope};
use crate::places::check_places;
use crate::service::{Checked, Facts, facts, stored_name, validate};
use crate::sigv4::hex;
use crate::visible::{Visible, is_visible};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{
    DocumentChange, DocumentName, Expected, Idempotency, Remembered, Store, StoreError,
    StoredDocument, Write, Written,
};
use serde_json::{Value, json};

const IDEMPOTENCY_KEY_LENGTH_MAX: usize = 255;
/// What an operator with a scope may not do.
const RESERVED_CHANGED: &str = "this changes host names, origins, certificates or logs";
/// Operation that makes an earlier version the current one.
pub(super) const RESTORE: &str = "restore";

/// The end of a change that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The change was made, now or when the same request came before.
    Changed(Changed),
    /// The change was checked and not made.
    Tried(Plan),
}

/// What a change would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Values that would differ; secrets are masked.
    pub differences: Vec<Difference>,
    /// What viewers could not reach any more.
    pub cut_off: Vec<CutOff>,
}

/// A wanted change of one item.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) operation: &'static str,
    pub(super) kind: ServiceKind,
    pub(super) id: String,
    /// Stored document that is changed; `None` creates one.
    pub(super) before: Option<StoredDocument>,
    /// New document, in which sealed values may stand for themselves; `None` deletes.
    pub(super) after: Option<Value>,
    /// Digest of the request, by which it is known if it comes again.
    pub(super) digest: String,
}

/// What a change does to the service, to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect<'a> {
    pub(super) changed: &'a [(ServiceItem, Facts)],
    pub(super) removed: &'a [(ServiceKind, String)],
    /// Items that the operator may hear of.
    pub(super) visible: &'a Visible,
}

impl Intent {
    fn name(&self) -> DocumentName {
        stored_name(self.kind, &self.id)
    }

    fn body_before(&self) -> Value {
        let body = self.before.as_ref().map(|before| before.body.clone());
        body.unwrap_or(Value::Null)
    }
}

impl Operations {
    pub(super) async fn write(
        &self,
        operator: &Operator<Admin>,
        intent: Intent,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let store = self.store()?;
        check_scope(store, operator, &intent)?;
        let visible = self.visible(store, &operator.caller().scope).await?;
        let item = match &intent.after {
            Some(after) => Some(self.read_item(store, &visible, &intent, after).await?),
            None => None,
        };
        if self.has_listed_places(operator) {
            let bodies = (intent.body_before(), intent.after.clone());
            self.check_places(bodies).await?;
        }
        let effect = Effect {
            changed: item.as_slice(),
            removed: &removed(&intent),
            visible: &visible,
        };
        self.check_service(store, effect).await?;
        if request.mode == Mode::DryRun {
            self.try_folder(&intent).await?;
            let secrets = item.map(|(_, facts)| facts.secrets).unwrap_or_default();
            let operation = format!("try_{}_{}", intent.operation, intent.kind.as_str());
            self.audit_trial(operator, &operation, intent.name())
                .await?;
            return Ok(Outcome::Tried(plan(&intent, &secrets)));
        }
        let change = document_change(store, &intent, item).await?;
        let write = Write {
            actor: operator.caller().actor(),
            operation: format!("{}_{}", intent.operation, intent.kind.as_str()),
            at: self.timestamp(),
            changes: vec![change],
            idempotency: idempotency(&intent, request),
        };
        match self.write_with_folder(store, &intent, write).await? {
            // Two requests with one key came at once: the other was first.
            Err(StoreError::Repeated { key }) => {
                let made = self.made_before(operator, &intent.digest, request).await?;
                let made = made.ok_or(StoreError::Repeated { key })?;
                Ok(Outcome::Changed(made))
            }
            Err(error) => Err(without_others(error, &visible)),
            Ok(written) => {
                let before = intent.before.as_ref().map(|before| before.version);
                let changed = self.changed(store, &intent.id, before, &written).await?;
                Ok(Outcome::Changed(changed))
            }
        }
    }

    /// Writes the item of a bucket together with its folder, and any other item alone.
    async fn write_with_folder(
        &self,
        store: &Store,
        intent: &Intent,
        write: Write,
    ) -> Result<Result<Written, StoreError>, OperationError> {
        let folder = self.change_folder(intent).await?;
        let written = store.write(write).await;
        match &written {
            Ok(_) => self.finish_folder(folder).await,
            Err(error) => self.undo_folder(folder, error).await,
        }
        Ok(written)
    }

    /// Returns what a repeated request has changed when it came first.
    pub(super) async fn made_before<R>(
        &self,
        operator: &Operator<R>,
        digest: &str,
        request: &ChangeRequest,
    ) -> Result<Option<Changed>, OperationError> {
        let store = self.store()?;
        check_idempotency_key(request)?;
        let Some(key) = &request.idempotency_key else {
            return Ok(None);
        };
        let Some(remembered) = store.remembered(&operator.caller().name, key).await? else {
            return Ok(None);
        };
        let Remembered {
            request_digest,
            response,
            written,
        } = remembered;
        if request_digest != digest {
            return Err(OperationError::IdempotencyKeyReused);
        }
        let id = response
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let before = response.get("before").and_then(Value::as_u64);
        Ok(Some(self.changed(store, id, before, &written).await?))
    }

    pub(super) async fn changed(
        &self,
        store: &Store,
        id: &str,
        before: Option<u64>,
        written: &Written,
    ) -> Result<Changed, OperationError> {
        let document = written.documents.first();
        if let Some(document) = document {
            self.shared.recent.note(&document.etag, written.change);
        }
        Ok(Changed {
            id: id.to_owned(),
            change: written.change,
            etag: document.map(|document| document.etag.clone()),
            version: document.map(|document| document.version),
            undo: before.map_or(Undo::Delete, |version| Undo::Restore { version }),
            applied: applied(store, written.change).await?,
        })
    }

    /// Checks that nothing refers to an item that is to be deleted.
    pub(super) async fn check_unused(
        &self,
        operator: &Operator<Admin>,
        intent: &Intent,
    ) -> Result<(), OperationError> {
        let store = self.store()?;
        check_scope(store, operator, intent)?;
        let by = store.used_by(intent.kind.as_str(), &intent.id).await?;
        if by.is_empty() {
            return Ok(());
        }
        let visible = self.visible(store, &operator.caller().scope).await?;
        let name = intent.name();
        Err(without_others(StoreError::InUse { name, by }, &visible))
    }

    /// Reads the new document, and checks that it refers only to what the operator may see.
    pub(super) async fn read_item(
        &self,
        store: &Store,
        visible: &Visible,
        intent: &Intent,
        after: &Value,
    ) -> Result<(ServiceItem, Facts), OperationError> {
        let item = ServiceItem {
            kind: intent.kind,
            id: intent.id.clone(),
            value: clear_submitted(store, &intent.name(), after, intent.before.as_ref())?,
        };
        let mut facts = facts(&item)?;
        let is_off = item.value.get("enabled") == Some(&Value::Bool(false));
        let mut waited_for = Vec::new();
        for (kind, reference) in &facts.references {
            let name = resolve(store, *kind, reference).await?;
            let is_absent = store.document(&name.kind, &name.id).await?.is_none();
            if is_absent && is_off && signs_for_buckets(*kind) {
                waited_for.push((*kind, reference.clone()));
                continue;
            }
            // What an earlier version referred to was shown to whoever may see that version.
            let is_shown = intent.operation == RESTORE || is_visible(visible, &name);
            if is_absent || !is_shown {
                let from = intent.name();
                let to = DocumentName::new(kind.as_str(), reference);
                return Err(StoreError::NoSuchReference { from, to }.into());
            }
        }
        facts.references.retain(|name| !waited_for.contains(name));
        Ok((item, facts))
    }

    /// Returns true if the operator may name only what lies beneath listed folders.
    pub(super) fn has_listed_places(&self, operator: &Operator<Admin>) -> bool {
        match operator.caller().entry {
            // These are people of the machine, who can read its files anyway.
            Entry::Socket | Entry::CommandLine => false,
            Entry::Listener => {
                let control = &self.snapshot().node.control;
                control
                    .as_ref()
                    .is_some_and(|control| control.files.is_some())
            }
        }
    }

    /// Checks which files of the machine a new document names, where the disk may be waited for.
    pub(super) async fn check_places(
        &self,
        (before, after): (Value, Option<Value>),
    ) -> Result<(), OperationError> {
        let Some(after) = after else { return Ok(()) };
        let (base, folder) = (self.snapshot(), self.shared.folder.clone());
        let check = move || check_places((&before, &after), &base.node, &folder);
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|_| OperationError::System("the thread for this has failed"))?
    }

    /// Checks the whole service as it would be, where the disk may be waited for.
    pub(super) async fn check_service(
        &self,
        store: &Store,
        effect: Effect<'_>,
    ) -> Result<(), OperationError> {
        let Effect {
            changed,
            removed,
            visible,
        } = effect;
        let checked = Checked {
            items: self.closure(store, changed).await?,
            own: changed.len(),
            removed: removed.to_vec(),
            visible: visible.clone(),
        };
        let (base, folder) = (self.snapshot(), self.shared.folder.clone());
        let check = move || validate(&base, &checked, &folder);
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|_| OperationError::System("the thread for this has failed"))?
    }
}

/// Returns true for what a distribution that is not enabled may name before it is there, as at CloudFront.
fn signs_for_buckets(kind: ServiceKind) -> bool {
    matches!(
        kind,
        ServiceKind::OriginAccessIdentity | ServiceKind::OriginAccessControl
    )
}

/// Checks that the change is within the operator's scope. That an existing item is within it was checked before.
fn check_scope(
    store: &Store,
    operator: &Operator<Admin>,
    intent: &Intent,
) -> Result<(), OperationError> {
    let narrow = |what| Err(OperationError::ScopeTooNarrow(what));
    match &operator.caller().scope {
        Scope::All => Ok(()),
        Scope::Distributions(_) if !intent.kind.is_distribution() => {
            narrow("this changes what several distributions may share")
        }
        scope @ Scope::Distributions(_) if !scope.has(&intent.id) => {
            narrow("this changes a distribution outside the scope")
        }
        Scope::Distributions(_) => match (&intent.before, &intent.after) {
            (None, _) => narrow("this creates a distribution"),
            (Some(_), None) => Ok(()),
            (Some(before), Some(after)) => {
                let name = intent.name();
                // A secret that may not stay where it is stands in an origin that has changed.
                let Ok(after) = clear_submitted(store, &name, after, Some(before)) else {
                    return narrow(RESERVED_CHANGED);
                };
                let before = store.unseal(&name.kind, &name.id, &before.body)?;
                check_reserved(&before, &after)
            }
        },
    }
}

/// Makes an error of the store one that names nothing outside of a scope.
fn without_others(mut error: StoreError, visible: &Visible) -> OperationError {
    if let StoreError::InUse { by, .. } = &mut error {
        by.retain(|user| is_visible(visible, user));
        if by.is_empty() {
            return OperationError::ScopeTooNarrow("this deletes what others use");
        }
    }
    if let StoreError::Claimed { name, by } = &error
        && !is_visible(visible, by)
    {
        return OperationError::ClaimedOutside(name.clone());
    }
    error.into()
}

/// Origins may be folders of the machine, logs are written to it, and a host name may lie beneath a wildcard of another
/// distribution: only an operator for all of them may say which.
fn check_reserved(before: &Value, after: &Value) -> Result<(), OperationError> {
    let places = [
        "domain_name",
        "aliases",
        "origins",
        "origin",
        "certificate",
        "certificate_file",
        "key_file",
        "logging",
    ];
    match places
        .iter()
        .all(|place| before.get(place) == after.get(place))
    {
        true => Ok(()),
        false => Err(OperationError::ScopeTooNarrow(RESERVED_CHANGED)),
    }
}

fn check_idempotency_key(request: &ChangeRequest) -> Result<(), OperationError> {
    let Some(key) = &request.idempotency_key else {
        return Ok(());
    };
    let is_key = (1..=IDEMPOTENCY_KEY_LENGTH_MAX).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    match is_key {
        true => Ok(()),
        false => Err(OperationError::invalid(
            "Idempotency-Key",
            "is not 1 to 255 visible ASCII characters",
        )),
    }
}

fn removed(intent: &Intent) -> Vec<(ServiceKind, String)> {
    match intent.after {
        Some(_) => Vec::new(),
        None => vec![(intent.kind, intent.id.clone())],
    }
}

fn plan(intent: &Intent, secrets: &[String]) -> Plan {
    let before = intent.body_before();
    let mut after = intent.after.clone().unwrap_or(Value::Null);
    mask(&mut after, secrets, "new");
    Plan {
        differences: differences(&before, &after),
        cut_off: cut_off(&intent.id, &before, intent.after.as_ref()),
    }
}

pub(super) async fn document_change(
    store: &Store,
    intent: &Intent,
    item: Option<(ServiceItem, Facts)>,
) -> Result<DocumentChange, OperationError> {
    let mut change = DocumentChange {
        kind: intent.kind.as_str().to_owned(),
        id: intent.id.clone(),
        expected: match &intent.before {
            Some(before) => Expected::Etag(before.etag.clone()),
            None => Expected::Absent,
        },
        body: intent.after.clone(),
        references: Vec::new(),
        secrets: Vec::new(),
        claims: Vec::new(),
    };
    if let Some((_, facts)) = item {
        for (kind, reference) in &facts.references {
            change
                .references
                .push(resolve(store, *kind, reference).await?);
        }
        change.references.dedup();
        change.secrets = facts.secrets;
        change.claims = facts.claims;
    }
    Ok(change)
}

fn idempotency(intent: &Intent, request: &ChangeRequest) -> Option<Idempotency> {
    let key = request.idempotency_key.clone()?;
    let before = intent.before.as_ref().map(|before| before.version);
    Some(Idempotency {
        key,
        request_digest: intent.digest.clone(),
        response: json!({ "id": intent.id, "before": before }),
    })
}

/// Returns the digest by which a request is known if it comes again. Its key is the store's, so that whoever reads the
/// database cannot try what a secret in the request was.
pub(super) fn digest_of(
    store: &Store,
    (operation, kind, id): (&str, ServiceKind, &str),
    argument: &Value,
    request: &ChangeRequest,
) -> String {
    let text = json!([operation, kind.as_str(), id, argument, request.if_match]).to_string();
    hex(&store.digest(text.as_bytes()))
}
