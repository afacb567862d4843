//! A part of a text to a bit for each byte that a group of units starts at; and the units of a group, where they are asked
//! for, which is for groups that nothing is known of.

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

/// Bit i of the masks: something is at the place `start + i`.
#[derive(Debug)]
pub struct Cuts {
    /// Where groups start, as one does at `start`.
    groups: Masks,
    /// Where added tokens start and end, and their bytes but the first.
    edges: Masks,
    inside: Masks,
    has_tokens: bool,
    start: usize,
    /// Bytes that the masks cover: they end with the text, with a block, or where a token was found.
    pub length: usize,
    /// The token at the end of what is covered.
    pub found: Option<Found>,
    /// The first unit is a token.
    pub starts_with_token: bool,
    joined: Masks,
    starts: Masks,
    high: Masks,
    leads: Masks,
    candidates: Masks,
}

/// One word more than there are blocks, for what is right at the end.
type Masks = [u64; BLOCKS + 1];

impl Default for Cuts {
    fn default() -> Self {
        let masks = [0; BLOCKS + 1];
        Self {
            groups: masks,
            edges: masks,
            inside: masks,
            has_tokens: false,
            start: 0,
            length: 0,
            found: None,
            starts_with_token: false,
            joined: masks,
            starts: masks,
            high: masks,
            leads: masks,
            candidates: masks,
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
    /// Cut up to `blocks` blocks of `text` from `start` on.
    pub fn scan(&mut self, joins: &Joins, text: &[u8], start: usize, blocks: usize, find: Option<Find<'_>>) {
        let length = (text.len() - start).min(blocks.min(BLOCKS) * BLOCK);
        let words = length.div_ceil(BLOCK);
        (self.start, self.length, self.found) = (start, length, None);
        (self.starts_with_token, self.has_tokens) = (false, false);
        joins.ascii.masks(text, start, &mut self.joined[..words]);
        joins.groups.masks(text, start, &mut self.starts[..words]);
        utf8_bits(text, start, &mut self.high[..words], &mut self.leads[..words]);
        let (mut joined_before, mut starts_before, mut high_before) = (1, 0, 0);
        for word in 0..words {
            let (joined, starts, high) = (self.joined[word], self.starts[word], self.high[word]);
            let asked = starts << 1 | starts_before;
            let others = high | high << 1 | high_before;
            self.groups[word] = asked & !others & !(joined << 1 | joined_before);
            let others = asked & others & (self.leads[word] | !high);
            if others != 0 {
                self.groups[word] |= groups_among(joins, text, start + word * BLOCK, others);
            }
            (joined_before, starts_before, high_before) = (joined >> 63, starts >> 63, high >> 63);
        }
        self.groups[0] &= !1;
        self.groups[words] = 0;
        if let Some(find) = find {
            find.tokens.finder.candidates(text, start, &mut self.candidates[..words]);
            self.cut_out_tokens(joins, text, words, find);
        }
    }

    /// Make units of added tokens, or stop at one.
    fn cut_out_tokens(&mut self, joins: &Joins, text: &[u8], words: usize, find: Find<'_>) {
        let start = self.start;
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
                if !self.has_tokens {
                    self.has_tokens = true;
                    self.edges = [0; BLOCKS + 1];
                    self.inside = [0; BLOCKS + 1];
                }
                for place in at + 1..end {
                    self.groups[place / BLOCK] &= !(1 << (place % BLOCK));
                    self.inside[place / BLOCK] |= 1 << (place % BLOCK);
                }
                self.edges[at / BLOCK] |= 1 << (at % BLOCK);
                self.edges[end / BLOCK] |= 1 << (end % BLOCK);
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
    pub fn places(&self, joins: &Joins, text: &[u8], most: (usize, usize), places: &mut [u32]) -> usize {
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
            let within = self.length - word * BLOCK;
            if within < BLOCK {
                mask &= (1 << within) - 1;
            }
            while mask != 0 {
                let place = word * BLOCK + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if place - last > most.1 {
                    self.divide(joins, text, most, last, place, &mut push);
                }
                push(place);
                last = place;
            }
        }
        if self.length - last > most.1 {
            self.divide(joins, text, most, last, self.length, &mut push);
        }
        count
    }

    /// Visit places between `from` and `to` where units start, so that there are at most `most` bytes between where that
    /// can be.
    #[inline(never)]
    fn divide(
        &self,
        joins: &Joins,
        text: &[u8],
        most: (usize, usize),
        mut from: usize,
        to: usize,
        visit: &mut impl FnMut(usize),
    ) {
        let limit = |from: usize| if text[self.start + from] < 0x80 { most.0 } else { most.1 };
        let mut fits = None;
        if to - from <= limit(from) {
            return;
        }
        self.units(joins, text, from, to, |place| {
            if place - from > limit(from) {
                if let Some(fitting) = fits.take() {
                    visit(fitting);
                    from = fitting;
                }
                if place - from > limit(from) {
                    visit(place);
                    from = place;
                    return true;
                }
            }
            fits = Some(place);
            true
        });
        if let Some(place) = fits.filter(|_| to - from > limit(from)) {
            visit(place);
        }
    }

    /// Visit the places after `from` and before `to` where units start, while `visit` says so.
    pub fn units(&self, joins: &Joins, text: &[u8], from: usize, to: usize, mut visit: impl FnMut(usize) -> bool) {
        let bit = |masks: &Masks, place: usize| masks[place / BLOCK] >> (place % BLOCK) & 1 != 0;
        let (mut left, length) = character(joins, text, self.start + from);
        let mut at = from + length;
        while at < to {
            let (right, length) = character(joins, text, self.start + at);
            let apart = match (text[self.start + at - 1], text[self.start + at]) {
                (left @ ..0x80, right @ ..0x80) => !joins.ascii.relates(left, right),
                _ => joins.apart(left, right),
            };
            let cut = if self.has_tokens { bit(&self.edges, at) || apart && !bit(&self.inside, at) } else { apart };
            if cut && !visit(at) {
                return;
            }
            left = right;
            at += length;
        }
    }

    /// The first place after `from` and before `to` where a unit starts.
    pub fn next_unit(&self, joins: &Joins, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let mut first = None;
        self.units(joins, text, from, to, |place| {
            first = Some(place);
            false
        });
        first
    }
}

/// What the character at `at` is seen as, and its length.
#[inline(always)]
fn character(joins: &Joins, text: &[u8], at: usize) -> (u32, usize) {
    if text[at] < 0x80 { (joins.seen(text[at]), 1) } else { decode(text, at) }
}

/// Of some places before or behind characters that are no ASCII, those that units start at.
#[inline(always)]
fn groups_among(joins: &Joins, text: &[u8], start: usize, mut places: u64) -> u64 {
    let mut groups = 0;
    while places != 0 {
        let bit = places.trailing_zeros() as usize;
        places &= places - 1;
        let at = start + bit;
        if at > 0 && at < text.len() {
            let left = character(joins, text, unicode::previous_boundary(text, at)).0;
            groups |= u64::from(joins.apart(left, character(joins, text, at).0)) << bit;
        }
    }
    groups
}
