//! Sends what the edge has counted of links to the store's ledger, in batches of which each is added once.

use privet_distribution::config::LedgerAddresses;
use privet_edge::{EdgeHandle, LinkCounts};
use privet_sign::LinkId;
use privet_store::{LedgerBatch, LedgerEntry, LinkDigest, Store, StoreError, Timestamp};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Links of a batch.
const ENTRIES_MAX: usize = 500;
/// Links whose viewers are remembered. Beyond that they are forgotten together, and may be counted again.
const LINKS_MAX: usize = 10_000;

/// The batches of this edge.
#[derive(Debug, Default)]
pub(super) struct Counting {
    /// Number of the last batch; `None` before the store was asked.
    last: Option<u64>,
    /// Batches that the store has not confirmed.
    pending: Vec<LedgerBatch>,
    /// Viewers that were counted.
    viewers: HashMap<LinkId, HashSet<[u8; 16]>>,
}

impl Counting {
    /// Sends what was counted. What cannot be sent now is sent later, as the same batch.
    pub(super) async fn send(
        &mut self,
        edge: &EdgeHandle,
        edge_id: &str,
        store: &Store,
    ) -> Result<(), StoreError> {
        let mut last = match self.last {
            Some(last) => last,
            None => store.last_ledger_batch(edge_id).await?,
        };
        self.last = Some(last);
        let addresses = edge.snapshot().node.links.addresses;
        let counted = edge.links().take_counts();
        let entries: Vec<LedgerEntry> = counted
            .into_iter()
            .map(|(link, counts)| self.entry(link, counts, addresses))
            .collect();
        for entries in entries.chunks(ENTRIES_MAX) {
            last += 1;
            self.pending.push(LedgerBatch {
                edge: edge_id.to_owned(),
                number: last,
                entries: entries.to_vec(),
            });
        }
        self.last = Some(last);
        while let Some(batch) = self.pending.first() {
            match store.add_to_ledger(batch, now_of(edge)).await {
                // What breaks a limit would break it again.
                Ok(_) | Err(StoreError::Invalid { .. }) => drop(self.pending.remove(0)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        link: LinkId,
        counts: LinkCounts,
        addresses: LedgerAddresses,
    ) -> LedgerEntry {
        if self.viewers.len() >= LINKS_MAX && !self.viewers.contains_key(&link) {
            self.viewers.clear();
        }
        let known = self.viewers.entry(link).or_default();
        let viewers = counts.viewers.iter();
        let viewers = viewers.filter(|viewer| known.insert(**viewer)).count() as u64;
        LedgerEntry {
            digest: LinkDigest::from_bytes(*link.as_bytes()),
            served: counts
                .first
                .zip(counts.last)
                .map(|(first, last)| (moment(first), moment(last))),
            uses: counts.uses,
            viewers,
            bytes: counts.bytes,
            watched_seconds: counts.watched_secs,
            refusals: counts
                .refusals
                .into_iter()
                .map(|(reason, count)| (reason.to_owned(), count))
                .collect(),
            addresses: counts
                .addresses
                .into_iter()
                .filter_map(|address| kept(address, addresses))
                .collect(),
        }
    }
}

fn kept(address: IpAddr, setting: LedgerAddresses) -> Option<String> {
    match (setting, address.to_canonical()) {
        (LedgerAddresses::Dropped, _) => None,
        (LedgerAddresses::Kept, address) => Some(address.to_string()),
        (LedgerAddresses::Shortened, IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        (LedgerAddresses::Shortened, IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}

fn moment(at: privet_sign::Timestamp) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX))
}

fn now_of(edge: &EdgeHandle) -> Timestamp {
    moment(edge.clock().now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_the_setting_says() {
        let v4: IpAddr = "192.0.2.77".parse().unwrap();
        let v6: IpAddr = "2001:db8:1:2:3::9".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.77".parse().unwrap();
        assert_eq!(kept(v4, LedgerAddresses::Dropped), None);
        assert_eq!(kept(v6, LedgerAddresses::Dropped), None);
        let shortened = |address| kept(address, LedgerAddresses::Shortened).unwrap();
        assert_eq!(shortened(v4), "192.0.2.0/24");
        assert_eq!(shortened(mapped), "192.0.2.0/24");
        assert_eq!(shortened(v6), "2001:db8:1::/48");
        assert_eq!(kept(mapped, LedgerAddresses::Kept).unwrap(), "192.0.2.77");
    }
}
