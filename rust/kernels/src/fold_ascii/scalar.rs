//! The definition.

use super::BLOCK;

pub fn fold_ascii(input: &[u8], folded: &mut [u8], masks: &mut [u64]) -> usize {
    let mut done = 0;
    for (block, mask) in input.chunks_exact(BLOCK).zip(masks) {
        if !block.is_ascii() {
            break;
        }
        let mut bits = 0;
        for (at, (&byte, target)) in block.iter().zip(&mut folded[done..done + BLOCK]).enumerate() {
            let word = byte.is_ascii_alphanumeric() || byte == b'_';
            *target = if word { byte.to_ascii_lowercase() } else { 0 };
            bits |= u64::from(word) << at;
        }
        *mask = bits;
        done += BLOCK;
    }
    done
}
