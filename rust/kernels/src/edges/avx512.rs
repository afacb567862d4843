//! The places 0 to 63 as bytes, those of the set bits pushed together (VBMI2), widened, and stored whole.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_cvtepu8_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8,
    _mm512_set1_epi32, _mm512_storeu_si512,
};

use super::changes;

const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// Places widened at once.
const LANES: usize = 16;

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
pub fn edges(masks: &[u64], mut inside: bool, base: u32, edges: &mut Vec<u32>) -> bool {
    // SAFETY: the table has 64 bytes; the load needs no alignment.
    let places: __m512i = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    edges.reserve(64 * masks.len());
    let mut length = edges.len();
    for (index, &mask) in masks.iter().enumerate() {
        let changed = changes(mask, inside);
        inside = mask >> 63 == 1;
        let start = _mm512_set1_epi32((base + 64 * index as u32) as i32);
        let mut bytes = [0u8; 64];
        // SAFETY: `bytes` has 64 bytes; the store needs no alignment.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(changed, places)) };
        let count = changed.count_ones() as usize;
        let mut written = 0;
        while written < count {
            // SAFETY: `written` is 0, 16, 32 or 48, so 16 bytes lie behind it; the load needs no alignment. Room for
            // 64 edges a block was reserved, of which earlier blocks have used at most theirs: 64 more fit behind
            // `length`.
            unsafe {
                let some = _mm_loadu_si128(bytes.as_ptr().add(written).cast());
                let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(some), start);
                _mm512_storeu_si512(edges.as_mut_ptr().add(length + written).cast(), places);
            }
            written += LANES;
        }
        length += count;
    }
    // SAFETY: the first `length` places were written above or were there before; the capacity is at least that.
    unsafe { edges.set_len(length) };
    inside
}
