//! `privet check`: reads a configuration as `serve` would, and summarizes it.

use crate::config_file::ConfigArgument;
use crate::configuration::{LoadError, load_to_serve};
use crate::moment;
use crate::printable::json_line;
use crate::report::{note_line, warning_line};
use crate::terminal;
use clap::Args;
use origins::origin_summary;
use privet_distribution::config::{
    CacheBehavior, CacheSettings, ControlSettings, Distribution, GeoRestriction, Listener,
    ListenerProtocol, Origin, Snapshot, StoreLocation, StoreSettings, StreamingDistribution,
};
use serde_json::{Value, json};
use std::io;
use std::process::ExitCode;

mod folders;
mod notes;
mod origins;

/// Check a configuration file and summarize it, without serving anything.
///
/// All faults are reported at once, each with its line and column.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print one JSON object: ok, faults, notes and what is served
    #[arg(long)]
    json: bool,
}

/// Prints the warnings about a configuration that is served to standard error.
pub(crate) fn warn(snapshot: &Snapshot) {
    notes::warnings(snapshot).iter().for_each(warning_line);
}

/// Runs the command: 0 if `serve` would accept the file, 1 if not.
pub(crate) fn run(arguments: &CheckArguments) -> ExitCode {
    let config = arguments.config.file();
    let config_name = config.display().to_string();
    // If nobody reads the output any more, the verdict is still the same.
    match load_to_serve(&config) {
        Ok(loaded) => {
            loaded.warn_of_own_service();
            let notes = notes::of(&loaded.snapshot, moment::now());
            let _ = if arguments.json {
                terminal::say(json_line(&good_json(
                    &config_name,
                    &loaded.snapshot,
                    &notes,
                )))
            } else {
                warn(&loaded.snapshot);
                notes.iter().for_each(note_line);
                summary(&config_name, &loaded.snapshot)
            };
            ExitCode::SUCCESS
        }
        Err(error) => {
            if arguments.json {
                let _ = terminal::say(json_line(&faulty_json(&config_name, &error)));
            } else {
                error.report();
            }
            ExitCode::FAILURE
        }
    }
}

fn good_json(config: &str, snapshot: &Snapshot, notes: &[String]) -> Value {
    let distributions = snapshot.distributions().iter();
    let streaming = snapshot.streaming_distributions().iter();
    let named = |id: &str, enabled: bool, name: &String, aliases: &[String]| {
        let names = [std::slice::from_ref(name), aliases].concat();
        json!({ "id": id, "enabled": enabled, "names": names })
    };
    let distributions: Vec<Value> = distributions
        .map(|one| named(&one.id, one.enabled, &one.domain_name, &one.aliases))
        .collect();
    let streaming: Vec<Value> = streaming
        .map(|one| named(&one.id, one.enabled, &one.domain_name, &one.aliases))
        .collect();
    let listeners: Vec<String> = snapshot.node.listeners.iter().map(listener_url).collect();
    json!({
        "config": config,
        "ok": true,
        "faults": [],
        "warnings": notes::warnings(snapshot),
        "notes": notes,
        "listeners": listeners,
        "control": snapshot.node.control.as_ref().map(control_url),
        "store": snapshot.node.store.as_ref().map(store_location),
        "distributions": distributions,
        "streaming_distributions": streaming,
    })
}

/// Returns the JSON of a faulty configuration; a fault without a position has `null` for line and column.
fn faulty_json(config: &str, error: &LoadError) -> Value {
    let faults: Vec<Value> = match error {
        LoadError::Faults(faults) => faults
            .iter()
            .map(|fault| {
                let place = |number: u32| (number > 0).then_some(number);
                json!({
                    "line": place(fault.line),
                    "column": place(fault.column),
                    "path": fault.path,
                    "message": fault.message,
                })
            })
            .collect(),
        LoadError::Absent { .. } | LoadError::Unreadable { .. } => vec![json!({
            "line": null,
            "column": null,
            "path": "",
            "message": error.to_string(),
        })],
    };
    json!({
        "config": config,
        "ok": false,
        "faults": faults,
        "hint": error.hint(),
        "warnings": [],
        "notes": [],
    })
}

fn listener_url(listener: &Listener) -> String {
    let protocol = match listener.protocol {
        ListenerProtocol::Http => "http",
        ListenerProtocol::Https => "https",
        ListenerProtocol::Rtmp => "rtmp",
        ListenerProtocol::Rtmps => "rtmps",
    };
    format!("{protocol}://{}", listener.address)
}

/// Returns the address of the operators' interface.
pub(crate) fn control_url(control: &ControlSettings) -> String {
    let scheme = match control.certificate {
        Some(_) => "https",
        None => "http",
    };
    format!("{scheme}://{}/v1", control.address)
}

/// Returns the store's location, without the password that a URL may have.
fn store_location(store: &StoreSettings) -> String {
    match &store.location {
        StoreLocation::File(file) => file.display().to_string(),
        StoreLocation::Url(_) => "in PostgreSQL".to_owned(),
    }
}

fn summary(config: &str, snapshot: &Snapshot) -> io::Result<()> {
    terminal::say(format_args!("{config}: ok"))?;
    for listener in &snapshot.node.listeners {
        let behind = if listener.proxy_protocol {
            ", behind a load balancer that sends PROXY headers"
        } else {
            ""
        };
        terminal::say(format_args!("listener {}{behind}", listener_url(listener)))?;
    }
    if let Some(socket) = &snapshot.node.admin_socket {
        terminal::say(format_args!("admin socket {}", socket.display()))?;
    }
    if let Some(control) = &snapshot.node.control {
        terminal::say(format_args!("operators {}", control_url(control)))?;
    }
    cache_summary(&snapshot.node.cache)?;
    if let Some(store) = &snapshot.node.store {
        let location = store_location(store);
        terminal::say(format_args!("served from the store {location}"))?;
    }
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
        None => terminal::say(format_args!("cache {mebibytes} MiB in memory")),
        Some(disk) => terminal::say(format_args!(
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
    terminal::say(format_args!(
        "distribution {}{state}: {}",
        distribution.id,
        names.join(", ")
    ))?;
    for behavior in &distribution.behaviors {
        terminal::say(format_args!(
            "  {:24} {}, from {}{}",
            behavior.path_pattern.as_str(),
            access(behavior),
            behavior.origin.primary.id,
            extras(behavior),
        ))?;
    }
    for origin in origins_of(distribution) {
        terminal::say(format_args!("  {}", origin_summary(origin)))?;
    }
    for response in &distribution.custom_errors {
        if let Some(page) = &response.page {
            terminal::say(format_args!(
                "  error {} is replaced by {} with status {}",
                response.error_status.as_u16(),
                page.path,
                page.status.as_u16()
            ))?;
        }
    }
    match &distribution.geo {
        GeoRestriction::None => Ok(()),
        GeoRestriction::Allow(countries) => {
            terminal::say(format_args!("  only in {}", countries.join(", ")))
        }
        GeoRestriction::Block(countries) => {
            terminal::say(format_args!("  not in {}", countries.join(", ")))
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
        None => "open, except what behaviors restrict",
    };
    terminal::say(format_args!(
        "streaming distribution {}{state}: {}",
        streaming.id,
        names.join(", ")
    ))?;
    if streaming.videos.id != streaming.id {
        let videos = &streaming.videos.id;
        return terminal::say(format_args!("  {access}, videos of distribution {videos}"));
    }
    for origin in origins_of(&streaming.videos) {
        terminal::say(format_args!("  {access}, from {}", origin.id))?;
        terminal::say(format_args!("  {}", origin_summary(origin)))?;
    }
    Ok(())
}

/// Returns the origins that behaviors use, each once.
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

/// Describes the second origin, videos and policies; no policies for a folder, which is served as it is.
fn extras(behavior: &CacheBehavior) -> String {
    let mut text = String::new();
    if let Some(failover) = &behavior.origin.failover {
        text.push_str(" or ");
        text.push_str(&failover.secondary.id);
    }
    text.push_str(&videos(behavior));
    if !behavior.origin.primary.source.is_remote() {
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

/// Describes a behavior's settings for videos, if they differ from the default.
fn videos(behavior: &CacheBehavior) -> String {
    match &behavior.videos {
        None => ", no videos".to_owned(),
        Some(videos) => {
            let labels: Vec<&str> = videos
                .renditions
                .iter()
                .chain(&videos.subtitles)
                .map(String::as_str)
                .collect();
            if labels.is_empty() {
                String::new()
            } else {
                format!(", videos with {}", labels.join(", "))
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
