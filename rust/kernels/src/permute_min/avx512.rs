//! Sixteen permutations a vector, four vectors at a time so that their multiplications overlap; minima stay in registers.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_min_epu32, _mm512_mullo_epi32, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::avx2;

const LANES: usize = 16;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u32], at: usize) -> __m512i {
    let lanes: &[u32] = &lanes[at..at + LANES];
    // SAFETY: `lanes` has sixteen u32, 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn block<const VECTORS: usize>(hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32], at: usize) {
    let a: [__m512i; VECTORS] = std::array::from_fn(|vector| load(multipliers, at + vector * LANES));
    let b: [__m512i; VECTORS] = std::array::from_fn(|vector| load(increments, at + vector * LANES));
    let mut m: [__m512i; VECTORS] = std::array::from_fn(|vector| load(minima, at + vector * LANES));
    for &hash in hashes {
        let hash = _mm512_set1_epi32(hash as i32);
        for vector in 0..VECTORS {
            let permuted = _mm512_add_epi32(_mm512_mullo_epi32(a[vector], hash), b[vector]);
            m[vector] = _mm512_min_epu32(m[vector], permuted);
        }
    }
    for (vector, value) in m.into_iter().enumerate() {
        let lanes = &mut minima[at + vector * LANES..at + (vector + 1) * LANES];
        // SAFETY: `lanes` has sixteen u32, 64 bytes; the store needs no alignment.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) };
    }
}

#[target_feature(enable = "avx512f,avx2")]
pub fn permute_min(hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32]) {
    let mut at = 0;
    while at + 8 * LANES <= minima.len() {
        block::<8>(hashes, multipliers, increments, minima, at);
        at += 8 * LANES;
    }
    while at + LANES <= minima.len() {
        match (minima.len() - at) / LANES {
            1..4 => {
                block::<1>(hashes, multipliers, increments, minima, at);
                at += LANES;
            }
            _ => {
                block::<4>(hashes, multipliers, increments, minima, at);
                at += 4 * LANES;
            }
        }
    }
    avx2::permute_min(hashes, &multipliers[at..], &increments[at..], &mut minima[at..]);
}
