//! Whole lines with the vectors of AVX-512: a line a store.
//!
//! All functions are given as many tokens as the lines have slots, or more.

use std::arch::x86_64::*;

use super::{Lines, MOST};
use crate::prefetch::prefetch;
use crate::token_copy::Slot;

/// # Safety
/// The slots are of the lines' width.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn copy<S: Slot>(line: &[S; MOST], lines: Lines<S>) {
    // SAFETY: an array of a vector at least, and a line to write.
    unsafe { _mm512_stream_si512(lines.to.cast(), _mm512_loadu_si512(line.as_ptr().cast())) };
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn fill<S: Slot>(value: S, lines: Lines<S>) {
    let values = [value; MOST];
    // SAFETY: an array of a vector at least; `lines` has as many aligned ones.
    unsafe {
        let vector = _mm512_loadu_si512(values.as_ptr().cast());
        for line in 0..lines.count {
            _mm512_stream_si512(lines.to.cast::<__m512i>().add(line), vector);
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn count_up(first: i32, lines: Lines<i32>) {
    let mut next = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    next = _mm512_add_epi32(next, _mm512_set1_epi32(first));
    for line in 0..lines.count {
        // SAFETY: `lines` has as many aligned ones.
        unsafe { _mm512_stream_si512(lines.to.cast::<__m512i>().add(line), next) };
        next = _mm512_add_epi32(next, _mm512_set1_epi32(16));
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn tokens<S: Slot>(tokens: &[u32], ahead: &[u32], lines: Lines<S>) {
    let to = lines.to.cast::<__m512i>();
    // SAFETY: there are tokens for all lines, and as many aligned lines.
    unsafe {
        if size_of::<S>() == 4 {
            for line in 0..lines.count {
                prefetch(ahead, line * 16);
                _mm512_stream_si512(to.add(line), _mm512_loadu_si512(tokens.as_ptr().add(line * 16).cast()));
            }
        } else {
            for line in 0..lines.count {
                if line % 2 == 0 {
                    prefetch(ahead, line * 8);
                }
                let some = _mm256_loadu_si256(tokens.as_ptr().add(line * 8).cast());
                _mm512_stream_si512(to.add(line), _mm512_cvtepu32_epi64(some));
            }
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn masked_tokens<S: Slot>(tokens: &[u32], mask: &[u8], otherwise: S, lines: Lines<S>) {
    let to = lines.to.cast::<__m512i>();
    let values = [otherwise; MOST];
    // SAFETY: an array of a vector at least; there are tokens and bytes for all lines, and as many aligned lines.
    unsafe {
        let otherwise = _mm512_loadu_si512(values.as_ptr().cast());
        if size_of::<S>() == 4 {
            for line in 0..lines.count {
                let kept = _mm_loadu_si128(mask.as_ptr().add(line * 16).cast());
                let some = _mm512_loadu_si512(tokens.as_ptr().add(line * 16).cast());
                let kept = _mm_test_epi8_mask(kept, kept);
                _mm512_stream_si512(to.add(line), _mm512_mask_mov_epi32(otherwise, kept, some));
            }
        } else {
            for line in 0..lines.count {
                let kept = _mm_loadl_epi64(mask.as_ptr().add(line * 8).cast());
                let some = _mm512_cvtepu32_epi64(_mm256_loadu_si256(tokens.as_ptr().add(line * 8).cast()));
                let kept = _mm_test_epi8_mask(kept, kept) as u8;
                _mm512_stream_si512(to.add(line), _mm512_mask_mov_epi64(otherwise, kept, some));
            }
        }
    }
}
