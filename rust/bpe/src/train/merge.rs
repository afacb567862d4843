//! The training loop: pieces are linked lists of tokens in one flat array; each pair knows where it occurs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use tokenfoundry_base::{Cancel, Cancelled};

use super::PieceCounts;
use crate::vocab::byte_chars;
use crate::vocabulary::pair_key;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Tokens in all, `first_id` of them (the special ones) already taken.
    pub vocab_size: u32,
    /// Pairs seen less often are not merged.
    pub min_frequency: u64,
    /// Ids below this are special tokens; the 256 bytes come next.
    pub first_id: u32,
}

/// What was learned: tokens by id from `first_id` on, and the merges in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    pub tokens: Vec<(Vec<u8>, u32)>,
    pub merges: Vec<(u32, u32)>,
}

const NONE: u32 = u32::MAX;

/// All pieces, one after another.
struct Pieces {
    ids: Vec<u32>,
    previous: Vec<u32>,
    next: Vec<u32>,
    /// Index into `counts`.
    piece: Vec<u32>,
    counts: Vec<i64>,
}

impl Pieces {
    fn new(pieces: &[(&[u8], u64)], id_of: &[u32; 256]) -> Self {
        let total = pieces.iter().map(|(piece, _)| piece.len()).sum();
        let mut flat = Self {
            ids: Vec::with_capacity(total),
            previous: Vec::with_capacity(total),
            next: Vec::with_capacity(total),
            piece: Vec::with_capacity(total),
            counts: Vec::with_capacity(pieces.len()),
        };
        for (index, (piece, count)) in pieces.iter().enumerate() {
            for (place, &byte) in piece.iter().enumerate() {
                let at = flat.ids.len() as u32;
                flat.ids.push(id_of[byte as usize]);
                flat.previous.push(if place > 0 { at - 1 } else { NONE });
                flat.next.push(if place + 1 < piece.len() { at + 1 } else { NONE });
                flat.piece.push(index as u32);
            }
            flat.counts.push(*count as i64);
        }
        flat
    }
}

/// A pair and its count when it was pushed; the largest count first, then the smallest ids.
type Candidate = (i64, Reverse<(u32, u32)>);

/// Merge until the vocabulary is full or no pair is frequent enough.
pub fn train(counts: &PieceCounts, options: Options, cancel: &Cancel) -> Result<Trained, Cancelled> {
    let mut tokens: Vec<(Vec<u8>, u32)> = byte_chars::alphabet()
        .iter()
        .enumerate()
        .map(|(index, &byte)| (vec![byte], options.first_id + index as u32))
        .collect();
    let mut id_of_byte = [0; 256];
    for (token, id) in &tokens {
        id_of_byte[token[0] as usize] = *id;
    }
    let mut ids: FxHashMap<Vec<u8>, u32> = tokens.iter().cloned().collect();
    let mut pieces = Pieces::new(&counts.sorted(), &id_of_byte);

    let mut pair_counts: FxHashMap<u64, i64> = FxHashMap::default();
    let mut places: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
    for at in 0..pieces.ids.len() {
        let next = pieces.next[at];
        if next != NONE {
            let key = pair_key(pieces.ids[at], pieces.ids[next as usize]);
            *pair_counts.entry(key).or_default() += pieces.counts[pieces.piece[at] as usize];
            places.entry(key).or_default().push(at as u32);
        }
    }
    let mut candidates: BinaryHeap<Candidate> =
        pair_counts.iter().map(|(&key, &count)| (count, Reverse(((key >> 32) as u32, key as u32)))).collect();

    let mut merges = Vec::new();
    let mut changes: FxHashMap<u64, i64> = FxHashMap::default();
    while options.first_id as usize + tokens.len() < options.vocab_size as usize {
        cancel.check()?;
        let Some((count, Reverse((left, right)))) = candidates.pop() else { break };
        let key = pair_key(left, right);
        let current = pair_counts.get(&key).copied().unwrap_or(0);
        if current != count {
            if current > 0 {
                candidates.push((current, Reverse((left, right))));
            }
            continue;
        }
        if count < 1 || (count as u64) < options.min_frequency {
            break;
        }
        let mut occurrences = places.remove(&key).unwrap_or_default();
        if occurrences.is_empty() {
            continue;
        }
        let token = |id: u32| &tokens[(id - options.first_id) as usize].0;
        let joined = [&token(left)[..], &token(right)[..]].concat();
        // Two ways to the same bytes are one token, as in `tokenizers`.
        let id = *ids.entry(joined.clone()).or_insert_with(|| {
            let id = options.first_id + tokens.len() as u32;
            tokens.push((joined, id));
            id
        });
        merges.push((left, right));

        // Left to right within each piece: in "aaa" the first two merge.
        occurrences.sort_unstable();
        occurrences.dedup();
        changes.clear();
        for at in occurrences {
            let next = pieces.next[at as usize];
            if pieces.ids[at as usize] != left || next == NONE || pieces.ids[next as usize] != right {
                continue;
            }
            let weight = pieces.counts[pieces.piece[at as usize] as usize];
            let (before, after) = (pieces.previous[at as usize], pieces.next[next as usize]);
            pieces.ids[at as usize] = id;
            pieces.ids[next as usize] = NONE;
            pieces.next[at as usize] = after;
            if before != NONE {
                let other = pieces.ids[before as usize];
                *changes.entry(pair_key(other, left)).or_default() -= weight;
                *changes.entry(pair_key(other, id)).or_default() += weight;
                places.entry(pair_key(other, id)).or_default().push(before);
            }
            if after != NONE {
                let other = pieces.ids[after as usize];
                pieces.previous[after as usize] = at;
                *changes.entry(pair_key(right, other)).or_default() -= weight;
                *changes.entry(pair_key(id, other)).or_default() += weight;
                places.entry(pair_key(id, other)).or_default().push(at);
            }
        }
        pair_counts.remove(&key);
        for (&changed, &change) in &changes {
            if changed == key {
                continue;
            }
            let count = pair_counts.entry(changed).or_default();
            *count += change;
            if *count <= 0 {
                pair_counts.remove(&changed);
                places.remove(&changed);
            } else if change > 0 {
                candidates.push((*count, Reverse(((changed >> 32) as u32, changed as u32))));
            }
        }
    }
    Ok(Trained { tokens, merges })
}
