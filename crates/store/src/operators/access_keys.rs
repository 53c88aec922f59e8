//! Access keys of operators: their secrets are sealed, and shown once when they are made.

use serde_json::{Value, json};

use super::{Role, Trail, existing, role_of, scope_of};
use crate::limits::ACCESS_KEYS_MAX;
use crate::seal::Place;
use crate::session::{Cell, Row, Session};
use crate::{Actor, DocumentName, SealingKey, Secret, Store, StoreError, Timestamp, random};

/// Access key with its secret, which is shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessKey {
    /// Id of the key, which is no secret.
    pub access_key_id: String,
    /// Secret of the key.
    pub secret_access_key: Secret,
}

/// Access key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeySummary {
    /// Id of the key.
    pub id: String,
    /// Operator whose key it is.
    pub operator: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// First second at which the key is no longer accepted.
    pub expires_at: Option<Timestamp>,
    /// Whether the key is not accepted.
    pub disabled: bool,
    /// Time of the last request that was noted.
    pub last_used_at: Option<Timestamp>,
}

/// Change of an access key; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessKeyChange {
    /// Whether the key is disabled from now on.
    pub disabled: Option<bool>,
    /// New end, where `Some(None)` means that the key does not expire.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Access key that took the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedAccessKey {
    /// New key with its secret.
    pub new: NewAccessKey,
    /// Old key with its end.
    pub old: AccessKeySummary,
}

/// What a request with an accepted access key is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Name of the operator.
    pub operator: String,
    /// Role of the operator.
    pub role: Role,
    /// Ids of what the operator is restricted to; `None` restricts nothing.
    pub scope: Option<Vec<String>>,
    /// Secret that the request has to be signed with.
    pub secret_access_key: Secret,
}

impl Store {
    /// Adds an access key to an operator, beside those there are. The secret is returned here and never again.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchOperator`], [`StoreError::TooManyAccessKeys`].
    pub async fn add_access_key(
        &self,
        operator: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<NewAccessKey, StoreError> {
        let operator = operator.to_owned();
        let trail = self.trail("add_access_key", actor, now);
        let act = move |session: &mut dyn Session| {
            existing(session, &operator)?;
            add(session, &operator, &trail)
        };
        self.engine().write(act).await
    }

    /// Adds an access key in the place of `old_id`, which ends at `ends_at` or before: both are done, or neither. The
    /// secret is returned here and never again.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchOperator`]; [`StoreError::NoSuchAccessKey`], of another operator's key too;
    /// [`StoreError::Invalid`] for a key that is disabled or has ended; [`StoreError::TooManyAccessKeys`].
    pub async fn rotate_access_key(
        &self,
        operator: &str,
        old_id: &str,
        ends_at: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<RotatedAccessKey, StoreError> {
        let (operator, old_id) = (operator.to_owned(), old_id.to_owned());
        let trail = self.trail("rotate_access_key", actor, now);
        let act = move |session: &mut dyn Session| {
            let end = end_of_rotated(session, &operator, &old_id, ends_at, now)?;
            let old = change_one(session, &old_id, &end, &trail)?;
            let new = add(session, &operator, &trail)?;
            Ok(RotatedAccessKey { new, old })
        };
        self.engine().write(act).await
    }

    /// Returns the access keys of an operator, oldest first; none for an operator that does not exist.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn access_keys(&self, operator: &str) -> Result<Vec<AccessKeySummary>, StoreError> {
        let operator = operator.to_owned();
        let act = move |session: &mut dyn Session| of_operator(session, &operator);
        self.engine().read(act).await
    }

    /// Disables, enables or ends an access key; returns the changed one.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchAccessKey`]; [`StoreError::LastAdminKey`] where no accepted key of an enabled admin without
    /// a scope would be left at `now`.
    pub async fn change_access_key(
        &self,
        id: &str,
        change: AccessKeyChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<AccessKeySummary, StoreError> {
        let id = id.to_owned();
        let trail = self.trail("change_access_key", actor, now);
        let act = move |session: &mut dyn Session| {
            let had = admin_key_is_left(session, now)?;
            let changed = change_one(session, &id, &change, &trail)?;
            check_admin_key_left(session, had, now)?;
            Ok(changed)
        };
        self.engine().write(act).await
    }

    /// Deletes an access key.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchAccessKey`]; [`StoreError::LastAdminKey`] where no accepted key of an enabled admin without
    /// a scope would be left at `now`.
    pub async fn delete_access_key(
        &self,
        id: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = id.to_owned();
        let trail = self.trail("delete_access_key", actor, now);
        let act = move |session: &mut dyn Session| {
            let before = summary(session, &id)?;
            let had = admin_key_is_left(session, now)?;
            session.execute("DELETE FROM access_keys WHERE id = $1", vec![(&id).into()])?;
            check_admin_key_left(session, had, now)?;
            trail.append(session, &trail_name(&id), Some(&before.trail_body()), None)
        };
        self.engine().write(act).await
    }

    /// Returns what a request with this access key is checked against; `None` where the key is unknown, disabled or
    /// expired, or its operator is disabled.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where the stored secret does not open.
    pub async fn authenticate_key(
        &self,
        access_key_id: &str,
        now: Timestamp,
    ) -> Result<Option<Credential>, StoreError> {
        let id = access_key_id.to_owned();
        let key = self.inner.key.clone();
        let act = move |session: &mut dyn Session| credential(session, &key, &id, now);
        self.engine().look_up(act).await
    }

    /// Notes when access keys were used last. Older times than the noted one change nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn note_used(&self, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let rows: Vec<Vec<Cell>> = used
            .iter()
            .map(|(id, at)| vec![id.into(), at.seconds().into()])
            .collect();
        let act = move |session: &mut dyn Session| {
            let sql = "UPDATE access_keys SET last_used_at = $2 \
                       WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
            session.execute_many(sql, &rows).map(drop)
        };
        self.engine().write(act).await
    }
}

const COLUMNS: &str = "id, operator, created_at, expires_at, disabled, last_used_at";

pub(super) fn add(
    session: &mut dyn Session,
    operator: &str,
    trail: &Trail,
) -> Result<NewAccessKey, StoreError> {
    if of_operator(session, operator)?.len() >= ACCESS_KEYS_MAX {
        return Err(StoreError::TooManyAccessKeys(ACCESS_KEYS_MAX));
    }
    let new = NewAccessKey {
        access_key_id: random::upper("PRIVET", 14)?,
        secret_access_key: random::secret()?,
    };
    let id = &new.access_key_id;
    let sealed = trail.key.seal(&place(id), new.secret_access_key.expose())?;
    let sql = "INSERT INTO access_keys (id, operator, secret, created_at, disabled) VALUES ($1, $2, $3, $4, 0)";
    let parameters = vec![
        id.into(),
        operator.into(),
        sealed.into(),
        trail.at.seconds().into(),
    ];
    session.execute(sql, parameters)?;
    let stored = summary(session, id)?;
    trail.append(session, &trail_name(id), None, Some(&stored.trail_body()))?;
    Ok(new)
}

/// Whether an enabled admin without a scope has an access key that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminKey {
    Left,
    None,
}

pub(super) fn admin_key_is_left(
    session: &mut dyn Session,
    now: Timestamp,
) -> Result<AdminKey, StoreError> {
    let sql = "SELECT k.id FROM access_keys AS k JOIN operators AS o ON o.name = k.operator \
               WHERE o.role = $1 AND o.disabled = 0 AND o.scope IS NULL AND k.disabled = 0 \
               AND (k.expires_at IS NULL OR k.expires_at > $2) LIMIT 1";
    let parameters = vec![Role::Admin.as_str().into(), now.seconds().into()];
    let left = session.query_first(sql, parameters)?;
    Ok(left.map_or(AdminKey::None, |_| AdminKey::Left))
}

/// Refuses a change by which the last key ceased to be accepted with which operators can be managed. Where there was
/// none before, nothing is lost by the change.
pub(super) fn check_admin_key_left(
    session: &mut dyn Session,
    had: AdminKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    match (had, admin_key_is_left(session, now)?) {
        (AdminKey::Left, AdminKey::None) => Err(StoreError::LastAdminKey),
        (AdminKey::Left | AdminKey::None, _) => Ok(()),
    }
}

/// Returns the change that lets an operator's accepted key end at `ends_at`, or at its own end if that comes before.
fn end_of_rotated(
    session: &mut dyn Session,
    operator: &str,
    id: &str,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<AccessKeyChange, StoreError> {
    existing(session, operator)?;
    let old = summary(session, id)?;
    if old.operator != operator {
        return Err(StoreError::NoSuchAccessKey(id.to_owned()));
    }
    if old.disabled || old.expires_at.is_some_and(|end| end <= now) {
        let problem = format!("`{id}` is disabled or has ended: add a key instead");
        return Err(StoreError::invalid("access key", problem));
    }
    let ends_at = old.expires_at.map_or(ends_at, |end| end.min(ends_at));
    Ok(AccessKeyChange {
        disabled: None,
        expires_at: Some(Some(ends_at)),
    })
}

fn change_one(
    session: &mut dyn Session,
    id: &str,
    change: &AccessKeyChange,
    trail: &Trail,
) -> Result<AccessKeySummary, StoreError> {
    let before = summary(session, id)?;
    let mut after = before.clone();
    after.disabled = change.disabled.unwrap_or(before.disabled);
    after.expires_at = change.expires_at.unwrap_or(before.expires_at);
    let sql = "UPDATE access_keys SET disabled = $2, expires_at = $3 WHERE id = $1";
    let parameters = vec![
        id.into(),
        i64::from(after.disabled).into(),
        after.expires_at.map(Timestamp::seconds).into(),
    ];
    session.execute(sql, parameters)?;
    let bodies = (before.trail_body(), after.trail_body());
    trail.append(session, &trail_name(id), Some(&bodies.0), Some(&bodies.1))?;
    Ok(after)
}

fn credential(
    session: &mut dyn Session,
    key: &SealingKey,
    id: &str,
    now: Timestamp,
) -> Result<Option<Credential>, StoreError> {
    // A name with NUL is no parameter that PostgreSQL takes, and no key's.
    if id.contains('\0') {
        return Ok(None);
    }
    let sql = "SELECT k.secret, o.name, o.role, o.scope FROM access_keys AS k \
               JOIN operators AS o ON o.name = k.operator \
               WHERE k.id = $1 AND k.disabled = 0 AND o.disabled = 0 \
               AND (k.expires_at IS NULL OR k.expires_at > $2)";
    let row = session.query_first(sql, vec![id.into(), now.seconds().into()])?;
    let Some(mut row) = row else { return Ok(None) };
    let secret = key.open(&place(id), &row.text()?);
    Ok(Some(Credential {
        secret_access_key: secret
            .ok_or_else(|| StoreError::damaged("the secret of an access key does not open"))?,
        operator: row.text()?,
        role: role_of(&row.text()?)?,
        scope: scope_of(row.maybe_text()?)?,
    }))
}

fn of_operator(
    session: &mut dyn Session,
    operator: &str,
) -> Result<Vec<AccessKeySummary>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM access_keys WHERE operator = $1 ORDER BY created_at, id");
    let rows = session.query(&sql, vec![operator.into()])?;
    rows.into_iter().map(summary_of).collect()
}

fn summary(session: &mut dyn Session, id: &str) -> Result<AccessKeySummary, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM access_keys WHERE id = $1");
    let row = session.query_first(&sql, vec![id.into()])?;
    summary_of(row.ok_or_else(|| StoreError::NoSuchAccessKey(id.to_owned()))?)
}

fn summary_of(mut row: Row) -> Result<AccessKeySummary, StoreError> {
    Ok(AccessKeySummary {
        id: row.text()?,
        operator: row.text()?,
        created_at: Timestamp::from_seconds(row.number()?),
        expires_at: row.maybe_number()?.map(Timestamp::from_seconds),
        disabled: row.number()? != 0,
        last_used_at: row.maybe_number()?.map(Timestamp::from_seconds),
    })
}

impl AccessKeySummary {
    fn trail_body(&self) -> Value {
        let expires_at = self.expires_at.map(Timestamp::seconds);
        json!({ "operator": self.operator, "disabled": self.disabled, "expires_at": expires_at })
    }
}

/// Place that an access key's secret is sealed for. No document's secret has a pointer without a slash.
fn place(id: &str) -> Place<'_> {
    Place {
        kind: "access_key",
        id,
        pointer: "secret",
    }
}

fn trail_name(id: &str) -> DocumentName {
    DocumentName::new("access_key", id)
}
