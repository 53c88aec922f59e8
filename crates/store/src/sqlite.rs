//! SQLite behind [`Session`], and the thread that notices what other processes have changed.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ToSql};
use tokio::sync::watch;

use crate::StoreError;
use crate::engine::{SessionUse, tell};
use crate::identity::Identity;
use crate::session::{Cell, Dialect, Mode, Row, Session};

/// Longest wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two questions whether another process has written.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const STATEMENTS_CACHED: usize = 128;

/// Connection to a SQLite file.
pub(crate) struct SqliteSession {
    path: PathBuf,
    session_use: SessionUse,
    /// Database that has to be found by each new connection; `None` for a replica, which is a copy.
    identity: Option<Arc<Identity>>,
    connection: Option<Connection>,
    /// File that the connection is to: another may have taken its name.
    file: Option<FileId>,
}

/// Device and number of a file, which it keeps under every name.
type FileId = (u64, u64);

impl SqliteSession {
    pub(crate) fn new(path: &Path, session_use: SessionUse) -> Self {
        Self {
            path: path.to_owned(),
            session_use,
            identity: None,
            connection: None,
            file: None,
        }
    }

    /// Has the database behind each new connection checked.
    pub(crate) fn checked_by(mut self, identity: Arc<Identity>) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Connects unless there is a connection to the file that has this name now.
    fn connect(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() && self.file == Some(file_id(&self.path)?) {
            return Ok(());
        }
        self.connection = None;
        match self.session_use {
            SessionUse::Write => create_private(&self.path)?,
            SessionUse::Read | SessionUse::Glance => {}
        }
        // Looked at first: one that takes its name meanwhile is noticed by the next look.
        self.file = Some(file_id(&self.path)?);
        self.connection = Some(connect(&self.path, self.session_use)?);
        let identity = self.identity.clone();
        let checked = identity.map_or(Ok(()), |identity| identity.check_connection(self));
        if checked.is_err() {
            self.connection = None;
        }
        checked
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Unreachable {
                cause: "the file is not open".to_owned(),
            })
    }
}

impl Session for SqliteSession {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.connect()?;
        match mode {
            Mode::Read => Ok(()),
            Mode::Snapshot => self.batch("BEGIN"),
            Mode::Change | Mode::Prepare => self.batch("BEGIN IMMEDIATE"),
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("COMMIT")
    }

    fn rollback(&mut self) {
        let open = self
            .connection
            .as_ref()
            .filter(|open| !open.is_autocommit());
        if let Some(open) = open
            && open.execute_batch("ROLLBACK").is_err()
        {
            // A new connection has no transaction; this one's is undone with it.
            self.connection = None;
        }
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection()?
            .execute_batch(sql)
            .map_err(|error| failure(&error))
    }

    fn execute_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<u64>, StoreError> {
        let connection = self.connection()?;
        let mut statement = connection
            .prepare_cached(sql)
            .map_err(|error| failure(&error))?;
        let touched = rows.iter().map(|parameters| {
            bind(&mut statement, parameters)?;
            let count = statement.raw_execute()?;
            Ok(u64::try_from(count).unwrap_or(u64::MAX))
        });
        touched
            .collect::<Result<_, rusqlite::Error>>()
            .map_err(|error| failure(&error))
    }

    fn query_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let connection = self.connection()?;
        let mut statement = connection
            .prepare_cached(sql)
            .map_err(|error| failure(&error))?;
        let mut answers = Vec::with_capacity(rows.len());
        for parameters in rows {
            let mut answer = Vec::new();
            read(&mut statement, parameters, &mut |row| {
                answer.push(row);
                Ok(())
            })?;
            answers.push(answer);
        }
        Ok(answers)
    }

    fn each_row(
        &mut self,
        sql: &str,
        parameters: &[Cell],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let mut statement = connection
            .prepare_cached(sql)
            .map_err(|error| failure(&error))?;
        read(&mut statement, parameters, each)
    }

    fn notify(&mut self, _change: u64) -> Result<(), StoreError> {
        // Other processes look at `PRAGMA data_version`.
        Ok(())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

/// Opens a file that exists.
pub(crate) fn connect(path: &Path, session_use: SessionUse) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::default();
    flags.remove(OpenFlags::SQLITE_OPEN_CREATE);
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(&error))?;
    let busy_timeout = match session_use {
        SessionUse::Write | SessionUse::Read => BUSY_TIMEOUT,
        SessionUse::Glance => Duration::ZERO,
    };
    connection
        .busy_timeout(busy_timeout)
        .map_err(|error| failure(&error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Without this a statement with a parameter behind LIMIT is compiled again whenever that is bound.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| failure(&error))?;
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                    PRAGMA trusted_schema = OFF;";
    connection
        .execute_batch(settings)
        .map_err(|error| failure(&error))?;
    match session_use {
        SessionUse::Write => {}
        SessionUse::Read | SessionUse::Glance => connection
            .execute_batch("PRAGMA query_only = ON")
            .map_err(|error| failure(&error))?,
    }
    Ok(connection)
}

/// Says that something was changed, by this process or another, until the other end of `stop` is gone.
pub(crate) fn look_for_changes(path: &Path, changes: &watch::Sender<u64>, stop: &Receiver<()>) {
    let mut connection = None;
    let mut file = None;
    let mut seen = None;
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(LOOK_INTERVAL) {
        let now = file_id(path).ok();
        if now != file {
            (connection, file, seen) = (None, now, None);
        }
        if now.is_none() {
            continue;
        }
        if connection.is_none() {
            connection = connect(path, SessionUse::Read).ok();
        }
        let Some(open) = &connection else { continue };
        match look(open, seen) {
            Ok(Look::Same) => {}
            Ok(Look::Changed { version, change }) => {
                seen = Some(version);
                tell(changes, change);
            }
            Err(_) => connection = None,
        }
    }
}

enum Look {
    Same,
    Changed { version: i64, change: u64 },
}

fn look(connection: &Connection, seen: Option<i64>) -> Result<Look, rusqlite::Error> {
    let version = connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
    if seen == Some(version) {
        return Ok(Look::Same);
    }
    let mut statement = connection.prepare_cached("SELECT COALESCE(MAX(seq), 0) FROM changes")?;
    let change: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(Look::Changed {
        version,
        change: u64::try_from(change).unwrap_or(0),
    })
}

fn file_id(path: &Path) -> Result<FileId, StoreError> {
    let metadata = fs::metadata(path).map_err(|error| file_failure(path, &error))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Makes the file with mode 0600 unless it exists, which SQLite gives to its `-wal` and `-shm` as well.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    let private = file.and_then(|file| match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => fs::set_permissions(path, Permissions::from_mode(0o600)),
    });
    private.map_err(|error| file_failure(path, &error))
}

fn file_failure(path: &Path, error: &io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}

fn read(
    statement: &mut Statement<'_>,
    parameters: &[Cell],
    each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    bind(statement, parameters).map_err(|error| failure(&error))?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| failure(&error))? {
        let cells =
            (0..columns).map(|column| cell(row.get_ref(column).map_err(|error| failure(&error))?));
        each(Row::new(cells.collect::<Result<_, _>>()?))?;
    }
    Ok(())
}

/// Binds `$1`, `$2` and so on, which SQLite takes for names and numbers by their first use.
fn bind(statement: &mut Statement<'_>, parameters: &[Cell]) -> Result<(), rusqlite::Error> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index);
        let number = name.and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let parameter = number.and_then(|number| parameters.get(number.checked_sub(1)?));
        let parameter = parameter.ok_or(rusqlite::Error::InvalidParameterCount(
            index,
            parameters.len(),
        ))?;
        statement.raw_bind_parameter(index, parameter)?;
    }
    Ok(())
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Result<Cell, StoreError> {
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Number(number)),
        ValueRef::Text(bytes) => str::from_utf8(bytes)
            .map(Cell::from)
            .map_err(|_| StoreError::damaged("a text is not UTF-8")),
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(StoreError::damaged("a column has a type of no table"))
        }
    }
}

pub(crate) fn failure(error: &rusqlite::Error) -> StoreError {
    let code = error.sqlite_error_code();
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::damaged(error.to_string())
        }
        Some(_) | None => StoreError::Failed {
            cause: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        create_private(&path).unwrap();
        let connection = connect(&path, SessionUse::Write).unwrap();
        connection
            .execute_batch("CREATE TABLE things (id TEXT PRIMARY KEY)")
            .unwrap();
        let sql = "SELECT id FROM things WHERE id > $1 ORDER BY id LIMIT $2";
        let mut statement = connection.prepare(sql).unwrap();
        for limit in 1..4 {
            let parameters = [Cell::from(""), Cell::from(i64::from(limit))];
            read(&mut statement, &parameters, &mut |_| Ok(())).unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
