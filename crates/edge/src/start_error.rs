//! Why the edge did not start, or did not take a new configuration.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use thiserror::Error;

/// Why the edge did not start, or did not take a new configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error("cannot listen on {address}: {fault}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What is in the way.
        fault: ListenFault,
    },
    /// An origin's folder cannot be opened.
    #[error("the folder {} cannot be opened: {error}; make it, or correct the origin", folder.display())]
    Folder {
        /// As configured.
        folder: PathBuf,
        /// The operating system's words.
        error: String,
    },
    /// A certificate chain or its key is unusable.
    #[error("the certificate {path} cannot be used: {reason}")]
    Certificate {
        /// The file at fault.
        path: String,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// An HTTPS or RTMPS listener without any certificate.
    #[error("an https or rtmps listener needs a distribution with a certificate")]
    NoCertificate,
    /// The TLS library refused the configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// A text that cannot stand in a response header.
    #[error("{0:?} cannot stand in a header; use plain ASCII")]
    HeaderText(String),
    /// The database of countries is broken, or holds something else.
    #[error("the database of countries {} cannot be used: {reason}", file.display())]
    GeoDatabase {
        /// As configured.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The log folder cannot be made or written.
    #[error("the log cannot be opened: {0}; correct the folder in [log]")]
    Log(String),
    /// The cache's folder cannot be made, written, or is another process's.
    #[error("the cache cannot be opened: {0}; correct the folder in [cache]")]
    Cache(String),
    /// The operating system gave no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(String),
}

/// Why an address cannot be listened on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListenFault {
    /// Somebody else listens there.
    #[error("another program uses this port")]
    Taken,
    /// The port is not for everybody's use.
    #[error("this user may not use port {0}")]
    Forbidden(u16),
    /// No interface has the address.
    #[error("this machine has no such address")]
    Elsewhere,
    /// Anything else, in the operating system's words.
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
