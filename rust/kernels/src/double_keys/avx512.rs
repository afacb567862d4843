//! Eight pieces at a time.

use std::arch::x86_64::{
    _mm_maskz_loadu_epi16, _mm512_add_epi64, _mm512_and_si512, _mm512_cvtepu16_epi64, _mm512_i64gather_epi64,
    _mm512_mask_storeu_epi64, _mm512_max_epu64, _mm512_min_epu64, _mm512_mullo_epi64, _mm512_permutex2var_epi64,
    _mm512_set1_epi64, _mm512_setr_epi64, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_sub_epi64, _mm512_xor_si512,
};

use super::{FIRST, LAST, SECOND, Wanted};
use crate::word_keys::avx512::key;

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(crate) fn double_keys(wanted: Wanted<'_>) {
    let (count, last_piece, last) = wanted.bounds();
    let Wanted { text, places, numbers, keys, hashes } = wanted;
    let last_piece = _mm512_set1_epi64(last_piece as i64);
    let last = _mm512_set1_epi64(last.min(u32::MAX as usize) as i64);
    let low = _mm512_set1_epi64(0xFFFF_FFFF);
    let (word, two_words) = (_mm512_set1_epi64(64), _mm512_set1_epi64(128));
    let multiplied = |by: u64| _mm512_set1_epi64(by as i64);
    let (first_factor, second_factor, last_factor) = (multiplied(FIRST), multiplied(SECOND), multiplied(LAST));
    let mut index = 0;
    while index < count {
        let left = count - index;
        let mask = if left >= 8 { 0xFF } else { (1u8 << left) - 1 };
        // SAFETY: `left` numbers from `index` on are within `numbers`; what the mask leaves out is not read.
        let number = unsafe { _mm_maskz_loadu_epi16(mask, numbers.as_ptr().add(index).cast()) };
        let number = _mm512_min_epu64(_mm512_cvtepu16_epi64(number), last_piece);
        // SAFETY: a number is that of a piece, so that its place and the next are within `places`.
        let both = unsafe { _mm512_i64gather_epi64::<4>(number, places.as_ptr().cast()) };
        let start = _mm512_min_epu64(_mm512_and_si512(both, low), last);
        let length = _mm512_sub_epi64(_mm512_srli_epi64::<32>(both), start);
        // SAFETY: each place is `last` at most, sixteen bytes before the end of `text`.
        let (first, second) = unsafe {
            (
                _mm512_i64gather_epi64::<1>(start, text.as_ptr().cast()),
                _mm512_i64gather_epi64::<1>(start, text.as_ptr().add(8).cast()),
            )
        };
        let bits = _mm512_slli_epi64::<3>(length);
        let first = key(first, _mm512_min_epu64(bits, word));
        let bits = _mm512_min_epu64(_mm512_max_epu64(bits, word), two_words);
        let second = key(second, _mm512_sub_epi64(bits, word));
        let sum = _mm512_add_epi64(_mm512_mullo_epi64(first, first_factor), _mm512_mullo_epi64(second, second_factor));
        let hash = _mm512_mullo_epi64(_mm512_xor_si512(sum, _mm512_srli_epi64::<32>(sum)), last_factor);
        let low_four = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), second);
        let high_four = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), second);
        let of_words = if left >= 8 { 0xFFFF } else { (1u16 << (2 * left)) - 1 };
        // SAFETY: `left` keys and hashes from `index` on are within `keys` and `hashes`; what a mask leaves out is not written.
        unsafe {
            let keys = keys.as_mut_ptr().add(index).cast::<i64>();
            _mm512_mask_storeu_epi64(keys, of_words as u8, low_four);
            _mm512_mask_storeu_epi64(keys.wrapping_add(8), (of_words >> 8) as u8, high_four);
            _mm512_mask_storeu_epi64(hashes.as_mut_ptr().add(index).cast(), mask, hash);
        }
        index += 8;
    }
}
