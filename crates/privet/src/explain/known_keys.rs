//! Collects what is known about the edge for which a link is explained: the given keys, and what a configuration says
//! about the link's host and path.

use std::path::Path;

use privet_distribution::config::{CacheBehavior, ForwardedHeaders, ListenerProtocol, Snapshot};
use privet_sign::{KeySet, Leniency};

use super::ExplainArguments;
use crate::command_error::CommandError;
use crate::configuration;
use crate::input;
use crate::key_source::AnyKey;

/// The edge's decision about a request before it looks at any signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Access {
    /// The link is checked, as far as is known.
    #[default]
    Checked,
    /// The path is open to everybody; the text says by which behavior.
    Open(String),
    /// The host is not served; the text says why.
    Unserved(String),
}

/// Keys, and the rules by which the edge that trusts them reads policies.
#[derive(Default)]
pub(super) struct KnownKeys {
    pub(super) keys: KeySet,
    pub(super) leniency: Leniency,
    pub(super) access: Access,
    /// True if the origin is known to read paths literally, however they are spelled.
    pub(super) reads_literally: bool,
    /// Doubts about the link that follow from the configuration, whatever its signature.
    pub(super) hints: Vec<String>,
}

/// Reads all keys that the options name.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Key`], [`CommandError::Configuration`].
pub(super) fn read(arguments: &ExplainArguments, url: &str) -> Result<KnownKeys, CommandError> {
    let mut known = match arguments.config_file() {
        Some(file) => from_configuration(&file, url)?,
        None => KnownKeys::default(),
    };
    let passphrase = arguments.passphrase.read()?;
    for named in &arguments.public_key {
        let bytes = input::read_or_variable(&named.file)?;
        let key = AnyKey::parse(&bytes, passphrase.as_deref(), &named.file)?;
        known.keys.insert(named.id.clone(), key.public_key());
    }
    Ok(known)
}

fn from_configuration(file: &Path, url: &str) -> Result<KnownKeys, CommandError> {
    let snapshot = configuration::load(file)?.snapshot;
    let Some((host, path)) = host_and_path(url) else {
        return Ok(KnownKeys::default());
    };
    let behavior = match behavior_for(&snapshot, host, path) {
        Ok(behavior) => behavior,
        Err(Unserved { reason, hint }) => {
            return Ok(KnownKeys {
                access: Access::Unserved(reason),
                hints: hint.into_iter().collect(),
                ..KnownKeys::default()
            });
        }
    };
    let mut known = KnownKeys {
        leniency: behavior.leniency.clone(),
        reads_literally: behavior.origin.reads_literally(),
        hints: tls_hint(&snapshot, url).into_iter().collect(),
        ..KnownKeys::default()
    };
    match &behavior.trusted_keys {
        Some(keys) => known.keys = keys.clone(),
        None => {
            let pattern = behavior.path_pattern.as_str();
            known.access = Access::Open(format!(
                "the behavior {pattern} is open to everybody, with or without a link"
            ));
        }
    }
    Ok(known)
}

/// Why no behavior applies to a link, and what to do about it.
struct Unserved {
    reason: String,
    hint: Option<String>,
}

impl From<String> for Unserved {
    fn from(reason: String) -> Self {
        Unserved { reason, hint: None }
    }
}

/// Returns the behavior that applies to the link; the default one matches everything.
///
/// # Errors
/// [`Unserved`] if the host is not served.
fn behavior_for<'a>(
    snapshot: &'a Snapshot,
    host: &str,
    path: &str,
) -> Result<&'a CacheBehavior, Unserved> {
    let Some(distribution) = snapshot.distribution_for(host) else {
        return Err(Unserved {
            reason: format!(
                "no distribution has the host {host} as its domain_name or among its aliases"
            ),
            hint: Some(format!(
                "add {} to the aliases of the distribution that should serve it",
                without_port(host)
            )),
        });
    };
    if !distribution.enabled {
        let id = &distribution.id;
        let reason = format!("distribution {id}, which has the host {host}, is disabled");
        return Err(reason.into());
    }
    let mut behaviors = distribution.behaviors.iter();
    behaviors
        .find(|behavior| behavior.path_pattern.matches(path))
        .ok_or_else(|| format!("no behavior matches the path {path}").into())
}

/// Returns the hint for an https link to an edge without an https listener: behind a proxy that terminates TLS, the
/// edge has to be told the scheme.
fn tls_hint(snapshot: &Snapshot, url: &str) -> Option<String> {
    let is_https = url
        .trim_start_matches(|char: char| !char.is_ascii_alphabetic())
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let mut listeners = snapshot.node.listeners.iter();
    let has_https = listeners.any(|listener| listener.protocol == ListenerProtocol::Https);
    let is_told = !snapshot.node.trusted_proxies.is_empty()
        && snapshot.node.forwarded_headers != ForwardedHeaders::None;
    (is_https && !has_https && !is_told).then(|| {
        "the edge has no https listener: behind a proxy that terminates TLS, the edge takes the link for http and refuses it, \
         unless the proxy is in edge.trusted_proxies and sends X-Forwarded-Proto"
            .to_owned()
    })
}

/// Returns the host without its port, as aliases are written.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

/// Returns host and path of a link as it was pasted; `None` if it has neither.
pub(super) fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let quotes = ['"', '\'', '<', '>', '`'];
    let pasted = url.trim().trim_matches(quotes);
    let (_, rest) = pasted.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    let path = target.split(['?', '#']).next().unwrap_or_default();
    Some((host, if path.is_empty() { "/" } else { path }))
}
