//! The memory tier: who stays.

use crate::block::{Block, Object};
use crate::key::Key;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// What a key leads to.
#[derive(Debug)]
pub(crate) enum Payload<H> {
    Object(Arc<Object<H>>),
    Block(Arc<Block>),
}

impl<H> Clone for Payload<H> {
    fn clone(&self) -> Self {
        match self {
            Payload::Object(object) => Payload::Object(Arc::clone(object)),
            Payload::Block(block) => Payload::Block(Arc::clone(block)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct MemoryTier<H> {
    entries: Mutex<(HashMap<Key, Payload<H>>, VecDeque<Key>)>,
}

impl<H> MemoryTier<H> {
    pub(crate) fn new() -> Self {
        MemoryTier {
            entries: Mutex::new((HashMap::new(), VecDeque::new())),
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Payload<H>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.0.get(key).cloned()
    }

    pub(crate) fn put(&self, key: Key, payload: Payload<H>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.0.insert(key, payload).is_none() {
            entries.1.push_back(key);
        }
    }

    pub(crate) fn remove(&self, key: &Key) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.0.remove(key);
    }

    pub(crate) fn evict_one(&self) -> Option<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = entries.1.pop_front()?;
        entries.0.remove(&key);
        Some(())
    }

    pub(crate) fn len(&self) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.0.len()
    }
}
