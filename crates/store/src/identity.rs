//! Which database a store works with: id, schema and sealing key are checked on every new connection, behind which
//! another database may be by then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::session::Session;
use crate::{SealingKey, StoreError, migrate};

/// Id of the database that a store works with, and the key that has to open it.
pub(crate) struct Identity {
    key: SealingKey,
    known: Mutex<Option<String>>,
}

impl Identity {
    /// Makes one of a database that is still to be prepared.
    pub(crate) fn new(key: SealingKey) -> Self {
        Self {
            key,
            known: Mutex::new(None),
        }
    }

    /// Returns the id of the database, `None` before it is prepared.
    pub(crate) fn id(&self) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Takes `id` for that of the database from now on; returns what was known before.
    pub(crate) fn learn(&self, id: &str) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.replace(id.to_owned())
    }

    /// Checks the database once it is prepared; returns its id.
    ///
    /// Another one than before is told once, by an error, if the key opens it: whoever is told may have written to the
    /// one before. What follows works with the new one.
    pub(crate) fn check(&self, session: &mut dyn Session) -> Result<String, StoreError> {
        let mut found = read(session)?;
        check_schema(found.remove("schema").as_deref())?;
        let seal_check = found.remove("seal_check").ok_or_else(foreign)?;
        migrate::check_key(&self.key, &seal_check)?;
        let id = found.remove("store_id").ok_or_else(foreign)?;
        match self.learn(&id) {
            Some(known) if known != id => Err(StoreError::Failed {
                cause: format!("it is {id} and no longer {known}: read again before you go on"),
            }),
            Some(_) | None => Ok(id),
        }
    }

    /// Checks the database behind a new connection, unless it is connected to be prepared.
    pub(crate) fn check_connection(&self, session: &mut dyn Session) -> Result<(), StoreError> {
        match self.id() {
            Some(_) => self.check(session).map(drop),
            None => Ok(()),
        }
    }
}

fn read(session: &mut dyn Session) -> Result<HashMap<String, String>, StoreError> {
    let rows = session.query("SELECT name, value FROM meta", Vec::new())?;
    let values = rows
        .into_iter()
        .map(|mut row| Ok((row.text()?, row.text()?)));
    values.collect()
}

/// Refuses a schema that is not this program's: only an opening migrates.
fn check_schema(found: Option<&str>) -> Result<(), StoreError> {
    let found: u64 = found
        .and_then(|text| text.parse().ok())
        .ok_or_else(foreign)?;
    let known = migrate::newest();
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found < known {
        let cause = format!("it has schema {found} and not {known}: start privet again");
        return Err(StoreError::Failed { cause });
    }
    Ok(())
}

fn foreign() -> StoreError {
    StoreError::Failed {
        cause: "it is not one that privet has made: check its URL or path".to_owned(),
    }
}
