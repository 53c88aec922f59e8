//! Turns a document into a snapshot: reads keys and certificates, and replaces names by what they refer to.

use super::{Snapshot, check};
use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::CacheBehavior;
use crate::config::config_error::{ConfigError, Places};
use crate::config::distribution::{Certificate, Distribution};
use crate::config::document::{
    BehaviorDocument, CertificateDocument, DistributionDocument, Document, KeySource, Listener,
    ListenerProtocol,
};
use crate::config::geo_database::GeoDatabase;
use crate::config::host_table::HostTable;
use crate::config::origin::Origin;
use crate::config::path_pattern::PathPattern;
use origins::OriginChoices;
use policies::Policies;
use privet_sign::{KeyPairId, KeySet, Leniency, PublicKey};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod origins;
mod policies;
mod streaming;

pub(super) fn build(
    document: Document,
    places: &Places,
    read_file: &mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>,
) -> Result<Snapshot, Vec<ConfigError>> {
    let errors = check(&document, places);
    let mut builder = Builder {
        places,
        read_file,
        errors,
        files: Vec::new(),
        origins: Vec::new(),
        https_port: https_port(&document.listeners),
    };
    let keys = builder.read_keys(&document);
    let signers = key_sets(&document, &keys);
    let policies = Policies::new(&document);
    let geo_database = document
        .geo_database
        .as_ref()
        .and_then(|file| Some(GeoDatabase::new(file, builder.read(file, "geo.database")?)));
    let mut hosts = HostTable::default();
    let mut distributions = Vec::new();
    for (position, distribution) in document.distributions.iter().enumerate() {
        for name in std::iter::once(&distribution.domain_name).chain(&distribution.aliases) {
            // `check` has reported names with two owners.
            let _ = hosts.insert(name, position);
        }
        let path = format!("distributions[{position}]");
        distributions.push(Arc::new(builder.distribution(
            distribution,
            &path,
            &signers,
            &policies,
        )));
    }
    let (streaming_distributions, streaming_hosts) =
        builder.streaming_distributions(&document, &distributions, &signers, &policies);
    let videos = builder.videos(&document.videos);
    if !builder.errors.is_empty() {
        builder
            .errors
            .sort_by_key(|error| (error.line, error.column));
        return Err(builder.errors);
    }
    Ok(Snapshot {
        files: builder.files,
        listeners: document.listeners,
        trusted_proxies: document.trusted_proxies,
        forwarded_headers: document.forwarded_headers,
        cache: document.cache,
        videos,
        geo_database,
        admin_socket: document.admin_socket,
        limits: document.limits,
        edge: document.edge,
        log: document.log,
        test_clock: document.test_clock,
        distributions,
        origins: builder.origins,
        hosts,
        streaming_distributions,
        streaming_hosts,
    })
}

/// Returns the port of redirects: 443 if the edge listens there or has no https listener, else the first https port.
fn https_port(listeners: &[Listener]) -> u16 {
    let mut ports = listeners
        .iter()
        .filter(|listener| listener.protocol == ListenerProtocol::Https)
        .map(|listener| listener.address.port());
    let first = ports.next().unwrap_or(443);
    if ports.any(|port| port == 443) {
        443
    } else {
        first
    }
}

/// The keys behind all names that a behavior may use.
struct Signers {
    key_groups: HashMap<String, KeySetParts>,
    trusted_signers: HashMap<String, KeySetParts>,
}

impl Signers {
    /// Returns the keys behind the names of key groups and trusted signers; `None` without any names, which lets
    /// everybody in.
    fn keys(&self, groups: Option<&[String]>, names: Option<&[String]>) -> Option<KeySet> {
        if groups.is_none() && names.is_none() {
            return None;
        }
        let groups = groups.unwrap_or_default().iter();
        let names = names.unwrap_or_default().iter();
        let parts = groups
            .filter_map(|id| self.key_groups.get(id))
            .chain(names.filter_map(|name| self.trusted_signers.get(name)));
        let mut keys = KeySet::default();
        for (id, key) in parts.flatten() {
            keys.insert(id.clone(), key.clone());
        }
        Some(keys)
    }
}

type KeySetParts = Vec<(KeyPairId, PublicKey)>;

fn key_sets(document: &Document, keys: &HashMap<&str, (KeyPairId, PublicKey)>) -> Signers {
    let parts = |ids: &[String]| -> KeySetParts {
        ids.iter()
            .filter_map(|id| keys.get(id.as_str()).cloned())
            .collect()
    };
    let groups = document.key_groups.iter();
    let signers = document.trusted_signers.iter();
    Signers {
        key_groups: groups
            .map(|group| (group.id.clone(), parts(&group.public_keys)))
            .collect(),
        trusted_signers: signers
            .map(|signer| (signer.name.clone(), parts(&signer.key_pairs)))
            .collect(),
    }
}

struct Builder<'b> {
    places: &'b Places,
    read_file: &'b mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>,
    errors: Vec<ConfigError>,
    files: Vec<PathBuf>,
    /// Origins built so far, for all distributions.
    origins: Vec<Arc<Origin>>,
    https_port: u16,
}

impl Builder<'_> {
    fn read_keys<'d>(
        &mut self,
        document: &'d Document,
    ) -> HashMap<&'d str, (KeyPairId, PublicKey)> {
        let mut keys = HashMap::new();
        for (position, public_key) in document.public_keys.iter().enumerate() {
            let (path, bytes) = match &public_key.source {
                KeySource::Pem(pem) => (
                    format!("public_keys[{position}].pem"),
                    Some(pem.clone().into_bytes()),
                ),
                KeySource::File(file) => {
                    let path = format!("public_keys[{position}].file");
                    let bytes = self.read(file, &path);
                    (path, bytes)
                }
            };
            let Some(bytes) = bytes else { continue };
            match (KeyPairId::parse(&public_key.id), PublicKey::parse(&bytes)) {
                (_, Err(error)) => self
                    .errors
                    .push(self.places.error(&path, error.to_string())),
                (Ok(id), Ok(key)) => {
                    keys.insert(public_key.id.as_str(), (id, key));
                }
                // `check` has reported this.
                (Err(_), Ok(_)) => {}
            }
        }
        keys
    }

    fn distribution(
        &mut self,
        document: &DistributionDocument,
        path: &str,
        signers: &Signers,
        policies: &Policies,
    ) -> Distribution {
        let origins = self.origin_choices(document, path);
        let leniency = Leniency {
            ignore_port: document.ignore_port,
            statement_object: document.statement_object,
        };
        let behaviors = document
            .behaviors
            .iter()
            .chain(std::iter::once(&document.default_behavior));
        let behaviors = behaviors.filter_map(|behavior| {
            resolve_behavior(behavior, &origins, signers, policies, &leniency)
        });
        let behaviors: Vec<CacheBehavior> = behaviors.collect();
        self.check_default_root(document, path, &behaviors);
        Distribution {
            id: document.id.clone(),
            domain_name: document.domain_name.clone(),
            aliases: document.aliases.clone(),
            default_root_object: document.default_root_object.clone(),
            enabled: document.enabled,
            table: BehaviorTable::new(&behaviors),
            behaviors,
            certificate: document
                .certificate
                .as_ref()
                .and_then(|certificate| self.certificate(certificate, path)),
            custom_errors: document.custom_errors.clone(),
            geo: document.geo.clone(),
            https_port: self.https_port,
        }
    }

    /// Refuses an open `/` whose default root object is restricted. `/` is authorized by its own behavior and served
    /// from the object, which would thus be open under its other name.
    fn check_default_root(
        &mut self,
        document: &DistributionDocument,
        path: &str,
        behaviors: &[CacheBehavior],
    ) {
        let is_open = |path: &str| {
            let mut matching = behaviors
                .iter()
                .filter(|behavior| behavior.path_pattern.matches(path));
            matching
                .next()
                .is_some_and(|behavior| behavior.trusted_keys.is_none())
        };
        if let Some(object) = &document.default_root_object
            && is_open("/")
            && !is_open(&format!("/{object}"))
        {
            let message = format!(
                "\"/\" is open to everybody and would serve \"{object}\", which is restricted; give \"/\" a behavior with the same keys"
            );
            let place = format!("{path}.default_root_object");
            self.errors.push(self.places.error(&place, message));
        }
    }

    fn certificate(&mut self, document: &CertificateDocument, path: &str) -> Option<Certificate> {
        let chain_pem = self.read(&document.chain, &format!("{path}.certificate.chain"));
        let key_pem = self.read(&document.key, &format!("{path}.certificate.key"));
        Some(Certificate {
            chain_pem: chain_pem?,
            key_pem: key_pem?,
            path: format!("{path}.certificate"),
        })
    }

    fn read(&mut self, file: &Path, path: &str) -> Option<Vec<u8>> {
        if !self.files.iter().any(|known| known == file) {
            self.files.push(file.to_owned());
        }
        match (self.read_file)(file) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                self.errors.push(self.places.error(path, message));
                None
            }
        }
    }
}

/// Resolves a behavior; `None` only for faults that `check` has reported, in which case no snapshot is made.
fn resolve_behavior(
    document: &BehaviorDocument,
    origins: &OriginChoices,
    signers: &Signers,
    policies: &Policies,
    leniency: &Leniency,
) -> Option<CacheBehavior> {
    let groups = document.trusted_key_groups.as_deref();
    let trusted_keys = signers.keys(groups, document.trusted_signers.as_deref());
    Some(CacheBehavior {
        path_pattern: PathPattern::parse(&document.path_pattern).ok()?,
        origin: origins.find(&document.origin)?.clone(),
        cache_policy: match &document.cache_policy {
            Some(name) => policies.cache.get(name)?.clone(),
            None => policies.cache_default.clone(),
        },
        origin_request_policy: match &document.origin_request_policy {
            Some(name) => Some(policies.origin_request.get(name)?.clone()),
            None => None,
        },
        response_headers_policy: match &document.response_headers_policy {
            Some(name) => Some(policies.response_headers.get(name)?.clone()),
            None => None,
        },
        compress: document.compress,
        viewer_protocol_policy: document.viewer_protocol_policy.clone(),
        allowed_methods: document.allowed_methods.clone(),
        trusted_keys,
        leniency: leniency.clone(),
        videos: document.videos.clone().map(Arc::new),
    })
}
