//! The configuration as the edge uses it: immutable, complete, every reference resolved.

use crate::config::config_error::{ConfigError, Places};
use crate::config::distribution::{Distribution, StreamingDistribution};
use crate::config::document::{
    CacheSettings, Document, EdgeIdentity, Limits, Listener, LogSettings,
};
use crate::config::geo_database::GeoDatabase;
use crate::config::host_table::HostTable;
use crate::config::origin::Origin;
use crate::config::trusted_proxies::{ForwardedHeaders, TrustedProxies};
use crate::config::video_settings::VideosSettings;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod build;
mod check;

pub(crate) use check::check;

/// The configuration in effect: immutable, every reference resolved, and swapped as a whole.
#[derive(Debug)]
pub struct Snapshot {
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
    /// Identity of the edge, and its number of workers.
    pub edge: EdgeIdentity,
    /// Access log; `None` writes none.
    pub log: Option<LogSettings>,
    /// True if the edge's clock can be set: `[test] clock = true`. Refused unless every listener is on a loopback
    /// address.
    pub test_clock: bool,
    /// Files that were read, each once, so that the caller can watch them.
    pub files: Vec<PathBuf>,
    distributions: Vec<Arc<Distribution>>,
    origins: Vec<Arc<Origin>>,
    hosts: HostTable,
    streaming_distributions: Vec<Arc<StreamingDistribution>>,
    streaming_hosts: HostTable,
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
        read_file: &mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, Vec<ConfigError>> {
        build::build(document, places, read_file)
    }

    /// Returns all distributions, including disabled ones, in the order of the document.
    pub fn distributions(&self) -> &[Arc<Distribution>] {
        &self.distributions
    }

    /// Returns all streaming distributions, including disabled ones, in the order of the document.
    pub fn streaming_distributions(&self) -> &[Arc<StreamingDistribution>] {
        &self.streaming_distributions
    }

    /// Does the same as [`Snapshot::distribution_for`] for streaming distributions.
    pub fn streaming_distribution_for(&self, host: &str) -> Option<&Arc<StreamingDistribution>> {
        self.streaming_hosts
            .find(host)
            .and_then(|position| self.streaming_distributions.get(position))
    }

    /// Returns all origins of all distributions, each at its index, including those that no behavior names.
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    /// Finds a distribution by `Host` as sent: case and port do not matter; exact names win over aliases such as
    /// `*.example.com`. A name with a trailing dot is another name. Disabled distributions are found too.
    pub fn distribution_for(&self, host: &str) -> Option<&Arc<Distribution>> {
        self.hosts
            .find(host)
            .and_then(|position| self.distributions.get(position))
    }
}
