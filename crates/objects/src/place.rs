//! Files are put in the place of an object, and removed from there, in one step each.

use crate::conditions::Replace;
use crate::incoming::Incoming;
use crate::index::Presence;
use crate::names::ODD_FOLDER;
use crate::private::{Private, odd_name};
use crate::record::Record;
use crate::shared::{Place, Shared};
use crate::spelling::is_exact;
use crate::system::{entry, is_absence, make_folder, open_folder};
use crate::{Key, ObjectError};
use rustix::fs::{AtFlags, FileType, RenameFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How often a way is tried that others remove or make at the same time.
const ATTEMPTS_MAX: usize = 32;

/// How a file was put at a path.
#[derive(Debug)]
enum AtPath {
    /// It lies there; the folder is returned to be written to disk.
    Placed(OwnedFd),
    /// There is a folder where a file is needed, or the reverse, or a link, or whatever else is no object.
    Obstructed,
}

/// Puts a sealed file in the place of `key`'s object, in one step, and has that written to disk. The caller holds the
/// key's lock in `lock`, which is released before the disk is waited for.
pub(crate) fn place<L>(
    incoming: &mut Incoming,
    key: &Key,
    record: &mut Record,
    replace: Replace,
    lock: L,
) -> Result<(), ObjectError> {
    let shared = Arc::clone(incoming.shared());
    let private = shared.private()?;
    let has_odd = entry(&private.odd, &odd_name(key)).is_ok();
    // An object stays where it is until it is deleted, so that there is no moment at which it has two places.
    let at_path = match key.path() {
        Some(path) if !has_odd || shared.find_at(path, Place::Path)?.is_some() => {
            place_at_path(&shared, incoming, path, replace)?
        }
        Some(_) | None => AtPath::Obstructed,
    };
    match at_path {
        AtPath::Placed(folder) => {
            incoming.placed();
            if has_odd {
                remove_odd(&shared, private, key)?;
            }
            drop(lock);
            shared.sync(&folder)
        }
        AtPath::Obstructed => {
            if record.key.is_none() {
                record.key = Some(key.as_str().to_owned());
                incoming.seal(record)?;
            }
            let change = || {
                rename(
                    private,
                    incoming.name(),
                    &private.odd,
                    &odd_name(key),
                    replace,
                )
            };
            let place = (ODD_FOLDER, key.as_str());
            shared
                .indexes
                .changing(&shared, &private.odd, place, Presence::There, change)?;
            incoming.placed();
            drop(lock);
            shared.sync(&private.odd)
        }
    }
}

fn place_at_path(
    shared: &Shared,
    incoming: &Incoming,
    path: &str,
    replace: Replace,
) -> Result<AtPath, ObjectError> {
    let private = shared.private()?;
    let (parent, name) = split(path);
    for _ in 0..ATTEMPTS_MAX {
        let folder = match make_folders(shared, parent) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => continue,
            Err(errno) if is_absence(errno) => return Ok(AtPath::Obstructed),
            Err(errno) => return Err(errno.into()),
        };
        // Checked when the folders are there, so that none of another spelling can come any more.
        if shared.is_folding && !is_exact(&shared.root, path)? {
            return Ok(AtPath::Obstructed);
        }
        let mut may_replace = replace;
        match entry(&folder, name).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::RegularFile) => {}
            Err(Errno::NOENT) if shared.is_folding => may_replace = Replace::No,
            Err(Errno::NOENT) => {}
            // A folder without anything in it is in nobody's way.
            Ok(FileType::Directory) => {
                if remove_folder(shared, &folder, parent, name).is_err() {
                    return Ok(AtPath::Obstructed);
                }
            }
            Ok(_) => return Ok(AtPath::Obstructed),
            Err(errno) if is_absence(errno) => return Ok(AtPath::Obstructed),
            Err(errno) => return Err(errno.into()),
        }
        let change = || rename(private, incoming.name(), &folder, name, may_replace);
        let indexes = &shared.indexes;
        match indexes.changing(shared, &folder, (parent, name), Presence::There, change) {
            Ok(()) => return Ok(AtPath::Placed(folder)),
            // Another writer removed the folder, which was empty, or made one at the name.
            Err(Renaming::System(Errno::NOENT | Errno::ISDIR)) => {}
            // One of another spelling came meanwhile.
            Err(Renaming::Exists) if replace == Replace::Yes => {}
            // A mount point.
            Err(Renaming::System(Errno::BUSY | Errno::XDEV | Errno::NAMETOOLONG)) => {
                return Ok(AtPath::Obstructed);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(AtPath::Obstructed)
}

/// Opens the folder at `path`, after making those that are missing.
fn make_folders(shared: &Shared, path: &str) -> Result<OwnedFd, Errno> {
    match open_folder(&shared.root, path) {
        Err(Errno::NOENT) if !path.is_empty() => {}
        result => return result,
    }
    let (above, name) = split(path);
    let folder_above = make_folders(shared, above)?;
    let change = || make_folder(&folder_above, name);
    let place = (above, &*format!("{name}/"));
    let indexes = &shared.indexes;
    let folder = indexes.changing(shared, &folder_above, place, Presence::There, change)?;
    if shared.settings.sync {
        rustix::fs::fsync(&folder_above)?;
    }
    Ok(folder)
}

/// Removes the file of an object that was found, and the folders that are empty then. The lock is released before the
/// disk is waited for.
pub(crate) fn remove<L>(
    shared: &Shared,
    key: &Key,
    place: Place,
    lock: L,
) -> Result<(), ObjectError> {
    let private = shared.private()?;
    // Nothing may be left that could be found when the file at the path is gone.
    let had_odd = remove_odd(shared, private, key)?;
    let folder = match (place, key.path()) {
        (Place::Path, Some(path)) => {
            let (parent, name) = split(path);
            let folder = open_folder(&shared.root, parent)?;
            let change = || rustix::fs::unlinkat(&folder, name, AtFlags::empty());
            let indexes = &shared.indexes;
            indexes.changing(shared, &folder, (parent, name), Presence::Gone, change)?;
            Some(remove_empty_folders(shared, folder, parent))
        }
        (Place::Odd, _) | (Place::Path, None) => None,
    };
    drop(lock);
    if had_odd {
        shared.sync(&private.odd)?;
    }
    folder.map_or(Ok(()), |folder| shared.sync(&folder))
}

/// Removes the file of a key among the odd ones; returns true if there was one.
fn remove_odd(shared: &Shared, private: &Private, key: &Key) -> Result<bool, ObjectError> {
    let name = odd_name(key);
    if entry(&private.odd, &name).is_err() {
        return Ok(false);
    }
    let change = || rustix::fs::unlinkat(&private.odd, &name, AtFlags::empty());
    let place = (ODD_FOLDER, key.as_str());
    shared
        .indexes
        .changing(shared, &private.odd, place, Presence::Gone, change)?;
    Ok(true)
}

/// Removes the folder at `path` and those above it as long as they are empty; returns the first that stays.
fn remove_empty_folders(shared: &Shared, mut folder: OwnedFd, mut path: &str) -> OwnedFd {
    while !path.is_empty() {
        let (parent, name) = split(path);
        let Ok(above) = open_folder(&shared.root, parent) else {
            break;
        };
        if remove_folder(shared, &above, parent, name).is_err() {
            break;
        }
        (folder, path) = (above, parent);
    }
    folder
}

/// Removes the folder `name` in the folder at `path`, if it is empty.
fn remove_folder(shared: &Shared, folder: &OwnedFd, path: &str, name: &str) -> Result<(), Errno> {
    let change = || rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR);
    let place = (path, &*format!("{name}/"));
    shared
        .indexes
        .changing(shared, folder, place, Presence::Gone, change)
}

/// Reason why a file was not renamed.
enum Renaming {
    /// There is one already.
    Exists,
    System(Errno),
}

impl From<Renaming> for ObjectError {
    fn from(error: Renaming) -> Self {
        match error {
            Renaming::Exists => ObjectError::PreconditionFailed,
            Renaming::System(Errno::NOENT) => ObjectError::NoSuchBucket,
            Renaming::System(errno) => errno.into(),
        }
    }
}

/// Gives a temporary file its place.
fn rename(
    private: &Private,
    from: &str,
    folder: &OwnedFd,
    name: &str,
    replace: Replace,
) -> Result<(), Renaming> {
    let flags = match replace {
        Replace::Yes => RenameFlags::empty(),
        Replace::No => RenameFlags::NOREPLACE,
    };
    match rustix::fs::renameat_with(&private.temporary, from, folder, name, flags) {
        Err(Errno::INVAL | Errno::NOSYS) if replace == Replace::No => {
            // File systems that have no such flag have links, which never replace anything.
            let linked =
                rustix::fs::linkat(&private.temporary, from, folder, name, AtFlags::empty());
            linked.map_err(renaming)?;
            rustix::fs::unlinkat(&private.temporary, from, AtFlags::empty())
                .map_err(Renaming::System)
        }
        result => result.map_err(renaming),
    }
}

fn renaming(errno: Errno) -> Renaming {
    match errno {
        Errno::EXIST => Renaming::Exists,
        other => Renaming::System(other),
    }
}

/// Returns the path of the folder and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
