//! Reading the file of a backup, line by line, and putting it back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::file::{BackupSummary, Header, failed};
use super::{Rows, TABLES, Table};
use crate::limits::BACKUP_LINE_BYTES_MAX;
use crate::seal::hex;
use crate::session::{Cell, Session};
use crate::{SealingKey, StoreError, migrate};

/// Rows that are written together.
const ROWS: usize = 500;

/// Puts a backup into an empty store, in the transaction that is open.
pub(super) fn restore(
    session: &mut dyn Session,
    key: &SealingKey,
    from: &Path,
) -> Result<BackupSummary, StoreError> {
    let (header, checked) = read(from, &mut |_, _| Ok(()))?;
    migrate::check_key(key, &header.seal_check)?;
    refuse_full(session)?;
    // The file is read again, and its digest taken again: what is put back is what was checked.
    let mut waiting: Rows = Vec::new();
    let mut table_of_waiting = None;
    let (_, restored) = read(from, &mut |table, cells| {
        let same = table_of_waiting.is_some_and(|waiting: &Table| waiting.name == table.name);
        if !same || waiting.len() == ROWS {
            store(session, table_of_waiting, &mut waiting)?;
        }
        table_of_waiting = Some(table);
        waiting.push(cells);
        Ok(())
    })?;
    store(session, table_of_waiting, &mut waiting)?;
    if restored != checked {
        return Err(damaged("it was changed while it was read"));
    }
    Ok(restored)
}

fn store(
    session: &mut dyn Session,
    table: Option<&Table>,
    rows: &mut Rows,
) -> Result<(), StoreError> {
    if let Some(table) = table {
        session.execute_many(&table.insert(), rows)?;
    }
    rows.clear();
    Ok(())
}

fn refuse_full(session: &mut dyn Session) -> Result<(), StoreError> {
    for table in TABLES {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS one",
            table.name
        );
        let row = session.query_first(&sql, Vec::new())?;
        if row.map_or(Ok(0), |mut row| row.count())? > 0 {
            return Err(StoreError::NotEmpty);
        }
    }
    Ok(())
}

/// Passes on all rows of a backup. What it returns is only there if the file is whole.
pub(super) fn read(
    from: &Path,
    each: &mut dyn FnMut(&'static Table, Vec<Cell>) -> Result<(), StoreError>,
) -> Result<(Header, BackupSummary), StoreError> {
    let mut lines = Lines::open(from)?;
    let first = lines.next()?;
    let header = first.as_ref().and_then(Header::from_json);
    let mut header = header
        .ok_or_else(|| damaged("its first line is not one of a backup that this program knows"))?;
    let known = migrate::newest();
    if header.schema > known {
        let found = header.schema;
        return Err(StoreError::Newer { found, known });
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for table in TABLES {
        counts.insert(table.name.to_owned(), 0);
        if header.schema < known {
            // A backup of an older schema knows fewer tables.
            header.counts.entry(table.name.to_owned()).or_default();
        }
    }
    loop {
        let before = lines.digest();
        let line = lines.next()?;
        let line = line.ok_or_else(|| damaged("its end is missing"))?;
        if let Some(sha256) = line.get("sha256") {
            if *sha256 != before.as_str() || counts != header.counts || lines.next()?.is_some() {
                return Err(damaged("its lines are not those that were written"));
            }
            return Ok((header.clone(), header.summary(before)));
        }
        let (table, cells) = row(line).ok_or_else(|| damaged(&format!("line {}", lines.number)))?;
        *counts.entry(table.name.to_owned()).or_default() += 1;
        each(table, cells)?;
    }
}

fn row(line: Value) -> Option<(&'static Table, Vec<Cell>)> {
    let Value::Array(values) = line else {
        return None;
    };
    let mut values = values.into_iter();
    let name = values.next()?;
    let table = TABLES.iter().find(|table| name == table.name)?;
    let cells = values.map(|value| match value {
        Value::Null => Some(Cell::Null),
        Value::Number(number) => number.as_i64().map(Cell::Number),
        Value::String(text) => Some(Cell::Text(text)),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    let cells: Vec<Cell> = cells.collect::<Option<_>>()?;
    (cells.len() == table.columns.len()).then_some((table, cells))
}

/// Lines of a file with the digest of those that were read.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
    digest: Context,
    number: u64,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| failed(path, &error))?;
        Ok(Self {
            path,
            file: BufReader::new(file),
            digest: Context::new(&SHA256),
            number: 0,
        })
    }

    /// Returns the next line, or `None` at the end of the file.
    fn next(&mut self) -> Result<Option<Value>, StoreError> {
        let mut line = Vec::new();
        let limit = u64::try_from(BACKUP_LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = self.file.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(|error| failed(self.path, &error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.digest.update(&line);
        let value = serde_json::from_slice(&line);
        let value = value.map_err(|_| damaged(&format!("line {}", self.number)))?;
        Ok(Some(value))
    }

    fn digest(&self) -> String {
        hex(self.digest.clone().finish().as_ref())
    }
}

fn damaged(cause: &str) -> StoreError {
    StoreError::BackupDamaged {
        cause: cause.to_owned(),
    }
}
