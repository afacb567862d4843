//! The definition.

use super::BLOCK;

pub fn fold_ascii(input: &[u8], lowered: &mut [u8], masks: &mut [u64]) -> usize {
    let mut done = 0;
    for (block, mask) in input.chunks_exact(BLOCK).zip(masks) {
        if !block.is_ascii() {
            break;
        }
        let mut bits = 0;
        for (at, (&byte, lower)) in block.iter().zip(&mut lowered[done..done + BLOCK]).enumerate() {
            *lower = byte.to_ascii_lowercase();
            bits |= u64::from(byte.is_ascii_alphanumeric() || byte == b'_') << at;
        }
        *mask = bits;
        done += BLOCK;
    }
    done
}
