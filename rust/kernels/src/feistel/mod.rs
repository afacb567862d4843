//! A keyed permutation of `0..size` for many indices at once: a Feistel network on two digits, walked until it is back in
//! range.
//!
//! `index = left * width + right`; each round moves one digit on by an amount that the other decides. Digits range over
//! the square root of `size`, so that fewer than one in `sqrt(size)` results lie outside; these are sent through again.
//!
//! An amount is made of two products of 32 bits, folded, with a key's halves mixed in before each. Source: Black and Rogaway, "Ciphers with arbitrary finite domains" (2002). Not for secrets.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// A permutation: ranges of its digits, and a key a round.
#[derive(Clone, Copy, Debug)]
pub struct Feistel {
    size: u64,
    /// Ranges of the left and the right digit; their product is `size` or a little more.
    height: u64,
    width: u64,
    keys: [u64; 4],
}

impl Feistel {
    /// `size` is taken as 1 to 2^62, so that digits have 31 bits.
    pub fn new(size: u64, keys: [u64; 4]) -> Self {
        let size = size.clamp(1, 1 << 62);
        let height = (size.isqrt() + u64::from(size.isqrt().pow(2) < size)).max(1);
        Self { size, height, width: size.div_ceil(height), keys }
    }

    /// Where `index`, below `size`, goes.
    #[inline]
    pub fn apply(&self, index: u64) -> u64 {
        let mut at = index;
        loop {
            at = scalar::through(self, at);
            if at < self.size {
                return at;
            }
        }
    }

    /// Where each of `indices` goes, into `found`, which is as long. False, and nothing to be used in `found`, where an
    /// index is below zero or not below `size`.
    #[must_use]
    pub fn apply_all(&self, indices: &[i64], found: &mut [i64]) -> bool {
        self.apply_all_on(tier::current(), indices, found)
    }

    /// [`Feistel::apply_all`] on a given tier, or the best below it that this CPU has.
    #[must_use]
    pub fn apply_all_on(&self, tier: Tier, indices: &[i64], found: &mut [i64]) -> bool {
        assert_eq!(indices.len(), found.len());
        match tier.min(tier::detected()) {
            // Vectors divide by way of floating point numbers, which have all whole ones below 2^52.
            _ if self.size > 1 << 52 => scalar::each(self, indices, found),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU.
            Tier::Avx512 => unsafe { avx512::all_through(self, indices, found) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Tier::Avx2 => unsafe { avx2::all_through(self, indices, found) },
            _ => scalar::all_through::<false>(self, indices, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_the_definition_and_permutes() {
        let sizes =
            (1..70).chain([100, 255, 1000, 4097, 1 << 20, (1 << 31) + 7, 1_000_000_007, (1 << 52) - 1, 1 << 52]);
        for size in sizes.chain([(1 << 52) + 1, 1 << 61, 1 << 62]) {
            let keys = [1u64, 2, 3, 4].map(|round| (size ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let feistel = Feistel::new(size, keys);
            let spread = |index: u64| (u128::from(index) * u128::from(size) / 1000) as i64;
            let mut indices: Vec<i64> =
                if size <= 5000 { (0..size as i64).collect() } else { (0..1000).map(spread).collect() };
            indices.push(size as i64 - 1);
            let expected: Vec<i64> = indices.iter().map(|&index| feistel.apply(index as u64) as i64).collect();
            for tier in tier::available() {
                let mut found = vec![-1; indices.len()];
                assert!(feistel.apply_all_on(tier, &indices, &mut found));
                assert_eq!(found, expected, "{tier:?} {size}");
                // One that is out of range is seen at any place.
                for (place, wrong) in [-1, i64::MIN, i64::MAX, size as i64].into_iter().enumerate() {
                    for place in [place % indices.len(), indices.len() / 2, indices.len() - 1] {
                        let mut indices = indices.clone();
                        indices[place] = wrong;
                        assert!(!feistel.apply_all_on(tier, &indices, &mut found), "{tier:?} {size} {wrong}");
                    }
                }
            }
            if size <= 5000 {
                let mut sorted = expected[..size as usize].to_vec();
                sorted.sort_unstable();
                assert_eq!(sorted, indices[..size as usize]);
            }
        }
    }
}
