//! A keyed permutation of `0..size`, computed on the spot: a global shuffle without an index in memory.
//!
//! A Feistel network of four rounds on a pair of digits (`index = left * width + right`) whose ranges are the square root
//! of `size`, so that fewer than one in `sqrt(size)` results lie outside and are walked on until they are back. Source:
//! Black and Rogaway, "Ciphers with arbitrary finite domains" (2002). About 5 ns each where several are asked for; not
//! for secrets.

use tokenfoundry_base::stable_hash::mix64;

const ROUNDS: usize = 4;

#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    size: u64,
    /// Ranges of the left and the right digit; their product is `size` or a little more.
    height: u64,
    width: u64,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// `size` is at most 2^62, so that digits have 31 bits; of nothing there is no permutation to ask.
    pub fn new(size: u64, key: u64) -> Self {
        let size = size.clamp(1, 1 << 62);
        let height = (size.isqrt() + u64::from(size.isqrt().pow(2) < size)).max(1);
        let mut keys = [0; ROUNDS];
        for (round, slot) in (0..).zip(&mut keys) {
            *slot = mix64(key ^ mix64(round));
        }
        Self { size, height, width: size.div_ceil(height), keys }
    }

    /// Where `index`, below `size`, goes.
    #[inline]
    pub fn apply(&self, index: u64) -> u64 {
        let mut at = index;
        loop {
            let (mut left, mut right) = if (at | self.width) >> 32 == 0 {
                // Division of 32 bits takes half the time.
                (u64::from(at as u32 / self.width as u32), u64::from(at as u32 % self.width as u32))
            } else {
                (at / self.width, at % self.width)
            };
            for pair in self.keys.chunks_exact(2) {
                left = moved(left, right ^ pair[0], self.height);
                right = moved(right, left ^ pair[1], self.width);
            }
            at = left * self.width + right;
            if at < self.size {
                return at;
            }
        }
    }
}

/// `digit` moved on within its range by an amount that all bits of `other` decide.
#[inline(always)]
fn moved(digit: u64, other: u64, range: u64) -> u64 {
    let mixed = other.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let sum = digit + (((mixed >> 32) * range) >> 32);
    if sum >= range { sum - range } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_permuted() {
        for size in (1..200).chain([1000, 4096, 4097, 65_537]) {
            let permutation = Permutation::new(size, size.wrapping_mul(77));
            let mut seen = vec![false; size as usize];
            for index in 0..size {
                let place = permutation.apply(index) as usize;
                assert!(!std::mem::replace(&mut seen[place], true));
            }
        }
        let large = Permutation::new(1 << 62, 5);
        assert!(large.apply((1 << 62) - 1) < 1 << 62);
    }

    /// The order of samples is part of what a state promises: these numbers may not change within a version.
    #[test]
    fn golden() {
        let permutation = Permutation::new(1_000_000, 42);
        let found: Vec<u64> = (0..4).map(|index| permutation.apply(index)).collect();
        assert_eq!(found, GOLDEN);
    }

    const GOLDEN: [u64; 4] = [732_697, 880_580, 672_882, 854_743];
}
