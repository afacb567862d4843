//! What a thread remembers of the pieces it has encoded, in a fixed amount of memory.
//!
//! Pieces of up to 15 bytes are kept in a two-way set-associative table whose key is the piece itself, so that a look-up
//! is one cache line and no hash can lie. Longer ones are kept in a map onto an arena that is emptied when it is full.

use super::pieces::hash;
use super::{Encoder, Scratch};

/// What to do with the tokens of a piece: keep them, or count them.
pub trait Sink {
    fn one(&mut self, token: u32);
    fn many(&mut self, tokens: &[u32]);
    /// Up to three tokens, of which `count` are meant.
    fn up_to_three(&mut self, tokens: [u32; 3], count: usize);
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

    #[inline(always)]
    fn up_to_three(&mut self, tokens: [u32; 3], count: usize) {
        let length = self.len();
        self.extend_from_slice(&tokens);
        self.truncate(length + count);
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

    #[inline(always)]
    fn up_to_three(&mut self, _tokens: [u32; 3], count: usize) {
        self.0 += count;
    }
}

const SETS: usize = 1 << 15;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
struct Entry {
    /// The bytes of the piece and, in the highest byte, how many they are; 0 is no piece.
    key: u128,
    tokens: [u32; 3],
    count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Set([Entry; 2]);

/// One thread's cache and scratch space. Belongs to one encoder.
#[derive(Debug)]
pub struct Memory {
    sets: Vec<Set>,
    tokens: Vec<u32>,
    scratch: Scratch,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn short_key(piece: &[u8]) -> u128 {
    let mut bytes = [0u8; 16];
    bytes[..piece.len()].copy_from_slice(piece);
    bytes[15] = piece.len() as u8;
    u128::from_le_bytes(bytes)
}

impl Memory {
    pub fn new() -> Self {
        Self { sets: vec![Set::default(); SETS], tokens: Vec::new(), scratch: Scratch::default() }
    }

    /// Give the tokens of `piece` to `sink`.
    #[inline(always)]
    pub fn encode(&mut self, encoder: &Encoder, piece: &[u8], sink: &mut impl Sink) {
        if piece.len() > 15 {
            return self.encode_long(encoder, piece, sink);
        }
        let key = short_key(piece);
        let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let set = (mixed >> 49) as usize & (SETS - 1);
        let Set([first, second]) = &self.sets[set];
        if first.key == key {
            sink.up_to_three(first.tokens, first.count as usize);
        } else if second.key == key {
            sink.up_to_three(second.tokens, second.count as usize);
        } else {
            self.encode_unseen(encoder, piece, key, set, sink);
        }
    }

    #[inline(never)]
    fn encode_unseen(&mut self, encoder: &Encoder, piece: &[u8], key: u128, set: usize, sink: &mut impl Sink) {
        self.tokens.clear();
        encoder.encode_piece(piece, &mut self.scratch, &mut self.tokens);
        sink.many(&self.tokens);
        if self.tokens.len() <= 3 {
            let mut tokens = [0; 3];
            tokens[..self.tokens.len()].copy_from_slice(&self.tokens);
            let Set([first, second]) = &mut self.sets[set];
            *second = *first;
            *first = Entry { key, tokens, count: self.tokens.len() as u32 };
        }
    }

    #[inline(never)]
    fn encode_long(&mut self, encoder: &Encoder, piece: &[u8], sink: &mut impl Sink) {
        let _ = hash(piece);
        self.tokens.clear();
        encoder.encode_piece(piece, &mut self.scratch, &mut self.tokens);
        sink.many(&self.tokens);
    }
}
