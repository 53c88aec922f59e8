//! What all handles of one bucket share: its open folder, its settings, and how objects are found and put in place.

use crate::incoming::Incoming;
use crate::metadata::read_record;
use crate::private::{Private, odd_name, odd_path};
use crate::record::Record;
use crate::system::{entry, is_absence, make_folder, open_file, open_folder};
use crate::{Key, ObjectError, Settings};
use rustix::fs::{AtFlags, FileType, RenameFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

/// How often a way is tried that others remove or make at the same time.
const ATTEMPTS_MAX: usize = 32;

/// One bucket.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: OwnedFd,
    pub(crate) settings: Arc<Settings>,
    private: OnceLock<Private>,
}

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At its key's path.
    Path,
    /// Among the objects whose keys are no paths.
    Odd,
}

/// An object's open file with its attribute.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) file: File,
    pub(crate) stat: Stat,
    pub(crate) record: Record,
}

/// Whether something else may lie at the place where a file is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    Yes,
    /// Fails with `PreconditionFailed` if there is a file.
    No,
}

/// How a file was put at a path.
#[derive(Debug)]
enum AtPath {
    /// It lies there; the folder is returned to be written to disk.
    Placed(OwnedFd),
    /// There is a folder where a file is needed, or the reverse, or a link, or whatever else is no object.
    Obstructed,
}

impl Shared {
    pub(crate) fn new(root: OwnedFd, settings: Arc<Settings>) -> Self {
        Shared {
            root,
            settings,
            private: OnceLock::new(),
        }
    }

    /// Returns the folders beneath `.privet`, which are made at the first change.
    pub(crate) fn private(&self) -> Result<&Private, ObjectError> {
        if let Some(private) = self.private.get() {
            return Ok(private);
        }
        let private = match Private::open(&self.root) {
            Ok(private) => private,
            Err(Errno::NOENT) => return Err(ObjectError::NoSuchBucket),
            Err(errno) => return Err(errno.into()),
        };
        Ok(self.private.get_or_init(|| private))
    }

    /// Returns true if `folder` is the bucket's folder, and nobody removed what lies beneath `.privet`.
    pub(crate) fn is_at(&self, folder: &OwnedFd) -> Result<bool, Errno> {
        let (mine, other) = (rustix::fs::fstat(&self.root)?, rustix::fs::fstat(folder)?);
        let is_same = (mine.st_dev, mine.st_ino) == (other.st_dev, other.st_ino);
        Ok(is_same && !self.private.get().is_some_and(Private::is_gone))
    }

    /// Finds the object of `key`: first at its path, then among the odd ones.
    ///
    /// Errors: `NotFound`, the system's.
    pub(crate) fn find(&self, key: &Key) -> Result<Found, ObjectError> {
        if let Some(path) = key.path()
            && let Some(found) = self.find_at(path, Place::Path)?
        {
            return Ok(found);
        }
        let found = self.find_at(&odd_path(key), Place::Odd)?;
        // A file that lost its attribute, or that was given another's name, is nobody's.
        let found = found.filter(|found| found.record.key.as_deref() == Some(key.as_str()));
        found.ok_or(ObjectError::NotFound)
    }

    fn find_at(&self, path: &str, place: Place) -> Result<Option<Found>, ObjectError> {
        let (file, stat) = match open_file(&self.root, path) {
            Ok(opened) => opened,
            Err(errno) if is_absence(errno) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let record = read_record(&file, &stat)?;
        Ok(Some(Found {
            place,
            file: File::from(file),
            stat,
            record,
        }))
    }

    /// Puts a sealed file in the place of `key`'s object, in one step, and has that written to disk. The caller holds
    /// the key's lock in `lock`, which is released before the disk is waited for.
    pub(crate) fn place<L>(
        &self,
        incoming: &mut Incoming,
        key: &Key,
        record: &mut Record,
        replace: Replace,
        lock: L,
    ) -> Result<(), ObjectError> {
        let private = self.private()?;
        let has_odd = entry(&private.odd, &odd_name(key)).is_ok();
        // An object stays where it is until it is deleted, so that there is no moment at which it has two places.
        let at_path = match key.path() {
            Some(path) if !has_odd || self.find_at(path, Place::Path)?.is_some() => {
                self.place_at_path(incoming, path, replace)?
            }
            Some(_) | None => AtPath::Obstructed,
        };
        match at_path {
            AtPath::Placed(folder) => {
                incoming.placed();
                if has_odd {
                    rustix::fs::unlinkat(&private.odd, odd_name(key), AtFlags::empty())?;
                }
                drop(lock);
                self.sync(&folder)
            }
            AtPath::Obstructed => {
                if record.key.is_none() {
                    record.key = Some(key.as_str().to_owned());
                    incoming.seal(record)?;
                }
                rename(
                    private,
                    incoming.name(),
                    &private.odd,
                    &odd_name(key),
                    replace,
                )?;
                incoming.placed();
                drop(lock);
                self.sync(&private.odd)
            }
        }
    }

    fn place_at_path(
        &self,
        incoming: &Incoming,
        path: &str,
        replace: Replace,
    ) -> Result<AtPath, ObjectError> {
        let private = self.private()?;
        let (parent, name) = split(path);
        for _ in 0..ATTEMPTS_MAX {
            let folder = match self.make_folders(parent) {
                Ok(folder) => folder,
                Err(Errno::NOENT) => continue,
                Err(errno) if is_absence(errno) => return Ok(AtPath::Obstructed),
                Err(errno) => return Err(errno.into()),
            };
            match entry(&folder, name).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                Ok(FileType::RegularFile) | Err(Errno::NOENT) => {}
                // A folder without anything in it is in nobody's way.
                Ok(FileType::Directory) => {
                    if rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR).is_err() {
                        return Ok(AtPath::Obstructed);
                    }
                }
                Ok(_) => return Ok(AtPath::Obstructed),
                Err(errno) if is_absence(errno) => return Ok(AtPath::Obstructed),
                Err(errno) => return Err(errno.into()),
            }
            match rename(private, incoming.name(), &folder, name, replace) {
                Ok(()) => return Ok(AtPath::Placed(folder)),
                // Another writer removed the folder, which was empty, or made one at the name.
                Err(Renaming::System(Errno::NOENT | Errno::ISDIR)) => {}
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
    fn make_folders(&self, path: &str) -> Result<OwnedFd, Errno> {
        match open_folder(&self.root, path) {
            Err(Errno::NOENT) => {}
            result => return result,
        }
        let (parent, name) = split(path);
        let parent = if parent.is_empty() {
            open_folder(&self.root, "")?
        } else {
            self.make_folders(parent)?
        };
        let folder = make_folder(&parent, name)?;
        if self.settings.sync {
            rustix::fs::fsync(&parent)?;
        }
        Ok(folder)
    }

    /// Removes the file of an object that was found, and the folders that are empty then. The lock is released before
    /// the disk is waited for.
    pub(crate) fn remove<L>(&self, key: &Key, place: Place, lock: L) -> Result<(), ObjectError> {
        let private = self.private()?;
        // Nothing may be left that could be found when the file at the path is gone.
        let odd = match rustix::fs::unlinkat(&private.odd, odd_name(key), AtFlags::empty()) {
            Ok(()) => Some(&private.odd),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno.into()),
        };
        let folder = match (place, key.path()) {
            (Place::Path, Some(path)) => {
                let (parent, name) = split(path);
                let folder = open_folder(&self.root, parent)?;
                rustix::fs::unlinkat(&folder, name, AtFlags::empty())?;
                Some(self.remove_empty_folders(folder, parent))
            }
            (Place::Odd, _) | (Place::Path, None) => None,
        };
        drop(lock);
        if let Some(odd) = odd {
            self.sync(odd)?;
        }
        folder.map_or(Ok(()), |folder| self.sync(&folder))
    }

    /// Removes the folder at `path` and those above it as long as they are empty; returns the first that stays.
    fn remove_empty_folders(&self, mut folder: OwnedFd, mut path: &str) -> OwnedFd {
        while !path.is_empty() {
            let (parent, name) = split(path);
            let Ok(above) = open_folder(&self.root, parent) else {
                break;
            };
            if rustix::fs::unlinkat(&above, name, AtFlags::REMOVEDIR).is_err() {
                break;
            }
            (folder, path) = (above, parent);
        }
        folder
    }

    pub(crate) fn sync(&self, folder: &OwnedFd) -> Result<(), ObjectError> {
        if self.settings.sync {
            rustix::fs::fsync(folder)?;
        }
        Ok(())
    }
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
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
