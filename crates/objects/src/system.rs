//! Calls of the operating system that never leave a folder.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Permissions of new files, of which the process's mask takes some away.
pub(crate) const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
/// Permissions of new folders.
pub(crate) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o750);

/// Flags by which opening never waits for the other end of a pipe and never takes a controlling terminal.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW);
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::DIRECTORY);

/// No link is followed, also not out of `/proc`, and no mount point is crossed: all that is reached lies in the folder.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Opens the folder at `path`, which an operator configured: its links are followed.
pub(crate) fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, FOLDER, Mode::empty())
}

/// Opens a bucket's folder. It may be a mount point, but no link.
pub(crate) fn open_bucket(root: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let resolve = BENEATH.difference(ResolveFlags::NO_XDEV);
    rustix::fs::openat2(root, name, FOLDER, Mode::empty(), resolve)
}

/// As `open_bucket`, if the way there is in memory; otherwise an error.
pub(crate) fn open_bucket_in_memory(root: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let resolve = BENEATH.difference(ResolveFlags::NO_XDEV) | ResolveFlags::CACHED;
    rustix::fs::openat2(root, name, FOLDER, Mode::empty(), resolve)
}

/// Opens the folder at `path` beneath `root`; the empty path is `root` itself.
pub(crate) fn open_folder(root: impl AsFd, path: &str) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { "." } else { path };
    rustix::fs::openat2(root, path, FOLDER, Mode::empty(), BENEATH)
}

/// Opens the regular file at `path` beneath `root` for reading. Everything else counts as absent.
pub(crate) fn open_file(root: impl AsFd, path: &str) -> Result<(OwnedFd, Stat), Errno> {
    regular(rustix::fs::openat2(
        root,
        path,
        READING,
        Mode::empty(),
        BENEATH,
    )?)
}

/// As `open_file`, if the way there is in memory; otherwise an error, also before Linux 5.12.
pub(crate) fn open_file_in_memory(root: impl AsFd, path: &str) -> Result<(OwnedFd, Stat), Errno> {
    let resolve = BENEATH | ResolveFlags::CACHED;
    regular(rustix::fs::openat2(
        root,
        path,
        READING,
        Mode::empty(),
        resolve,
    )?)
}

/// Lets nothing but a regular file pass.
fn regular(file: OwnedFd) -> Result<(OwnedFd, Stat), Errno> {
    let stat = rustix::fs::fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((file, stat)),
        FileType::Directory
        | FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Err(Errno::NOENT),
    }
}

/// Creates the file `name` in `folder`, which must not be there, for reading and writing.
pub(crate) fn create_file(folder: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(folder, name, flags, FILE_MODE)
}

/// Opens the folder `name` in `folder`, after making it if it is not there.
pub(crate) fn make_folder(folder: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(&folder, name, FOLDER_MODE) {
        Ok(()) | Err(Errno::EXIST) => open_folder(folder, name),
        Err(errno) => Err(errno),
    }
}

/// Returns what lies at `name` in `folder`, without following a link.
pub(crate) fn entry(folder: impl AsFd, name: &str) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Returns true if an error of opening says that there is no such file, and nothing else.
pub(crate) fn is_absence(errno: Errno) -> bool {
    const ABSENT: [Errno; 7] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::NAMETOOLONG,
        Errno::LOOP,
        Errno::XDEV,
        // A socket, or a device without a driver.
        Errno::NXIO,
    ];
    ABSENT.contains(&errno)
}
