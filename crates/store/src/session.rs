//! The trait behind which the two databases stand: one connection, used by one thread.
//!
//! Statements are written once, with `$1` placeholders, and know TEXT and BIGINT alone.

use crate::StoreError;

/// One connection to a database, which connects by itself when it is needed.
pub(crate) trait Session: Send {
    /// Begins what `mode` says, after connecting if there is no connection.
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError>;
    /// Commits. `Unreachable` means that nothing was committed, `Unknown` that nobody knows.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Gives up what was begun.
    fn rollback(&mut self);
    /// Runs several statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<(), StoreError>;
    /// Runs one statement once for each row of parameters; returns the rows touched by each.
    fn execute_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<u64>, StoreError>;
    /// Runs one query once for each row of parameters.
    fn query_many(&mut self, sql: &str, rows: &[Vec<Cell>]) -> Result<Vec<Vec<Row>>, StoreError>;
    /// Runs one query and passes on its rows one by one, of which there may be more than fit into memory.
    fn each_row(
        &mut self,
        sql: &str,
        parameters: &[Cell],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
    /// Tells other processes of a change, when and if the transaction is committed.
    fn notify(&mut self, change: u64) -> Result<(), StoreError>;
    /// Database that this is a connection to.
    fn dialect(&self) -> Dialect;
}

impl dyn Session + '_ {
    pub(crate) fn execute(&mut self, sql: &str, parameters: Vec<Cell>) -> Result<u64, StoreError> {
        let touched = self.execute_many(sql, &[parameters])?;
        Ok(touched.into_iter().sum())
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        parameters: Vec<Cell>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut answers = self.query_many(sql, &[parameters])?;
        Ok(answers.pop().unwrap_or_default())
    }

    pub(crate) fn query_first(
        &mut self,
        sql: &str,
        parameters: Vec<Cell>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }
}

/// Kind of work that a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Single statements without a transaction.
    Read,
    /// Reading in one transaction that sees one state of the database.
    Snapshot,
    /// Writing in one transaction, one writer of the whole database after the other.
    ///
    /// Every writer waits for the one before it to be committed before its first statement reads. So the order of
    /// change numbers is the order of commits, and READ COMMITTED is enough: no row that a writer has read can be
    /// changed by another before it commits.
    Change,
    /// As `Change`, before the tables are known to exist.
    Prepare,
}

/// Database behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Value of a column or of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Text(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Cell {
    /// Numbers of rows and versions, which begin at 1: none comes near the end of `i64`.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Row of an answer, read from its first column to its last.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Cell>);

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    pub(crate) fn cells(self) -> Vec<Cell> {
        self.0.collect()
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.maybe_text()?.ok_or_else(|| unexpected("no text"))
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Number(_)) => Err(unexpected("a number in place of a text")),
            None => Err(unexpected("too few columns")),
        }
    }

    pub(crate) fn number(&mut self) -> Result<i64, StoreError> {
        self.maybe_number()?.ok_or_else(|| unexpected("no number"))
    }

    pub(crate) fn maybe_number(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Cell::Number(number)) => Ok(Some(number)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(_)) => Err(unexpected("a text in place of a number")),
            None => Err(unexpected("too few columns")),
        }
    }

    pub(crate) fn count(&mut self) -> Result<u64, StoreError> {
        let number = self.number()?;
        u64::try_from(number).map_err(|_| unexpected("a negative count"))
    }

    pub(crate) fn maybe_count(&mut self) -> Result<Option<u64>, StoreError> {
        let number = self.maybe_number()?;
        number
            .map(|number| u64::try_from(number).map_err(|_| unexpected("a negative count")))
            .transpose()
    }
}

fn unexpected(problem: &str) -> StoreError {
    StoreError::damaged(format!("a row has {problem}"))
}
