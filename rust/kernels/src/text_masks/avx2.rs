//! 32 bytes a vector. A byte is in a range when subtracting the range's start leaves at most its length; the minimum of
//! both tells without signed comparison.

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_sub_epi8,
};

use super::{BLOCK, Masks};

const HALF: usize = 32;

#[inline]
#[target_feature(enable = "avx2")]
fn between(bytes: __m256i, first: u8, last: u8) -> __m256i {
    let above = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first as i8));
    _mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8((last - first) as i8)), above)
}

/// Bits of letters and digits, of white space, and of bytes that are not ASCII.
#[inline]
#[target_feature(enable = "avx2")]
fn half(bytes: __m256i) -> (u32, u32, u32) {
    let lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
    let alphanumeric = _mm256_or_si256(between(lower, b'a', b'z'), between(bytes, b'0', b'9'));
    let space = _mm256_or_si256(between(bytes, 0x09, 0x0D), between(bytes, 0x1C, 0x20));
    (_mm256_movemask_epi8(alphanumeric) as u32, _mm256_movemask_epi8(space) as u32, _mm256_movemask_epi8(bytes) as u32)
}

#[target_feature(enable = "avx2")]
pub fn text_masks(text: &[u8], masks: &mut [Masks]) {
    for (block, masks) in text.chunks_exact(BLOCK).zip(masks) {
        // SAFETY: `block` has 64 bytes, so both loads of 32 are inside it; they need no alignment.
        let (left, right) =
            unsafe { (_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block.as_ptr().add(HALF).cast())) };
        let (left, right) = (half(left), half(right));
        let join = |left: u32, right: u32| u64::from(right) << HALF | u64::from(left);
        *masks =
            Masks { alphanumeric: join(left.0, right.0), space: join(left.1, right.1), foreign: join(left.2, right.2) };
    }
}
