//! The same with the vectors of AVX-512.

use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_stream_si512};

use super::aligned::{Aligned, aligned};
use super::scalar::{self, Slot, TokenBytes};

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S]) {
    let before = before_a_line(out).min(tokens.len());
    scalar::widen(&tokens[..before], &mut out[..before]);
    scalar::widen(&tokens[before..], &mut out[before..]);
}

/// Both in one walk where their lines begin at the same token: a token's line is read once, while it is near.
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn widen_pair<B: TokenBytes, S: Slot, L: Slot>(tokens: &[B], out: &mut [S], next: &mut [L]) {
    let before = before_a_line(out);
    if before != before_a_line(next) || size_of::<S>() != size_of::<L>() || out.len() != next.len() {
        widen(tokens, out);
        widen(&tokens[1..], next);
        return;
    }
    scalar::widen_pair(&tokens[..=before], &mut out[..before], &mut next[..before]);
    let tokens = &tokens[before..];
    let (lines, rest) = out[before..].as_chunks_mut::<LANES>();
    let (next_lines, next_rest) = next[before..].as_chunks_mut::<LANES>();
    let done = lines.len() * LANES;
    for ((line, next), tokens) in lines.iter_mut().zip(next_lines).zip(tokens.windows(LANES + 1).step_by(LANES)) {
        scalar::widen(&tokens[..LANES], line);
        scalar::widen(&tokens[1..], next);
    }
    scalar::widen_pair(&tokens[done..], rest, next_rest);
}

const LANES: usize = 16;

/// Slots before the first whole line of the cache: a vector is as long as a line, and one that straddles two costs two
/// stores.
#[inline(always)]
fn before_a_line<S: Slot>(out: &[S]) -> usize {
    out.as_ptr().align_offset(size_of::<__m512i>()).min(out.len())
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn count_up(out: &mut [i32], first: i32) {
    scalar::count_up(out, first);
}

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn stream<S: Slot>(from: &[S], out: &mut [S]) {
    let Aligned { vectors, source, to } = aligned::<_, __m512i>(from, out);
    for vector in 0..vectors {
        // SAFETY: there are `vectors` whole vectors at both, and `to` is aligned to one.
        unsafe { _mm512_stream_si512(to.add(vector), _mm512_loadu_si512(source.add(vector))) };
    }
}
