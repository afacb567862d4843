//! The same with the vectors of AVX2.

use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};

use super::aligned::{Aligned, aligned};
use super::scalar::{self, Slot, TokenBytes};

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S], ahead: &[B]) {
    scalar::widen(tokens, out, ahead);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn widen_pair<B: TokenBytes, S: Slot, L: Slot>(tokens: &[B], out: &mut [S], next: &mut [L], ahead: &[B]) {
    scalar::widen_pair(tokens, out, next, ahead);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn count_up(out: &mut [i32], first: i32) {
    scalar::count_up(out, first);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn stream<S: Slot>(from: &[S], out: &mut [S]) {
    let Aligned { vectors, source, to } = aligned::<_, __m256i>(from, out);
    for vector in 0..vectors {
        // SAFETY: there are `vectors` whole vectors at both, and `to` is aligned to one.
        unsafe { _mm256_stream_si256(to.add(vector), _mm256_loadu_si256(source.add(vector))) };
    }
}
