//! Chance that comes out alike each time: figures that tests pin stay when a crate changes.

/// The step between two states of `SplitMix64` (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A row of numbers that one seed determines.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A whole number from `least` to `most`.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + below(self.bits(), most - least + 1)
    }

    /// Whether it comes to be that comes to be once in so many times.
    pub(super) fn once_in(&mut self, times: i64) -> bool {
        self.between(1, times) == 1
    }

    /// One of these; `None` of none.
    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let count = i64::try_from(from.len()).unwrap_or(i64::MAX);
        from.get(usize::try_from(below(self.bits(), count)).unwrap_or(0))
    }

    /// So many of the letters that stand in AWS's ids of keys.
    pub(super) fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        (0..count).filter_map(|_| self.pick(LETTERS)).map(|letter| char::from(*letter)).collect()
    }
}

/// The bits that belong to a number.
pub(super) const fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A whole number from 0 to one below `limit` that belongs to `bits`; 0 where nothing is below.
pub(super) fn below(bits: u64, limit: i64) -> i64 {
    let limit = u64::try_from(limit).unwrap_or(0).max(1);
    i64::try_from(bits % limit).unwrap_or(0)
}
