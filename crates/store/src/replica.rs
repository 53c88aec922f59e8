//! The local copy of an edge: documents, references and revocations in a SQLite file, readable with the database down.

mod fill;
mod mark;
mod view;

pub use view::View;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use serde_json::Value;

use crate::documents::{self, StoredDocument};
use crate::engine::{Engine, SessionUse};
use crate::session::{Mode, Session};
use crate::sqlite::{self, SqliteSession};
use crate::{
    Change, DocumentName, Location, Page, SealingKey, Store, StoreError, StoredRevocation,
    revocations,
};

use mark::Mark;
use view::{Spare, ViewOf};

const READERS: usize = 1;

/// Copy of a store's documents, which follows the store's changes.
pub struct Replica {
    copy: Copy,
}

enum Copy {
    File(FileCopy),
    Store(StoreCopy),
}

struct FileCopy {
    path: PathBuf,
    engine: Engine,
    applied: AtomicU64,
    /// True from a commit until the caller has what it changed: a caller that has not is told of everything.
    untold: Arc<AtomicBool>,
    /// Connection that catches up, one call after the other.
    target: Arc<Mutex<SqliteSession>>,
    spare: Spare,
}

struct StoreCopy {
    path: PathBuf,
    store: Store,
    applied: Mutex<Option<Mark>>,
    spare: Spare,
}

/// What a replica has taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtUp {
    /// Number of the change up to which the replica has everything.
    pub seq: u64,
    /// Last change of each changed document, oldest first; empty where everything was taken anew.
    pub changed: Vec<Change>,
    /// Number of the last event of a revocation, 0 where there was none: who has read revocations up to another one
    /// reads on. After everything was taken anew they are read from 0.
    pub last_revocation: u64,
    /// Whether everything was taken anew, because the store is another than before or was put back to an older state,
    /// or has to be read anew, because an answer was not waited for.
    pub whole: bool,
}

impl Replica {
    /// Opens a replica, or creates an empty one.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`], [`StoreError::Damaged`]: a damaged replica may be deleted, for it is a copy.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let file = path.clone();
        let new_session = Box::new(move |session_use| {
            let session: Box<dyn Session> = Box::new(SqliteSession::new(&file, session_use));
            Ok(session)
        });
        let (engine, applied) = Engine::start(new_session, READERS, fill::prepare).await?;
        let target = SqliteSession::new(&path, SessionUse::Write);
        let copy = FileCopy {
            path,
            engine,
            applied: AtomicU64::new(applied),
            untold: Arc::new(AtomicBool::new(false)),
            target: Arc::new(Mutex::new(target)),
            spare: Spare::default(),
        };
        Ok(Self {
            copy: Copy::File(copy),
        })
    }

    /// Makes a replica of a store in a SQLite file: it reads the store itself, for there is nothing to be copied.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a store in PostgreSQL, which needs a file.
    pub fn of_store(store: &Store) -> Result<Self, StoreError> {
        match &store.inner.location {
            Location::File(path) => Ok(Self {
                copy: Copy::Store(StoreCopy {
                    path: path.clone(),
                    store: store.clone(),
                    applied: Mutex::new(None),
                    spare: Spare::default(),
                }),
            }),
            Location::Url(_) => {
                let problem = "is in PostgreSQL: open a replica in a file";
                Err(StoreError::invalid("store", problem))
            }
        }
    }

    /// Returns the number of the change up to which the replica has everything, 0 at first.
    #[must_use]
    pub fn applied(&self) -> u64 {
        match &self.copy {
            Copy::File(file) => file.applied.load(Ordering::Acquire),
            Copy::Store(copy) => copy.applied().map_or(0, |mark| mark.seq),
        }
    }

    /// Takes over what has changed in `store`, all at once: afterwards the replica is as the store was at one moment.
    ///
    /// # Errors
    ///
    /// Those of both databases, after which the replica is as it was before.
    pub async fn catch_up(&self, store: &Store) -> Result<CaughtUp, StoreError> {
        let (caught_up, _) = self.catch_up_with_view(store).await?;
        Ok(caught_up)
    }

    /// Catches up as [`Replica::catch_up`] does, and returns a view of the very moment up to which it has.
    ///
    /// # Errors
    ///
    /// Those of both databases, after which the replica is as it was before.
    pub async fn catch_up_with_view(&self, store: &Store) -> Result<(CaughtUp, View), StoreError> {
        match &self.copy {
            Copy::File(file) => file.catch_up(store).await,
            Copy::Store(copy) => copy.catch_up().await,
        }
    }

    /// Opens a view of what the replica has now. That of a store's own file may be ahead of [`Replica::applied`].
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn view(&self) -> Result<View, StoreError> {
        match &self.copy {
            Copy::File(file) => View::open(&file.path, &ViewOf::Replica, &file.spare),
            Copy::Store(copy) => View::open(&copy.path, &copy.view_of(), &copy.spare),
        }
    }

    /// Returns a document, or `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub async fn document(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let name = DocumentName::new(kind, id);
        let act = move |session: &mut dyn Session| documents::document(session, &name);
        self.engine().read(act).await
    }

    /// Returns documents of a kind, by id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page without rows or with too many.
    pub async fn documents(
        &self,
        kind: &str,
        page: &Page,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        let (kind, page) = (kind.to_owned(), page.clone());
        let act = move |session: &mut dyn Session| documents::documents(session, &kind, &page);
        self.engine().read(act).await
    }

    /// Returns the documents that refer to this one, by name.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub async fn used_by(&self, kind: &str, id: &str) -> Result<Vec<DocumentName>, StoreError> {
        let name = DocumentName::new(kind, id);
        let act = move |session: &mut dyn Session| documents::used_by(session, &name, i64::MAX);
        self.engine().read(act).await
    }

    /// Returns up to `limit` revocations behind event number `event`, in the order of their events.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a limit that no page may have; those of the file.
    pub async fn revocations_after(
        &self,
        event: u64,
        limit: u32,
    ) -> Result<Vec<StoredRevocation>, StoreError> {
        let act = move |session: &mut dyn Session| revocations::after(session, event, limit);
        self.engine().read(act).await
    }

    /// Passes id and body of every document of a kind to `each`, by id, on the calling thread. Bodies are JSON text in
    /// which secrets are sealed.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn for_each(&self, kind: &str, mut each: impl FnMut(&str, &str)) -> Result<(), StoreError> {
        let connection = sqlite::connect(self.path(), SessionUse::Read)?;
        read_all(&connection, kind, &mut each).map_err(|error| sqlite::failure(&error))
    }

    /// Returns a document's body with its secrets in clear.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] where a secret was sealed with another key, or for another document or place.
    pub fn unseal(
        &self,
        key: &SealingKey,
        name: &DocumentName,
        body: &Value,
    ) -> Result<Value, StoreError> {
        key.unseal(&name.kind, &name.id, body)
    }

    fn engine(&self) -> &Engine {
        match &self.copy {
            Copy::File(file) => &file.engine,
            Copy::Store(copy) => copy.store.engine(),
        }
    }

    fn path(&self) -> &Path {
        match &self.copy {
            Copy::File(file) => &file.path,
            Copy::Store(copy) => &copy.path,
        }
    }
}

impl FileCopy {
    async fn catch_up(&self, store: &Store) -> Result<(CaughtUp, View), StoreError> {
        let (target, path) = (self.target.clone(), self.path.clone());
        let (identity, untold) = (store.inner.identity.clone(), self.untold.clone());
        let spare = self.spare.clone();
        // The store's own thread reads and writes both, so that no more than a few documents are in memory.
        let act = move |source: &mut dyn Session| {
            let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
            let session: &mut dyn Session = &mut *target;
            // A dump may have been restored into the database since the connection was made.
            let store_id = identity.check(source)?;
            session.begin(Mode::Change)?;
            let outcome = fill::fill(session, source, &store_id)
                .and_then(|caught_up| session.commit().map(|()| caught_up));
            if outcome.is_err() {
                session.rollback();
            }
            let mut caught_up = outcome?;
            if untold.swap(true, Ordering::AcqRel) {
                caught_up.whole = true;
                caught_up.changed.clear();
            }
            // Nobody else fills the replica before the lock is given back.
            let view = View::open(&path, &ViewOf::Replica, &spare)?;
            Ok((caught_up, view))
        };
        let (caught_up, view) = store.engine().snapshot(act).await?;
        self.applied.store(caught_up.seq, Ordering::Release);
        self.untold.store(false, Ordering::Release);
        Ok((caught_up, view))
    }
}

impl StoreCopy {
    fn applied(&self) -> Option<Mark> {
        let applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        applied.clone()
    }

    fn view_of(&self) -> ViewOf {
        ViewOf::Store(self.store.inner.identity.clone())
    }

    async fn catch_up(&self) -> Result<(CaughtUp, View), StoreError> {
        let (applied, path, of) = (self.applied(), self.path.clone(), self.view_of());
        let (identity, spare) = (self.store.inner.identity.clone(), self.spare.clone());
        // The store's thread only waits for the disk: the changes are read in the view's own transaction.
        let act = move |_: &mut dyn Session| {
            let mut view = View::open(&path, &of, &spare)?;
            let store_id = identity.check(view.session())?;
            let (caught_up, mark) =
                fill::changed_since(view.session(), &store_id, applied.as_ref())?;
            Ok((caught_up, view, mark))
        };
        let (caught_up, view, mark) = self.store.engine().read(act).await?;
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        *applied = Some(mark);
        Ok((caught_up, view))
    }
}

fn read_all(
    connection: &Connection,
    kind: &str,
    each: &mut dyn FnMut(&str, &str),
) -> Result<(), rusqlite::Error> {
    let sql = "SELECT id, body FROM documents WHERE kind = ?1 ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([kind])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
    }
    Ok(())
}
