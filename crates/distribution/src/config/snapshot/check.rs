//! Finds everything that can be wrong with a document apart from the files it names, without stopping at the first
//! fault.

use super::NodeSettings;
use super::service::Service;
use crate::canonical_path::is_canonical;
use crate::config::config_error::{ConfigError, Places, did_you_mean};
use crate::config::document::{
    BehaviorDocument, CertificateDocument, CertificateSource, ControlSettings,
    DistributionDocument, Document, EdgeIdentity, KeySource, Listener, ListenerProtocol,
    LogSettings, NodeDocument, ServiceDocument,
};
use crate::config::path_pattern::PathPattern;
use privet_sign::KeyPairId;
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path};

mod buckets;
mod distribution;
mod logging;
mod origins;
mod policies;
mod streaming;
mod videos;

/// CloudFront's quotas (developer guide, "Quotas").
const ALIASES_MAX: usize = 100;
const BEHAVIORS_MAX: usize = 75;

/// Returns all faults, in the order of the document. Unreadable names, which are empty, cause no further errors.
pub(crate) fn check(document: &Document, places: &Places) -> Vec<ConfigError> {
    let node = &document.node;
    let mut checker = Checker {
        document: &document.service,
        others: None,
        listeners: &node.listeners,
        has_geo_database: node.geo_database.is_some(),
        has_buckets_folder: node.buckets.is_some(),
        places,
        errors: Vec::new(),
    };
    checker.node(node);
    checker.service();
    if node.store.is_none() {
        checker.streaming_listeners();
    }
    checker.errors
}

/// Returns all faults of a change to what `others` has, under the settings of `node`. The distributions that the change
/// replaces have given up their names there.
pub(super) fn check_changes(
    node: &NodeSettings,
    changed: &ServiceDocument,
    others: &Service,
) -> Vec<ConfigError> {
    let places = Places::default();
    let mut checker = Checker {
        document: changed,
        others: Some(others),
        listeners: &node.listeners,
        has_geo_database: node.geo_database.is_some(),
        has_buckets_folder: node.buckets.is_some(),
        places: &places,
        errors: Vec::new(),
    };
    checker.service();
    checker.errors
}

struct Checker<'c> {
    document: &'c ServiceDocument,
    /// What is served besides; `None` if the document is all there is.
    others: Option<&'c Service>,
    listeners: &'c [Listener],
    has_geo_database: bool,
    has_buckets_folder: bool,
    places: &'c Places,
    errors: Vec<ConfigError>,
}

/// The keys behind the signers of a behavior.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamedKeys {
    /// The number of keys.
    Counted(usize),
    /// Unknown, because of a fault that was reported already.
    Faulty,
}

impl Checker<'_> {
    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(self.places.error(path, message));
    }

    fn edge(&mut self, edge: &EdgeIdentity) {
        for (path, value) in [
            ("edge.location", &edge.location),
            ("edge.server", &edge.server),
        ] {
            let is_plain = value
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic());
            if value.is_empty() || value.len() > 64 || !is_plain || value.trim() != value {
                self.fault(path, "must be 1 to 64 printable ASCII characters");
            }
        }
    }

    fn node(&mut self, node: &NodeDocument) {
        self.edge(&node.edge);
        self.node_listeners(node);
        if let Some(log) = &node.log {
            self.log(log);
        }
        self.admin_socket(node.admin_socket.as_deref());
        if let Some(control) = &node.control {
            self.control(control);
        }
        if let Some(buckets) = &node.buckets {
            self.buckets_endpoint(buckets);
        }
    }

    fn service(&mut self) {
        let document = self.document;
        self.keys();
        self.policies();
        self.certificates();
        self.buckets();
        self.hosts();
        let ids = document.distributions.iter().map(|d| d.id.as_str());
        self.unique("distributions", "id", ids);
        for (position, distribution) in document.distributions.iter().enumerate() {
            self.distribution(distribution, &format!("distributions[{position}]"));
        }
        self.streaming();
    }

    fn node_listeners(&mut self, node: &NodeDocument) {
        if node.listeners.is_empty() {
            self.fault("listeners", "is empty; add a [[listeners]] table");
        }
        let mut known = HashSet::new();
        for (position, listener) in node.listeners.iter().enumerate() {
            let path = format!("listeners[{position}].address");
            let address = listener.address;
            if address.port() != 0 && !known.insert(address) {
                self.fault(&path, format!("{address} is used twice; remove one"));
            }
            if listener.proxy_protocol && node.trusted_proxies.is_empty() {
                let message = "is true, but no proxy is trusted; add edge.trusted_proxies";
                self.fault(&format!("listeners[{position}].proxy_protocol"), message);
            }
            if node.test_clock && !address.ip().is_loopback() {
                let message = format!(
                    "{address} is not a loopback address, and test.clock is only for those; remove test.clock"
                );
                self.fault(&path, message);
            }
        }
    }

    /// Checks the length of the admin socket's path, which the kernel limits.
    fn admin_socket(&mut self, socket: Option<&Path>) {
        const SIZE_BYTES_MAX: usize = 107;
        let size_bytes = socket.map_or(0, |path| path.as_os_str().len());
        if size_bytes > SIZE_BYTES_MAX {
            let message = format!(
                "is {size_bytes} bytes long, with the folder of this file in front; shorten it to {SIZE_BYTES_MAX}"
            );
            self.fault("admin.socket", message);
        }
    }

    /// Checks that keys of operators do not cross a network in the clear.
    fn control(&mut self, control: &ControlSettings) {
        if !control.address.ip().is_loopback() && control.certificate.is_none() {
            let message = format!(
                "{} is not a loopback address, and only those are served without TLS; add certificate = {{ chain = \"…\", key = \"…\" }}",
                control.address
            );
            self.fault("control.address", message);
        }
    }

    fn log(&mut self, log: &LogSettings) {
        let mut components = std::path::Path::new(&log.prefix).components();
        if !components.all(|component| matches!(component, Component::Normal(_))) {
            let message = "must be a path below log.folder, without a leading slash and without ..";
            self.fault("log.prefix", message);
        }
    }

    fn keys(&mut self) {
        let document = self.document;
        let key_ids: Vec<&str> = document
            .public_keys
            .iter()
            .map(|key| key.id.as_str())
            .collect();
        self.unique("public_keys", "id", key_ids.iter().copied());
        let names = document.public_keys.iter();
        let names = names.map(|key| key.name.as_deref().unwrap_or_default());
        self.unique("public_keys", "name", names);
        for (position, id) in key_ids.iter().enumerate() {
            if !id.is_empty()
                && let Err(error) = KeyPairId::parse(id)
            {
                self.fault(&format!("public_keys[{position}].id"), error.to_string());
            }
        }
        for (position, key) in document.public_keys.iter().enumerate() {
            if let KeySource::Pem(pem) = &key.source {
                self.public_pem(pem, &format!("public_keys[{position}].pem"));
            }
        }
        let groups = document.key_groups.iter();
        self.unique("key_groups", "id", groups.map(|group| group.id.as_str()));
        let names = document.key_groups.iter();
        let names = names.map(|group| group.name.as_deref().unwrap_or_default());
        self.unique("key_groups", "name", names);
        for (position, group) in document.key_groups.iter().enumerate() {
            let path = format!("key_groups[{position}].public_keys");
            self.references(&path, "public key", &group.public_keys, &key_ids);
        }
        let signers = document.trusted_signers.iter();
        self.unique("trusted_signers", "name", signers.map(|s| s.name.as_str()));
        for (position, signer) in document.trusted_signers.iter().enumerate() {
            let path = format!("trusted_signers[{position}].key_pairs");
            self.references(&path, "public key", &signer.key_pairs, &key_ids);
        }
    }

    /// Checks that each host name belongs to one distribution.
    fn hosts(&mut self) {
        let mut owners = HashMap::new();
        for (position, distribution) in self.document.distributions.iter().enumerate() {
            let (domain_name, aliases) = (&distribution.domain_name, &distribution.aliases);
            let path = format!("distributions[{position}]");
            self.hosts_of(&mut owners, &path, domain_name, aliases);
            let Some(others) = self.others else { continue };
            for name in std::iter::once(domain_name).chain(aliases) {
                let owner = others.hosts.owner(name);
                let owner = owner.and_then(|position| others.distributions.get(position));
                self.no_other_owner(owner.map(|owner| &owner.id), name, &path);
            }
        }
    }

    /// Reports that a name belongs to a distribution outside the document, if it does.
    fn no_other_owner(&mut self, owner: Option<&String>, name: &str, path: &str) {
        if let Some(owner) = owner {
            let message = format!("{name:?} is already taken by {owner}; remove one");
            self.fault(path, message);
        }
    }

    fn certificates(&mut self) {
        let document = self.document;
        let ids = document.certificates.iter();
        self.unique("certificates", "id", ids.map(|named| named.id.as_str()));
        for (position, named) in document.certificates.iter().enumerate() {
            if let CertificateSource::Pem { chain, .. } = &named.source {
                self.public_pem(chain, &format!("certificates[{position}].chain_pem"));
            }
        }
    }

    /// Checks that a text which everybody may see has no private key in it, as files with both have.
    fn public_pem(&mut self, pem: &str, path: &str) {
        if pem.contains("PRIVATE KEY") {
            let message = "contains a private key, which all operators would see; leave it out, and do not use that key any more if others have seen it";
            self.fault(path, message);
        }
    }

    /// Checks that the certificate that a distribution names is there.
    fn certificate(&mut self, certificate: Option<&CertificateDocument>, path: &str) {
        if let Some(CertificateDocument::Named(id)) = certificate {
            let document = self.document;
            let known = document.certificates.iter();
            let known: Vec<&str> = known.map(|named| named.id.as_str()).collect();
            self.reference(&format!("{path}.certificate"), "certificate", id, &known);
        }
    }

    fn hosts_of(
        &mut self,
        owners: &mut HashMap<String, String>,
        path: &str,
        domain_name: &str,
        aliases: &[String],
    ) {
        self.host(owners, format!("{path}.domain_name"), domain_name);
        for (position, name) in aliases.iter().enumerate() {
            self.host(owners, format!("{path}.aliases[{position}]"), name);
        }
        self.at_most(&format!("{path}.aliases"), aliases.len(), ALIASES_MAX);
    }

    fn host(&mut self, owners: &mut HashMap<String, String>, path: String, name: &str) {
        if name.is_empty() {
            return;
        }
        if !is_host(name, path.ends_with(']')) {
            let message = format!(
                "{name:?} is not a host name; write it like www.example.com, without port (aliases also *.example.com)"
            );
            self.fault(&path, message);
        }
        match owners.get(&name.to_ascii_lowercase()) {
            Some(owner) => {
                let message = format!("{name:?} is already taken by {owner}; remove one");
                self.fault(&path, message);
            }
            None => {
                owners.insert(name.to_ascii_lowercase(), path);
            }
        }
    }

    fn distribution(&mut self, distribution: &DistributionDocument, path: &str) {
        self.distribution_id(&distribution.id, path);
        if let Some(object) = &distribution.default_root_object
            && (object.len() > 255 || !names_object(&format!("/{object}")))
        {
            let message = "must be 1 to 255 characters of an object's name, percent-encoded and without a slash in front, such as index.html";
            self.fault(&format!("{path}.default_root_object"), message);
        }
        if distribution.enabled && distribution.certificate.is_none() {
            self.no_certificate(&ListenerProtocol::Https, "an https", path);
        }
        self.certificate(distribution.certificate.as_ref(), path);
        self.origins(distribution, path);
        self.custom_errors(distribution, path);
        self.geo(distribution, path);
        self.logging(distribution.logging.as_ref(), path);
        self.at_most(
            &format!("{path}.behaviors"),
            distribution.behaviors.len(),
            BEHAVIORS_MAX,
        );
        let patterns = distribution.behaviors.iter();
        let patterns = patterns.map(|behavior| behavior.path_pattern.as_str());
        self.unique(&format!("{path}.behaviors"), "path_pattern", patterns);
        for (position, behavior) in distribution.behaviors.iter().enumerate() {
            self.behavior(
                behavior,
                distribution,
                &format!("{path}.behaviors[{position}]"),
            );
        }
        let default = &distribution.default_behavior;
        self.behavior(default, distribution, &format!("{path}.default_behavior"));
    }

    fn distribution_id(&mut self, id: &str, path: &str) {
        let is_plain = id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_plain || id.len() > 64 {
            let message = "must be 1 to 64 of A-Z and 0-9; it names the log files";
            self.fault(&format!("{path}.id"), message);
        }
    }

    fn no_certificate(&mut self, protocol: &ListenerProtocol, spoken: &str, path: &str) {
        let mut listeners = self.listeners.iter();
        if listeners.any(|listener| listener.protocol == *protocol) {
            let message = format!(
                "is missing, and there is {spoken} listener; add certificate = {{ chain = \"…\", key = \"…\" }}"
            );
            self.fault(&format!("{path}.certificate"), message);
        }
    }

    fn behavior(
        &mut self,
        behavior: &BehaviorDocument,
        distribution: &DistributionDocument,
        path: &str,
    ) {
        let pattern = &behavior.path_pattern;
        if let Err(message) = PathPattern::parse(pattern)
            && !pattern.is_empty()
        {
            self.fault(&format!("{path}.path_pattern"), message);
        }
        let groups = distribution.origin_groups.iter();
        let groups = groups.map(|group| group.id.as_str());
        let origins = distribution.origins.iter();
        let origins = origins.map(|origin| origin.id.as_str());
        let origins: Vec<&str> = origins.chain(groups).collect();
        self.reference(
            &format!("{path}.origin"),
            "origin",
            &behavior.origin,
            &origins,
        );
        self.behavior_policies(behavior, path);
        let groups = behavior.trusted_key_groups.as_deref();
        self.signers(groups, behavior.trusted_signers.as_deref(), path);
        if let Some(videos) = &behavior.videos {
            self.videos(videos, &format!("{path}.video"));
        }
    }

    /// Checks that a behavior that names signers is neither open nor closed to everybody by accident.
    fn signers(&mut self, groups: Option<&[String]>, signers: Option<&[String]>, path: &str) {
        let document = self.document;
        let groups = groups.map(|names| {
            let groups = document.key_groups.iter();
            let known = groups.map(|group| (group.id.as_str(), group.public_keys.len()));
            let path = format!("{path}.trusted_key_groups");
            self.count_keys(&path, "key group", names, &known.collect::<Vec<_>>())
        });
        let signers = signers.map(|names| {
            let signers = document.trusted_signers.iter();
            let known = signers.map(|signer| (signer.name.as_str(), signer.key_pairs.len()));
            let path = format!("{path}.trusted_signers");
            self.count_keys(&path, "trusted signer", names, &known.collect::<Vec<_>>())
        });
        let none = NamedKeys::Counted(0);
        let name = match (groups, signers) {
            (None, None) => return,
            (Some(found), None | Some(NamedKeys::Counted(0))) if found == none => {
                "trusted_key_groups"
            }
            (None, Some(found)) if found == none => "trusted_signers",
            (_, _) => return,
        };
        let message = "contains no public key, so nobody could get in; add a key to one of them";
        self.fault(&format!("{path}.{name}"), message);
    }

    /// Counts the keys behind `names`; `known` has all existing names, each with its number of keys.
    fn count_keys(
        &mut self,
        path: &str,
        kind: &str,
        names: &[String],
        known: &[(&str, usize)],
    ) -> NamedKeys {
        let before = self.errors.len();
        if names.is_empty() {
            self.fault(path, "is empty; remove the line to make the behavior open");
        }
        let ids: Vec<&str> = known.iter().map(|&(id, _)| id).collect();
        self.references(path, kind, names, &ids);
        // A name that could not be read may lead to keys.
        if self.errors.len() > before || names.iter().any(String::is_empty) {
            return NamedKeys::Faulty;
        }
        let named = known
            .iter()
            .filter(|(id, _)| names.iter().any(|name| name == id));
        NamedKeys::Counted(named.map(|&(_, count)| count).sum())
    }

    fn at_most(&mut self, path: &str, count: usize, max: usize) {
        if count > max {
            self.fault(
                path,
                format!("has {count} entries; remove some, the maximum is {max}"),
            );
        }
    }

    /// Checks that `values`, those of `key` in the tables of the array at `path`, are unique.
    fn unique<'v>(&mut self, path: &str, key: &str, values: impl Iterator<Item = &'v str>) {
        let mut known = HashSet::new();
        for (position, value) in values.enumerate() {
            if !value.is_empty() && !known.insert(value) {
                let message = format!("{value:?} is used twice; rename or remove one");
                self.fault(&format!("{path}[{position}].{key}"), message);
            }
        }
    }

    fn references(&mut self, path: &str, kind: &str, names: &[String], known: &[&str]) {
        for (position, name) in names.iter().enumerate() {
            self.reference(&format!("{path}[{position}]"), kind, name, known);
        }
    }

    fn reference(&mut self, path: &str, kind: &str, name: &str, known: &[&str]) {
        // An entry whose own name could not be read may be the one that is meant.
        if name.is_empty() || known.contains(&name) || known.contains(&"") {
            return;
        }
        let hint = did_you_mean(name, known.iter().copied());
        self.fault(path, format!("no {kind} is named {name:?}{hint}"));
    }
}

/// Returns true for the path of one object that has one reading: the edge joins it with others and asks origins for it,
/// without any viewer's signature that would cover it.
fn names_object(path: &str) -> bool {
    let is_visible = path.bytes().all(|byte| byte.is_ascii_graphic());
    is_visible && !path.ends_with('/') && is_canonical(path)
}

fn is_host(name: &str, allows_wildcard: bool) -> bool {
    let bare = match name.strip_prefix("*.") {
        Some(rest) if allows_wildcard => rest,
        Some(_) | None => name,
    };
    let is_ipv6 = bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    is_ipv6 || (bare.len() <= 253 && bare.split('.').all(is_label))
}
