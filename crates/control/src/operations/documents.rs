//! Creating, changing, deleting and restoring items of the service.

use crate::operation_error::OperationError;
use crate::operations::change::ChangeRequest;
use crate::operations::writing::{Intent, Outcome, digest_of};
use crate::operations::{Operations, random_text};
use crate::operator::{Admin, Operator};
use crate::service::stored_name;
use privet_distribution::config::ServiceKind;
use privet_store::{StoreError, StoredDocument};
use serde_json::{Map, Value};

/// What to do with the member `enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Viewers are served.
    Enable,
    /// Viewers are not served.
    Disable,
}

impl Operations {
    /// Creates an item. A document without an id gets a random one.
    ///
    /// # Errors
    /// [`OperationError`]; nothing is created then.
    pub async fn create(
        &self,
        operator: &Operator<Admin>,
        kind: ServiceKind,
        mut document: Value,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let digest = digest_of(self.store()?, ("create", kind, ""), &document, request);
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let id = match document.get(kind.id_key()) {
            Some(id) => text_of(kind, id)?,
            None => new_id(kind)?,
        };
        object_of(&mut document)?.insert(kind.id_key().to_owned(), Value::String(id.clone()));
        let intent = Intent {
            operation: "create",
            kind,
            id,
            before: None,
            after: Some(document),
            digest,
        };
        self.write(operator, intent, request).await
    }

    /// Replaces the document of an item.
    ///
    /// # Errors
    /// [`OperationError::IfMatchMissing`], [`StoreError::Stale`] and others; nothing is changed then.
    pub async fn update(
        &self,
        operator: &Operator<Admin>,
        (kind, id): (ServiceKind, &str),
        mut document: Value,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let digest = digest_of(self.store()?, ("update", kind, id), &document, request);
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let before = self.expected(operator, kind, id, request).await?;
        let object = object_of(&mut document)?;
        let stated = object.entry(kind.id_key()).or_insert_with(|| id.into());
        if stated.as_str() != Some(id) {
            let field = format!("document.{}", kind.id_key());
            return Err(OperationError::invalid(
                field,
                "is not the id of the path; an id cannot be changed",
            ));
        }
        let intent = Intent {
            operation: "update",
            kind,
            id: id.to_owned(),
            before: Some(before),
            after: Some(document),
            digest,
        };
        self.write(operator, intent, request).await
    }

    /// Deletes an item that nothing refers to. A distribution has to be disabled first.
    ///
    /// # Errors
    /// [`OperationError::NotDisabled`], [`StoreError::InUse`] and others; nothing is deleted then.
    pub async fn delete(
        &self,
        operator: &Operator<Admin>,
        (kind, id): (ServiceKind, &str),
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let digest = digest_of(self.store()?, ("delete", kind, id), &Value::Null, request);
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let before = self.expected(operator, kind, id, request).await?;
        if kind.is_distribution() && is_enabled(&before.body) {
            return Err(OperationError::NotDisabled(id.to_owned()));
        }
        let intent = Intent {
            operation: "delete",
            kind,
            id: id.to_owned(),
            before: Some(before),
            after: None,
            digest,
        };
        self.check_unused(operator, &intent).await?;
        self.write(operator, intent, request).await
    }

    /// Makes an earlier version the current one, also of an item that was deleted.
    ///
    /// # Errors
    /// [`OperationError::IfMatchMissing`] if the item exists, and others; nothing is changed then.
    pub async fn restore(
        &self,
        operator: &Operator<Admin>,
        (kind, id): (ServiceKind, &str),
        version: u64,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let store = self.store()?;
        let digest = digest_of(store, ("restore", kind, id), &version.into(), request);
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let wanted = self.version(&operator.reader(), kind, id, version).await?;
        let document = wanted.document.ok_or_else(|| {
            OperationError::invalid(
                "version",
                "is the one that deleted the item; restore one before it",
            )
        })?;
        let before = match store.document(kind.as_str(), id).await? {
            Some(_) => Some(self.expected(operator, kind, id, request).await?),
            None => None,
        };
        // Secrets of that version are sealed for this item at the same places, and open as they did then.
        let document = store.unseal(kind.as_str(), id, &document)?;
        let intent = Intent {
            operation: "restore",
            kind,
            id: id.to_owned(),
            before,
            after: Some(document),
            digest,
        };
        self.write(operator, intent, request).await
    }

    /// Enables or disables a distribution. Without `If-Match` the current version is changed.
    ///
    /// # Errors
    /// [`OperationError`]; nothing is changed then.
    pub async fn switch(
        &self,
        operator: &Operator<Admin>,
        (kind, id): (ServiceKind, &str),
        switch: Switch,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let operation = match switch {
            Switch::Enable => "enable",
            Switch::Disable => "disable",
        };
        let digest = digest_of(self.store()?, (operation, kind, id), &Value::Null, request);
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let before = self.current(operator, kind, id).await?;
        if request.if_match.is_some() {
            check_etag(kind, &before, request)?;
        }
        let mut document = before.body.clone();
        if let Some(object) = document.as_object_mut() {
            object.insert("enabled".to_owned(), Value::Bool(switch == Switch::Enable));
        }
        let intent = Intent {
            operation,
            kind,
            id: id.to_owned(),
            before: Some(before),
            after: Some(document),
            digest,
        };
        self.write(operator, intent, request).await
    }

    /// Returns the stored document, if it is the version that the request expects.
    async fn expected(
        &self,
        operator: &Operator<Admin>,
        kind: ServiceKind,
        id: &str,
        request: &ChangeRequest,
    ) -> Result<StoredDocument, OperationError> {
        let document = self.current(operator, kind, id).await?;
        check_etag(kind, &document, request)?;
        Ok(document)
    }

    async fn current(
        &self,
        operator: &Operator<Admin>,
        kind: ServiceKind,
        id: &str,
    ) -> Result<StoredDocument, OperationError> {
        let store = self.store()?;
        self.check_visible(&operator.reader(), kind, id).await?;
        let document = store.document(kind.as_str(), id).await?;
        document.ok_or_else(|| OperationError::no_item(kind, id))
    }
}

fn check_etag(
    kind: ServiceKind,
    document: &StoredDocument,
    request: &ChangeRequest,
) -> Result<(), OperationError> {
    let if_match = request
        .if_match
        .as_deref()
        .ok_or(OperationError::IfMatchMissing)?;
    if if_match == document.etag {
        return Ok(());
    }
    Err(OperationError::Store(StoreError::Stale {
        name: stored_name(kind, &document.id),
        current: document.etag.clone(),
    }))
}

fn is_enabled(document: &Value) -> bool {
    document.get("enabled") != Some(&Value::Bool(false))
}

fn object_of(document: &mut Value) -> Result<&mut Map<String, Value>, OperationError> {
    let fault = || OperationError::invalid("document", "is not an object");
    document.as_object_mut().ok_or_else(fault)
}

fn text_of(kind: ServiceKind, id: &Value) -> Result<String, OperationError> {
    let field = format!("document.{}", kind.id_key());
    let fault = || OperationError::invalid(field, "is not a text");
    id.as_str().map(str::to_owned).ok_or_else(fault)
}

/// Returns a random id in the form that CloudFront gives to the kind.
fn new_id(kind: ServiceKind) -> Result<String, OperationError> {
    let (prefix, length) = match kind {
        ServiceKind::Distribution
        | ServiceKind::StreamingDistribution
        | ServiceKind::OriginAccessIdentity
        | ServiceKind::OriginAccessControl => ("E", 13),
        // No name that is made up leads anybody to a bucket.
        ServiceKind::Bucket => {
            return Err(OperationError::invalid(
                "document.name",
                "is missing; add it",
            ));
        }
        ServiceKind::PublicKey => ("K", 13),
        ServiceKind::KeyGroup => ("G", 13),
        ServiceKind::Certificate => ("C", 13),
        ServiceKind::TrustedSigner => ("signer-", 8),
        ServiceKind::CachePolicy
        | ServiceKind::OriginRequestPolicy
        | ServiceKind::ResponseHeadersPolicy => ("P", 13),
    };
    Ok(format!("{prefix}{}", random_text(length)?))
}
