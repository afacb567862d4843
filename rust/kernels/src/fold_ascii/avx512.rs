//! 64 bytes a vector: one look-up in a table of 128 bytes (VBMI) both classifies and lower-cases.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_permutex2var_epi8, _mm512_storeu_si512,
    _mm512_test_epi8_mask,
};

use super::BLOCK;

/// What each ASCII byte folds to.
const FOLDED: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let ascii = byte as u8;
        if ascii.is_ascii_alphanumeric() || ascii == b'_' {
            table[byte] = ascii.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub fn fold_ascii(input: &[u8], folded: &mut [u8], masks: &mut [u64]) -> usize {
    // SAFETY: the table has 128 bytes, two vectors; loads need no alignment.
    let (low, high): (__m512i, __m512i) =
        unsafe { (_mm512_loadu_si512(FOLDED.as_ptr().cast()), _mm512_loadu_si512(FOLDED.as_ptr().add(BLOCK).cast())) };
    let mut done = 0;
    for ((block, target), mask) in input.chunks_exact(BLOCK).zip(folded.chunks_exact_mut(BLOCK)).zip(masks) {
        // SAFETY: `block` has 64 bytes; the load needs no alignment.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        if _mm512_movepi8_mask(bytes) != 0 {
            break;
        }
        let words = _mm512_permutex2var_epi8(low, bytes, high);
        // SAFETY: `target` has 64 bytes; the store needs no alignment.
        unsafe { _mm512_storeu_si512(target.as_mut_ptr().cast(), words) };
        *mask = _mm512_test_epi8_mask(words, words);
        done += BLOCK;
    }
    done
}
