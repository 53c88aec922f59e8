//! The notes of `privet check` about folders into which a running edge writes: those that cannot be created or written.
//!
//! Nothing is created here, and these are notes and not faults: the edge may run as another user than the one who
//! checks.

use crate::reason::reason;
use privet_distribution::config::Snapshot;
use rustix::fs::Access;
use std::path::{Path, PathBuf};

/// Returns a note for each folder that this user could not write.
pub(super) fn about_written_folders(snapshot: &Snapshot) -> Vec<String> {
    let log = snapshot.node.log.as_ref().map(|log| {
        let folder = log.folder.join(log.prefix.trim_matches('/'));
        ("[log] folder", folder, Missing::IsMade)
    });
    let disk = snapshot.node.cache.disk.as_ref();
    let cache = disk.map(|disk| ("[cache] folder", disk.folder.clone(), Missing::IsMade));
    let buckets = snapshot.node.buckets.as_ref();
    let buckets =
        buckets.map(|buckets| ("[buckets] folder", buckets.folder.clone(), Missing::IsMade));
    let socket = snapshot.node.admin_socket.as_ref();
    let socket = socket.map(|socket| {
        let folder = socket.parent().map_or_else(PathBuf::new, Path::to_owned);
        ("[admin] socket", folder, Missing::IsInTheWay)
    });
    let written = [log, cache, buckets, socket].into_iter().flatten();
    written
        .filter_map(|(key, folder, missing)| {
            let reason = obstacle(&folder, missing)?;
            Some(format!(
                "{key}: {reason}; the user who runs the edge must be able to write there"
            ))
        })
        .collect()
}

/// The consequence of a missing folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// The edge creates it, and those above it.
    IsMade,
    /// The edge cannot start.
    IsInTheWay,
}

/// Returns why this user cannot write into `folder`, or create it. The nearest ancestor that exists decides.
fn obstacle(folder: &Path, missing: Missing) -> Option<String> {
    for path in folder.ancestors() {
        // A relative path starts at the working directory.
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        let shown = path.display();
        match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => return Some(format!("{shown} is not a folder")),
            Ok(_) => {
                let access = rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK);
                let error = std::io::Error::from(access.err()?);
                let why = reason(&error);
                return Some(format!("{shown} cannot be written: {why}"));
            }
            Err(_) if missing == Missing::IsInTheWay => {
                return Some(format!("there is no folder {shown}"));
            }
            // An ancestor decides.
            Err(_) => {}
        }
    }
    None
}
