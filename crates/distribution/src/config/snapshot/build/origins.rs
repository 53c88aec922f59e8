//! Resolves origins and origin groups: reads the secrets and certificates they name.

use super::Builder;
use crate::config::document::{
    CredentialsDocument, DistributionDocument, OriginDocument, OriginSourceDocument,
    S3OriginDocument, SecretSource,
};
use crate::config::origin::{
    CredentialSource, Origin, OriginChoice, OriginFailover, OriginPatience, OriginSource, S3Origin,
};
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

impl Builder<'_> {
    pub(super) fn origin_choices(
        &mut self,
        document: &DistributionDocument,
        path: &str,
    ) -> OriginChoices {
        let mut choices = Vec::new();
        for (position, origin) in document.origins.iter().enumerate() {
            let path = format!("{path}.origins[{position}]");
            let choice = OriginChoice {
                primary: self.origin(origin, &path),
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

    pub(super) fn origin(&mut self, document: &OriginDocument, path: &str) -> Arc<Origin> {
        let index = self.service.origins.next_position();
        let trusted_roots_pem = document
            .trusted_roots
            .as_ref()
            .and_then(|file| self.read(file, &format!("{path}.trusted_roots")));
        let source = match &document.source {
            OriginSourceDocument::Folder { root } => OriginSource::Folder { root: root.clone() },
            OriginSourceDocument::S3(bucket) => OriginSource::S3(self.bucket(bucket, path)),
            OriginSourceDocument::Http(origin) => OriginSource::Http(origin.clone()),
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
            endpoint: document.endpoint.clone(),
            bucket: document.bucket.clone(),
            region: document.region.clone(),
            addressing: document.addressing,
            signing: document.signing,
            credentials: self.credentials(&document.credentials, path),
        }
    }

    fn credentials(&mut self, document: &CredentialsDocument, path: &str) -> CredentialSource {
        match document {
            CredentialsDocument::Chain { profile } => CredentialSource::Chain {
                profile: profile.clone(),
            },
            CredentialsDocument::Static {
                access_key_id,
                secret_access_key,
                session_token,
            } => CredentialSource::Static {
                access_key_id: access_key_id.clone(),
                secret_access_key: self.secret(secret_access_key, path),
                session_token: session_token
                    .as_ref()
                    .map(|token| token.reveal().to_owned()),
            },
        }
    }

    /// Returns the secret; empty if it cannot be read, which is a fault.
    fn secret(&mut self, source: &SecretSource, path: &str) -> String {
        let (place, text) = match source {
            SecretSource::Text(secret) => (
                format!("{path}.s3.secret_access_key"),
                secret.reveal().to_owned(),
            ),
            SecretSource::File(file) => {
                let place = format!("{path}.s3.secret_access_key_file");
                let Some(bytes) = self.read(file, &place) else {
                    return String::new();
                };
                (place, String::from_utf8_lossy(&bytes).trim().to_owned())
            }
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "is not a secret access key: one word of printable ASCII characters";
            self.errors.push(self.places.error(&place, message));
        }
        text
    }
}
