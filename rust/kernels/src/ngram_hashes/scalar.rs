//! The definition, rolling.

use super::{BASE, MIX_ADD, MIX_FIRST, MIX_SECOND};

#[inline(always)]
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(MIX_ADD);
    z = (z ^ (z >> 30)).wrapping_mul(MIX_FIRST);
    z = (z ^ (z >> 27)).wrapping_mul(MIX_SECOND);
    z ^ (z >> 31)
}

pub fn ngram_hashes(units: &[u64], ngram: usize, hashes: &mut [u64]) {
    let Some((first, rest)) = hashes.split_first_mut() else { return };
    // BASE^ngram, which the oldest unit has been multiplied with when it leaves.
    let oldest_weight = (0..ngram).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut rolling = units[..ngram].iter().fold(0u64, |sum, unit| sum.wrapping_mul(BASE).wrapping_add(*unit));
    *first = mix(rolling);
    for ((hash, new), old) in rest.iter_mut().zip(&units[ngram..]).zip(units) {
        rolling = rolling.wrapping_mul(BASE).wrapping_add(new.wrapping_sub(old.wrapping_mul(oldest_weight)));
        *hash = mix(rolling);
    }
}
