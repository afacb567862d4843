//! As `avx512`, eight permutations a vector, four vectors at a time.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_min_epu32, _mm256_mullo_epi16, _mm256_set1_epi32,
    _mm256_storeu_si256,
};

use super::{Doubled, in_doubled_halves, scalar};

/// Permutations a vector.
const LANES: usize = 8;

#[target_feature(enable = "avx2")]
pub fn permute_min_halves(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
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
    let hashes = halves.iter().map(|half| half.y_above | half.x_twice & 0xFFFF);
    scalar::permute_min_halves(hashes, &multipliers[at..], &mut minima[at..]);
}

#[inline]
#[target_feature(enable = "avx2")]
fn block<const VECTORS: usize>(halves: &[Doubled], multipliers: &[u16], minima: &mut [u32]) {
    let mut factors = [_mm256_set1_epi32(0); VECTORS];
    let mut least: [__m256i; VECTORS] = factors;
    for vector in 0..VECTORS {
        let pairs: [u32; LANES] = std::array::from_fn(|lane| u32::from(multipliers[vector * LANES + lane]) << 16 | 1);
        let minima: &[u32] = &minima[vector * LANES..(vector + 1) * LANES];
        // SAFETY: both have eight u32, 32 bytes; loads need no alignment.
        unsafe {
            factors[vector] = _mm256_loadu_si256(pairs.as_ptr().cast());
            least[vector] = _mm256_loadu_si256(minima.as_ptr().cast());
        }
    }
    for half in halves {
        let x = _mm256_set1_epi32(half.x_twice as i32);
        let y = _mm256_set1_epi32(half.y_above as i32);
        for vector in 0..VECTORS {
            let permuted = _mm256_add_epi32(_mm256_mullo_epi16(x, factors[vector]), y);
            least[vector] = _mm256_min_epu32(least[vector], permuted);
        }
    }
    for (vector, value) in least.into_iter().enumerate() {
        let minima: &mut [u32] = &mut minima[vector * LANES..(vector + 1) * LANES];
        // SAFETY: `minima` has eight u32, 32 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(minima.as_mut_ptr().cast(), value) };
    }
}
