//! Fold ASCII for word splitting, 64 bytes at a time: word bytes (letters, digits, underscore) lower-cased, every other
//! byte zero, and one bit a byte that says which is which.
//!
//! Splitting text into words is where deduplication spends its time; with this, finding the words of English costs
//! less than hashing them. Not for text that is mostly not ASCII: it stops at the first such byte's block.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Bytes of one block, bits of one mask.
pub const BLOCK: usize = 64;

/// Write the folded `input` and one mask a block (bit i: byte i belongs to a word); stop before the first block
/// that holds a byte of 0x80 or more. Returns the number of bytes done, a multiple of [`BLOCK`].
///
/// `folded` must be at least as long as `input`, `masks` at least `input.len() / BLOCK`; a last part of less than a
/// block is not touched.
pub fn fold_ascii(input: &[u8], folded: &mut [u8], masks: &mut [u64]) -> usize {
    fold_ascii_on(tier::current(), input, folded, masks)
}

/// [`fold_ascii`] on a given tier, or the best below it that this CPU has.
pub fn fold_ascii_on(tier: Tier, input: &[u8], folded: &mut [u8], masks: &mut [u64]) -> usize {
    assert!(folded.len() >= input.len() && masks.len() >= input.len() / BLOCK);
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with BW and VBMI.
        Tier::Avx512 => unsafe { avx512::fold_ascii(input, folded, masks) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2.
        Tier::Avx2 => unsafe { avx2::fold_ascii(input, folded, masks) },
        _ => scalar::fold_ascii(input, folded, masks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_tiers_agree(input: &[u8]) {
        let run = |tier| {
            let (mut folded, mut masks) = (vec![0xAA; input.len()], vec![7; input.len() / BLOCK]);
            let done = fold_ascii_on(tier, input, &mut folded, &mut masks);
            (done, folded, masks)
        };
        let expected = run(Tier::Scalar);
        for tier in tier::available() {
            assert_eq!(run(tier), expected, "{}", tier.name());
        }
    }

    #[test]
    fn every_byte_at_every_place_and_length() {
        for length in [0, 1, 63, 64, 65, 128, 200, 256] {
            for first in 0..=255u8 {
                let input: Vec<u8> = (0..length).map(|at| first.wrapping_add((at * 7 % 251) as u8) & 0x7F).collect();
                all_tiers_agree(&input);
            }
        }
        for place in 0..192 {
            for byte in [0x7F, 0x80, 0xC3, 0xFF] {
                let mut input = vec![b'A'; 192];
                input[place] = byte;
                all_tiers_agree(&input);
            }
        }
    }

    #[test]
    fn by_hand() {
        let (mut folded, mut masks) = (vec![7; 64], vec![0; 1]);
        let input = format!("{:64}", "Hello, WORLD_1! @[`{/:");
        assert_eq!(fold_ascii(input.as_bytes(), &mut folded, &mut masks), 64);
        assert!(folded.starts_with(b"hello\0\0world_1\0\0\0\0\0\0\0\0\0"));
        assert_eq!(masks[0], 0b11_1111_1001_1111);
    }
}
