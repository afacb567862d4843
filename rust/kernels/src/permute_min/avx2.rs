//! Eight permutations a vector, four vectors at a time so that their multiplications overlap; minima stay in registers.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_min_epu32, _mm256_mullo_epi32, _mm256_set1_epi32,
    _mm256_storeu_si256,
};

use super::scalar;

const LANES: usize = 8;
const VECTORS: usize = 4;
const BLOCK: usize = LANES * VECTORS;

#[target_feature(enable = "avx2")]
fn load(lanes: &[u32], at: usize) -> __m256i {
    let lanes: &[u32] = &lanes[at..at + LANES];
    // SAFETY: `lanes` has eight u32, 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
pub fn permute_min(hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32]) {
    let blocks = minima.len() / BLOCK;
    for block in 0..blocks {
        let at = block * BLOCK;
        let a: [__m256i; VECTORS] = std::array::from_fn(|vector| load(multipliers, at + vector * LANES));
        let b: [__m256i; VECTORS] = std::array::from_fn(|vector| load(increments, at + vector * LANES));
        let mut m: [__m256i; VECTORS] = std::array::from_fn(|vector| load(minima, at + vector * LANES));
        for &hash in hashes {
            let hash = _mm256_set1_epi32(hash as i32);
            for vector in 0..VECTORS {
                let permuted = _mm256_add_epi32(_mm256_mullo_epi32(a[vector], hash), b[vector]);
                m[vector] = _mm256_min_epu32(m[vector], permuted);
            }
        }
        for (vector, value) in m.into_iter().enumerate() {
            let lanes = &mut minima[at + vector * LANES..at + (vector + 1) * LANES];
            // SAFETY: `lanes` has eight u32, 32 bytes; the store needs no alignment.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), value) };
        }
    }
    let rest = blocks * BLOCK;
    scalar::permute_min(hashes, &multipliers[rest..], &increments[rest..], &mut minima[rest..]);
}
