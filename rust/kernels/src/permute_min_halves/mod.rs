//! Permutations of the 32-bit integers made of 16-bit arithmetic, and the least value of each.
//!
//! A hash is two halves, x (low) and y (high). Permutation i sends it to `(a[i] * x + y mod 2^16, x)`, first part on top:
//! a bijection, since x and then y can be read back. Two permutations whose multipliers differ by an odd number see
//! independent first parts (the pair is a linear bijection of x and y), so their minima are as independent as
//! those of two hash functions. Every CPU multiplies 16-bit lanes in one instruction, which is not so of 32-bit ones: this
//! costs less than `permute_min`.

mod scalar;
mod unfilled;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod vectors;

use crate::tier::{self, Tier};

/// Lower each `minima[i]` to the smallest value that permutation i gives to the low 32 bits of one of `hashes`.
///
/// `multipliers` and `minima` must be equally long.
pub fn permute_min_halves(hashes: &[u64], multipliers: &[u16], minima: &mut [u32]) {
    permute_min_halves_on(tier::current(), hashes, multipliers, minima);
}

/// [`permute_min_halves`] on a given tier, or the best below it that this CPU has.
pub fn permute_min_halves_on(tier: Tier, hashes: &[u64], multipliers: &[u16], minima: &mut [u32]) {
    assert!(multipliers.len() == minima.len());
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with BW, and AVX2.
        Tier::Avx512 => unsafe { avx512::permute_min_halves(hashes, multipliers, minima) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, so it has AVX2.
        Tier::Avx2 => unsafe { avx2::permute_min_halves(hashes, multipliers, minima) },
        _ => scalar::permute_min_halves(hashes.iter().map(|&hash| hash as u32), multipliers, minima),
    }
}

/// Slots from here on count as unfilled.
pub const UNFILLED: u32 = 1 << 31;

/// Lower each of `slots` that is [`UNFILLED`] or more to `UNFILLED | minimum / 2`, of the smallest value that its permutation gives
/// to the low 32 bits of one of `hashes`. Returns how many slots that were.
///
/// `multipliers` and `slots` must be equally long. Only unfilled slots cost: their permutations are pushed together first.
pub fn permute_min_unfilled(hashes: &[u64], multipliers: &[u16], slots: &mut [u32]) -> usize {
    permute_min_unfilled_on(tier::current(), hashes, multipliers, slots)
}

/// [`permute_min_unfilled`] on a given tier, or the best below it that this CPU has.
pub fn permute_min_unfilled_on(tier: Tier, hashes: &[u64], multipliers: &[u16], slots: &mut [u32]) -> usize {
    assert!(multipliers.len() == slots.len());
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with VBMI2, and AVX2.
        Tier::Avx512 => unsafe { avx512::permute_min_unfilled(hashes, multipliers, slots) },
        tier => unfilled::permute_min_unfilled(hashes, multipliers, slots, |multipliers, minima| {
            permute_min_halves_on(tier, hashes, multipliers, minima);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permuted(hash: u32, multiplier: u16) -> u32 {
        let (x, y) = (hash as u16, (hash >> 16) as u16);
        u32::from(multiplier.wrapping_mul(x).wrapping_add(y)) << 16 | u32::from(x)
    }

    fn check(hashes: &[u64], multipliers: &[u16]) {
        for start in [u32::MAX, 0x0003_8000] {
            let expected: Vec<u32> = multipliers
                .iter()
                .map(|&a| {
                    hashes.iter().map(|&hash| permuted(hash as u32, a)).min().map_or(start, |least| least.min(start))
                })
                .collect();
            for tier in tier::available() {
                let mut minima = vec![start; multipliers.len()];
                permute_min_halves_on(tier, hashes, multipliers, &mut minima);
                assert_eq!(minima, expected, "{} {} {}", tier.name(), hashes.len(), multipliers.len());
            }
        }
    }

    /// 32 bits that count, and above them some that do not.
    fn source() -> impl FnMut() -> u64 {
        let mut state = 1u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 31
        }
    }

    #[test]
    fn every_tier_equals_the_formula_at_every_length() {
        let mut next = source();
        for permutations in (0..40).chain([64, 112, 120, 128, 131, 256, 300]) {
            let multipliers: Vec<u16> = (0..permutations).map(|_| next() as u16).collect();
            for count in [0, 1, 2, 7, 31, 32, 33, 100, 255, 256, 257, 300, 1000] {
                let hashes: Vec<u64> = (0..count).map(|_| next()).collect();
                check(&hashes, &multipliers);
            }
        }
    }

    #[test]
    fn only_unfilled_slots_are_lowered() {
        let mut next = source();
        for count in (0..40).chain([112, 120, 128, 131, 255, 256, 257, 300, 512, 700]) {
            let multipliers: Vec<u16> = (0..count).map(|_| next() as u16).collect();
            for (share, hash_count) in [(0, 9), (1, 0), (1, 1), (3, 20), (8, 300), (14, 40), (16, 130)] {
                let hashes: Vec<u64> = (0..hash_count).map(|_| next()).collect();
                let slots: Vec<u32> = (0..count)
                    .map(|_| match next() % 16 < share {
                        false => next() as u32 & !UNFILLED,
                        true if next() % 2 == 0 => u32::MAX,
                        true => UNFILLED | next() as u32 >> 12,
                    })
                    .collect();
                let expected: Vec<u32> = slots
                    .iter()
                    .zip(&multipliers)
                    .map(|(&slot, &a)| match hashes.iter().map(|&hash| permuted(hash as u32, a)).min() {
                        Some(least) if slot >= UNFILLED => slot.min(UNFILLED | least >> 1),
                        _ => slot,
                    })
                    .collect();
                for tier in tier::available() {
                    let mut lowered = slots.clone();
                    let unfilled = permute_min_unfilled_on(tier, &hashes, &multipliers, &mut lowered);
                    assert_eq!(lowered, expected, "{} {count} {share} {hash_count}", tier.name());
                    assert_eq!(unfilled, slots.iter().filter(|&&slot| slot >= UNFILLED).count());
                }
            }
        }
    }

    /// First parts that are equal, and hashes that are.
    #[test]
    fn ties_are_broken_by_the_second_part() {
        let mut next = source();
        let multipliers: Vec<u16> = (0..128).map(|index| index * 3 + 1).collect();
        for bits in [0x0000_FFFF, 0x0007_0007, 0xFFFF_0000, 0x0001_00FF, 0] {
            for count in [5, 64, 500, 5000] {
                let hashes: Vec<u64> = (0..count).map(|_| next() & bits).collect();
                check(&hashes, &multipliers);
                let ordered: Vec<u64> = (0..count as u64).rev().map(|value| value << 16 | value).collect();
                check(&ordered, &[u16::MAX, 0, 1, 0x8000]);
            }
        }
        let hashes: Vec<u64> = (0..200_000).map(|_| next()).collect();
        check(&hashes, &multipliers[..9]);
        check(&[u64::MAX; 700], &multipliers);
    }
}
