//! Merging a piece's symbols, by the definition: again and again the pair of least rank, the leftmost of equals.
//!
//! [`merge_short`] looks through all pairs each time: n² steps, unbeaten while n is a dozen. [`merge_long`] keeps the
//! pairs in a heap and the symbols in a linked list: n log n, for pieces of any length.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::pairs::{NONE, Pairs};

/// Symbols up to which [`merge_short`] is the faster.
pub const SHORT: usize = 48;

/// Merge `symbols` in place and give how many are left. `ranks` is room for as many numbers.
#[inline]
pub fn merge_short(pairs: &Pairs, symbols: &mut [u32], ranks: &mut [u32]) -> usize {
    let mut count = symbols.len();
    if count < 2 {
        return count;
    }
    for at in 0..count - 1 {
        ranks[at] = pairs.get(symbols[at], symbols[at + 1]);
    }
    merge_ranked(pairs, symbols, ranks, &mut count);
    count
}

/// [`merge_short`] for symbols that are bytes, with `symbols` and `ranks` as room.
#[inline]
pub fn merge_bytes(pairs: &Pairs, bytes: &[u8], symbols: &mut [u32], ranks: &mut [u32]) -> usize {
    let mut count = bytes.len();
    for (symbol, &byte) in symbols.iter_mut().zip(bytes) {
        *symbol = byte as u32;
    }
    for (rank, two) in ranks.iter_mut().zip(bytes.windows(2)) {
        *rank = pairs.get_bytes(two[0], two[1]);
    }
    merge_ranked(pairs, symbols, ranks, &mut count);
    count
}

#[inline(always)]
fn merge_ranked(pairs: &Pairs, symbols: &mut [u32], ranks: &mut [u32], count: &mut usize) {
    while *count > 1 {
        let mut least = NONE;
        let mut at = 0;
        for (index, &rank) in ranks[..*count - 1].iter().enumerate() {
            if rank < least {
                least = rank;
                at = index;
            }
        }
        if least == NONE {
            break;
        }
        symbols[at] = least;
        symbols.copy_within(at + 2..*count, at + 1);
        if at + 2 < *count {
            ranks.copy_within(at + 2..*count - 1, at + 1);
        }
        *count -= 1;
        if at > 0 {
            ranks[at - 1] = pairs.get(symbols[at - 1], least);
        }
        if at + 1 < *count {
            ranks[at] = pairs.get(least, symbols[at + 1]);
        }
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
