//! A part of a text to a bit for each byte that a unit may start at.

use tokenfoundry_kernels::byte_pairs::{BLOCK, utf8_bits};

use super::Find;
use super::joins::Joins;
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
    pub units: [u64; BLOCKS + 1],
    /// Those of them that a group of units starts at, as it does at `start`.
    pub groups: [u64; BLOCKS + 1],
    /// Bytes that the masks cover: they end with the text, with a block, or where a token was found.
    pub length: usize,
    /// The token at the end of what is covered.
    pub found: Option<Found>,
    /// The first unit is a token.
    pub starts_with_token: bool,
    joined: [u64; BLOCKS],
    starts: [u64; BLOCKS],
    high: [u64; BLOCKS],
    leads: [u64; BLOCKS],
    candidates: [u64; BLOCKS],
}

impl Default for Cuts {
    fn default() -> Self {
        Self {
            units: [0; BLOCKS + 1],
            groups: [0; BLOCKS + 1],
            length: 0,
            found: None,
            starts_with_token: false,
            joined: [0; BLOCKS],
            starts: [0; BLOCKS],
            high: [0; BLOCKS],
            leads: [0; BLOCKS],
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
        joins.groups.masks(text, start, &mut self.starts[..words]);
        utf8_bits(text, start, &mut self.high[..words], &mut self.leads[..words]);
        let mut before = Before { joined: 1, starts: 0, high: 0, units: 0, groups: 0, character: 0 };
        for word in 0..words {
            self.scan_word(joins, text, start, word, &mut before);
        }
        (self.units[words], self.groups[words]) = (before.units, before.groups);
        if let Some(find) = find {
            find.tokens.finder.candidates(text, start, &mut self.candidates[..words]);
            self.cut_out_tokens(joins, text, start, words, find);
        }
    }

    #[inline(always)]
    fn scan_word(&mut self, joins: &Joins, text: &[u8], start: usize, word: usize, before: &mut Before) {
        let (joined, starts, high) = (self.joined[word], self.starts[word], self.high[word]);
        // Between two ASCII characters.
        let mut units = !(joined << 1 | before.joined) & !high & !(high << 1 | before.high) | before.units;
        let mut groups = before.groups;
        (before.units, before.groups) = (0, 0);
        let mut leads = self.leads[word];
        while leads != 0 {
            let bit = leads.trailing_zeros() as usize;
            leads &= leads - 1;
            let at = start + word * BLOCK + bit;
            let (character, length) = decode(text, at);
            if at > start {
                let left = if text[at - 1] < 0x80 { joins.seen(text[at - 1]) } else { before.character };
                let (apart, group) = joins.apart(left, character);
                units |= u64::from(apart) << bit;
                groups |= u64::from(apart & group) << bit;
            }
            before.character = character;
            let after = bit + length;
            if let Some(&next) = text.get(at + length)
                && next < 0x80
            {
                let apart = u64::from(joins.apart(character, joins.seen(next)).0);
                if after < BLOCK {
                    units |= apart << after;
                } else {
                    before.units |= apart << (after - BLOCK);
                }
            }
        }
        self.units[word] = units;
        self.groups[word] = units & (starts << 1 | before.starts | groups);
        (before.joined, before.starts, before.high) = (joined >> 63, starts >> 63, high >> 63);
    }

    /// Make units of added tokens, or stop at one.
    fn cut_out_tokens(&mut self, joins: &Joins, text: &[u8], start: usize, words: usize, find: Find<'_>) {
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
                clear(&mut self.units, at + 1, end);
                clear(&mut self.groups, at + 1, end);
                self.units[at / BLOCK] |= 1 << (at % BLOCK);
                self.units[end / BLOCK] |= 1 << (end % BLOCK);
                if joins.groups.relates(text[start + end - 1], text.get(start + end).copied().unwrap_or(0)) {
                    self.groups[end / BLOCK] |= 1 << (end % BLOCK);
                }
                self.starts_with_token |= at == 0;
                done = end;
            }
        }
    }

    /// Write the places after `start` where groups start, in order, and give how many. A group of more than `most.0`
    /// bytes, or `most.1` if it starts with a character that is no ASCII, is divided where it can be.
    #[inline(always)]
    pub fn places(&self, most: (usize, usize), places: &mut [u32]) -> usize {
        let mut count = 0;
        let mut last = 0;
        let mut push = |place: usize| {
            if let Some(entry) = places.get_mut(count) {
                *entry = place as u32;
            }
            count += 1;
        };
        for word in 0..self.length.div_ceil(BLOCK) {
            let mut mask = self.groups[word];
            if word == 0 {
                mask &= !1;
            }
            let within = self.length - word * BLOCK;
            if within < BLOCK {
                mask &= (1 << within) - 1;
            }
            while mask != 0 {
                let place = word * BLOCK + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if place - last > most.1 {
                    self.divide(most, last, place, &mut push);
                }
                push(place);
                last = place;
            }
        }
        if self.length - last > most.1 {
            self.divide(most, last, self.length, &mut push);
        }
        count
    }

    /// Visit places between `from` and `to` where units start, so that there are at most `most` bytes between where that
    /// can be.
    #[inline(never)]
    fn divide(&self, most: (usize, usize), mut from: usize, to: usize, visit: &mut impl FnMut(usize)) {
        loop {
            let is_high = self.high[from / BLOCK] >> (from % BLOCK) & 1 != 0;
            let most = if is_high { most.1 } else { most.0 };
            if to - from <= most {
                break;
            }
            let near = last_between(&self.units, from + 1, from + most);
            let Some(place) = near.or_else(|| first_between(&self.units, from + most + 1, to - 1)) else { break };
            visit(place);
            from = place;
        }
    }

    /// The first place after `place` and before `end` where a unit starts.
    #[inline(always)]
    pub fn next_unit(&self, place: usize, end: usize) -> Option<usize> {
        first_between(&self.units, place + 1, end.checked_sub(1)?)
    }
}

/// What one word of masks leaves for the next.
struct Before {
    joined: u64,
    starts: u64,
    high: u64,
    /// Bits of the next word.
    units: u64,
    groups: u64,
    character: u32,
}

fn below(bit: usize) -> u64 {
    (1 << (bit % BLOCK)) - 1
}

/// No bits from `from` to before `to`.
fn clear(masks: &mut [u64], from: usize, to: usize) {
    let (first, last) = (from / BLOCK, to / BLOCK);
    if first == last {
        masks[first] &= below(from) | !below(to);
    } else {
        masks[first] &= below(from);
        masks[first + 1..last].fill(0);
        masks[last] &= !below(to);
    }
}

/// The lowest bit from `from` to `to`, both included.
#[inline(always)]
fn first_between(masks: &[u64], from: usize, to: usize) -> Option<usize> {
    let mut word = from / BLOCK;
    let mut mask = *masks.get(word)? & !below(from);
    loop {
        if mask != 0 {
            return Some(word * BLOCK + mask.trailing_zeros() as usize).filter(|&place| place <= to);
        }
        word += 1;
        if word * BLOCK > to {
            return None;
        }
        mask = *masks.get(word)?;
    }
}

/// The highest bit from `from` to `to`, both included.
fn last_between(masks: &[u64], from: usize, to: usize) -> Option<usize> {
    let mut word = to / BLOCK;
    let mut mask = *masks.get(word)? & (u64::MAX >> (BLOCK - 1 - to % BLOCK));
    loop {
        if mask != 0 {
            return Some(word * BLOCK + BLOCK - 1 - mask.leading_zeros() as usize).filter(|&place| place >= from);
        }
        if word * BLOCK <= from {
            return None;
        }
        word -= 1;
        mask = masks[word];
    }
}
