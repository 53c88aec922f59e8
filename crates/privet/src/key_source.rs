//! Reads keys from a file, standard input or the environment, with a passphrase that is never an argument.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use privet_sign::{KeyError, PrivateKey, PublicKey};

use crate::command_error::CommandError;
use crate::input;
use crate::report;
use privet_control::shell;

const PASSPHRASE_VARIABLE: &str = "PRIVET_KEY_PASSPHRASE";

/// Options of all commands that read a private key.
#[derive(Debug, clap::Args)]
pub(crate) struct PassphraseArguments {
    /// File with the passphrase of the key; otherwise PRIVET_KEY_PASSPHRASE is read
    #[arg(long, value_name = "FILE", help_heading = "Key")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArguments {
    /// Returns the passphrase, if there is one, without the line ending after it.
    ///
    /// # Errors
    /// [`CommandError::Read`] if the file cannot be read.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, CommandError> {
        let Some(path) = &self.passphrase_file else {
            return Ok(std::env::var(PASSPHRASE_VARIABLE)
                .ok()
                .map(String::into_bytes));
        };
        let mut passphrase = input::read_file(path)?;
        for end in [b'\n', b'\r'] {
            if passphrase.last() == Some(&end) {
                passphrase.pop();
            }
        }
        Ok(Some(passphrase))
    }
}

/// A private or a public key.
pub(crate) enum AnyKey {
    /// A private key, which includes its public key.
    Private(PrivateKey),
    /// A public key alone.
    Public(PublicKey),
}

impl AnyKey {
    /// Parses the key in `bytes`, private or public. `source` names them in errors.
    ///
    /// # Errors
    /// [`CommandError::Key`].
    pub(crate) fn parse(
        bytes: &[u8],
        passphrase: Option<&[u8]>,
        source: &str,
    ) -> Result<Self, CommandError> {
        let error = match PrivateKey::parse(bytes, passphrase) {
            Ok(key) => return Ok(AnyKey::Private(key)),
            Err(error) => error,
        };
        match (PublicKey::parse(bytes), error) {
            (Ok(key), _) => Ok(AnyKey::Public(key)),
            (Err(error), KeyError::PublicKeyGiven) | (Err(_), error) => Err(CommandError::Key {
                source: source.to_owned(),
                error,
            }),
        }
    }

    /// Returns the public key, or that of the private key.
    pub(crate) fn public_key(&self) -> PublicKey {
        match self {
            AnyKey::Private(key) => key.public_key(),
            AnyKey::Public(key) => key.clone(),
        }
    }
}

/// Prints a note if the file that `name` stands for can be read by others: a private key that others can read is a key
/// that others have. Standard input and variables have no mode to check.
pub(crate) fn note_readers(name: &str) {
    let mode = fs::metadata(name).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let word = shell::word(name);
        report::note_line(format!(
            "others can read {name} (mode {mode:04o}): run chmod 600 {word}"
        ));
    }
}

/// Returns whether `name` stands for a file that does not exist.
fn is_absent(name: &str) -> bool {
    let is_file = name != "-" && !name.starts_with("env:");
    is_file && fs::metadata(name).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Reads the private key that `name` stands for: a file, `-` or `env:NAME`.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Key`].
pub(crate) fn private_key(
    name: &str,
    passphrase: &PassphraseArguments,
) -> Result<PrivateKey, CommandError> {
    let bytes = input::read_or_variable(name).map_err(|error| {
        if is_absent(name) {
            let file = name.to_owned();
            return CommandError::KeyAbsent { file };
        }
        error
    })?;
    let passphrase = passphrase.read()?;
    PrivateKey::parse(&bytes, passphrase.as_deref()).map_err(|error| CommandError::Key {
        source: name.to_owned(),
        error,
    })
}
