//! Remembers entries evicted from probation on disk: four bytes per slot, the slot picked by the fingerprint, the
//! newest entry winning.

/// Minimum number of slots.
const PLACES_MIN: u64 = 1 << 14;
/// Maximum number of slots.
const PLACES_MAX: u64 = 1 << 24;

/// The result of looking a fingerprint up among the ghosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    Yes,
    No,
}

/// Fingerprints of entries that have left, each at the place that it names.
#[derive(Debug)]
pub(super) struct GhostTable {
    places: Box<[u32]>,
}

impl GhostTable {
    pub(super) fn new(places: u64) -> Self {
        let places = places.clamp(PLACES_MIN, PLACES_MAX);
        let places = usize::try_from(places).expect("there are no more than 2^24 places");
        GhostTable {
            places: vec![0; places].into_boxed_slice(),
        }
    }

    pub(super) fn remember(&mut self, fingerprint: u64) {
        let (place, tag) = self.place(fingerprint);
        self.places[place] = tag;
    }

    /// Looks a fingerprint up and forgets it.
    pub(super) fn take(&mut self, fingerprint: u64) -> Remembered {
        let (place, tag) = self.place(fingerprint);
        if self.places[place] != tag {
            return Remembered::No;
        }
        self.places[place] = 0;
        Remembered::Yes
    }

    /// Returns the slot, from the high bits, and the tag, from the low bits. A tag is never 0, which marks
    /// an empty slot.
    fn place(&self, fingerprint: u64) -> (usize, u32) {
        let product = u128::from(fingerprint) * self.places.len() as u128;
        let place = usize::try_from(product >> 64).expect("a share of the length is less");
        let tag = u32::try_from(fingerprint & u64::from(u32::MAX)).expect("32 bits are left");
        (place, tag.max(1))
    }
}
