//! Finds the edge's own files behind other names: in folders that are to be served, behind links.

use privet_distribution::config::OwnFiles;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The edge's own files, without links, found out once for all folders that are compared with them. Clones are the
/// same.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnPaths {
    files: OwnFiles,
    resolved: Arc<OnceLock<Vec<PathBuf>>>,
}

impl OwnPaths {
    /// Takes the files; nothing is looked at yet.
    pub(crate) fn new(files: OwnFiles) -> Self {
        OwnPaths {
            files,
            resolved: Arc::default(),
        }
    }

    /// Returns one of the files that lies in `folder` or beneath it, if there is one.
    pub(crate) fn within(&self, folder: &Path) -> Option<&Path> {
        self.find(folder, |file, folder| file.starts_with(folder))
    }

    /// Returns one of the files that lies in `folder` or beneath it, or the folder of buckets if `folder` is beneath
    /// that.
    pub(crate) fn touching(&self, folder: &Path) -> Option<&Path> {
        self.find(folder, |file, folder| {
            file.starts_with(folder) || folder.starts_with(file)
        })
    }

    fn find(&self, folder: &Path, is_it: fn(&Path, &Path) -> bool) -> Option<&Path> {
        let resolve = || self.files.iter().map(resolved).collect();
        let files = self.resolved.get_or_init(resolve);
        if files.is_empty() {
            return None;
        }
        let folder = folder.canonicalize().ok()?;
        let mut files = files.iter().map(PathBuf::as_path);
        files.find(|file| is_it(file, &folder))
    }
}

/// Returns true if `path` leads to one of the edge's own files. It is not opened.
pub fn is_own_file(path: &Path, own: &OwnFiles) -> bool {
    let Ok(identity) = identity(path) else {
        return false;
    };
    own.iter()
        .any(|file| self::identity(file).is_ok_and(|known| known == identity))
}

/// Returns the path without links, whether there is such a file yet or not.
fn resolved(file: &Path) -> PathBuf {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let name = file.file_name().unwrap_or_default();
    let in_folder = folder.map(|folder| folder.join(name));
    file.canonicalize()
        .or(in_folder)
        .unwrap_or_else(|_| file.to_owned())
}

/// Returns device and inode.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = path.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}
