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

/// Which bytes are 0x80 or more, and which 0xC0 or more.
#[cfg_attr(target_arch = "x86_64", allow(dead_code))]
pub fn utf8_bits(block: &[u8; BLOCK]) -> (u64, u64) {
    let (mut high, mut leads) = (0, 0);
    for (at, &byte) in block.iter().enumerate() {
        high |= u64::from(byte >= 0x80) << at;
        leads |= u64::from(byte >= 0xC0) << at;
    }
    (high, leads)
}
