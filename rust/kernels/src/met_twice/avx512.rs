//! Sixteen keys at a time: their places' words are gathered, and what was met twice is pushed together.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_cvtepu32_epi64,
    _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi32,
    _mm512_or_si512, _mm512_set1_epi32, _mm512_slli_epi32, _mm512_slli_epi64, _mm512_srl_epi32, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_test_epi32_mask,
};

use super::{MetTwice, scalar};

const LANES: usize = 16;
/// Keys whose entries are put down before the vector grows.
const SOME: usize = 128;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2")]
pub fn select(met: &MetTwice, keys: &[u32], documents: &[u32], selected: &mut Vec<u64>) {
    // Words of 32 bits, sixteen places each. Their numbers must be below 2^31 for the gather.
    let words = met.words.as_ptr().cast::<i32>();
    if met.words.len() >= 1 << 30 {
        return scalar::select(met, keys, documents, selected);
    }
    let place_shift = _mm_cvtsi32_si128((u32::BITS - met.bits) as i32);
    let word_shift = _mm_cvtsi32_si128((u32::BITS - met.bits + 4) as i32);
    let (one, fifteen) = (_mm512_set1_epi32(1), _mm512_set1_epi32(15));
    let mut some = [0u64; SOME + LANES];
    for (keys, documents) in keys.chunks(SOME).zip(documents.chunks(SOME)) {
        let mut count = 0;
        let ((whole_keys, rest_keys), (whole_documents, rest_documents)) =
            (keys.as_chunks::<LANES>(), documents.as_chunks::<LANES>());
        for (keys, documents) in whole_keys.iter().zip(whole_documents) {
            // SAFETY: both are 16 u32; loads need no alignment.
            let (keys, documents): (__m512i, __m512i) =
                unsafe { (_mm512_loadu_si512(keys.as_ptr().cast()), _mm512_loadu_si512(documents.as_ptr().cast())) };
            let place = _mm512_srl_epi32(keys, place_shift);
            // SAFETY: a place is below 2^bits and `words` has 2^bits / 16 words of 32 bits (`reset`), fewer than 2^31.
            let word = unsafe { _mm512_i32gather_epi32::<4>(_mm512_srl_epi32(keys, word_shift), words) };
            let up = _mm512_add_epi32(_mm512_slli_epi32::<1>(_mm512_and_si512(place, fifteen)), one);
            let again = _mm512_test_epi32_mask(_mm512_srlv_epi32(word, up), one);
            let keys = _mm512_maskz_compress_epi32(again, keys);
            let documents = _mm512_maskz_compress_epi32(again, documents);
            let low = _mm512_or_si512(
                _mm512_slli_epi64::<32>(_mm512_cvtepu32_epi64(_mm512_castsi512_si256(keys))),
                _mm512_cvtepu32_epi64(_mm512_castsi512_si256(documents)),
            );
            let high = _mm512_or_si512(
                _mm512_slli_epi64::<32>(_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(keys))),
                _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(documents)),
            );
            let (first, second) = some[count..count + LANES].split_at_mut(LANES / 2);
            // SAFETY: both have room for eight u64; stores need no alignment.
            unsafe {
                _mm512_storeu_si512(first.as_mut_ptr().cast(), low);
                _mm512_storeu_si512(second.as_mut_ptr().cast(), high);
            }
            count += again.count_ones() as usize;
        }
        selected.extend_from_slice(&some[..count]);
        scalar::select(met, rest_keys, rest_documents, selected);
    }
}
