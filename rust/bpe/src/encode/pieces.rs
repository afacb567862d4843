//! Bytes to token, for tokens that a whole piece may be: a read-only hash table shared by all threads.
//!
//! A slot is 8 bytes, 32 of the hash and the id; the bytes are compared in the vocabulary's own block.

use tokenfoundry_kernels::huge_pages::Aligned;
use tokenfoundry_kernels::prefetch::prefetch;

use crate::vocabulary::Tokens;

const EMPTY: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub struct Pieces {
    slots: Aligned<u64>,
    shift: u32,
    longest: usize,
}

/// A hash of bytes that never leaves the process; fast for the few bytes that a token is.
#[inline(always)]
pub fn hash(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let fold = |a: u64, b: u64| {
        let product = (a as u128) * (b as u128);
        (product as u64) ^ (product >> 64) as u64
    };
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or([0; 8]));
    let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or([0; 4])) as u64;
    let length = bytes.len();
    let seed = length as u64 ^ 0xA076_1D64_78BD_642F;
    if length >= 8 {
        let mut state = seed;
        let mut at = 0;
        while at + 16 < length {
            state = fold(word(at) ^ state, word(at + 8) ^ 0xE703_7ED1_A0B4_28DB);
            at += 16;
        }
        if at + 8 < length {
            state = fold(word(at) ^ state, MULTIPLIER);
        }
        fold(word(length - 8) ^ state, 0x8EBC_6AF0_9C88_C6E3)
    } else if length >= 4 {
        fold(half(0) << 32 | half(length - 4), MULTIPLIER ^ seed)
    } else if length > 0 {
        let bits = (bytes[0] as u64) << 16 | (bytes[length / 2] as u64) << 8 | bytes[length - 1] as u64;
        fold(bits ^ seed << 32, MULTIPLIER)
    } else {
        0
    }
}

impl Pieces {
    pub fn with_capacity(tokens: usize) -> Self {
        let slots = (tokens * 2).next_power_of_two().max(64);
        let mut empty = Aligned::zeroed(slots);
        empty.fill(EMPTY);
        Self { slots: empty, shift: 64 - slots.trailing_zeros(), longest: 0 }
    }

    /// Insert a token; if the same bytes are there already, give their id.
    pub fn insert(&mut self, tokens: &Tokens, id: u32) -> Result<(), u32> {
        let Some(bytes) = tokens.get(id) else { return Ok(()) };
        let hash = hash(bytes);
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        while self.slots[at] != EMPTY {
            let slot = self.slots[at];
            if slot >> 32 == hash & 0xFFFF_FFFF && tokens.get(slot as u32) == Some(bytes) {
                return Err(slot as u32);
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = hash << 32 | id as u64;
        self.longest = self.longest.max(bytes.len());
        Ok(())
    }

    /// Ask for the memory that [`Self::candidate`] will look at first.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, (hash >> self.shift) as usize);
    }

    /// A token that may have this [`hash`], and others only if [`Self::get_hashed`] finds one.
    #[inline(always)]
    pub fn candidate(&self, hash: u64) -> Option<u32> {
        self.candidates(hash).next()
    }

    #[inline(always)]
    fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        std::iter::from_fn(move || {
            loop {
                let slot = self.slots[at & mask];
                if slot == EMPTY {
                    return None;
                }
                at += 1;
                if slot >> 32 == hash & 0xFFFF_FFFF {
                    return Some(slot as u32);
                }
            }
        })
    }

    /// The token whose bytes are `piece`.
    #[inline]
    pub fn get(&self, tokens: &Tokens, piece: &[u8]) -> Option<u32> {
        if piece.len() > self.longest { None } else { self.get_hashed(tokens, piece, hash(piece)) }
    }

    /// The same, where `hash` is the piece's.
    #[inline(always)]
    pub fn get_hashed(&self, tokens: &Tokens, piece: &[u8], hash: u64) -> Option<u32> {
        if piece.len() > self.longest {
            return None;
        }
        self.candidates(hash).find(|&id| tokens.get(id) == Some(piece))
    }
}
