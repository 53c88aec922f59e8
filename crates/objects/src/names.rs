//! The names in one folder that are objects or lead to some, in the order in which whole keys have them.

use crate::key::{is_file_name, is_path};
use crate::metadata::read_record;
use crate::private::odd_name;
use crate::system::{entry, open_file};
use crate::{Key, ObjectError};
use rustix::fs::{Dir, FileType};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::os::fd::OwnedFd;

/// Path of the folder of the objects whose keys are no paths. Its names are these keys.
pub(crate) const ODD_FOLDER: &str = ".privet/odd";
/// Memory of a name besides its bytes, about: its place in the set and what the allocator adds.
const NAME_BYTES: usize = 48;

/// Names of files, and names of folders with a slash at their end: so `a-b` comes before what is in the folder `a`.
#[derive(Debug, Default)]
pub(crate) struct Names {
    set: BTreeSet<Box<[u8]>>,
    size_bytes: usize,
}

impl Names {
    /// Returns the first name at or after `from`.
    pub(crate) fn at_or_after(&self, from: &[u8]) -> Option<String> {
        let mut found = self
            .set
            .range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
        let name = found.next()?;
        Some(String::from_utf8(name.to_vec()).expect("names are read from text"))
    }

    pub(crate) fn insert(&mut self, name: &str) {
        if self.set.insert(name.as_bytes().into()) {
            self.size_bytes += name.len() + NAME_BYTES;
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if self.set.remove(name.as_bytes()) {
            self.size_bytes -= name.len() + NAME_BYTES;
        }
    }

    /// Returns the memory that the names need, about.
    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    fn remove_last(&mut self) {
        if let Some(name) = self.set.pop_last() {
            self.size_bytes -= name.len() + NAME_BYTES;
        }
    }

    fn keep_from(&mut self, from: &[u8]) {
        self.set.retain(|name| **name >= *from);
        self.size_bytes = self.set.iter().map(|name| name.len() + NAME_BYTES).sum();
    }
}

/// What was read of a folder.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) names: Names,
    /// Nothing was left out for lack of memory.
    pub(crate) is_whole: bool,
    /// Nothing was left out behind the last name.
    pub(crate) is_end: bool,
}

/// Collects names within a limit of memory: if there are too many, the first ones from a name on.
struct Collector<'a> {
    scanned: Scanned,
    from: &'a [u8],
    size_bytes_max: usize,
}

impl Collector<'_> {
    fn push(&mut self, name: &str) {
        let scanned = &mut self.scanned;
        if !scanned.is_whole && name.as_bytes() < self.from {
            return;
        }
        let last = scanned.names.set.last();
        if !scanned.is_end && last.is_some_and(|last| name.as_bytes() > &**last) {
            return;
        }
        scanned.names.insert(name);
        if scanned.names.size_bytes > self.size_bytes_max && scanned.is_whole {
            scanned.is_whole = false;
            scanned.names.keep_from(self.from);
        }
        // At least one name is kept, so that every scan gets on.
        while scanned.names.size_bytes > self.size_bytes_max && scanned.names.set.len() > 1 {
            scanned.names.remove_last();
            scanned.is_end = false;
        }
    }
}

/// Reads the names in the folder at `path`. Links, devices and names that no key can have are left out. If they need
/// more than `size_bytes_max`, the first ones from `from` on are kept.
///
/// Errors: the system's.
pub(crate) fn scan(
    folder: &OwnedFd,
    path: &str,
    from: &[u8],
    size_bytes_max: usize,
) -> Result<Scanned, ObjectError> {
    let mut collector = Collector {
        scanned: Scanned {
            is_whole: true,
            is_end: true,
            ..Scanned::default()
        },
        from,
        size_bytes_max,
    };
    for item in Dir::read_from(folder)? {
        let item = item?;
        let Ok(name) = item.file_name().to_str() else {
            continue;
        };
        if path == ODD_FOLDER {
            if let Some(key) = odd_key(folder, name)? {
                collector.push(key.as_str());
            }
            continue;
        }
        let is_possible = if path.is_empty() {
            is_path(name)
        } else {
            is_file_name(name)
        };
        if !is_possible {
            continue;
        }
        match kind(folder, name, item.file_type()) {
            Kind::File => collector.push(name),
            Kind::Folder => collector.push(&format!("{name}/")),
            Kind::Neither => {}
        }
    }
    Ok(collector.scanned)
}

enum Kind {
    File,
    Folder,
    Neither,
}

fn kind(folder: &OwnedFd, name: &str, known: FileType) -> Kind {
    // Not all file systems tell the kind with the name.
    let known = match known {
        FileType::Unknown => {
            entry(folder, name).map_or(known, |stat| FileType::from_raw_mode(stat.st_mode))
        }
        known => known,
    };
    match known {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Kind::Neither,
    }
}

/// Reads the key of a file among the odd ones. One whose name is not that of its key is nobody's.
fn odd_key(folder: &OwnedFd, name: &str) -> Result<Option<Key>, ObjectError> {
    let Ok((file, stat)) = open_file(folder, name) else {
        return Ok(None);
    };
    let key = read_record(&file, &stat)?.key;
    let key = key.and_then(|key| Key::new(key).ok());
    Ok(key.filter(|key| odd_name(key) == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(from: &str, size_bytes_max: usize, names: &[&str]) -> (Vec<String>, bool, bool) {
        let mut collector = Collector {
            scanned: Scanned {
                is_whole: true,
                is_end: true,
                ..Scanned::default()
            },
            from: from.as_bytes(),
            size_bytes_max,
        };
        names.iter().for_each(|name| collector.push(name));
        let Scanned {
            names,
            is_whole,
            is_end,
        } = collector.scanned;
        let texts = names
            .set
            .iter()
            .map(|name| String::from_utf8(name.to_vec()).unwrap());
        (texts.collect(), is_whole, is_end)
    }

    #[test]
    fn the_first_names_from_a_name_on_are_kept() {
        let all = ["d", "b", "e", "a", "c"];
        let three = 3 * (NAME_BYTES + 1);
        assert_eq!(collected("", usize::MAX, &all).0, ["a", "b", "c", "d", "e"]);
        assert_eq!(
            collected("b", three, &all),
            (vec!["b".into(), "c".into(), "d".into()], false, false)
        );
        assert_eq!(
            collected("d", three, &all),
            (vec!["d".into(), "e".into()], false, true)
        );
        assert_eq!(collected("", 0, &all), (vec!["a".into()], false, false));
        let mut names = Names::default();
        names.insert("a");
        names.insert("a");
        names.remove("b");
        assert_eq!(names.size_bytes(), NAME_BYTES + 1);
        names.remove("a");
        assert_eq!(names.size_bytes(), 0);
    }
}
