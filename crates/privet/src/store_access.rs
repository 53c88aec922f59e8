//! Opens the store that a configuration names, with its sealing key: for commands on the machine, and for the edge.
//!
//! The key is that of `PRIVET_STORE_KEY`, or of the file that `[store]` names. A new database in a file gets a new key
//! beside it.

use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::configuration::{LoadError, read_text};
use crate::moment;
use crate::store_fault::StoreFault;
use crate::whole_file::read_whole_text;
use clap::Args;
use privet_distribution::config::{StoreLocation, StoreSettings, read_toml_in_part};
use privet_store::{Actor, Location, PostgresUrl, SealingKey, Store, StoreOptions, Timestamp};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;
use tokio::runtime::{Builder, Runtime};

const KEY_VARIABLE: &str = "PRIVET_STORE_KEY";
/// Name in the audit trail of whoever may read the sealing key on the machine.
const LOCAL_OPERATOR: &str = "local";

/// What becomes of a new database in a file whose key does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingKey {
    /// It gets a new one.
    Create,
    /// It is not opened: what comes into it is sealed already.
    Refuse,
}

/// Options that name the store.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) config: ConfigOption,
}

impl StoreArguments {
    /// Opens the store and does `act` with it.
    ///
    /// # Errors
    /// [`CommandError::Configuration`], [`CommandError::Store`], and those of `act`.
    pub(crate) fn with_store<T>(
        &self,
        act: impl AsyncFnOnce(Store) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        self.with_store_of(MissingKey::Create, act)
    }

    /// As [`StoreArguments::with_store`], where a new key may be of no use.
    ///
    /// # Errors
    /// As [`StoreArguments::with_store`].
    pub(crate) fn with_store_of<T>(
        &self,
        missing_key: MissingKey,
        act: impl AsyncFnOnce(Store) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let settings = store_settings(&self.config.file())?;
        runtime()?.block_on(async { act(open(&settings, missing_key).await?).await })
    }
}

/// Reads `[store]` of a configuration. Faults elsewhere in it do not matter, unless one of them may be the reason why
/// there is none.
///
/// # Errors
/// [`CommandError::Configuration`]; [`CommandError::Store`] for a configuration without it.
pub(crate) fn store_settings(config: &Path) -> Result<StoreSettings, CommandError> {
    let text = read_text(config)?;
    let (document, _, faults) = read_toml_in_part(&text, config).map_err(LoadError::Faults)?;
    let mut own = faults.clone();
    own.retain(|fault| fault.path == "store" || fault.path.starts_with("store."));
    match document.node.store {
        Some(settings) if own.is_empty() => Ok(settings),
        Some(_) => Err(LoadError::Faults(own).into()),
        None if faults.is_empty() => Err(StoreFault::NotConfigured {
            config: config.display().to_string(),
        }
        .into()),
        None => Err(LoadError::Faults(faults).into()),
    }
}

/// Opens a store; a database in a file is created, with its key, if it does not exist.
///
/// # Errors
/// [`CommandError::Store`].
pub(crate) async fn open_store(settings: &StoreSettings) -> Result<Store, CommandError> {
    open(settings, MissingKey::Create).await
}

/// Returns what a store is opened with: its location, and its sealing key, which is made for a new database in a file.
///
/// # Errors
/// [`CommandError::Store`].
pub(crate) fn store_options(settings: &StoreSettings) -> Result<StoreOptions, CommandError> {
    options(settings, MissingKey::Create)
}

async fn open(settings: &StoreSettings, missing_key: MissingKey) -> Result<Store, CommandError> {
    let opened = Store::open(options(settings, missing_key)?).await;
    Ok(opened.map_err(StoreFault::Failed)?)
}

fn options(
    settings: &StoreSettings,
    missing_key: MissingKey,
) -> Result<StoreOptions, CommandError> {
    let location = match &settings.location {
        StoreLocation::File(file) => Location::File(file.clone()),
        StoreLocation::Url(url) => {
            Location::Url(PostgresUrl::parse(url.reveal()).map_err(StoreFault::Failed)?)
        }
    };
    Ok(StoreOptions {
        location,
        key: sealing_key(settings, missing_key)?,
    })
}

/// Returns a runtime for one command, which waits for one thing at a time.
///
/// # Errors
/// [`CommandError::ThreadLost`].
pub(crate) fn runtime() -> Result<Runtime, CommandError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|_| CommandError::ThreadLost)
}

/// Returns the caller of a command that has opened the store itself.
pub(crate) fn local_actor() -> Actor {
    Actor {
        operator: LOCAL_OPERATOR.to_owned(),
        how: "cli".to_owned(),
        address: None,
        request_id: None,
    }
}

/// Returns the time in the store's form.
pub(crate) fn now() -> Timestamp {
    stored(moment::now())
}

/// Returns a time in the store's form.
pub(crate) fn stored(moment: privet_sign::Timestamp) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(moment.as_secs()).unwrap_or(i64::MAX))
}

/// Returns a stored time as text.
pub(crate) fn shown(time: Timestamp) -> String {
    privet_sign::Timestamp::from_secs(u64::try_from(time.seconds()).unwrap_or_default()).to_utc()
}

fn sealing_key(
    settings: &StoreSettings,
    missing_key: MissingKey,
) -> Result<SealingKey, CommandError> {
    if let Some(text) = std::env::var_os(KEY_VARIABLE).filter(|text| !text.is_empty()) {
        // A text that is not UTF-8 is not a key either, and is refused as such.
        return parse_key(&text.to_string_lossy(), KEY_VARIABLE);
    }
    let Some(file) = &settings.key_file else {
        return Err(StoreFault::NoKey.into());
    };
    match &settings.location {
        StoreLocation::Url(_) => read_key(file),
        // The order matters: another process may be creating both, the key first.
        StoreLocation::File(database) if has_content(database) => {
            match fs::symlink_metadata(file) {
                Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreFault::KeyAbsent {
                    database: database.display().to_string(),
                    file: file.display().to_string(),
                }
                .into()),
                Ok(_) | Err(_) => read_key(file),
            }
        }
        StoreLocation::File(_) => {
            match missing_key {
                MissingKey::Create => create_key(file)?,
                MissingKey::Refuse => {}
            }
            read_key(file)
        }
    }
}

fn has_content(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)
}

/// Reads a key that nobody but its owner can read: it opens every secret of the store.
fn read_key(file: &Path) -> Result<SealingKey, CommandError> {
    let shown = file.display().to_string();
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        return Err(StoreFault::KeyOpen { file: shown, mode }.into());
    }
    let text = read_whole_text(file).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            let file = shown.clone();
            return StoreFault::KeyFileAbsent { file }.into();
        }
        CommandError::read(&shown, &error)
    })?;
    parse_key(&text, &shown)
}

fn parse_key(text: &str, source_name: &str) -> Result<SealingKey, CommandError> {
    SealingKey::parse(text).map_err(|error| {
        let source_name = source_name.to_owned();
        StoreFault::Key { source_name, error }.into()
    })
}

/// Writes a new key to `file`, unless there is one: two processes that start at the same time get the same.
fn create_key(file: &Path) -> Result<(), CommandError> {
    if fs::symlink_metadata(file).is_ok() {
        return Ok(());
    }
    let text = SealingKey::generate()
        .map_err(StoreFault::Failed)?
        .to_text();
    let written = write_key(file, text.expose());
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(CommandError::write(file.display().to_string(), &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes the file whole or not at all, readable only by its owner, and never in place of another.
fn write_key(file: &Path, text: &str) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut unfinished = NamedTempFile::new_in(folder)?;
    writeln!(unfinished, "{text}")?;
    unfinished.as_file().sync_all()?;
    unfinished
        .persist_noclobber(file)
        .map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_distribution::config::Secret;
    use std::time::Duration;

    fn settings(folder: &Path, location: StoreLocation) -> StoreSettings {
        StoreSettings {
            location,
            key_file: Some(folder.join("privet.db.key")),
            copy: folder.join("copy.db"),
            stale_after: Duration::from_secs(60),
            edge_name: None,
        }
    }

    #[track_caller]
    fn check(settings: &StoreSettings, expected: &str) {
        let error = sealing_key(settings, MissingKey::Create)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    }

    #[test]
    fn keys_that_cannot_be_used_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (key, database) = (
            folder.path().join("privet.db.key"),
            folder.path().join("privet.db"),
        );
        let elsewhere = StoreLocation::Url(Secret::new("postgres://db/privet".to_owned()));
        let mut remote = settings(folder.path(), elsewhere);
        let shown = key.display();
        check(&remote, &format!("the sealing key {shown} does not exist"));
        remote.key_file = None;
        check(&remote, "the store has no sealing key");
        let local = settings(folder.path(), StoreLocation::File(database.clone()));
        assert!(sealing_key(&local, MissingKey::Refuse).is_err());
        assert!(!key.exists());
        fs::write(&database, "x").unwrap();
        let expected = format!(
            "{} exists, and its sealing key {shown} does not",
            database.display()
        );
        check(&local, &expected);
        for mode in [0o640, 0o604, 0o620] {
            write_key(&key, &"0".repeat(64)).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            let expected = format!(
                "others have access to the sealing key {shown} (mode {mode:04o}): run chmod 600 {shown}"
            );
            check(&local, &expected);
            fs::remove_file(&key).unwrap();
        }
        write_key(&key, "zz").unwrap();
        let error = sealing_key(&local, MissingKey::Create)
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("make one with `openssl rand -hex 32`"),
            "{error}"
        );
    }

    #[test]
    fn processes_that_start_together_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let local = settings(
            folder.path(),
            StoreLocation::File(folder.path().join("privet.db")),
        );
        let keys: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        sealing_key(&local, MissingKey::Create)
                            .unwrap()
                            .to_text()
                            .expose()
                            .to_owned()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let file = folder.path().join("privet.db.key");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
