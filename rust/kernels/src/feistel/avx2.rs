//! The same with the vectors of AVX2: four indices at once.

use super::{Feistel, scalar};

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn all_through(feistel: &Feistel, indices: &[i64], found: &mut [i64]) -> bool {
    scalar::all_through::<false>(feistel, indices, found)
}
