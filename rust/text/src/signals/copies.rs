//! Repetition as Dolma and DCLM count it: of what is there several times every copy counts, the first one too.
//!
//! An n-gram repeats only where the one that is a word shorter does, so only those places are looked at again. Hashes stand for
//! what they hash; see [`crate::table`]. Twelve bytes of memory a word; documents of few words take eight more and less time.

use crate::keys::Keys;
use crate::table::{hash, mix};

/// Sizes of n-grams that are followed.
const SHORTEST: usize = 2;
const LONGEST: usize = 10;
/// Up to this size the most frequent n-grams are asked for, from then on all that repeat.
const LONGEST_TOP: usize = 4;
/// Documents of more words have their n-grams hashed anew for each look.
const MOST_WORDS: usize = 1 << 16;

/// Words of a text as their hashes, and how many characters stand before each.
#[derive(Debug, Default)]
pub struct Copies {
    hashes: Vec<u64>,
    before: Vec<u32>,
    /// Of documents of few words: the hash of the n-gram at each place that is looked at.
    grams: Vec<u64>,
    keys: Keys,
}

/// Places of n-grams of one size, by their first word.
#[derive(Debug)]
pub struct Found<'b> {
    /// Up to four words: how often the most frequent ones are there.
    pub most: u32,
    /// Up to four words: where the most frequent ones are, if they are there more than once; from five on: where all those are that
    /// are there more than once. A bit a place.
    bits: &'b [u64],
}

impl Found<'_> {
    pub fn places(&self) -> impl Iterator<Item = usize> {
        ones(self.bits)
    }
}

/// The places of bits that are set.
fn ones(bits: &[u64]) -> impl Iterator<Item = usize> {
    bits.iter().enumerate().flat_map(|(index, &bits)| {
        std::iter::successors((bits != 0).then_some(bits), |&left| {
            let left = left & (left - 1);
            (left != 0).then_some(left)
        })
        .map(move |left| index * 64 + left.trailing_zeros() as usize)
    })
}

#[inline]
fn set(bits: &mut [u64], at: usize, on: bool) {
    bits[at / 64] |= u64::from(on) << (at % 64);
}

impl Copies {
    pub fn clear(&mut self) {
        if self.hashes.len() > MOST_WORDS {
            *self = Self::default();
        }
        self.hashes.clear();
        self.before.clear();
        self.before.push(0);
    }

    pub fn add(&mut self, word: &str, characters: usize) {
        self.hashes.push(hash(word.as_bytes()));
        let before = self.before.last().copied().unwrap_or(0);
        self.before.push(before + characters as u32);
    }

    pub fn words(&self) -> usize {
        self.hashes.len()
    }

    /// Characters of all words.
    pub fn characters(&self) -> usize {
        self.before.last().map_or(0, |&all| all as usize)
    }

    /// Characters of `n` words from word `at` on.
    pub fn characters_of(&self, at: usize, n: usize) -> usize {
        (self.before[at + n] - self.before[at]) as usize
    }

    /// Call `each` with every size from 2 to 10 and what is found of it.
    pub fn walk(&mut self, mut each: impl FnMut(&Self, usize, Found<'_>)) {
        let words = self.words();
        let is_small = words <= MOST_WORDS;
        let mut keys = std::mem::take(&mut self.keys);
        let mut grams = std::mem::take(&mut self.grams);
        grams.clear();
        if is_small {
            grams.extend_from_slice(&self.hashes);
        }
        let mut open = vec![u64::MAX; words.div_ceil(64)];
        let mut again = vec![0u64; open.len()];
        let mut top = vec![0u64; open.len()];
        for n in SHORTEST..=LONGEST {
            // What would end behind the last word.
            for at in (words + 1).saturating_sub(n)..64 * open.len() {
                if open[at / 64] >> (at % 64) == 0 {
                    break;
                }
                open[at / 64] &= !(1 << (at % 64));
            }
            if is_small {
                ones(&open).for_each(|at| grams[at] = mix(grams[at], self.hashes[at + n - 1]));
            }
            let gram = |at: usize| {
                if is_small {
                    return grams[at];
                }
                let (first, rest) = (self.hashes[at], &self.hashes[at + 1..at + n]);
                rest.iter().fold(first, |gram, &word| mix(gram, word))
            };
            // A 32nd of the bytes that the words have at least, with one between them.
            keys.restart(if is_small { 2 * MOST_WORDS } else { words / 16 });
            again.fill(0);
            top.fill(0);
            let mut most = 1;
            loop {
                ones(&open).for_each(|at| {
                    keys.count(gram(at), at as u32);
                });
                let most_of_part = keys.entries().map(|entry| entry.count).max().unwrap_or(0);
                if most_of_part > most {
                    most = most_of_part;
                    top.fill(0);
                }
                for at in ones(&open) {
                    let times = keys.times(gram(at));
                    set(&mut again, at, times > 1);
                    set(&mut top, at, times > 1 && times == most);
                }
                if !keys.next_part() {
                    break;
                }
            }
            std::mem::swap(&mut open, &mut again);
            each(self, n, Found { most, bits: if n <= LONGEST_TOP { &top } else { &open } });
        }
        if is_small {
            (self.keys, self.grams) = (keys, grams);
        }
    }
}

/// How much of a list of texts is there more than once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    pub elements: usize,
    pub copies: usize,
    /// Characters of the copies, and of all.
    pub copied_characters: usize,
    pub characters: usize,
}

impl Share {
    /// `bytes` are the texts'.
    pub fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone, bytes: usize, keys: &mut Keys) -> Self {
        let mut share = Self::default();
        keys.restart(bytes / 16);
        let mut is_first = true;
        loop {
            texts.clone().for_each(|text| {
                keys.count(hash(text.as_bytes()), 0);
            });
            for text in texts.clone() {
                let times = keys.times(hash(text.as_bytes()));
                let characters = if is_first || times > 1 { crate::characters::count(text.as_bytes()) } else { 0 };
                if is_first {
                    share.elements += 1;
                    share.characters += characters;
                }
                share.copies += usize::from(times > 1);
                share.copied_characters += if times > 1 { characters } else { 0 };
            }
            if !keys.next_part() {
                return share;
            }
            is_first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_is_met() {
        let mut copies = Copies::default();
        copies.clear();
        "a b c x a b c y a b".split(' ').for_each(|word| copies.add(word, 1));
        let mut found = Vec::new();
        copies.walk(|_, n, of_size| found.push((n, of_size.most, of_size.places().collect::<Vec<_>>())));
        assert_eq!(found[0], (2, 3, vec![0, 4, 8]));
        assert_eq!(found[1], (3, 2, vec![0, 4]));
        assert_eq!(found[2], (4, 1, vec![]));
        let share = Share::of("ab\n\nab\nc".split('\n'), 8, &mut Keys::default());
        assert_eq!((share.elements, share.copies, share.copied_characters, share.characters), (4, 2, 4, 5));
    }

    #[test]
    fn many_words_are_counted_as_few_are() {
        // The same words again and again in a long text, whose first part is a short one.
        let mut state = 7u64;
        let mut dice = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        for kinds in [40, 3000] {
            let words: Vec<String> = (0..66_000).map(|_| dice(kinds).to_string()).collect();
            let mut copies = Copies::default();
            copies.clear();
            words.iter().for_each(|word| copies.add(word, word.len()));
            assert!(copies.words() > MOST_WORDS);
            copies.walk(|copies, n, found| {
                let mut counts = std::collections::HashMap::new();
                words.windows(n).for_each(|gram| *counts.entry(gram).or_insert(0) += 1);
                let most = counts.values().copied().max().unwrap_or(0).max(1);
                let is_meant = |gram: &[String]| {
                    let times = counts[gram];
                    times > 1 && (n > LONGEST_TOP || times == most)
                };
                let expected: Vec<usize> =
                    words.windows(n).enumerate().filter(|(_, gram)| is_meant(gram)).map(|(at, _)| at).collect();
                assert_eq!(found.places().collect::<Vec<_>>(), expected, "{kinds} {n}");
                assert_eq!(found.most, most, "{kinds} {n}");
                assert_eq!(copies.characters_of(0, 2), words[0].len() + words[1].len());
            });
        }
    }
}
