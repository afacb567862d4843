//! Sixteen pieces at a time.

use std::arch::x86_64::{
    __m256i, _mm256_maskz_compress_epi16, _mm256_maskz_loadu_epi16, _mm256_storeu_si256, _mm512_castsi256_si512,
    _mm512_castsi512_si256, _mm512_cmpgt_epu32_mask, _mm512_cvtepi64_epi32, _mm512_cvtepu16_epi32,
    _mm512_cvtepu32_epi64, _mm512_extracti64x4_epi64, _mm512_i64gather_epi64, _mm512_inserti64x4, _mm512_min_epu32,
    _mm512_set1_epi32, _mm512_srli_epi64, _mm512_sub_epi64,
};

use super::{LONGEST, Parted, RANGES};

const WIDE: usize = 16;

/// The lengths of eight pieces, modulo 2^32.
#[inline]
#[target_feature(enable = "avx512f")]
fn lengths(numbers: __m256i, places: *const u32) -> __m256i {
    // SAFETY: the caller's: each number is that of a piece, so that its place and the next are there.
    let both = unsafe { _mm512_i64gather_epi64::<4>(_mm512_cvtepu32_epi64(numbers), places.cast()) };
    // The difference of the halves, in the lower one.
    _mm512_cvtepi64_epi32(_mm512_sub_epi64(_mm512_srli_epi64::<32>(both), both))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
pub(crate) fn by_length(parted: Parted<'_>) -> [usize; RANGES] {
    let last_piece = parted.bounds();
    let Parted { places, numbers, lists } = parted;
    let last_piece = _mm512_set1_epi32(last_piece.min(u32::MAX as usize) as i32);
    let mut counts = [0; RANGES];
    let mut index = 0;
    while index < numbers.len() {
        let left = numbers.len() - index;
        let mask = if left >= WIDE { 0xFFFF } else { (1u16 << left) - 1 };
        // SAFETY: `left` numbers from `index` on are within `numbers`; what the mask leaves out is not read.
        let sixteen = unsafe { _mm256_maskz_loadu_epi16(mask, numbers.as_ptr().add(index).cast()) };
        let pieces = _mm512_min_epu32(_mm512_cvtepu16_epi32(sixteen), last_piece);
        let low = lengths(_mm512_castsi512_si256(pieces), places.as_ptr());
        let high = lengths(_mm512_extracti64x4_epi64::<1>(pieces), places.as_ptr());
        let lengths = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        let longer = |than: usize| _mm512_cmpgt_epu32_mask(lengths, _mm512_set1_epi32(than as i32)) & mask;
        let (over_first, over_second, over_third) = (longer(LONGEST[0]), longer(LONGEST[1]), longer(LONGEST[2]));
        let ranges = [mask & !over_first, over_first & !over_second, over_second & !over_third, over_third];
        let mut range = 0;
        while range < RANGES {
            // SAFETY: no more than `index` numbers were written to a list, and it has room for `numbers.len()` and sixteen more.
            unsafe {
                let place = lists[range].as_mut_ptr().add(counts[range]);
                _mm256_storeu_si256(place.cast(), _mm256_maskz_compress_epi16(ranges[range], sixteen));
            }
            counts[range] += ranges[range].count_ones() as usize;
            range += 1;
        }
        index += WIDE;
    }
    counts
}
