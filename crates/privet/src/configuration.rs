//! Reads a configuration file and everything it names into a snapshot.

use crate::origin_secret::OriginSecret;
use crate::reason::reason;
use crate::terminal;
use crate::whole_file::{BYTES_MAX, read_whole, read_whole_text};
use privet_distribution::config::{
    ConfigError, Places, ServiceDocument, Snapshot, read_toml_in_part,
};
use privet_edge::{StartFault, database_fault, start_faults};
use std::collections::HashSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why a configuration could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoadError {
    /// There is no such file.
    Absent { file: PathBuf },
    /// The file itself cannot be read.
    Unreadable { file: PathBuf, reason: String },
    /// The faults in it, all of them.
    Faults(Vec<ConfigError>),
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Absent { file } => write!(formatter, "there is no {}", file.display()),
            LoadError::Unreadable { file, reason } => {
                write!(formatter, "{}: {reason}", file.display())
            }
            LoadError::Faults(faults) => {
                for (position, fault) in faults.iter().enumerate() {
                    let line_end = if position + 1 < faults.len() {
                        "\n"
                    } else {
                        ""
                    };
                    write!(formatter, "{fault}{line_end}")?;
                }
                Ok(())
            }
        }
    }
}

impl LoadError {
    /// Prints every fault on its own line to standard error, and what to do.
    pub(crate) fn report(&self) {
        match self {
            LoadError::Faults(faults) => faults.iter().for_each(terminal::error),
            LoadError::Absent { .. } | LoadError::Unreadable { .. } => terminal::error(self),
        }
        if let Some(hint) = self.hint() {
            terminal::hint(hint);
        }
    }

    /// Returns what to do next, if the faults do not say so themselves.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            LoadError::Absent { .. } => Some(
                "give the file with --config FILE or PRIVET_CONFIG; privet init writes one to start from",
            ),
            LoadError::Unreadable { .. } | LoadError::Faults(_) => None,
        }
    }
}

/// A snapshot, and the state of its files when they were read.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) snapshot: Snapshot,
    pub(crate) fingerprint: Fingerprint,
    /// The positions of the values in the file.
    pub(crate) places: Places,
    /// Whether the file has a service that is not served, because that comes from a store.
    pub(crate) own_service: OwnService,
}

impl Loaded {
    /// Warns of a service in the file that is not served.
    pub(crate) fn warn_of_own_service(&self) {
        match self.own_service {
            OwnService::InForce => {}
            OwnService::LeftOut => {
                terminal::warning(
                    "the keys, policies and distributions in the file are not served: the service comes from the store that it names",
                );
                terminal::hint("take them over with privet import, and remove them from the file");
            }
        }
    }
}

/// What becomes of the service that a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnService {
    /// It is served, or there is none.
    InForce,
    /// It is left out: the service comes from the store that the file names.
    LeftOut,
}

/// The largest database of countries or cities that is read; they have some hundred megabytes.
const DATABASE_BYTES_MAX: u64 = 1 << 30;

/// Reads `file`, its keys and certificates, without checking folders.
///
/// # Errors
/// All faults, each with its position.
pub(crate) fn load(file: &Path) -> Result<Loaded, LoadError> {
    read(file, Purpose::Reading, None)
}

/// As [`load`], for an edge that will serve it: everything that would make the start fail is a fault as well.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_to_serve(file: &Path) -> Result<Loaded, LoadError> {
    read(file, Purpose::Serving, None)
}

/// As [`load_to_serve`], with a secret for an origin that the program itself serves.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with_secret(
    file: &Path,
    secret: Option<&OriginSecret>,
) -> Result<Loaded, LoadError> {
    read(file, Purpose::Serving, secret)
}

/// The purpose for which a configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Reading,
    Serving,
}

fn read(file: &Path, purpose: Purpose, secret: Option<&OriginSecret>) -> Result<Loaded, LoadError> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.look_at(file);
    let text = read_text(file)?;
    let (mut document, places, mut faults) =
        read_toml_in_part(&text, file).map_err(LoadError::Faults)?;
    if let Some(secret) = secret {
        secret.add_to(&mut document);
    }
    let own_service = match &document.node.store {
        Some(_) if !document.service.is_empty() => OwnService::LeftOut,
        Some(_) | None => OwnService::InForce,
    };
    if own_service == OwnService::LeftOut {
        document.service = ServiceDocument::default();
    }
    let told = |fault: StartFault| places.error(&fault.path, fault.message);
    if purpose == Purpose::Serving {
        let found = start_faults(&document, &mut |path| read_whole(path, BYTES_MAX));
        add_faults(&mut faults, found.into_iter().map(told).collect());
    }
    let database = document.node.geo_database.clone();
    let built = Snapshot::build(document, &places, &mut |path| {
        fingerprint.look_at(path);
        let is_database = database.as_deref() == Some(path);
        read_whole(
            path,
            if is_database {
                DATABASE_BYTES_MAX
            } else {
                BYTES_MAX
            },
        )
    });
    match built {
        Ok(snapshot) if faults.is_empty() => {
            let unusable = (purpose == Purpose::Serving).then(|| database_fault(&snapshot));
            match unusable.flatten() {
                Some(fault) => Err(LoadError::Faults(vec![told(fault)])),
                None => Ok(Loaded {
                    snapshot,
                    fingerprint,
                    places,
                    own_service,
                }),
            }
        }
        Ok(_) => Err(LoadError::Faults(faults)),
        Err(more) => {
            add_faults(&mut faults, more);
            Err(LoadError::Faults(faults))
        }
    }
}

/// Adds faults that do not follow from earlier ones, and keeps the order of the text. A value that could not be read is
/// empty, and a fault about the empty value would say nothing new.
fn add_faults(faults: &mut Vec<ConfigError>, mut more: Vec<ConfigError>) {
    let told: HashSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    more.retain(|fault| !follows(&fault.path, &told));
    faults.append(&mut more);
    faults.sort_by_key(|fault| (fault.line, fault.column));
}

/// Returns whether a fault at `path` follows from those at `told`, one of which is about the same value or an enclosing
/// one. One lookup for each level of the path, since a file may have a fault in every line.
fn follows(path: &str, told: &HashSet<&str>) -> bool {
    let levels = path.match_indices(['.', '[']).map(|(end, _)| &path[..end]);
    let mut around = levels.chain([path]).filter(|level| !level.is_empty());
    // A missing key is reported as a missing file, and is read as an empty text.
    let missed = path.strip_suffix(".pem").map(|key| format!("{key}.file"));
    around.any(|level| told.contains(level))
        || missed.is_some_and(|file| told.contains(file.as_str()))
}

/// Reads the text of a configuration file.
///
/// # Errors
/// [`LoadError::Absent`], [`LoadError::Unreadable`].
pub(crate) fn read_text(file: &Path) -> Result<String, LoadError> {
    read_whole_text(file).map_err(|error| {
        let file = file.to_owned();
        if error.kind() == ErrorKind::NotFound {
            return LoadError::Absent { file };
        }
        let reason = reason(&error);
        LoadError::Unreadable { file, reason }
    })
}

/// The state of files just before they were read, to detect changes since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    files: Vec<(PathBuf, FileState)>,
}

/// Modification time and size; `None` for a missing file.
type FileState = Option<(SystemTime, u64)>;

impl Fingerprint {
    /// Returns the present state of `files`.
    pub(crate) fn of<'f>(files: impl Iterator<Item = &'f PathBuf>) -> Self {
        let mut fingerprint = Fingerprint::default();
        files.for_each(|file| fingerprint.look_at(file));
        fingerprint
    }

    /// Returns the present state of the same files.
    pub(crate) fn again(&self) -> Self {
        let mut again = Fingerprint::default();
        for (file, _) in &self.files {
            again.look_at(file);
        }
        again
    }

    fn look_at(&mut self, file: &Path) {
        let metadata = std::fs::metadata(file).ok();
        let state = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        self.files.push((file.to_owned(), state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_fault_is_no_news() {
        let follows = |path, told| follows(path, &HashSet::from([told]));
        assert!(follows("a[0].key", "a[0].key"));
        assert!(follows("a[0].key", "a[0]"));
        assert!(follows("a[0].key", "a"));
        assert!(follows("public_keys[0].pem", "public_keys[0].file"));
        assert!(!follows("public_keys[1].pem", "public_keys[0].file"));
        assert!(!follows("a[10].key", "a[1]"));
        assert!(!follows("origins[0].folder", "origin"));
        assert!(!follows("a[0]", "a[0].key"));
        assert!(!follows("a", ""));
        assert!(!follows("", ""));
    }

    /// Comparing each fault with each other would be 40 billion comparisons, which no test run waits for.
    #[test]
    fn l5_a_fault_in_every_line_is_told_in_the_end() {
        let faults_at = |key: &str| -> Vec<ConfigError> {
            let places = Places::default();
            let paths = (0..200_000).map(|number| format!("listeners[{number}].{key}"));
            paths.map(|path| places.error(&path, "no")).collect()
        };
        let mut faults = faults_at("bogus");
        add_faults(&mut faults, faults_at("proxy_protocol"));
        add_faults(&mut faults, faults_at("bogus"));
        assert_eq!(faults.len(), 400_000);
    }
}
