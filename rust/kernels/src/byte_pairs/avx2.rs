//! 32 bytes a vector. A table of 256 values is looked up a row of sixteen at a time: the bytes of other rows get an index
//! that gives zero. Rows that hold the table's usual value throughout cost nothing.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_adds_epu8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_xor_si256,
};

use super::{BLOCK, BytePairs, Table};

const HALF: usize = 32;

#[inline]
#[target_feature(enable = "avx2")]
fn look_up(table: &Table, bytes: __m256i) -> __m256i {
    let mut values = _mm256_set1_epi8(table.usual as i8);
    for (number, row) in &table.rows {
        // Bytes of the row have a high nibble of zero now, and of seven after the sum; all others have the high bit.
        let index = _mm256_xor_si256(bytes, _mm256_set1_epi8((number << 4) as i8));
        let index = _mm256_adds_epu8(index, _mm256_set1_epi8(0x70));
        // SAFETY: `row` has 16 bytes; the load needs no alignment.
        let row = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(row.as_ptr().cast()) });
        values = _mm256_xor_si256(values, _mm256_shuffle_epi8(row, index));
    }
    values
}

/// `text` must be longer than the blocks of `masks`.
#[target_feature(enable = "avx2")]
pub fn masks(pairs: &BytePairs, text: &[u8], masks: &mut [u64]) {
    for (mask, block) in masks.iter_mut().zip(text.windows(BLOCK + 1).step_by(BLOCK)) {
        let half = |at: usize| {
            // SAFETY: `block` has 65 bytes and `at` is 0 or 32, so both loads of 32 end inside it; they need no alignment.
            let (bytes, next) = unsafe {
                (
                    _mm256_loadu_si256(block.as_ptr().add(at).cast()),
                    _mm256_loadu_si256(block.as_ptr().add(at + 1).cast()),
                )
            };
            let both = _mm256_and_si256(look_up(&pairs.first, bytes), look_up(&pairs.second, next));
            !_mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256())) as u32
        };
        *mask = u64::from(half(HALF)) << HALF | u64::from(half(0));
    }
}
