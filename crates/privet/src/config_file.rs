//! Finds the configuration file of a command: the one it was given, that of `PRIVET_CONFIG`, or `privet.toml` in the
//! working directory.
//!
//! All commands that take a configuration find it in this way.

use clap::Args;
use std::path::PathBuf;

const VARIABLE: &str = "PRIVET_CONFIG";
const DEFAULT: &str = "privet.toml";

/// The option `--config`.
#[derive(Debug, Default, Args)]
pub(crate) struct ConfigOption {
    /// The configuration file [default: that of PRIVET_CONFIG, or privet.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl ConfigOption {
    /// Returns the file to read.
    pub(crate) fn file(&self) -> PathBuf {
        self.config
            .clone()
            .or_else(from_environment)
            .unwrap_or_else(|| PathBuf::from(DEFAULT))
    }

    /// As [`ConfigOption::file`], for commands that do not need one: `privet.toml` only if it exists.
    pub(crate) fn file_if_any(&self) -> Option<PathBuf> {
        self.config.clone().or_else(from_environment).or_else(|| {
            let default = PathBuf::from(DEFAULT);
            default.exists().then_some(default)
        })
    }
}

/// The option `--config FILE`, or `FILE` alone: for commands that take nothing else.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    #[command(flatten)]
    option: ConfigOption,
    /// The configuration file, without --config
    #[arg(value_name = "CONFIG", conflicts_with = "config")]
    alone: Option<PathBuf>,
}

impl ConfigArgument {
    /// Returns the file to read.
    pub(crate) fn file(&self) -> PathBuf {
        self.alone.clone().unwrap_or_else(|| self.option.file())
    }
}

/// Returns the file of `PRIVET_CONFIG`; an empty variable names none. This is not left to clap, for which the variable
/// would count as `--config`: it would conflict with `--socket`, and with a file given alone.
fn from_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
