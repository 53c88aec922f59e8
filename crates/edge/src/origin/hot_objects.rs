//! Recently requested objects: small files in memory, large ones open. Bounded in number and in bytes.
//!
//! An entry is served only while the file's identity is unchanged; this is not a cache with lifetimes.

use super::identity::Identity;
use super::{Content, Object, ObjectHead};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A remembered object.
#[derive(Clone, Debug)]
pub(super) struct HotObject {
    /// Path of the file beneath the root.
    pub(super) name: PathBuf,
    pub(super) identity: Identity,
    pub(super) head: Arc<ObjectHead>,
    pub(super) content: Content,
}

impl HotObject {
    pub(super) fn object(&self) -> Object {
        Object {
            head: Arc::clone(&self.head),
            content: self.content.clone(),
            from_memory: true,
            settled: true,
        }
    }

    fn size_bytes(&self) -> usize {
        match &self.content {
            Content::Memory(bytes) | Content::Both(bytes, _) => bytes.len(),
            Content::File(_) => 0,
        }
    }
}

/// Two generations of objects: a used object moves to the young one, and the old one is dropped whole.
#[derive(Debug)]
pub(super) struct HotObjects {
    generations: Mutex<Generations>,
    files_max: usize,
    size_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<str>, Arc<HotObject>>,
    young_size_bytes: usize,
    old: HashMap<Box<str>, Arc<HotObject>>,
}

impl HotObjects {
    pub(super) fn new(files_max: usize, size_bytes_max: usize) -> Self {
        HotObjects {
            generations: Mutex::default(),
            files_max,
            size_bytes_max,
        }
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<HotObject>> {
        let mut generations = self.lock();
        if let Some(hot) = generations.young.get(key) {
            return Some(Arc::clone(hot));
        }
        let (key, hot) = generations.old.remove_entry(key)?;
        self.insert_young(&mut generations, key, Arc::clone(&hot));
        Some(hot)
    }

    pub(super) fn insert(&self, key: &str, hot: HotObject) {
        // Each generation has half of the space: a larger object would push out everything else.
        if hot.size_bytes() > self.size_bytes_max / 2 || self.files_max < 2 {
            return;
        }
        self.insert_young(&mut self.lock(), key.into(), Arc::new(hot));
    }

    pub(super) fn remove(&self, key: &str) {
        let mut generations = self.lock();
        generations.old.remove(key);
        if let Some(hot) = generations.young.remove(key) {
            generations.young_size_bytes -= hot.size_bytes();
        }
    }

    /// Ages everything by one generation.
    pub(super) fn rotate(&self) {
        self.lock().rotate();
    }

    fn insert_young(&self, generations: &mut Generations, key: Box<str>, hot: Arc<HotObject>) {
        generations.old.remove(&key);
        let size_bytes = hot.size_bytes();
        let full = generations.young.len() >= self.files_max / 2
            || generations.young_size_bytes + size_bytes > self.size_bytes_max / 2;
        if full {
            generations.rotate();
        }
        generations.young_size_bytes += size_bytes;
        if let Some(replaced) = generations.young.insert(key, hot) {
            generations.young_size_bytes -= replaced.size_bytes();
        }
    }

    /// Locks the generations. A panic while the lock is held leaves them usable.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn rotate(&mut self) {
        self.old = std::mem::take(&mut self.young);
        self.young_size_bytes = 0;
    }
}
