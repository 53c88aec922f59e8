//! The keys that a link is explained with: named files, and those that a configuration trusts for the link.

use std::path::Path;

use privet_distribution::{CacheBehavior, Snapshot};
use privet_sign::{KeySet, Leniency};

use super::ExplainArguments;
use crate::command_error::CommandError;
use crate::configuration;
use crate::input;
use crate::key_source::AnyKey;
use crate::report;

/// Keys, and how the edge that trusts them reads policies.
#[derive(Default)]
pub(super) struct KnownKeys {
    pub(super) keys: KeySet,
    pub(super) leniency: Leniency,
    /// Whether the origin is known to take paths literally, however they are spelled.
    pub(super) reads_literally: bool,
}

/// Reads all keys that the options name.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Key`], [`CommandError::Configuration`].
pub(super) fn read(arguments: &ExplainArguments, url: &str) -> Result<KnownKeys, CommandError> {
    let mut known = match arguments.config_file() {
        Some(file) => from_configuration(&file, url)?,
        None => KnownKeys::default(),
    };
    let passphrase = arguments.passphrase.read()?;
    for named in &arguments.public_key {
        let bytes = input::read_or_variable(&named.file)?;
        let key = AnyKey::parse(&bytes, passphrase.as_deref(), &named.file)?;
        known.keys.insert(named.id.clone(), key.public_key());
    }
    Ok(known)
}

fn from_configuration(file: &Path, url: &str) -> Result<KnownKeys, CommandError> {
    let loaded = configuration::load(file)?;
    let Some(behavior) = behavior_for(&loaded.snapshot, url) else {
        report::note_line("the configuration does not serve the host of this link");
        return Ok(KnownKeys::default());
    };
    let reads_literally = behavior.origin.reads_literally();
    let Some(keys) = &behavior.trusted_keys else {
        report::note_line(
            "the configuration serves this path to everybody, with or without a link",
        );
        return Ok(KnownKeys {
            reads_literally,
            ..KnownKeys::default()
        });
    };
    Ok(KnownKeys {
        keys: keys.clone(),
        leniency: behavior.leniency.clone(),
        reads_literally,
    })
}

/// The behavior that answers for the link; the default one matches everything.
fn behavior_for<'a>(snapshot: &'a Snapshot, url: &str) -> Option<&'a CacheBehavior> {
    let (host, path) = host_and_path(url)?;
    let distribution = snapshot.distribution_for(host)?;
    let mut behaviors = distribution.behaviors.iter();
    behaviors.find(|behavior| behavior.path_pattern.matches(path))
}

/// Host and path of a link as it was pasted; `None` where it has neither.
pub(super) fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let quotes = ['"', '\'', '<', '>', '`'];
    let pasted = url.trim().trim_matches(quotes);
    let (_, rest) = pasted.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    let path = target.split(['?', '#']).next().unwrap_or_default();
    Some((host, if path.is_empty() { "/" } else { path }))
}
