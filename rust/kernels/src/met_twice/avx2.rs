//! The same, compiled for CPUs with BMI2.

use super::{MetTwice, scalar};

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub fn mark(met: &mut MetTwice, keys: &[u32]) {
    scalar::mark(met, keys);
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
pub fn select(met: &MetTwice, keys: &[u32], documents: &[u32], selected: &mut Vec<u64>) {
    scalar::select(met, keys, documents, selected);
}
