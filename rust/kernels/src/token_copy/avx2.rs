//! The same with the vectors of AVX2.

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
