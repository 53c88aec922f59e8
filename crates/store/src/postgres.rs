//! PostgreSQL behind [`Session`]: one connection, driven by the thread that uses it.

mod connect;
mod listen;
mod value;

pub(crate) use connect::Connector;
pub(crate) use listen::listen;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use crate::identity::Identity;
use crate::session::{Cell, Dialect, Mode, Row, Session};
use crate::{StoreError, random};

/// Longest wait for an answer: more than the server's own limit for a statement.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// Longest time in which the server is asked what became of a commit: until the lost connection's transaction has
/// ended by the server's own limits.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(40);
const RESOLVE_PAUSE: Duration = Duration::from_millis(200);
/// Statements in flight at a time.
const PIPELINED_MAX: usize = 256;
const STATEMENTS_CACHED_MAX: usize = 256;

/// Lock that every writer of the database takes first, and holds until it has committed.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7308335460934677865)";
const BEGIN_CHANGE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// The server may end the wait for its standby by this limit, and report success: so there is none for a commit.
const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";
const BEGIN_SNAPSHOT: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";

const SWEEP: &str =
    "DELETE FROM attempts WHERE at < CAST(extract(epoch FROM now()) AS BIGINT) - 604800";

/// Connection to a PostgreSQL database.
pub(crate) struct PostgresSession {
    connector: Connector,
    identity: Arc<Identity>,
    runtime: Runtime,
    connected: Option<Connected>,
    /// Random name of this session in the table of attempts.
    writer: String,
    /// Attempt that the open transaction is known by, if it is one that writes.
    attempt: Option<String>,
    swept: Swept,
}

/// Whether attempts of programs that ended long ago were removed.
#[derive(PartialEq, Eq)]
enum Swept {
    Yes,
    No,
}

struct Connected {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl PostgresSession {
    pub(crate) fn new(connector: Connector, identity: Arc<Identity>) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            connector,
            identity,
            runtime: runtime.map_err(|error| StoreError::Failed {
                cause: error.to_string(),
            })?,
            connected: None,
            writer: random::upper("", 26)?,
            attempt: None,
            swept: Swept::No,
        })
    }

    /// Connects unless there is a connection that nothing is known against.
    fn connect(&mut self) -> Result<(), StoreError> {
        let usable = self.connected.as_ref();
        if usable.is_some_and(|connected| !connected.client.is_closed()) {
            return Ok(());
        }
        self.connected = None;
        let connector = &self.connector;
        let client = self.runtime.block_on(async {
            let (client, connection) = connector.connect().await?;
            tokio::spawn(connection);
            connect::set_up(&client).await?;
            Ok(client)
        })?;
        self.connected = Some(Connected {
            client,
            statements: HashMap::new(),
        });
        let checked = self.identity.clone().check_connection(self);
        if checked.is_err() {
            self.connected = None;
        }
        checked
    }

    /// Waits for what `ask` asks; a connection that fails or does not answer is given up.
    fn ask<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Connected) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let connected = self.connected.as_mut().ok_or_else(not_connected)?;
        let answer = self
            .runtime
            .block_on(async { timeout(ANSWER_TIMEOUT, ask(connected)).await });
        let answer = match answer {
            Ok(answer) => answer.map_err(|error| failure(&error)),
            Err(_) => Err(StoreError::Unreachable {
                cause: "the server does not answer".to_owned(),
            }),
        };
        if let Err(StoreError::Unreachable { .. }) = &answer {
            self.connected = None;
        }
        answer
    }

    fn begin_change(&mut self) -> Result<(), StoreError> {
        let attempt = random::upper("", 26)?;
        // Both are letters and digits alone.
        let note = format!(
            "INSERT INTO attempts (writer, attempt, at) \
             VALUES ('{}', '{attempt}', CAST(extract(epoch FROM now()) AS BIGINT)) \
             ON CONFLICT (writer) DO UPDATE SET attempt = excluded.attempt, at = excluded.at",
            self.writer
        );
        let first = self.swept == Swept::No;
        let sweep = if first { SWEEP } else { "" };
        self.batch(&format!("{BEGIN_CHANGE}; {LOCK}; {note}; {sweep}"))?;
        self.swept = Swept::Yes;
        self.attempt = Some(attempt);
        Ok(())
    }

    /// Asks a new connection whether the attempt was committed.
    ///
    /// The lost connection's transaction holds the lock until it has ended, however it ends: whoever has the lock
    /// sees what became of it.
    fn resolve(&mut self, attempt: &str) -> Result<(), StoreError> {
        let begun = Instant::now();
        let asked = self.identity.id();
        loop {
            let noted = self.is_noted(attempt);
            if self.identity.id() != asked {
                // Another database cannot know.
                return Err(StoreError::Unknown);
            }
            match noted {
                Ok(Noted::Yes) => return Ok(()),
                Ok(Noted::No) => {
                    return Err(StoreError::Unreachable {
                        cause: "the connection was lost before the commit".to_owned(),
                    });
                }
                Err(_) if begun.elapsed() < RESOLVE_TIMEOUT => {
                    self.rollback();
                    let pause = async { tokio::time::sleep(RESOLVE_PAUSE).await };
                    self.runtime.block_on(pause);
                }
                Err(_) => return Err(StoreError::Unknown),
            }
        }
    }

    fn is_noted(&mut self, attempt: &str) -> Result<Noted, StoreError> {
        self.connect()?;
        self.batch(&format!("{BEGIN_CHANGE}; {LOCK}"))?;
        let writer = Cell::from(&self.writer);
        let session: &mut dyn Session = self;
        let sql = "SELECT attempt FROM attempts WHERE writer = $1";
        let row = session.query_first(sql, vec![writer.clone()])?;
        let noted = row.map(|mut row| row.text()).transpose()?;
        if noted.as_deref() != Some(attempt) {
            self.batch("ROLLBACK")?;
            return Ok(Noted::No);
        }
        // A commit that was interrupted while it waited for its standby is seen before the standby has it. This one
        // waits for the standby too, which has all that came before it then.
        let session: &mut dyn Session = self;
        session.execute(
            "UPDATE attempts SET at = at WHERE writer = $1",
            vec![writer],
        )?;
        self.batch(COMMIT)?;
        Ok(Noted::Yes)
    }
}

enum Noted {
    Yes,
    No,
}

impl Session for PostgresSession {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.connect()?;
        self.attempt = None;
        match mode {
            Mode::Read => Ok(()),
            Mode::Snapshot => self.batch(BEGIN_SNAPSHOT),
            Mode::Prepare => self.batch(&format!("{BEGIN_CHANGE}; {LOCK}")),
            Mode::Change => self.begin_change(),
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let outcome = self.batch(COMMIT);
        match (&outcome, self.attempt.take()) {
            (Err(StoreError::Unreachable { .. }), Some(attempt)) => self.resolve(&attempt),
            (Ok(()) | Err(_), _) => outcome,
        }
    }

    fn rollback(&mut self) {
        self.attempt = None;
        if self.connected.is_some() && self.batch("ROLLBACK").is_err() {
            // The server undoes what a connection that ends has not committed.
            self.connected = None;
        }
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.ask(async |connected| connected.client.batch_execute(sql).await)
    }

    fn execute_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<u64>, StoreError> {
        let mut touched = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINED_MAX) {
            let counts = self.ask(async |connected| {
                let statement = connected.prepared(sql).await?;
                let client = &connected.client;
                let sent = rows.iter().map(|parameters| async {
                    client.execute(&statement, &borrowed(parameters)).await
                });
                try_join_all(sent).await
            });
            touched.extend(counts?);
        }
        Ok(touched)
    }

    fn query_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut answers = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINED_MAX) {
            let found = self.ask(async |connected| {
                let statement = connected.prepared(sql).await?;
                let client = &connected.client;
                let sent = rows.iter().map(|parameters| async {
                    let rows = client.query(&statement, &borrowed(parameters)).await?;
                    rows.iter()
                        .map(value::row)
                        .collect::<Result<Vec<Row>, Error>>()
                });
                try_join_all(sent).await
            });
            answers.extend(found?);
        }
        Ok(answers)
    }

    fn each_row(
        &mut self,
        sql: &str,
        parameters: &[Cell],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.ask(async |connected| {
            let statement = connected.prepared(sql).await?;
            connected.client.query_raw(&statement, parameters).await
        })?;
        let mut rows = pin!(rows);
        while let Some(row) = self.ask(async |_| rows.try_next().await)? {
            each(value::row(&row).map_err(|error| failure(&error))?)?;
        }
        Ok(())
    }

    fn notify(&mut self, change: u64) -> Result<(), StoreError> {
        self.batch(&format!("SELECT pg_notify('privet_changes', '{change}')"))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
}

impl Connected {
    async fn prepared(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        if self.statements.len() >= STATEMENTS_CACHED_MAX {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn borrowed(parameters: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    let parameters = parameters.iter();
    parameters.map(|cell| cell as &(dyn ToSql + Sync)).collect()
}

fn not_connected() -> StoreError {
    StoreError::Unreachable {
        cause: "there is no connection".to_owned(),
    }
}

/// As [`failure`], for a connection that is being made. A server that takes none now may take one later: it does not
/// accept connections to the database (55000), or has not enough memory, files or disk for one (53, 58). What the URL
/// has wrong (role, password, database) stays a refusal.
fn connect_failure(error: &Error) -> StoreError {
    let code = error.code().map_or("", SqlState::code);
    let may_pass = code == "55000" || code.starts_with("53") || code.starts_with("58");
    let refusal = failure(error);
    if let (true, StoreError::Failed { cause }) = (may_pass, &refusal) {
        return StoreError::Unreachable {
            cause: cause.clone(),
        };
    }
    refusal
}

/// Tells lost connections and overloaded servers, which may be asked again, from refusals.
pub(crate) fn failure(error: &Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        let mut cause = error.to_string();
        if let Some(source) = std::error::Error::source(error) {
            cause = format!("{cause}: {source}");
        }
        return StoreError::Unreachable { cause };
    };
    let cause = answer.message().to_owned();
    match answer.code().code() {
        // Shutting down, starting, too many connections, a standby that took the primary's place.
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006" | "25P03" => {
            StoreError::Unreachable { cause }
        }
        // A limit of time, by the server's settings or ours.
        "57014" | "55P03" | "40001" | "40P01" => StoreError::Busy,
        code if code.starts_with("08") => StoreError::Unreachable { cause },
        _ => StoreError::Failed { cause },
    }
}
