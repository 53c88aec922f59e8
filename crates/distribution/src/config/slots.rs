//! A table whose copies share what they have in common: a copy with one changed value costs one chunk.

use std::fmt;
use std::sync::Arc;

/// Number of values in a chunk. A change copies that many pointers, and as many pointers to chunks are in a table of
/// 65,536 values.
const CHUNK: usize = 256;

/// Values at positions that stay theirs. A removed one leaves a gap, which the next new value fills.
pub struct Slots<T> {
    chunks: Vec<Arc<Vec<Option<Arc<T>>>>>,
    gaps: Arc<Vec<usize>>,
    count: usize,
}

impl<T> Slots<T> {
    /// Returns the value at `position`.
    pub fn get(&self, position: usize) -> Option<&Arc<T>> {
        self.chunks
            .get(position / CHUNK)?
            .get(position % CHUNK)?
            .as_ref()
    }

    /// Returns all values in the order of their positions.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).flatten()
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns true if there is no value.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the position that the next inserted value gets.
    pub(crate) fn next_position(&self) -> usize {
        self.gaps.last().copied().unwrap_or_else(|| self.end())
    }

    /// Adds a value and returns its position.
    pub(crate) fn insert(&mut self, value: Arc<T>) -> usize {
        let position = self.next_position();
        if position == self.end() {
            if position.is_multiple_of(CHUNK) {
                self.chunks.push(Arc::new(Vec::new()));
            }
            // A chunk was pushed just now if the last one was full.
            if let Some(chunk) = self.chunks.last_mut() {
                Arc::make_mut(chunk).push(Some(value));
            }
        } else {
            Arc::make_mut(&mut self.gaps).pop();
            self.set(position, Some(value));
        }
        self.count += 1;
        position
    }

    /// Replaces the value at `position`, where there must be one.
    pub(crate) fn replace(&mut self, position: usize, value: Arc<T>) {
        self.set(position, Some(value));
    }

    /// Removes the value at `position`, where there must be one.
    pub(crate) fn remove(&mut self, position: usize) {
        self.set(position, None);
        Arc::make_mut(&mut self.gaps).push(position);
        self.count -= 1;
    }

    /// Returns a table with a value made of each of ours, at its position. Where a value, or a whole chunk, is the same
    /// as in `before`, what was made of it is taken from `made_before`.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn map_changed<M, E>(
        &self,
        before: Option<(&Slots<T>, &Slots<M>)>,
        mut make: impl FnMut(&Arc<T>) -> Result<Arc<M>, E>,
    ) -> Result<Slots<M>, E> {
        let mut chunks = Vec::with_capacity(self.chunks.len());
        for (number, chunk) in self.chunks.iter().enumerate() {
            let old = before.and_then(|(source, made)| {
                Some((source.chunks.get(number)?, made.chunks.get(number)?))
            });
            chunks.push(match old {
                Some((source, made)) if Arc::ptr_eq(source, chunk) => Arc::clone(made),
                old => Arc::new(map_chunk(chunk, old, &mut make)?),
            });
        }
        Ok(Slots {
            chunks,
            gaps: Arc::clone(&self.gaps),
            count: self.count,
        })
    }

    /// Returns the values that `before` does not have at their positions. Chunks that both have are not looked at.
    pub fn changed_since<'s>(
        &'s self,
        before: Option<&'s Slots<T>>,
    ) -> impl Iterator<Item = &'s Arc<T>> {
        let chunks = self.chunks.iter().enumerate();
        let changed = chunks.filter_map(move |(number, chunk)| {
            let old = before.and_then(|before| before.chunks.get(number));
            let is_same = old.is_some_and(|old| Arc::ptr_eq(old, chunk));
            (!is_same).then_some((old, chunk))
        });
        changed.flat_map(|(old, chunk)| {
            let values = chunk.iter().enumerate();
            values.filter_map(move |(position, value)| {
                let value = value.as_ref()?;
                let old = old.and_then(|old| old.get(position)?.as_ref());
                let is_same = old.is_some_and(|old| Arc::ptr_eq(old, value));
                (!is_same).then_some(value)
            })
        })
    }

    fn end(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        full + self.chunks.last().map_or(0, |chunk| chunk.len())
    }

    fn set(&mut self, position: usize, value: Option<Arc<T>>) {
        if let Some(chunk) = self.chunks.get_mut(position / CHUNK)
            && let Some(slot) = Arc::make_mut(chunk).get_mut(position % CHUNK)
        {
            *slot = value;
        }
    }
}

type Chunk<T> = Arc<Vec<Option<Arc<T>>>>;

fn map_chunk<T, M, E>(
    chunk: &[Option<Arc<T>>],
    old: Option<(&Chunk<T>, &Chunk<M>)>,
    make: &mut impl FnMut(&Arc<T>) -> Result<Arc<M>, E>,
) -> Result<Vec<Option<Arc<M>>>, E> {
    let made_before = |position: usize, value: &Arc<T>| {
        let (source, made) = old?;
        let is_same = Arc::ptr_eq(source.get(position)?.as_ref()?, value);
        is_same.then(|| made.get(position)?.clone()).flatten()
    };
    let values = chunk.iter().enumerate();
    let values = values.map(|(position, value)| {
        let Some(value) = value else {
            return Ok(None);
        };
        match made_before(position, value) {
            Some(made) => Ok(Some(made)),
            None => make(value).map(Some),
        }
    });
    values.collect()
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Slots {
            chunks: self.chunks.clone(),
            gaps: Arc::clone(&self.gaps),
            count: self.count,
        }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots {
            chunks: Vec::new(),
            gaps: Arc::default(),
            count: 0,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Slots<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<'s, T> IntoIterator for &'s Slots<T> {
    type Item = &'s Arc<T>;
    type IntoIter = Box<dyn Iterator<Item = &'s Arc<T>> + 's>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// What is done to a table: a value is added, or one of those that are there is replaced or removed.
    #[derive(Clone, Debug)]
    enum Act {
        Insert(u32),
        Replace(usize, u32),
        Remove(usize),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            3 => any::<u32>().prop_map(Act::Insert),
            1 => (any::<usize>(), any::<u32>()).prop_map(|(at, value)| Act::Replace(at, value)),
            1 => any::<usize>().prop_map(Act::Remove),
        ];
        proptest::collection::vec(act, 0..1_200)
    }

    fn act(slots: &mut Slots<u32>, model: &mut Vec<(usize, u32)>, act: &Act) {
        match *act {
            Act::Insert(value) => {
                let expected = slots.next_position();
                assert_eq!(slots.insert(Arc::new(value)), expected);
                model.push((expected, value));
            }
            Act::Replace(at, value) if !model.is_empty() => {
                let at = at % model.len();
                slots.replace(model[at].0, Arc::new(value));
                model[at].1 = value;
            }
            Act::Remove(at) if !model.is_empty() => {
                let (position, _) = model.swap_remove(at % model.len());
                slots.remove(position);
            }
            Act::Replace(..) | Act::Remove(_) => {}
        }
    }

    fn check(slots: &Slots<u32>, model: &[(usize, u32)]) {
        let mut sorted = model.to_vec();
        sorted.sort_unstable();
        let values: Vec<u32> = slots.iter().map(|value| **value).collect();
        assert_eq!(
            values,
            sorted.iter().map(|(_, value)| *value).collect::<Vec<_>>()
        );
        assert_eq!(
            (slots.len(), slots.is_empty()),
            (model.len(), model.is_empty())
        );
        for (position, value) in model {
            assert_eq!(slots.get(*position).map(|value| **value), Some(*value));
        }
    }

    proptest! {
        #[test]
        fn a_copy_changes_by_itself_alone(first in acts(), then in acts()) {
            let (mut slots, mut model) = (Slots::default(), Vec::new());
            first.iter().for_each(|one| act(&mut slots, &mut model, one));
            let (mut copy, mut copy_model) = (slots.clone(), model.clone());
            then.iter().for_each(|one| act(&mut copy, &mut copy_model, one));
            check(&slots, &model);
            check(&copy, &copy_model);
        }

        #[test]
        fn only_what_changed_is_made_again(first in acts(), then in acts()) {
            let (mut slots, mut model) = (Slots::default(), Vec::new());
            first.iter().for_each(|one| act(&mut slots, &mut model, one));
            let double = |value: &Arc<u32>| Ok::<_, Infallible>(Arc::new(u64::from(**value) * 2));
            let Ok(made) = slots.map_changed(None, double);
            let before = slots.clone();
            then.iter().for_each(|one| act(&mut slots, &mut model, one));
            let mut count = 0;
            let Ok(now) = slots.map_changed(Some((&before, &made)), |value| {
                count += 1;
                double(value)
            });
            let doubled: Vec<u64> = now.iter().map(|value| **value).collect();
            let expected: Vec<u64> = slots.iter().map(|value| u64::from(**value) * 2).collect();
            prop_assert_eq!(doubled, expected);
            prop_assert_eq!(slots.changed_since(Some(&before)).count(), count);
            prop_assert!(count <= then.len());
        }
    }
}
