//! A table of names whose copies share what they have in common: a copy with one changed name costs one shard.

use std::collections::HashMap;
use std::sync::Arc;

/// Number of shards: with 200,000 names a change copies 200 of them.
const SHARDS: usize = 1024;

type Shard = HashMap<Box<str>, u32>;

/// Names with the positions of what they name.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameTable {
    /// Shards by the hash of a name; empty while there is no name.
    shards: Vec<Arc<Shard>>,
    count: usize,
}

impl NameTable {
    /// Adds a name. The error is the position that already has it.
    pub(crate) fn insert(&mut self, name: &str, position: usize) -> Result<(), usize> {
        if let Some(taken) = self.get(name) {
            return Err(taken);
        }
        if self.shards.is_empty() {
            self.shards = vec![Arc::default(); SHARDS];
        }
        // No machine has memory for four billion distributions.
        let position = u32::try_from(position).map_err(|_| position)?;
        if let Some(shard) = self.shards.get_mut(shard_of(name)) {
            Arc::make_mut(shard).insert(name.into(), position);
            self.count += 1;
        }
        Ok(())
    }

    /// Removes a name, if it is there.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(shard) = self.shards.get_mut(shard_of(name))
            && shard.contains_key(name)
        {
            Arc::make_mut(shard).remove(name);
            self.count -= 1;
        }
    }

    /// Returns the position of a name.
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        let shard = self.shards.get(shard_of(name))?;
        shard.get(name).map(|&position| position as usize)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Returns the shard of a name, by FNV-1a. Names come from operators, who have no reason to make them collide.
fn shard_of(name: &str) -> usize {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = name.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    // The remainder is below 1024.
    (hash % SHARDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_changes_by_itself_alone() {
        let mut table = NameTable::default();
        assert_eq!((table.get("a"), table.is_empty()), (None, true));
        table.remove("a");
        for position in 0..5_000 {
            table.insert(&format!("n{position}"), position).unwrap();
        }
        let mut copy = table.clone();
        copy.remove("n7");
        copy.insert("other", 7).unwrap();
        assert_eq!((table.get("n7"), table.get("other")), (Some(7), None));
        assert_eq!((copy.get("n7"), copy.get("other")), (None, Some(7)));
        assert_eq!(copy.insert("n8", 1), Err(8));
        assert!((0..5_000).all(|n| table.get(&format!("n{n}")) == Some(n)));
        (0..5_000).for_each(|n| table.remove(&format!("n{n}")));
        assert!(table.is_empty());
    }
}
