//! Pieces of up to sixteen bytes as two numbers each, as [`crate::word_keys`] has those of up to eight as one.
//!
//! Called for a tier through [`crate::byte_classes::Classifier`].

pub(crate) mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

use crate::word_keys::KEY_BYTES;

const FIRST: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xC2B2_AE3D_27D4_EB4F;
const LAST: u64 = 0xD6E8_FEB8_6659_FD93;

/// All high bits depend on all of the key.
#[inline(always)]
pub fn hash(words: [u64; 2]) -> u64 {
    let sum = words[0].wrapping_mul(FIRST).wrapping_add(words[1].wrapping_mul(SECOND));
    (sum ^ sum >> 32).wrapping_mul(LAST)
}

/// The keys of the pieces between `places` that `numbers` tell, sixteen bytes each at most, and their hashes. Each place has sixteen
/// bytes of `text` behind it.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub text: &'a [u8],
    pub places: &'a [u32],
    pub numbers: &'a [u16],
    pub keys: &'a mut [[u64; 2]],
    pub hashes: &'a mut [u64],
}

impl Wanted<'_> {
    /// How many keys there are, the last piece, and the last place that a key may be read from.
    #[inline(always)]
    fn bounds(&self) -> (usize, usize, usize) {
        let count = self.numbers.len().min(self.keys.len()).min(self.hashes.len());
        assert!(self.text.len() >= 2 * KEY_BYTES && self.places.len() >= 2);
        (count, self.places.len() - 2, self.text.len() - 2 * KEY_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_classes::{Classifier, Scalar};
    use crate::word_keys::word_key;

    fn keys(classifier: impl Classifier, text: &[u8], places: &[u32], numbers: &[u16]) -> (Vec<[u64; 2]>, Vec<u64>) {
        let (mut keys, mut hashes) = (vec![[0; 2]; numbers.len()], vec![0; numbers.len()]);
        classifier.double_keys(Wanted { text, places, numbers, keys: &mut keys, hashes: &mut hashes });
        (keys, hashes)
    }

    fn on_tiers(text: &[u8], places: &[u32], numbers: &[u16]) -> (Vec<[u64; 2]>, Vec<u64>) {
        let expected = keys(Scalar, text, places, numbers);
        #[cfg(target_arch = "x86_64")]
        {
            use crate::byte_classes::{Avx2, Avx512};
            if let Some(tier) = Avx2::new() {
                assert_eq!(keys(tier, text, places, numbers), expected);
            }
            if let Some(tier) = Avx512::new() {
                assert_eq!(keys(tier, text, places, numbers), expected);
            }
        }
        expected
    }

    #[test]
    fn a_key_is_that_of_both_halves_on_every_tier() {
        let text: Vec<u8> = (0..700u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for count in 0..30 {
            let places: Vec<u32> = (0..=count.max(1)).map(|number| number * 11 + number * number % 7).collect();
            let numbers: Vec<u16> = (0..count as u16).rev().collect();
            let (keys, hashes) = on_tiers(&text, &places, &numbers);
            for ((&number, &key), &found) in numbers.iter().zip(&keys).zip(&hashes) {
                let (start, end) = (places[number as usize] as usize, places[number as usize + 1] as usize);
                let word = |at: usize| u64::from_le_bytes(text[at..at + 8].try_into().unwrap_or_default());
                let (length, second) = (end - start, (end - start).saturating_sub(8));
                assert_eq!(key, [word_key(word(start), length), word_key(word(start + 8), second)]);
                assert_eq!(found, hash(key));
            }
        }
    }

    #[test]
    fn hashes_spread_by_their_high_bits() {
        let text: Vec<u8> = (0..1_000_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let places: Vec<u32> = (0..1000).map(|number| number * 997).collect();
        let numbers: Vec<u16> = (0..999).collect();
        let mut buckets: Vec<u64> = keys(Scalar, &text, &places, &numbers).1.iter().map(|hash| hash >> 52).collect();
        buckets.sort_unstable();
        buckets.dedup();
        assert!(buckets.len() > 800, "{}", buckets.len());
    }

    #[test]
    fn what_is_not_there_reads_nothing_beyond() {
        let text = [b'x'; 16];
        let expected = on_tiers(&text, &[0, 9, 16, 1000, u32::MAX], &[0, 1, 2, 3, 4, 500, u16::MAX]);
        assert_eq!(expected.0.len(), 7);
    }
}
