//! Finds the stored object for a cache request, by way of the marker where `Vary` tells several apart.

use super::WorkerCache;
use super::cache_request::CacheRequest;
use super::cached_head::{Form, Generation};
use super::digest::digest;
use super::served::{CacheResult, Served};
use super::stored_object::StoredObject;
use crate::origin::DiskWork;
use privet_cache::{DiskEntry, Key, Lookup, Object};
use privet_distribution::caching::{CacheKey, CacheStatus, ForwardReason, Freshness, VaryNames};
use std::sync::Arc;

/// Maximum size of disk entries that are read into memory whole; the bodies of larger ones are sent from the disk.
const LOADED_SIZE_BYTES_MAX: u64 = 512 * 1024;
/// Maximum size of entries that the worker reads itself, if they are in the page cache.
const AT_ONCE_SIZE_BYTES_MAX: u64 = 128 * 1024;

/// The marker of a key under which several responses are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) names: VaryNames,
    pub(super) generation: Generation,
}

/// The result of a lookup.
#[derive(Clone, Debug)]
pub(super) struct LookUp {
    /// Key that was looked up last: the variant's, if there is a marker.
    pub(super) digest: Key,
    pub(super) marker: Option<Marker>,
    pub(super) object: Option<StoredObject>,
}

impl LookUp {
    /// Returns the reason for a request to the origin.
    pub(super) fn reason(&self) -> ForwardReason {
        match (&self.object, &self.marker) {
            (Some(_), _) => ForwardReason::Stale,
            (None, Some(_)) => ForwardReason::VaryMiss,
            (None, None) => ForwardReason::UriMiss,
        }
    }
}

/// Returns the key of one of several variants. The marker's generation is part of it, so that all variants go with the
/// marker.
pub(super) fn variant_key(ask: &CacheRequest, marker: &Marker) -> Vec<u8> {
    let variant = ask.heard().fold(ask.key.clone(), |key, headers| {
        key.variant(&marker.names, headers, &ask.policy)
    });
    let mut key = variant.as_bytes().to_vec();
    key.extend_from_slice(&marker.generation);
    key
}

impl WorkerCache {
    /// Looks up what is stored for `ask`, fresh or not, unless it was invalidated.
    pub(super) async fn look_up(&self, ask: &CacheRequest) -> LookUp {
        let primary = self.stored(ask.digest, ask.key.as_bytes()).await;
        let Some(object) = primary else {
            return LookUp {
                digest: ask.digest,
                marker: None,
                object: None,
            };
        };
        let Form::Marker(names) = &object.head().form else {
            return LookUp {
                digest: ask.digest,
                marker: None,
                object: Some(object),
            };
        };
        let marker = Marker {
            names: names.clone(),
            generation: object.head().generation,
        };
        let key = variant_key(ask, &marker);
        let digest = digest(&key);
        LookUp {
            object: self.stored(digest, &key).await,
            digest,
            marker: Some(marker),
        }
    }

    /// Returns a fresh object whose whole body is in memory: most requests are for one, and it is found without a
    /// [`CacheRequest`].
    ///
    /// `None` says nothing about the object: [`WorkerCache::look_up`] may still find it.
    pub(crate) fn in_memory(&self, key: &CacheKey, digest: Key) -> Option<Served> {
        let Lookup::Memory(object) = self.shared.store.object(&digest) else {
            return None;
        };
        let head = &object.head;
        let now = self.clock.now();
        let serves = head.key == key.as_bytes()
            && matches!(head.form, Form::Whole { .. })
            && object.body.is_some()
            && head.lifetime.verdict(now) == Freshness::Fresh
            && !self.shared.invalidations.cover(head, object.seq);
        serves.then(|| Served {
            status: CacheStatus::hit(head.lifetime.ttl_secs(now)),
            object: StoredObject {
                digest,
                object: Arc::clone(&object),
                on_disk: None,
            },
            how: CacheResult::Hit,
            waiting: None,
        })
    }

    /// Returns the object once all of it has arrived and its length is known; `None` if it was not stored.
    pub(crate) async fn kept_whole(&self, object: &StoredObject) -> Option<StoredObject> {
        let kept = self.stored(object.digest, &object.head().key).await?;
        let is_same = kept.generation() == object.generation();
        (is_same && kept.head().size_bytes().is_some()).then_some(kept)
    }

    pub(super) async fn stored(&self, digest: Key, key: &[u8]) -> Option<StoredObject> {
        let found = match self.shared.store.object(&digest) {
            Lookup::Memory(object) => StoredObject {
                digest,
                object,
                on_disk: None,
            },
            Lookup::Disk(entry) => self.loaded(digest, entry).await?,
            Lookup::Absent => return None,
        };
        let head = found.head();
        let is_valid = head.key == key && !self.shared.invalidations.cover(head, found.object.seq);
        is_valid.then_some(found)
    }

    /// Reads an entry from the disk. One that does not read back as it was written counts as absent.
    async fn loaded(&self, digest: Key, entry: DiskEntry) -> Option<StoredObject> {
        let store = self.shared.store.clone();
        if entry.size_bytes() <= AT_ONCE_SIZE_BYTES_MAX && entry.is_in_page_cache() {
            // A thread would cost more than the copy.
            let object = store.load_object(&entry, &digest).ok()??;
            return Some(StoredObject {
                digest,
                object,
                on_disk: None,
            });
        }
        let loading = DiskWork::start(move || {
            if entry.size_bytes() <= LOADED_SIZE_BYTES_MAX {
                let object = store.load_object(&entry, &digest).ok()??;
                return Some((object, None));
            }
            let stored = store.load_head(&entry, &digest).ok()??;
            let object = Object {
                head: stored.head,
                seq: stored.seq,
                body: None,
            };
            Some((Arc::new(object), stored.body))
        });
        let (object, on_disk) = loading.await.ok()??;
        Some(StoredObject {
            digest,
            object,
            on_disk,
        })
    }
}
