//! The file of the Unix socket: created for its owner alone, taken over from a dead process, removed once it is no
//! longer served.

use rustix::fs::Mode;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Number of connections that the operating system queues while no slot is free.
const BACKLOG: i32 = 16;

/// The reason why there is no socket, or no thread to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SocketError {
    /// The socket cannot be created, or belongs to another process.
    #[error("cannot listen on {}: {error}; correct the socket in [admin]", path.display())]
    Bind {
        /// Path as configured.
        path: PathBuf,
        /// Cause of the failure.
        error: String,
    },
    /// The listener cannot be opened.
    #[error("cannot listen on {address}: {error}; correct the address in [control]")]
    Listener {
        /// Address as configured.
        address: SocketAddr,
        /// Cause of the failure.
        error: String,
    },
    /// Secrets would pass a network in the clear.
    #[error(
        "the listener {address} needs a certificate; without one, [control] may have a loopback address only"
    )]
    PlainListener {
        /// Address as configured.
        address: SocketAddr,
    },
    /// The operating system could not start a thread.
    #[error("a thread cannot be started: {0}")]
    Thread(String),
}

/// A bound socket. Dropping it removes the file, if that is still this socket's.
#[derive(Debug)]
pub(super) struct OperatorSocket {
    pub(super) file: SocketFile,
    pub(super) listener: UnixListener,
}

/// The path of a socket file, with the device and inode that tell it from any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OperatorSocket {
    /// Binds `path`, readable and writable by its owner only. A socket that no process listens on is replaced.
    ///
    /// The error is a text for the operator.
    pub(super) fn bind(path: &Path) -> Result<Self, String> {
        make_way(path)?;
        let socket = bind(path).map_err(|error| error.to_string())?;
        let listener = UnixListener::from(socket);
        let file = SocketFile::of(path).map_err(|error| error.to_string())?;
        Ok(OperatorSocket { file, listener })
    }
}

impl Drop for OperatorSocket {
    fn drop(&mut self) {
        if self.file.is_there() {
            // A file that could not be removed is replaced at the next start.
            let _ = fs::remove_file(&self.file.path);
        }
    }
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(SocketFile {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// True if the path still leads to this socket.
    pub(super) fn is_there(&self) -> bool {
        self.is_at(&self.path)
    }

    /// True if `path`, perhaps another spelling, leads to this socket.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let found = SocketFile::of(path);
        found.is_ok_and(|found| (found.device, found.inode) == (self.device, self.inode))
    }
}

/// Removes a socket that a dead process has left behind, and nothing else.
fn make_way(path: &Path) -> Result<(), String> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(metadata) => metadata,
    };
    if !metadata.file_type().is_socket() {
        return Err("a file with this name is not a socket".to_owned());
    }
    match UnixStream::connect(path) {
        Ok(_) => Err("another process is listening on it".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn bind(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The mode is set before the socket has a name, so that there is no moment at which others may connect. The umask
    // will not do: the process's other threads share it.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_others_need_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "a text").unwrap();
        let refused = OperatorSocket::bind(&path).unwrap_err();
        assert_eq!(refused, "a file with this name is not a socket");
        assert_eq!(fs::read(&path).unwrap(), b"a text");
        fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        let refused = OperatorSocket::bind(&path).unwrap_err();
        assert_eq!(refused, "another process is listening on it");
        drop(other);
        let nowhere = folder.path().join("none/s");
        assert!(OperatorSocket::bind(&nowhere).is_err());
    }

    #[test]
    fn the_socket_is_its_owners_alone_and_goes_with_him() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        // The socket is left behind: closed, but still a file.
        drop(UnixListener::bind(&path).unwrap());
        let socket = OperatorSocket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(socket.file.is_there());
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn another_spelling_leads_to_the_same_socket() {
        let folder = tempfile::tempdir().unwrap();
        let socket = OperatorSocket::bind(&folder.path().join("s")).unwrap();
        assert!(socket.file.is_at(&folder.path().join("./s")));
        assert!(!socket.file.is_at(&folder.path().join("t")));
    }

    #[test]
    fn a_successors_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = OperatorSocket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let successor = OperatorSocket::bind(&path).unwrap();
        drop(socket);
        assert!(successor.file.is_there());
    }
}
