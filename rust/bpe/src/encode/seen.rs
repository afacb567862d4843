//! The pieces that a thread has seen and their tokens, in a bounded amount of memory.

use super::long::Long;
use super::pieces::hash;
use super::tables::{COUNT, Few, Key, MIDDLE_BYTES, Middle, Several, WIDE_BYTES, WORD_BYTES, Wide, Words};

/// What pieces were seen before, and their tokens: a table for each range of lengths.
#[derive(Debug)]
pub struct Seen {
    pub words: Words,
    pub middle: Middle,
    pub wide: Wide,
    pub long: Long,
    /// Whether `long` has pieces of lengths that are looked for elsewhere, as they have too many tokens.
    has_short: bool,
}

impl Seen {
    /// That grow to about `budget_bytes` together, and start with less than 400 kB of them.
    pub fn new(budget_bytes: usize) -> Self {
        let part = (budget_bytes / 8).clamp(1 << 16, 1 << 30);
        let power = |entries: usize| 1 << entries.max(64).ilog2();
        Self {
            words: Words::new(power(part / 16).min(1 << 12), power(part / 16)),
            middle: Middle::new(power(part / 32).min(1 << 10), power(part / 32)),
            wide: Wide::new(power(part / 64).min(1 << 9), power(part / 64)),
            long: Long::new(power(part / 64), part * 2),
            has_short: false,
        }
    }

    /// Append the tokens of the piece of `length` bytes at `at`, or `false`; [`WIDE_BYTES`] of text follow its start.
    pub fn find(&self, text: &[u8], at: usize, length: usize, tokens: &mut Vec<u32>) -> bool {
        let mut few: Few = [0; 8];
        if length <= WORD_BYTES && self.words.find(Words::key(text, at, length), &mut few) {
            tokens.extend_from_slice(&few[..few[COUNT] as usize]);
            return true;
        }
        let mut several: Several = [0; 12];
        let count = if length <= MIDDLE_BYTES {
            self.middle.find(&Key::new(text, at, length), &mut several)
        } else if length <= WIDE_BYTES {
            self.wide.find(&Key::new(text, at, length), &mut several)
        } else {
            0
        };
        tokens.extend_from_slice(&several[..count]);
        let piece = &text[at..at + length];
        count > 0 || self.long.record(hash(piece)).is_some_and(|record| self.long.get(record, piece, tokens))
    }

    /// Append the tokens of a piece that is among the long ones as it has too many tokens for where it was looked for.
    #[inline(always)]
    pub fn find_short_in_long(&self, piece: &[u8], hash: u64, tokens: &mut Vec<u32>) -> bool {
        self.has_short
            && piece.len() <= WIDE_BYTES
            && self.long.record(hash).is_some_and(|record| self.long.get(record, piece, tokens))
    }

    /// Remember the tokens of a piece that [`Self::find`] does not find.
    pub fn insert(&mut self, text: &[u8], at: usize, length: usize, tokens: &[u32]) {
        if Words::takes(length, tokens) {
            self.words.insert(Words::key(text, at, length), tokens);
        } else if Middle::takes(length, tokens) {
            self.middle.insert(&Key::new(text, at, length), tokens);
        } else if Wide::takes(length, tokens) && length > MIDDLE_BYTES {
            self.wide.insert(&Key::new(text, at, length), tokens);
        } else {
            self.has_short |= length <= WIDE_BYTES;
            let piece = &text[at..at + length];
            self.long.insert(piece, hash(piece), tokens);
        }
    }
}
