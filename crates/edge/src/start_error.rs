//! Reasons why the edge did not start, or did not accept a new configuration.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use thiserror::Error;

/// Reason why the edge did not start, or did not accept a new configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// The address is in use or is not this machine's.
    #[error("cannot listen on {address}: {fault}")]
    Listen {
        /// Address as configured.
        address: SocketAddr,
        /// Cause of the failure.
        fault: ListenFault,
    },
    /// An origin's folder cannot be opened.
    #[error("the folder {} cannot be opened: {error}; create it, or correct the origin", folder.display())]
    Folder {
        /// Folder as configured.
        folder: PathBuf,
        /// Error text of the operating system.
        error: String,
    },
    /// A certificate chain or its key is unusable.
    #[error("the certificate {path} cannot be used: {reason}")]
    Certificate {
        /// Path of the file at fault.
        path: String,
        /// Fault in the file; never its content.
        reason: String,
    },
    /// An HTTPS or RTMPS listener without any certificate.
    #[error("an https or rtmps listener needs a distribution with a certificate")]
    NoCertificate,
    /// The TLS library rejected the configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// A text that is not allowed in a response header.
    #[error("{0:?} cannot stand in a header; use plain ASCII")]
    HeaderText(String),
    /// The database of countries is broken, or is a file of another kind.
    #[error("the database of countries {} cannot be used: {reason}", file.display())]
    GeoDatabase {
        /// File as configured.
        file: PathBuf,
        /// Fault in the file.
        reason: String,
    },
    /// The log folder cannot be created or written.
    #[error("the log cannot be opened: {0}; correct the folder in [log]")]
    Log(String),
    /// The cache's folder cannot be created or written, or belongs to another process.
    #[error("the cache cannot be opened: {0}; correct the folder in [cache]")]
    Cache(String),
    /// The operating system could not start a thread.
    #[error("a thread cannot be started: {0}")]
    Thread(String),
}

/// Reason why the edge cannot listen on an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListenFault {
    /// Another program listens there.
    #[error("another program uses this port")]
    Taken,
    /// The port is reserved for privileged users.
    #[error("this user may not use port {0}")]
    Forbidden(u16),
    /// No interface has the address.
    #[error("this machine has no such address")]
    Elsewhere,
    /// Any other error, as the operating system words it.
    #[error("{0}")]
    Other(String),
}

impl ListenFault {
    fn new(error: &io::Error, address: SocketAddr) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::AddrInUse {
            ListenFault::Taken
        } else if kind == io::ErrorKind::PermissionDenied {
            ListenFault::Forbidden(address.port())
        } else if kind == io::ErrorKind::AddrNotAvailable {
            ListenFault::Elsewhere
        } else {
            ListenFault::Other(error.to_string())
        }
    }
}

pub(crate) fn listen_error(address: SocketAddr, error: &io::Error) -> StartError {
    StartError::Listen {
        address,
        fault: ListenFault::new(error, address),
    }
}
