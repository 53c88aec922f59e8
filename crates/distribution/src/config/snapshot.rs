//! The configuration as the edge uses it: immutable, complete, every reference resolved.
//!
//! A snapshot that differs in a few distributions shares everything else with the one before.

use crate::config::config_error::{ConfigError, Places};
use crate::config::distribution::{Distribution, LogDestination, StreamingDistribution};
use crate::config::document::{
    BucketsSettings, CacheSettings, ControlSettings, Document, EdgeIdentity, Limits, LinksSettings,
    Listener, LogSettings, ServiceDocument, StoreSettings,
};
use crate::config::geo_database::GeoDatabase;
use crate::config::origin::Origin;
use crate::config::own_files::OwnFiles;
use crate::config::service_item::ServiceKind;
use crate::config::slots::Slots;
use crate::config::trusted_proxies::{ForwardedHeaders, TrustedProxies};
use crate::config::video_settings::VideosSettings;
use service::Service;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod build;
mod check;
mod service;

pub(crate) use check::check;

/// Reads a file that a configuration names.
pub type ReadFile<'f> = &'f mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>;

/// The configuration in effect: immutable, every reference resolved, and swapped as a whole. Clones share all that is
/// in it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Settings of the machine.
    pub node: Arc<NodeSettings>,
    /// Files that were read, so that the caller can watch them.
    pub files: Arc<BTreeSet<PathBuf>>,
    service: Service,
}

/// The settings of one machine, with the files read that they name.
#[derive(Debug)]
pub struct NodeSettings {
    /// Addresses where viewers connect; at least one.
    pub listeners: Vec<Listener>,
    /// Limits on connections, requests and memory.
    pub limits: Limits,
    /// Proxies whose statements about viewers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Headers in which they are believed.
    pub forwarded_headers: ForwardedHeaders,
    /// Size and location of the cache.
    pub cache: CacheSettings,
    /// Memory for videos, and the secret of path tokens.
    pub videos: VideosSettings,
    /// Database that maps addresses to countries; present whenever a distribution restricts by country.
    pub geo_database: Option<GeoDatabase>,
    /// Unix socket for the operator's commands to the running edge.
    pub admin_socket: Option<PathBuf>,
    /// Address at which operators are served over HTTP; `None` for the socket alone.
    pub control: Option<ControlSettings>,
    /// Store of what is served; `None` if the file itself says it.
    pub store: Option<StoreSettings>,
    /// Folder of embedded buckets, and the endpoint that serves them over S3; `None` if there are none.
    pub buckets: Option<BucketsSettings>,
    /// Identity of the edge, and its number of workers.
    pub edge: EdgeIdentity,
    /// Files that nothing which is served may be, contain or name.
    pub own_files: OwnFiles,
    /// Access log; `None` writes none.
    pub log: Option<LogSettings>,
    /// Settings of links that end early or are counted.
    pub links: LinksSettings,
    /// True if the edge's clock can be set: `[test] clock = true`. Refused unless every listener is on a loopback
    /// address.
    pub test_clock: bool,
}

impl Snapshot {
    /// Resolves `document`. `places` has the positions of its values (`Places::default()` if there are none).
    ///
    /// `read_file` is the only access to the disk: keys and certificates are read through it. Origin folders are not
    /// accessed.
    ///
    /// # Errors
    /// Returns every fault there is, in the order of the document.
    pub fn build(
        document: Document,
        places: &Places,
        read_file: ReadFile<'_>,
    ) -> Result<Self, Vec<ConfigError>> {
        build::build(document, places, read_file)
    }

    /// Returns a snapshot in which the distributions of `changed` stand in place of those of the same id, and those of
    /// `removed` are gone. All others are the very same.
    ///
    /// `changed` has to hold everything that its distributions refer to, and every distribution that refers to a key, a
    /// policy or a certificate that has changed: what is already resolved is not looked at again. Streaming
    /// distributions follow the distribution whose videos they play.
    ///
    /// # Errors
    /// Returns every fault of `changed`, and names that other distributions have.
    pub fn with_changes(
        &self,
        changed: &ServiceDocument,
        removed: &[(ServiceKind, String)],
        read_file: ReadFile<'_>,
    ) -> Result<Self, Vec<ConfigError>> {
        build::with_changes(self.clone(), changed, removed, read_file)
    }

    /// As [`Snapshot::with_changes`], but of a snapshot that nobody else has: nothing needs to be copied.
    ///
    /// # Errors
    /// As [`Snapshot::with_changes`]; the snapshot is lost then.
    pub fn changed(
        self,
        changed: &ServiceDocument,
        removed: &[(ServiceKind, String)],
        read_file: ReadFile<'_>,
    ) -> Result<Self, Vec<ConfigError>> {
        build::with_changes(self, changed, removed, read_file)
    }

    /// Returns the service of `other` under the settings of this snapshot's machine, with all as it was resolved under
    /// those of the other's.
    pub fn with_service_of(self, other: &Snapshot) -> Self {
        Snapshot {
            node: self.node,
            files: Arc::new(self.files.union(&other.files).cloned().collect()),
            service: other.service.clone(),
        }
    }

    /// Returns the settings of the machine alone, with nothing that is served.
    pub fn without_service(&self) -> Self {
        Snapshot {
            node: Arc::clone(&self.node),
            files: Arc::clone(&self.files),
            service: Service::default(),
        }
    }

    /// Returns all distributions, including disabled ones, in the order of the document.
    pub fn distributions(&self) -> &Slots<Distribution> {
        &self.service.distributions
    }

    /// Returns all streaming distributions, including disabled ones, in the order of the document.
    pub fn streaming_distributions(&self) -> &Slots<StreamingDistribution> {
        &self.service.streaming_distributions
    }

    /// Returns all origins of all distributions, each at its index, including those that no behavior names.
    pub fn origins(&self) -> &Slots<Origin> {
        &self.service.origins
    }

    /// Returns where the log files for a bucket are delivered to; `None` if no item says where it lies.
    pub fn log_destination(&self, bucket: &str) -> Option<&LogDestination> {
        self.service.log_destinations.get(bucket)
    }

    /// Finds a distribution by its id.
    pub fn distribution(&self, id: &str) -> Option<&Arc<Distribution>> {
        let position = self.service.distribution_ids.get(id)?;
        self.service.distributions.get(position)
    }

    /// Finds a streaming distribution by its id.
    pub fn streaming_distribution(&self, id: &str) -> Option<&Arc<StreamingDistribution>> {
        let position = self.service.streaming_ids.get(id)?;
        self.service.streaming_distributions.get(position)
    }

    /// Finds a distribution by `Host` as sent: case and port do not matter; exact names win over aliases such as
    /// `*.example.com`. A name with a trailing dot is another name. Disabled distributions are found too.
    pub fn distribution_for(&self, host: &str) -> Option<&Arc<Distribution>> {
        let position = self.service.hosts.find(host)?;
        self.service.distributions.get(position)
    }

    /// Does the same as [`Snapshot::distribution_for`] for streaming distributions.
    pub fn streaming_distribution_for(&self, host: &str) -> Option<&Arc<StreamingDistribution>> {
        let position = self.service.streaming_hosts.find(host)?;
        self.service.streaming_distributions.get(position)
    }

    /// Returns the positions among the distributions of the one that has exactly `name`, and of the one whose alias
    /// `*.parent` is the name with its first label replaced, as certificates cover names.
    pub fn positions_for_server_name<'s>(
        &'s self,
        name: &str,
    ) -> impl Iterator<Item = usize> + use<'s> {
        server_name_owners(&self.service.hosts, name)
    }

    /// Does the same as [`Snapshot::positions_for_server_name`] for streaming distributions.
    pub fn streaming_positions_for_server_name<'s>(
        &'s self,
        name: &str,
    ) -> impl Iterator<Item = usize> + use<'s> {
        server_name_owners(&self.service.streaming_hosts, name)
    }
}

/// Returns the owners of a server name, the exact one first.
fn server_name_owners(
    hosts: &crate::config::host_table::HostTable,
    name: &str,
) -> impl Iterator<Item = usize> + use<> {
    let parent = name.split_once('.').map(|(_, parent)| parent);
    let wildcard = parent.and_then(|parent| hosts.owner(&format!("*.{parent}")));
    hosts.owner(name).into_iter().chain(wildcard)
}
