//! The audit trail: who did what, how and from where, and whether the trail is whole.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::reading::{Listed, PAGE_MAX, PageRequest, cut};
use crate::operator::{Admin, Caller, Operator, Scope};
use privet_store::{
    AuditEntry, AuditFilter, AuditRecord, AuditVerdict, DocumentName, Outcome, Timestamp,
};

/// The entries that are asked for; what is `None` restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Filter of the store, without its page.
    pub filter: AuditFilter,
}

/// A call that was refused, or a reading that is worth noting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) document: Option<DocumentName>,
    pub(crate) detail: Option<String>,
}

impl Operations {
    /// Lists entries of the audit trail, newest first.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn audit_entries(
        &self,
        operator: &Operator<Admin>,
        query: &AuditQuery,
        page: &PageRequest,
    ) -> Result<Listed<AuditRecord>, OperationError> {
        check_scope(operator)?;
        let mut filter = query.filter.clone();
        if let Some(after) = &page.after {
            let number = after.parse().map_err(|_| {
                OperationError::invalid("after", "is not the next of an earlier page")
            })?;
            filter.before_seq = Some(number);
        }
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let entries = self.own_store()?.audit_entries(&filter, wanted + 1).await?;
        Ok(cut(entries, wanted, |entry: &AuditRecord| {
            entry.seq.to_string()
        }))
    }

    /// Returns an entry of the audit trail.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::audit_entries`].
    pub async fn audit_entry(
        &self,
        operator: &Operator<Admin>,
        seq: u64,
    ) -> Result<AuditRecord, OperationError> {
        check_scope(operator)?;
        let filter = AuditFilter {
            before_seq: seq.checked_add(1),
            ..AuditFilter::default()
        };
        let entries = self.own_store()?.audit_entries(&filter, 1).await?;
        let entry = entries.into_iter().find(|entry| entry.seq == seq);
        entry.ok_or_else(|| OperationError::NotFound {
            what: "entry",
            id: seq.to_string(),
        })
    }

    /// Checks the chain of hashes of the whole audit trail.
    ///
    /// # Errors
    /// Those of [`Operations::audit_entries`].
    pub async fn verify_audit(
        &self,
        operator: &Operator<Admin>,
    ) -> Result<AuditVerdict, OperationError> {
        check_scope(operator)?;
        Ok(self.own_store()?.verify_audit().await?)
    }

    /// Writes down a change that was tried and not made.
    pub(super) async fn audit_trial<R>(
        &self,
        operator: &Operator<R>,
        operation: &str,
        document: DocumentName,
    ) -> Result<(), OperationError> {
        let call = Call {
            caller: operator.caller(),
            operation,
            outcome: Outcome::Done,
            document: Some(document),
            detail: None,
        };
        self.audit(call).await
    }

    /// Writes down a call that no write of the store has written down. Without a store there is no trail.
    pub(crate) async fn audit(&self, call: Call<'_>) -> Result<(), OperationError> {
        let store = match self.own_store() {
            Ok(store) => store,
            Err(OperationError::NoStore) => return Ok(()),
            Err(error) => return Err(error),
        };
        let entry = AuditEntry {
            actor: call.caller.actor(),
            at: Timestamp::from_seconds(self.now()),
            operation: call.operation.to_owned(),
            outcome: call.outcome,
            document: call.document,
            before: None,
            after: None,
            detail: call.detail,
        };
        store.audit(entry).await?;
        Ok(())
    }
}

/// The trail is about everybody: an operator with a scope would see what others do elsewhere.
fn check_scope(operator: &Operator<Admin>) -> Result<(), OperationError> {
    match &operator.caller().scope {
        Scope::All => Ok(()),
        Scope::Distributions(_) => Err(OperationError::ScopeTooNarrow(
            "this shows what is done to all distributions",
        )),
    }
}
