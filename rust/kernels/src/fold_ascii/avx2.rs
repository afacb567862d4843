//! 32 bytes a vector. A byte is in a range when subtracting the range's start leaves less than its length, which for
//! bytes below 0x80 signed comparison can tell.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_storeu_si256,
};

use super::BLOCK;

const HALF: usize = 32;

#[inline]
#[target_feature(enable = "avx2")]
fn between(bytes: __m256i, first: u8, last: u8) -> __m256i {
    _mm256_and_si256(
        _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(first as i8 - 1)),
        _mm256_cmpgt_epi8(_mm256_set1_epi8(last as i8 + 1), bytes),
    )
}

/// The folded bytes and the mask of word bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn fold(bytes: __m256i) -> (__m256i, u32) {
    let upper = between(bytes, b'A', b'Z');
    let lower = _mm256_add_epi8(bytes, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
    let letter_or_digit = _mm256_or_si256(between(lower, b'a', b'z'), between(bytes, b'0', b'9'));
    let word = _mm256_or_si256(letter_or_digit, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'_' as i8)));
    (_mm256_and_si256(lower, word), _mm256_movemask_epi8(word) as u32)
}

#[target_feature(enable = "avx2")]
pub fn fold_ascii(input: &[u8], folded: &mut [u8], masks: &mut [u64]) -> usize {
    let mut done = 0;
    for ((block, target), mask) in input.chunks_exact(BLOCK).zip(folded.chunks_exact_mut(BLOCK)).zip(masks) {
        // SAFETY: `block` has 64 bytes, so both loads of 32 are inside it; they need no alignment.
        let (left, right) =
            unsafe { (_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block.as_ptr().add(HALF).cast())) };
        if _mm256_movemask_epi8(_mm256_or_si256(left, right)) != 0 {
            break;
        }
        let (left, left_mask) = fold(left);
        let (right, right_mask) = fold(right);
        // SAFETY: `target` has 64 bytes, so both stores of 32 are inside it; they need no alignment.
        unsafe {
            _mm256_storeu_si256(target.as_mut_ptr().cast(), left);
            _mm256_storeu_si256(target.as_mut_ptr().add(HALF).cast(), right);
        }
        *mask = u64::from(right_mask) << HALF | u64::from(left_mask);
        done += BLOCK;
    }
    done
}
