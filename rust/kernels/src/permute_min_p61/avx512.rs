//! Eight permutations a vector, four vectors at a time so that their multiplications (three instructions in one) overlap.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512, _mm512_min_epu64, _mm512_mullo_epi64,
    _mm512_set1_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
};

use super::{PRIME, portable};

const LANES: usize = 8;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u64], at: usize) -> __m512i {
    let lanes: &[u64] = &lanes[at..at + LANES];
    // SAFETY: `lanes` has eight u64, 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn block<const VECTORS: usize>(
    hashes: &[u64],
    multipliers: &[u64],
    increments: &[u64],
    mask: u64,
    minima: &mut [u64],
    at: usize,
) {
    let prime = _mm512_set1_epi64(PRIME as i64);
    let mask = _mm512_set1_epi64(mask as i64);
    let a: [__m512i; VECTORS] = std::array::from_fn(|vector| load(multipliers, at + vector * LANES));
    let b: [__m512i; VECTORS] = std::array::from_fn(|vector| load(increments, at + vector * LANES));
    let mut least: [__m512i; VECTORS] = std::array::from_fn(|vector| load(minima, at + vector * LANES));
    for &hash in hashes {
        let hash = _mm512_set1_epi64(hash as i64);
        for vector in 0..VECTORS {
            let sum = _mm512_add_epi64(_mm512_mullo_epi64(a[vector], hash), b[vector]);
            let folded = _mm512_add_epi64(_mm512_and_si512(sum, prime), _mm512_srli_epi64::<61>(sum));
            // Below the prime, subtracting it wraps round to more.
            let reduced = _mm512_min_epu64(folded, _mm512_sub_epi64(folded, prime));
            least[vector] = _mm512_min_epu64(least[vector], _mm512_and_si512(reduced, mask));
        }
    }
    for (vector, value) in least.into_iter().enumerate() {
        let lanes = &mut minima[at + vector * LANES..at + (vector + 1) * LANES];
        // SAFETY: `lanes` has eight u64, 64 bytes; the store needs no alignment.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) };
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub fn permute_min_p61(hashes: &[u64], multipliers: &[u64], increments: &[u64], mask: u64, minima: &mut [u64]) {
    let mut at = 0;
    while at + 4 * LANES <= minima.len() {
        block::<4>(hashes, multipliers, increments, mask, minima, at);
        at += 4 * LANES;
    }
    while at + LANES <= minima.len() {
        block::<1>(hashes, multipliers, increments, mask, minima, at);
        at += LANES;
    }
    portable(hashes, &multipliers[at..], &increments[at..], mask, &mut minima[at..]);
}
