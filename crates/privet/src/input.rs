//! Reading whole small inputs: files, standard input (`-`), environment variables (`env:NAME`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::command_error::CommandError;

/// Keys, policies and passphrases are far smaller.
pub(crate) const BYTES_MAX: usize = 64 * 1024;

/// The bytes behind `name`: a file, or standard input for `-`.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::TooLarge`].
pub(crate) fn read(name: &str) -> Result<Vec<u8>, CommandError> {
    if name == "-" {
        return read_limited(io::stdin().lock(), "standard input");
    }
    read_file(Path::new(name))
}

/// The bytes of a small file.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| CommandError::read(&shown, &error))?;
    read_limited(file, &shown)
}

/// As [`read`], and `env:NAME` for an environment variable.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_or_variable(name: &str) -> Result<Vec<u8>, CommandError> {
    let Some(variable) = name.strip_prefix("env:") else {
        return read(name);
    };
    match std::env::var(variable) {
        Ok(value) => Ok(value.into_bytes()),
        Err(_) => Err(CommandError::Read {
            source: format!("the environment variable {variable}"),
            reason: "it is not set, or not text".to_owned(),
        }),
    }
}

fn read_limited(reader: impl Read, source: &str) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX) + 1;
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| CommandError::read(source, &error))?;
    if bytes.len() > BYTES_MAX {
        return Err(CommandError::TooLarge {
            source: source.to_owned(),
            bytes_max: BYTES_MAX,
        });
    }
    Ok(bytes)
}
