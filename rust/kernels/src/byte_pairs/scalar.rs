//! The definition, byte by byte.

use super::{BLOCK, BytePairs};

pub fn masks(pairs: &BytePairs, text: &[u8], masks: &mut [u64]) {
    let (first, second) = (&pairs.first.values, &pairs.second.values);
    for (mask, block) in masks.iter_mut().zip(text.windows(BLOCK + 1).step_by(BLOCK)) {
        *mask = 0;
        for (at, two) in block.windows(2).enumerate() {
            *mask |= u64::from(first[two[0] as usize] & second[two[1] as usize] != 0) << at;
        }
    }
}

/// Eight bytes at a time: a product gathers their high bits in its highest byte.
pub fn high_bits(block: &[u8; BLOCK]) -> u64 {
    let mut mask = 0;
    for (at, eight) in block.as_chunks::<8>().0.iter().enumerate() {
        let high = u64::from_le_bytes(*eight) >> 7 & 0x0101_0101_0101_0101;
        mask |= (high.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (at * 8);
    }
    mask
}
