//! What a thread remembers of the pieces it has encoded, in a bounded amount of memory, and the loop that uses it.
//!
//! Text is taken a block of pieces at a time, in passes, so that each is a short loop without branches that depend on the
//! text: where the pieces end ([`window`]); the tokens of those in the table of words; those that are not there, in the
//! larger tables or by merging; and last the tokens of all in order.

use std::sync::OnceLock;

use tokenfoundry_base::{Cancel, Cancelled};
use tokenfoundry_kernels::byte_classes::{Classifier, PADDED, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::lanes::Lanes;
use super::long::Long;
use super::merge::SHORT;
use super::pairs::NONE;
use super::pieces::hash;
use super::tables::{COUNT, Few, KEY_BYTES, Key, MIDDLE_BYTES, MIDDLE_TOKENS, Middle, Wide, Words};
use super::{Encoder, Scratch};
use crate::pretokenize::{Scan, window};

/// What to do with the tokens of pieces: keep them, or count them.
pub trait Sink {
    fn one(&mut self, token: u32);
    fn many(&mut self, tokens: &[u32]);
    /// The tokens of each of `pieces` in turn, with room for them in `space`.
    fn few(&mut self, pieces: &[Few], space: &mut Space);
}

/// Room for the tokens of a block of pieces, and of what is written behind them.
pub type Space = [u32; (BLOCK + 64) * COUNT + 8];

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
    fn few(&mut self, pieces: &[Few], space: &mut Space) {
        assert!(pieces.len() <= BLOCK + 64);
        let mut length = 0;
        for piece in pieces {
            // SAFETY: each piece before moved `length` by at most COUNT (7), and there is room for that of every piece and
            // for one more write of eight.
            unsafe { space.as_mut_ptr().add(length).cast::<Few>().write_unaligned(*piece) };
            length += (piece[COUNT] & COUNT as u32) as usize;
        }
        self.extend_from_slice(&space[..length]);
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
    fn few(&mut self, pieces: &[Few], _space: &mut Space) {
        self.0 += pieces.iter().map(|piece| piece[COUNT] as usize).sum::<usize>();
    }
}

/// Pieces that are looked up together.
const BLOCK: usize = 384;
/// Bytes at the end of a text that are copied to where more can be read behind them.
const TAIL: usize = 160;
const _: () = assert!(TAIL + window::NEEDED <= PADDED);
/// Texts longer than this are taken piece by piece: places in a block are 32-bit numbers.
const LONGEST_BLOCKS: usize = 1 << 31;

/// What all tables of a thread may grow to: `TOKENFOUNDRY_CACHE_BYTES`, else 128 MB.
fn budget_bytes() -> usize {
    static BUDGET: OnceLock<usize> = OnceLock::new();
    *BUDGET.get_or_init(|| {
        let asked = std::env::var("TOKENFOUNDRY_CACHE_BYTES").ok().and_then(|bytes| bytes.trim().parse().ok());
        asked.unwrap_or(128 << 20)
    })
}

/// One thread's tables and scratch space. Belongs to one encoder.
#[derive(Debug)]
pub struct Memory {
    words: Words,
    middle: Middle,
    wide: Wide,
    long: Long,
    tokens: Vec<u32>,
    scratch: Scratch,
    lanes: Lanes,
    block: Option<Box<Block>>,
}

/// Room for a block of pieces.
#[derive(Debug)]
struct Block {
    /// Where the first piece starts, and where each ends.
    places: [u32; 1 + BLOCK + 64],
    word_keys: [(u64, u64); BLOCK + 64],
    found: [Few; BLOCK + 64],
    missed: [u16; BLOCK + 64],
    /// Of those of `missed` that are not words either.
    keys: [Key; BLOCK + 64],
    /// Pieces of more tokens than [`Few`] holds: their number, and where in `tokens` theirs start and end.
    many: Vec<(u16, u32, u32)>,
    /// Pieces that no table has, by their place in `keys`.
    fresh: Vec<u16>,
    tokens: Vec<u32>,
    space: Space,
}

impl Block {
    fn new() -> Self {
        Self {
            places: [0; 1 + BLOCK + 64],
            word_keys: [(0, 0); BLOCK + 64],
            found: [[0; 8]; BLOCK + 64],
            missed: [0; BLOCK + 64],
            keys: [Key::default(); BLOCK + 64],
            many: Vec::new(),
            fresh: Vec::new(),
            tokens: Vec::new(),
            space: [0; (BLOCK + 64) * COUNT + 8],
        }
    }

    /// Keep tokens of a piece that are too many for [`Few`].
    fn more(&mut self, index: usize, tokens: &[u32]) {
        let first = self.tokens.len() as u32;
        self.tokens.extend_from_slice(tokens);
        self.many.push((index as u16, first, self.tokens.len() as u32));
    }

    #[inline(always)]
    fn give(&mut self, count: usize, sink: &mut impl Sink) {
        let mut from = 0;
        for &(index, first, end) in &self.many {
            sink.few(&self.found[from..index as usize], &mut self.space);
            sink.many(&self.tokens[first as usize..end as usize]);
            from = index as usize + 1;
        }
        sink.few(&self.found[from..count], &mut self.space);
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(budget_bytes())
    }
}

/// Scans piece by piece, where there are no vectors to find many at once.
#[derive(Clone, Copy)]
struct OneByOne<S>(S);

impl<S: Scan> Scan for OneByOne<S> {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        self.0.end(text, start)
    }
}

struct EncodeText<'a, S, O> {
    memory: &'a mut Memory,
    encoder: &'a Encoder,
    scanner: S,
    text: &'a [u8],
    cancel: &'a Cancel,
    sink: &'a mut O,
}

impl<S: Scan, O: Sink> Work for EncodeText<'_, S, O> {
    type Output = Result<(), Cancelled>;

    #[inline(always)]
    fn run(self, classifier: impl Classifier) -> Self::Output {
        let Self { memory, encoder, scanner, text, cancel, sink } = self;
        // Out of the way of the borrow of `memory` by the slow paths.
        let mut block = memory.block.take().unwrap_or_else(|| Box::new(Block::new()));
        let mut at = 0;
        let stop = text.len().saturating_sub(TAIL);
        let mut result = Ok(());
        while at < stop {
            result = cancel.check();
            if result.is_err() {
                break;
            }
            let ends = &mut block.places[1..];
            let found = window::scan(classifier, scanner, text, at, at..stop, BLOCK, ends);
            memory.look_up(encoder, &mut block, text, at, found.count);
            block.give(found.count, sink);
            at = found.at;
        }
        if at < text.len() && result.is_ok() {
            let tail = &text[at..];
            let padded = classifier.padded(tail);
            let ends = &mut block.places[1..];
            let count = window::scan_last(classifier, scanner, &padded, tail.len(), 0, 0, ends);
            memory.look_up(encoder, &mut block, &padded, 0, count);
            block.give(count, sink);
        }
        memory.block = Some(block);
        result
    }
}

impl Memory {
    /// With tables that grow to about `budget_bytes` together, and start with less than 400 kB of them.
    pub fn new(budget_bytes: usize) -> Self {
        let part = (budget_bytes / 8).clamp(1 << 16, 1 << 30);
        let power = |entries: usize| 1 << entries.max(64).ilog2();
        Self {
            words: Words::new(power(part / 16).min(1 << 12), power(part / 16)),
            middle: Middle::new(power(part / 32).min(1 << 10), power(part / 32)),
            wide: Wide::new(power(part / 64).min(1 << 9), power(part / 64)),
            long: Long::new(power(part / 64), part * 2),
            tokens: Vec::new(),
            scratch: Scratch::default(),
            lanes: Lanes::default(),
            block: None,
        }
    }

    /// Give the tokens of all pieces of `text` to `sink`.
    pub fn encode_text<S: Scan>(
        &mut self,
        encoder: &Encoder,
        scanner: S,
        text: &[u8],
        cancel: &Cancel,
        sink: &mut impl Sink,
    ) -> Result<(), Cancelled> {
        if text.len() > LONGEST_BLOCKS {
            let mut at = 0;
            while at < text.len() {
                cancel.check()?;
                let end = scanner.end(text, at);
                self.encode(encoder, &text[at..end], sink);
                at = end;
            }
            return Ok(());
        }
        let work = EncodeText { memory: self, encoder, scanner, text, cancel, sink };
        on_tier(work, |work| {
            let EncodeText { memory, encoder, scanner, text, cancel, sink } = work;
            EncodeText { memory, encoder, scanner: OneByOne(scanner), text, cancel, sink }.run(Scalar)
        })
    }

    /// Find the tokens of the `count` pieces in `block.places`, which are relative to `base`.
    #[inline(always)]
    fn look_up(&mut self, encoder: &Encoder, block: &mut Block, text: &[u8], base: usize, count: usize) {
        let places = &block.places[..=count];
        let misses = self.words.find_all(text, base, places, &mut block.word_keys, &mut block.found, &mut block.missed);
        block.many.clear();
        block.tokens.clear();
        // Ask for the memory of all first, so that it comes while others are looked up.
        let mut left = 0;
        for miss in 0..misses {
            let index = block.missed[miss] as usize;
            let (start, end) = (base + block.places[index] as usize, base + block.places[index + 1] as usize);
            let length = end - start;
            if length <= 8 && self.words.find(Words::key_at(text, start, length), &mut block.found[index]) {
                continue;
            }
            let key = &mut block.keys[left];
            block.missed[left] = index as u16;
            left += 1;
            if length <= MIDDLE_BYTES {
                *key = Key::new(text, start, length);
                self.middle.prefetch(key);
            } else if length <= KEY_BYTES {
                *key = Key::new(text, start, length);
                self.wide.prefetch(key);
            } else {
                *key = Key::hashed(length, hash(&text[start..end]));
                self.long.prefetch(key.hash);
            }
        }
        for miss in 0..left {
            let index = block.missed[miss] as usize;
            let key = &block.keys[miss];
            let few = &mut block.found[index];
            if key.length <= MIDDLE_BYTES && self.middle.find(key, few)
                || key.length <= KEY_BYTES && self.wide.find(key, few)
            {
                continue;
            }
            let start = base + block.places[index] as usize;
            if key.length > COUNT
                && let Some(tokens) = self.long.find(&text[start..start + key.length], key.hash)
            {
                if !write_few(tokens, few) {
                    block.more(index, tokens);
                }
            } else if encoder.merges_bytes() && key.length <= SHORT {
                block.fresh.push(miss as u16);
                encoder.pieces.prefetch(&text[start..start + key.length]);
            } else if !self.merge(encoder, text, start, key, few) {
                block.more(index, &self.tokens);
            }
        }
        if !block.fresh.is_empty() {
            self.merge_fresh(encoder, block, text, base);
        }
    }

    /// Merge the pieces in `block.fresh`, several at a time, and remember them.
    #[inline(never)]
    fn merge_fresh(&mut self, encoder: &Encoder, block: &mut Block, text: &[u8], base: usize) {
        let mut fresh = std::mem::take(&mut block.fresh);
        let mut lanes = std::mem::take(&mut self.lanes);
        let place = |block: &Block, miss: u16| base + block.places[block.missed[miss as usize] as usize] as usize;
        fresh.retain(|&miss| {
            let (start, key) = (place(block, miss), block.keys[miss as usize]);
            match encoder.pieces.get(&encoder.tokens, &text[start..start + key.length]) {
                Some(token) => {
                    self.keep(block, text, start, miss, &[token]);
                    false
                }
                None => true,
            }
        });
        let spans: Vec<(usize, usize)> =
            fresh.iter().map(|&miss| (place(block, miss), block.keys[miss as usize].length)).collect();
        let pieces = spans.iter().map(|&(start, length)| &text[start..start + length]);
        lanes.merge(&encoder.pairs, &encoder.to_token, pieces, |number, tokens| {
            self.keep(block, text, spans[number].0, fresh[number], tokens);
        });
        block.many.sort_unstable();
        fresh.clear();
        block.fresh = fresh;
        self.lanes = lanes;
    }

    /// Remember the tokens of the piece at `start`, and write them where the block gives them from.
    fn keep(&mut self, block: &mut Block, text: &[u8], start: usize, miss: u16, tokens: &[u32]) {
        let index = block.missed[miss as usize] as usize;
        let key = block.keys[miss as usize];
        let few = &mut block.found[index];
        // The same piece may stand twice in a block.
        let known = match key.length {
            0..=8 => self.words.find(Words::key_at(text, start, key.length), few) || self.middle.find(&key, few),
            9..=MIDDLE_BYTES => self.middle.find(&key, few),
            _ => false,
        };
        if !known {
            self.remember(text, start, &key, tokens);
            if !write_few(tokens, few) {
                block.more(index, tokens);
            }
        }
    }

    /// Give the tokens of `piece` to `sink`.
    pub fn encode(&mut self, encoder: &Encoder, piece: &[u8], sink: &mut impl Sink) {
        let mut few: Few = [0; 8];
        let mut padded = [0; KEY_BYTES + 8];
        let is_few = match padded.get_mut(..piece.len()) {
            Some(place) if piece.len() <= KEY_BYTES => {
                place.copy_from_slice(piece);
                let key = Key::new(&padded, 0, piece.len());
                piece.len() <= 8 && self.words.find(Words::key_at(&padded, 0, piece.len()), &mut few)
                    || piece.len() <= MIDDLE_BYTES && self.middle.find(&key, &mut few)
                    || self.wide.find(&key, &mut few)
                    || self.merge(encoder, &padded, 0, &key, &mut few)
            }
            _ => {
                let key = Key::hashed(piece.len(), hash(piece));
                self.merge(encoder, piece, 0, &key, &mut few)
            }
        };
        if is_few {
            sink.many(&few[..(few[COUNT] & COUNT as u32) as usize]);
        } else {
            sink.many(&self.tokens);
        }
    }

    /// [`Self::encode`] for bytes that are no UTF-8, which no table may hold.
    pub fn encode_invalid(&mut self, encoder: &Encoder, bytes: &[u8], sink: &mut impl Sink) {
        self.tokens.clear();
        encoder.encode_piece(bytes, &mut self.scratch, &mut self.tokens);
        sink.many(&self.tokens);
    }

    /// The tokens of a piece that the tables by bytes do not have, written to `few` or, if `false`, to `self.tokens`.
    ///
    /// At least eight bytes of text follow its start.
    #[inline(never)]
    fn merge(&mut self, encoder: &Encoder, text: &[u8], at: usize, key: &Key, few: &mut Few) -> bool {
        let length = key.length;
        let piece = &text[at..at + length];
        if length > COUNT
            && let Some(tokens) = self.long.find(piece, key.hash)
        {
            self.tokens.clear();
            self.tokens.extend_from_slice(tokens);
            return write_few(tokens, few);
        }
        // A piece that is twice in a block was perhaps not there when the block was looked through.
        if length <= 8 && self.words.find(Words::key_at(text, at, length), few) {
            return true;
        }
        let mut tokens = std::mem::take(&mut self.tokens);
        tokens.clear();
        encoder.encode_piece(piece, &mut self.scratch, &mut tokens);
        self.remember(text, at, key, &tokens);
        let is_few = write_few(&tokens, few);
        self.tokens = tokens;
        is_few
    }

    /// Put the tokens of a piece into the table that is for it.
    fn remember(&mut self, text: &[u8], at: usize, key: &Key, tokens: &[u32]) {
        let length = key.length;
        match tokens.len() {
            1..=2 if length <= 8 => {
                let second = tokens.get(1).copied().unwrap_or(NONE);
                self.words.insert(Words::key_at(text, at, length), [tokens[0], second]);
            }
            0..=MIDDLE_TOKENS if length <= MIDDLE_BYTES => self.middle.insert(key, tokens),
            0..=COUNT if length <= KEY_BYTES => self.wide.insert(key, tokens),
            _ => self.long.insert(&text[at..at + length], key.hash, tokens),
        }
    }
}

/// Write tokens as [`Few`]; `false` if they are too many.
fn write_few(tokens: &[u32], few: &mut Few) -> bool {
    if tokens.len() > COUNT {
        return false;
    }
    few[..tokens.len()].copy_from_slice(tokens);
    few[COUNT] = tokens.len() as u32;
    true
}
