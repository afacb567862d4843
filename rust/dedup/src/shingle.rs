//! n-grams of a text's units as 64-bit hashes, rolling: each costs the same whatever n is.
//!
//! A unit is a word, or what [`Unit`] says. A word's hash is `word_hash`'s, other units' xxh3; an n-gram's is a polynomial
//! in its units' hashes, mixed.

use tokenfoundry_base::stable_hash::{hash64, mix64};
use tokenfoundry_kernels::ngram_hashes::ngram_hashes;

use crate::word_hash::hash_words;
use crate::words::{Words, decode};

/// What n-grams are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lower-cased words, see `words`.
    Words,
    /// What lies between whitespace, as written.
    Whitespace,
    /// Unicode characters.
    Characters,
    Bytes,
    /// Groups of four bytes: token ids.
    Tokens,
}

impl Unit {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "words" => Self::Words,
            "whitespace" => Self::Whitespace,
            "characters" => Self::Characters,
            "bytes" => Self::Bytes,
            "tokens" => Self::Tokens,
            _ => return None,
        })
    }
}

/// Units hashed at once where they come one by one.
const UNITS_AT_ONCE: usize = 2048;

/// Scratch of shingling: reuse one for many texts, so that a text allocates nothing and a long one is never whole in
/// memory.
pub struct Shingler {
    unit: Unit,
    words: Words,
    runs: Runs,
}

/// Units in, n-grams out.
struct Runs {
    ngram: usize,
    units: Vec<u64>,
    shingles: Vec<u64>,
}

impl Runs {
    /// Hand on the shingles that end in the units so far, and leave the last n - 1 units for the next call.
    #[inline(always)]
    fn flush(&mut self, sink: &mut impl FnMut(&[u64])) {
        let Self { ngram, units, shingles } = self;
        if units.len() < *ngram {
            return;
        }
        let count = units.len() + 1 - *ngram;
        shingles.resize(count, 0);
        ngram_hashes(units, *ngram, shingles);
        units.copy_within(count.., 0);
        units.truncate(*ngram - 1);
        sink(shingles);
    }

    #[inline(always)]
    fn push(&mut self, hash: u64, sink: &mut impl FnMut(&[u64])) {
        self.units.push(hash);
        if self.units.len() >= UNITS_AT_ONCE {
            self.flush(sink);
        }
    }
}

impl Shingler {
    pub fn new(unit: Unit, ngram: usize) -> Self {
        Self { unit, words: Words::default(), runs: Runs { ngram, units: Vec::new(), shingles: Vec::new() } }
    }

    /// Give the shingles of `text`, one an occurrence, in order, to `sink`, some thousands at a time. A text of fewer
    /// units than n has none.
    pub fn visit(&mut self, text: &[u8], mut sink: impl FnMut(&[u64])) {
        let Self { unit, words, runs } = self;
        runs.units.clear();
        match unit {
            Unit::Words => words.visit_batches(text, |batch| {
                hash_words(&batch, &mut runs.units);
                runs.flush(&mut sink);
            }),
            Unit::Whitespace => match std::str::from_utf8(text) {
                Ok(text) => text.split_whitespace().for_each(|word| runs.push(hash64(word.as_bytes()), &mut sink)),
                Err(_) => text
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .for_each(|word| runs.push(hash64(word), &mut sink)),
            },
            Unit::Characters => {
                let mut at = 0;
                while at < text.len() {
                    let (_, length) = decode(text, at);
                    runs.push(hash64(&text[at..at + length]), &mut sink);
                    at += length;
                }
            }
            Unit::Bytes => text.iter().for_each(|&byte| runs.push(mix64(u64::from(byte)), &mut sink)),
            Unit::Tokens => text.chunks(4).for_each(|token| runs.push(hash64(token), &mut sink)),
        }
        runs.flush(&mut sink);
    }

    /// The set of shingles: sorted, each once. Memory: 16 bytes a different shingle.
    pub fn set(&mut self, text: &[u8]) -> Vec<u64> {
        const FIRST: usize = 1 << 16;
        let mut set: Vec<u64> = Vec::new();
        let mut most = FIRST;
        let unique = |set: &mut Vec<u64>| {
            set.sort_unstable();
            set.dedup();
        };
        self.visit(text, |shingles| {
            set.extend_from_slice(shingles);
            // A text that says the same again and again must not be remembered whole.
            if set.len() > most {
                unique(&mut set);
                most = FIRST.max(2 * set.len());
            }
        });
        unique(&mut set);
        set
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_has_the_shingles_of_its_parts() {
        let units: Vec<String> = (0..3 * UNITS_AT_ONCE).map(|index| format!("w{index}")).collect();
        for ngram in [1, 2, 5, 64] {
            let mut shingler = Shingler::new(Unit::Words, ngram);
            let mut whole = Vec::new();
            shingler.visit(units.join(" ").as_bytes(), |shingles| whole.extend_from_slice(shingles));
            assert_eq!(whole.len(), units.len() - ngram + 1);
            for at in [0, 1, UNITS_AT_ONCE - ngram, UNITS_AT_ONCE - 1, UNITS_AT_ONCE, 2 * UNITS_AT_ONCE + 1] {
                let at = at.min(units.len() - ngram);
                assert_eq!(shingler.set(units[at..at + ngram].join(" ").as_bytes()), [whole[at]]);
            }
        }
    }

    #[test]
    fn units() {
        let count = |unit, text: &str| Shingler::new(unit, 1).set(text.as_bytes()).len();
        assert_eq!(count(Unit::Words, "A-b a, B"), 2);
        assert_eq!(count(Unit::Whitespace, "A-b a, B\u{3000}B"), 3);
        assert_eq!(count(Unit::Characters, "äbä"), 2);
        assert_eq!(count(Unit::Bytes, "äb"), 3);
        assert_eq!(count(Unit::Tokens, "abcdabcdefgh"), 2);
    }
}
