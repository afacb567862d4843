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
use crate::table::{Entry, Table, hash, mix};

/// Bytes of joined words that must repeat before a long n-gram can.
const WINDOW: usize = 16;
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
    slots: Vec<u32>,
    candidates: Vec<u32>,
}

impl Joined {
    /// Take a document's words; returns what they are and the summed length of those that are more than symbols.
    pub fn fill(&mut self, document: &Document<'_>) -> (Words, usize) {
        self.bytes.clear();
        self.starts.clear();
        self.characters.clear();
        self.hashes.clear();
        let (mut words, mut lengths) = (Words::default(), 0);
        let mut characters = 0;
        for &word in document.words {
            self.starts.push(self.bytes.len() as u32);
            self.characters.push(characters);
            let word = document.word(word);
            self.bytes.extend_from_slice(word);
            self.hashes.push(hash(word));
            let length = count(word);
            characters += length as u32;
            lengths += words.add(word, length);
        }
        self.starts.push(self.bytes.len() as u32);
        self.characters.push(characters);
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
    fn top_characters(&mut self, table: &mut Table) -> [usize; 3] {
        let mut top = [0; 3];
        let words = self.words();
        // Positions where the (n - 1)-gram repeats, with the hash of that gram; for n = 2, all.
        self.candidates.clear();
        self.candidates.extend(0..words as u32);
        let mut grams = self.hashes.clone();
        for (n, top) in (2..).zip(&mut top) {
            if words < n {
                break;
            }
            table.reset(self.candidates.len());
            self.slots.clear();
            let mut best = Entry::default();
            self.candidates.retain(|&at| at as usize + n <= words);
            for &at in &self.candidates {
                let at = at as usize;
                grams[at] = mix(grams[at], self.hashes[at + n - 1]);
                let slot = table.count(grams[at], at as u32);
                self.slots.push(slot as u32);
                let entry = table.entry(slot);
                if entry.count > best.count || (entry.count == best.count && entry.first < best.first) {
                    best = entry;
                }
            }
            // Nothing repeats: the first n-gram of the document is the most frequent one, once.
            let (first, times) = if best.count > 1 { (best.first as usize, best.count as usize) } else { (0, 1) };
            *top = (self.length(first, n) + n - 1) * times;
            let mut slots = self.slots.iter();
            self.candidates.retain(|_| slots.next().is_some_and(|&slot| table.entry(slot as usize).count > 1));
        }
        top
    }

    /// Characters in duplicate 5- to 10-grams.
    fn duplicate_characters(&mut self, table: &mut Table) -> [usize; LONGEST - SHORTEST + 1] {
        let mut duplicated = [0; LONGEST - SHORTEST + 1];
        let words = self.words();
        if words < SHORTEST {
            return duplicated;
        }
        table.reset(words);
        self.slots.clear();
        for at in 0..words {
            let start = self.starts[at] as usize;
            let Some(window) = self.bytes.get(start..start + WINDOW) else { break };
            self.slots.push(table.count(hash(window), at as u32) as u32);
        }
        self.candidates.clear();
        for at in 0..=words - SHORTEST {
            let short = ((self.starts[at + SHORTEST] - self.starts[at]) as usize) < WINDOW;
            let repeats = self.slots.get(at).is_none_or(|&slot| table.entry(slot as usize).count > 1);
            if short || repeats {
                self.candidates.push(at as u32);
            }
        }
        for (n, duplicated) in (SHORTEST..).zip(&mut duplicated) {
            table.reset(self.candidates.len());
            let mut next = 0;
            for &at in &self.candidates {
                let at = at as usize;
                if at + n > words {
                    break;
                }
                if at < next {
                    continue;
                }
                let gram = &self.bytes[self.starts[at] as usize..self.starts[at + n] as usize];
                if table.seen(hash(gram)) {
                    *duplicated += self.length(at, n);
                    next = at + n;
                }
            }
        }
        duplicated
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
