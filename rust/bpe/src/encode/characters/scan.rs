//! A part of a text to a bit for each byte that a unit starts at.

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::byte_pairs::{BLOCK, utf8_bits};
use tokenfoundry_kernels::character_pairs::Asked;

use super::Find;
use super::joins::Joins;

/// Bytes that are cut at once, in blocks of 64.
pub const BLOCKS: usize = 32;

/// Places of units in what is cut at once: one more than there are bytes, and room for one more write of a block's.
pub type Places = [u32; 1 + (BLOCKS + 1) * BLOCK];

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
    /// Where units start after the first.
    units: Masks,
    start: usize,
    /// Bytes that the masks cover: they end with the text, with a block, or where a token was found.
    pub length: usize,
    /// The token at the end of what is covered.
    pub found: Option<Found>,
    /// The first unit is a token.
    pub starts_with_token: bool,
    joined: Masks,
    high: Masks,
    /// First bytes of characters, and those whose character or the one before is no ASCII.
    starts: Masks,
    others: Masks,
    apart: Masks,
    candidates: Masks,
}

/// One word more than there are blocks, for what is right at the end.
type Masks = [u64; BLOCKS + 1];

impl Default for Cuts {
    fn default() -> Self {
        let masks = [0; BLOCKS + 1];
        Self {
            units: masks,
            start: 0,
            length: 0,
            found: None,
            starts_with_token: false,
            joined: masks,
            high: masks,
            starts: masks,
            others: masks,
            apart: masks,
            candidates: masks,
        }
    }
}

impl Cuts {
    /// Cut up to `blocks` blocks of `text` from `start` on.
    #[inline(always)]
    pub fn scan(&mut self, joins: &Joins, text: &[u8], start: usize, blocks: usize, find: Option<Find<'_>>) {
        let length = (text.len() - start).min(blocks.min(BLOCKS) * BLOCK);
        let words = length.div_ceil(BLOCK);
        (self.start, self.length, self.found, self.starts_with_token) = (start, length, None, false);
        joins.ascii.masks(text, start, &mut self.joined[..words]);
        utf8_bits(text, start, &mut self.high[..words], &mut self.starts[..words]);
        let (mut joined_before, mut high_before, mut any_others) = (0, 0, 0);
        for word in 0..words {
            let (joined, high) = (self.joined[word], self.high[word]);
            let starts = self.starts[word] | !high;
            let others = (high | high << 1 | high_before) & starts;
            self.starts[word] = starts;
            self.others[word] = others;
            self.units[word] = starts & !others & !(joined << 1 | joined_before);
            any_others |= others;
            (joined_before, high_before) = (joined >> 63, high >> 63);
        }
        self.others[0] &= !1;
        if any_others != 0 {
            let asked = Asked { starts: &self.starts[..words], rights: &self.others[..words] };
            joins.others.apart(text, start, asked, &mut self.apart[..words]);
            for (units, apart) in self.units[..words].iter_mut().zip(&self.apart) {
                *units |= apart;
            }
        }
        self.units[0] &= !1;
        self.units[words] = 0;
        if let Some(find) = find {
            find.tokens.finder.candidates(text, start, &mut self.candidates[..words]);
            self.cut_out_tokens(text, words, find);
        }
        // Nothing starts at the end, or behind it.
        let (last, within) = (self.length / BLOCK, self.length % BLOCK);
        self.units[last] &= (1 << within) - 1;
        self.units[last + 1..].fill(0);
    }

    /// Make units of added tokens, or stop at one.
    #[inline(never)]
    fn cut_out_tokens(&mut self, text: &[u8], words: usize, find: Find<'_>) {
        let start = self.start;
        let (mut from, mut steps) = (0, 0);
        while let Some((place, number, length)) = self.next_token(text, words, from, find, &mut steps) {
            let at = place - start;
            let token = &find.tokens.tokens[number as usize];
            if token.special && !find.allowed.allows(token) {
                from = at + 1;
                continue;
            }
            let end = at + length;
            if token.special || !find.within || end > self.length {
                self.length = at;
                self.found = Some(Found { id: token.id, start: place, end: start + end });
                return;
            }
            for place in at + 1..end {
                self.units[place / BLOCK] &= !(1 << (place % BLOCK));
            }
            if at > 0 {
                self.units[at / BLOCK] |= 1 << (at % BLOCK);
            }
            self.units[end / BLOCK] |= 1 << (end % BLOCK);
            self.starts_with_token |= at == 0;
            from = end;
        }
    }

    /// The first token in what is cut that starts `from` bytes into it, or later.
    #[inline(always)]
    fn next_token(
        &self,
        text: &[u8],
        words: usize,
        from: usize,
        find: Find<'_>,
        steps: &mut usize,
    ) -> Option<(usize, u32, usize)> {
        let Find { tokens, .. } = find;
        let until = self.start + self.length;
        let mut mask = u64::MAX << (from % BLOCK);
        for word in from / BLOCK..words {
            let candidates = self.candidates[word] & mask;
            mask = u64::MAX;
            if candidates == 0 {
                continue;
            }
            let place = self.start + word * BLOCK;
            let found = match tokens.finder.first_of(text, place, candidates, self.start, steps) {
                Ok(found) => found,
                Err(place) => return tokens.finder.next_by_automaton(text, place, until),
            };
            if found.is_some() {
                return found.filter(|&(place, ..)| place < until);
            }
        }
        None
    }

    /// Write where units start, of which the first does at 0, and give how many do.
    #[inline(always)]
    pub fn places(&self, classifier: impl Classifier, places: &mut Places) -> usize {
        places[0] = 0;
        let mut count = 1;
        for (word, &mask) in self.units[..self.length.div_ceil(BLOCK)].iter().enumerate() {
            if let Some(room) = places.get_mut(count..).and_then(<[u32]>::first_chunk_mut) {
                count += classifier.places(mask, (word * BLOCK) as u32, room);
            }
        }
        count
    }

    /// The first place after 0 where a unit starts.
    pub fn first_place(&self) -> Option<usize> {
        let (word, mask) = self.units.iter().enumerate().find(|&(_, &mask)| mask != 0)?;
        Some(word * BLOCK + mask.trailing_zeros() as usize)
    }
}
