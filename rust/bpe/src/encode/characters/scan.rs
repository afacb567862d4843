//! A part of a text to a bit for each byte that a unit may start at.

use tokenfoundry_kernels::byte_pairs::{BLOCK, high_bits};

use super::joins::Joins;
use super::Find;
use crate::unicode;

/// Bytes that are cut at once, in blocks of 64.
pub const BLOCKS: usize = 32;

/// An added token in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: u32,
    pub start: usize,
    pub end: usize,
}

/// Bit i: a unit may start at the place `start + i`.
#[derive(Debug)]
pub struct Cuts {
    /// One word more than there are blocks, for what the last character of a part says about the byte after it.
    pub masks: [u64; BLOCKS + 1],
    /// Bytes that the masks cover: they end with the text, with a block, or where a token was found.
    pub length: usize,
    /// The token at the end of what is covered.
    pub found: Option<Found>,
    /// The first unit is a token.
    pub starts_with_token: bool,
    joined: [u64; BLOCKS],
    high: [u64; BLOCKS],
    candidates: [u64; BLOCKS],
}

impl Default for Cuts {
    fn default() -> Self {
        Self {
            masks: [0; BLOCKS + 1],
            length: 0,
            found: None,
            starts_with_token: false,
            joined: [0; BLOCKS],
            high: [0; BLOCKS],
            candidates: [0; BLOCKS],
        }
    }
}

/// The code point at `at` and its length; `text` is UTF-8 and no ASCII there.
#[inline(always)]
fn decode(text: &[u8], at: usize) -> (u32, usize) {
    let Some(four) = text.get(at..).and_then(<[u8]>::first_chunk::<4>) else { return unicode::decode(text, at) };
    let word = u32::from_be_bytes(*four);
    let three = (word >> 12 & 0xF000) | (word >> 10 & 0x0FC0) | (word >> 8 & 0x3F);
    match four[0] {
        0xE0..=0xEF => (three, 3),
        0xF0.. => (word >> 6 & 0x1C_0000 | word >> 4 & 0x3_F000 | word >> 2 & 0xFC0 | word & 0x3F, 4),
        _ => (word >> 18 & 0x7C0 | word >> 16 & 0x3F, 2),
    }
}

impl Cuts {
    /// Cut up to `blocks` blocks of `text` from `start` on. Whether a unit starts at `start` itself is not asked.
    pub fn scan(&mut self, joins: &Joins, text: &[u8], start: usize, blocks: usize, find: Option<Find<'_>>) {
        let length = (text.len() - start).min(blocks.min(BLOCKS) * BLOCK);
        let words = length.div_ceil(BLOCK);
        self.length = length;
        self.found = None;
        self.starts_with_token = false;
        joins.ascii.masks(text, start, &mut self.joined[..words]);
        high_bits(text, start, &mut self.high[..words]);
        // Between two ASCII characters.
        let (mut joined_before, mut high_before) = (1, 0);
        for word in 0..words {
            let (joined, high) = (self.joined[word], self.high[word]);
            self.masks[word] = !(joined << 1 | joined_before) & !high & !(high << 1 | high_before);
            (joined_before, high_before) = (joined >> 63, high >> 63);
        }
        self.masks[words] = 0;
        self.scan_others(joins, text, start, words);
        if let Some(find) = find {
            find.tokens.finder.candidates(text, start, &mut self.candidates[..words]);
            self.cut_out_tokens(text, start, words, find);
        }
    }

    /// Cut beside characters that are no ASCII.
    #[inline(always)]
    fn scan_others(&mut self, joins: &Joins, text: &[u8], start: usize, words: usize) {
        let mut done = 0;
        let mut last = 0;
        for word in 0..words {
            let mut high = self.high[word];
            if done > word * BLOCK {
                high &= u64::MAX << (done - word * BLOCK);
            }
            while high != 0 {
                let at = word * BLOCK + high.trailing_zeros() as usize;
                let (character, length) = decode(text, start + at);
                if at > 0 {
                    let before = text[start + at - 1];
                    let left = if before < 0x80 { joins.seen(before) } else { last };
                    self.masks[word] |= u64::from(!joins.has(left, character)) << (at % BLOCK);
                }
                done = at + length;
                last = character;
                if let Some(&after) = text.get(start + done).filter(|&&after| after < 0x80) {
                    let cut = !joins.has(character, joins.seen(after));
                    self.masks[done / BLOCK] |= u64::from(cut) << (done % BLOCK);
                }
                let inside = done - word * BLOCK;
                high &= if inside < BLOCK { u64::MAX << inside } else { 0 };
            }
        }
    }

    /// Make units of added tokens, or stop at one.
    fn cut_out_tokens(&mut self, text: &[u8], start: usize, words: usize, find: Find<'_>) {
        let mut done = 0;
        for word in 0..words {
            let mut candidates = self.candidates[word];
            while candidates != 0 {
                let at = word * BLOCK + candidates.trailing_zeros() as usize;
                candidates &= candidates - 1;
                if at < done || at >= self.length {
                    continue;
                }
                let Some((number, length)) = find.tokens.finder.longest_at(text, start + at) else { continue };
                let token = &find.tokens.tokens[number as usize];
                if token.special && !find.allowed.allows(token) {
                    continue;
                }
                let end = at + length;
                if token.special || !find.within || end > self.length {
                    self.length = at;
                    self.found = Some(Found { id: token.id, start: start + at, end: start + end });
                    return;
                }
                self.clear(at, end);
                self.masks[at / BLOCK] |= 1 << (at % BLOCK);
                self.masks[end / BLOCK] |= 1 << (end % BLOCK);
                self.starts_with_token |= at == 0;
                done = end;
            }
        }
    }

    /// No cuts from `from` to before `to`.
    fn clear(&mut self, from: usize, to: usize) {
        let below = |bit: usize| (1u64 << (bit % BLOCK)) - 1;
        let (first, last) = (from / BLOCK, to / BLOCK);
        if first == last {
            self.masks[first] &= below(from) | !below(to);
        } else {
            self.masks[first] &= below(from);
            self.masks[first + 1..last].fill(0);
            self.masks[last] &= !below(to);
        }
    }

    /// Write the places after `start` where units start, in order, and give how many.
    #[inline(always)]
    pub fn places(&self, places: &mut [u32]) -> usize {
        let mut count = 0;
        for word in 0..self.length.div_ceil(BLOCK) {
            let mut mask = self.masks[word];
            if word == 0 {
                mask &= !1;
            }
            let within = self.length - word * BLOCK;
            if within < BLOCK {
                mask &= (1 << within) - 1;
            }
            while mask != 0 {
                if let Some(place) = places.get_mut(count) {
                    *place = (word * BLOCK) as u32 + mask.trailing_zeros();
                }
                count += 1;
                mask &= mask - 1;
            }
        }
        count
    }
}
