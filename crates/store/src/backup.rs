//! One file with everything that a store has: made from one state of it, checked whole before it is put back.
//!
//! JSON lines: a header, one line for each row, and the SHA-256 of all lines before it. Secrets stay sealed: they are
//! of no use without the sealing key.

mod file;
mod restore;

pub use file::BackupSummary;

use std::path::Path;

use crate::session::{Cell, Session};
use crate::{Store, StoreError, Timestamp, migrate};

use file::{BackupFile, Header};

/// Table of a backup, with the columns in the order in which they stand in its lines.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
}

/// All tables, those that others refer to first.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "documents",
        columns: &[
            "kind",
            "id",
            "version",
            "etag",
            "body",
            "created_at",
            "updated_at",
            "made_by",
        ],
    },
    Table {
        name: "versions",
        columns: &[
            "kind",
            "id",
            "number",
            "etag",
            "body",
            "at",
            "made_by",
            "operation",
        ],
    },
    Table {
        name: "document_references",
        columns: &["kind", "id", "to_kind", "to_id"],
    },
    Table {
        name: "claims",
        columns: &["name", "kind", "id"],
    },
    Table {
        name: "changes",
        columns: &["seq", "at", "kind", "id", "version", "operation"],
    },
    Table {
        name: "operators",
        columns: &["name", "role", "scope", "disabled", "created_at"],
    },
    Table {
        name: "access_keys",
        columns: &[
            "id",
            "operator",
            "secret",
            "created_at",
            "expires_at",
            "disabled",
            "last_used_at",
        ],
    },
    Table {
        name: "audit",
        columns: &[
            "seq",
            "at",
            "operator",
            "how",
            "address",
            "request_id",
            "operation",
            "outcome",
            "kind",
            "id",
            "body_before",
            "body_after",
            "detail",
            "hash",
        ],
    },
    Table {
        name: "edges",
        columns: &["id", "name", "version", "applied_seq", "state", "seen_at"],
    },
    Table {
        name: "idempotency",
        columns: &[
            "operator",
            "name",
            "request_digest",
            "response",
            "written",
            "at",
        ],
    },
    Table {
        name: "links",
        columns: &[
            "number",
            "id",
            "digest",
            "limited",
            "key_pair_id",
            "host",
            "path",
            "uses_max",
            "viewers_max",
            "bytes_max",
            "bytes_reserved",
            "confirm",
            "window_seconds",
            "owner",
            "subject",
            "subject_digest",
            "sender",
            "label",
            "note",
            "file_name",
            "ends_at",
            "made_at",
            "made_by",
            "revoked_by",
        ],
    },
    Table {
        name: "link_uses",
        columns: &[
            "attempt",
            "link",
            "number",
            "viewer",
            "at",
            "window_until",
            "edge",
            "joined",
            "given_back",
        ],
    },
    Table {
        name: "revocations",
        columns: &[
            "seq",
            "event",
            "etag",
            "kind",
            "value",
            "until",
            "cut",
            "made_at",
            "made_by",
            "note",
            "lifted_at",
            "lifted_by",
        ],
    },
    Table {
        name: "ledger",
        columns: &[
            "digest",
            "first_use",
            "last_use",
            "uses",
            "viewers",
            "bytes",
            "watched_seconds",
            "refusals",
            "addresses",
        ],
    },
    Table {
        name: "ledger_batches",
        columns: &["edge", "number", "at"],
    },
];

impl Store {
    /// Writes everything into one file of mode 0600, which appears under its name when it is whole and on disk.
    ///
    /// # Errors
    ///
    /// Those of the database; [`StoreError::File`].
    pub async fn backup(&self, to: &Path, now: Timestamp) -> Result<BackupSummary, StoreError> {
        let to = to.to_owned();
        let act = move |session: &mut dyn Session| {
            let header = header(session, now)?;
            let mut file = BackupFile::create(&to, &header)?;
            for table in TABLES {
                session.each_row(&table.select(), &[], &mut |row| {
                    file.row(table, row.cells())
                })?;
            }
            file.finish(header)
        };
        self.engine().snapshot(act).await
    }

    /// Puts a backup back into this store, which has to be empty, and of the sealing key that the backup was made with.
    /// The store keeps its own id, so that every replica takes everything anew.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotEmpty`], [`StoreError::BackupDamaged`], [`StoreError::Newer`], [`StoreError::WrongKey`],
    /// [`StoreError::File`]; the store is still empty after each.
    pub async fn restore(&self, from: &Path) -> Result<BackupSummary, StoreError> {
        let (from, key) = (from.to_owned(), self.inner.key.clone());
        let act = move |session: &mut dyn Session| restore::restore(session, &key, &from);
        self.engine().write(act).await
    }

    /// Checks a whole backup without a database.
    ///
    /// # Errors
    ///
    /// [`StoreError::BackupDamaged`], [`StoreError::Newer`], [`StoreError::File`].
    pub fn check_backup(from: &Path) -> Result<BackupSummary, StoreError> {
        restore::read(from, &mut |_, _| Ok(())).map(|(_, summary)| summary)
    }
}

fn header(session: &mut dyn Session, at: Timestamp) -> Result<Header, StoreError> {
    let store_id = migrate::get(session, "store_id")?;
    let seal_check = migrate::get(session, "seal_check")?;
    let mut counts = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let row = session.query_first(&sql, Vec::new())?;
        let count = row.map_or(Ok(0), |mut row| row.count())?;
        counts.push((table.name.to_owned(), count));
    }
    Ok(Header {
        schema: migrate::newest(),
        store_id: store_id.ok_or_else(|| StoreError::damaged("the store has no id"))?,
        seal_check: seal_check
            .ok_or_else(|| StoreError::damaged("there is no proof of the key"))?,
        at,
        counts: counts.into_iter().collect(),
    })
}

impl Table {
    fn select(&self) -> String {
        let columns = self.columns.join(", ");
        format!(
            "SELECT {columns} FROM {} ORDER BY {}",
            self.name,
            self.order()
        )
    }

    fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len())
            .map(|number| format!("${number}"))
            .collect();
        let (columns, places) = (self.columns.join(", "), places.join(", "));
        format!("INSERT INTO {} ({columns}) VALUES ({places})", self.name)
    }

    /// Backups of the same state are the same file: rows have an order, by the first columns that tell them apart.
    fn order(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().take(4).copied().collect();
        columns.join(", ")
    }
}

/// Rows of one table on their way into the database.
type Rows = Vec<Vec<Cell>>;
