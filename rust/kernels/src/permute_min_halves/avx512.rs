//! Sixteen permutations a vector, eight vectors at a time.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_maskz_compress_epi16, _mm256_storeu_si256, _mm512_add_epi32,
    _mm512_loadu_si512, _mm512_mask_min_epu32, _mm512_maskz_expandloadu_epi32, _mm512_min_epu32, _mm512_movepi32_mask,
    _mm512_mullo_epi16, _mm512_or_si512, _mm512_set1_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
};

use super::unfilled::SLOTS_AT_ONCE;
use super::vectors::{Doubled, block, in_doubled_halves};
use super::{UNFILLED, avx2};

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

/// Slots are looked at a vector at a time; what is behind the last whole vector is copied out.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2")]
pub fn permute_min_unfilled(hashes: &[u64], multipliers: &[u16], slots: &mut [u32]) -> usize {
    let (vectors, rest) = slots.as_chunks_mut::<LANES>();
    let (own, own_rest) = multipliers.as_chunks::<LANES>();
    let mut total = 0;
    for (slots, multipliers) in vectors.chunks_mut(VECTORS).zip(own.chunks(VECTORS)) {
        total += of_vectors(hashes, multipliers, slots);
    }
    if !rest.is_empty() {
        // Zeros are filled slots.
        let (mut slots, mut multipliers) = ([0; LANES], [0; LANES]);
        slots[..rest.len()].copy_from_slice(rest);
        multipliers[..rest.len()].copy_from_slice(own_rest);
        total += of_vectors(hashes, &[multipliers], std::slice::from_mut(&mut slots));
        rest.copy_from_slice(&slots[..rest.len()]);
    }
    total
}

const VECTORS: usize = SLOTS_AT_ONCE / LANES;

/// Of at most [`VECTORS`] vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2")]
fn of_vectors(hashes: &[u64], multipliers: &[[u16; LANES]], slots: &mut [[u32; LANES]]) -> usize {
    let mut masks = [0u16; VECTORS];
    let mut own = [0u16; SLOTS_AT_ONCE + LANES];
    let mut count = 0;
    for ((mask, slots), multipliers) in masks.iter_mut().zip(&*slots).zip(multipliers) {
        let place: &mut [u16] = &mut own[count..count + LANES];
        // SAFETY: both have 16 lanes of the loaded width; loads need no alignment.
        let (slots, multipliers) = unsafe {
            (_mm512_loadu_si512(slots.as_ptr().cast()), _mm256_loadu_si256(multipliers.as_ptr().cast::<__m256i>()))
        };
        *mask = _mm512_movepi32_mask(slots);
        // SAFETY: `place` has 16 lanes; the store needs no alignment.
        unsafe {
            _mm256_storeu_si256(place.as_mut_ptr().cast(), _mm256_maskz_compress_epi16(*mask, multipliers));
        }
        count += mask.count_ones() as usize;
    }
    if count == 0 || hashes.is_empty() {
        return count;
    }
    let mut minima = [u32::MAX; SLOTS_AT_ONCE + LANES];
    let used = count.div_ceil(LANES);
    in_doubled_halves(hashes, |halves| {
        let mut vector = 0;
        while vector < used {
            let (own, minima) = (&own[vector * LANES..], &mut minima[vector * LANES..]);
            let now = (used - vector).min(8);
            match now {
                1 => block::<1>(halves, own, minima),
                2 => block::<2>(halves, own, minima),
                3 => block::<3>(halves, own, minima),
                4 => block::<4>(halves, own, minima),
                5 => block::<5>(halves, own, minima),
                6 => block::<6>(halves, own, minima),
                7 => block::<7>(halves, own, minima),
                _ => block::<8>(halves, own, minima),
            }
            vector += now;
        }
    });
    let mark = _mm512_set1_epi32(UNFILLED as i32);
    let mut next = 0;
    for (&mask, slots) in masks.iter().zip(slots) {
        let minima: &[u32] = &minima[next..next + LANES];
        // SAFETY: the expanding load reads as many u32 of `minima` as the mask has bits, at most 16; `slots` has 16 lanes.
        unsafe {
            let least = _mm512_maskz_expandloadu_epi32(mask, minima.as_ptr().cast());
            let before = _mm512_loadu_si512(slots.as_ptr().cast());
            let after =
                _mm512_mask_min_epu32(before, mask, before, _mm512_or_si512(mark, _mm512_srli_epi32::<1>(least)));
            _mm512_storeu_si512(slots.as_mut_ptr().cast(), after);
        }
        next += mask.count_ones() as usize;
    }
    count
}
