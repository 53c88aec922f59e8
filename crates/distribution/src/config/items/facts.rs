//! What a store has to know of an item: what it refers to, which of its values are secret, which names it takes.

use super::{ItemFault, read_items};
use crate::config::bucket_host::BucketHost;
use crate::config::distribution::DistributionLogging;
use crate::config::document::{
    BucketAccessDocument, BucketLocationDocument, CertificateDocument, DistributionDocument,
    OriginDocument, ServiceDocument, StreamingDistributionDocument, StreamingSourceDocument,
};
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use crate::config::service_item::{ServiceItem, ServiceKind};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What a store has to know of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFacts {
    /// Items that must exist, without CloudFront's managed policies. A policy may be referred to by its name.
    pub references: BTreeSet<(ServiceKind, String)>,
    /// Items that are used if they exist: the buckets behind S3 host names and names without an endpoint, and those of
    /// logs. Nothing keeps them from being deleted.
    pub mentions: BTreeSet<(ServiceKind, String)>,
    /// Names of the buckets whose objects it serves, as against those that get its logs.
    pub origin_buckets: BTreeSet<String>,
    /// JSON pointers to values that nobody may read in the store.
    pub secrets: Vec<String>,
    /// Names that no other item may have: host names in lower case, and names of policies, keys, key groups and origin
    /// access controls.
    pub claims: Vec<String>,
}

impl ItemFacts {
    /// Returns the facts of an item.
    ///
    /// # Errors
    /// Returns the faults of an item that cannot be read.
    pub fn of(item: &ServiceItem) -> Result<Self, Vec<ItemFault>> {
        let text = item.value.to_string();
        let service = read_items([(item.kind, text.as_str())], Path::new(""))?;
        let mut facts = ItemFacts::default();
        facts.add_references(&service);
        facts.add_claims(&service);
        facts.add_secrets(item);
        Ok(facts)
    }

    /// Returns what the items of a service refer to and mention, without CloudFront's managed policies, whether it is
    /// among them or not.
    pub fn references_of(service: &ServiceDocument) -> BTreeSet<(ServiceKind, String)> {
        let mut facts = ItemFacts::default();
        facts.add_references(service);
        facts.references.append(&mut facts.mentions);
        facts.references
    }

    fn add_references(&mut self, service: &ServiceDocument) {
        let keys = service
            .key_groups
            .iter()
            .flat_map(|group| &group.public_keys);
        let pairs = service.trusted_signers.iter();
        let keys = keys.chain(pairs.flat_map(|signer| &signer.key_pairs));
        self.refer(ServiceKind::PublicKey, keys);
        for distribution in &service.distributions {
            self.add_distribution(distribution);
        }
        for streaming in &service.streaming_distributions {
            self.add_streaming(streaming);
        }
        for bucket in &service.buckets {
            self.add_access_log(&bucket.location);
        }
    }

    fn add_distribution(&mut self, distribution: &DistributionDocument) {
        self.add_certificate(distribution.certificate.as_ref());
        self.add_logging(distribution.logging.as_ref());
        for origin in &distribution.origins {
            self.add_origin(origin);
        }
        let default = std::iter::once(&distribution.default_behavior);
        for behavior in distribution.behaviors.iter().chain(default) {
            let groups = behavior.trusted_key_groups.iter().flatten();
            self.refer(ServiceKind::KeyGroup, groups);
            let signers = behavior.trusted_signers.iter().flatten();
            self.refer(ServiceKind::TrustedSigner, signers);
            self.refer(ServiceKind::CachePolicy, &behavior.cache_policy);
            let policy = &behavior.origin_request_policy;
            self.refer(ServiceKind::OriginRequestPolicy, policy);
            let policy = &behavior.response_headers_policy;
            self.refer(ServiceKind::ResponseHeadersPolicy, policy);
        }
    }

    fn add_streaming(&mut self, streaming: &StreamingDistributionDocument) {
        self.add_certificate(streaming.certificate.as_ref());
        self.add_logging(streaming.logging.as_ref());
        let groups = streaming.trusted_key_groups.iter().flatten();
        self.refer(ServiceKind::KeyGroup, groups);
        let signers = streaming.trusted_signers.iter().flatten();
        self.refer(ServiceKind::TrustedSigner, signers);
        match &streaming.source {
            StreamingSourceDocument::Distribution(id) => {
                self.refer(ServiceKind::Distribution, Some(id));
            }
            StreamingSourceDocument::Origin(origin) => self.add_origin(origin),
        }
    }

    fn add_origin(&mut self, origin: &OriginDocument) {
        if let Some(named) = origin.source.named_bucket() {
            self.add_access(&named.access);
            self.refer(ServiceKind::Bucket, Some(&named.name));
            self.origin_buckets.insert(named.name.clone());
        }
        if let Some(named) = origin.source.bucket_host() {
            self.add_access(&named.access);
            if let Ok(host) = BucketHost::parse(&named.host) {
                self.origin_buckets.insert(host.bucket.clone());
                self.mentions.insert((ServiceKind::Bucket, host.bucket));
            }
        }
        if let Some(bucket) = origin.source.bucket()
            && bucket.endpoint.is_none()
        {
            let name = (ServiceKind::Bucket, bucket.bucket.clone());
            self.origin_buckets.insert(bucket.bucket.clone());
            self.mentions.insert(name);
        }
    }

    fn add_access(&mut self, access: &BucketAccessDocument) {
        match access {
            BucketAccessDocument::Unsigned | BucketAccessDocument::Distribution => {}
            BucketAccessDocument::Control(id) => {
                self.refer(ServiceKind::OriginAccessControl, Some(id));
            }
            BucketAccessDocument::Identity(id) => {
                self.refer(ServiceKind::OriginAccessIdentity, Some(id));
            }
        }
    }

    fn add_logging(&mut self, logging: Option<&DistributionLogging>) {
        let bucket = logging.map(|logging| (ServiceKind::Bucket, logging.bucket.clone()));
        self.mentions.extend(bucket);
    }

    /// Adds the bucket that gets another one's access log.
    fn add_access_log(&mut self, location: &BucketLocationDocument) {
        let embedded = match location {
            BucketLocationDocument::Embedded(embedded) => embedded,
            BucketLocationDocument::Folder(_) | BucketLocationDocument::Endpoint { .. } => return,
        };
        let logging = embedded.logging.as_ref();
        let bucket = logging.map(|logging| (ServiceKind::Bucket, logging.bucket.clone()));
        self.mentions.extend(bucket);
    }

    fn add_certificate(&mut self, certificate: Option<&CertificateDocument>) {
        match certificate {
            Some(CertificateDocument::Named(id)) => self.refer(ServiceKind::Certificate, Some(id)),
            Some(CertificateDocument::Files(_)) | None => {}
        }
    }

    fn refer<'n>(&mut self, kind: ServiceKind, names: impl IntoIterator<Item = &'n String>) {
        let names = names.into_iter().filter(|name| !is_managed(kind, name));
        self.references
            .extend(names.map(|name| (kind, name.clone())));
    }

    fn add_claims(&mut self, service: &ServiceDocument) {
        for distribution in &service.distributions {
            let names = std::iter::once(&distribution.domain_name).chain(&distribution.aliases);
            let names = names.map(|name| format!("host {}", name.to_ascii_lowercase()));
            self.claims.extend(names);
            self.claims.push(format!("id {}", distribution.id));
        }
        for streaming in &service.streaming_distributions {
            let names = std::iter::once(&streaming.domain_name).chain(&streaming.aliases);
            let names = names.map(|name| format!("streaming host {}", name.to_ascii_lowercase()));
            self.claims.extend(names);
            self.claims.push(format!("id {}", streaming.id));
        }
        let policies = service.cache_policies.iter();
        self.claim_titles("cache policy", policies.map(|p| (&p.id, &p.name)));
        let policies = service.origin_request_policies.iter();
        self.claim_titles("origin request policy", policies.map(|p| (&p.id, &p.name)));
        let policies = service.response_headers_policies.iter();
        self.claim_titles(
            "response headers policy",
            policies.map(|p| (&p.id, &p.name)),
        );
        let keys = service.public_keys.iter();
        self.claim_names("public key name", keys.filter_map(|key| key.name.as_ref()));
        let groups = service.key_groups.iter();
        let names = groups.filter_map(|group| group.name.as_ref());
        self.claim_names("key group name", names);
        let controls = service.origin_access_controls.iter();
        let names = controls.map(|control| &control.name);
        self.claim_names("origin access control name", names);
        self.claims.sort_unstable();
        self.claims.dedup();
    }

    fn claim_names<'n>(&mut self, kind: &str, names: impl Iterator<Item = &'n String>) {
        self.claims
            .extend(names.map(|name| format!("{kind} {name}")));
    }

    /// Claims ids and names alike, because behaviors refer to a policy by either.
    fn claim_titles<'p>(
        &mut self,
        kind: &str,
        titles: impl Iterator<Item = (&'p String, &'p String)>,
    ) {
        for (id, name) in titles {
            self.claims.push(format!("{kind} {id}"));
            self.claims.push(format!("{kind} {name}"));
        }
    }

    /// Finds the values that [`crate::config::Secret`] holds, and the headers that are sent to origins, which often
    /// prove to them who asks.
    fn add_secrets(&mut self, item: &ServiceItem) {
        match item.kind {
            ServiceKind::Certificate => self.add_secret(&item.value, "/key_pem"),
            ServiceKind::Distribution => {
                let origins = item.value.get("origins").and_then(Value::as_array);
                for position in 0..origins.map_or(0, Vec::len) {
                    self.add_origin_secrets(&item.value, &format!("/origins/{position}"));
                }
            }
            ServiceKind::StreamingDistribution => self.add_origin_secrets(&item.value, "/origin"),
            ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl => self.add_key_secrets(&item.value, ""),
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::TrustedSigner
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy => {}
        }
    }

    fn add_origin_secrets(&mut self, value: &Value, origin: &str) {
        self.add_key_secrets(value, &format!("{origin}/s3"));
        let headers = value.pointer(&format!("{origin}/headers"));
        let headers = headers.and_then(Value::as_object);
        for name in headers.into_iter().flat_map(|headers| headers.keys()) {
            // Names of headers have neither `~` nor `/`, or the item could not have been read; `~` may be escaped.
            let name = name.replace('~', "~0");
            self.add_secret(value, &format!("{origin}/headers/{name}"));
        }
    }

    /// Finds the secrets of access keys in a table.
    fn add_key_secrets(&mut self, value: &Value, table: &str) {
        self.add_secret(value, &format!("{table}/secret_access_key"));
        self.add_secret(value, &format!("{table}/session_token"));
    }

    fn add_secret(&mut self, value: &Value, pointer: &str) {
        if value.pointer(pointer).is_some_and(Value::is_string) {
            self.secrets.push(pointer.to_owned());
        }
    }
}

/// Returns true for CloudFront's own policies, which nobody has to create.
fn is_managed(kind: ServiceKind, name: &str) -> bool {
    match kind {
        ServiceKind::CachePolicy => CachePolicy::managed()
            .iter()
            .any(|policy| policy.id == name || policy.name == name),
        ServiceKind::OriginRequestPolicy => OriginRequestPolicy::managed()
            .iter()
            .any(|policy| policy.id == name || policy.name == name),
        ServiceKind::ResponseHeadersPolicy => ResponseHeadersPolicy::managed()
            .iter()
            .any(|policy| policy.id == name || policy.name == name),
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::TrustedSigner
        | ServiceKind::Certificate
        | ServiceKind::Bucket
        | ServiceKind::OriginAccessIdentity
        | ServiceKind::OriginAccessControl
        | ServiceKind::Distribution
        | ServiceKind::StreamingDistribution => false,
    }
}
