//! Word n-grams as 64-bit hashes, rolling: each costs one multiplication, whatever n is.

use tokenfoundry_base::stable_hash::{hash64, mix64};

use crate::words::words;

/// The rolling hash's base: odd, so that it has an inverse and loses nothing.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes of the `ngram`-word shingles of `text`, one an occurrence, appended to `shingles`; returns how many words
/// there were. A text of fewer words than `ngram` has none.
pub fn shingles(text: &str, ngram: usize, shingles: &mut Vec<u64>) -> usize {
    let oldest_weight = (1..ngram).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut window = vec![0u64; ngram];
    let mut count = 0;
    let mut rolling = 0u64;
    words(text, |word| {
        let hash = hash64(word);
        let slot = &mut window[count % ngram];
        rolling = rolling.wrapping_sub(slot.wrapping_mul(oldest_weight)).wrapping_mul(BASE).wrapping_add(hash);
        *slot = hash;
        count += 1;
        if count >= ngram {
            shingles.push(mix64(rolling));
        }
    });
    count
}

/// The set of shingles: sorted, each once.
pub fn shingle_set(text: &str, ngram: usize) -> Vec<u64> {
    let mut set = Vec::new();
    shingles(text, ngram, &mut set);
    set.sort_unstable();
    set.dedup();
    set
}

/// |A ∩ B| / |A ∪ B| of two sorted sets, not both empty.
pub fn jaccard(left: &[u64], right: &[u64]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0usize);
    while i < left.len() && j < right.len() {
        let (l, r) = (left[i], right[j]);
        common += usize::from(l == r);
        i += usize::from(l <= r);
        j += usize::from(r <= l);
    }
    common as f64 / (left.len() + right.len() - common) as f64
}
