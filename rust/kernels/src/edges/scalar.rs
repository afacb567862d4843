//! The definition, which writes four edges at a time: how many a block has is hard to foresee, how many fours less so.

use super::changes;

#[inline(always)]
pub fn edges(masks: &[u64], mut inside: bool, base: u32, edges: &mut Vec<u32>) -> bool {
    let mut block = [0u32; 64 + 4];
    for (index, &mask) in masks.iter().enumerate() {
        let start = base + 64 * index as u32;
        let mut left = changes(mask, inside);
        inside = mask >> 63 == 1;
        let count = left.count_ones() as usize;
        let mut written = 0;
        while written < count {
            for slot in &mut block[written..written + 4] {
                *slot = start + left.trailing_zeros();
                left &= left.wrapping_sub(1);
            }
            written += 4;
        }
        edges.extend_from_slice(&block[..count]);
    }
    inside
}
