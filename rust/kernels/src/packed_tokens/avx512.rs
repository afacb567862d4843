//! All words are compared at once, and what stands behind the key is moved to where each token is one shift away.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm256_castsi128_si256, _mm256_cmpeq_epi64_mask, _mm256_loadu_si256,
    _mm256_maskz_compress_epi64, _mm256_permute4x64_epi64, _mm256_storeu_si256, _mm512_and_si512,
    _mm512_broadcast_i64x4, _mm512_castsi256_si512, _mm512_cmpeq_epi64_mask, _mm512_cvtepi64_epi32, _mm512_loadu_si512,
    _mm512_maskz_permutexvar_epi64, _mm512_permutexvar_epi64, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_srlv_epi64,
};

use super::{Line, Six, TOKEN_BITS, Twelve};

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

/// Shift each word and keep the bits of a token; what is shifted by 64 is zero.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifted(words: __m512i, shifts: __m512i) -> __m512i {
    _mm512_and_si512(_mm512_srlv_epi64(words, shifts), _mm512_set1_epi64((1 << TOKEN_BITS) - 1))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(crate) fn six_of(line: &Line, key: &[u64; 2]) -> Six {
    let (keys, words) = line.split_at(4);
    // SAFETY: both halves of the line are 32 bytes, the key 16; the loads need no alignment.
    let (keys, words, key) = unsafe {
        (
            _mm256_loadu_si256(keys.as_ptr().cast()),
            _mm256_loadu_si256(words.as_ptr().cast()),
            _mm256_castsi128_si256(_mm_loadu_si128(key.as_ptr().cast())),
        )
    };
    let equal = _mm256_cmpeq_epi64_mask(keys, _mm256_permute4x64_epi64::<0b01_01_00_00>(key));
    let entries = equal & equal >> 2;
    // The first, should it stand there twice.
    let entry = entries & entries.wrapping_neg();
    let words = _mm512_castsi256_si512(_mm256_maskz_compress_epi64(entry | entry << 2, words));
    let spread = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 0, 1, 1, 1, 1, 1), words);
    let tokens = shifted(spread, _mm512_setr_epi64(0, 20, 40, 0, 20, 40, 64, 60));
    let mut six = [0; 8];
    // SAFETY: the array is of 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(six.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(tokens)) };
    six
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(crate) fn twelve_of(line: &Line, key: &[u64; 4]) -> Twelve {
    let line = load(line);
    // SAFETY: the reference is to 32 bytes; the load needs no alignment.
    let key = _mm512_broadcast_i64x4(unsafe { _mm256_loadu_si256(key.as_ptr().cast()) });
    let is = if _mm512_cmpeq_epi64_mask(line, key) & 0b1111 == 0b1111 { 0xFF } else { 0 };
    let low = _mm512_maskz_permutexvar_epi64(is, _mm512_setr_epi64(4, 4, 4, 5, 5, 5, 6, 6), line);
    let high = _mm512_maskz_permutexvar_epi64(is, _mm512_setr_epi64(6, 7, 7, 7, 7, 7, 7, 7), line);
    let low = shifted(low, _mm512_setr_epi64(0, 20, 40, 0, 20, 40, 0, 20));
    let high = shifted(high, _mm512_setr_epi64(40, 0, 20, 40, 64, 64, 64, 60));
    let mut twelve = [0; 16];
    // SAFETY: the array is of 64 bytes, two stores of 32; they need no alignment.
    unsafe {
        _mm256_storeu_si256(twelve.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(low));
        _mm256_storeu_si256(twelve.as_mut_ptr().add(8).cast(), _mm512_cvtepi64_epi32(high));
    }
    twelve
}
