//! Which configuration file a command is about: the one it was given, that of `PRIVET_CONFIG`, or `privet.toml` here.
//!
//! All commands that take a configuration find it in this way.

use clap::Args;
use std::path::PathBuf;

const VARIABLE: &str = "PRIVET_CONFIG";
const DEFAULT: &str = "privet.toml";

/// `--config`.
#[derive(Debug, Default, Args)]
pub(crate) struct ConfigOption {
    /// The configuration file [default: that of PRIVET_CONFIG, or privet.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl ConfigOption {
    /// The file to read.
    pub(crate) fn file(&self) -> PathBuf {
        self.config
            .clone()
            .or_else(from_environment)
            .unwrap_or_else(|| PathBuf::from(DEFAULT))
    }

    /// As [`ConfigOption::file`], for commands that can do without one: `privet.toml` only if it is there.
    pub(crate) fn file_if_any(&self) -> Option<PathBuf> {
        self.config.clone().or_else(from_environment).or_else(|| {
            let default = PathBuf::from(DEFAULT);
            default.exists().then_some(default)
        })
    }
}

/// `--config FILE`, or `FILE` alone: for commands that take nothing else.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    #[command(flatten)]
    option: ConfigOption,
    /// The configuration file, without --config
    #[arg(value_name = "CONFIG", conflicts_with = "config")]
    alone: Option<PathBuf>,
}

impl ConfigArgument {
    /// The file to read.
    pub(crate) fn file(&self) -> PathBuf {
        self.alone.clone().unwrap_or_else(|| self.option.file())
    }
}

/// Not left to the parser of the command line, to which a variable would be as good as `--config`: it would quarrel
/// with `--socket`, and with a file that stands alone. An empty variable names nothing.
fn from_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
