//! Operators: who may use Privet's interfaces, with which role. Every change of them is in the audit trail.

mod access_keys;

pub use access_keys::{
    AccessKeyChange, AccessKeySummary, Credential, NewAccessKey, RotatedAccessKey,
};

use serde_json::{Value, json};

use crate::audit::{self, Entry, Outcome};
use crate::limits::{ID_BYTES_MAX, SCOPE_MAX};
use crate::names::check_text;
use crate::session::{Cell, Row, Session};
use crate::{Actor, DocumentName, SealingKey, Store, StoreError, Timestamp, documents};

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reading.
    Read,
    /// Reading, and changing what is served.
    Publish,
    /// Everything, operators included.
    Admin,
}

impl Role {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Publish, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// Operator that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperator {
    /// Name, which stays.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Ids of what the operator is restricted to; `None` restricts nothing.
    pub scope: Option<Vec<String>>,
}

/// Stored operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Ids of what the operator is restricted to; `None` restricts nothing.
    pub scope: Option<Vec<String>>,
    /// Whether none of the operator's access keys is accepted.
    pub disabled: bool,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// Change of an operator; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// New role.
    pub role: Option<Role>,
    /// New scope, where `Some(None)` lifts every restriction.
    pub scope: Option<Option<Vec<String>>>,
    /// Whether the operator is disabled from now on.
    pub disabled: Option<bool>,
}

impl Store {
    /// Creates an operator with a first access key. The secret is returned here and never again.
    ///
    /// # Errors
    ///
    /// [`StoreError::OperatorExists`], [`StoreError::Invalid`].
    pub async fn create_operator(
        &self,
        new: NewOperator,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<NewAccessKey, StoreError> {
        check_text("operator", &new.name, ID_BYTES_MAX)?;
        check_scope(new.scope.as_deref())?;
        let trail = self.trail("create_operator", actor, now);
        let act = move |session: &mut dyn Session| create(session, &new, &trail);
        self.engine().write(act).await
    }

    /// Returns all operators, by name.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let act = |session: &mut dyn Session| {
            let sql = format!("SELECT {COLUMNS} FROM operators ORDER BY name");
            let rows = session.query(&sql, Vec::new())?;
            rows.into_iter().map(operator_of).collect()
        };
        self.engine().read(act).await
    }

    /// Returns an operator, or `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        let name = name.to_owned();
        let act = move |session: &mut dyn Session| operator(session, &name);
        self.engine().read(act).await
    }

    /// Changes an operator; returns the changed one.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchOperator`]; [`StoreError::LastAdmin`] where no enabled admin without a scope would be left,
    /// [`StoreError::LastAdminKey`] where none of them had an access key that is accepted at `now`.
    pub async fn change_operator(
        &self,
        name: &str,
        change: OperatorChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Operator, StoreError> {
        check_scope(change.scope.as_ref().and_then(Option::as_deref))?;
        let name = name.to_owned();
        let trail = self.trail("change_operator", actor, now);
        let act = move |session: &mut dyn Session| change_one(session, &name, &change, &trail);
        self.engine().write(act).await
    }

    /// Deletes an operator with all access keys.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchOperator`]; [`StoreError::LastAdmin`] where no enabled admin without a scope would be left,
    /// [`StoreError::LastAdminKey`] where none of them had an access key that is accepted at `now`.
    pub async fn delete_operator(
        &self,
        name: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.to_owned();
        let trail = self.trail("delete_operator", actor, now);
        let act = move |session: &mut dyn Session| delete(session, &name, &trail);
        self.engine().write(act).await
    }

    fn trail(&self, operation: &'static str, actor: &Actor, at: Timestamp) -> Trail {
        Trail {
            key: self.inner.key.clone(),
            operation,
            actor: actor.clone(),
            at,
        }
    }
}

/// What the audit trail says of a change of operators, whatever it changes.
struct Trail {
    key: SealingKey,
    operation: &'static str,
    actor: Actor,
    at: Timestamp,
}

impl Trail {
    fn append(
        &self,
        session: &mut dyn Session,
        document: &DocumentName,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), StoreError> {
        let before = before.map(Value::to_string);
        let after = after.map(Value::to_string);
        let entry = Entry {
            actor: &self.actor,
            at: self.at,
            operation: self.operation,
            outcome: Outcome::Done,
            document: Some(document),
            before: before.as_deref(),
            after: after.as_deref(),
            detail: None,
        };
        audit::append(session, &self.key, &[entry]).map(drop)
    }
}

const COLUMNS: &str = "name, role, scope, disabled, created_at";

fn create(
    session: &mut dyn Session,
    new: &NewOperator,
    trail: &Trail,
) -> Result<NewAccessKey, StoreError> {
    let operator = Operator {
        name: new.name.clone(),
        role: new.role,
        scope: new.scope.clone(),
        disabled: false,
        created_at: trail.at,
    };
    let sql = format!(
        "INSERT INTO operators ({COLUMNS}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING"
    );
    let parameters = vec![
        (&operator.name).into(),
        operator.role.as_str().into(),
        scope_cell(operator.scope.as_deref()),
        0_i64.into(),
        trail.at.seconds().into(),
    ];
    if session.execute(&sql, parameters)? == 0 {
        return Err(StoreError::OperatorExists(new.name.clone()));
    }
    trail.append(
        session,
        &operator.trail_name(),
        None,
        Some(&operator.trail_body()),
    )?;
    access_keys::add(session, &operator.name, trail)
}

fn change_one(
    session: &mut dyn Session,
    name: &str,
    change: &OperatorChange,
    trail: &Trail,
) -> Result<Operator, StoreError> {
    let before = existing(session, name)?;
    let had = access_keys::admin_key_is_left(session, trail.at)?;
    let mut after = before.clone();
    after.role = change.role.unwrap_or(before.role);
    after.disabled = change.disabled.unwrap_or(before.disabled);
    if let Some(scope) = &change.scope {
        after.scope.clone_from(scope);
    }
    let sql = "UPDATE operators SET role = $2, scope = $3, disabled = $4 WHERE name = $1";
    let parameters = vec![
        name.into(),
        after.role.as_str().into(),
        scope_cell(after.scope.as_deref()),
        i64::from(after.disabled).into(),
    ];
    session.execute(sql, parameters)?;
    check_admin_left(session, &before)?;
    access_keys::check_admin_key_left(session, had, trail.at)?;
    let bodies = (before.trail_body(), after.trail_body());
    trail.append(
        session,
        &after.trail_name(),
        Some(&bodies.0),
        Some(&bodies.1),
    )?;
    Ok(after)
}

fn delete(session: &mut dyn Session, name: &str, trail: &Trail) -> Result<(), StoreError> {
    let before = existing(session, name)?;
    let had = access_keys::admin_key_is_left(session, trail.at)?;
    session.execute("DELETE FROM operators WHERE name = $1", vec![name.into()])?;
    check_admin_left(session, &before)?;
    access_keys::check_admin_key_left(session, had, trail.at)?;
    trail.append(
        session,
        &before.trail_name(),
        Some(&before.trail_body()),
        None,
    )
}

/// Refuses a change by which the last enabled admin without a scope ceased to be one: an admin with a scope cannot
/// manage operators, so nobody could make another.
fn check_admin_left(session: &mut dyn Session, before: &Operator) -> Result<(), StoreError> {
    if before.role != Role::Admin || before.disabled || before.scope.is_some() {
        return Ok(());
    }
    let sql =
        "SELECT name FROM operators WHERE role = $1 AND disabled = 0 AND scope IS NULL LIMIT 1";
    let left = session.query_first(sql, vec![Role::Admin.as_str().into()])?;
    left.map(drop).ok_or(StoreError::LastAdmin)
}

fn existing(session: &mut dyn Session, name: &str) -> Result<Operator, StoreError> {
    operator(session, name)?.ok_or_else(|| StoreError::NoSuchOperator(name.to_owned()))
}

fn operator(session: &mut dyn Session, name: &str) -> Result<Option<Operator>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM operators WHERE name = $1");
    let row = session.query_first(&sql, vec![name.into()])?;
    row.map(operator_of).transpose()
}

fn operator_of(mut row: Row) -> Result<Operator, StoreError> {
    Ok(Operator {
        name: row.text()?,
        role: role_of(&row.text()?)?,
        scope: scope_of(row.maybe_text()?)?,
        disabled: row.number()? != 0,
        created_at: Timestamp::from_seconds(row.number()?),
    })
}

fn role_of(word: &str) -> Result<Role, StoreError> {
    Role::parse(word).ok_or_else(|| StoreError::damaged("an operator has another role"))
}

fn scope_of(text: Option<String>) -> Result<Option<Vec<String>>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    let ids = documents::json(&text)?;
    let ids = ids.as_array().map(Vec::as_slice).unwrap_or_default();
    let ids = ids.iter().map(|id| id.as_str().map(str::to_owned));
    let ids: Option<Vec<String>> = ids.collect();
    let ids = ids.ok_or_else(|| StoreError::damaged("an operator has another scope"))?;
    Ok(Some(ids))
}

fn scope_cell(scope: Option<&[String]>) -> Cell {
    scope.map(|ids| json!(ids).to_string()).into()
}

fn check_scope(scope: Option<&[String]>) -> Result<(), StoreError> {
    let scope = scope.unwrap_or_default();
    if scope.len() > SCOPE_MAX {
        let problem = format!("has more than {SCOPE_MAX} ids");
        return Err(StoreError::invalid("scope", problem));
    }
    let mut ids = scope.iter();
    ids.try_for_each(|id| check_text("scope", id, ID_BYTES_MAX))
}

impl Operator {
    fn trail_name(&self) -> DocumentName {
        DocumentName::new("operator", &self.name)
    }

    fn trail_body(&self) -> Value {
        let (role, scope) = (self.role.as_str(), &self.scope);
        json!({ "role": role, "scope": scope, "disabled": self.disabled })
    }
}
