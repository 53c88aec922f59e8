//! Why a demo ends before it serves, with what to do about it.

use privet_sign::{KeyError, SignError};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the folder cannot be created or used.
#[derive(Debug)]
pub(super) enum DemoError {
    /// Another demo runs in it.
    Running(PathBuf),
    File {
        file: PathBuf,
        error: io::Error,
    },
    /// The bucket cannot be made, or an object in it.
    Bucket {
        folder: PathBuf,
        reason: String,
    },
    Certificate(String),
    NewKey(String),
    /// The folder has no key pair, or more than one.
    NoKey(PathBuf),
    Key {
        file: PathBuf,
        error: KeyError,
    },
    Sign(SignError),
    Probe(String),
    /// The page cannot be served.
    Site {
        port: u16,
        error: io::Error,
    },
}

impl fmt::Display for DemoError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemoError::Running(folder) => write!(
                formatter,
                "another demo is running in {}: stop it, or give another folder with --dir",
                folder.display()
            ),
            DemoError::File { file, error } => write!(formatter, "{}: {error}", file.display()),
            DemoError::Bucket { folder, reason } => write!(
                formatter,
                "cannot make the bucket in {}: {reason}",
                folder.display()
            ),
            DemoError::Certificate(reason) => {
                write!(formatter, "cannot make the certificate: {reason}")
            }
            DemoError::NewKey(reason) => {
                write!(formatter, "cannot make the key pair: {reason}")
            }
            DemoError::NoKey(folder) => write!(
                formatter,
                "{} does not have exactly one key pair; remove its parent folder to start over",
                folder.display()
            ),
            DemoError::Key { file, error } => write!(formatter, "{}: {error}", file.display()),
            DemoError::Sign(error) => write!(formatter, "{error}"),
            DemoError::Site { port, error } => write!(
                formatter,
                "cannot serve the page on port {port}: {error}; stop the program that uses it, or change the port of the \
                 origin \"site\" in the demo's service.toml, or in the privet.toml of an older demo"
            ),
            DemoError::Probe(reason) => write!(formatter, "the edge does not respond: {reason}"),
        }
    }
}
