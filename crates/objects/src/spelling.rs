//! File systems that take names for the same which differ in case, or in how their characters are composed.

use crate::key::RESERVED;
use crate::system::{entry, is_absence, open_folder};
use rustix::fs::{Dir, IFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// `FS_CASEFOLD_FL` of Linux: names in this folder are compared without case.
const CASE_FOLDING: IFlags = IFlags::from_bits_retain(0x4000_0000);

/// Returns true if names in a bucket's folder are found in other spellings than their own.
pub(crate) fn folds(root: &OwnedFd) -> bool {
    let has_flag = rustix::fs::ioctl_getflags(root).is_ok_and(|flags| flags.contains(CASE_FOLDING));
    let capitals = RESERVED.to_ascii_uppercase();
    has_flag
        || match (entry(root, RESERVED), entry(root, &capitals)) {
            (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
            (Ok(_) | Err(_), _) => false,
        }
}

/// Returns true if what is found at `path` beneath `root` has exactly this path. What is not there is exact.
pub(crate) fn is_exact(root: &OwnedFd, path: &str) -> Result<bool, Errno> {
    let mut above = "";
    for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
        let name = path[above.len()..at].trim_start_matches('/');
        let folder = match open_folder(root, above) {
            Ok(folder) => folder,
            Err(errno) if is_absence(errno) => return Ok(true),
            Err(errno) => return Err(errno),
        };
        match entry(&folder, name) {
            Ok(_) if !has_name(&folder, name)? => return Ok(false),
            Ok(_) => {}
            Err(errno) if is_absence(errno) => return Ok(true),
            Err(errno) => return Err(errno),
        }
        above = &path[..at];
    }
    Ok(true)
}

fn has_name(folder: &OwnedFd, name: &str) -> Result<bool, Errno> {
    for item in Dir::read_from(folder)? {
        if item?.file_name().to_bytes() == name.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// File systems that fold case are rare among developers; on all others, every spelling is exact.
    #[test]
    fn on_file_systems_that_do_not_fold_all_is_exact() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::create_dir(folder.path().join(RESERVED)).unwrap();
        let root = crate::system::open_root(folder.path()).unwrap();
        assert!(!folds(&root));
        for path in ["a", "a/b", "A", "A/b", "a/B", "a/b/c/d", "x/y"] {
            assert_eq!(is_exact(&root, path), Ok(true), "{path}");
        }
        assert_eq!(has_name(&root, "a"), Ok(true));
        assert_eq!(has_name(&root, "A"), Ok(false));
    }
}
