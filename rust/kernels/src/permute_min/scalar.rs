//! The definition.

#[inline(always)]
pub fn permute_min(hashes: &[u32], multipliers: &[u32], increments: &[u32], minima: &mut [u32]) {
    for ((minimum, &multiplier), &increment) in minima.iter_mut().zip(multipliers).zip(increments) {
        for &hash in hashes {
            *minimum = (*minimum).min(multiplier.wrapping_mul(hash).wrapping_add(increment));
        }
    }
}
