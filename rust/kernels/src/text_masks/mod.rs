//! Which bytes of a text are ASCII letters and digits, ASCII white space, or not ASCII: one bit a byte, 64 a word.
//!
//! With these, finding where words begin and end is counting zeros instead of looking at bytes. White space is Python's:
//! tab to carriage return, the separators 0x1C to 0x1F, and the space.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Bytes of one block, bits of one mask.
pub const BLOCK: usize = 64;

/// The masks of 64 bytes; bit i is byte i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Masks {
    /// ASCII letters and digits.
    pub alphanumeric: u64,
    /// ASCII white space; also what lies behind the end of the text.
    pub space: u64,
    /// Bytes of 0x80 and more.
    pub foreign: u64,
}

/// What lies behind the end.
const END: Masks = Masks { alphanumeric: 0, space: u64::MAX, foreign: 0 };

/// Fill `masks` with those of `text`, and one block more of what lies behind its end.
pub fn text_masks(text: &[u8], masks: &mut Vec<Masks>) {
    text_masks_on(tier::current(), text, masks);
}

/// [`text_masks`] on a given tier, or the best below it that this CPU has.
pub fn text_masks_on(tier: Tier, text: &[u8], masks: &mut Vec<Masks>) {
    let blocks = text.len() / BLOCK;
    let (whole, rest) = text.split_at(blocks * BLOCK);
    masks.clear();
    masks.resize(blocks, END);
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 F and BW.
        Tier::Avx512 => unsafe { avx512::text_masks(whole, masks) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2.
        Tier::Avx2 => unsafe { avx2::text_masks(whole, masks) },
        _ => scalar::text_masks(whole, masks),
    }
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    masks.push(scalar::block(&last));
    masks.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_scalar() {
        for length in [0, 1, 63, 64, 65, 127, 128, 300] {
            for first in 0..=255u8 {
                let text: Vec<u8> = (0..length).map(|at| first.wrapping_add((at * 37 % 251) as u8)).collect();
                let run = |tier| {
                    let mut masks = vec![Masks::default(); 3];
                    text_masks_on(tier, &text, &mut masks);
                    masks
                };
                let expected = run(Tier::Scalar);
                for tier in tier::available() {
                    assert_eq!(run(tier), expected, "{}", tier.name());
                }
            }
        }
    }

    #[test]
    fn by_hand() {
        let mut masks = Vec::new();
        text_masks("a1 _é\n".as_bytes(), &mut masks);
        assert_eq!(masks.len(), 2);
        assert_eq!(masks[0], Masks { alphanumeric: 0b11, space: !0b11_1011, foreign: 0b11_0000 });
    }
}
