//! Everything that is served, in tables whose copies share what they have in common.

use crate::config::distribution::{Distribution, LogDestination, StreamingDistribution};
use crate::config::host_table::HostTable;
use crate::config::name_table::NameTable;
use crate::config::origin::Origin;
use crate::config::slots::Slots;
use std::collections::HashMap;
use std::sync::Arc;

/// The distributions of a snapshot, and the tables by which they are found.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    pub(super) distributions: Slots<Distribution>,
    pub(super) distribution_ids: NameTable,
    pub(super) hosts: HostTable,
    pub(super) origins: Slots<Origin>,
    pub(super) streaming_distributions: Slots<StreamingDistribution>,
    pub(super) streaming_ids: NameTable,
    pub(super) streaming_hosts: HostTable,
    /// Buckets whose location an item says, by their names. One stays known while nothing is resolved that mentions it:
    /// the last files of a log that has ended are for it.
    pub(super) log_destinations: Arc<HashMap<String, LogDestination>>,
}

impl Service {
    /// Adds a distribution, or puts it in the place of the one with its id, which was released. Its origins have been
    /// added already.
    pub(super) fn put_distribution(&mut self, distribution: Distribution) {
        let distribution = Arc::new(distribution);
        let position = match self.distribution_ids.get(&distribution.id) {
            Some(position) => {
                let value = Arc::clone(&distribution);
                self.distributions.replace(position, value);
                position
            }
            None => {
                let position = self.distributions.insert(Arc::clone(&distribution));
                // Checked just now: nobody has this id.
                let _ = self.distribution_ids.insert(&distribution.id, position);
                position
            }
        };
        for name in std::iter::once(&distribution.domain_name).chain(&distribution.aliases) {
            // `check` has reported names with two owners.
            let _ = self.hosts.insert(name, position);
        }
        self.follow(&distribution);
    }

    /// Removes the distribution of that id, if there is one.
    pub(super) fn remove_distribution(&mut self, id: &str) {
        self.release_distribution(id);
        if let Some(position) = self.distribution_ids.get(id) {
            self.distributions.remove(position);
            self.distribution_ids.remove(id);
        }
    }

    /// Adds a streaming distribution, or puts it in the place of the one with its id, which was released.
    pub(super) fn put_streaming(&mut self, streaming: StreamingDistribution) {
        let streaming = Arc::new(streaming);
        let position = match self.streaming_ids.get(&streaming.id) {
            Some(position) => {
                let value = Arc::clone(&streaming);
                self.streaming_distributions.replace(position, value);
                position
            }
            None => {
                let value = Arc::clone(&streaming);
                let position = self.streaming_distributions.insert(value);
                // Checked just now: nobody has this id.
                let _ = self.streaming_ids.insert(&streaming.id, position);
                position
            }
        };
        for name in std::iter::once(&streaming.domain_name).chain(&streaming.aliases) {
            // `check` has reported names with two owners.
            let _ = self.streaming_hosts.insert(name, position);
        }
    }

    /// Removes the streaming distribution of that id, if there is one.
    pub(super) fn remove_streaming(&mut self, id: &str) {
        self.release_streaming(id);
        if let Some(position) = self.streaming_ids.get(id) {
            self.streaming_distributions.remove(position);
            self.streaming_ids.remove(id);
        }
    }

    /// Gives up the names and origins of a distribution that is about to be replaced or removed.
    pub(super) fn release_distribution(&mut self, id: &str) {
        let position = self.distribution_ids.get(id);
        let old = position.and_then(|position| self.distributions.get(position).cloned());
        let Some(old) = old else { return };
        for name in std::iter::once(&old.domain_name).chain(&old.aliases) {
            self.hosts.remove(name);
        }
        self.release_origins(&old);
    }

    /// Gives up the names and origins of a streaming distribution that is about to be replaced or removed.
    pub(super) fn release_streaming(&mut self, id: &str) {
        let position = self.streaming_ids.get(id);
        let old = position.and_then(|position| self.streaming_distributions.get(position).cloned());
        let Some(old) = old else { return };
        for name in std::iter::once(&old.domain_name).chain(&old.aliases) {
            self.streaming_hosts.remove(name);
        }
        if old.has_own_videos() {
            self.release_origins(&old.videos);
        }
    }

    fn release_origins(&mut self, distribution: &Distribution) {
        for &index in &distribution.origins {
            self.origins.remove(index);
        }
    }

    /// Lets the streaming distributions that play the videos of `distribution` play them as it is now: a key that it no
    /// longer trusts must not open them either.
    fn follow(&mut self, distribution: &Arc<Distribution>) {
        let followers = self.streaming_distributions.iter();
        let followers = followers.filter(|streaming| {
            streaming.videos.id == distribution.id && !streaming.has_own_videos()
        });
        let followers: Vec<Arc<StreamingDistribution>> = followers.cloned().collect();
        for old in followers {
            if let Some(position) = self.streaming_ids.get(&old.id) {
                let streaming = StreamingDistribution {
                    videos: Arc::clone(distribution),
                    ..(*old).clone()
                };
                self.streaming_distributions
                    .replace(position, Arc::new(streaming));
            }
        }
    }
}
