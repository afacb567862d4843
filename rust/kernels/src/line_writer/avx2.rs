//! Whole lines with the vectors of AVX2: a line is two stores.
//!
//! All functions are given as many tokens as the lines have slots, or more.

use std::arch::x86_64::*;

use super::{Lines, MOST};
use crate::prefetch::prefetch;
use crate::token_copy::Slot;

/// # Safety
/// The slots are of the lines' width.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) unsafe fn copy<S: Slot>(line: &[S; MOST], lines: Lines<S>) {
    let (from, to) = (line.as_ptr().cast::<__m256i>(), lines.to.cast::<__m256i>());
    // SAFETY: an array of two vectors at least, and a line to write.
    unsafe {
        _mm256_stream_si256(to, _mm256_loadu_si256(from));
        _mm256_stream_si256(to.add(1), _mm256_loadu_si256(from.add(1)));
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn fill<S: Slot>(value: S, lines: Lines<S>) {
    let values = [value; MOST];
    // SAFETY: an array of a vector at least; `lines` has as many aligned ones.
    unsafe {
        let vector = _mm256_loadu_si256(values.as_ptr().cast());
        for half in 0..2 * lines.count {
            _mm256_stream_si256(lines.to.cast::<__m256i>().add(half), vector);
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn count_up(first: i32, lines: Lines<i32>) {
    let mut next = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    for half in 0..2 * lines.count {
        // SAFETY: `lines` has as many aligned ones.
        unsafe { _mm256_stream_si256(lines.to.cast::<__m256i>().add(half), next) };
        next = _mm256_add_epi32(next, _mm256_set1_epi32(8));
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn tokens<S: Slot>(tokens: &[u32], ahead: &[u32], lines: Lines<S>) {
    let to = lines.to.cast::<__m256i>();
    let per_half = 32 / size_of::<S>();
    for half in 0..2 * lines.count {
        let first = half * per_half;
        if first.is_multiple_of(16) {
            prefetch(ahead, first);
        }
        // SAFETY: there are tokens for all lines, and as many aligned lines.
        unsafe {
            let from = tokens.as_ptr().add(first);
            _mm256_stream_si256(to.add(half), load::<S>(from));
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn masked_tokens<S: Slot>(tokens: &[u32], mask: &[u8], otherwise: S, lines: Lines<S>) {
    let to = lines.to.cast::<__m256i>();
    let values = [otherwise; MOST];
    // SAFETY: an array of a vector at least.
    let otherwise = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
    let per_half = 32 / size_of::<S>();
    for half in 0..2 * lines.count {
        // SAFETY: there are tokens and bytes for all lines, and as many aligned lines.
        unsafe {
            let bytes = mask.as_ptr().add(half * per_half);
            let skipped = if size_of::<S>() == 4 {
                let bytes = _mm_loadl_epi64(bytes.cast());
                _mm256_cvtepi8_epi32(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))
            } else {
                let bytes = _mm_cvtsi32_si128(bytes.cast::<i32>().read_unaligned());
                _mm256_cvtepi8_epi64(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))
            };
            let some = load::<S>(tokens.as_ptr().add(half * per_half));
            _mm256_stream_si256(to.add(half), _mm256_blendv_epi8(some, otherwise, skipped));
        }
    }
}

/// A vector of slots from tokens.
///
/// # Safety
/// There are so many.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load<S: Slot>(from: *const u32) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe {
        if size_of::<S>() == 4 {
            _mm256_loadu_si256(from.cast())
        } else {
            _mm256_cvtepu32_epi64(_mm_loadu_si128(from.cast()))
        }
    }
}
