//! The same with the vectors of AVX2.

use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};

use super::scalar::{self, Slot, TokenBytes};

const VECTOR_BYTES: usize = 32;

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S]) {
    scalar::widen(tokens, out);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn count_up(out: &mut [i32], first: i32) {
    scalar::count_up(out, first);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn stream<S: Slot>(from: &[S], out: &mut [S]) {
    // Stores that go past the caches have to be aligned; what lies before and behind is copied.
    let per_vector = VECTOR_BYTES / size_of::<S>();
    let before = out.as_ptr().align_offset(VECTOR_BYTES).min(out.len());
    let vectors = (out.len() - before) / per_vector;
    let behind = before + vectors * per_vector;
    out[..before].copy_from_slice(&from[..before]);
    let (to, source) =
        (out[before..behind].as_mut_ptr().cast::<__m256i>(), from[before..behind].as_ptr().cast::<__m256i>());
    for vector in 0..vectors {
        // SAFETY: both slices have `vectors` whole vectors, and `to` is aligned to one because `before` was chosen so.
        unsafe { _mm256_stream_si256(to.add(vector), _mm256_loadu_si256(source.add(vector))) };
    }
    out[behind..].copy_from_slice(&from[behind..]);
}
