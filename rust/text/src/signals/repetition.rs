//! Gopher's repetition: how many characters stand in repeated lines, paragraphs and word n-grams.
//!
//! The definitions are datatrove 0.10's, odd corners included: the characters of the most frequent 2-, 3- and 4-gram
//! count its spaces; duplicate 5- to 10-grams are compared with their words joined without spaces, and after a
//! duplicate the search goes on behind it.
//!
//! Done plainly that is nine hash tables over all words. Here an n-gram is looked up only where it can repeat: a 3-gram where
//! its first two words repeat, and a joined n-gram where its first [`WINDOW`] bytes do, which is necessary for any
//! n-gram that long. Shorter ones are always looked up, so the answer is exact.

use super::gopher::Words;
use super::lines::repeats_between_newlines;
use super::{Document, ratio};
use crate::characters::{count, trim};
use crate::table::{Table, hash, hash_any, mix, short_hash, short_words};

/// Bytes of joined words that must repeat before a long n-gram can.
const WINDOW: usize = 16;
/// The same for the longer ones of them.
const FAR: usize = 32;
/// Words up to this long are copied by one load and one store.
const BLOCK: usize = 16;
const SHORTEST: usize = 5;
const LONGEST: usize = 10;

/// A document's words without what is between them.
#[derive(Debug, Default)]
pub struct Joined {
    bytes: Vec<u8>,
    /// Where each word starts in `bytes`, and the end of the last.
    starts: Vec<u32>,
    /// Characters before each word, and all of them.
    characters: Vec<u32>,
    hashes: Vec<u64>,
    grams: Vec<u64>,
    slots: Vec<u32>,
    candidates: Vec<u32>,
    /// Of each candidate, whether it may repeat for [`FAR`] bytes.
    far: Vec<bool>,
    twice: Twice,
}

/// Which of many hashes may be there twice: two bits for sixteen times as many places as there are hashes.
///
/// Says yes for all that repeat and for one in sixteen of the others, without a branch that could be guessed wrong.
#[derive(Debug, Default)]
struct Twice {
    once: Vec<u64>,
    again: Vec<u64>,
    mask: usize,
}

impl Twice {
    #[inline(never)]
    fn mark(&mut self, hashes: &[u64]) {
        let places = (hashes.len() * 16).next_power_of_two().max(64);
        self.mask = places - 1;
        for bits in [&mut self.once, &mut self.again] {
            bits.clear();
            bits.resize(places / 64, 0);
        }
        for &hash in hashes {
            let (word, bit) = self.place(hash);
            self.again[word] |= self.once[word] & bit;
            self.once[word] |= bit;
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let place = (hash >> 24) as usize & self.mask;
        (place / 64, 1 << (place % 64))
    }

    #[inline]
    fn may_repeat(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.again[word] & bit != 0
    }

    /// Indices of the hashes that may repeat.
    #[inline(never)]
    fn find(&mut self, hashes: &[u64], candidates: &mut Vec<u32>) {
        self.mark(hashes);
        candidates.clear();
        candidates.resize(hashes.len(), 0);
        let mut kept = 0;
        for (index, &hash) in hashes.iter().enumerate() {
            candidates[kept] = index as u32;
            kept += usize::from(self.may_repeat(hash));
        }
        candidates.truncate(kept);
    }
}

impl Joined {
    /// Take a document's words; returns what they are and the summed length of those that are more than symbols.
    #[inline(never)]
    pub fn fill(&mut self, document: &Document<'_>) -> (Words, usize) {
        let text = document.text.as_bytes();
        self.bytes.clear();
        // Room to copy and read a block beyond the last word.
        self.bytes.resize(text.len() + BLOCK, 0);
        self.starts.clear();
        self.characters.clear();
        self.hashes.clear();
        let (mut words, mut lengths) = (Words::default(), 0);
        let (mut end, mut characters) = (0, 0);
        self.starts.reserve(document.words.len() + 1);
        self.characters.reserve(document.words.len() + 1);
        self.hashes.reserve(document.words.len());
        for &word in document.words {
            self.starts.push(end as u32);
            self.characters.push(characters as u32);
            let (start, stop) = (word.start as usize, word.end as usize);
            let length = stop - start;
            let short = short_words(text, start, stop);
            self.hashes.push(match short {
                Some((low, high, length)) => {
                    let block = u128::from(low) | u128::from(high) << 64;
                    self.bytes[end..end + BLOCK].copy_from_slice(&block.to_le_bytes());
                    short_hash(low, high, length)
                }
                None => {
                    self.bytes[end..end + length].copy_from_slice(&text[start..stop]);
                    hash_any(&text[start..stop])
                }
            });
            end += length;
            if word.plain {
                words.add_plain(short.map_or(0, |(low, ..)| low), &text[start..stop]);
                lengths += length;
                characters += length;
            } else if length == 1 {
                lengths += usize::from(words.add_mark(text[start]));
                characters += 1;
            } else {
                let word = &document.text[start..stop];
                let length = count(word.as_bytes());
                lengths += if words.add(word) { length } else { 0 };
                characters += length;
            }
        }
        self.bytes.truncate(end);
        self.starts.push(end as u32);
        self.characters.push(characters as u32);
        (words, lengths)
    }

    fn words(&self) -> usize {
        self.hashes.len()
    }

    fn length(&self, first: usize, words: usize) -> usize {
        (self.characters[first + words] - self.characters[first]) as usize
    }

    /// Characters that the most frequent 2-, 3- and 4-gram cover, spaces between words included; of several most
    /// frequent ones the first.
    #[inline(never)]
    fn top_characters(&mut self, table: &mut Table) -> [usize; 3] {
        let mut top = [0; 3];
        let words = self.words();
        // Positions where the n-gram may repeat because it does without its last word; for n = 2, by a first look.
        self.grams.clear();
        self.grams.extend(self.hashes.windows(2).map(|pair| mix(pair[0], pair[1])));
        self.twice.find(&self.grams, &mut self.candidates);
        for (n, top) in (2..).zip(&mut top) {
            if words < n {
                break;
            }
            let last = words - n;
            while self.candidates.last().is_some_and(|&at| at as usize > last) {
                self.candidates.pop();
            }
            table.reset(self.candidates.len(), words);
            self.slots.clear();
            let (grams, hashes) = (&mut self.grams, &self.hashes);
            self.slots.extend(self.candidates.iter().map(|&at| {
                let at = at as usize;
                if n > 2 {
                    grams[at] = mix(grams[at], hashes[at + n - 1]);
                }
                table.count(grams[at], at as u32) as u32
            }));
            // Nothing repeats: the first n-gram of the document is the most frequent one, once.
            let (mut best, mut best_count) = (0, 1);
            let mut kept = 0;
            for index in 0..self.candidates.len() {
                let (at, count) = (self.candidates[index], table.times(self.slots[index] as usize));
                // Of equally frequent ones the first: it is met first.
                if count > best_count {
                    (best, best_count) = (at as usize, count);
                }
                self.candidates[kept] = at;
                kept += usize::from(count > 1);
            }
            self.candidates.truncate(kept);
            *top = (self.length(best, n) + n - 1) * best_count as usize;
        }
        top
    }

    /// Say for each candidate whether the first [`FAR`] bytes from it on may repeat; of the last ones one cannot say no.
    #[inline(never)]
    fn find_far(&mut self) {
        self.grams.clear();
        self.grams.extend(self.candidates.iter().map(|&at| {
            let start = self.starts[at as usize] as usize;
            self.bytes.get(start..start + FAR).map_or(0, far_hash)
        }));
        self.twice.mark(&self.grams);
        self.far.clear();
        let twice = &self.twice;
        self.far.extend(self.grams.iter().map(|&gram| gram == 0 || twice.may_repeat(gram)));
    }

    /// Characters in duplicate 5- to 10-grams.
    #[inline(never)]
    fn duplicate_characters(&mut self, table: &mut Table) -> [usize; LONGEST - SHORTEST + 1] {
        let mut duplicated = [0; LONGEST - SHORTEST + 1];
        let words = self.words();
        if words < SHORTEST {
            return duplicated;
        }
        self.grams.clear();
        self.grams.extend(self.starts.iter().map_while(|&start| {
            let window = self.bytes.get(start as usize..start as usize + WINDOW)?;
            Some(hash(window))
        }));
        let windows = self.grams.len();
        self.twice.mark(&self.grams);
        self.candidates.clear();
        for at in 0..=words - SHORTEST {
            let short = ((self.starts[at + SHORTEST] - self.starts[at]) as usize) < WINDOW;
            if short || at >= windows || self.twice.may_repeat(self.grams[at]) {
                self.candidates.push(at as u32);
            }
        }
        self.find_far();
        for (n, duplicated) in (SHORTEST..).zip(&mut duplicated) {
            while self.candidates.last().is_some_and(|&at| at as usize + n > words) {
                self.candidates.pop();
                self.far.pop();
            }
            // An n-gram that is long enough repeats only where its first FAR bytes do; longer ones are longer still.
            let mut kept = 0;
            for index in 0..self.candidates.len() {
                let (at, far) = (self.candidates[index], self.far[index]);
                self.candidates[kept] = at;
                self.far[kept] = far;
                let length = (self.starts[at as usize + n] - self.starts[at as usize]) as usize;
                kept += usize::from(far | (length < FAR));
            }
            self.candidates.truncate(kept);
            self.far.truncate(kept);
            // First by a print of both ends, then those that may repeat by all of their bytes.
            self.grams.clear();
            self.grams.extend(self.candidates.iter().map(|&at| ends_print(gram(&self.bytes, &self.starts, at, n))));
            self.twice.find(&self.grams, &mut self.slots);
            table.reset(self.slots.len(), 1);
            let mut next = 0;
            for &index in &self.slots {
                let at = self.candidates[index as usize];
                if (at as usize) < next {
                    continue;
                }
                if table.seen(hash(gram(&self.bytes, &self.starts, at, n))) {
                    *duplicated += self.length(at as usize, n);
                    next = at as usize + n;
                }
            }
        }
        duplicated
    }
}

#[inline]
fn far_hash(window: &[u8]) -> u64 {
    let (left, right) = window.split_at(FAR / 2);
    mix(hash(left), hash(right)) | 1
}

/// The joined bytes of `n` words from word `at` on.
#[inline]
fn gram<'a>(bytes: &'a [u8], starts: &[u32], at: u32, n: usize) -> &'a [u8] {
    &bytes[starts[at as usize] as usize..starts[at as usize + n] as usize]
}

/// Equal for equal n-grams, and nearly always different for others: their first and last eight bytes and their length.
#[inline]
fn ends_print(gram: &[u8]) -> u64 {
    match (gram.first_chunk::<8>(), gram.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let length = (gram.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mix(u64::from_le_bytes(*first) ^ length, u64::from_le_bytes(*last))
        }
        _ => hash(gram),
    }
}

pub fn measure(document: &Document<'_>, table: &mut Table, joined: &mut Joined, values: &mut [f64]) {
    let whole = document.characters;
    let paragraphs = repeats_between_newlines(trim(document.text), 2, document.newlines / 2, table);
    let lines = repeats_between_newlines(document.text, 1, document.newlines, table);
    let (four, grams) = values.split_at_mut(4);
    four.copy_from_slice(&[
        ratio(paragraphs.duplicates, paragraphs.elements),
        ratio(paragraphs.duplicate_characters, whole),
        ratio(lines.duplicates, lines.elements),
        ratio(lines.duplicate_characters, whole),
    ]);
    let top = joined.top_characters(table);
    let duplicated = joined.duplicate_characters(table);
    for (value, characters) in grams.iter_mut().zip(top.into_iter().chain(duplicated)) {
        *value = ratio(characters, whole);
    }
}
