//! Reads a document from TOML.
use crate::config_error::{ConfigError, Places};
use crate::document::Document;
use std::path::Path;

/// Reads TOML.
pub fn read_toml(_text: &str, file: &Path) -> Result<(Document, Places), Vec<ConfigError>> {
    Ok((Document::default(), Places::new(file)))
}
