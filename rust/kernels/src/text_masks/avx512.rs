//! 64 bytes a vector, whose comparisons give masks.

use std::arch::x86_64::{
    __m512i, _mm512_cmple_epu8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_sub_epi8,
};

use super::{BLOCK, Masks};

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn between(bytes: __m512i, first: u8, last: u8) -> u64 {
    let above = _mm512_sub_epi8(bytes, _mm512_set1_epi8(first as i8));
    _mm512_cmple_epu8_mask(above, _mm512_set1_epi8((last - first) as i8))
}

#[target_feature(enable = "avx512f,avx512bw")]
pub fn text_masks(text: &[u8], masks: &mut [Masks]) {
    for (block, masks) in text.chunks_exact(BLOCK).zip(masks) {
        // SAFETY: `block` has 64 bytes, all of which the load reads; it needs no alignment.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
        *masks = Masks {
            alphanumeric: between(lower, b'a', b'z') | between(bytes, b'0', b'9'),
            space: between(bytes, 0x09, 0x0D) | between(bytes, 0x1C, 0x20),
            foreign: _mm512_movepi8_mask(bytes),
        };
    }
}
