//! A file that was opened as an object, before it is decided what is kept of it.

use super::ObjectHead;
use super::identity::Identity;
use rustix::fs::Stat;
use std::fs::File;
use std::path::PathBuf;

/// A file that was opened as an object.
#[derive(Debug)]
pub(super) struct OpenedFile {
    pub(super) file: File,
    pub(super) stat: Stat,
    pub(super) identity: Identity,
    /// Path at which its state is looked up while it is remembered; `None` if it has no such path.
    pub(super) name: Option<PathBuf>,
    pub(super) head: ObjectHead,
}
