//! The tokens behind a key in a cache line, packed three to a word.
//!
//! Tables of pieces have entries of a key, of two or four words, and as many words of tokens: three numbers of 20 bits each,
//! from the lowest bit on, and in the high four bits of the last word how many they are. A line holds two entries of two-word
//! keys, word by word in turns, or one of a four-word key. Which of two entries has the key is as good as random, so no tier
//! branches on it.
//!
//! Called for a tier through [`crate::byte_classes::Classifier`].

pub(crate) mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

/// A cache line.
pub type Line = [u64; 8];

pub const TOKEN_BITS: usize = 20;
pub const TOKENS_IN_WORD: usize = 3;
pub const NUMBER_SHIFT: usize = TOKEN_BITS * TOKENS_IN_WORD;

/// The tokens of a two-word key: six, zeros behind them, and how many.
pub type Six = [u32; 8];
/// Where [`Six`] has the number of tokens.
pub const SIX_NUMBER: usize = 7;

/// The tokens of a four-word key: twelve, zeros behind them, and how many.
pub type Twelve = [u32; 16];
/// Where [`Twelve`] has the number of tokens.
pub const TWELVE_NUMBER: usize = 15;

/// Pack tokens into words that are zero; they are no more than three a word, each below 2^20.
#[inline(always)]
pub fn pack(tokens: &[u32], words: &mut [u64]) {
    for (number, &token) in tokens.iter().enumerate() {
        words[number / TOKENS_IN_WORD] |= u64::from(token) << (TOKEN_BITS * (number % TOKENS_IN_WORD));
    }
    if let Some(last) = words.last_mut() {
        *last |= (tokens.len() as u64) << NUMBER_SHIFT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_classes::{Classifier, Scalar};

    type SixOf<'a> = &'a dyn Fn(&Line, &[u64; 2]) -> Six;
    type TwelveOf<'a> = &'a dyn Fn(&Line, &[u64; 4]) -> Twelve;

    fn on_tiers(check: fn(SixOf<'_>, TwelveOf<'_>)) {
        check(&|line, key| Scalar.six_of(line, key), &|line, key| Scalar.twelve_of(line, key));
        #[cfg(target_arch = "x86_64")]
        {
            use crate::byte_classes::{Avx2, Avx512};
            if let Some(tier) = Avx2::new() {
                check(&|line, key| tier.six_of(line, key), &|line, key| tier.twelve_of(line, key));
            }
            if let Some(tier) = Avx512::new() {
                check(&|line, key| tier.six_of(line, key), &|line, key| tier.twelve_of(line, key));
            }
        }
    }

    /// As many tokens as asked for, the greatest among them.
    fn tokens(count: usize) -> Vec<u32> {
        (0..count as u32).map(|number| (1 << TOKEN_BITS) - 1 - number * 77_777).collect()
    }

    #[test]
    fn what_was_packed_is_found_again() {
        on_tiers(|six_of, twelve_of| {
            for count in 1..=6 {
                for entry in [0, 1] {
                    let mut line = [u64::MAX, 1, 1, u64::MAX, 5, 5, 6, 6];
                    let mut words = [0; 2];
                    pack(&tokens(count), &mut words);
                    for (number, word) in [8, 9, words[0], words[1]].into_iter().enumerate() {
                        line[2 * number + entry] = word;
                    }
                    let six = six_of(&line, &[8, 9]);
                    assert_eq!((&six[..count], six[SIX_NUMBER]), (&tokens(count)[..], count as u32));
                    assert!(six[count..SIX_NUMBER].iter().all(|&token| token == 0));
                }
            }
            for count in 1..=12 {
                let mut line = [4, 3, 2, 1, 0, 0, 0, 0];
                pack(&tokens(count), &mut line[4..]);
                let twelve = twelve_of(&line, &[4, 3, 2, 1]);
                assert_eq!((&twelve[..count], twelve[TWELVE_NUMBER]), (&tokens(count)[..], count as u32));
                assert!(twelve[count..TWELVE_NUMBER].iter().all(|&token| token == 0));
            }
        });
    }

    #[test]
    fn of_two_entries_with_the_key_the_first_counts() {
        on_tiers(|six_of, _| {
            let (mut first, mut second) = ([0; 2], [0; 2]);
            pack(&[1, 2, 3, 4], &mut first);
            pack(&[5], &mut second);
            let line = [8, 8, 9, 9, first[0], second[0], first[1], second[1]];
            assert_eq!(six_of(&line, &[8, 9]), [1, 2, 3, 4, 0, 0, 0, 4]);
        });
    }

    #[test]
    fn a_key_must_be_there_whole_and_in_its_place() {
        on_tiers(|six_of, twelve_of| {
            let line = [1, 2, 3, 4, 5, 6, 7, 8];
            for key in [[1, 2], [1, 4], [2, 3], [3, 1], [5, 7], [6, 8], [0, 3], [1, 0], [2, 2]] {
                assert_eq!(six_of(&line, &key), [0; 8], "{key:?}");
            }
            for key in [[1, 2, 3, 5], [0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [5, 6, 7, 8], [4, 1, 2, 3]] {
                assert_eq!(twelve_of(&line, &key), [0; 16], "{key:?}");
            }
        });
    }
}
