//! Pieces of up to eight bytes as one number each, which a table knows them by.
//!
//! A key is the complement of the bytes and of a byte behind them that is in no UTF-8, so that pieces of different lengths
//! differ, and no piece is zero. [`hash`] spreads keys over a table.
//!
//! Called for a tier through [`crate::byte_classes::Classifier`].

pub(crate) mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

/// Bytes that a key has.
pub const KEY_BYTES: usize = 8;

/// The key of all pieces that are too long: what no piece has.
const TOO_LONG: u64 = 1;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// All high bits depend on all of the key.
#[inline(always)]
pub fn hash(key: u64) -> u64 {
    key.wrapping_mul(FACTOR)
}

/// The key of a piece of `length` bytes, [`KEY_BYTES`] at most; `word` is what is there.
#[inline(always)]
pub fn word_key(word: u64, length: usize) -> u64 {
    scalar::word_key(word, length.min(KEY_BYTES))
}

/// The key of each piece between `places`, and its hash shifted to the right. Each place has eight bytes of `text` behind it.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub text: &'a [u8],
    pub places: &'a [u32],
    pub shift: u32,
    pub keys: &'a mut [u64],
    pub buckets: &'a mut [u32],
}

impl Wanted<'_> {
    /// How many pieces there are, and the last place that a key may be read from.
    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        let count = self.places.len().saturating_sub(1).min(self.keys.len()).min(self.buckets.len());
        assert!(self.text.len() >= KEY_BYTES);
        (count, self.text.len() - KEY_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_classes::{Classifier, Scalar};

    fn keys(classifier: impl Classifier, text: &[u8], places: &[u32]) -> (Vec<u64>, Vec<u32>) {
        let count = places.len().saturating_sub(1);
        let (mut keys, mut buckets) = (vec![0; count], vec![0; count]);
        classifier.word_keys(Wanted { text, places, shift: 44, keys: &mut keys, buckets: &mut buckets });
        (keys, buckets)
    }

    #[test]
    fn pieces_that_differ_have_keys_that_differ() {
        let text = b"\0\0\0\0\0\0\0\0ab\0\0\0\0\0\0\0\0\0\0";
        let mut all: Vec<u64> = (0..=8).map(|length| keys(Scalar, text, &[0, length]).0[0]).collect();
        all.extend((1..=8).map(|length| keys(Scalar, text, &[8, 8 + length]).0[0]));
        all.push(keys(Scalar, text, &[0, 9]).0[0]);
        assert_eq!(keys(Scalar, text, &[8, 20]).0[0], TOO_LONG);
        assert!(!all.contains(&0));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn tiers_are_equal_at_every_length() {
        let text: Vec<u8> = (0..700u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for count in 0..40 {
            for step in 0..12u32 {
                let places: Vec<u32> = (0..=count).map(|number| number * step + number * number % 3).collect();
                let expected = keys(Scalar, &text, &places);
                #[cfg(target_arch = "x86_64")]
                {
                    use crate::byte_classes::{Avx2, Avx512};
                    if let Some(tier) = Avx2::new() {
                        assert_eq!(keys(tier, &text, &places), expected);
                    }
                    if let Some(tier) = Avx512::new() {
                        assert_eq!(keys(tier, &text, &places), expected, "{places:?}");
                    }
                }
                for (number, &key) in expected.0.iter().enumerate() {
                    let (start, end) = (places[number] as usize, places[number + 1] as usize);
                    let mut word = [0xAA; 8];
                    let length = (end - start).min(8);
                    word[..length].copy_from_slice(&text[start..start + length]);
                    let alone = if end - start > 8 { TOO_LONG } else { word_key(u64::from_le_bytes(word), length) };
                    assert_eq!(key, alone);
                }
            }
        }
    }

    #[test]
    fn places_at_the_end_read_nothing_beyond() {
        // A place without eight bytes behind it gives some key.
        let text = vec![b'x'; 8];
        let places = [0, 3, 8, 1000, u32::MAX];
        let expected = keys(Scalar, &text, &places);
        #[cfg(target_arch = "x86_64")]
        if let Some(tier) = crate::byte_classes::Avx512::new() {
            assert_eq!(keys(tier, &text, &places), expected);
        }
        assert_eq!(expected.0.len(), 4);
    }
}
