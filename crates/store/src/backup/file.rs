//! Writing the file of a backup: under a temporary name, on disk before it gets its own.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::Table;
use crate::seal::hex;
use crate::session::Cell;
use crate::{StoreError, Timestamp, random};

pub(super) const FORMAT: &str = "privet-backup";
pub(super) const FORMAT_VERSION: u64 = 1;

/// What a backup has in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// Schema of the store that it was made of.
    pub schema: u64,
    /// Random id of that store.
    pub store_id: String,
    /// Time at which it was made.
    pub at: Timestamp,
    /// Rows by table.
    pub counts: BTreeMap<String, u64>,
    /// SHA-256 of all lines but the last, in hexadecimal digits.
    pub sha256: String,
}

/// First line of a backup.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) schema: u64,
    pub(super) store_id: String,
    pub(super) seal_check: String,
    pub(super) at: Timestamp,
    pub(super) counts: BTreeMap<String, u64>,
}

impl Header {
    fn to_json(&self) -> Value {
        json!({
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "schema": self.schema,
            "store_id": self.store_id,
            "seal_check": self.seal_check,
            "at": self.at.seconds(),
            "counts": self.counts,
        })
    }

    /// Reads the first line; `None` where it is not one.
    pub(super) fn from_json(line: &Value) -> Option<Self> {
        let known = line.get("format")? == FORMAT && line.get("format_version")? == FORMAT_VERSION;
        let text = |name: &str| line.get(name)?.as_str().map(str::to_owned);
        let counts = line.get("counts")?.as_object()?.iter();
        known.then_some(())?;
        Some(Self {
            schema: line.get("schema")?.as_u64()?,
            store_id: text("store_id")?,
            seal_check: text("seal_check")?,
            at: Timestamp::from_seconds(line.get("at")?.as_i64()?),
            counts: counts
                .map(|(table, count)| Some((table.clone(), count.as_u64()?)))
                .collect::<Option<_>>()?,
        })
    }

    pub(super) fn summary(self, sha256: String) -> BackupSummary {
        BackupSummary {
            schema: self.schema,
            store_id: self.store_id,
            at: self.at,
            counts: self.counts,
            sha256,
        }
    }
}

/// Backup that is being written. One that is not finished is removed.
pub(super) struct BackupFile {
    to: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    digest: Context,
}

impl BackupFile {
    pub(super) fn create(to: &Path, header: &Header) -> Result<Self, StoreError> {
        let mut name = to.as_os_str().to_owned();
        name.push(format!(".{}.tmp", random::upper("", 12)?));
        let temporary = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary);
        let mut backup = Self {
            to: to.to_owned(),
            file: BufWriter::new(file.map_err(|error| failed(&temporary, &error))?),
            temporary,
            digest: Context::new(&SHA256),
        };
        backup.line(&header.to_json())?;
        Ok(backup)
    }

    /// Writes a row of a table: its name, and the values of its columns.
    pub(super) fn row(&mut self, table: &Table, cells: Vec<Cell>) -> Result<(), StoreError> {
        let values = cells.into_iter().map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Number(number) => number.into(),
            Cell::Text(text) => text.into(),
        });
        let line = [Value::from(table.name)].into_iter().chain(values);
        self.line(&Value::Array(line.collect()))
    }

    /// Writes the digest, and gives the file its name once it is on disk.
    pub(super) fn finish(mut self, header: Header) -> Result<BackupSummary, StoreError> {
        let sha256 = hex(self.digest.clone().finish().as_ref());
        self.line(&json!({ "sha256": sha256 }))?;
        let renamed = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.to))
            .and_then(|()| sync_folder(&self.to));
        renamed.map_err(|error| failed(&self.to, &error))?;
        Ok(header.summary(sha256))
    }

    fn line(&mut self, line: &Value) -> Result<(), StoreError> {
        let line = format!("{line}\n");
        self.digest.update(line.as_bytes());
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| failed(&self.temporary, &error))
    }
}

impl Drop for BackupFile {
    fn drop(&mut self) {
        // It is there no more where it has got its name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes the new name itself last.
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}
