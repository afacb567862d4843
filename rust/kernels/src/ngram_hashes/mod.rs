//! Hashes of all runs of n hashed units: a polynomial in the units' hashes mod 2^64, mixed.
//!
//! The n-gram u[0..n] hashes to `mix(u[0] * B^(n-1) + ... + u[n-1])`, where mix is SplitMix64's finalizer. Scalar rolls:
//! a new unit in, the oldest out, whatever n is. AVX-512 evaluates eight polynomials at a time, which for n up to
//! [`MOST_BY_HORNER`] is faster still.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// The polynomial's base: odd, so that it has an inverse and loses nothing.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
const MIX_ADD: u64 = 0x9E37_79B9_7F4A_7C15;
const MIX_FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
const MIX_SECOND: u64 = 0x94D0_49BB_1331_11EB;
/// Longer n-grams roll on every tier.
#[cfg(target_arch = "x86_64")]
const MOST_BY_HORNER: usize = 16;

/// Write the hash of `units[i..i + ngram]` to `hashes[i]`, for each of the `units.len() - ngram + 1` n-grams; `hashes`
/// must have that length, `ngram` be at least 1.
pub fn ngram_hashes(units: &[u64], ngram: usize, hashes: &mut [u64]) {
    ngram_hashes_on(tier::current(), units, ngram, hashes);
}

/// [`ngram_hashes`] on a given tier, or the best below it that this CPU has.
pub fn ngram_hashes_on(tier: Tier, units: &[u64], ngram: usize, hashes: &mut [u64]) {
    assert!(ngram > 0 && hashes.len() + ngram == units.len() + 1);
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with DQ.
        Tier::Avx512 if ngram <= MOST_BY_HORNER => unsafe { avx512::ngram_hashes(units, ngram, hashes) },
        _ => scalar::ngram_hashes(units, ngram, hashes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_the_polynomial() {
        let units: Vec<u64> =
            (1..200u64).map(|index| index.wrapping_mul(0xD134_2543_DE82_EF95).rotate_left(9)).collect();
        for ngram in [1, 2, 3, 5, 8, 13, 16, 17, 64] {
            for count in [0, 1, 2, 7, 8, 9, 17, 100] {
                let units = &units[..count + ngram - 1];
                let expected: Vec<u64> = units
                    .windows(ngram)
                    .map(|run| {
                        let sum = run.iter().fold(0u64, |sum, unit| sum.wrapping_mul(BASE).wrapping_add(*unit));
                        let mut z = sum.wrapping_add(MIX_ADD);
                        z = (z ^ (z >> 30)).wrapping_mul(MIX_FIRST);
                        z = (z ^ (z >> 27)).wrapping_mul(MIX_SECOND);
                        z ^ (z >> 31)
                    })
                    .collect();
                for tier in tier::available() {
                    let mut hashes = vec![7; count];
                    ngram_hashes_on(tier, units, ngram, &mut hashes);
                    assert_eq!(hashes, expected, "{} {ngram} {count}", tier.name());
                }
            }
        }
    }
}
