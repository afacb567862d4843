//! The same counts for documents of very many words, in a few bytes a word: n-grams are hashed anew in each walk over the words.
//!
//! What is kept: the joined bytes, one number a word for duplicate n-grams, and a table of a bounded number of them. Where it is full,
//! half of the hashes are left for another walk ([`Keys`]). Slower than what keeps more, by three to ten times; as exact.

use super::super::{Asked, Document, ratio};
use super::duplicates;
use super::top;
use super::twice::Twice;
use crate::characters::count;
use crate::keys::Keys;
use crate::table::{hash, hash_any};

#[derive(Debug, Default)]
pub struct Large {
    /// The words without what is between them.
    joined: Vec<u8>,
    /// Of each n-gram: the first that is equal, or [`ONCE`].
    firsts: Vec<u32>,
}

/// An n-gram that does not repeat.
const ONCE: u32 = u32::MAX;
/// More than the longest n-gram has words.
const RING: usize = 16;
/// Bytes of tables for documents that are short for their words.
const LEAST_BYTES: usize = 1 << 16;

/// The last words: what is known of each, at its number by [`RING`].
type Last<T> = [T; RING];

/// A sixteenth of a document's bytes, a table's places.
fn places(document: &Document<'_>) -> usize {
    document.text.len().max(LEAST_BYTES) / 16
}

impl Large {
    /// Fill the most frequent n-grams' values, then those of duplicate ones.
    pub fn measure(&mut self, document: &Document<'_>, tops: Asked, sizes: Asked, values: &mut [f64]) {
        let (top_values, duplicate_values) = values.split_at_mut(top::SIZES);
        for (index, value) in top_values.iter_mut().enumerate().filter(|(index, _)| tops & 1 << index != 0) {
            *value = ratio(most_frequent(document, top::SHORTEST + index), document.characters);
        }
        if sizes == 0 {
            return;
        }
        self.joined.clear();
        self.joined.reserve_exact(document.text.len());
        document.words.iter().for_each(|word| self.joined.extend_from_slice(word.of(document.text).as_bytes()));
        for (index, value) in duplicate_values.iter_mut().enumerate().filter(|(index, _)| sizes & 1 << index != 0) {
            *value = ratio(self.duplicated(document, duplicates::SHORTEST + index), document.characters);
        }
        *self = Self::default();
    }

    /// Characters of duplicate n-grams.
    fn duplicated(&mut self, document: &Document<'_>, n: usize) -> usize {
        let Self { joined, firsts } = self;
        let grams = (document.words.len() + 1).saturating_sub(n);
        let mut twice = Twice::default();
        twice.reset_bytes(document.text.len().max(LEAST_BYTES));
        each_place(document, n, |_, start, end| twice.mark(hash(&joined[start..end])));
        firsts.clear();
        firsts.reserve_exact(grams);
        each_place(document, n, |_, start, end| {
            firsts.push(if twice.may_repeat(hash(&joined[start..end])) { 0 } else { ONCE });
        });
        drop(twice);
        let mut keys = Keys::new(places(document));
        loop {
            each_place(document, n, |at, start, end| {
                if firsts[at] != ONCE
                    && let Some(entry) = keys.count(hash(&joined[start..end]), at as u32)
                {
                    firsts[at] = entry.first;
                }
            });
            if !keys.next_part() {
                break;
            }
        }
        drop(keys);
        let mut met = vec![0u64; grams.div_ceil(64)];
        let (mut duplicated, mut next) = (0, 0);
        each_characters(document, n, |at, characters| {
            let first = firsts[at] as usize;
            if firsts[at] == ONCE || at < next {
                return;
            }
            let (word, bit) = (&mut met[first / 64], 1 << (first % 64));
            if *word & bit != 0 {
                duplicated += characters;
                next = at + n;
            }
            *word |= bit;
        });
        duplicated
    }
}

/// Characters of the first of the most frequent n-grams, with spaces between words, times its count.
fn most_frequent(document: &Document<'_>, n: usize) -> usize {
    if document.words.len() < n {
        return 0;
    }
    // Counts that are never too small, a byte each.
    let size = document.text.len().max(LEAST_BYTES).next_power_of_two() / 2;
    let shift = 64 - size.trailing_zeros();
    let mut counts = vec![0u8; size];
    each_hash(document, n, |_, gram| {
        let count = &mut counts[(gram >> shift) as usize];
        *count = count.saturating_add(1);
    });
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut least = (most - most / 4).max(2);
    let (mut first, mut times) = (0, 1);
    let mut keys = Keys::new(places(document));
    while most > 1 {
        loop {
            each_hash(document, n, |at, gram| {
                if counts[(gram >> shift) as usize] >= least {
                    keys.count(gram, at as u32);
                }
            });
            for entry in keys.entries() {
                if entry.count > times || (entry.count == times && times > 1 && entry.first < first) {
                    (first, times) = (entry.first, entry.count);
                }
            }
            if !keys.next_part() {
                break;
            }
        }
        if times >= u32::from(least) || least == 2 {
            break;
        }
        // Whatever is met as often as the most frequent so far is among the next.
        least = (least / 2).max(times.min(255) as u8).max(2);
        keys.restart(places(document));
    }
    let mut characters = 0;
    each_characters(document, n, |at, of_gram| characters += if at == first as usize { of_gram } else { 0 });
    (characters + n - 1) * times as usize
}

/// Every n-gram's number, and where its joined bytes start and end.
#[inline(always)]
fn each_place(document: &Document<'_>, n: usize, mut each: impl FnMut(usize, usize, usize)) {
    let mut starts: Last<usize> = [0; RING];
    let mut end = 0;
    for (index, word) in document.words.iter().enumerate() {
        starts[index % RING] = end;
        end += word.end - word.start;
        if index + 1 >= n {
            let at = index + 1 - n;
            each(at, starts[at % RING], end);
        }
    }
}

/// Every n-gram's number, and its words' characters.
#[inline(always)]
fn each_characters(document: &Document<'_>, n: usize, mut each: impl FnMut(usize, usize)) {
    let (text, plain) = (document.text, document.is_ascii());
    let mut before: Last<usize> = [0; RING];
    let mut all = 0;
    for (index, word) in document.words.iter().enumerate() {
        before[index % RING] = all;
        all += if plain { word.end - word.start } else { count(word.of(text).as_bytes()) };
        if index + 1 >= n {
            let at = index + 1 - n;
            each(at, all - before[at % RING]);
        }
    }
}

/// Every n-gram's number, and the hash of its words.
#[inline(always)]
fn each_hash(document: &Document<'_>, n: usize, mut each: impl FnMut(usize, u64)) {
    let mut hashes: Last<u64> = [0; RING];
    for (index, word) in document.words.iter().enumerate() {
        hashes[index % RING] = hash_any(word.of(document.text).as_bytes());
        if index + 1 >= n {
            let at = index + 1 - n;
            let sum = (0..n).map(|word| top::turned(hashes[(at + word) % RING], word));
            each(at, sum.fold(0, u64::wrapping_add));
        }
    }
}
