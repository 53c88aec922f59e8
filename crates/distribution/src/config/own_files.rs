//! The files of an edge that follows a store: database, keys, configuration, the folder of buckets.

use crate::config::document::{NodeDocument, StoreLocation};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What SQLite keeps beside a database.
const BESIDE_DATABASE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Files that nothing which is served may be, contain or name, since operators elsewhere say what that is: they would
/// read the keys of the machine. Where such a file is only opened and closed, SQLite loses its locks of it.
///
/// There are none where the service comes from a file, which only the machine's own people write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFiles {
    files: Arc<[PathBuf]>,
}

impl OwnFiles {
    /// Returns the files that the settings of a machine name, whether they exist or not.
    pub fn of(node: &NodeDocument) -> Self {
        let Some(store) = &node.store else {
            return OwnFiles::default();
        };
        let mut files = vec![node.file.clone()];
        files.extend(beside(&store.copy));
        match &store.location {
            StoreLocation::File(file) => files.extend(beside(file)),
            StoreLocation::Url(_) => {}
        }
        files.extend(store.key_file.clone());
        files.extend(node.admin_socket.clone());
        files.extend(node.videos.path_token_secret_file.clone());
        let certificate = node.control.as_ref();
        let certificate = certificate.and_then(|control| control.certificate.as_ref());
        files.extend(certificate.map(|certificate| certificate.key.clone()));
        let buckets = node.buckets.as_ref();
        files.extend(buckets.map(|buckets| buckets.folder.clone()));
        let certificate = buckets.and_then(|buckets| buckets.certificate.as_ref());
        files.extend(certificate.map(|certificate| certificate.key.clone()));
        files.retain(|file| file.file_name().is_some());
        OwnFiles {
            files: files.into(),
        }
    }

    /// Returns the files.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }
}

/// Returns a database and what SQLite keeps beside it.
fn beside(database: &Path) -> impl Iterator<Item = PathBuf> {
    let suffixed = |suffix: &&str| {
        let mut name = database.as_os_str().to_owned();
        name.push(OsStr::new(suffix));
        PathBuf::from(name)
    };
    std::iter::once(database.to_owned())
        .chain(BESIDE_DATABASE.iter().map(suffixed).collect::<Vec<_>>())
}
