//! MinHash signatures (Broder 1997): the chance that two sets agree in one slot is their Jaccard similarity.
//!
//! Scheme "tokenfoundry", version 1: word n-grams as in `shingle`; the low 32 bits of each hash; k affine permutations
//! of the 32-bit integers whose coefficients are SplitMix64 of the seed. Golden values in the tests pin it.

use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::permute_min::permute_min;

use crate::shingle::shingles;

#[derive(Clone, Debug)]
pub struct MinHash {
    ngram: usize,
    multipliers: Vec<u32>,
    increments: Vec<u32>,
}

impl MinHash {
    pub fn new(num_perm: usize, ngram: usize, seed: u64) -> Self {
        let draw = |index: usize| mix64(mix64(seed).wrapping_add(index as u64));
        Self {
            ngram,
            multipliers: (0..num_perm).map(|index| (draw(index) >> 32) as u32 | 1).collect(),
            increments: (0..num_perm).map(|index| draw(index) as u32).collect(),
        }
    }

    pub fn num_perm(&self) -> usize {
        self.multipliers.len()
    }

    pub fn ngram(&self) -> usize {
        self.ngram
    }

    /// Write the signature of `text`; without a shingle every slot is `u32::MAX`. Returns the number of shingles.
    pub fn signature(&self, text: &str, signature: &mut [u32]) -> usize {
        signature.fill(u32::MAX);
        let mut hashes = Vec::new();
        shingles(text, self.ngram, &mut hashes);
        let low: Vec<u32> = hashes.iter().map(|&hash| hash as u32).collect();
        permute_min(&low, &self.multipliers, &self.increments, signature);
        low.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signatures may be on disk: these numbers may never change while the scheme's version is 1.
    #[test]
    fn golden() {
        let mut signature = [0; 4];
        MinHash::new(4, 2, 1).signature("the quick brown fox", &mut signature);
        assert_eq!(signature, GOLDEN);
    }

    const GOLDEN: [u32; 4] = [1_825_231_477, 3_240_444_139, 2_339_769_396, 300_429_375];
}
