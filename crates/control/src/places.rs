//! Which folders and files of the machine an operator may name: those who come over the network, only what lies beneath
//! the folders that the machine's own file lists.

use crate::operation_error::OperationError;
use privet_distribution::config::{NodeSettings, item_paths};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Checks the paths that `after` names and `before` does not. `folder` is where relative ones begin.
///
/// Looks at the disk, and opens nothing.
///
/// # Errors
/// [`OperationError::Invalid`] for a path that lies beneath none of the folders.
pub(crate) fn check_places(
    (before, after): (&Value, &Value),
    node: &NodeSettings,
    folder: &Path,
) -> Result<(), OperationError> {
    let before: BTreeSet<&str> = item_paths(before).into_iter().collect();
    let mut named = item_paths(after).into_iter();
    let own = [folder.to_owned()];
    let listed = node.control.as_ref();
    let listed = listed.map_or(&own[..], |control| &control.files[..]);
    let listed: Vec<PathBuf> = listed.iter().filter_map(|root| root_of(root)).collect();
    let is_free = |path: &str| {
        let path = resolved(&folder.join(path));
        path.is_some_and(|path| listed.iter().any(|root| path.starts_with(root)))
    };
    match named.find(|path| !before.contains(path) && !is_free(path)) {
        None => Ok(()),
        Some(path) => {
            let message = format!(
                "names {path:?}, which lies beneath none of the folders in control.files; add one there, or make the change on the machine itself"
            );
            Err(OperationError::invalid("document", message))
        }
    }
}

fn root_of(root: &Path) -> Option<PathBuf> {
    let is_here = root.as_os_str().is_empty();
    let root = if is_here { Path::new(".") } else { root };
    root.canonicalize().ok()
}

/// Returns a path without links; what does not exist yet has none. `None` if it leads up, or cannot be followed.
fn resolved(path: &Path) -> Option<PathBuf> {
    let is_plain = |component| {
        matches!(
            component,
            Component::RootDir | Component::Normal(_) | Component::CurDir
        )
    };
    if !path.components().all(is_plain) {
        return None;
    }
    let mut rest = Vec::new();
    let mut known = path;
    loop {
        match root_of(known) {
            Some(mut resolved) => {
                resolved.extend(rest.into_iter().rev());
                return Some(resolved);
            }
            // A link that leads nowhere may lead somewhere later.
            None if known.is_symlink() => return None,
            None => {
                rest.push(known.file_name()?);
                known = known.parent()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn paths_are_followed_as_far_as_they_exist() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("files")).unwrap();
        symlink("/etc", root.join("out")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        for (path, expected) in [
            ("files", Some(root.join("files"))),
            ("files/not/yet", Some(root.join("files/not/yet"))),
            ("out/passwd", Some(PathBuf::from("/etc/passwd"))),
            ("out/none", Some(PathBuf::from("/etc/none"))),
            ("files/../../x", None),
            ("dangling", None),
            ("dangling/x", None),
        ] {
            assert_eq!(resolved(&root.join(path)), expected, "{path}");
        }
    }
}
