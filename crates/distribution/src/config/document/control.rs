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
