//! Resolves origins and origin groups: reads the secrets and certificates they name.

use super::Builder;
use super::buckets::{BucketPlace, Buckets};
use crate::config::document::{
    BucketAccessDocument, DistributionDocument, NamedBucketDocument, OriginDocument,
    OriginSourceDocument, S3OriginDocument,
};
use crate::config::origin::{
    EmbeddedOrigin, HttpServer, Origin, OriginChoice, OriginFailover, OriginPatience, OriginSource,
    S3Origin, SigningBehavior,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The origins and origin groups that behaviors may name.
pub(super) struct OriginChoices {
    /// The origins, each by itself, before the groups.
    choices: Vec<(String, OriginChoice)>,
    /// Number of origins among them.
    origins: usize,
}

impl OriginChoices {
    pub(super) fn find(&self, id: &str) -> Option<&OriginChoice> {
        let mut choices = self.choices.iter();
        choices.find_map(|(known, choice)| (known == id).then_some(choice))
    }

    /// Returns the indexes of all origins.
    pub(super) fn indexes(&self) -> Box<[usize]> {
        let origins = self.choices.iter().take(self.origins);
        origins.map(|(_, choice)| choice.primary.index).collect()
    }
}

/// The distribution that origins belong to, and what they may name.
#[derive(Clone, Copy)]
pub(super) struct OriginOwner<'o> {
    pub(super) distribution_id: &'o str,
    pub(super) buckets: &'o Buckets,
}

impl OriginOwner<'_> {
    /// Returns the embedded bucket that is meant where no endpoint is stated, if there is one of that name.
    fn embedded(self, document: &S3OriginDocument) -> Option<EmbeddedOrigin> {
        if document.endpoint.is_some() {
            return None;
        }
        let access = match document.signing {
            SigningBehavior::Never => BucketAccessDocument::Unsigned,
            SigningBehavior::Always | SigningBehavior::NoOverride => {
                BucketAccessDocument::Distribution
            }
        };
        let named = NamedBucketDocument {
            name: document.bucket.clone(),
            access,
        };
        match self.buckets.by_name(&named, self.distribution_id)? {
            BucketPlace::Embedded(embedded) => Some(embedded),
            BucketPlace::Folder(_) | BucketPlace::Endpoint(_) => None,
        }
    }
}

impl Builder<'_> {
    pub(super) fn origin_choices(
        &mut self,
        document: &DistributionDocument,
        buckets: &Buckets,
        path: &str,
    ) -> OriginChoices {
        let owner = OriginOwner {
            distribution_id: &document.id,
            buckets,
        };
        let mut choices = Vec::new();
        for (position, origin) in document.origins.iter().enumerate() {
            let path = format!("{path}.origins[{position}]");
            let choice = OriginChoice {
                primary: self.origin(origin, owner, &path),
                failover: None,
            };
            choices.push((origin.id.clone(), choice));
        }
        let mut groups = Vec::new();
        for group in &document.origin_groups {
            let find = |id: &String| {
                let mut choices = choices.iter();
                choices.find_map(|(known, choice)| (known == id).then(|| choice.primary.clone()))
            };
            let members: Vec<Arc<Origin>> = group.origins.iter().filter_map(find).collect();
            // `check` has reported any other number.
            if let [primary, secondary] = members.as_slice() {
                let choice = OriginChoice {
                    primary: primary.clone(),
                    failover: Some(OriginFailover {
                        secondary: secondary.clone(),
                        statuses: group.failover_statuses.clone(),
                    }),
                };
                groups.push((group.id.clone(), choice));
            }
        }
        let origins = choices.len();
        choices.extend(groups);
        OriginChoices { choices, origins }
    }

    pub(super) fn origin(
        &mut self,
        document: &OriginDocument,
        owner: OriginOwner<'_>,
        path: &str,
    ) -> Arc<Origin> {
        let index = self.service.origins.next_position();
        let trusted_roots_pem = document
            .trusted_roots
            .as_ref()
            .and_then(|file| self.read(file, &format!("{path}.trusted_roots")));
        let source = match &document.source {
            OriginSourceDocument::Folder { root } => OriginSource::Folder { root: root.clone() },
            OriginSourceDocument::S3(bucket) => match owner.embedded(bucket) {
                Some(embedded) => OriginSource::Embedded(embedded),
                None => OriginSource::S3(self.bucket(bucket, path)),
            },
            OriginSourceDocument::Http(origin) => OriginSource::Http(origin.clone()),
            OriginSourceDocument::BucketHost(named) => {
                source_at(owner.buckets.by_host(named, owner.distribution_id))
            }
            OriginSourceDocument::Bucket(named) => {
                source_at(owner.buckets.by_name(named, owner.distribution_id))
            }
        };
        let origin = Arc::new(Origin {
            index,
            id: document.id.clone(),
            source,
            origin_path: document.origin_path.clone(),
            paths: document.path_reading(),
            are_paths_stated: document.paths.is_some(),
            custom_headers: document.custom_headers.clone(),
            patience: OriginPatience {
                trusted_roots_pem,
                ..document.patience.clone()
            },
        });
        self.service.origins.insert(Arc::clone(&origin));
        origin
    }

    fn bucket(&mut self, document: &S3OriginDocument, path: &str) -> S3Origin {
        S3Origin {
            endpoint: match &document.endpoint {
                Some(endpoint) => endpoint.clone(),
                None => amazon_endpoint(&document.region),
            },
            bucket: document.bucket.clone(),
            region: document.region.clone(),
            addressing: document.addressing,
            signing: document.signing,
            credentials: self.credentials(&document.credentials, &format!("{path}.s3")),
        }
    }
}

/// Returns the source of a bucket; one whose place is not known was reported by `check`.
fn source_at(place: Option<BucketPlace>) -> OriginSource {
    match place {
        Some(BucketPlace::Folder(root)) => OriginSource::Folder { root },
        Some(BucketPlace::Embedded(embedded)) => OriginSource::Embedded(embedded),
        Some(BucketPlace::Endpoint(bucket)) => OriginSource::S3(bucket),
        None => OriginSource::Folder {
            root: PathBuf::new(),
        },
    }
}

fn amazon_endpoint(region: &str) -> HttpServer {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    HttpServer {
        is_tls: true,
        host: format!("s3.{region}.amazonaws.com{suffix}"),
        port: 443,
    }
}
