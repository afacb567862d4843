//! Which two symbols merge into which: one flat hash table of 8-byte slots, and a dense table for pairs of bytes.
//!
//! A symbol's number is also its priority: of all pairs in a piece, the one whose result has the least number merges
//! first. So a look-up gives rank and result at once. A hit or a miss costs one cache line, usually.

use crate::huge_pages::Aligned;
use crate::prefetch::prefetch;

/// Numbers of symbols fit in 21 bits, so that two of them and their result fit in a slot.
pub const SYMBOL_BITS: u32 = 21;
pub const MAX_SYMBOLS: usize = 1 << SYMBOL_BITS;
/// What a look-up gives for two symbols that do not merge; greater than every symbol.
pub const NONE: u32 = u32::MAX;

/// Where the second bit of a hash is taken from: below the bits that say where in the filter.
pub(super) const SECOND_SHIFT: u32 = 24;

pub(super) const EMPTY: u64 = u64::MAX;
pub(super) const RESULT_MASK: u64 = (1 << SYMBOL_BITS) - 1;

#[derive(Clone, Debug)]
pub struct Pairs {
    /// left | right | result, 21 bits each.
    pub(super) slots: Aligned<u64>,
    pub(super) shift: u32,
    used: usize,
    /// A bit for the hash of each pair there is, about eight bits a pair: most look-ups are of pairs that do not merge,
    /// and end here, in memory that the second-level cache holds.
    pub(super) filter: Vec<u64>,
    pub(super) filter_shift: u32,
    /// The results of pairs of symbols below 256, which are bytes in byte-level vocabularies.
    pub(super) bytes: Box<[u32; 1 << 16]>,
}

pub(super) const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(always)]
fn key(left: u32, right: u32) -> u64 {
    ((left as u64) << SYMBOL_BITS | right as u64) << SYMBOL_BITS
}

fn empty(slots: usize) -> Aligned<u64> {
    let mut empty = Aligned::zeroed(slots);
    empty.fill(EMPTY);
    empty
}

impl Pairs {
    pub fn with_capacity(pairs: usize) -> Self {
        let slots = (pairs * 3 / 2).next_power_of_two().max(64);
        let filter_bits = slots.trailing_zeros() + 3;
        Self {
            slots: empty(slots),
            shift: 64 - slots.trailing_zeros(),
            used: 0,
            filter: vec![0; 1 << (filter_bits - 6)],
            filter_shift: 64 - filter_bits,
            bytes: Box::new([NONE; 1 << 16]),
        }
    }

    /// Fibonacci hashing: the high bits of the product depend on all bits of the key.
    #[inline(always)]
    fn hash(key: u64) -> u64 {
        key.wrapping_mul(MULTIPLIER)
    }

    /// The two bits of a hash in its word of the filter: of a few in a hundred absent pairs both are set.
    #[inline(always)]
    fn filter_mask(&self, hash: u64) -> u64 {
        1 << (hash >> self.filter_shift & 63) | 1 << (hash >> SECOND_SHIFT & 63)
    }

    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        (Self::hash(key) >> self.shift) as usize
    }

    /// Pairs are inserted once, by whoever made sure that there is room.
    pub fn insert(&mut self, left: u32, right: u32, result: u32) {
        if (self.used + 1) * 3 > self.slots.len() * 2 {
            self.grow();
        }
        self.used += 1;
        if left < 256 && right < 256 {
            self.bytes[(left << 8 | right) as usize] = result;
        }
        let key = key(left, right);
        let hash = Self::hash(key);
        let bit = hash >> self.filter_shift;
        self.filter[(bit >> 6) as usize] |= self.filter_mask(hash);
        self.place(key | result as u64);
    }

    fn place(&mut self, entry: u64) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(entry & !RESULT_MASK);
        while self.slots[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = entry;
    }

    fn grow(&mut self) {
        let doubled = empty(self.slots.len() * 2);
        let old = std::mem::replace(&mut self.slots, doubled);
        self.shift -= 1;
        for &entry in &*old {
            if entry != EMPTY {
                self.place(entry);
            }
        }
    }

    /// Ask for the memory that [`Self::get`] will look at.
    #[inline(always)]
    pub fn prefetch(&self, left: u32, right: u32) {
        let hash = Self::hash(key(left, right));
        prefetch(&self.filter, (hash >> self.filter_shift >> 6) as usize);
        prefetch(&self.slots, (hash >> self.shift) as usize);
    }

    /// The symbol that `left` and `right` merge into, or [`NONE`].
    #[inline(always)]
    pub fn get(&self, left: u32, right: u32) -> u32 {
        let key = key(left, right);
        let hash = Self::hash(key);
        let bit = hash >> self.filter_shift;
        if !self.filter[(bit >> 6) as usize] & self.filter_mask(hash) != 0 {
            return NONE;
        }
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize & mask;
        loop {
            let entry = self.slots[at];
            if entry & !RESULT_MASK == key {
                return (entry & RESULT_MASK) as u32;
            }
            if entry == EMPTY {
                return NONE;
            }
            at = (at + 1) & mask;
        }
    }

    /// [`Self::get`] for two symbols below 256.
    #[inline(always)]
    pub fn get_bytes(&self, left: u8, right: u8) -> u32 {
        self.bytes[(left as usize) << 8 | right as usize]
    }
}
