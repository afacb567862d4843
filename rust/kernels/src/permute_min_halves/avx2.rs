//! As `avx512`, with vectors of half the size: few hashes, eight permutations a vector; many, sixteen hashes a vector.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi128_si32, _mm_min_epu16, _mm_minpos_epu16, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256,
    _mm256_blendv_epi8, _mm256_castsi256_si128, _mm256_cmpeq_epi16, _mm256_extracti128_si256, _mm256_i32gather_epi32,
    _mm256_loadu_si256, _mm256_min_epu16, _mm256_min_epu32, _mm256_movemask_epi8, _mm256_mullo_epi16, _mm256_or_si256,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_srli_epi32, _mm256_storeu_si256,
};

use super::scalar;

/// Permutations a vector.
const LANES: usize = 8;
/// Hashes a vector.
const HASHES: usize = 16;
/// Vectors of hashes whose lanes' minima are taken before their block is noted.
const VECTORS: usize = 8;
const BLOCK: usize = HASHES * VECTORS;
/// Hashes whose halves are laid out at once: 16 KiB of the first cache.
const CHUNK: usize = 32 * BLOCK;
/// Permutations that share the loads of the hashes.
const SLOTS: usize = 2;
/// Below this, looking up costs more than is won.
const MANY: usize = 160;

#[target_feature(enable = "avx2,bmi1,popcnt")]
pub fn permute_min_halves(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    for hashes in hashes.chunks(CHUNK) {
        if hashes.len() < MANY {
            few(hashes, multipliers, minima);
        } else {
            many(hashes, multipliers, minima);
        }
    }
}

#[target_feature(enable = "avx2")]
fn few(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    let mut at = 0;
    while at + 4 * LANES <= minima.len() {
        few_block::<4>(hashes, &multipliers[at..], &mut minima[at..]);
        at += 4 * LANES;
    }
    while at + LANES <= minima.len() {
        few_block::<1>(hashes, &multipliers[at..], &mut minima[at..]);
        at += LANES;
    }
    scalar::permute_min_halves(hashes, &multipliers[at..], &mut minima[at..]);
}

#[inline]
#[target_feature(enable = "avx2")]
fn few_block<const COUNT: usize>(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    let mut factors = [_mm256_set1_epi32(0); COUNT];
    let mut least = [_mm256_set1_epi32(0); COUNT];
    for vector in 0..COUNT {
        let pairs: [u32; LANES] = std::array::from_fn(|lane| u32::from(multipliers[vector * LANES + lane]) << 16 | 1);
        let minima: &[u32] = &minima[vector * LANES..(vector + 1) * LANES];
        // SAFETY: both have eight u32, 32 bytes; loads need no alignment.
        unsafe {
            factors[vector] = _mm256_loadu_si256(pairs.as_ptr().cast());
            least[vector] = _mm256_loadu_si256(minima.as_ptr().cast());
        }
    }
    for &hash in hashes {
        let x = _mm256_set1_epi32(((hash & 0xFFFF) * 0x1_0001) as i32);
        let y = _mm256_set1_epi32((hash & 0xFFFF_0000) as i32);
        for vector in 0..COUNT {
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

/// The halves of up to [`CHUNK`] hashes, the last one repeated up to a whole vector.
struct Halves<'a> {
    hashes: &'a [u32],
    x: [u16; CHUNK],
    y: [u16; CHUNK],
    vectors: usize,
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(halves: &[u16; CHUNK], vector: usize) -> __m256i {
    let halves: &[u16] = &halves[vector * HASHES..(vector + 1) * HASHES];
    // SAFETY: `halves` has 16 u16, 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(halves.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn many(hashes: &[u32], multipliers: &[u16], minima: &mut [u32]) {
    let vectors = hashes.len().div_ceil(HASHES);
    let mut halves = Halves { hashes, x: [0; CHUNK], y: [0; CHUNK], vectors };
    for ((x, y), &hash) in halves.x.iter_mut().zip(&mut halves.y).zip(hashes) {
        (*x, *y) = (hash as u16, (hash >> 16) as u16);
    }
    let last = hashes.len() - 1;
    for at in hashes.len()..vectors * HASHES {
        (halves.x[at], halves.y[at]) = (halves.x[last], halves.y[last]);
    }
    let (groups, rest) = multipliers.as_chunks::<SLOTS>();
    let (minima, rest_minima) = minima.as_chunks_mut::<SLOTS>();
    for (multipliers, minima) in groups.iter().zip(minima) {
        many_slots(&halves, multipliers, minima);
    }
    for (multiplier, minimum) in rest.iter().zip(rest_minima) {
        many_slots(&halves, &[*multiplier], std::array::from_mut(minimum));
    }
}

#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn many_slots<const COUNT: usize>(halves: &Halves<'_>, multipliers: &[u16; COUNT], minima: &mut [u32; COUNT]) {
    let all_ones = _mm256_set1_epi16(-1);
    let mut factors = [all_ones; COUNT];
    for slot in 0..COUNT {
        factors[slot] = _mm256_set1_epi16(multipliers[slot] as i16);
    }
    let mut least = [all_ones; COUNT];
    let mut block_of = [_mm256_set1_epi16(0); COUNT];
    let mut again = [_mm256_set1_epi16(0); COUNT];
    let mut vector = 0;
    let mut block = 0;
    while vector < halves.vectors {
        let end = halves.vectors.min(vector + VECTORS);
        let mut block_least = [all_ones; COUNT];
        while vector < end {
            let (x, y) = (load(&halves.x, vector), load(&halves.y, vector));
            for slot in 0..COUNT {
                let first_parts = _mm256_add_epi16(_mm256_mullo_epi16(x, factors[slot]), y);
                block_least[slot] = _mm256_min_epu16(block_least[slot], first_parts);
            }
            vector += 1;
        }
        let number = _mm256_set1_epi16(block);
        for slot in 0..COUNT {
            let both = _mm256_min_epu16(least[slot], block_least[slot]);
            let not_less = _mm256_cmpeq_epi16(both, least[slot]);
            again[slot] = _mm256_or_si256(again[slot], _mm256_cmpeq_epi16(block_least[slot], least[slot]));
            block_of[slot] = _mm256_blendv_epi8(number, block_of[slot], not_less);
            least[slot] = both;
        }
        block += 1;
    }
    for slot in 0..COUNT {
        let half = _mm_min_epu16(_mm256_castsi256_si128(least[slot]), _mm256_extracti128_si256::<1>(least[slot]));
        let first_part = _mm_cvtsi128_si32(_mm_minpos_epu16(half)) as u16;
        if u32::from(first_part) > minima[slot] >> 16 {
            continue;
        }
        // Two bits a lane, of which one is enough.
        let lanes = |mask: __m256i| _mm256_movemask_epi8(mask) as u32 & 0x5555_5555;
        let met = lanes(_mm256_cmpeq_epi16(least[slot], _mm256_set1_epi16(first_part as i16)));
        let second_part = if met & lanes(again[slot]) == 0 {
            let mut blocks = [0u16; HASHES];
            // SAFETY: `blocks` has 16 u16, 32 bytes; the store needs no alignment.
            unsafe { _mm256_storeu_si256(blocks.as_mut_ptr().cast(), block_of[slot]) };
            look_up(halves.hashes, multipliers[slot], first_part, met, &blocks)
        } else {
            look_everywhere(halves, multipliers[slot], first_part)
        };
        minima[slot] = minima[slot].min(u32::from(first_part) << 16 | u32::from(second_part));
    }
}

/// The smallest x, in the given lanes (every other bit) of each one's block, whose first part is `first_part`.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn look_up(hashes: &[u32], multiplier: u16, first_part: u16, mut lanes: u32, blocks: &[u16; HASHES]) -> u16 {
    // (x, y) times (a, 1), and the halves added: the first part in the low half.
    let factors = _mm256_set1_epi32(0x1_0000 | i32::from(multiplier));
    let wanted = _mm256_set1_epi16(first_part as i16);
    let low_halves = _mm256_set1_epi32(0xFFFF);
    let steps = _mm256_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112);
    let last = _mm256_set1_epi32(hashes.len() as i32 - 1);
    let mut least = u16::MAX;
    while lanes != 0 {
        let lane = lanes.trailing_zeros() as usize / 2;
        lanes &= lanes - 1;
        let start = usize::from(blocks[lane]) * BLOCK + lane;
        // Beyond the end stands the last hash, as in the halves.
        let places = _mm256_min_epu32(_mm256_add_epi32(steps, _mm256_set1_epi32(start as i32)), last);
        // SAFETY: each place is at most that of the last hash.
        let hashes = unsafe { _mm256_i32gather_epi32::<4>(hashes.as_ptr().cast(), places) };
        let products = _mm256_mullo_epi16(hashes, factors);
        let sums = _mm256_add_epi16(products, _mm256_srli_epi32::<16>(products));
        let met = _mm256_and_si256(_mm256_cmpeq_epi16(sums, wanted), low_halves);
        let x = _mm256_blendv_epi8(_mm256_set1_epi16(-1), hashes, met);
        let quarter = _mm_min_epu16(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        least = least.min(_mm_cvtsi128_si32(_mm_minpos_epu16(quarter)) as u16);
    }
    least
}

#[cold]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn look_everywhere(halves: &Halves<'_>, multiplier: u16, first_part: u16) -> u16 {
    let count = halves.vectors * HASHES;
    halves.x[..count].iter().zip(&halves.y[..count]).fold(u16::MAX, |least, (&x, &y)| {
        let met = multiplier.wrapping_mul(x).wrapping_add(y) == first_part;
        least.min(if met { x } else { u16::MAX })
    })
}
