//! What a thread remembers of the pieces it has encoded, in a fixed amount of memory.
//!
//! Pieces of up to 15 bytes and three tokens are kept in a two-way set-associative table whose key is the piece itself, so
//! that a look-up is one cache line and no hash can lie. All others are kept in a direct-mapped table onto an arena, which
//! is emptied when it is full. Nothing is ever rehashed, so no call pays for another.
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

/// Sets of the table of short pieces: 2 MB.
const SETS: usize = 1 << 15;
/// Slots of the table of long pieces, and what its arenas may hold: 4 MB of bytes, 4 MB of tokens.
const LONG_SLOTS: usize = 1 << 15;
const ARENA_BYTES: usize = 4 << 20;
const ARENA_TOKENS: usize = 1 << 20;
/// Pieces that are looked up together.
const BLOCK: usize = 256;
/// Tokens of a piece in the table of short pieces.
const INLINE: usize = 3;
/// Bytes of a piece in the table of short pieces.
const SHORT: usize = 15;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
struct Entry {
    /// The bytes of the piece and, in the highest byte, how many they are; 0 is no piece.
    key: u128,
    /// Tokens, and in the last place how many.
    tokens: [u32; INLINE + 1],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Set([Entry; 2]);

#[derive(Clone, Copy, Debug, Default)]
struct LongEntry {
    hash: u64,
    bytes_start: u32,
    bytes_length: u32,
    tokens_start: u32,
    tokens_length: u32,
}

/// One thread's cache and scratch space. Belongs to one encoder.
#[derive(Debug)]
pub struct Memory {
    sets: Vec<Set>,
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

#[inline(always)]
fn set_of(key: u128) -> usize {
    let folded = key as u64 ^ ((key >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 49) as usize & (SETS - 1)
}

impl Memory {
    pub fn new() -> Self {
        Self {
            sets: vec![Set::default(); SETS],
            long: vec![LongEntry::default(); LONG_SLOTS],
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
            let set = set_of(key);
            prefetch(&self.sets, set);
            block.keys[index] = key;
            block.sets[index] = set as u32;
        }
        let mut written = 0;
        for index in 0..count {
            let key = block.keys[index];
            let set = block.sets[index] as usize & (SETS - 1);
            let Set([first, second]) = &self.sets[set];
            let hit = if first.key == key { first } else { second };
            if hit.key == key {
                if let Some(place) = block.tokens.get_mut(written..written + INLINE + 1) {
                    place.copy_from_slice(&hit.tokens);
                }
                written += hit.tokens[INLINE] as usize;
                continue;
            }
            let piece = &text[block.starts[index]..block.starts[index + 1]];
            let found = self.encode_missed(encoder, piece, key, set);
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
        let set = set_of(key);
        let Set([first, second]) = &self.sets[set];
        let hit = if first.key == key { first } else { second };
        if hit.key == key {
            sink.many(&hit.tokens[..(hit.tokens[INLINE] as usize).min(INLINE)]);
        } else {
            let found = self.encode_missed(encoder, piece, key, set);
            sink.many(&self.tokens[..found]);
        }
    }

    /// The tokens of a piece that is not in the table of short pieces, in `self.tokens`; gives how many.
    #[inline(never)]
    fn encode_missed(&mut self, encoder: &Encoder, piece: &[u8], key: u128, set: usize) -> usize {
        self.tokens.clear();
        if key != u128::MAX {
            encoder.encode_piece(piece, &mut self.scratch, &mut self.tokens);
            let found = self.tokens.len();
            if found <= INLINE {
                let mut tokens = [0; INLINE + 1];
                tokens[..found].copy_from_slice(&self.tokens);
                tokens[INLINE] = found as u32;
                let Set([first, second]) = &mut self.sets[set];
                *second = *first;
                *first = Entry { key, tokens };
            }
            return found;
        }
        let hash = hash(piece);
        let slot = (hash >> 40) as usize & (LONG_SLOTS - 1);
        let entry = self.long[slot];
        let bytes = entry.bytes_start as usize..(entry.bytes_start + entry.bytes_length) as usize;
        if entry.hash == hash && entry.bytes_length as usize == piece.len() && self.long_bytes.get(bytes) == Some(piece)
        {
            let tokens = entry.tokens_start as usize..(entry.tokens_start + entry.tokens_length) as usize;
            self.tokens.extend_from_slice(&self.long_tokens[tokens]);
            return self.tokens.len();
        }
        encoder.encode_piece(piece, &mut self.scratch, &mut self.tokens);
        if piece.len() <= ARENA_BYTES / 64 {
            self.remember_long(piece, hash, slot);
        }
        self.tokens.len()
    }

    fn remember_long(&mut self, piece: &[u8], hash: u64, slot: usize) {
        if self.long_bytes.len() + piece.len() > ARENA_BYTES
            || self.long_tokens.len() + self.tokens.len() > ARENA_TOKENS
        {
            self.long.fill(LongEntry::default());
            self.long_bytes.clear();
            self.long_tokens.clear();
        }
        self.long[slot] = LongEntry {
            hash,
            bytes_start: self.long_bytes.len() as u32,
            bytes_length: piece.len() as u32,
            tokens_start: self.long_tokens.len() as u32,
            tokens_length: self.tokens.len() as u32,
        };
        self.long_bytes.extend_from_slice(piece);
        self.long_tokens.extend_from_slice(&self.tokens);
    }
}
