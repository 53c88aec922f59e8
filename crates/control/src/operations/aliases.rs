//! Moving a host name from one distribution to another, in one write: at no time do both have it, or neither.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::reading::PAGE_MAX;
use crate::operations::writing::{Effect, Intent, document_change};
use crate::operator::{Admin, Operator, Scope};
use privet_distribution::config::ServiceKind;
use privet_store::{Page, Store, StoredDocument, Write};
use serde_json::{Value, json};

/// Key of a document.
const ALIASES: &str = "aliases";
const KIND: ServiceKind = ServiceKind::Distribution;

impl Operations {
    /// Gives an alias to a distribution, and takes it from the one that has it, if any has.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] without the target; [`OperationError::Invalid`] if the name is the domain name of
    /// another distribution, or if the target could not be served with it; and others. Nothing is changed then.
    pub async fn move_alias(
        &self,
        operator: &Operator<Admin>,
        alias: &str,
        target: &str,
    ) -> Result<(), OperationError> {
        let store = self.store()?;
        match &operator.caller().scope {
            Scope::All => {}
            Scope::Distributions(_) => {
                return Err(OperationError::ScopeTooNarrow("this moves a host name"));
            }
        }
        let document = store.document(KIND.as_str(), target).await?;
        let target = document.ok_or_else(|| OperationError::no_item(KIND, target))?;
        let holder = holder(store, alias).await?;
        let mut intents = Vec::new();
        match holder {
            Some(holder) if holder.id == target.id => return Ok(()),
            Some(holder) => {
                if is_same(holder.body.get("domain_name"), alias) {
                    let message = format!("{alias} is the domain name of {}", holder.id);
                    return Err(OperationError::invalid("", message));
                }
                intents.push(intent(holder, |aliases| {
                    aliases.retain(|name| !is_same(Some(name), alias));
                }));
            }
            None => {}
        }
        intents.push(intent(target, |aliases| aliases.push(alias.into())));
        self.write_all(operator, store, &intents).await
    }

    async fn write_all(
        &self,
        operator: &Operator<Admin>,
        store: &Store,
        intents: &[Intent],
    ) -> Result<(), OperationError> {
        let mut items = Vec::new();
        for intent in intents {
            let after = intent.after.clone().unwrap_or_default();
            items.push(self.read_item(store, &None, intent, &after).await?);
        }
        let effect = Effect {
            changed: &items,
            removed: &[],
            visible: &None,
        };
        self.check_service(store, effect).await?;
        let mut changes = Vec::new();
        for (intent, item) in intents.iter().zip(items) {
            changes.push(document_change(store, intent, Some(item)).await?);
        }
        let written = store.write(Write {
            actor: operator.caller().actor(),
            operation: "move_alias".to_owned(),
            at: self.timestamp(),
            changes,
            idempotency: None,
        });
        let written = written.await?;
        for document in &written.documents {
            self.shared.recent.note(&document.etag, written.change);
        }
        Ok(())
    }
}

/// Returns the distribution that has a host name.
async fn holder(store: &Store, alias: &str) -> Result<Option<StoredDocument>, OperationError> {
    let mut page = Page::first(PAGE_MAX);
    loop {
        let documents = store.documents(KIND.as_str(), &page).await?;
        let Some(last) = documents.last() else {
            return Ok(None);
        };
        page.after = Some(last.id.clone());
        let has_it = |document: &StoredDocument| {
            let aliases = document.body.get(ALIASES).and_then(Value::as_array);
            let mut names = aliases.into_iter().flatten();
            names.any(|name| is_same(Some(name), alias))
                || is_same(document.body.get("domain_name"), alias)
        };
        if let Some(holder) = documents.into_iter().find(has_it) {
            return Ok(Some(holder));
        }
    }
}

fn is_same(name: Option<&Value>, alias: &str) -> bool {
    let name = name.and_then(Value::as_str);
    name.is_some_and(|name| name.eq_ignore_ascii_case(alias))
}

/// Returns the change of a document's aliases.
fn intent(before: StoredDocument, change: impl FnOnce(&mut Vec<Value>)) -> Intent {
    let mut after = before.body.clone();
    if let Some(document) = after.as_object_mut() {
        let aliases = document.entry(ALIASES).or_insert_with(|| json!([]));
        if let Some(aliases) = aliases.as_array_mut() {
            change(aliases);
        }
    }
    Intent {
        operation: "move_alias",
        kind: KIND,
        id: before.id.clone(),
        before: Some(before),
        after: Some(after),
        digest: String::new(),
    }
}
