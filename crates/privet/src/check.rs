//! `privet check`: reads a configuration as `serve` would and says what it amounts to.

use crate::configuration::load;
use crate::console;
use crate::serve::ServeError;
use clap::Args;
use privet_distribution::{CacheBehavior, Distribution, ListenerProtocol, Snapshot};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a configuration file and show what it means, without serving anything.
///
/// Every fault is reported at once, each with its place.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration file.
    #[arg(default_value = "privet.toml")]
    pub(crate) config: PathBuf,
}

/// 0 when `serve` would take the file, 1 when not.
pub(crate) fn run(arguments: &CheckArguments) -> ExitCode {
    let snapshot = match load(&arguments.config) {
        Ok(loaded) => loaded.snapshot,
        Err(error) => {
            ServeError::Load(error).report();
            return ExitCode::FAILURE;
        }
    };
    warn(&snapshot);
    let _ = summary(&arguments.config.display().to_string(), &snapshot);
    ExitCode::SUCCESS
}

fn summary(config: &str, snapshot: &Snapshot) -> io::Result<()> {
    console::say(format_args!("{config}: ok"))?;
    for listener in &snapshot.listeners {
        let protocol = match listener.protocol {
            ListenerProtocol::Http => "http",
            ListenerProtocol::Https => "https",
        };
        console::say(format_args!("listener {protocol}://{}", listener.address))?;
    }
    for distribution in snapshot.distributions() {
        distribution_summary(distribution)?;
    }
    Ok(())
}

fn distribution_summary(distribution: &Distribution) -> io::Result<()> {
    let state = if distribution.enabled {
        ""
    } else {
        " (disabled)"
    };
    let names = [
        std::slice::from_ref(&distribution.domain_name),
        &distribution.aliases[..],
    ]
    .concat();
    console::say(format_args!(
        "distribution {}{state}: {}",
        distribution.id,
        names.join(", ")
    ))?;
    for behavior in &distribution.behaviors {
        console::say(format_args!(
            "  {:24} {}, from {}",
            behavior.path_pattern.as_str(),
            access(behavior),
            behavior.origin.primary.id,
        ))?;
    }
    Ok(())
}

fn access(behavior: &CacheBehavior) -> &'static str {
    match behavior.trusted_keys {
        Some(_) => "private: signed links and cookies only",
        None => "open to everybody",
    }
}

/// What is allowed but seldom meant.
fn warn(snapshot: &Snapshot) {
    let has_https = snapshot
        .listeners
        .iter()
        .any(|listener| listener.protocol == ListenerProtocol::Https);
    if !has_https {
        console::note("no https listener: links and files travel in the clear");
    }
    if snapshot.log.is_none() {
        console::note("no [log]: requests leave no trace");
    }
    if snapshot.test_clock {
        console::note("[test] clock: anyone who reaches a listener can set the time");
    }
    for distribution in snapshot.distributions() {
        let private = distribution
            .behaviors
            .iter()
            .any(|behavior| behavior.trusted_keys.is_some());
        if !private {
            console::note(format_args!(
                "distribution {} has no private behavior",
                distribution.id
            ));
        }
    }
    for file in &snapshot.files {
        let is_key = std::fs::read(file).is_ok_and(|bytes| {
            bytes
                .windows(b"PRIVATE KEY".len())
                .any(|window| window == b"PRIVATE KEY")
        });
        let mode = std::fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
        if is_key && mode & 0o077 != 0 {
            console::note(format_args!(
                "{} holds a private key that others can read; chmod 600 it",
                file.display()
            ));
        }
    }
}
