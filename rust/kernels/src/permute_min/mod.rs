//! MinHash's inner loop: for each of k permutations, the smallest value that any shingle gets.
//!
//! Permutation i sends a hash h to `a[i] * h + b[i] mod 2^32` (a odd, so it is a bijection). Cost: k multiply-adds a
//! shingle, 8 at a time with AVX2, 16 with AVX-512.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Lower each `minima[i]` to the smallest `multipliers[i] * hash + increments[i]` over `hashes`.
///
/// The three slices over permutations must be equally long.
pub fn permute_min(hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32]) {
    permute_min_on(tier::current(), hashes, multipliers, increments, minima);
}

/// [`permute_min`] on a given tier, or the best below it that this CPU has.
pub fn permute_min_on(tier: Tier, hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32]) {
    assert!(multipliers.len() == minima.len() && increments.len() == minima.len());
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 and AVX2.
        Tier::Avx512 => unsafe { avx512::permute_min(hashes, multipliers, increments, minima) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, so it has AVX2.
        Tier::Avx2 => unsafe { avx2::permute_min(hashes, multipliers, increments, minima) },
        _ => scalar::permute_min(hashes, multipliers, increments, minima),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_scalar_at_every_length() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state ^ state >> 15
        };
        for permutations in (0..70).chain([112, 120, 128, 161, 256, 300]) {
            let multipliers: Vec<u32> = (0..permutations).map(|_| next() | 1).collect();
            let increments: Vec<u32> = (0..permutations).map(|_| next()).collect();
            for count in [0, 1, 2, 7, 33] {
                let hashes: Vec<u32> = (0..count).map(|_| next()).collect();
                let mut expected = vec![u32::MAX; permutations];
                scalar::permute_min(&hashes, &multipliers, &increments, &mut expected);
                for tier in tier::available() {
                    let mut minima = vec![u32::MAX; permutations];
                    permute_min_on(tier, &hashes, &multipliers, &increments, &mut minima);
                    assert_eq!(minima, expected, "{} with {permutations} permutations", tier.name());
                }
            }
        }
    }
}
