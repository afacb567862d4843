//! The same with the vectors of AVX-512: eight indices at once.

use super::{Feistel, scalar};

#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn all_through(feistel: &Feistel, indices: &[i64], found: &mut [i64]) -> bool {
    scalar::all_through::<true>(feistel, indices, found)
}
