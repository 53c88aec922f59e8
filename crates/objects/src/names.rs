//! The names in one folder that are objects or lead to some, in the order in which whole keys have them.

use crate::key::{is_file_name, is_path};
use crate::metadata::read_record;
use crate::private::odd_path;
use crate::shared::Shared;
use crate::system::{entry, is_absence, open_file, open_folder};
use crate::{Key, ObjectError};
use rustix::fs::{Dir, FileType};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::os::fd::OwnedFd;

/// Names of files, and names of folders with a slash at their end: so `a-b` comes before what is in the folder `a`.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Returns the first name at or after `from`.
    pub(crate) fn at_or_after(&self, from: &[u8]) -> Option<String> {
        let text = match std::str::from_utf8(from) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&from[..error.valid_up_to()]).unwrap_or_default(),
        };
        let found = self
            .0
            .range::<str, _>((Bound::Included(text), Bound::Unbounded));
        let mut found = found.filter(|name| name.as_bytes() >= from);
        found.next().cloned()
    }
}

/// Reads the names in a folder. Links, devices and names that no key can have are left out.
pub(crate) fn scan(folder: &OwnedFd, is_root: bool) -> Result<Names, ObjectError> {
    let mut names = BTreeSet::new();
    for item in Dir::read_from(folder)? {
        let item = item?;
        let Ok(name) = item.file_name().to_str() else {
            continue;
        };
        let is_possible = if is_root {
            is_path(name)
        } else {
            is_file_name(name)
        };
        if !is_possible {
            continue;
        }
        let kind = match item.file_type() {
            // Not all file systems tell the kind.
            FileType::Unknown => match entry(folder, name) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(_) => continue,
            },
            kind => kind,
        };
        if kind.is_file() {
            names.insert(name.to_owned());
        } else if kind.is_dir() {
            names.insert(format!("{name}/"));
        }
    }
    Ok(Names(names))
}

/// Reads the keys of the objects whose keys are no paths.
pub(crate) fn read_odd_keys(shared: &Shared) -> Result<BTreeSet<String>, ObjectError> {
    let mut keys = BTreeSet::new();
    let folder = match open_folder(&shared.root, ".privet/odd") {
        Ok(folder) => folder,
        Err(errno) if is_absence(errno) => return Ok(keys),
        Err(errno) => return Err(errno.into()),
    };
    for item in Dir::read_from(&folder)? {
        let item = item?;
        let Ok(name) = item.file_name().to_str() else {
            continue;
        };
        let Ok((file, stat)) = open_file(&folder, name) else {
            continue;
        };
        let key = read_record(&file, &stat)?
            .key
            .and_then(|key| Key::new(key).ok());
        if let Some(key) = key
            && odd_path(&key).ends_with(name)
        {
            keys.insert(key.as_str().to_owned());
        }
    }
    Ok(keys)
}
