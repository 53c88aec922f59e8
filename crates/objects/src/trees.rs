//! Whole trees of folders: whether there is a file in them, and how they are removed.

use crate::system::open_folder;
use rustix::fs::{AtFlags, Dir};
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::OwnedFd;

/// Maximum depth of what lies beneath `.privet`.
const PRIVATE_DEEP_MAX: usize = 8;

/// Returns true if there are only folders in the folder and beneath it, besides what has the name `except` in it. What
/// lies deeper than `deep_max` counts as a file.
pub(crate) fn is_without_files(
    folder: &OwnedFd,
    except: &str,
    deep_max: usize,
) -> Result<bool, Errno> {
    for name in names(folder)? {
        if name.as_bytes() == except.as_bytes() {
            continue;
        }
        let beneath = match open_beneath(folder, &name) {
            Ok(beneath) => beneath,
            Err(Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(errno),
        };
        if deep_max == 0 || !is_without_files(&beneath, "", deep_max - 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes the folders in the folder, which have nothing but folders in them, besides the one with the name `except`.
pub(crate) fn remove_empty_folders(
    folder: &OwnedFd,
    except: &str,
    deep_max: usize,
) -> Result<(), Errno> {
    for name in names(folder)? {
        if name.as_bytes() == except.as_bytes() {
            continue;
        }
        if deep_max > 0 {
            remove_empty_folders(&open_beneath(folder, &name)?, "", deep_max - 1)?;
        }
        rustix::fs::unlinkat(folder, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Removes the folder `name` of ours and everything in it.
pub(crate) fn remove_tree(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    remove(folder, &name, PRIVATE_DEEP_MAX)
}

fn remove(folder: &OwnedFd, name: &CString, deep_max: usize) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        // Linux says the first for a folder, POSIX the second.
        Err(Errno::ISDIR | Errno::PERM) if deep_max > 0 => {}
        Err(Errno::NOENT) => return Ok(()),
        result => return result,
    }
    let beneath = open_beneath(folder, name)?;
    for name in names(&beneath)? {
        remove(&beneath, &name, deep_max - 1)?;
    }
    rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)
}

fn open_beneath(folder: &OwnedFd, name: &CString) -> Result<OwnedFd, Errno> {
    // Names that are no text are opened by no key, but may be removed with all the rest.
    match name.to_str() {
        Ok(name) => open_folder(folder, name),
        Err(_) => Err(Errno::NOTDIR),
    }
}

fn names(folder: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for item in Dir::read_from(folder)? {
        let item = item?;
        if !matches!(item.file_name().to_bytes(), b"." | b"..") {
            names.push(item.file_name().to_owned());
        }
    }
    Ok(names)
}
