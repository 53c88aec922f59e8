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

/// Immutable; every reference resolved. Swapped whole.
#[derive(Debug)]
pub struct Snapshot {
    /// Where viewers connect; at least one.
    pub listeners: Vec<Listener>,
    /// What the edge puts up with.
    pub limits: Limits,
    /// Whose word about viewers is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which of their words.
    pub forwarded_headers: ForwardedHeaders,
    /// How much the cache may keep, and where.
    pub cache: CacheSettings,
    /// What is kept for videos, and what path tokens are made with.
    pub videos: VideosSettings,
    /// Which country an address is in; present whenever a distribution restricts by country.
    pub geo_database: Option<GeoDatabase>,
    /// The Unix socket for the operator's commands to the running edge.
    pub admin_socket: Option<PathBuf>,
    /// Who the edge says it is.
    pub edge: EdgeIdentity,
    /// The access log; `None` keeps none.
    pub log: Option<LogSettings>,
    /// `[test] clock = true`: the edge's clock can be set. Refused unless every listener is on a loopback address.
    pub test_clock: bool,
    /// The files that were read, each once, so that the caller can watch them.
    pub files: Vec<PathBuf>,
    distributions: Vec<Arc<Distribution>>,
    origins: Vec<Arc<Origin>>,
    hosts: HostTable,
    streaming_distributions: Vec<Arc<StreamingDistribution>>,
    streaming_hosts: HostTable,
}

impl Snapshot {
    /// Resolves `document`. `places` says where its values stood (`Places::default()` if nowhere).
    ///
    /// `read_file` is the only door to the disk: keys and certificates are read through it. Origin folders are not
    /// looked at.
    ///
    /// # Errors
    /// Every fault there is, in the order of the document.
    pub fn build(
        document: Document,
        places: &Places,
        read_file: &mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, Vec<ConfigError>> {
        build::build(document, places, read_file)
    }

    /// All of them, disabled ones included, in the order of the document.
    pub fn distributions(&self) -> &[Arc<Distribution>] {
        &self.distributions
    }

    /// All streaming distributions, disabled ones included, in the order of the document.
    pub fn streaming_distributions(&self) -> &[Arc<StreamingDistribution>] {
        &self.streaming_distributions
    }

    /// As [`Snapshot::distribution_for`], for streams.
    pub fn streaming_distribution_for(&self, host: &str) -> Option<&Arc<StreamingDistribution>> {
        self.streaming_hosts
            .find(host)
            .and_then(|position| self.streaming_distributions.get(position))
    }

    /// All origins of all distributions, each at its index, also those that no behavior names.
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    /// By `Host` as sent: case and port do not matter; aliases may be `*.example.com`, and exact names beat them.
    /// A name with a dot at the end is another name. Disabled distributions are found too.
    pub fn distribution_for(&self, host: &str) -> Option<&Arc<Distribution>> {
        self.hosts
            .find(host)
            .and_then(|position| self.distributions.get(position))
    }
}
