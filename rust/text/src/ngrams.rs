//! Overlap with evaluation sets: an index of their word n-grams, and the places where a document holds one.
//!
//! Words here are runs of letters, marks and digits in lower case, ideographs one by one; what is between them does
//! not count, so punctuation, case and line breaks hide nothing. A text of an evaluation set gives its n-grams of
//! [`Sizes::long`] words, or of [`Sizes::short`] if it is shorter, or nothing if it is shorter still.
//!
//! N-grams are 64-bit hashes: with ten million of them in the index, one foreign n-gram in two million million is
//! taken for one. Ten bytes a slot, at most 4/5 full; a filter before it (three bits in one word) answers most questions
//! with one look. Not for near matches: a changed word breaks `n` n-grams.

use std::ops::Range;

use crate::characters::{Characters, IDEOGRAPH, LETTER, MARK, NUMBER, characters};
use tokenfoundry_kernels::prefetch::prefetch;

use crate::segment::Masks;
use crate::table::{hash_any, kept, mix, short_hash, short_words};

/// Words of an n-gram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub long: usize,
    /// For texts with fewer words than `long`; 0 for none.
    pub short: usize,
}

impl Sizes {
    pub const MOST: usize = 64;
}

/// A document's words: their hashes and places.
#[derive(Debug, Default)]
pub struct Words {
    hashes: Vec<u64>,
    places: Vec<Range<u32>>,
    lower: String,
    masks: Masks,
    grams: Vec<u64>,
    candidates: Vec<u32>,
}

impl Words {
    fn fill(&mut self, text: &[u8]) {
        self.hashes.clear();
        self.places.clear();
        let table = characters();
        let mut base = 0;
        for chunk in text.utf8_chunks() {
            self.fill_valid(table, chunk.valid(), base);
            base += chunk.valid().len() + chunk.invalid().len();
        }
    }

    fn fill_valid(&mut self, table: &Characters, text: &str, base: usize) {
        let bytes = text.as_bytes();
        let mut masks = std::mem::take(&mut self.masks);
        masks.fill(bytes);
        let mut at = 0;
        loop {
            let start = masks.next_word_byte(at);
            if start >= bytes.len() {
                break;
            }
            at = masks.skip_alphanumeric(start);
            if at < bytes.len() && bytes[at] >= 0x80 {
                at = self.foreign_word(table, text, start, at, base);
            } else {
                self.push(ascii_hash(bytes, start, at), base + start, base + at);
            }
        }
        self.masks = masks;
    }

    /// A word with a character that is not ASCII at `at`; returns where to go on.
    fn foreign_word(&mut self, table: &Characters, text: &str, start: usize, at: usize, base: usize) -> usize {
        let mut end = at;
        for character in text[at..].chars() {
            let flags = table.flags(character);
            if flags & IDEOGRAPH != 0 || flags & (LETTER | MARK | NUMBER) == 0 {
                if end > start {
                    self.push_lower(&text[start..end], base + start);
                }
                let after = end + character.len_utf8();
                if flags & IDEOGRAPH != 0 {
                    self.push_lower(&text[end..after], base + end);
                }
                return after;
            }
            end += character.len_utf8();
        }
        self.push_lower(&text[start..end], base + start);
        end
    }

    fn push_lower(&mut self, word: &str, start: usize) {
        self.lower.clear();
        self.lower.extend(word.chars().flat_map(char::to_lowercase));
        self.push(hash_any(self.lower.as_bytes()), start, start + word.len());
    }

    #[inline]
    fn push(&mut self, hash: u64, start: usize, end: usize) {
        self.hashes.push(hash);
        self.places.push(start as u32..end as u32);
    }

    /// Hashes of all n-grams of `n` words: a polynomial of the words' hashes, rolled, then mixed.
    fn roll(&mut self, n: usize) {
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        self.grams.clear();
        if n == 0 || self.hashes.len() < n {
            return;
        }
        let leaving = (0..n).fold(1u64, |power, _| power.wrapping_mul(FACTOR));
        let mut rolled = 0u64;
        for (index, &hash) in self.hashes.iter().enumerate() {
            rolled = rolled.wrapping_mul(FACTOR).wrapping_add(hash);
            if index >= n {
                rolled = rolled.wrapping_sub(self.hashes[index - n].wrapping_mul(leaving));
            }
            if index + 1 >= n {
                self.grams.push(mix(rolled, n as u64) | 1);
            }
        }
    }
}

/// The hash of an ASCII word in lower case: for letters and digits that is bit 5 set.
#[inline]
fn ascii_hash(text: &[u8], start: usize, end: usize) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    match short_words(text, start, end) {
        Some((low, high, length)) => {
            let (keep_low, keep_high) = kept(length);
            short_hash(low | LOWER & keep_low, high | LOWER & keep_high, length)
        }
        None => hash_any(&text[start..end].to_ascii_lowercase()),
    }
}

/// N-grams of evaluation sets, each with the set that had it first.
#[derive(Clone, Debug)]
pub struct Index {
    sizes: Sizes,
    keys: Vec<u64>,
    sets: Vec<u16>,
    filled: usize,
    has_short: bool,
    /// Texts with too few words for an n-gram.
    skipped: usize,
    filter: Vec<u64>,
}

impl Index {
    pub fn new(sizes: Sizes) -> Self {
        Self {
            sizes,
            keys: vec![0; 1024],
            sets: vec![0; 1024],
            filled: 0,
            has_short: false,
            skipped: 0,
            filter: Vec::new(),
        }
    }

    /// Add one text of a set.
    pub fn add(&mut self, text: &[u8], set: u16, words: &mut Words) {
        words.fill(text);
        let count = words.hashes.len();
        let n = if count >= self.sizes.long {
            self.sizes.long
        } else if self.sizes.short > 0 && count >= self.sizes.short {
            self.has_short = true;
            self.sizes.short
        } else {
            self.skipped += 1;
            return;
        };
        words.roll(n);
        for index in 0..words.grams.len() {
            if (self.filled + 1) * 5 > self.keys.len() * 4 {
                self.grow();
            }
            let slot = self.slot(words.grams[index]);
            if self.keys[slot] == 0 {
                self.keys[slot] = words.grams[index];
                self.sets[slot] = set;
                self.filled += 1;
            }
        }
    }

    /// Make the filter; call once after the last [`Index::add`].
    pub fn finish(&mut self) {
        let bits = (self.filled.max(64) * 12).next_power_of_two();
        self.filter = vec![0; bits / 64];
        for &key in self.keys.iter().filter(|&&key| key != 0) {
            let (word, bits) = filter_place(key, self.filter.len());
            self.filter[word] |= bits;
        }
    }

    pub fn len(&self) -> usize {
        self.filled
    }

    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.keys.len() * 10 + self.filter.len() * 8
    }

    fn slot(&self, key: u64) -> usize {
        let mask = self.keys.len() - 1;
        let mut slot = (key >> 20) as usize & mask;
        while self.keys[slot] != 0 && self.keys[slot] != key {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let size = self.keys.len() * 2;
        let keys = std::mem::replace(&mut self.keys, vec![0; size]);
        let sets = std::mem::replace(&mut self.sets, vec![0; size]);
        for (key, set) in keys.into_iter().zip(sets).filter(|(key, _)| *key != 0) {
            let slot = self.slot(key);
            self.keys[slot] = key;
            self.sets[slot] = set;
        }
    }

    fn find(&self, key: u64) -> Option<u16> {
        let slot = self.slot(key);
        (self.keys[slot] == key).then(|| self.sets[slot])
    }

    /// What of `text` is in the index.
    pub fn overlap(&self, text: &[u8], words: &mut Words) -> Overlap {
        words.fill(text);
        let mut overlap = Overlap { words: words.hashes.len(), ..Overlap::default() };
        if self.filled == 0 {
            return overlap;
        }
        let short = if self.has_short { self.sizes.short } else { 0 };
        let mut hits = Vec::new();
        for n in [self.sizes.long, short] {
            words.roll(n);
            self.look_up(&words.grams, n, &mut words.candidates, &mut hits);
        }
        overlap.ngrams = hits.len();
        hits.sort_unstable();
        let mut merged: Vec<(usize, usize, u16)> = Vec::new();
        for (first, end, set) in hits {
            match merged.last_mut() {
                Some(last) if first < last.1 => last.1 = last.1.max(end),
                _ => merged.push((first, end, set)),
            }
        }
        overlap.covered = merged.iter().map(|(first, end, _)| end - first).sum();
        overlap.spans = merged
            .iter()
            .map(|&(first, end, set)| Span { start: words.places[first].start, end: words.places[end - 1].end, set })
            .collect();
        overlap
    }
}

impl Index {
    /// Add the n-grams that are in the index: first and end word, and set.
    ///
    /// The filter of a large index lies outside the cache, so what will be asked in a while is fetched now.
    fn look_up(&self, grams: &[u64], n: usize, candidates: &mut Vec<u32>, hits: &mut Vec<(usize, usize, u16)>) {
        const AHEAD: usize = 24;
        let words = self.filter.len();
        for &key in &grams[..grams.len().min(AHEAD)] {
            prefetch(&self.filter, filter_place(key, words).0);
        }
        candidates.clear();
        for (first, &key) in grams.iter().enumerate() {
            if let Some(&later) = grams.get(first + AHEAD) {
                prefetch(&self.filter, filter_place(later, words).0);
            }
            let (word, bits) = filter_place(key, words);
            if self.filter[word] & bits == bits {
                prefetch(&self.keys, (key >> 20) as usize & (self.keys.len() - 1));
                candidates.push(first as u32);
            }
        }
        for &first in candidates.iter() {
            let first = first as usize;
            if let Some(set) = self.find(grams[first]) {
                hits.push((first, first + n, set));
            }
        }
    }
}

/// The word of the filter that a key is in, and its three bits.
#[inline]
fn filter_place(key: u64, words: usize) -> (usize, u64) {
    let mixed = key.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let bits = 1 << (mixed >> 58) | 1 << (mixed >> 52 & 63) | 1 << (mixed >> 46 & 63);
    ((mixed >> 14) as usize & (words - 1), bits)
}

/// Bytes of a document that are n-grams of `set`, overlapping ones joined (the first one's set is named).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub set: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    pub words: usize,
    /// N-grams of the document that are in the index.
    pub ngrams: usize,
    /// Words inside spans.
    pub covered: usize,
    pub spans: Vec<Span>,
}

impl Overlap {
    /// The text without the spans, a space where one was between two words.
    pub fn cut(&self, text: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(text.len());
        let mut at = 0;
        for span in &self.spans {
            kept.extend_from_slice(&text[at..span.start as usize]);
            at = span.end as usize;
        }
        kept.extend_from_slice(&text[at..]);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_marks_hide_nothing() {
        let mut words = Words::default();
        let mut index = Index::new(Sizes { long: 4, short: 2 });
        index.add("The quick, brown FOX jumps!".as_bytes(), 3, &mut words);
        index.add("Größe ZÄHLT".as_bytes(), 5, &mut words);
        index.add(b"one", 6, &mut words);
        index.finish();
        assert_eq!((index.len(), index.skipped()), (3, 1));
        let text = "See: the QUICK\nbrown fox; jumps over. größe\u{2014}zählt x";
        let found = index.overlap(text.as_bytes(), &mut words);
        assert_eq!((found.words, found.ngrams, found.covered), (10, 3, 7));
        let spans: Vec<(&str, u16)> =
            found.spans.iter().map(|span| (&text[span.start as usize..span.end as usize], span.set)).collect();
        assert_eq!(spans, [("the QUICK\nbrown fox; jumps", 3), ("größe\u{2014}zählt", 5)]);
        assert_eq!(found.cut(text.as_bytes()), "See:  over.  x".as_bytes());
    }

    #[test]
    fn many_ngrams_are_found_again() {
        let mut words = Words::default();
        let mut index = Index::new(Sizes { long: 5, short: 0 });
        let text: String = (0..5000).map(|number| format!("w{} ", number * number % 7919)).collect();
        index.add(text.as_bytes(), 0, &mut words);
        index.finish();
        assert_eq!(index.overlap(text.as_bytes(), &mut words).ngrams, 4996);
        assert_eq!(index.overlap(b"w0 w1 w4 w9 w17", &mut words).ngrams, 0);
        assert_eq!(index.overlap(b"\xFFw0\xFFw1 w4 w9\xFE w16", &mut words).ngrams, 1);
    }
}
