//! The documents of a replica at one moment: one read transaction on a connection of its own.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::changes::last_change;
use crate::documents;
use crate::engine::SessionUse;
use crate::identity::Identity;
use crate::session::{Mode, Row, Session};
use crate::sqlite::SqliteSession;
use crate::{DocumentName, Page, StoreError, StoredDocument, StoredRevocation, revocations};

use super::mark;

/// Documents and references of a replica at one moment, whatever is written meanwhile.
///
/// Its methods block the calling thread while the disk is read. While it is kept, SQLite cannot reuse the space of its
/// journal: drop it once everything is read.
pub struct View {
    /// Taken when the view ends, and by nothing else.
    session: Option<SqliteSession>,
    seq: u64,
    spare: Spare,
}

/// The connection of a view that has ended, for the next one: to open one takes longer than most views are used.
#[derive(Clone, Default)]
pub(super) struct Spare(Arc<Mutex<Option<SqliteSession>>>);

impl Spare {
    fn take(&self) -> Option<SqliteSession> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.take()
    }

    fn keep(&self, session: SqliteSession) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = Some(session);
    }
}

/// Database that a view is of.
#[derive(Clone)]
pub(super) enum ViewOf {
    Replica,
    Store(Arc<Identity>),
}

impl View {
    /// Begins to read.
    pub(super) fn open(path: &Path, of: &ViewOf, spare: &Spare) -> Result<Self, StoreError> {
        let kept = spare.take();
        let is_kept = kept.is_some();
        let mut session = kept.unwrap_or_else(|| {
            let session = SqliteSession::new(path, SessionUse::Read);
            match of {
                ViewOf::Replica => session,
                ViewOf::Store(identity) => session.checked_by(identity.clone()),
            }
        });
        session.begin(Mode::Snapshot)?;
        let seq = match of {
            ViewOf::Replica => mark::applied(&mut session)?,
            ViewOf::Store(identity) => {
                // What was checked when the connection was made may be another database by now.
                if is_kept {
                    identity.check(&mut session)?;
                }
                last_change(&mut session)?
            }
        };
        Ok(Self {
            session: Some(session),
            seq,
            spare: spare.clone(),
        })
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
        documents::document(self.session(), &DocumentName::new(kind, id))
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
        documents::documents(self.session(), kind, page)
    }

    /// Returns the documents that refer to this one, by name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn used_by(&mut self, kind: &str, id: &str) -> Result<Vec<DocumentName>, StoreError> {
        documents::used_by(self.session(), &DocumentName::new(kind, id), i64::MAX)
    }

    /// Returns up to `limit` revocations behind event number `event`, in the order of their events.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a limit that no page may have; those of the file.
    pub fn revocations_after(
        &mut self,
        event: u64,
        limit: u32,
    ) -> Result<Vec<StoredRevocation>, StoreError> {
        revocations::after(self.session(), event, limit)
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
        self.session()
            .each_row(sql, &[kind.into()], &mut |mut row: Row| {
                each(&row.text()?, &row.text()?);
                Ok(())
            })
    }

    /// Session of the view's transaction, for what else is read at that moment.
    pub(super) fn session(&mut self) -> &mut dyn Session {
        let session = self.session.as_mut();
        session.expect("only the end of the view takes it")
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.rollback();
            self.spare.keep(session);
        }
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
