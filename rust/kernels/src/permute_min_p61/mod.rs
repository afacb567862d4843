//! MinHash's inner loop modulo the prime 2^61 - 1, for signatures that equal those of other libraries.
//!
//! Permutation i sends a hash h to `((a[i] * h + b[i] mod 2^64) mod 2^61 - 1) & mask`. Cost: six times that of
//! [`crate::permute_min`]; use that one where nobody asks for equality.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

const PRIME: u64 = (1 << 61) - 1;
const LANES: usize = 8;

/// Lower each `minima[i]` to the smallest permuted hash. The three slices over permutations must be equally long.
pub fn permute_min_p61(hashes: &[u64], multipliers: &[u64], increments: &[u64], mask: u64, minima: &mut [u64]) {
    permute_min_p61_on(tier::current(), hashes, multipliers, increments, mask, minima);
}

/// [`permute_min_p61`] on a given tier, or the best below it that this CPU has.
pub fn permute_min_p61_on(
    tier: Tier,
    hashes: &[u64],
    multipliers: &[u64],
    increments: &[u64],
    mask: u64,
    minima: &mut [u64],
) {
    assert!(multipliers.len() == minima.len() && increments.len() == minima.len());
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with DQ, and AVX2.
        Tier::Avx512 => unsafe { avx512::permute_min_p61(hashes, multipliers, increments, mask, minima) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, so it has AVX2.
        Tier::Avx2 => unsafe { avx2(hashes, multipliers, increments, mask, minima) },
        _ => portable(hashes, multipliers, increments, mask, minima),
    }
}

/// The same source compiled for AVX2: the compiler makes vectors of the lanes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(hashes: &[u64], multipliers: &[u64], increments: &[u64], mask: u64, minima: &mut [u64]) {
    portable(hashes, multipliers, increments, mask, minima);
}

/// One value below 2^61: signed, because AVX2 compares signed numbers only.
#[inline(always)]
fn permuted(hash: u64, multiplier: u64, increment: u64, mask: u64) -> i64 {
    let sum = multiplier.wrapping_mul(hash).wrapping_add(increment);
    let folded = ((sum & PRIME) + (sum >> 61)) as i64;
    let reduced = folded - PRIME as i64;
    (if reduced < 0 { folded } else { reduced }) & mask as i64
}

#[inline(always)]
fn portable(hashes: &[u64], multipliers: &[u64], increments: &[u64], mask: u64, minima: &mut [u64]) {
    let whole = minima.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let a: [u64; LANES] = std::array::from_fn(|lane| multipliers[at + lane]);
        let b: [u64; LANES] = std::array::from_fn(|lane| increments[at + lane]);
        let mut lowest = [i64::MAX; LANES];
        for &hash in hashes {
            for lane in 0..LANES {
                let value = permuted(hash, a[lane], b[lane], mask);
                lowest[lane] = if value < lowest[lane] { value } else { lowest[lane] };
            }
        }
        if !hashes.is_empty() {
            for lane in 0..LANES {
                minima[at + lane] = minima[at + lane].min(lowest[lane] as u64);
            }
        }
    }
    for at in whole..minima.len() {
        for &hash in hashes {
            minima[at] = minima[at].min(permuted(hash, multipliers[at], increments[at], mask) as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_the_formula_at_every_length() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        };
        for permutations in 0..40 {
            let a: Vec<u64> = (0..permutations).map(|_| next() % PRIME).collect();
            let b: Vec<u64> = (0..permutations).map(|_| next() % PRIME).collect();
            for count in [0, 1, 2, 33] {
                let mut hashes: Vec<u64> = (0..count).map(|_| next()).collect();
                hashes.extend([0, u64::MAX, PRIME].iter().take(count));
                for mask in [u64::MAX, 0xFFFF_FFFF] {
                    let expected: Vec<u64> = (0..permutations)
                        .map(|i| {
                            let value = |hash: &u64| (a[i].wrapping_mul(*hash).wrapping_add(b[i]) % PRIME) & mask;
                            hashes.iter().map(value).min().unwrap_or(u64::MAX)
                        })
                        .collect();
                    for tier in tier::available() {
                        let mut minima = vec![u64::MAX; permutations];
                        permute_min_p61_on(tier, &hashes, &a, &b, mask, &mut minima);
                        assert_eq!(minima, expected, "{} with {permutations} permutations", tier.name());
                    }
                }
            }
        }
    }
}
