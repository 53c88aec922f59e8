//! `privet check`: reads a configuration as `serve` would and says what it amounts to.

use crate::config_file::ConfigArgument;
use crate::configuration::load_to_serve;
use crate::console;
use crate::moment;
use crate::serve::ServeError;
use crate::whole_file::{BYTES_MAX, read_whole};
use clap::Args;
use origins::{about_paths, in_the_clear, origin_summary};
use privet_distribution::{
    CacheBehavior, CacheSettings, Distribution, GeoRestriction, ListenerProtocol, Origin,
    OriginSource, Snapshot, StreamingDistribution, ViewerProtocolPolicy,
};
use privet_edge::descriptors_note;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

mod notes;
mod origins;

/// Check a configuration file and show what it means, without serving anything.
///
/// Every fault is reported at once, each with its place.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

/// 0 when `serve` would take the file, 1 when not.
pub(crate) fn run(arguments: &CheckArguments) -> ExitCode {
    let config = arguments.config.file();
    let snapshot = match load_to_serve(&config) {
        Ok(loaded) => loaded.snapshot,
        Err(error) => {
            ServeError::Load(error).report();
            return ExitCode::FAILURE;
        }
    };
    warn(&snapshot);
    notes::about_certificates(&snapshot, moment::now());
    notes::about_keys(&snapshot);
    let _ = summary(&config.display().to_string(), &snapshot);
    ExitCode::SUCCESS
}

fn summary(config: &str, snapshot: &Snapshot) -> io::Result<()> {
    console::say(format_args!("{config}: ok"))?;
    for listener in &snapshot.listeners {
        let protocol = match listener.protocol {
            ListenerProtocol::Http => "http",
            ListenerProtocol::Https => "https",
            ListenerProtocol::Rtmp => "rtmp",
            ListenerProtocol::Rtmps => "rtmps",
        };
        let behind = if listener.proxy_protocol {
            ", behind a balancer that sends PROXY headers"
        } else {
            ""
        };
        console::say(format_args!(
            "listener {protocol}://{}{behind}",
            listener.address
        ))?;
    }
    if let Some(socket) = &snapshot.admin_socket {
        console::say(format_args!("operators on {}", socket.display()))?;
    }
    cache_summary(&snapshot.cache)?;
    for distribution in snapshot.distributions() {
        distribution_summary(distribution)?;
    }
    for streaming in snapshot.streaming_distributions() {
        streaming_summary(streaming)?;
    }
    Ok(())
}

fn cache_summary(cache: &CacheSettings) -> io::Result<()> {
    let mebibytes = cache.memory_size_bytes_max >> 20;
    match &cache.disk {
        None => console::say(format_args!("cache {mebibytes} MiB in memory")),
        Some(disk) => console::say(format_args!(
            "cache {mebibytes} MiB in memory, {} MiB on disk in {}",
            disk.size_bytes_max >> 20,
            disk.folder.display()
        )),
    }
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
            "  {:24} {}, from {}{}",
            behavior.path_pattern.as_str(),
            access(behavior),
            behavior.origin.primary.id,
            extras(behavior),
        ))?;
    }
    for origin in origins_of(distribution) {
        console::say(format_args!("  {}", origin_summary(origin)))?;
    }
    for response in &distribution.custom_errors {
        if let Some(page) = &response.page {
            console::say(format_args!(
                "  error {} shows {} with {}",
                response.error_status.as_u16(),
                page.path,
                page.status.as_u16()
            ))?;
        }
    }
    match &distribution.geo {
        GeoRestriction::None => Ok(()),
        GeoRestriction::Allow(countries) => {
            console::say(format_args!("  only in {}", countries.join(", ")))
        }
        GeoRestriction::Block(countries) => {
            console::say(format_args!("  not in {}", countries.join(", ")))
        }
    }
}

fn streaming_summary(streaming: &StreamingDistribution) -> io::Result<()> {
    let state = if streaming.enabled { "" } else { " (disabled)" };
    let names = [
        std::slice::from_ref(&streaming.domain_name),
        &streaming.aliases[..],
    ]
    .concat();
    let access = match streaming.trusted_keys {
        Some(_) => "private: signed stream names only",
        None => "open, save what behaviors restrict",
    };
    console::say(format_args!(
        "streaming distribution {}{state}: {}",
        streaming.id,
        names.join(", ")
    ))?;
    if streaming.films.id != streaming.id {
        let films = &streaming.films.id;
        return console::say(format_args!("  {access}, films of distribution {films}"));
    }
    for origin in origins_of(&streaming.films) {
        console::say(format_args!("  {access}, from {}", origin.id))?;
        console::say(format_args!("  {}", origin_summary(origin)))?;
    }
    Ok(())
}

/// Those that behaviors lead to, each once.
fn origins_of(distribution: &Distribution) -> Vec<&Origin> {
    let mut origins: Vec<&Origin> = Vec::new();
    for behavior in &distribution.behaviors {
        let failover = behavior.origin.failover.as_ref();
        let secondary = failover.map(|failover| &*failover.secondary);
        for origin in std::iter::once(&*behavior.origin.primary).chain(secondary) {
            if origins.iter().all(|known| known.index != origin.index) {
                origins.push(origin);
            }
        }
    }
    origins
}

/// The other origin and the policies; nothing for a folder, which is served as it is.
fn extras(behavior: &CacheBehavior) -> String {
    let mut text = String::new();
    if let Some(failover) = &behavior.origin.failover {
        text.push_str(" or ");
        text.push_str(&failover.secondary.id);
    }
    text.push_str(&films(behavior));
    if matches!(behavior.origin.primary.source, OriginSource::Folder { .. }) {
        return text;
    }
    text.push_str(", ");
    text.push_str(&behavior.cache_policy.name);
    let policy = behavior.origin_request_policy.as_ref();
    if let Some(policy) = policy {
        text.push_str(", ");
        text.push_str(&policy.name);
    }
    if let Some(policy) = &behavior.response_headers_policy {
        text.push_str(", ");
        text.push_str(&policy.name);
    }
    text
}

/// What is made of films, where that is not the usual.
fn films(behavior: &CacheBehavior) -> String {
    match &behavior.films {
        None => ", no films".to_owned(),
        Some(films) => {
            let labels: Vec<&str> = films
                .qualities
                .iter()
                .chain(&films.subtitles)
                .map(String::as_str)
                .collect();
            if labels.is_empty() {
                String::new()
            } else {
                format!(", films with {}", labels.join(", "))
            }
        }
    }
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
        console::note(
            "[test] clock: who reaches a listener and knows the secret that serve prints can set the time",
        );
    }
    for origin in snapshot
        .origins()
        .iter()
        .filter(|origin| in_the_clear(origin))
    {
        console::note(format_args!(
            "origin {} is asked over plain HTTP: its answers travel in the clear",
            origin.id
        ));
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
        warn_of_folders_in_groups(distribution);
        for origin in origins_of(distribution) {
            if let Some(warning) = about_paths(distribution, origin) {
                console::note(format_args!("{warning}"));
            }
        }
    }
    warn_of_streams_without_tls(snapshot);
    if let Some(note) = descriptors_note(snapshot) {
        console::note(note);
    }
    for file in &snapshot.files {
        let is_key = read_whole(file, BYTES_MAX).is_ok_and(|bytes| {
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

/// A stream of a film whose behavior wants HTTPS plays over rtmps alone.
fn warn_of_streams_without_tls(snapshot: &Snapshot) {
    let mut listeners = snapshot.listeners.iter();
    if listeners.any(|listener| listener.protocol == ListenerProtocol::Rtmps) {
        return;
    }
    let is_for_tls = |behavior: &&CacheBehavior| {
        behavior.viewer_protocol_policy != ViewerProtocolPolicy::AllowAll
    };
    for streaming in snapshot.streaming_distributions() {
        let mut behaviors = streaming.films.behaviors.iter();
        let wants_tls = behaviors.find(is_for_tls).filter(|_| streaming.enabled);
        if let Some(behavior) = wants_tls {
            console::note(format_args!(
                "streaming distribution {}: films of behavior {} want HTTPS, and play over rtmps alone; add a listener \
                 with protocol = \"rtmps\"",
                streaming.id,
                behavior.path_pattern.as_str()
            ));
        }
    }
}

/// A folder is read, never asked, so it neither fails over nor helps out.
fn warn_of_folders_in_groups(distribution: &Distribution) {
    let is_folder = |origin: &Origin| matches!(origin.source, OriginSource::Folder { .. });
    for behavior in &distribution.behaviors {
        let Some(failover) = &behavior.origin.failover else {
            continue;
        };
        let members = [&*behavior.origin.primary, &*failover.secondary];
        for folder in members.into_iter().filter(|origin| is_folder(origin)) {
            console::note(format_args!(
                "origin {} is a folder, which takes no part in failover: behavior {} of distribution {} has no second \
                 origin; use a bucket or a server",
                folder.id,
                behavior.path_pattern.as_str(),
                distribution.id
            ));
        }
    }
}
