//! The operators' interface and the store of what is served, as the node's file names them.

use crate::config::document::{CertificateFiles, Secret};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The listener of the operators' interface: `[control]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlSettings {
    /// Address and port; plain HTTP is spoken on a loopback address alone.
    pub address: SocketAddr,
    /// Values of `Host` that are answered, besides the address itself and `localhost` on loopback: a page of a stranger
    /// must not reach the interface by a name that leads here.
    pub hosts: Vec<String>,
    /// Folders beneath which operators of the listener may name files and folders of this machine; `None` if they may
    /// name all that the edge can read, except its own files.
    pub files: Option<Vec<PathBuf>>,
    /// Certificate; required away from loopback.
    pub certificate: Option<CertificateFiles>,
    /// Account in ARNs of CloudFront's API, 12 digits; `None` for the usual one.
    pub account: Option<String>,
    /// End of the domain names that CloudFront's API gives to new distributions, with the dot; `None` for CloudFront's.
    pub domain_suffix: Option<String>,
    /// Beginning of `Location` in CloudFront's API; `None` for Amazon's.
    pub base_url: Option<String>,
    /// Whether CloudFront's API is served in the version of boto 2 too, whose signatures cover the date alone. Needs a
    /// certificate.
    pub boto2: bool,
    /// Maximum numbers of what CloudFront's API creates and takes.
    pub limits: ApiLimits,
}

/// The quotas of CloudFront's API: `[control.limits]`. They hold for what comes by that interface, and for nothing
/// else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiLimits {
    /// Distributions of the service.
    pub distributions_max: usize,
    /// Streaming distributions of the service.
    pub streaming_distributions_max: usize,
    /// Public keys of the service.
    pub public_keys_max: usize,
    /// Key groups of the service.
    pub key_groups_max: usize,
    /// Public keys of a key group.
    pub public_keys_per_group_max: usize,
    /// Cache policies of the service, besides the managed ones.
    pub cache_policies_max: usize,
    /// Origin request policies of the service, besides the managed ones.
    pub origin_request_policies_max: usize,
    /// Response headers policies of the service, besides the managed ones.
    pub response_headers_policies_max: usize,
    /// Origin access identities of the service.
    pub origin_access_identities_max: usize,
    /// Origin access controls of the service.
    pub origin_access_controls_max: usize,
    /// Aliases of a distribution.
    pub aliases_max: usize,
    /// Origins of a distribution.
    pub origins_max: usize,
    /// Origin groups of a distribution.
    pub origin_groups_max: usize,
    /// Custom headers of an origin.
    pub origin_headers_max: usize,
    /// Behaviors of a distribution, besides the default one.
    pub behaviors_max: usize,
    /// Names in each list of a behavior's forwarded values: headers, cookies, query parameters.
    pub forwarded_names_max: usize,
    /// Trusted signers of a behavior.
    pub trusted_signers_max: usize,
    /// Trusted key groups of a behavior.
    pub trusted_key_groups_max: usize,
}

impl Default for ApiLimits {
    fn default() -> Self {
        ApiLimits {
            distributions_max: 500,
            streaming_distributions_max: 100,
            public_keys_max: 100,
            key_groups_max: 100,
            public_keys_per_group_max: 5,
            cache_policies_max: 100,
            origin_request_policies_max: 100,
            response_headers_policies_max: 100,
            origin_access_identities_max: 100,
            origin_access_controls_max: 100,
            aliases_max: 100,
            origins_max: 100,
            origin_groups_max: 10,
            origin_headers_max: 10,
            behaviors_max: 75,
            forwarded_names_max: 10,
            trusted_signers_max: 5,
            trusted_key_groups_max: 4,
        }
    }
}

/// The store of what is served: `[store]`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreSettings {
    /// Kind and location of the database.
    pub location: StoreLocation,
    /// File with the key that seals secrets; created beside an SQLite file if there is none.
    pub key_file: Option<PathBuf>,
    /// Local copy of a database elsewhere, from which the edge starts when that cannot be reached.
    pub copy: PathBuf,
    /// Time without news of the database after which the edge says that it is stale.
    pub stale_after: Duration,
    /// Name of this edge among those of the fleet; the machine's own if it is not set.
    pub edge_name: Option<String>,
}

/// The kind and location of the store's database.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreLocation {
    /// An SQLite database.
    File(PathBuf),
    /// URL of a PostgreSQL database, which may contain a password.
    Url(Secret),
}
