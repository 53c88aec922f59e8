//! The store: opens a database, and hands work to its threads.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::engine::{Engine, SessionUse, spawn};
use crate::identity::Identity;
use crate::postgres::{Connector, PostgresSession};
use crate::session::{Mode, Session};
use crate::sqlite::SqliteSession;
use crate::{PostgresUrl, SealingKey, StoreError, changes, migrate, postgres, sqlite};

/// Threads that read, beside the one that writes.
const READERS: usize = 2;

/// Place of a database.
#[derive(Clone, Debug)]
pub enum Location {
    /// SQLite file, created if it does not exist; several processes may have it open.
    File(PathBuf),
    /// PostgreSQL database, which has to exist.
    Url(PostgresUrl),
}

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Place of the database.
    pub location: Location,
    /// Key that its secrets are sealed with.
    pub key: SealingKey,
}

/// Documents, operators, audit trail and changes in one database. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) key: SealingKey,
    pub(crate) location: Location,
    pub(crate) identity: Arc<Identity>,
    /// Its end tells the thread that looks for changes to end.
    _watching: Watching,
}

enum Watching {
    File { _stop: mpsc::Sender<()> },
    Url { _stop: oneshot::Sender<()> },
}

impl Store {
    /// Opens the database and migrates it. The sealing key becomes the database's own where that is new.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for a database of a newer Privet, [`StoreError::WrongKey`], [`StoreError::Unreachable`]
    /// where no server answers, [`StoreError::File`].
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions { location, key } = options;
        let identity = Arc::new(Identity::new(key.clone()));
        let (sessions, checked) = (location.clone(), identity.clone());
        let new_session =
            Box::new(move |session_use| new_session(&sessions, &checked, session_use));
        let (proven, learned) = (key.clone(), identity.clone());
        let (engine, change) = Engine::start(new_session, READERS, move |session| {
            let (id, change) = prepare(session, &proven)?;
            learned.learn(&id);
            Ok(change)
        })
        .await?;
        engine.last_change().send_replace(change);
        let engine = match &location {
            Location::File(path) => {
                let session = SqliteSession::new(path, SessionUse::Glance);
                engine.with_nearby(Box::new(session.checked_by(identity.clone())))
            }
            // A server is never so near that its answer need not be waited for.
            Location::Url(_) => engine,
        };
        let watching = watch_changes(&location, &engine)?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                key,
                location,
                identity,
                _watching: watching,
            }),
        })
    }

    /// Returns the random id of this database, which a replica is bound to. It is another one from the moment at which
    /// a new connection has found another database in the place of this one, which one operation is told of.
    #[must_use]
    pub fn id(&self) -> String {
        self.inner.identity.id().unwrap_or_default()
    }

    /// Returns a receiver that wakes when something may have been changed, by this process or another. Its value is
    /// the number of the last change known.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.engine.last_change().subscribe()
    }

    /// Returns a document's body with its secrets in clear.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] where a secret was sealed for another document or place.
    pub fn unseal(&self, kind: &str, id: &str, body: &Value) -> Result<Value, StoreError> {
        self.inner.key.unseal(kind, id, body)
    }

    /// Returns HMAC-SHA256 of `bytes`, with a key derived from the sealing key: who reads the digest in the database
    /// cannot try what it is of. It is the same as long as the sealing key is.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.inner.key.digest(bytes)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("location", &self.inner.location)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

fn new_session(
    location: &Location,
    identity: &Arc<Identity>,
    session_use: SessionUse,
) -> Result<Box<dyn Session>, StoreError> {
    let identity = identity.clone();
    Ok(match location {
        Location::File(path) => {
            Box::new(SqliteSession::new(path, session_use).checked_by(identity))
        }
        Location::Url(url) => Box::new(PostgresSession::new(Connector::new(url)?, identity)?),
    })
}

/// Migrates and checks the key; returns the store's id and the number of its last change.
fn prepare(session: &mut dyn Session, key: &SealingKey) -> Result<(String, u64), StoreError> {
    session.begin(Mode::Prepare)?;
    let outcome = migrate::migrate(session, migrate::MIGRATIONS)
        .and_then(|()| migrate::identify(session, key))
        .and_then(|id| Ok((id, changes::last_change(session)?)))
        .and_then(|prepared| session.commit().map(|()| prepared));
    if outcome.is_err() {
        session.rollback();
    }
    outcome
}

fn watch_changes(location: &Location, engine: &Engine) -> Result<Watching, StoreError> {
    let changes = engine.last_change().clone();
    match location {
        Location::File(path) => {
            let (stop, stopped) = mpsc::channel();
            let path = path.clone();
            spawn("store-watch", move || {
                sqlite::look_for_changes(&path, &changes, &stopped);
            })?;
            Ok(Watching::File { _stop: stop })
        }
        Location::Url(url) => {
            let (stop, stopped) = oneshot::channel();
            let connector = Connector::new(url)?;
            spawn("store-listen", move || {
                postgres::listen(&connector, &changes, stopped);
            })?;
            Ok(Watching::Url { _stop: stop })
        }
    }
}
