//! What the configuration says about a link before any signature is looked at: the behavior that applies, the keys that
//! it trusts, and doubts that follow from the configuration alone.

use privet_distribution::config::{
    CacheBehavior, EmbeddedOrigin, ForwardedHeaders, ListenerProtocol, Snapshot,
};
use privet_sign::{KeySet, Leniency};

/// The edge's decision about a request before it looks at any signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// The link is checked, as far as is known.
    #[default]
    Checked,
    /// The path is open to everybody; the text says by which behavior.
    Open(String),
    /// The host is not served; the text says why.
    Unserved(String),
    /// The bucket does not let the origin read; the text says what to do.
    NotGranted(String),
}

/// Keys, and the rules by which the edge that trusts them reads policies.
#[derive(Default)]
pub struct LinkAccess {
    /// Keys that may have signed the link.
    pub keys: KeySet,
    /// Leniency of the behavior.
    pub leniency: Leniency,
    /// Decision about the request without its link.
    pub access: Access,
    /// True if the origin is known to read paths literally, however they are spelled.
    pub reads_literally: bool,
    /// Doubts about the link that follow from the configuration, whatever its signature.
    pub hints: Vec<String>,
}

impl LinkAccess {
    /// Returns what a configuration says about a link as it was pasted. Nothing is known of a text that is no URL.
    pub fn of(snapshot: &Snapshot, url: &str) -> Self {
        let Some((host, path)) = host_and_path(url) else {
            return LinkAccess::default();
        };
        let behavior = match behavior_for(snapshot, host, path) {
            Ok(behavior) => behavior,
            Err(Unserved { reason, hint }) => {
                return LinkAccess {
                    access: Access::Unserved(reason),
                    hints: hint.into_iter().collect(),
                    ..LinkAccess::default()
                };
            }
        };
        let mut known = LinkAccess {
            leniency: behavior.leniency.clone(),
            reads_literally: behavior.origin.reads_literally(),
            hints: tls_hint(snapshot, url).into_iter().collect(),
            ..LinkAccess::default()
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
        let embedded = behavior.origin.primary.source.embedded();
        if let Some(advice) = embedded.and_then(EmbeddedOrigin::advice) {
            known.access = Access::NotGranted(advice);
        }
        known
    }
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
    let node = &snapshot.node;
    let mut listeners = node.listeners.iter();
    let has_https = listeners.any(|listener| listener.protocol == ListenerProtocol::Https);
    let is_told =
        !node.trusted_proxies.is_empty() && node.forwarded_headers != ForwardedHeaders::None;
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
pub fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let quotes = ['"', '\'', '<', '>', '`'];
    let pasted = url.trim().trim_matches(quotes);
    let (_, rest) = pasted.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    let path = target.split(['?', '#']).next().unwrap_or_default();
    Some((host, if path.is_empty() { "/" } else { path }))
}
