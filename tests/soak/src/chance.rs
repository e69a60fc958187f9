//! Chance from one seed. The same seed makes the same choices; what the machine makes of their times differs.

use std::time::Duration;

/// Numbers by `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Chance of its own for one of many who choose at the same time.
    pub(crate) fn of(seed: u64, who: u64) -> Self {
        let mut mixed = Self(seed ^ who.wrapping_mul(0xd134_2543_de82_ef95));
        Self(mixed.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// From `first` to `last`.
    pub(crate) fn between(&mut self, first: u32, last: u32) -> u32 {
        let span = u64::from(last.saturating_sub(first)) + 1;
        first + u32::try_from(self.below(span)).unwrap_or(0)
    }

    pub(crate) fn millis(&mut self, first: u32, last: u32) -> Duration {
        Duration::from_millis(self.between(first, last).into())
    }

    /// Whether something happens that happens so often in a hundred times.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        &from[index]
    }

    /// One of several, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(T, u64)]) -> T {
        let mut left = self.below(from.iter().map(|(_, weight)| weight).sum());
        for (what, weight) in from {
            if left < *weight {
                return *what;
            }
            left -= weight;
        }
        from[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_weights_count() {
        let draw = |seed| {
            let mut chance = Chance::of(seed, 3);
            (0..1_000)
                .map(|_| chance.weighted(&[('a', 9), ('b', 1)]))
                .collect::<String>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let rare = draw(1).matches('b').count();
        assert!((50..150).contains(&rare), "{rare}");
    }
}
