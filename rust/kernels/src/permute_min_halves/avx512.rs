//! Sixteen permutations a vector, eight vectors at a time.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_min_epu32, _mm512_mullo_epi16, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::avx2;
use super::vectors::{Doubled, block, in_doubled_halves};

/// Permutations a vector.
const LANES: usize = 16;

block!(
    "avx512f,avx512bw",
    __m512i,
    LANES,
    _mm512_set1_epi32,
    _mm512_mullo_epi16,
    _mm512_add_epi32,
    _mm512_min_epu32,
    _mm512_loadu_si512,
    _mm512_storeu_si512
);

#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub fn permute_min_halves(hashes: &[u64], multipliers: &[u16], minima: &mut [u32]) {
    in_doubled_halves(hashes, |halves| {
        let mut at = 0;
        while at + 8 * LANES <= minima.len() {
            block::<8>(halves, &multipliers[at..], &mut minima[at..]);
            at += 8 * LANES;
        }
        while at + 4 * LANES <= minima.len() {
            block::<4>(halves, &multipliers[at..], &mut minima[at..]);
            at += 4 * LANES;
        }
        while at + LANES <= minima.len() {
            block::<1>(halves, &multipliers[at..], &mut minima[at..]);
            at += LANES;
        }
        avx2::doubled(halves, &multipliers[at..], &mut minima[at..]);
    });
}
