//! 64 bytes a vector; two permutations look up a table of 256 values.

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask, _mm512_permutex2var_epi8,
    _mm512_test_epi8_mask,
};

use super::{BLOCK, BytePairs, Table};

/// A table of 256 bytes in four registers.
struct Loaded([__m512i; 4]);

impl Loaded {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn of(table: &Table) -> Self {
        let quarter = |at: usize| {
            // SAFETY: `values` has 256 bytes and `at` is at most 192; the load needs no alignment.
            unsafe { _mm512_loadu_si512(table.values.as_ptr().add(at).cast()) }
        };
        Self([quarter(0), quarter(64), quarter(128), quarter(192)])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(&self, bytes: __m512i) -> __m512i {
        let [a, b, c, d] = self.0;
        let low = _mm512_permutex2var_epi8(a, bytes, b);
        let high = _mm512_permutex2var_epi8(c, bytes, d);
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
    }
}

/// `text` must be longer than the blocks of `masks`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub fn masks(pairs: &BytePairs, text: &[u8], masks: &mut [u64]) {
    let (first, second) = (Loaded::of(&pairs.first), Loaded::of(&pairs.second));
    for (mask, block) in masks.iter_mut().zip(text.windows(BLOCK + 1).step_by(BLOCK)) {
        // SAFETY: `block` has 65 bytes, so both loads of 64 are inside it; they need no alignment.
        let (bytes, next) =
            unsafe { (_mm512_loadu_si512(block.as_ptr().cast()), _mm512_loadu_si512(block.as_ptr().add(1).cast())) };
        *mask = _mm512_test_epi8_mask(first.look_up(bytes), second.look_up(next));
    }
}
