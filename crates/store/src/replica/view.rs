//! The documents of a replica at one moment: one read transaction on a connection of its own.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::changes::last_change;
use crate::documents;
use crate::engine::SessionUse;
use crate::identity::Identity;
use crate::session::{Mode, Row, Session};
use crate::sqlite::SqliteSession;
use crate::{DocumentName, Page, StoreError, StoredDocument};

use super::mark;

/// Documents and references of a replica at one moment, whatever is written meanwhile.
///
/// Its methods block the calling thread while the disk is read. While it is kept, SQLite cannot reuse the space of its
/// journal: drop it once everything is read.
pub struct View {
    session: SqliteSession,
    seq: u64,
}

/// Database that a view is of.
#[derive(Clone)]
pub(super) enum ViewOf {
    Replica,
    Store(Arc<Identity>),
}

impl View {
    /// Begins to read.
    pub(super) fn open(path: &Path, of: ViewOf) -> Result<Self, StoreError> {
        let session = SqliteSession::new(path, SessionUse::Read);
        match of {
            ViewOf::Replica => Self::begin(session, mark::applied),
            ViewOf::Store(identity) => Self::begin(session.checked_by(identity), last_change),
        }
    }

    /// Begins the transaction. Its first statement fixes the moment.
    fn begin(
        mut session: SqliteSession,
        read_seq: impl FnOnce(&mut dyn Session) -> Result<u64, StoreError>,
    ) -> Result<Self, StoreError> {
        session.begin(Mode::Snapshot)?;
        let seq = read_seq(&mut session)?;
        Ok(Self { session, seq })
    }

    /// Returns the number of the last change that the view has.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns a document, or `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn document(&mut self, kind: &str, id: &str) -> Result<Option<StoredDocument>, StoreError> {
        documents::document(&mut self.session, &DocumentName::new(kind, id))
    }

    /// Returns documents of a kind, by id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page without rows or with too many.
    pub fn documents(
        &mut self,
        kind: &str,
        page: &Page,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        documents::documents(&mut self.session, kind, page)
    }

    /// Returns the documents that refer to this one, by name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn used_by(&mut self, kind: &str, id: &str) -> Result<Vec<DocumentName>, StoreError> {
        documents::used_by(&mut self.session, &DocumentName::new(kind, id), i64::MAX)
    }

    /// Passes id and body of every document of a kind to `each`, by id. Bodies are JSON text in which secrets are
    /// sealed.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn for_each(
        &mut self,
        kind: &str,
        mut each: impl FnMut(&str, &str),
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, body FROM documents WHERE kind = $1 ORDER BY id";
        self.session
            .each_row(sql, &[kind.into()], &mut |mut row: Row| {
                each(&row.text()?, &row.text()?);
                Ok(())
            })
    }

    /// Session of the view's transaction, for what else is read at that moment.
    pub(super) fn session(&mut self) -> &mut dyn Session {
        &mut self.session
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("View")
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}
