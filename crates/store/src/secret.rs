//! A text that is never shown.

use std::fmt;

use aws_lc_rs::constant_time;
use zeroize::Zeroize;

/// Text that no log, error or `Debug` output shows; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text that is a secret from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret in clear.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    /// Compares in a time that does not depend on where the two differ.
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}
