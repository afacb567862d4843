//! Merging a piece's symbols, by the definition: again and again the pair of least rank, the leftmost of equals.
//!
//! [`merge_short`] looks through all pairs each time, sixteen in a few instructions: n² / 16 steps, unbeaten while n is some
//! dozens. [`merge_long`] keeps the pairs in a heap and the symbols in a linked list: n log n, for pieces of any length.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::on_tier::{Work, on_tier};
use tokenfoundry_kernels::pair_merges::{self, NONE, PLACE_BITS, Pairs, placed};

/// The most symbols that [`merge_short`] takes: a bit each in a word.
pub const SHORT: usize = pair_merges::LONGEST;

/// Ranks of a piece's pairs by the place of their left symbol; [`NONE`] where there is no pair, or it does not merge.
pub type Ranks = [u32; SHORT];

/// The least of the first `length` ranks, which are [`NONE`] from there to the next multiple of sixteen.
#[inline(always)]
pub fn least(ranks: &Ranks, length: usize) -> u32 {
    let (chunks, _) = ranks.as_chunks::<16>();
    let mut least = [NONE; 16];
    for chunk in &chunks[..length.div_ceil(16).min(SHORT / 16)] {
        for (least, &rank) in least.iter_mut().zip(chunk) {
            *least = rank.min(*least);
        }
    }
    least.iter().fold(NONE, |least, &rank| least.min(rank))
}

/// Merge `symbols`, [`SHORT`] at most, in place and give how many are left.
#[inline]
pub fn merge_short(pairs: &Pairs, symbols: &mut [u32]) -> usize {
    let count = symbols.len();
    if count < 2 {
        return count;
    }
    let mut ranks = [NONE; SHORT];
    for (at, (rank, two)) in ranks.iter_mut().zip(symbols.windows(2)).enumerate() {
        *rank = placed(pairs.get(two[0], two[1]), at);
    }
    let merging = Merging { pairs, symbols, ranks: &mut ranks };
    on_tier(merging, Merging::merge)
}

/// [`merge_short`] for symbols that are bytes; `symbols` is as long as `bytes`.
#[inline]
pub fn merge_bytes(pairs: &Pairs, bytes: &[u8], symbols: &mut [u32]) -> usize {
    let count = bytes.len();
    for (symbol, &byte) in symbols.iter_mut().zip(bytes) {
        *symbol = byte as u32;
    }
    if count < 2 {
        return count;
    }
    let mut ranks = [NONE; SHORT];
    for (at, (rank, two)) in ranks.iter_mut().zip(bytes.windows(2)).enumerate() {
        *rank = placed(pairs.get_bytes(two[0], two[1]), at);
    }
    let merging = Merging { pairs, symbols, ranks: &mut ranks };
    on_tier(merging, Merging::merge)
}

struct Merging<'a> {
    pairs: &'a Pairs,
    symbols: &'a mut [u32],
    ranks: &'a mut Ranks,
}

impl Work for Merging<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self, _: impl Classifier) -> usize {
        self.merge()
    }
}

impl Merging<'_> {
    /// Symbols stay where they are; `alive` has a bit for each that was not merged into the one before.
    #[inline(always)]
    fn merge(self) -> usize {
        let Self { pairs, symbols, ranks } = self;
        let length = symbols.len().min(SHORT);
        let mut alive = u64::MAX >> (SHORT - length);
        loop {
            let least = least(ranks, length);
            if least == NONE {
                break;
            }
            let (symbol, at) = (least >> PLACE_BITS, least as usize & (SHORT - 1));
            let mut set = |at: usize, rank: u32| ranks[at & (SHORT - 1)] = placed(rank, at);
            let behind = alive & (u64::MAX << at << 1);
            let right = behind.trailing_zeros() as usize & (SHORT - 1);
            let behind = behind & behind.wrapping_sub(1);
            alive &= !(1 << right);
            symbols[at] = symbol;
            set(right, NONE);
            let rank = if behind == 0 { NONE } else { pairs.get(symbol, symbols[behind.trailing_zeros() as usize]) };
            set(at, rank);
            let before = alive & !(u64::MAX << at);
            if before != 0 {
                let before = 63 - before.leading_zeros() as usize;
                set(before, pairs.get(symbols[before], symbol));
            }
        }
        let mut left = 0;
        while alive != 0 {
            symbols[left] = symbols[alive.trailing_zeros() as usize];
            left += 1;
            alive &= alive - 1;
        }
        left
    }
}

/// Merge any number of symbols in place and give how many are left.
pub fn merge_long(pairs: &Pairs, symbols: &mut [u32]) -> usize {
    const GONE: u32 = u32::MAX;
    let count = symbols.len();
    if count < 2 {
        return count;
    }
    let mut next: Vec<u32> = (1..=count as u32).collect();
    let mut previous: Vec<u32> = (0..count as u32).map(|at| at.wrapping_sub(1)).collect();
    let mut waiting: Vec<Reverse<u64>> = Vec::with_capacity(count);
    for at in 0..count - 1 {
        let rank = pairs.get(symbols[at], symbols[at + 1]);
        if rank != NONE {
            waiting.push(Reverse((rank as u64) << 32 | at as u64));
        }
    }
    let mut waiting = BinaryHeap::from(waiting);
    while let Some(Reverse(entry)) = waiting.pop() {
        let (rank, at) = ((entry >> 32) as u32, entry as u32 as usize);
        let right = next[at] as usize;
        // An entry is stale if either of its symbols has changed since.
        if symbols[at] == GONE || right >= count || pairs.get(symbols[at], symbols[right]) != rank {
            continue;
        }
        symbols[at] = rank;
        symbols[right] = GONE;
        let after = next[right] as usize;
        next[at] = after as u32;
        if after < count {
            previous[after] = at as u32;
            let rank = pairs.get(symbols[at], symbols[after]);
            if rank != NONE {
                waiting.push(Reverse((rank as u64) << 32 | at as u64));
            }
        }
        let before = previous[at] as usize;
        if before < count {
            let rank = pairs.get(symbols[before], symbols[at]);
            if rank != NONE {
                waiting.push(Reverse((rank as u64) << 32 | before as u64));
            }
        }
    }
    let mut left = 0;
    for at in 0..count {
        if symbols[at] != GONE {
            symbols[left] = symbols[at];
            left += 1;
        }
    }
    left
}
