//! Resolves streaming distributions and the settings of videos.

use super::policies::Policies;
use super::{Builder, Signers};
use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
use crate::config::distribution::{Distribution, GeoRestriction, StreamingDistribution};
use crate::config::document::{
    Document, OriginDocument, StreamingDistributionDocument, StreamingSourceDocument,
    VideosDocument,
};
use crate::config::host_table::HostTable;
use crate::config::origin::OriginChoice;
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

    pub(super) fn streaming_distributions(
        &mut self,
        document: &Document,
        distributions: &[Arc<Distribution>],
        signers: &Signers,
        policies: &Policies,
    ) -> (Vec<Arc<StreamingDistribution>>, HostTable) {
        let mut hosts = HostTable::default();
        let mut all = Vec::new();
        for (position, streaming) in document.streaming_distributions.iter().enumerate() {
            let path = format!("streaming_distributions[{position}]");
            let groups = streaming.trusted_key_groups.as_deref();
            let keys = signers.keys(groups, streaming.trusted_signers.as_deref());
            let certificate = streaming
                .certificate
                .as_ref()
                .and_then(|certificate| self.certificate(certificate, &path));
            let videos = match &streaming.source {
                StreamingSourceDocument::Distribution(id) => {
                    distributions.iter().find(|known| known.id == *id).cloned()
                }
                StreamingSourceDocument::Origin(origin) => {
                    Some(self.own_videos(streaming, origin, keys.clone(), policies, &path))
                }
            };
            // If there are no videos, `check` has reported a fault, and no snapshot is made.
            let Some(videos) = videos else { continue };
            for name in std::iter::once(&streaming.domain_name).chain(&streaming.aliases) {
                // `check` has reported names with two owners.
                let _ = hosts.insert(name, all.len());
            }
            all.push(Arc::new(StreamingDistribution {
                id: streaming.id.clone(),
                domain_name: streaming.domain_name.clone(),
                aliases: streaming.aliases.clone(),
                enabled: streaming.enabled,
                videos,
                trusted_keys: keys,
                leniency: Leniency {
                    statement_object: streaming.statement_object,
                    ..Leniency::default()
                },
                web_resources: streaming.web_resources,
                certificate,
            }));
        }
        (all, hosts)
    }

    /// Makes a distribution around the origin, which no host name leads to. It requires the same keys, in case anything
    /// else ever reads from it.
    fn own_videos(
        &mut self,
        streaming: &StreamingDistributionDocument,
        origin: &OriginDocument,
        trusted_keys: Option<KeySet>,
        policies: &Policies,
        path: &str,
    ) -> Arc<Distribution> {
        let origin = OriginChoice {
            primary: self.origin(origin, &format!("{path}.origin")),
            failover: None,
        };
        let behavior = PathPattern::parse("*")
            .ok()
            .map(|path_pattern| CacheBehavior {
                path_pattern,
                origin,
                cache_policy: policies.cache_default.clone(),
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
            custom_errors: Vec::new(),
            geo: GeoRestriction::None,
            https_port: self.https_port,
        })
    }
}
