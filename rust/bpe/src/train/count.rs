//! How often each piece occurs, over texts that arrive in batches.
//!
//! Each thread of the pool counts into a table of its own for as long as there are texts, and the tables are joined
//! once, at the end. Sums do not depend on who added what, and no step after depends on the order of pieces, so the
//! result is the same for every number of threads.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use tokenfoundry_base::{Cancel, Cancelled, pool};

use crate::EncodeError;
use crate::bpe::groups;
use crate::pretokenize::Pattern;

/// A piece of up to this many bytes is its own key: the bytes, and the length in the sixteenth.
const SHORT: usize = 15;
/// Short pieces that are looked up together.
const PENDING: usize = 256;
/// Pieces between two looks at the cancel flag.
const PIECES_PER_LOOK: u32 = 4096;

/// `count` is 0 where the slot is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    low: u64,
    high: u64,
    count: u64,
}

/// Pieces that one thread saw.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Open addressing, a power of two of them, at most half full.
    slots: Vec<Slot>,
    filled: usize,
    seed: u64,
    long: HashMap<Box<[u8]>, u64>,
    /// Short pieces not yet added.
    pending: Vec<(u64, u64)>,
}

impl Table {
    fn new(secret: &RandomState) -> Self {
        let long = HashMap::with_hasher(secret.clone());
        Self { slots: vec![Slot::default(); 1 << 12], filled: 0, seed: secret.hash_one(0), long, pending: Vec::new() }
    }

    /// Secret, so that nobody can write a text whose pieces all collide.
    #[inline(always)]
    fn hash(seed: u64, low: u64, high: u64) -> u64 {
        let product = u128::from(low ^ seed) * u128::from(high ^ seed.rotate_left(32));
        (product as u64) ^ (product >> 64) as u64
    }

    #[inline(always)]
    fn add_short(&mut self, low: u64, high: u64, count: u64) {
        let mask = self.slots.len() - 1;
        let mut at = Self::hash(self.seed, low, high) as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.count == 0 {
                *slot = Slot { low, high, count };
                self.filled += 1;
                if self.filled * 2 > self.slots.len() {
                    self.grow();
                }
                return;
            }
            if slot.low == low && slot.high == high {
                slot.count += count;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![Slot::default(); old.len() * 2];
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| slot.count > 0) {
            let mut at = Self::hash(self.seed, slot.low, slot.high) as usize & mask;
            while self.slots[at].count > 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }

    fn add_long(&mut self, piece: &[u8], count: u64) {
        match self.long.get_mut(piece) {
            Some(sum) => *sum += count,
            None => drop(self.long.insert(piece.into(), count)),
        }
    }

    /// Count `text[start..end]`.
    #[inline(always)]
    fn add(&mut self, text: &[u8], start: usize, end: usize) {
        let length = end - start;
        if length > SHORT {
            self.add_long(&text[start..end], 1);
            return;
        }
        let window: [u8; 16] = match text[start..].first_chunk() {
            Some(window) => *window,
            None => {
                let mut window = [0; 16];
                window[..length].copy_from_slice(&text[start..end]);
                window
            }
        };
        let key = u128::from_le_bytes(window) & ((1 << (8 * length)) - 1) | (length as u128) << 120;
        self.pending.push((key as u64, (key >> 64) as u64));
        if self.pending.len() == PENDING {
            self.add_pending();
        }
    }

    /// One after another in a tight loop, so that their cache misses overlap.
    fn add_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        for (low, high) in pending.drain(..) {
            self.add_short(low, high, 1);
        }
        self.pending = pending;
    }

    /// Add the pieces of `other` that belong to `shard` of `shards`.
    fn absorb(&mut self, other: &Table, shard: u64, shards: u64) {
        for slot in other.slots.iter().filter(|slot| slot.count > 0) {
            // The upper half: the lower bits choose the slot.
            if (Self::hash(self.seed, slot.low, slot.high) >> 32) % shards == shard {
                self.add_short(slot.low, slot.high, slot.count);
            }
        }
        for (piece, &count) in &other.long {
            if self.long.hasher().hash_one(piece) % shards == shard {
                self.add_long(piece, count);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.filled + self.long.len()
    }

    /// Visit (piece, count), in no particular order.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8], u64)) {
        for slot in self.slots.iter().filter(|slot| slot.count > 0) {
            let key = (u128::from(slot.high) << 64 | u128::from(slot.low)).to_le_bytes();
            visit(&key[..usize::from(key[SHORT])], slot.count);
        }
        for (piece, &count) in &self.long {
            visit(piece, count);
        }
    }
}

/// Why a corpus could not be counted to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedError {
    Encode(EncodeError),
    /// An earlier batch was counted in part only.
    Broken,
}

impl std::fmt::Display for FeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Broken => f.write_str(
                "an earlier batch of texts was interrupted and is counted in part; start again with a new trainer",
            ),
        }
    }
}

impl std::error::Error for FeedError {}

/// Memory is that of the distinct pieces, once a thread, not of the corpus.
#[derive(Debug)]
pub struct PieceCounts {
    secret: RandomState,
    tables: Vec<Mutex<Table>>,
    broken: bool,
}

impl Default for PieceCounts {
    fn default() -> Self {
        Self { secret: RandomState::new(), tables: Vec::new(), broken: false }
    }
}

impl PieceCounts {
    /// Count the pieces of `texts` under `pattern`.
    ///
    /// After an error the counts are of no use any more, and `feed` and [`super::train`] say so.
    pub fn feed(
        &mut self,
        pattern: &Pattern,
        texts: &[&str],
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<(), FeedError> {
        self.check()?;
        let width = pool::install(threads, rayon::current_num_threads);
        while self.tables.len() < width {
            self.tables.push(Mutex::new(Table::new(&self.secret)));
        }
        let tables = &self.tables;
        let counted: Result<(), EncodeError> = pool::install(threads, || {
            groups(texts).into_par_iter().try_for_each(|group| {
                let mine = &tables[rayon::current_thread_index().unwrap_or(0) % tables.len()];
                let mut table = mine.lock().unwrap_or_else(PoisonError::into_inner);
                for text in group {
                    count_one(&mut table, pattern, text, cancel)?;
                }
                table.add_pending();
                Ok(())
            })
        });
        self.broken = counted.is_err();
        counted.map_err(FeedError::Encode)
    }

    /// Whether every batch was counted to its end.
    pub fn check(&self) -> Result<(), FeedError> {
        if self.broken { Err(FeedError::Broken) } else { Ok(()) }
    }

    /// The tables as tables that share no piece.
    pub(super) fn joined(&self, threads: Option<usize>, cancel: &Cancel) -> Result<Vec<Table>, Cancelled> {
        let tables: Vec<Table> =
            self.tables.iter().map(|table| table.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect();
        if tables.len() < 2 {
            return Ok(tables);
        }
        pool::install(threads, || {
            let shards = tables.len() as u64;
            (0..shards)
                .into_par_iter()
                .map(|shard| {
                    let mut joined = Table::new(&self.secret);
                    for table in &tables {
                        cancel.check()?;
                        joined.absorb(table, shard, shards);
                    }
                    Ok(joined)
                })
                .collect()
        })
    }

    /// Distinct pieces. Joins the tables to know, so it costs about what training's first step does.
    pub fn distinct(&self, threads: Option<usize>, cancel: &Cancel) -> Result<usize, Cancelled> {
        Ok(self.joined(threads, cancel)?.iter().map(Table::len).sum())
    }
}

fn count_one(table: &mut Table, pattern: &Pattern, text: &str, cancel: &Cancel) -> Result<(), EncodeError> {
    cancel.check()?;
    let mut until_look = PIECES_PER_LOOK;
    let mut stopped = Ok(());
    pattern.pieces(text, |start, end| {
        table.add(text.as_bytes(), start, end);
        until_look -= 1;
        if until_look == 0 {
            until_look = PIECES_PER_LOOK;
            stopped = cancel.check();
        }
        stopped.is_ok()
    })?;
    Ok(stopped?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_length_is_counted_for_what_it_is() {
        let text: String = (0..40).map(|length| "x".repeat(length) + " \0 y" + &"\0".repeat(length % 17)).collect();
        let texts: Vec<&str> = vec![&text; 3];
        for pattern in ["gpt2", "cl100k", "(?s)."] {
            let pattern = Pattern::new(pattern).expect("a pattern");
            let mut expected = BTreeMap::<Vec<u8>, u64>::new();
            pattern
                .pieces(&text, |start, end| {
                    *expected.entry(text.as_bytes()[start..end].to_vec()).or_default() += 6;
                    true
                })
                .expect("it finishes");
            let mut counts = PieceCounts::default();
            for threads in [1, 3] {
                counts.feed(&pattern, &texts, Some(threads), &Cancel::new()).expect("nobody cancels");
            }
            let mut found = BTreeMap::new();
            for table in counts.joined(Some(2), &Cancel::new()).expect("nobody cancels") {
                table.for_each(|piece, count| {
                    assert_eq!(found.insert(piece.to_vec(), count), None, "a piece is in two tables");
                });
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_cancelled_batch_breaks_the_counts() {
        let (pattern, cancel) = (Pattern::new("gpt2").expect("a pattern"), Cancel::new());
        let mut counts = PieceCounts::default();
        cancel.cancel();
        assert!(counts.feed(&pattern, &["a b c"], Some(1), &cancel).is_err());
        assert_eq!(counts.feed(&pattern, &["a b c"], Some(1), &Cancel::new()), Err(FeedError::Broken));
    }
}
