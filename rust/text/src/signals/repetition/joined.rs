//! A document's words without what is between them, and what Gopher counts of them.

use tokenfoundry_kernels::byte_classes::{Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::super::Document;
use super::super::gopher::Words;
use crate::segment::Words as Places;
use crate::table::{hash_any, kept, mix, short_hash};

/// Words up to this long are copied by one load and one store.
const BLOCK: usize = 16;
/// Zeros behind the last word, so that windows need not ask where the end is.
const PADDING: usize = 64;

#[derive(Debug, Default)]
pub struct Joined {
    bytes: Vec<u8>,
    /// Where each word starts in `bytes`, and the end of the last.
    starts: Vec<u32>,
    /// Characters before each word, and all of them; empty where they are the bytes.
    characters: Vec<u32>,
    pub hashes: Vec<u64>,
}

struct Fill<'a> {
    joined: &'a mut Joined,
    text: &'a str,
    words: &'a Places,
    /// Whether all characters are ASCII.
    plain: bool,
}

impl Work for Fill<'_> {
    type Output = Words;

    #[inline(always)]
    fn run(self, _: impl Classifier) -> Words {
        let text = self.text.as_bytes();
        let Joined { bytes, starts, characters, hashes } = self.joined;
        let mut found = Words::default();
        let (mut end, mut all_characters) = (0, 0);
        for ((word, start), hash) in self.words.iter().zip(starts.iter_mut()).zip(hashes.iter_mut()) {
            *start = end as u32;
            if !self.plain {
                characters.push(all_characters as u32);
            }
            let length = word.end - word.start;
            // All but the longest words, and those at the text's end, which have no block behind them.
            let block = text[word.start..].first_chunk::<BLOCK>().filter(|_| length <= BLOCK);
            let (low, letters) = if let Some(block) = block {
                let (low, high) = short(block, length);
                bytes[end..end + BLOCK].copy_from_slice(block);
                *hash = short_hash(low, high, length);
                (low, low | high)
            } else {
                let word = &text[word.start..word.end];
                bytes[end..end + length].copy_from_slice(word);
                *hash = hash_any(word);
                long(word)
            };
            end += length;
            all_characters += found.add_any(self.text, self.plain, word, low, letters);
        }
        bytes.truncate(end);
        starts[self.words.len()] = end as u32;
        if !self.plain {
            characters.push(all_characters as u32);
        }
        found
    }
}

/// The first bytes of a word of at most sixteen, zeros behind them.
#[inline(always)]
fn short(block: &[u8; BLOCK], length: usize) -> (u64, u64) {
    let both = u128::from_le_bytes(*block);
    let (low, high) = kept(length);
    (both as u64 & low, (both >> 64) as u64 & high)
}

/// What [`Words::add_any`] asks of any word.
fn long(word: &[u8]) -> (u64, u64) {
    let head = if word.len() <= 8 { word } else { &[] };
    let low = head.iter().rev().fold(0, |low, &byte| low << 8 | u64::from(byte));
    (low, word.iter().fold(0, |letters, &byte| letters | u64::from(byte)))
}

/// What the words of a document are, without taking them.
pub fn look(document: &Document<'_>) -> Words {
    let (text, plain) = (document.text, document.is_ascii());
    let mut found = Words::default();
    for word in document.words.iter() {
        let (low, letters) = long(word.of(text).as_bytes());
        found.add_any(text, plain, word, low, letters);
    }
    found
}

impl Joined {
    /// Take a document's words, and say what they are.
    #[inline(never)]
    pub fn fill(&mut self, document: &Document<'_>) -> Words {
        let words = document.words.len();
        // Room to write a block beyond the last word; what is there before is written over.
        self.bytes.resize(document.text.len() + BLOCK, 0);
        self.starts.resize(words + 1, 0);
        self.hashes.resize(words, 0);
        self.characters.clear();
        let plain = document.characters == document.text.len();
        let work = Fill { joined: self, text: document.text, words: document.words, plain };
        let found = on_tier(work, |work| work.run(Scalar));
        self.bytes.resize(self.bytes.len() + PADDING, 0);
        found
    }

    pub fn words(&self) -> usize {
        self.hashes.len()
    }

    /// Characters of `n` words from word `at` on.
    #[inline]
    pub fn characters_of(&self, at: usize, n: usize) -> usize {
        let before = if self.characters.is_empty() { &self.starts } else { &self.characters };
        (before[at + n] - before[at]) as usize
    }

    /// Bytes of `n` words from word `at` on.
    #[inline(always)]
    pub fn bytes_of(&self, at: u32, n: usize) -> u32 {
        self.starts[at as usize + n] - self.starts[at as usize]
    }

    /// Bytes of `N` words from each word on that has so many.
    #[inline(always)]
    pub fn lengths<const N: usize>(&self) -> impl Iterator<Item = u32> {
        self.starts.iter().zip(self.starts.iter().skip(N)).map(|(&start, &end)| end - start)
    }

    /// How many bytes `n` words from word `at` on have, and the last 16 of them in two words; zeros behind them if they are fewer.
    #[inline(always)]
    pub fn ends(&self, at: u32, n: usize) -> (u32, (u64, u64)) {
        let (start, end) = (self.starts[at as usize] as usize, self.starts[at as usize + n] as usize);
        let from = start.max(end.saturating_sub(BLOCK));
        // There is padding behind the last word.
        let both = self.bytes[from..].first_chunk::<BLOCK>().map_or(0, |block| u128::from_le_bytes(*block));
        let (low, high) = kept((end - from).min(BLOCK));
        ((end - start) as u32, (both as u64 & low, (both >> 64) as u64 & high))
    }

    /// The joined bytes of `n` words from word `at` on.
    #[inline(always)]
    pub fn gram(&self, at: u32, n: usize) -> &[u8] {
        &self.bytes[self.starts[at as usize] as usize..self.starts[at as usize + n] as usize]
    }

    /// `SIZE` bytes from each of the first `count` words on, zeros behind the last word.
    #[inline(always)]
    pub fn windows<const SIZE: usize>(&self, count: usize) -> impl Iterator<Item = &[u8; SIZE]> {
        self.starts[..count].iter().map_while(|&start| self.bytes[start as usize..].first_chunk())
    }

    /// A hash of eight bytes from word `at` on.
    #[inline(always)]
    pub fn head(&self, at: u32) -> u64 {
        let bytes = self.bytes[self.starts[at as usize] as usize..].first_chunk();
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// The hash of `to` bytes from word `at` on, of which `window` hashes the first `from`; eight or sixteen more.
    #[inline(always)]
    pub fn longer(&self, window: u64, at: u32, from: usize, to: usize) -> u64 {
        let start = self.starts[at as usize] as usize;
        let more = &self.bytes[start + from..start + to];
        let first = more.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let last = more.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        mix(window ^ first, last.rotate_left(32) ^ to as u64)
    }
}
