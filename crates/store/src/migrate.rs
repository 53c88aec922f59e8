//! Numbered migrations, which run by themselves and refuse a newer database; and what a new database begins with.

use crate::seal::Place;
use crate::session::{Dialect, Session};
use crate::{SealingKey, StoreError, random};

/// Steps from an empty database to the newest schema: the first makes schema 1.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        both: include_str!("migrations/0001.sql"),
        sqlite: include_str!("migrations/0001.sqlite.sql"),
        postgres: include_str!("migrations/0001.postgres.sql"),
    },
    Migration {
        both: include_str!("migrations/0002.sql"),
        sqlite: "",
        postgres: "",
    },
];

const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);";

/// One step of the schema.
pub(crate) struct Migration {
    both: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Newest schema that this program knows.
pub(crate) fn newest() -> u64 {
    MIGRATIONS.len().try_into().unwrap_or(u64::MAX)
}

/// Brings the database from its schema to the newest of `migrations`, in the transaction that is open.
pub(crate) fn migrate(
    session: &mut dyn Session,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    session.batch(&in_dialect(session.dialect(), META))?;
    let known = u64::try_from(migrations.len()).unwrap_or(u64::MAX);
    let found = schema(session)?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for migration in migrations.iter().skip(done) {
        let dialect = session.dialect();
        session.batch(&in_dialect(dialect, migration.both))?;
        match dialect {
            Dialect::Sqlite => session.batch(migration.sqlite)?,
            Dialect::Postgres => session.batch(migration.postgres)?,
        }
    }
    if found < known {
        set(session, "schema", &known.to_string())?;
    }
    Ok(())
}

/// Checks the sealing key against the database, or writes down a proof of it; returns the random id of this store.
pub(crate) fn identify(session: &mut dyn Session, key: &SealingKey) -> Result<String, StoreError> {
    match get(session, "seal_check")? {
        Some(sealed) => check_key(key, &sealed)?,
        None => set(
            session,
            "seal_check",
            &key.seal(&KEY_CHECK, KEY_CHECK_TEXT)?,
        )?,
    }
    if let Some(id) = get(session, "store_id")? {
        return Ok(id);
    }
    let id = random::upper("", 26)?;
    set(session, "store_id", &id)?;
    Ok(id)
}

/// Refuses a key that does not open the proof that a database was made with.
pub(crate) fn check_key(key: &SealingKey, sealed: &str) -> Result<(), StoreError> {
    let opened = key.open(&KEY_CHECK, sealed);
    let same = opened.is_some_and(|text| text.expose() == KEY_CHECK_TEXT);
    same.then_some(()).ok_or(StoreError::WrongKey)
}

const KEY_CHECK: Place<'_> = Place {
    kind: "",
    id: "meta",
    pointer: "seal_check",
};
const KEY_CHECK_TEXT: &str = "privet";

/// Returns a value of the table `meta`.
pub(crate) fn get(session: &mut dyn Session, name: &str) -> Result<Option<String>, StoreError> {
    let row = session.query_first("SELECT value FROM meta WHERE name = $1", vec![name.into()])?;
    row.map(|mut row| row.text()).transpose()
}

fn schema(session: &mut dyn Session) -> Result<u64, StoreError> {
    let Some(text) = get(session, "schema")? else {
        return Ok(0);
    };
    text.parse()
        .map_err(|_| StoreError::damaged("the schema is not a number"))
}

/// Sets a value of the table `meta`.
pub(crate) fn set(session: &mut dyn Session, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.execute(sql, vec![name.into(), value.into()])?;
    Ok(())
}

/// PostgreSQL sorts texts by its locale unless told otherwise; SQLite by bytes, which is what pages rely on.
fn in_dialect(dialect: Dialect, sql: &str) -> String {
    match dialect {
        Dialect::Sqlite => sql.to_owned(),
        Dialect::Postgres => sql.replace(" TEXT", " TEXT COLLATE \"C\""),
    }
}

#[cfg(test)]
mod tests {
    use super::{META, Migration, get, migrate};
    use crate::StoreError;
    use crate::engine::SessionUse;
    use crate::session::{Mode, Session};
    use crate::sqlite::SqliteSession;

    const FIRST: Migration = step("CREATE TABLE first (id TEXT NOT NULL);");
    const SECOND: Migration = step("ALTER TABLE first ADD COLUMN more TEXT;");
    const BROKEN: Migration = step("CREATE TABLE third (id TEXT); NONSENSE;");

    const fn step(both: &'static str) -> Migration {
        Migration {
            both,
            sqlite: "",
            postgres: "",
        }
    }

    /// Migrates in a transaction, as a store does.
    fn run(session: &mut dyn Session, migrations: &[Migration]) -> Result<(), StoreError> {
        session.begin(Mode::Prepare)?;
        let outcome = migrate(session, migrations).and_then(|()| session.commit());
        session.rollback();
        outcome
    }

    fn schema(session: &mut dyn Session) -> Option<String> {
        session.begin(Mode::Read).unwrap();
        session.batch(META).unwrap();
        get(session, "schema").unwrap()
    }

    #[test]
    fn each_step_is_made_once_and_whole() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let session: &mut dyn Session = &mut SqliteSession::new(&path, SessionUse::Write);
        let broken = run(session, &[FIRST, BROKEN]);
        assert!(
            matches!(broken, Err(StoreError::Failed { .. })),
            "{broken:?}"
        );
        assert_eq!(schema(session), None);

        run(session, &[FIRST]).unwrap();
        assert_eq!(schema(session).as_deref(), Some("1"));
        let broken = run(session, &[FIRST, SECOND, BROKEN]);
        assert!(
            matches!(broken, Err(StoreError::Failed { .. })),
            "{broken:?}"
        );
        assert_eq!(schema(session).as_deref(), Some("1"));
        run(session, &[FIRST, SECOND]).unwrap();
        run(session, &[FIRST, SECOND]).unwrap();
        assert_eq!(schema(session).as_deref(), Some("2"));
        session
            .batch("INSERT INTO first (id, more) VALUES ('a', 'b')")
            .unwrap();

        let (found, known) = (2, 1);
        assert_eq!(
            run(session, &[FIRST]),
            Err(StoreError::Newer { found, known })
        );
    }
}
