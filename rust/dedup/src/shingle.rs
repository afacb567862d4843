//! n-grams of a text's units as 64-bit hashes, rolling: each costs the same whatever n is.
//!
//! A unit is a word, or what [`Unit`] says. Its hash is xxh3; an n-gram's is a polynomial in its units' hashes, mixed.

use tokenfoundry_base::stable_hash::{hash64, mix64};

use crate::words::{Words, decode};

/// The polynomial's base: odd, so that it has an inverse and loses nothing.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

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

const UNITS_AT_ONCE: usize = 4096;

/// Scratch of shingling: reuse one for many texts, so that a text allocates nothing and a long one is never whole in
/// memory.
pub struct Shingler {
    unit: Unit,
    ngram: usize,
    /// BASE^ngram, which the oldest unit has been multiplied with when it leaves.
    oldest_weight: u64,
    words: Words,
    units: Vec<u64>,
    shingles: Vec<u64>,
}

/// Turn `units` into the shingles that end in them, and leave the last n - 1 units for the next call.
fn roll(ngram: usize, oldest_weight: u64, units: &mut Vec<u64>, shingles: &mut Vec<u64>) {
    shingles.clear();
    if units.len() < ngram {
        return;
    }
    let mut rolling = units[..ngram].iter().fold(0u64, |sum, unit| sum.wrapping_mul(BASE).wrapping_add(*unit));
    shingles.reserve(units.len() - ngram + 1);
    shingles.push(mix64(rolling));
    shingles.extend(units[ngram..].iter().zip(units.iter()).map(|(new, old)| {
        rolling = rolling.wrapping_mul(BASE).wrapping_add(new.wrapping_sub(old.wrapping_mul(oldest_weight)));
        mix64(rolling)
    }));
    units.drain(..units.len() - (ngram - 1));
}

impl Shingler {
    pub fn new(unit: Unit, ngram: usize) -> Self {
        Self {
            unit,
            ngram,
            oldest_weight: (0..ngram).fold(1u64, |power, _| power.wrapping_mul(BASE)),
            words: Words::default(),
            units: Vec::with_capacity(UNITS_AT_ONCE + ngram),
            shingles: Vec::new(),
        }
    }

    /// Give the shingles of `text`, one an occurrence, in order, to `sink`, some thousands at a time. A text of fewer
    /// units than n has none.
    pub fn visit(&mut self, text: &[u8], mut sink: impl FnMut(&[u64])) {
        let Self { unit, ngram, oldest_weight, words, units, shingles } = self;
        units.clear();
        let mut push = |hash: u64| {
            units.push(hash);
            if units.len() >= UNITS_AT_ONCE {
                roll(*ngram, *oldest_weight, units, shingles);
                sink(shingles);
            }
        };
        match unit {
            Unit::Words => words.visit(text, |word| push(hash64(word))),
            Unit::Whitespace => match std::str::from_utf8(text) {
                Ok(text) => text.split_whitespace().for_each(|word| push(hash64(word.as_bytes()))),
                Err(_) => text
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .for_each(|word| push(hash64(word))),
            },
            Unit::Characters => {
                let mut at = 0;
                while at < text.len() {
                    let (_, length) = decode(text, at);
                    push(hash64(&text[at..at + length]));
                    at += length;
                }
            }
            Unit::Bytes => text.iter().for_each(|&byte| push(mix64(u64::from(byte)))),
            Unit::Tokens => text.chunks(4).for_each(|token| push(hash64(token))),
        }
        roll(*ngram, *oldest_weight, units, shingles);
        if !shingles.is_empty() {
            sink(shingles);
        }
    }

    /// The set of shingles: sorted, each once.
    pub fn set(&mut self, text: &[u8]) -> Vec<u64> {
        let mut set = Vec::with_capacity(text.len() / 7 + 1);
        self.visit(text, |shingles| set.extend_from_slice(shingles));
        set.sort_unstable();
        set.dedup();
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
