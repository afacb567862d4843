//! Eight pieces at a time.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_cvtsi32_si128, _mm256_mask_storeu_epi32, _mm256_maskz_loadu_epi32, _mm256_min_epu32,
    _mm256_set1_epi32, _mm512_cmpgt_epu64_mask, _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64, _mm512_i64gather_epi64,
    _mm512_mask_mov_epi64, _mm512_mask_storeu_epi64, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_slli_epi64,
    _mm512_sllv_epi64, _mm512_srl_epi64, _mm512_srlv_epi64, _mm512_sub_epi64, _mm512_ternarylogic_epi64,
};

use super::{FACTOR, KEY_BYTES, TOO_LONG, Wanted};

/// `!(word & kept | ended)`.
const NEITHER: i32 = 0b0001_0101;

/// The key of eight bytes of which so many bits are the piece's; with more than 64 it is none. Shifts by 64 and more give
/// zero: nothing is kept of the empty piece, and of eight bytes none is marked.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn key(word: __m512i, bits: __m512i) -> __m512i {
    let kept = _mm512_srlv_epi64(_mm512_set1_epi64(-1), _mm512_sub_epi64(_mm512_set1_epi64(64), bits));
    let ended = _mm512_sllv_epi64(_mm512_set1_epi64(0xFF), bits);
    _mm512_ternarylogic_epi64::<NEITHER>(word, kept, ended)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
pub(crate) fn word_keys(wanted: Wanted<'_>) {
    let (count, last) = wanted.bounds();
    let Wanted { text, places, shift, keys, buckets } = wanted;
    let last = _mm256_set1_epi32(u32::try_from(last).unwrap_or(u32::MAX) as i32);
    let shift = _mm_cvtsi32_si128(shift as i32);
    let mut index = 0;
    while index < count {
        let left = count - index;
        let mask = if left >= 8 { 0xFF } else { (1u8 << left) - 1 };
        // SAFETY: `left` places from `index` on, and from the one behind it on, are within `places`; what the mask leaves out is
        // not read.
        let (starts, ends): (__m256i, __m256i) = unsafe {
            let places = places.as_ptr().add(index).cast::<i32>();
            (_mm256_maskz_loadu_epi32(mask, places), _mm256_maskz_loadu_epi32(mask, places.add(1)))
        };
        let starts = _mm512_cvtepu32_epi64(_mm256_min_epu32(starts, last));
        let lengths = _mm512_sub_epi64(_mm512_cvtepu32_epi64(ends), starts);
        // SAFETY: each place is `last` at most, eight bytes before the end of `text`.
        let words = unsafe { _mm512_i64gather_epi64::<1>(starts, text.as_ptr().cast()) };
        let own = key(words, _mm512_slli_epi64::<3>(lengths));
        let too_long = _mm512_cmpgt_epu64_mask(lengths, _mm512_set1_epi64(KEY_BYTES as i64));
        let own = _mm512_mask_mov_epi64(own, too_long, _mm512_set1_epi64(TOO_LONG as i64));
        let hashes = _mm512_mullo_epi64(own, _mm512_set1_epi64(FACTOR as i64));
        let places = _mm512_cvtepi64_epi32(_mm512_srl_epi64(hashes, shift));
        // SAFETY: `left` numbers from `index` on are within `keys` and `buckets`; what the mask leaves out is not written.
        unsafe {
            _mm512_mask_storeu_epi64(keys.as_mut_ptr().add(index).cast(), mask, own);
            _mm256_mask_storeu_epi32(buckets.as_mut_ptr().add(index).cast(), mask, places);
        }
        index += 8;
    }
}
