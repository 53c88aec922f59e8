//! Turns a document into a snapshot: reads keys and certificates, and replaces names by what they refer to.

use super::check::check_changes;
use super::service::Service;
use super::{NodeSettings, ReadFile, Snapshot, check};
use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::CacheBehavior;
use crate::config::config_error::{ConfigError, Places};
use crate::config::distribution::{Certificate, Distribution};
use crate::config::document::{
    BehaviorDocument, BucketsSettings, CertificateDocument, CertificateFiles, CertificateSource,
    DistributionDocument, Document, KeySource, Listener, ListenerProtocol, ServiceDocument,
};
use crate::config::geo_database::GeoDatabase;
use crate::config::own_files::OwnFiles;
use crate::config::path_pattern::PathPattern;
use crate::config::service_item::ServiceKind;
use buckets::Buckets;
use origins::OriginChoices;
use policies::Policies;
use privet_sign::{KeyPairId, KeySet, Leniency, PublicKey};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod buckets;
mod forwarded_values;
mod origins;
mod policies;
mod streaming;

pub(super) fn build(
    document: Document,
    places: &Places,
    read_file: ReadFile<'_>,
) -> Result<Snapshot, Vec<ConfigError>> {
    let errors = check(&document, places);
    let Document { node, service } = document;
    let mut builder = Builder {
        places,
        read_file,
        errors,
        files: BTreeSet::new(),
        https_port: https_port(&node.listeners),
        embedded: node.buckets.as_ref(),
        service: Service::default(),
    };
    builder.add(&service);
    let geo_database = node
        .geo_database
        .as_ref()
        .and_then(|file| Some(GeoDatabase::new(file, builder.read(file, "geo.database")?)));
    let videos = builder.videos(&node.videos);
    let own_files = OwnFiles::of(&node);
    let Builder { files, service, .. } = builder.without_errors()?;
    Ok(Snapshot {
        files: Arc::new(files),
        node: Arc::new(NodeSettings {
            listeners: node.listeners,
            trusted_proxies: node.trusted_proxies,
            forwarded_headers: node.forwarded_headers,
            cache: node.cache,
            videos,
            geo_database,
            admin_socket: node.admin_socket,
            control: node.control,
            store: node.store,
            buckets: node.buckets,
            own_files,
            limits: node.limits,
            edge: node.edge,
            log: node.log,
            links: node.links,
            test_clock: node.test_clock,
        }),
        service,
    })
}

pub(super) fn with_changes(
    snapshot: Snapshot,
    changed: &ServiceDocument,
    removed: &[(ServiceKind, String)],
    read_file: ReadFile<'_>,
) -> Result<Snapshot, Vec<ConfigError>> {
    let places = Places::default();
    let Snapshot {
        node,
        files: mut known_files,
        mut service,
    } = snapshot;
    for (kind, id) in removed {
        match kind {
            ServiceKind::Distribution => service.remove_distribution(id),
            ServiceKind::StreamingDistribution => service.remove_streaming(id),
            // What refers to these is resolved again by way of `changed`.
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::TrustedSigner
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy
            | ServiceKind::Certificate
            | ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl => {}
        }
    }
    // All names are given up before any is taken: one may have moved from one distribution to another.
    for distribution in &changed.distributions {
        service.release_distribution(&distribution.id);
    }
    for streaming in &changed.streaming_distributions {
        service.release_streaming(&streaming.id);
    }
    let errors = check_changes(&node, changed, &service);
    let mut builder = Builder {
        places: &places,
        read_file,
        errors,
        files: BTreeSet::new(),
        https_port: https_port(&node.listeners),
        embedded: node.buckets.as_ref(),
        service,
    };
    builder.add(changed);
    let Builder { files, service, .. } = builder.without_errors()?;
    if !files.is_subset(&known_files) {
        Arc::make_mut(&mut known_files).extend(files);
    }
    Ok(Snapshot {
        node,
        files: known_files,
        service,
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

fn key_sets(document: &ServiceDocument, keys: &HashMap<&str, (KeyPairId, PublicKey)>) -> Signers {
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

/// What the distributions of a document may name, resolved.
struct Named {
    signers: Signers,
    policies: Policies,
    certificates: HashMap<String, Arc<Certificate>>,
    buckets: Buckets,
}

struct Builder<'b> {
    places: &'b Places,
    read_file: ReadFile<'b>,
    errors: Vec<ConfigError>,
    files: BTreeSet<PathBuf>,
    https_port: u16,
    /// The machine's own buckets.
    embedded: Option<&'b BucketsSettings>,
    /// What has been built so far, on top of what was there.
    service: Service,
}

impl Builder<'_> {
    /// Adds all distributions of a document, or puts them in the places of those with their ids.
    fn add(&mut self, document: &ServiceDocument) {
        let keys = self.read_keys(document);
        let named = Named {
            signers: key_sets(document, &keys),
            policies: Policies::new(document),
            certificates: self.named_certificates(document),
            buckets: self.buckets(document),
        };
        self.log_destinations(document, &named.buckets);
        for (position, distribution) in document.distributions.iter().enumerate() {
            let path = format!("distributions[{position}]");
            let distribution = self.distribution(distribution, &path, &named);
            self.service.put_distribution(distribution);
        }
        self.streaming_distributions(document, &named);
    }

    /// Returns the builder if it has found no fault.
    fn without_errors(mut self) -> Result<Self, Vec<ConfigError>> {
        if self.errors.is_empty() {
            return Ok(self);
        }
        self.errors.sort_by_key(|error| (error.line, error.column));
        Err(self.errors)
    }

    fn named_certificates(
        &mut self,
        document: &ServiceDocument,
    ) -> HashMap<String, Arc<Certificate>> {
        let mut certificates = HashMap::new();
        for (position, named) in document.certificates.iter().enumerate() {
            let path = format!("certificates[{position}]");
            let certificate = match &named.source {
                CertificateSource::Files(files) => self.certificate_of_files(files, &path),
                CertificateSource::Pem { chain, key } => Some(Certificate {
                    chain_pem: chain.clone().into_bytes(),
                    key_pem: key.reveal().as_bytes().to_owned(),
                    path,
                }),
            };
            if let Some(certificate) = certificate {
                certificates.insert(named.id.clone(), Arc::new(certificate));
            }
        }
        certificates
    }

    fn read_keys<'d>(
        &mut self,
        document: &'d ServiceDocument,
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
        named: &Named,
    ) -> Distribution {
        let origins = self.origin_choices(document, &named.buckets, path);
        let leniency = Leniency {
            ignore_port: document.ignore_port,
            statement_object: document.statement_object,
        };
        let behaviors = document
            .behaviors
            .iter()
            .chain(std::iter::once(&document.default_behavior));
        let behaviors =
            behaviors.filter_map(|behavior| resolve_behavior(behavior, &origins, named, &leniency));
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
                .and_then(|certificate| self.certificate(certificate, named, path)),
            origins: origins.indexes(),
            custom_errors: document.custom_errors.clone(),
            geo: document.geo.clone(),
            http_versions: document.http_versions,
            minimum_tls: document.minimum_tls,
            logging: self.logging(document.logging.as_ref(), &named.buckets),
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

    fn certificate(
        &mut self,
        document: &CertificateDocument,
        named: &Named,
        path: &str,
    ) -> Option<Arc<Certificate>> {
        match document {
            // `check` has reported a name that nothing has.
            CertificateDocument::Named(id) => named.certificates.get(id).cloned(),
            CertificateDocument::Files(files) => self
                .certificate_of_files(files, &format!("{path}.certificate"))
                .map(Arc::new),
        }
    }

    fn certificate_of_files(
        &mut self,
        files: &CertificateFiles,
        path: &str,
    ) -> Option<Certificate> {
        let chain_pem = self.read(&files.chain, &format!("{path}.chain"));
        let key_pem = self.read(&files.key, &format!("{path}.key"));
        Some(Certificate {
            chain_pem: chain_pem?,
            key_pem: key_pem?,
            path: path.to_owned(),
        })
    }

    fn read(&mut self, file: &Path, path: &str) -> Option<Vec<u8>> {
        if !self.files.contains(file) {
            self.files.insert(file.to_owned());
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
    named: &Named,
    leniency: &Leniency,
) -> Option<CacheBehavior> {
    let groups = document.trusted_key_groups.as_deref();
    let signers = document.trusted_signers.as_deref();
    let trusted_keys = named.signers.keys(groups, signers);
    let policies = &named.policies;
    let forwarded = match &document.forwarded_values {
        Some(values) => Some(policies.forwarded.get(values)?),
        None => None,
    };
    Some(CacheBehavior {
        path_pattern: PathPattern::parse(&document.path_pattern).ok()?,
        origin: origins.find(&document.origin)?.clone(),
        cache_policy: match (forwarded, &document.cache_policy) {
            (Some(forwarded), _) => forwarded.cache.clone(),
            (None, Some(name)) => policies.cache.get(name)?.clone(),
            (None, None) => policies.cache_default.clone(),
        },
        origin_request_policy: match (forwarded, &document.origin_request_policy) {
            (Some(forwarded), _) => forwarded.origin_request.clone(),
            (None, Some(name)) => Some(policies.origin_request.get(name)?.clone()),
            (None, None) => None,
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
