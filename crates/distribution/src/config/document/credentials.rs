//! The keys that sign requests to buckets, and secrets.

use std::fmt;
use std::path::PathBuf;

/// The source of access keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsDocument {
    /// Keys in the configuration.
    Static {
        /// Access key id, as in `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// Secret access key, as in `AWS_SECRET_ACCESS_KEY`, or a file with it.
        secret_access_key: SecretSource,
        /// Session token, as in `AWS_SESSION_TOKEN`.
        session_token: Option<Secret>,
    },
    /// The usual chain: environment, profile, web identity, instance metadata.
    Chain {
        /// Profile to use instead of `AWS_PROFILE`.
        profile: Option<String>,
    },
}

/// The source of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Text in the configuration itself.
    Text(Secret),
    /// A file; surrounding white space is ignored.
    File(PathBuf),
}

/// A secret text, which `{:?}` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text` so that it is not printed by accident.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// Returns the text itself, for signing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}
