//! Sixteen permutations a vector, eight vectors at a time; minima stay in registers.
//!
//! The 32-bit lane (1, a) times (x, x) is (x, a x), both in one 16-bit multiplication; adding (0, y) gives the permuted
//! hash. Three instructions for sixteen permutations, which is what the CPU's two vector ports then wait for.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_min_epu32, _mm512_mullo_epi16, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::{Doubled, avx2, avx512_many, in_doubled_halves};

/// Hashes from which on looking up second parts costs less than carrying them along.
const MANY: usize = 512;
/// Permutations a vector.
const LANES: usize = 16;

#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub fn permute_min_halves(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    let mut by_sixteens = 0;
    if hashes.len() >= MANY {
        by_sixteens = minima.len() / avx512_many::LANES * avx512_many::LANES;
        avx512_many::permute_min_halves(hashes, &multipliers[..by_sixteens], &mut minima[..by_sixteens]);
    }
    let (multipliers, minima) = (&multipliers[by_sixteens..], &mut minima[by_sixteens..]);
    if !minima.is_empty() {
        in_doubled_halves(hashes, |halves| doubled(halves, multipliers, minima));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn doubled(halves: &[Doubled], multipliers: &[u16], minima: &mut [u32]) {
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
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn block<const VECTORS: usize>(halves: &[Doubled], multipliers: &[u16], minima: &mut [u32]) {
    let mut factors = [_mm512_set1_epi32(0); VECTORS];
    let mut least: [__m512i; VECTORS] = factors;
    for vector in 0..VECTORS {
        let pairs: [u32; LANES] = std::array::from_fn(|lane| u32::from(multipliers[vector * LANES + lane]) << 16 | 1);
        let minima: &[u32] = &minima[vector * LANES..(vector + 1) * LANES];
        // SAFETY: both have sixteen u32, 64 bytes; loads need no alignment.
        unsafe {
            factors[vector] = _mm512_loadu_si512(pairs.as_ptr().cast());
            least[vector] = _mm512_loadu_si512(minima.as_ptr().cast());
        }
    }
    for half in halves {
        let x = _mm512_set1_epi32(half.x_twice as i32);
        let y = _mm512_set1_epi32(half.y_above as i32);
        for vector in 0..VECTORS {
            let permuted = _mm512_add_epi32(_mm512_mullo_epi16(x, factors[vector]), y);
            least[vector] = _mm512_min_epu32(least[vector], permuted);
        }
    }
    for (vector, value) in least.into_iter().enumerate() {
        let minima: &mut [u32] = &mut minima[vector * LANES..(vector + 1) * LANES];
        // SAFETY: `minima` has sixteen u32, 64 bytes; the store needs no alignment.
        unsafe { _mm512_storeu_si512(minima.as_mut_ptr().cast(), value) };
    }
}
