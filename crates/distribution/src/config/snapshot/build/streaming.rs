//! Resolves streaming distributions and the settings of videos.

use super::origins::OriginOwner;
use super::{Builder, Named};
use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
use crate::config::distribution::{
    Distribution, GeoRestriction, HttpVersions, MinimumTlsVersion, StreamingDistribution,
};
use crate::config::document::{
    ServiceDocument, StreamingDistributionDocument, StreamingSourceDocument, VideosDocument,
};
use crate::config::origin::{Origin, OriginChoice};
use crate::config::path_pattern::PathPattern;
use crate::config::video_settings::{VideoSettings, VideosSettings};
use privet_sign::{KeySet, Leniency, PathTokenSecret};
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn videos(&mut self, document: &VideosDocument) -> VideosSettings {
        let file = document.path_token_secret_file.as_ref();
        let secret = file.and_then(|file| {
            let path = "video.path_token_secret_file";
            let bytes = self.read(file, path)?;
            let secret = PathTokenSecret::new(bytes.trim_ascii());
            if secret.is_none() {
                let message = format!(
                    "{} has fewer than 32 bytes; fill it with random ones, as openssl rand -hex 32 does",
                    file.display()
                );
                self.errors.push(self.places.error(path, message));
            }
            secret
        });
        VideosSettings {
            index_memory_size_bytes_max: document.index_memory_size_bytes_max,
            block_memory_size_bytes_max: document.block_memory_size_bytes_max,
            path_token_secret: secret,
        }
    }

    pub(super) fn streaming_distributions(&mut self, document: &ServiceDocument, named: &Named) {
        for (position, streaming) in document.streaming_distributions.iter().enumerate() {
            let path = format!("streaming_distributions[{position}]");
            // If there are no videos, `check` has reported a fault, and no snapshot is made.
            if let Some(streaming) = self.streaming_distribution(streaming, named, &path) {
                self.service.put_streaming(streaming);
            }
        }
    }

    fn streaming_distribution(
        &mut self,
        document: &StreamingDistributionDocument,
        named: &Named,
        path: &str,
    ) -> Option<StreamingDistribution> {
        let groups = document.trusted_key_groups.as_deref();
        let signers = document.trusted_signers.as_deref();
        let keys = named.signers.keys(groups, signers);
        let certificate = document.certificate.as_ref();
        let certificate =
            certificate.and_then(|certificate| self.certificate(certificate, named, path));
        let videos = match &document.source {
            StreamingSourceDocument::Distribution(id) => {
                let position = self.service.distribution_ids.get(id)?;
                Arc::clone(self.service.distributions.get(position)?)
            }
            StreamingSourceDocument::Origin(origin) => {
                let path = format!("{path}.origin");
                let owner = OriginOwner {
                    distribution_id: &document.id,
                    buckets: &named.buckets,
                };
                let origin = self.origin(origin, owner, &path);
                self.own_videos(document, origin, keys.clone(), named)
            }
        };
        Some(StreamingDistribution {
            id: document.id.clone(),
            domain_name: document.domain_name.clone(),
            aliases: document.aliases.clone(),
            enabled: document.enabled,
            videos,
            trusted_keys: keys,
            leniency: Leniency {
                statement_object: document.statement_object,
                ..Leniency::default()
            },
            web_resources: document.web_resources,
            certificate,
            logging: self.logging(document.logging.as_ref(), &named.buckets),
        })
    }

    /// Makes a distribution around the origin, which no host name leads to. It requires the same keys, in case anything
    /// else ever reads from it.
    fn own_videos(
        &self,
        streaming: &StreamingDistributionDocument,
        origin: Arc<Origin>,
        trusted_keys: Option<KeySet>,
        named: &Named,
    ) -> Arc<Distribution> {
        let origins = Box::new([origin.index]);
        let origin = OriginChoice {
            primary: origin,
            failover: None,
        };
        let behavior = PathPattern::parse("*")
            .ok()
            .map(|path_pattern| CacheBehavior {
                path_pattern,
                origin,
                cache_policy: named.policies.cache_default.clone(),
                origin_request_policy: None,
                response_headers_policy: None,
                compress: false,
                viewer_protocol_policy: ViewerProtocolPolicy::AllowAll,
                allowed_methods: AllowedMethods::GetHead,
                trusted_keys,
                leniency: Leniency {
                    statement_object: streaming.statement_object,
                    ..Leniency::default()
                },
                videos: Some(Arc::new(VideoSettings::default())),
            });
        let behaviors: Vec<CacheBehavior> = behavior.into_iter().collect();
        Arc::new(Distribution {
            id: streaming.id.clone(),
            domain_name: streaming.domain_name.clone(),
            aliases: Vec::new(),
            default_root_object: None,
            enabled: streaming.enabled,
            certificate: None,
            table: BehaviorTable::new(&behaviors),
            behaviors,
            origins,
            custom_errors: Vec::new(),
            geo: GeoRestriction::None,
            http_versions: HttpVersions::default(),
            minimum_tls: MinimumTlsVersion::default(),
            logging: None,
            https_port: self.https_port,
        })
    }
}
