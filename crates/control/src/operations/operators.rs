//! Operators and their access keys. Only an admin without a scope manages them; secrets are shown once.

use crate::operation_error::OperationError;
use crate::operations::{AUTOPILOT, Operations};
use crate::operator::{Admin, Operator, Scope};
use privet_store::{
    AccessKeyChange, AccessKeySummary, NewAccessKey, NewOperator, Operator as StoredOperator,
    OperatorChange, Role, RotatedAccessKey, Store, StoreError, Timestamp,
};

/// Longest time in seconds for which a rotated key stays valid.
const OVERLAP_SECS_MAX: i64 = 90 * 24 * 60 * 60;
const NAME_LENGTH_MAX: usize = 64;

/// An operator that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperatorRequest {
    /// Name: letters, digits, `.`, `-`, `_` and `@`.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Ids of distributions; `None` for all.
    pub scope: Option<Vec<String>>,
}

/// A change of an operator; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorPatch {
    /// New role.
    pub role: Option<Role>,
    /// New scope; `Some(None)` lifts it.
    pub scope: Option<Option<Vec<String>>>,
    /// Whether the operator's keys are refused from now on.
    pub disabled: Option<bool>,
}

impl Operations {
    /// Lists the operators by name.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn operators(
        &self,
        admin: &Operator<Admin>,
    ) -> Result<Vec<StoredOperator>, OperationError> {
        Ok(self.operator_store(admin)?.operators().await?)
    }

    /// Returns an operator.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::operators`].
    pub async fn operator(
        &self,
        admin: &Operator<Admin>,
        name: &str,
    ) -> Result<StoredOperator, OperationError> {
        let operator = self.operator_store(admin)?.operator(name).await?;
        operator.ok_or_else(|| no_operator(name))
    }

    /// Creates an operator with a first access key.
    ///
    /// # Errors
    /// [`StoreError::OperatorExists`], and those of [`Operations::operators`].
    pub async fn create_operator(
        &self,
        admin: &Operator<Admin>,
        request: NewOperatorRequest,
    ) -> Result<NewAccessKey, OperationError> {
        let store = self.operator_store(admin)?;
        let NewOperatorRequest { name, role, scope } = request;
        let is_name = (1..=NAME_LENGTH_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte));
        if !is_name {
            return Err(OperationError::invalid(
                "name",
                "is not 1 to 64 letters, digits, '.', '-', '_' and '@'",
            ));
        }
        if name == crate::authentication::LOCAL {
            let rule = "is the name of the machine's own admin; choose another";
            return Err(OperationError::invalid("name", rule));
        }
        if name == AUTOPILOT {
            let rule = "is the name of what rotates keys by itself; choose another";
            return Err(OperationError::invalid("name", rule));
        }
        let new = NewOperator { name, role, scope };
        let actor = admin.caller().actor();
        Ok(store.create_operator(new, &actor, self.timestamp()).await?)
    }

    /// Changes role, scope or state of an operator.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`], [`StoreError::LastAdminKey`], and those of [`Operations::operators`].
    pub async fn change_operator(
        &self,
        admin: &Operator<Admin>,
        name: &str,
        patch: OperatorPatch,
    ) -> Result<StoredOperator, OperationError> {
        let store = self.operator_store(admin)?;
        let OperatorPatch {
            role,
            scope,
            disabled,
        } = patch;
        let change = OperatorChange {
            role,
            scope,
            disabled,
        };
        let actor = admin.caller().actor();
        Ok(store
            .change_operator(name, change, &actor, self.timestamp())
            .await?)
    }

    /// Deletes an operator with all access keys.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`], [`StoreError::LastAdminKey`], and those of [`Operations::operators`].
    pub async fn delete_operator(
        &self,
        admin: &Operator<Admin>,
        name: &str,
    ) -> Result<(), OperationError> {
        let store = self.operator_store(admin)?;
        let actor = admin.caller().actor();
        Ok(store
            .delete_operator(name, &actor, self.timestamp())
            .await?)
    }

    /// Lists the access keys of an operator, without their secrets.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::operators`].
    pub async fn access_keys(
        &self,
        admin: &Operator<Admin>,
        name: &str,
    ) -> Result<Vec<AccessKeySummary>, OperationError> {
        self.operator(admin, name).await?;
        Ok(self.operator_store(admin)?.access_keys(name).await?)
    }

    /// Adds an access key to an operator.
    ///
    /// # Errors
    /// [`StoreError::TooManyAccessKeys`], and those of [`Operations::operators`].
    pub async fn create_access_key(
        &self,
        admin: &Operator<Admin>,
        name: &str,
    ) -> Result<NewAccessKey, OperationError> {
        let store = self.operator_store(admin)?;
        let actor = admin.caller().actor();
        Ok(store.add_access_key(name, &actor, self.timestamp()).await?)
    }

    /// Makes a new key, and lets an old one end after an overlap, in which both are valid. A key that ends sooner keeps
    /// its end.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccessKey`] for a key of another operator, [`StoreError::Invalid`] for one that is disabled
    /// or has ended, and those of [`Operations::create_access_key`].
    pub async fn rotate_access_key(
        &self,
        admin: &Operator<Admin>,
        (name, id): (&str, &str),
        overlap_secs: u64,
    ) -> Result<RotatedAccessKey, OperationError> {
        let store = self.operator_store(admin)?;
        let overlap = i64::try_from(overlap_secs).ok();
        let overlap = overlap.filter(|overlap| *overlap <= OVERLAP_SECS_MAX);
        let overlap = overlap
            .ok_or_else(|| OperationError::invalid("overlap_seconds", "is more than 90 days"))?;
        let (actor, now) = (admin.caller().actor(), self.timestamp());
        let end = Timestamp::from_seconds(now.seconds().saturating_add(overlap));
        Ok(store.rotate_access_key(name, id, end, &actor, now).await?)
    }

    /// Disables or enables an access key, or sets its end.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] for a key of another operator, and those of [`Operations::operators`].
    pub async fn change_access_key(
        &self,
        admin: &Operator<Admin>,
        (name, id): (&str, &str),
        change: AccessKeyChange,
    ) -> Result<AccessKeySummary, OperationError> {
        let (store, _) = self.own_key(admin, name, id).await?;
        let actor = admin.caller().actor();
        Ok(store
            .change_access_key(id, change, &actor, self.timestamp())
            .await?)
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] for a key of another operator, and those of [`Operations::operators`].
    pub async fn delete_access_key(
        &self,
        admin: &Operator<Admin>,
        (name, id): (&str, &str),
    ) -> Result<(), OperationError> {
        let (store, _) = self.own_key(admin, name, id).await?;
        let actor = admin.caller().actor();
        Ok(store
            .delete_access_key(id, &actor, self.timestamp())
            .await?)
    }

    fn operator_store(&self, admin: &Operator<Admin>) -> Result<&Store, OperationError> {
        match &admin.caller().scope {
            Scope::All => self.own_store(),
            // Otherwise an operator could widen the own scope.
            Scope::Distributions(_) => Err(OperationError::ScopeTooNarrow(
                "this is about other operators",
            )),
        }
    }

    /// Returns the store and a key, if it is that operator's.
    async fn own_key(
        &self,
        admin: &Operator<Admin>,
        name: &str,
        id: &str,
    ) -> Result<(&Store, AccessKeySummary), OperationError> {
        let keys = self.access_keys(admin, name).await?;
        let key = keys.into_iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| StoreError::NoSuchAccessKey(id.to_owned()))?;
        Ok((self.operator_store(admin)?, key))
    }
}

fn no_operator(name: &str) -> OperationError {
    StoreError::NoSuchOperator(name.to_owned()).into()
}
