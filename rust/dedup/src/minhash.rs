//! MinHash signatures (Broder 1997): the chance that two sets agree in one slot is their Jaccard similarity.
//!
//! Scheme "tokenfoundry", version 1: n-grams as in `shingle`; the low 32 bits of each hash; k affine permutations
//! of the 32-bit integers whose coefficients are SplitMix64 of the seed. Golden values in the tests pin it.
//!
//! Cost of a shingle: k multiply-adds, 3.3 ns for k = 128 with AVX2; nothing is allocated.

use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::permute_min::permute_min;

use crate::shingle::{Shingler, Unit};

#[derive(Clone, Debug)]
pub struct MinHash {
    unit: Unit,
    ngram: usize,
    multipliers: Vec<u32>,
    increments: Vec<u32>,
}

/// Scratch of one thread.
pub struct Scratch {
    shingler: Shingler,
    low: Vec<u32>,
}

impl MinHash {
    pub fn new(num_perm: usize, unit: Unit, ngram: usize, seed: u64) -> Self {
        let draw = |index: usize| mix64(mix64(seed).wrapping_add(index as u64));
        Self {
            unit,
            ngram,
            multipliers: (0..num_perm).map(|index| (draw(index) >> 32) as u32 | 1).collect(),
            increments: (0..num_perm).map(|index| draw(index) as u32).collect(),
        }
    }

    pub fn num_perm(&self) -> usize {
        self.multipliers.len()
    }

    pub fn scratch(&self) -> Scratch {
        Scratch { shingler: Shingler::new(self.unit, self.ngram), low: Vec::new() }
    }

    /// Write the signature of `text`; without a shingle every slot is `u32::MAX`. Returns the number of shingles.
    pub fn signature(&self, text: &[u8], scratch: &mut Scratch, signature: &mut [u32]) -> usize {
        signature.fill(u32::MAX);
        let Scratch { shingler, low } = scratch;
        let mut count = 0;
        shingler.visit(text, |shingles| {
            low.clear();
            low.extend(shingles.iter().map(|&hash| hash as u32));
            count += low.len();
            permute_min(low, &self.multipliers, &self.increments, signature);
        });
        count
    }

    /// The signature of a set of shingles that was made before.
    pub fn signature_of_set(&self, set: &[u64], signature: &mut [u32]) {
        signature.fill(u32::MAX);
        let low: Vec<u32> = set.iter().map(|&hash| hash as u32).collect();
        permute_min(&low, &self.multipliers, &self.increments, signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signatures may be on disk: these numbers may never change while the scheme's version is 1.
    #[test]
    fn golden() {
        let mut signature = [0; 4];
        let minhash = MinHash::new(4, Unit::Words, 2, 1);
        minhash.signature(b"the quick brown fox", &mut minhash.scratch(), &mut signature);
        assert_eq!(signature, GOLDEN);
    }

    const GOLDEN: [u32; 4] = [1_825_231_477, 3_240_444_139, 2_339_769_396, 300_429_375];
}
