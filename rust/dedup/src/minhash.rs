//! MinHash signatures (Broder 1997): the chance that two sets agree in one slot is their Jaccard similarity.
//!
//! Scheme "tokenfoundry", version 2: n-grams as in `shingle`; the low 32 bits of each hash; k permutations of the 32-bit
//! integers as in `tokenfoundry_kernels::permute_min_halves`, whose 16-bit multipliers are drawn by SplitMix64 of the
//! seed. Golden values in the tests pin it. (Version 1, never released, had affine permutations mod 2^32.)
//!
//! Cost of a shingle: k multiply-adds of 16 bits; nothing is allocated.

use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::permute_min_halves::permute_min_halves;

use crate::shingle::{Shingler, Unit};

/// Of the scheme: changes whenever a signature would.
pub const VERSION: u32 = 2;

/// Shingles permuted at once: the more, the cheaper each, until they leave the first cache.
const SHINGLES_AT_ONCE: usize = 4096;

#[derive(Clone, Debug)]
pub struct MinHash {
    unit: Unit,
    ngram: usize,
    multipliers: Vec<u16>,
}

/// Scratch of one thread.
pub struct Scratch {
    shingler: Shingler,
    low: Vec<u32>,
}

/// Multipliers whose low nine bits differ among each 512: the difference of two is then never a multiple of 512, so the
/// first parts of any two permutations share at most 8 of their 16 bits' randomness.
fn multipliers(count: usize, seed: u64) -> Vec<u16> {
    const GROUP: usize = 512;
    let mut made = Vec::with_capacity(count);
    let mut used = [false; GROUP];
    let start = mix64(seed);
    let draws = (0u64..).map(|index| (mix64(start.wrapping_add(index)) >> 48) as u16);
    for draw in draws {
        if made.len() == count {
            break;
        }
        if !std::mem::replace(&mut used[usize::from(draw) % GROUP], true) {
            made.push(draw);
            if made.len() % GROUP == 0 {
                used = [false; GROUP];
            }
        }
    }
    made
}

impl MinHash {
    pub fn new(num_perm: usize, unit: Unit, ngram: usize, seed: u64) -> Self {
        Self { unit, ngram, multipliers: multipliers(num_perm, seed) }
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
        low.clear();
        let mut count = 0;
        shingler.visit(text, |shingles| {
            count += shingles.len();
            low.extend(shingles.iter().map(|&hash| hash as u32));
            if low.len() >= SHINGLES_AT_ONCE {
                permute_min_halves(low, &self.multipliers, signature);
                low.clear();
            }
        });
        permute_min_halves(low, &self.multipliers, signature);
        count
    }

    /// The signature of a set of shingles that was made before.
    pub fn signature_of_set(&self, set: &[u64], scratch: &mut Scratch, signature: &mut [u32]) {
        scratch.low.clear();
        scratch.low.extend(set.iter().map(|&hash| hash as u32));
        self.signature_of_hashes(&scratch.low, signature);
    }

    /// The same from the low halves of the hashes.
    pub fn signature_of_hashes(&self, low: &[u32], signature: &mut [u32]) {
        signature.fill(u32::MAX);
        permute_min_halves(low, &self.multipliers, signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signatures may be on disk: these numbers may never change while the scheme's version is 2.
    #[test]
    fn golden() {
        let mut signature = [0; 4];
        let minhash = MinHash::new(4, Unit::Words, 2, 1);
        minhash.signature(b"the quick brown fox", &mut minhash.scratch(), &mut signature);
        assert_eq!(signature, GOLDEN);
    }

    const GOLDEN: [u32; 4] = [643_690_610, 1_648_926_749, 1_621_073_949, 2_550_812_481];
}
