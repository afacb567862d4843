//! A bitmap that tells which of many keys may occur twice: two bits a place, met and met again.
//!
//! A key's place is its upper bits, which must be spread evenly. Keys that share a place by chance are told as met twice too;
//! none that is met twice is left out. With BMI2 a shift by a number that is known at run time only is one instruction instead of
//! three, which is a third of the time; with AVX-512 sixteen keys are looked up at once.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::tier::{self, Tier};

const PLACES_A_WORD: u32 = 32;

/// Reuse one for many sets of keys.
#[derive(Debug, Default)]
pub struct MetTwice {
    words: Vec<u64>,
    /// How many upper bits of a key are its place; from 5 to 32.
    bits: u32,
}

impl MetTwice {
    /// Forget all keys. Makes 2^`bits` places; `bits` is taken as 5 to 32. Memory: a quarter byte a place.
    pub fn reset(&mut self, bits: u32) {
        self.bits = bits.clamp(PLACES_A_WORD.trailing_zeros(), u32::BITS);
        self.words.clear();
        self.words.resize(((1u64 << self.bits) / u64::from(PLACES_A_WORD)) as usize, 0);
    }

    /// Remember some more keys.
    pub fn mark(&mut self, keys: &[u32]) {
        self.mark_on(tier::current(), keys);
    }

    /// [`MetTwice::mark`] on a given tier, or the best below it that this CPU has.
    pub fn mark_on(&mut self, tier: Tier, keys: &[u32]) {
        match tier.min(tier::detected()) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2 and BMI2.
            Tier::Avx2 | Tier::Avx512 => unsafe { avx2::mark(self, keys) },
            _ => scalar::mark(self, keys),
        }
    }

    /// Append `key << 32 | document` for each key that may have been marked twice; `documents` has one for each of `keys`.
    pub fn select(&self, keys: &[u32], documents: &[u32], selected: &mut Vec<u64>) {
        self.select_on(tier::current(), keys, documents, selected);
    }

    /// [`MetTwice::select`] on a given tier, or the best below it that this CPU has.
    pub fn select_on(&self, tier: Tier, keys: &[u32], documents: &[u32], selected: &mut Vec<u64>) {
        assert!(keys.len() == documents.len());
        match tier.min(tier::detected()) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and it has AVX-512.
            Tier::Avx512 => unsafe { avx512::select(self, keys, documents, selected) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Tier::Avx2 => unsafe { avx2::select(self, keys, documents, selected) },
            _ => scalar::select(self, keys, documents, selected),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_tier_selects_what_shares_a_place() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let mut met = MetTwice::default();
        for bits in [0, 5, 6, 9, 16] {
            for count in [0, 1, 2, 31, 127, 128, 129, 300, 1000] {
                let mut keys: Vec<u32> = (0..count).map(|_| next()).collect();
                (0..count / 5).for_each(|at| keys[at * 4] = keys[count - 1 - at]);
                let documents: Vec<u32> = (0..count as u32).map(|at| at * 3).collect();
                let mut places: HashMap<u32, usize> = HashMap::new();
                keys.iter().for_each(|key| *places.entry(key >> (32 - bits.max(5))).or_default() += 1);
                let expected: Vec<u64> = keys
                    .iter()
                    .zip(&documents)
                    .filter(|(key, _)| places[&(**key >> (32 - bits.max(5)))] > 1)
                    .map(|(&key, &document)| u64::from(key) << 32 | u64::from(document))
                    .collect();
                for tier in tier::available() {
                    met.reset(bits);
                    let (first, rest) = keys.split_at(count / 3);
                    met.mark_on(tier, first);
                    met.mark_on(tier, rest);
                    let mut selected = vec![7];
                    met.select_on(tier, &keys, &documents, &mut selected);
                    assert_eq!(selected[0], 7);
                    assert_eq!(selected[1..], expected, "{} {bits} {count}", tier.name());
                }
            }
        }
    }
}
