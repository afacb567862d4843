//! For many hashes: 32 permutations a vector, of which only the first part `a x + y` is kept, in 16-bit lanes; half the
//! instructions a permutation of `avx512`.
//!
//! Each lane keeps its minimum and the block of hashes in which it was met; the second part, x, is looked up at the end, in
//! that block. A minimum that was met again in a later block may have had a smaller x there; such lanes are marked, and look
//! it up in all blocks from theirs on.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si32, _mm_min_epu16, _mm_minpos_epu16, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_min_epu16, _mm512_add_epi16, _mm512_castsi512_si256, _mm512_cmpeq_epi16_mask, _mm512_cmplt_epu16_mask,
    _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_min_epu16, _mm512_mask_mov_epi16,
    _mm512_maskz_mov_epi16, _mm512_min_epu16, _mm512_mullo_epi16, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

/// Permutations, or hashes, a vector.
pub const LANES: usize = 32;
/// Hashes in a block: two vectors.
const BLOCK: usize = 2 * LANES;
/// Hashes laid out at once: they fill half of the first cache.
const CHUNK: usize = 32 * BLOCK;

struct Halves {
    /// Both halves, the last hash repeated up to a whole block.
    x: [u16; CHUNK],
    y: [u16; CHUNK],
    /// Each half twice, to be broadcast from memory.
    twice: [(u32, u32); CHUNK],
    count: usize,
}

/// Lower the minima of a multiple of [`LANES`] permutations.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub fn permute_min_halves(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    let mut halves = Halves { x: [0; CHUNK], y: [0; CHUNK], twice: [(0, 0); CHUNK], count: 0 };
    for hashes in hashes.chunks(CHUNK) {
        let last = hashes[hashes.len() - 1];
        halves.count = hashes.len();
        let padded = hashes.len().next_multiple_of(BLOCK);
        for at in 0..padded {
            let hash = hashes.get(at).copied().unwrap_or(last);
            let (x, y) = (hash & 0xFFFF, hash >> 16);
            (halves.x[at], halves.y[at]) = (x as u16, y as u16);
            halves.twice[at] = (x * 0x1_0001, y * 0x1_0001);
        }
        let mut at = 0;
        while at + 8 * LANES <= minima.len() {
            group::<8>(&halves, &multipliers[at..], &mut minima[at..]);
            at += 8 * LANES;
        }
        while at + 4 * LANES <= minima.len() {
            group::<4>(&halves, &multipliers[at..], &mut minima[at..]);
            at += 4 * LANES;
        }
        while at + LANES <= minima.len() {
            group::<1>(&halves, &multipliers[at..], &mut minima[at..]);
            at += LANES;
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u16], at: usize) -> __m512i {
    let lanes: &[u16] = &lanes[at..at + LANES];
    // SAFETY: `lanes` has 32 u16, 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [u16; LANES], value: __m512i) {
    // SAFETY: `lanes` has 32 u16, 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn group<const VECTORS: usize>(halves: &Halves, multipliers: &[u16], minima: &mut [u32]) {
    let all_ones = _mm512_set1_epi16(-1);
    let none = _mm512_set1_epi16(0);
    let factors: [__m512i; VECTORS] = std::array::from_fn(|vector| load(multipliers, vector * LANES));
    let mut least = [all_ones; VECTORS];
    let mut block_of = [none; VECTORS];
    let mut again = [none; VECTORS];
    for (number, block) in halves.twice[..halves.count].chunks(BLOCK).enumerate() {
        let mut block_least = [all_ones; VECTORS];
        for &(x, y) in block {
            let (x, y) = (_mm512_set1_epi32(x as i32), _mm512_set1_epi32(y as i32));
            for vector in 0..VECTORS {
                let first_parts = _mm512_add_epi16(_mm512_mullo_epi16(x, factors[vector]), y);
                block_least[vector] = _mm512_min_epu16(block_least[vector], first_parts);
            }
        }
        let number = _mm512_set1_epi16(number as i16);
        for vector in 0..VECTORS {
            let less = _mm512_cmplt_epu16_mask(block_least[vector], least[vector]);
            let equal = _mm512_cmpeq_epi16_mask(block_least[vector], least[vector]);
            let still = _mm512_maskz_mov_epi16(!less, again[vector]);
            again[vector] = _mm512_mask_mov_epi16(still, equal, all_ones);
            block_of[vector] = _mm512_mask_mov_epi16(block_of[vector], less, number);
            least[vector] = _mm512_min_epu16(least[vector], block_least[vector]);
        }
    }
    for vector in 0..VECTORS {
        let (mut first_parts, mut blocks, mut marked) = ([0; LANES], [0; LANES], [0; LANES]);
        store(&mut first_parts, least[vector]);
        store(&mut blocks, block_of[vector]);
        store(&mut marked, again[vector]);
        let slots = vector * LANES..(vector + 1) * LANES;
        for (lane, (minimum, &multiplier)) in minima[slots.clone()].iter_mut().zip(&multipliers[slots]).enumerate() {
            let first_part = first_parts[lane];
            if u32::from(first_part) > *minimum >> 16 {
                continue;
            }
            let start = usize::from(blocks[lane]) * BLOCK;
            let end = if marked[lane] == 0 { start + BLOCK } else { halves.count };
            let second_part = look_up(halves, start, end, multiplier, first_part);
            *minimum = (*minimum).min(u32::from(first_part) << 16 | u32::from(second_part));
        }
    }
}

/// The smallest x of the hashes between two places whose first part is `first_part`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn look_up(halves: &Halves, start: usize, end: usize, multiplier: u16, first_part: u16) -> u16 {
    let factor = _mm512_set1_epi16(multiplier as i16);
    let wanted = _mm512_set1_epi16(first_part as i16);
    let mut least = _mm512_set1_epi16(-1);
    for at in (start..end).step_by(LANES) {
        let x = load(&halves.x, at);
        let first_parts = _mm512_add_epi16(_mm512_mullo_epi16(x, factor), load(&halves.y, at));
        least = _mm512_mask_min_epu16(least, _mm512_cmpeq_epi16_mask(first_parts, wanted), least, x);
    }
    let half = _mm256_min_epu16(_mm512_castsi512_si256(least), _mm512_extracti64x4_epi64::<1>(least));
    let quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
    _mm_cvtsi128_si32(_mm_minpos_epu16(quarter)) as u16
}
