//! The pieces that a thread has seen and their tokens, in a bounded amount of memory.

use tokenfoundry_kernels::byte_classes::{Classifier, Scalar};
use tokenfoundry_kernels::packed_tokens::{SIX_NUMBER, TWELVE_NUMBER};

use super::long::Long;
use super::pieces::hash;
use super::tables::{COUNT, Few, Key, MIDDLE_BYTES, Middle, WIDE_BYTES, WORD_BYTES, Wide, Words};

/// What pieces were seen before, and their tokens: a table for each range of lengths.
#[derive(Debug)]
pub struct Seen {
    pub words: Words,
    pub middle: Middle,
    pub wide: Wide,
    pub long: Long,
    /// Short pieces of too many tokens for the other tables: very few, and asked for with each piece that is new.
    of_many_tokens: Long,
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
            long: Long::new(power(part / 64), part * 7 / 4),
            of_many_tokens: Long::new(power(part / 256), part / 4),
        }
    }

    /// Append the tokens of the piece of `length` bytes at `at`, or `false`; [`WIDE_BYTES`] of text follow its start.
    pub fn find(&self, text: &[u8], at: usize, length: usize, tokens: &mut Vec<u32>) -> bool {
        let mut few: Few = [0; 8];
        if length <= WORD_BYTES && self.words.find(Words::key(text, at, length), &mut few) {
            tokens.extend_from_slice(&few[..few[COUNT] as usize]);
            return true;
        }
        if length <= MIDDLE_BYTES {
            let key = Key::new(text, at, length);
            let six = self.middle.find(Scalar, &key);
            tokens.extend_from_slice(&six[..six[SIX_NUMBER] as usize]);
            return six[SIX_NUMBER] > 0 || self.find_of_many_tokens(&text[at..at + length], key.hash, tokens);
        } else if length <= WIDE_BYTES {
            let key = Key::new(text, at, length);
            let table = self.wide.view();
            let mut twelve = Scalar.twelve_of(table.line(table.first(key.hash)), &key.words);
            if twelve[TWELVE_NUMBER] == 0 {
                twelve = Scalar.twelve_of(table.line(table.second(key.hash)), &key.words);
            }
            tokens.extend_from_slice(&twelve[..twelve[TWELVE_NUMBER] as usize]);
            if twelve[TWELVE_NUMBER] > 0 {
                return true;
            }
        }
        let (piece, hash) = (&text[at..at + length], hash(&text[at..at + length]));
        if length <= WIDE_BYTES {
            return self.find_of_many_tokens(piece, hash, tokens);
        }
        self.long.record(Scalar, hash).is_some_and(|record| self.long.get(record, piece, tokens))
    }

    /// Append the tokens of a piece of up to [`WIDE_BYTES`] that has too many of them for where it was looked for. `hash`: of its
    /// key if that has two words, else of its bytes.
    #[inline(always)]
    pub fn find_of_many_tokens(&self, piece: &[u8], hash: u64, tokens: &mut Vec<u32>) -> bool {
        let Self { of_many_tokens: table, .. } = self;
        piece.len() <= WIDE_BYTES && table.record(Scalar, hash).is_some_and(|record| table.get(record, piece, tokens))
    }

    /// Remember the tokens of a piece that [`Self::find`] does not find.
    pub fn insert(&mut self, text: &[u8], at: usize, length: usize, tokens: &[u32]) {
        let piece = &text[at..at + length];
        if length <= MIDDLE_BYTES {
            self.insert_short(piece, &Key::new(text, at, length), tokens);
        } else if Wide::takes(length, tokens) {
            self.wide.insert(&Key::new(text, at, length), tokens);
        } else {
            let table = if length <= WIDE_BYTES { &mut self.of_many_tokens } else { &mut self.long };
            table.insert(piece, hash(piece), tokens);
        }
    }

    /// The same for a piece of up to [`MIDDLE_BYTES`] with its key.
    #[inline]
    pub fn insert_short(&mut self, piece: &[u8], key: &Key<2>, tokens: &[u32]) {
        if Words::takes(piece.len(), tokens) {
            self.words.insert(key.words[0], tokens);
        } else if Middle::takes(piece.len(), tokens) {
            self.middle.insert(key, tokens);
        } else {
            self.of_many_tokens.insert(piece, key.hash, tokens);
        }
    }
}
