//! Reads whole small inputs: files, standard input (`-`), environment variables (`env:NAME`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::command_error::CommandError;

/// The largest key, policy or passphrase that is read; they are far smaller.
pub(crate) const BYTES_MAX: usize = 64 * 1024;

/// Reads the input called `name`: a file, or standard input for `-`.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::TooLarge`].
pub(crate) fn read(name: &str) -> Result<Vec<u8>, CommandError> {
    read_up_to(name, BYTES_MAX)
}

/// As [`read`], with another limit.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_up_to(name: &str, bytes_max: usize) -> Result<Vec<u8>, CommandError> {
    if name == "-" {
        return read_limited(io::stdin().lock(), "standard input", bytes_max);
    }
    read_file_up_to(Path::new(name), bytes_max)
}

/// Reads a small file.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file_up_to(path, BYTES_MAX)
}

fn read_file_up_to(path: &Path, bytes_max: usize) -> Result<Vec<u8>, CommandError> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| CommandError::read(&shown, &error))?;
    read_limited(file, &shown, bytes_max)
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

fn read_limited(
    reader: impl Read,
    source: &str,
    bytes_max: usize,
) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX) + 1;
    reader
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| CommandError::read(source, &error))?;
    if bytes.len() > bytes_max {
        return Err(CommandError::TooLarge {
            source: source.to_owned(),
            bytes_max,
        });
    }
    Ok(bytes)
}
