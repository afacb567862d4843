//! The definition.

use super::{MetTwice, PLACES_A_WORD};

/// The word of a key's place, and how far up its two bits are.
#[inline(always)]
fn place(key: u32, bits: u32) -> (usize, u32) {
    let place = key >> (u32::BITS - bits);
    ((place / PLACES_A_WORD) as usize, 2 * (place % PLACES_A_WORD))
}

#[inline(always)]
pub fn mark(met: &mut MetTwice, keys: &[u32]) {
    let MetTwice { words, bits } = met;
    for &key in keys {
        let (word, up) = place(key, *bits);
        let word = &mut words[word];
        let bit = 1 << up;
        *word |= (*word & bit) << 1 | bit;
    }
}

/// Whether a place was met again is hard to foresee, so each key is written, and the next over it if it was not.
#[inline(always)]
pub fn select(met: &MetTwice, keys: &[u32], documents: &[u32], selected: &mut Vec<u64>) {
    const SOME: usize = 128;
    let mut some = [0u64; SOME];
    for (keys, documents) in keys.chunks(SOME).zip(documents.chunks(SOME)) {
        let mut count = 0;
        for at in 0..keys.len().min(documents.len()) {
            let (word, up) = place(keys[at], met.bits);
            some[count] = u64::from(keys[at]) << 32 | u64::from(documents[at]);
            count += (met.words[word] >> up >> 1 & 1) as usize;
        }
        selected.extend_from_slice(&some[..count]);
    }
}
