//! 64-bit hashes of words, for shingles only: one multiplication for a word of 16 bytes or fewer, whatever its length.
//!
//! xxh3 takes another path for each range of lengths, and words come in all of them: the branches that the CPU mispredicts
//! cost more than the hashing. Here a word is two integers of 8 bytes, zeros behind its end, and their hash the two halves
//! of one 128-bit product folded (as wyhash does). Words hold no zero bytes, so the padding is unambiguous. Longer
//! words, one in a hundred, are xxh3's.

use tokenfoundry_base::stable_hash::hash64;

use crate::words::{Batch, SLACK};

/// The first digits of pi in hexadecimal, the second number made odd.
const LOW: u64 = 0x243F_6A88_85A3_08D3;
const HIGH: u64 = 0x1319_8A2E_0370_7345;
const SHORT: usize = 16;
const _: () = assert!(SLACK >= SHORT);

/// What of 16 bytes belongs to a word of each length.
const MASKS: [[u64; 2]; SHORT + 1] = {
    let mut masks = [[0; 2]; SHORT + 1];
    let mut length = 1;
    while length <= SHORT {
        let bits = u128::MAX >> (128 - 8 * length);
        masks[length] = [bits as u64, (bits >> 64) as u64];
        length += 1;
    }
    masks
};

#[inline(always)]
fn fold(low: u64, high: u64) -> u64 {
    let product = u128::from(low ^ LOW) * u128::from(high ^ HIGH);
    product as u64 ^ (product >> 64) as u64
}

/// Append the hash of each word of the batch to `units`.
#[inline]
pub fn hash_words(batch: &Batch<'_>, units: &mut Vec<u64>) {
    units.extend(batch.spans.iter().map(|&[start, end]| {
        let bytes = &batch.folded[start as usize..];
        match (MASKS.get((end - start) as usize), bytes.first_chunk::<SHORT>()) {
            (Some(&[low_mask, high_mask]), Some(bytes)) => {
                let both = u128::from_le_bytes(*bytes);
                fold(both as u64 & low_mask, (both >> 64) as u64 & high_mask)
            }
            _ => hash64(&bytes[..(end - start) as usize]),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    /// Shingles may be on disk: these numbers may never change while the scheme's version is 2.
    #[test]
    fn golden() {
        let mut units = Vec::new();
        let text = "The a abcdefgh abcdefghi abcdefghijklmnop abcdefghijklmnopq ä 敏";
        Words::default().visit_batches(text.as_bytes(), |batch| hash_words(&batch, &mut units));
        assert_eq!(units, GOLDEN);
    }

    const GOLDEN: [u64; 8] = [
        4_970_032_767_910_879_874,
        7_939_773_111_853_301_897,
        8_865_717_629_317_792_968,
        1_121_427_587_901_243_315,
        12_638_410_878_021_484_851,
        14_591_440_080_897_297_103,
        12_701_183_383_068_674_547,
        13_373_710_859_299_428_833,
    ];
}
