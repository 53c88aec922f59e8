//! Sizes of the parts of which an object was made.

use std::ops::Range;

/// Maximum number of a part (S3, "Multipart upload limits").
pub const PART_NUMBER_MAX: u16 = 10_000;

/// Sizes of an object's parts, in order: a size and how many parts in a row have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<(u64, u32)>);

impl Parts {
    /// Returns the parts of these sizes.
    pub(crate) fn of(sizes: impl IntoIterator<Item = u64>) -> Parts {
        let mut runs: Vec<(u64, u32)> = Vec::new();
        for size in sizes {
            match runs.last_mut() {
                Some((last, count)) if *last == size => *count += 1,
                Some(_) | None => runs.push((size, 1)),
            }
        }
        Parts(runs)
    }

    /// Returns the parts of these runs, if their sizes add up to `size_bytes` and they are no more than an upload has.
    pub(crate) fn from_runs(runs: Vec<(u64, u32)>, size_bytes: u64) -> Option<Parts> {
        let sizes = runs
            .iter()
            .map(|(size, count)| size.checked_mul(u64::from(*count)));
        let sum = sizes
            .into_iter()
            .try_fold(0_u64, |sum, size| sum.checked_add(size?))?;
        let parts = Parts(runs);
        // More than an upload can have were never written here.
        let is_possible = parts.count() <= u32::from(PART_NUMBER_MAX);
        (sum == size_bytes && is_possible).then_some(parts)
    }

    pub(crate) fn runs(&self) -> &[(u64, u32)] {
        &self.0
    }

    /// Returns how many sizes are known: none for an object that was sent whole, and for one whose sizes do not fit
    /// into its attribute.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Returns the bytes of part `number`, counted from 1.
    #[must_use]
    pub fn range(&self, number: u32) -> Option<Range<u64>> {
        let mut left = number.checked_sub(1)?;
        let mut start = 0;
        for (size, count) in &self.0 {
            if left < *count {
                start += u64::from(left) * size;
                return Some(start..start + size);
            }
            left -= count;
            start += u64::from(*count) * size;
        }
        None
    }

    /// Returns the sizes of all parts.
    pub fn sizes(&self) -> impl Iterator<Item = u64> {
        let runs = self.0.iter();
        runs.flat_map(|(size, count)| {
            std::iter::repeat_n(*size, usize::try_from(*count).unwrap_or(0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_counted_from_1() {
        let parts = Parts::of([5, 5, 5, 2]);
        assert_eq!(parts.runs(), [(5, 3), (2, 1)]);
        assert_eq!(parts.range(0), None);
        assert_eq!(parts.range(1), Some(0..5));
        assert_eq!(parts.range(3), Some(10..15));
        assert_eq!(parts.range(4), Some(15..17));
        assert_eq!(parts.range(5), None);
        assert_eq!((parts.count(), parts.sizes().sum::<u64>()), (4, 17));
    }

    #[test]
    fn runs_have_to_add_up() {
        assert_eq!(Parts::from_runs(vec![(5, 2)], 11), None);
        assert_eq!(Parts::from_runs(vec![(u64::MAX, 2)], 1), None);
        assert_eq!(Parts::from_runs(vec![(0, u32::MAX)], 0), None);
        assert_eq!(Parts::from_runs(vec![(1, 10_001)], 10_001), None);
        assert_eq!(
            Parts::from_runs(vec![(5, 2), (1, 1)], 11),
            Some(Parts::of([5, 5, 1]))
        );
    }
}
