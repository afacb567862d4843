//! Where runs of set bits begin and end: the step from a bit a byte to a list of words.
//!
//! Cost: a few cycles a block of 64 bits however many runs it has, with AVX-512; a loop over the edges without.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

/// Append to `edges` the place of every bit that differs from the bit before it, `base` added; bit i of `masks[j]` is
/// place 64 j + i. `inside` is the bit before the first. Returns the last bit, to be given for the next call.
///
/// Places must fit: `base + 64 * masks.len()` is at most 2^32 - 1.
pub fn edges(masks: &[u64], inside: bool, base: u32, edges: &mut Vec<u32>) -> bool {
    edges_on(tier::current(), masks, inside, base, edges)
}

/// [`edges`] on a given tier, or the best below it that this CPU has.
pub fn edges_on(tier: Tier, masks: &[u64], inside: bool, base: u32, edges: &mut Vec<u32>) -> bool {
    assert!(base as usize + 64 * masks.len() <= u32::MAX as usize);
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX-512 with BW, VBMI2 and POPCNT.
        Tier::Avx512 => unsafe { avx512::edges(masks, inside, base, edges) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, so it has BMI1 and LZCNT.
        Tier::Avx2 => unsafe { with_bit_instructions(masks, inside, base, edges) },
        _ => scalar::edges(masks, inside, base, edges),
    }
}

/// The same source with the instructions that count and clear bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
fn with_bit_instructions(masks: &[u64], inside: bool, base: u32, edges: &mut Vec<u32>) -> bool {
    scalar::edges(masks, inside, base, edges)
}

/// The bits of `mask` that differ from the one before.
#[inline(always)]
fn changes(mask: u64, inside: bool) -> u64 {
    mask ^ (mask << 1 | u64::from(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_equals_the_definition() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        };
        let mut cases = vec![vec![], vec![0], vec![u64::MAX; 3], vec![0x5555_5555_5555_5555; 2], vec![1 << 63, 1]];
        for length in 1..20 {
            cases.push((0..length).map(|_| next()).collect());
            cases.push((0..length).map(|_| next() & next() & next()).collect());
            cases.push((0..length).map(|_| next() | next() | next()).collect());
        }
        for masks in cases {
            for inside in [false, true] {
                let mut expected = vec![7];
                let mut before = inside;
                for place in 0..masks.len() * 64 {
                    let bit = masks[place / 64] >> (place % 64) & 1 == 1;
                    if bit != before {
                        expected.push(place as u32 + 100);
                    }
                    before = bit;
                }
                for tier in tier::available() {
                    let mut found = vec![7];
                    assert_eq!(edges_on(tier, &masks, inside, 100, &mut found), before, "{}", tier.name());
                    assert_eq!(found, expected, "{}", tier.name());
                }
            }
        }
    }
}
