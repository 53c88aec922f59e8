//! Whether what is committed survives the loss of the database's machine.

use crate::session::{Dialect, Session};
use crate::{Store, StoreError};

/// Where a commit is before its writer hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the disk of this machine, in a SQLite file: there is no other to fail over to.
    File,
    /// On the disks of the server and of a standby.
    Standby {
        /// The server's `synchronous_standby_names`.
        names: String,
    },
    /// On the server's disk alone: a standby that takes its place may not have it.
    Server {
        /// The setting that is missing, in words for an operator.
        problem: String,
    },
}

impl Store {
    /// Asks the database whether a commit is on a standby before it is acknowledged. One-time links of a fleet are only
    /// safe then: a standby that takes the server's place would know nothing of the last uses otherwise.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn synchronous_standby(&self) -> Result<Durability, StoreError> {
        self.engine().read(|session| durability(session)).await
    }
}

fn durability(session: &mut dyn Session) -> Result<Durability, StoreError> {
    match session.dialect() {
        Dialect::Sqlite => return Ok(Durability::File),
        Dialect::Postgres => {}
    }
    let sql = "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')";
    let row = session.query_first(sql, Vec::new())?;
    let mut row = row.ok_or_else(|| StoreError::damaged("the server has no settings"))?;
    Ok(of_settings(&row.text()?, &row.text()?))
}

fn of_settings(names: &str, commit: &str) -> Durability {
    let problem = match (names.trim(), commit) {
        ("", _) => "`synchronous_standby_names` is empty: name a standby".to_owned(),
        (names, "on" | "remote_apply") => {
            let names = names.to_owned();
            return Durability::Standby { names };
        }
        (_, commit) => format!("`synchronous_commit` is {commit}: set it to `on`"),
    };
    Durability::Server { problem }
}

#[cfg(test)]
mod tests {
    use super::{Durability, of_settings};

    #[test]
    fn a_standby_has_to_be_named_and_waited_for() {
        for (names, commit) in [
            ("", "on"),
            (" ", "remote_apply"),
            ("*", "off"),
            ("*", "local"),
            ("*", "remote_write"),
            ("*", "new"),
        ] {
            let found = of_settings(names, commit);
            assert!(matches!(found, Durability::Server { .. }), "{found:?}");
        }
        for commit in ["on", "remote_apply"] {
            let names = "ANY 1 (a, b)".to_owned();
            assert_eq!(of_settings(&names, commit), Durability::Standby { names });
        }
    }
}
