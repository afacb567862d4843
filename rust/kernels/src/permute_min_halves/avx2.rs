//! Eight permutations a vector, four vectors at a time.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_min_epu32, _mm256_mullo_epi16, _mm256_set1_epi32,
    _mm256_storeu_si256,
};

use super::scalar;
use super::vectors::{Doubled, block, in_doubled_halves};

/// Permutations a vector.
const LANES: usize = 8;

block!(
    "avx2",
    __m256i,
    LANES,
    _mm256_set1_epi32,
    _mm256_mullo_epi16,
    _mm256_add_epi32,
    _mm256_min_epu32,
    _mm256_loadu_si256,
    _mm256_storeu_si256
);

#[target_feature(enable = "avx2")]
pub fn permute_min_halves(hashes: &[u64], multipliers: &[u16], minima: &mut [u32]) {
    in_doubled_halves(hashes, |halves| doubled(halves, multipliers, minima));
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn doubled(halves: &[Doubled], multipliers: &[u16], minima: &mut [u32]) {
    let mut at = 0;
    while at + 4 * LANES <= minima.len() {
        block::<4>(halves, &multipliers[at..], &mut minima[at..]);
        at += 4 * LANES;
    }
    while at + LANES <= minima.len() {
        block::<1>(halves, &multipliers[at..], &mut minima[at..]);
        at += LANES;
    }
    let hashes = halves.iter().map(|half| half.hash());
    scalar::permute_min_halves(hashes, &multipliers[at..], &mut minima[at..]);
}
