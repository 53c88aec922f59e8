//! Collects what is known about the edge for which a link is explained: the given keys, and what a configuration says
//! about the link's host and path.

use std::path::Path;

use privet_control::LinkAccess;

use super::ExplainArguments;
use crate::command_error::CommandError;
use crate::input;
use crate::key_source::AnyKey;
use crate::stored_service::served_snapshot;

/// Reads all keys that the options name.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Key`], [`CommandError::Configuration`].
pub(super) fn read(arguments: &ExplainArguments, url: &str) -> Result<LinkAccess, CommandError> {
    let mut known = match arguments.config_file() {
        Some(file) => from_configuration(&file, url)?,
        None => LinkAccess::default(),
    };
    let passphrase = arguments.passphrase.read()?;
    for named in &arguments.public_key {
        let bytes = input::read_or_variable(&named.file)?;
        let key = AnyKey::parse(&bytes, passphrase.as_deref(), &named.file)?;
        known.keys.insert(named.id.clone(), key.public_key());
    }
    Ok(known)
}

fn from_configuration(file: &Path, url: &str) -> Result<LinkAccess, CommandError> {
    let snapshot = served_snapshot(file)?;
    Ok(LinkAccess::of(&snapshot, url))
}
