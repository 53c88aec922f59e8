//! Resolves buckets by their S3 host names, with the keys that sign requests to them.

use super::Builder;
use crate::config::bucket_host::BucketHost;
use crate::config::distribution::{DistributionLogging, LogDelivery, LogDestination};
use crate::config::document::{
    BucketAccessDocument, BucketHostDocument, BucketLocationDocument, BucketReader,
    BucketsSettings, CredentialsDocument, EmbeddedBucketDocument, NamedBucketDocument,
    SecretSource, ServiceDocument,
};
use crate::config::origin::{
    BucketAccess, CredentialSource, EmbeddedOrigin, HttpServer, Origin, OriginPatience,
    PathReading, S3Origin, SigningBehavior,
};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

/// The buckets whose location the operator says, and the keys to buckets, with their secrets read.
pub(super) struct Buckets {
    /// By the name of the bucket.
    buckets: HashMap<String, KnownBucket>,
    /// By id.
    controls: HashMap<String, Access>,
    /// By id.
    identities: HashMap<String, Access>,
    /// Folder of embedded buckets, and where others reach them.
    embedded: Option<EmbeddedPlace>,
}

struct KnownBucket {
    location: BucketLocationDocument,
    credentials: Option<CredentialSource>,
}

struct EmbeddedPlace {
    folder: PathBuf,
    endpoint: Option<HttpServer>,
    region: String,
}

/// The signing behavior for a bucket, and the keys that sign, if they are said.
#[derive(Clone)]
struct Access {
    signing: SigningBehavior,
    credentials: Option<CredentialSource>,
    /// Whom a bucket that knows its readers sees in the origin, where it signs.
    reader: Option<BucketReader>,
}

/// The place of a bucket by one of its names.
pub(super) enum BucketPlace {
    /// A folder on the edge's own disk, which needs no keys.
    Folder(PathBuf),
    /// A bucket that this machine keeps.
    Embedded(EmbeddedOrigin),
    /// A bucket behind an S3 endpoint.
    Endpoint(S3Origin),
}

impl Buckets {
    /// Returns where the bucket lies: where its item says, otherwise where its host name leads. It is signed for with
    /// the keys of the access control or identity, else with those of the bucket, else with those that are found at run
    /// time. `None` for a host that `check` has reported.
    pub(super) fn by_host(
        &self,
        named: &BucketHostDocument,
        distribution_id: &str,
    ) -> Option<BucketPlace> {
        let host = BucketHost::parse(&named.host).ok()?;
        let access = self.access(&named.access, distribution_id);
        let name = host.bucket.clone();
        self.place(&name, &access, Some(host))
    }

    /// Returns where the bucket lies by its item; `None` without one.
    pub(super) fn by_name(
        &self,
        named: &NamedBucketDocument,
        distribution_id: &str,
    ) -> Option<BucketPlace> {
        let access = self.access(&named.access, distribution_id);
        self.place(&named.name, &access, None)
    }

    fn access(&self, document: &BucketAccessDocument, distribution_id: &str) -> Access {
        let distribution = || BucketReader::Distribution(distribution_id.to_owned());
        let access = match document {
            BucketAccessDocument::Unsigned => None,
            BucketAccessDocument::Distribution => Some(Access {
                signing: SigningBehavior::Always,
                credentials: None,
                reader: Some(distribution()),
            }),
            BucketAccessDocument::Control(id) => self.controls.get(id).map(|control| Access {
                reader: match control.signing {
                    SigningBehavior::Never => None,
                    SigningBehavior::Always | SigningBehavior::NoOverride => Some(distribution()),
                },
                ..control.clone()
            }),
            BucketAccessDocument::Identity(id) => self.identities.get(id).cloned(),
        };
        // `check` has reported one that is absent, unless the distribution reads nothing.
        access.unwrap_or(Access {
            signing: SigningBehavior::Never,
            credentials: None,
            reader: None,
        })
    }

    fn place(&self, name: &str, access: &Access, host: Option<BucketHost>) -> Option<BucketPlace> {
        let known = self.buckets.get(name);
        let own = known.and_then(|bucket| bucket.credentials.clone());
        let (endpoint, region, addressing) = match known.map(|bucket| &bucket.location) {
            Some(BucketLocationDocument::Folder(root)) => {
                return Some(BucketPlace::Folder(root.clone()));
            }
            Some(BucketLocationDocument::Embedded(document)) => {
                return self.embedded(name, document, access.reader.as_ref());
            }
            Some(BucketLocationDocument::Endpoint {
                server,
                region,
                addressing,
            }) => (server.clone(), region.clone(), *addressing),
            None => {
                let host = host?;
                (host.endpoint, host.region, host.addressing)
            }
        };
        let usual = CredentialSource::Chain { profile: None };
        Some(BucketPlace::Endpoint(S3Origin {
            endpoint,
            bucket: name.to_owned(),
            region,
            addressing,
            signing: access.signing,
            credentials: access.credentials.clone().or(own).unwrap_or(usual),
        }))
    }

    /// Returns an embedded bucket with what `reader` may do there. `None` if this machine has no folder for buckets,
    /// which `check` has reported.
    fn embedded(
        &self,
        name: &str,
        document: &EmbeddedBucketDocument,
        reader: Option<&BucketReader>,
    ) -> Option<BucketPlace> {
        let place = self.embedded.as_ref()?;
        let access = match reader {
            None => BucketAccess::Unsigned,
            Some(reader) => {
                let grants = document.grants();
                let granted = grants.filter(|grant| grant.reader == *reader);
                match granted.map(|grant| grant.list).max() {
                    None => BucketAccess::NotGranted(reader.clone()),
                    Some(false) => BucketAccess::Read,
                    Some(true) => BucketAccess::ReadAndList,
                }
            }
        };
        Some(BucketPlace::Embedded(EmbeddedOrigin {
            bucket: name.to_owned(),
            root: place.folder.join(name),
            access,
            cors: document.cors.clone(),
            endpoint: place.endpoint.clone(),
            region: place.region.clone(),
        }))
    }
}

impl EmbeddedPlace {
    fn of(settings: &BucketsSettings) -> Self {
        let endpoint = settings.address.map(|address| HttpServer {
            is_tls: settings.certificate.is_some(),
            host: reachable(address.ip()).to_string(),
            port: address.port(),
        });
        EmbeddedPlace {
            folder: settings.folder.clone(),
            endpoint,
            region: settings.region.clone(),
        }
    }
}

/// Returns an address of this machine at which a listener on `ip` is reached.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    }
}

impl KnownBucket {
    /// Returns how log files get there, signed for with the keys of the bucket, or else those of the usual chain.
    fn log_destination(&self, name: &str) -> LogDestination {
        let (endpoint, region, addressing) = match &self.location {
            BucketLocationDocument::Folder(root) => return LogDestination::Folder(root.clone()),
            BucketLocationDocument::Embedded(_) => return LogDestination::Embedded,
            BucketLocationDocument::Endpoint {
                server,
                region,
                addressing,
            } => (server.clone(), region.clone(), *addressing),
        };
        let usual = CredentialSource::Chain { profile: None };
        LogDestination::Endpoint(Arc::new(Origin {
            // It is not among the origins, at any index.
            index: usize::MAX,
            id: name.to_owned(),
            source: S3Origin {
                endpoint,
                bucket: name.to_owned(),
                region,
                addressing,
                signing: SigningBehavior::Always,
                credentials: self.credentials.clone().unwrap_or(usual),
            }
            .into(),
            origin_path: String::new(),
            paths: PathReading::Literal,
            are_paths_stated: false,
            custom_headers: Vec::new(),
            patience: OriginPatience::default(),
        }))
    }
}

impl Builder<'_> {
    /// Takes note of where the buckets of a document lie, and of those that its logs are for and that lie nowhere.
    pub(super) fn log_destinations(&mut self, document: &ServiceDocument, buckets: &Buckets) {
        let known = &buckets.buckets;
        let distributions = document.distributions.iter();
        let logs = distributions.map(|distribution| distribution.logging.as_ref());
        let streaming = document.streaming_distributions.iter();
        let logs = logs.chain(streaming.map(|streaming| streaming.logging.as_ref()));
        let absent = logs
            .flatten()
            .map(|logging| &logging.bucket)
            .filter(|bucket| !known.contains_key(*bucket));
        // The table is shared with the snapshot before: it is copied only where it changes.
        let table = &mut self.service.log_destinations;
        for bucket in absent {
            if table.contains_key(bucket) {
                Arc::make_mut(table).remove(bucket);
            }
        }
        for (name, bucket) in known {
            let destination = bucket.log_destination(name);
            if table.get(name) != Some(&destination) {
                Arc::make_mut(table).insert(name.clone(), destination);
            }
        }
    }

    /// Returns the log of a distribution, whose files are delivered if its bucket is known. Its prefix gets a slash if
    /// it has none (developer guide, "Standard logging").
    pub(super) fn logging(
        &self,
        document: Option<&DistributionLogging>,
        buckets: &Buckets,
    ) -> Option<Arc<DistributionLogging>> {
        let logging = document?;
        let delivery = match buckets.buckets.contains_key(&logging.bucket) {
            true => LogDelivery::Bucket,
            false => LogDelivery::Folder,
        };
        let mut prefix = logging.prefix.clone();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Some(Arc::new(DistributionLogging {
            delivery,
            prefix,
            ..logging.clone()
        }))
    }

    /// Reads the secrets of everything by which buckets are reached.
    pub(super) fn buckets(&mut self, document: &ServiceDocument) -> Buckets {
        let mut buckets = HashMap::new();
        for (position, bucket) in document.buckets.iter().enumerate() {
            let path = format!("buckets.bucket[{position}]");
            let known = KnownBucket {
                location: bucket.location.clone(),
                credentials: self.own_credentials(bucket.credentials.as_ref(), &path),
            };
            buckets.insert(bucket.name.clone(), known);
        }
        let mut controls = HashMap::new();
        for (position, control) in document.origin_access_controls.iter().enumerate() {
            let path = format!("origin_access_controls[{position}]");
            let access = Access {
                signing: control.signing,
                credentials: self.own_credentials(control.credentials.as_ref(), &path),
                reader: None,
            };
            controls.insert(control.id.clone(), access);
        }
        let mut identities = HashMap::new();
        for (position, identity) in document.origin_access_identities.iter().enumerate() {
            let path = format!("origin_access_identities[{position}]");
            let access = Access {
                signing: SigningBehavior::Always,
                credentials: self.own_credentials(identity.credentials.as_ref(), &path),
                reader: Some(BucketReader::Identity(identity.id.clone())),
            };
            identities.insert(identity.id.clone(), access);
        }
        Buckets {
            buckets,
            controls,
            identities,
            embedded: self.embedded.map(EmbeddedPlace::of),
        }
    }

    fn own_credentials(
        &mut self,
        document: Option<&CredentialsDocument>,
        path: &str,
    ) -> Option<CredentialSource> {
        document.map(|document| self.credentials(document, path))
    }

    pub(super) fn credentials(
        &mut self,
        document: &CredentialsDocument,
        path: &str,
    ) -> CredentialSource {
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
                format!("{path}.secret_access_key"),
                secret.reveal().to_owned(),
            ),
            SecretSource::File(file) => {
                let place = format!("{path}.secret_access_key_file");
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
