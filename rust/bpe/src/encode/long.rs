//! The tokens of long pieces: a table by hash onto an arena of bytes and one of tokens. A hit compares the bytes. All of it is
//! emptied when an arena is full.

use super::tables::Sets;

/// See the module. An entry is the hash; where the bytes start, and how many; where the tokens start, and how many.
#[derive(Debug)]
pub struct Long {
    entries: Sets<4>,
    most_entries: usize,
    bytes: Vec<u8>,
    tokens: Vec<u32>,
    most_bytes: usize,
}

const FIRST_ENTRIES: usize = 1 << 9;
/// No piece takes more of the arena than this part of it: it would drive out the rest.
const LARGEST_PART: usize = 64;

fn is_empty(entry: &[u64; 4]) -> bool {
    entry[1] == 0
}

fn two_numbers(word: u64) -> std::ops::Range<usize> {
    let (start, length) = ((word >> 32) as usize, word as u32 as usize);
    start..start + length
}

impl Long {
    /// At most so many entries, a power of two, and bytes of each arena.
    pub fn new(most_entries: usize, most_bytes: usize) -> Self {
        let first = FIRST_ENTRIES.min(most_entries);
        let entries = Sets::new(first, most_entries);
        Self { entries, most_entries, bytes: Vec::new(), tokens: Vec::new(), most_bytes }
    }

    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        self.entries.prefetch(hash);
    }

    #[inline]
    pub fn find(&mut self, piece: &[u8], hash: u64) -> Option<&[u32]> {
        let entry = self.entries.find(hash, |entry| entry[0] == hash && entry[1] as u32 as usize == piece.len())?;
        (self.bytes.get(two_numbers(entry[1])) == Some(piece)).then_some(())?;
        self.tokens.get(two_numbers(entry[2]))
    }

    pub fn insert(&mut self, piece: &[u8], hash: u64, tokens: &[u32]) {
        if piece.len() > self.most_bytes / LARGEST_PART {
            return;
        }
        let tokens_full = (self.tokens.len() + tokens.len()) * size_of::<u32>() > self.most_bytes;
        if self.bytes.len() + piece.len() > self.most_bytes || tokens_full {
            self.entries = Sets::new(FIRST_ENTRIES.min(self.most_entries), self.most_entries);
            self.bytes.clear();
            self.tokens.clear();
        }
        let numbers = |start: usize, length: usize| (start as u64) << 32 | length as u64;
        let (bytes, own) = (numbers(self.bytes.len(), piece.len()), numbers(self.tokens.len(), tokens.len()));
        self.bytes.extend_from_slice(piece);
        self.tokens.extend_from_slice(tokens);
        self.entries.insert([hash, bytes, own, 0], |entry| entry[0], is_empty);
    }
}
