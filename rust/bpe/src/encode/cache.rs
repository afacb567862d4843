//! What a thread remembers of the pieces it has encoded, in a bounded amount of memory.
//!
//! Pieces of up to 15 bytes and three tokens are kept in a two-way set-associative table whose key is the piece itself, so
//! that a look-up is one cache line and no hash can lie. All others are kept in a direct-mapped table onto an arena, which
//! is emptied when it is full. The first starts small, so that a new tokenizer answers at once, and grows with what it is
//! given, to 64 MB; with the arena a thread remembers at most 134 MB.
//!
//! Pieces are looked up a block at a time: first all their ends, then all their keys with a prefetch each, then the
//! tokens; so the cache misses of a block overlap.

use tokenfoundry_kernels::prefetch::prefetch;

use super::pieces::hash;
use super::{Encoder, Scratch};
use crate::pretokenize::Scan;

/// What to do with the tokens of a piece: keep them, or count them.
pub trait Sink {
    fn one(&mut self, token: u32);
    fn many(&mut self, tokens: &[u32]);
}

impl Sink for Vec<u32> {
    #[inline(always)]
    fn one(&mut self, token: u32) {
        self.push(token);
    }

    #[inline(always)]
    fn many(&mut self, tokens: &[u32]) {
        self.extend_from_slice(tokens);
    }
}

/// Counts tokens and keeps none.
#[derive(Debug, Default)]
pub struct Count(pub usize);

impl Sink for Count {
    #[inline(always)]
    fn one(&mut self, _token: u32) {
        self.0 += 1;
    }

    #[inline(always)]
    fn many(&mut self, tokens: &[u32]) {
        self.0 += tokens.len();
    }
}

/// Sets of the table of short pieces at first (256 kB) and at most (64 MB).
const FIRST_SETS: usize = 1 << 12;
const MOST_SETS: usize = 1 << 20;
/// Slots of the table of long pieces (6 MB, of which only what is used is touched), and what its arenas may hold: 32 MB of
/// bytes, 32 MB of tokens.
const LONG_SLOTS: usize = 1 << 18;
const ARENA_BYTES: usize = 32 << 20;
const ARENA_TOKENS: usize = 8 << 20;
/// Pieces that are looked up together.
const BLOCK: usize = 256;
/// Tokens of a piece in the table of short pieces.
const INLINE: usize = 3;
/// Bytes of a piece in the table of short pieces.
const SHORT: usize = 15;

/// The table of short pieces. A set is one cache line of two entries; an entry is the key (the bytes of the piece and, in
/// the highest byte, how many they are; 0 is no piece) in two words, and three tokens and their number in two more.
///
/// Numbers and no structs, so that the system gives the memory zeroed and untouched.
#[derive(Debug)]
struct Short {
    words: Vec<u64>,
    /// Words before the first whole cache line.
    skip: usize,
    sets: usize,
    inserted: usize,
}

impl Short {
    fn new(sets: usize) -> Self {
        let words = vec![0u64; sets * 8 + 7];
        let skip = words.as_ptr().align_offset(64).min(7);
        Self { words, skip, sets, inserted: 0 }
    }

    #[inline(always)]
    fn set_of(&self, key: u128) -> usize {
        let folded = key as u64 ^ ((key >> 64) as u64).rotate_left(29);
        (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & (self.sets - 1)
    }

    #[inline(always)]
    fn set(&self, set: usize) -> Option<&[u64; 8]> {
        self.words.get(self.skip + set * 8..)?.first_chunk()
    }

    /// The tokens of `key`, and in the last place how many.
    #[inline(always)]
    fn find(&self, set: usize, key: u128) -> Option<[u32; INLINE + 1]> {
        let words = self.set(set)?;
        let (low, high) = (key as u64, (key >> 64) as u64);
        let first = (words[0] ^ low) | (words[1] ^ high) == 0;
        let (own_low, own_high, one, two) =
            if first { (words[0], words[1], words[2], words[3]) } else { (words[4], words[5], words[6], words[7]) };
        ((own_low ^ low) | (own_high ^ high) == 0).then_some([
            one as u32,
            (one >> 32) as u32,
            two as u32,
            (two >> 32) as u32,
        ])
    }

    /// Put an entry first in its set; the one that was first is second now.
    fn insert(&mut self, key: u128, tokens: [u32; INLINE + 1]) {
        if self.inserted > self.sets && self.sets < MOST_SETS {
            self.grow();
        }
        self.inserted += 1;
        let at = self.skip + self.set_of(key) * 8;
        let join = |low: u32, high: u32| low as u64 | (high as u64) << 32;
        let entry = [key as u64, (key >> 64) as u64, join(tokens[0], tokens[1]), join(tokens[2], tokens[3])];
        if let Some(set) = self.words.get_mut(at..at + 8) {
            set.copy_within(0..4, 4);
            set[..4].copy_from_slice(&entry);
        }
    }

    /// Four times the sets, with all entries.
    #[cold]
    fn grow(&mut self) {
        let mut larger = Self::new(self.sets * 4);
        for entry in self.words[self.skip..self.skip + self.sets * 8].chunks_exact(4) {
            if entry[1] != 0 {
                let tokens = [entry[2] as u32, (entry[2] >> 32) as u32, entry[3] as u32, (entry[3] >> 32) as u32];
                larger.insert(entry[0] as u128 | (entry[1] as u128) << 64, tokens);
            }
        }
        *self = larger;
    }
}

/// Hash; where the bytes start, and how many; where the tokens start, and how many.
type LongEntry = [u64; 3];

fn two_numbers(word: u64) -> std::ops::Range<usize> {
    let (start, length) = ((word >> 32) as usize, word as u32 as usize);
    start..start + length
}

/// One thread's cache and scratch space. Belongs to one encoder.
#[derive(Debug)]
pub struct Memory {
    short: Short,
    long: Vec<LongEntry>,
    long_bytes: Vec<u8>,
    long_tokens: Vec<u32>,
    tokens: Vec<u32>,
    scratch: Scratch,
    block: Option<Box<Block>>,
}

/// Room for a block of pieces.
#[derive(Debug)]
struct Block {
    starts: [usize; BLOCK + 1],
    keys: [u128; BLOCK],
    sets: [u32; BLOCK],
    tokens: [u32; BLOCK * INLINE + 1],
}

impl Block {
    fn new() -> Self {
        Self { starts: [0; BLOCK + 1], keys: [0; BLOCK], sets: [0; BLOCK], tokens: [0; BLOCK * INLINE + 1] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps so many of the sixteen bytes from the lowest on.
static MASKS: [u128; 16] = {
    let mut masks = [0; 16];
    let mut length = 1;
    while length < 16 {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

/// The key of the piece from `start` on of up to [`SHORT`] bytes.
#[inline(always)]
fn short_key(text: &[u8], start: usize, length: usize) -> u128 {
    let window: u128 = match text.get(start..).and_then(|rest| rest.first_chunk()) {
        Some(window) => u128::from_le_bytes(*window),
        None => {
            let mut window = [0; 16];
            window[..length].copy_from_slice(&text[start..start + length]);
            u128::from_le_bytes(window)
        }
    };
    window & MASKS[length & 15] | (length as u128) << 120
}

impl Memory {
    pub fn new() -> Self {
        Self {
            short: Short::new(FIRST_SETS),
            long: vec![[0; 3]; LONG_SLOTS],
            long_bytes: Vec::new(),
            long_tokens: Vec::new(),
            tokens: Vec::new(),
            scratch: Scratch::default(),
            block: None,
        }
    }

    /// Give the tokens of the pieces of `text` from `start` on to `sink`, up to a block of them; gives where it stopped.
    #[inline(always)]
    pub fn encode_block<S: Scan>(
        &mut self,
        encoder: &Encoder,
        scanner: S,
        text: &[u8],
        start: usize,
        sink: &mut impl Sink,
    ) -> usize {
        // Out of the way of the borrow of `self` by the slow paths.
        let mut block = self.block.take().unwrap_or_else(|| Box::new(Block::new()));
        let stop = self.encode_block_in(&mut block, encoder, scanner, text, start, sink);
        self.block = Some(block);
        stop
    }

    #[inline(always)]
    fn encode_block_in<S: Scan>(
        &mut self,
        block: &mut Block,
        encoder: &Encoder,
        scanner: S,
        text: &[u8],
        start: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let mut count = 0;
        let mut at = start;
        while count < BLOCK && at < text.len() {
            block.starts[count] = at;
            at = scanner.end(text, at);
            count += 1;
        }
        block.starts[count] = at;
        for index in 0..count {
            let (start, end) = (block.starts[index], block.starts[index + 1]);
            let length = (end - start).min(16);
            // A long piece gets a key that no entry has.
            let key = if length <= SHORT { short_key(text, start, length) } else { u128::MAX };
            let set = self.short.set_of(key);
            prefetch(&self.short.words, self.short.skip + set * 8);
            block.keys[index] = key;
            block.sets[index] = set as u32;
        }
        let mut written = 0;
        for index in 0..count {
            let key = block.keys[index];
            if let Some(hit) = self.short.find(block.sets[index] as usize, key) {
                if let Some(place) = block.tokens.get_mut(written..written + INLINE + 1) {
                    place.copy_from_slice(&hit);
                }
                written += hit[INLINE] as usize;
                continue;
            }
            let piece = &text[block.starts[index]..block.starts[index + 1]];
            let found = self.encode_missed(encoder, piece, key);
            if found <= INLINE {
                for (place, &token) in block.tokens[written..].iter_mut().zip(&self.tokens[..found]) {
                    *place = token;
                }
                written += found;
            } else {
                sink.many(&block.tokens[..written]);
                written = 0;
                sink.many(&self.tokens[..found]);
            }
        }
        sink.many(&block.tokens[..written]);
        at
    }

    /// Give the tokens of `piece` to `sink`.
    #[inline(always)]
    pub fn encode(&mut self, encoder: &Encoder, piece: &[u8], sink: &mut impl Sink) {
        let key = if piece.len() <= SHORT { short_key(piece, 0, piece.len()) } else { u128::MAX };
        match self.short.find(self.short.set_of(key), key) {
            Some(hit) => sink.many(&hit[..(hit[INLINE] as usize).min(INLINE)]),
            None => {
                let found = self.encode_missed(encoder, piece, key);
                sink.many(&self.tokens[..found]);
            }
        }
    }

    /// The tokens of a piece that is not in the table of short pieces, in `self.tokens`; gives how many.
    #[inline(never)]
    fn encode_missed(&mut self, encoder: &Encoder, piece: &[u8], key: u128) -> usize {
        self.tokens.clear();
        let hash = hash(piece);
        let slot = (hash >> 40) as usize & (LONG_SLOTS - 1);
        let [known, bytes, tokens] = self.long[slot];
        if known == hash && self.long_bytes.get(two_numbers(bytes)) == Some(piece) {
            self.tokens.extend_from_slice(&self.long_tokens[two_numbers(tokens)]);
            return self.tokens.len();
        }
        encoder.encode_piece(piece, &mut self.scratch, &mut self.tokens);
        let found = self.tokens.len();
        if key != u128::MAX && found <= INLINE {
            let mut tokens = [0; INLINE + 1];
            tokens[..found].copy_from_slice(&self.tokens);
            tokens[INLINE] = found as u32;
            self.short.insert(key, tokens);
        } else if piece.len() <= ARENA_BYTES / 64 {
            self.remember_long(piece, hash, slot);
        }
        found
    }

    fn remember_long(&mut self, piece: &[u8], hash: u64, slot: usize) {
        if self.long_bytes.len() + piece.len() > ARENA_BYTES
            || self.long_tokens.len() + self.tokens.len() > ARENA_TOKENS
        {
            self.long.fill([0; 3]);
            self.long_bytes.clear();
            self.long_tokens.clear();
        }
        let numbers = |start: usize, length: usize| (start as u64) << 32 | length as u64;
        self.long[slot] =
            [hash, numbers(self.long_bytes.len(), piece.len()), numbers(self.long_tokens.len(), self.tokens.len())];
        self.long_bytes.extend_from_slice(piece);
        self.long_tokens.extend_from_slice(&self.tokens);
    }
}
