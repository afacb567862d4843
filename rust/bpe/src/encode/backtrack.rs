//! Encoding a long piece of bytes in time in proportion to its length.
//!
//! A sequence of tokens is what merging gives exactly if each two neighbours are: no merge reaches over more than one seam
//! before one of the two sides of that seam is whole. So tokens are taken from the left, the longest first; one that does
//! not go with the token before it gives way to the next shorter token that starts there, and where none is left the
//! token before it gives way itself. A place that was found to be no seam is never tried again, which bounds the work by
//! the length of the piece times that of the longest token. (The idea is that of the linear encoder of GitHub's `bpe`.)
//!
//! Whether two tokens go together is found by undoing their merges from the last on, and asking each time whether the two
//! symbols at the seam would have merged before one of them did with its other neighbour; the answer is remembered.
//!
//! Tables: 5 to 15 MB, made in 20 ms when the first long piece comes.

use tokenfoundry_kernels::prefetch::prefetch;

use super::merge::merge_long;
use super::pairs::{NONE, Pairs};
use super::split::Splits;

/// Nodes of the tree of all tokens, by their spelling: edges in one hash table, first two bytes in a dense one.
#[derive(Clone, Debug)]
struct Tree {
    /// Node << 8 | byte, and the child in the low 32 bits.
    edges: Vec<u64>,
    shift: u32,
    used: usize,
    /// The symbol that ends at each node, or [`NONE`].
    symbols: Vec<u32>,
}

const EMPTY: u64 = u64::MAX;
const ROOT: u32 = 0;

impl Tree {
    fn with_capacity(nodes: usize) -> Self {
        let slots = (nodes * 2).next_power_of_two().max(1 << 10);
        Self { edges: vec![EMPTY; slots], shift: 64 - slots.trailing_zeros(), used: 0, symbols: vec![NONE] }
    }

    #[inline(always)]
    fn slot(&self, edge: u64) -> usize {
        (edge.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    #[inline(always)]
    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let edge = (node as u64) << 8 | byte as u64;
        let mask = self.edges.len() - 1;
        let mut at = self.slot(edge);
        loop {
            let found = self.edges[at];
            if found >> 32 == edge & 0xFFFF_FFFF {
                return Some(found as u32);
            }
            if found == EMPTY {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    fn child_or_new(&mut self, node: u32, byte: u8) -> u32 {
        if let Some(child) = self.child(node, byte) {
            return child;
        }
        if self.used * 3 > self.edges.len() * 2 {
            self.grow();
        }
        let child = self.symbols.len() as u32;
        self.symbols.push(NONE);
        self.used += 1;
        self.place(((node as u64) << 8 | byte as u64) << 32 | child as u64);
        child
    }

    fn place(&mut self, entry: u64) {
        let mask = self.edges.len() - 1;
        let mut at = self.slot(entry >> 32);
        while self.edges[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.edges[at] = entry;
    }

    fn grow(&mut self) {
        let larger = vec![EMPTY; self.edges.len() * 2];
        let old = std::mem::replace(&mut self.edges, larger);
        self.shift -= 1;
        for entry in old.into_iter().filter(|&entry| entry != EMPTY) {
            self.place(entry);
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Backtrack {
    tree: Tree,
    /// By symbol: the longest other symbol that it starts with, or [`NONE`].
    shorter: Vec<u32>,
    /// By symbol: its bytes.
    lengths: Vec<u32>,
}

/// As much of a run as shows what it is made of; runs of less than twice that are no trouble.
const RUN_HEAD: usize = 1024;

/// Nodes have 24 bits beside a byte.
const MOST_NODES: usize = 1 << 24;

impl Backtrack {
    /// Of the symbols and their spellings, shorter ones first; `None` if there are too many.
    pub fn new<'t>(count: usize, spellings: impl Iterator<Item = (u32, &'t [u8])>) -> Option<Self> {
        let mut backtrack =
            Self { tree: Tree::with_capacity(count * 2), shorter: vec![NONE; count], lengths: vec![0; count] };
        for (symbol, bytes) in spellings {
            let mut node = ROOT;
            let mut shorter = NONE;
            for &byte in bytes {
                let own = backtrack.tree.symbols[node as usize];
                if own != NONE {
                    shorter = own;
                }
                node = backtrack.tree.child_or_new(node, byte);
            }
            if backtrack.tree.symbols.len() >= MOST_NODES {
                return None;
            }
            backtrack.tree.symbols[node as usize] = symbol;
            *backtrack.shorter.get_mut(symbol as usize)? = shorter;
            backtrack.lengths[symbol as usize] = bytes.len() as u32;
        }
        Some(backtrack)
    }

    /// The longest symbol that `text` starts with.
    #[inline(always)]
    fn longest(&self, text: &[u8]) -> u32 {
        let mut node = ROOT;
        let mut symbol = NONE;
        for &byte in text {
            let Some(child) = self.tree.child(node, byte) else { break };
            node = child;
            let own = self.tree.symbols[node as usize];
            if own != NONE {
                symbol = own;
            }
        }
        symbol
    }

    /// Replace `symbols` by those of `piece`; `false` (and nothing of use in `symbols`) if it has bytes that are no symbols.
    pub fn encode(
        &self,
        pairs: &Pairs,
        splits: &Splits,
        seams: &mut Seams,
        piece: &[u8],
        symbols: &mut Vec<u32>,
    ) -> bool {
        symbols.clear();
        // A bit for each place that was found to be no seam.
        let mut dead = vec![0u64; piece.len() / 64 + 1];
        let mut at = 0;
        let mut next = self.longest(piece);
        while at < piece.len() {
            let mut candidate = next;
            loop {
                if candidate == NONE {
                    // Nothing that starts here goes with what is before: what is before must be shorter.
                    dead[at / 64] |= 1 << (at % 64);
                    let Some(before) = symbols.pop() else { return false };
                    at -= self.lengths[before as usize] as usize;
                    candidate = self.shorter[before as usize];
                    continue;
                }
                let end = at + self.lengths[candidate as usize] as usize;
                let is_dead = dead[end / 64] >> (end % 64) & 1 != 0;
                if !is_dead && symbols.last().is_none_or(|&before| seams.hold(pairs, splits, before, candidate)) {
                    symbols.push(candidate);
                    at = end;
                    next = self.longest(&piece[at..]);
                    break;
                }
                candidate = self.shorter[candidate as usize];
            }
        }
        true
    }
}

/// [`Backtrack::encode`] for a long run of one character or a few: `false` if `piece` is none, or not of the usual kind.
///
/// Nearly all of it is one symbol again and again. If that may stand beside itself, and before the symbols of what is
/// left, then the whole is what merging gives, and it is written down at once.
pub fn run(
    pairs: &Pairs,
    splits: &Splits,
    seams: &mut Seams,
    length_of: impl Fn(u32) -> usize,
    piece: &[u8],
    symbols: &mut Vec<u32>,
) -> bool {
    const LONGEST_PERIOD: usize = 4;
    const RESTS: usize = 16;
    if piece.len() < 2 * RUN_HEAD {
        return false;
    }
    let Some(period) = (1..=LONGEST_PERIOD).find(|&period| piece[period..] == piece[..piece.len() - period]) else {
        return false;
    };
    let merge = |bytes: &[u8], symbols: &mut Vec<u32>| {
        symbols.clear();
        symbols.extend(bytes.iter().map(|&byte| byte as u32));
        let count = merge_long(pairs, symbols);
        symbols.truncate(count);
    };
    merge(&piece[..RUN_HEAD], symbols);
    let Some(&usual) = symbols.first() else { return false };
    let length = length_of(usual);
    if length == 0 || !length.is_multiple_of(period) || !seams.hold(pairs, splits, usual, usual) {
        return false;
    }
    for rest in (0..RESTS).map(|more| piece.len() % length + more * length) {
        merge(&piece[piece.len() - rest..], symbols);
        if symbols.first().is_none_or(|&first| seams.hold(pairs, splits, usual, first)) {
            let count = (piece.len() - rest) / length;
            symbols.splice(0..0, std::iter::repeat_n(usual, count));
            return true;
        }
    }
    false
}

/// Which two symbols may stand side by side, as far as it was asked; one thread's.
#[derive(Debug, Default)]
pub struct Seams(Vec<u64>);

const SEAMS: usize = 1 << 15;

impl Seams {
    #[inline(always)]
    fn hold(&mut self, pairs: &Pairs, splits: &Splits, left: u32, right: u32) -> bool {
        if self.0.is_empty() {
            self.0 = vec![0; SEAMS];
        }
        let key = ((left as u64) << 32 | right as u64) << 1;
        let slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 49) as usize;
        prefetch(&self.0, slot);
        let known = self.0[slot];
        // Symbols have 21 bits, so the highest bit is free to say that there is an entry.
        let here = key | 1 << 63;
        if known & !1 == here {
            return known & 1 != 0;
        }
        let holds = holds(pairs, splits, left, right);
        self.0[slot] = here | u64::from(holds);
        holds
    }
}

/// Whether merging leaves a seam between `left` and `right`, where each is what merging makes of its own bytes.
fn holds(pairs: &Pairs, splits: &Splits, mut left: u32, mut right: u32) -> bool {
    // The two symbols at the seam are there until the merge before which this is true: any of a lower number.
    let mut until = NONE;
    loop {
        let across = pairs.get(left, right);
        if across != NONE && across < until {
            return false;
        }
        // Go back to before the last merge on either side. Of two equal ones the right one came last.
        let of_left = splits.get(left);
        let of_right = splits.get(right);
        match (of_left, of_right) {
            (Some([_, end]), None) => {
                until = left;
                left = end;
            }
            (Some([_, end]), Some(_)) if left > right => {
                until = left;
                left = end;
            }
            (_, Some([start, _])) => {
                // The merge on the right is of the same pair as the one across at most: then the one across, which is to
                // the left of it, comes first.
                until = right + 1;
                right = start;
            }
            (None, None) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::encode::backtrack::{RUN_HEAD, Seams, run};
    use crate::encode::merge::merge_long;
    use crate::encode::{Encoder, Scratch};
    use crate::vocabulary::{Tokens, Vocabulary};

    fn random(state: &mut u64, below: usize) -> usize {
        *state = tokenfoundry_base::stable_hash::mix64(*state);
        (*state % below as u64) as usize
    }

    /// A vocabulary of the bytes and of joined pairs of what is there, over few letters, so that merges compete.
    fn vocabulary(seed: u64, letters: usize, merges: usize) -> Encoder {
        let mut state = seed;
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        let mut used: Vec<Vec<u8>> = (0..letters).map(|letter| vec![b'a' + letter as u8]).collect();
        for _ in 0..merges * 4 {
            let (left, right) = (random(&mut state, used.len()), random(&mut state, used.len()));
            let joined = [used[left].clone(), used[right].clone()].concat();
            if joined.len() <= 24 && !used.contains(&joined) {
                used.push(joined.clone());
                tokens.push(joined);
            }
        }
        Encoder::new(Vocabulary::from_ranks(Tokens::from_ordered(&tokens))).expect("a vocabulary")
    }

    #[test]
    fn backtracking_is_merging() {
        let (mut tried, mut runs) = (0, 0);
        for seed in 0..300u64 {
            let letters = 1 + seed as usize % 4;
            let encoder = vocabulary(seed + 1, letters, 3 + seed as usize % 40);
            let Some(backtrack) = encoder.backtrack(1 << 20) else { continue };
            tried += 1;
            let mut state = seed ^ 0x1234_5678;
            let (mut seams, mut symbols) = (Seams::default(), Vec::new());
            for _ in 0..40 {
                let length = 1 + random(&mut state, 300);
                let piece: Vec<u8> = (0..length).map(|_| b'a' + random(&mut state, letters) as u8).collect();
                let mut merged: Vec<u32> = piece.iter().map(|&byte| byte as u32).collect();
                let count = merge_long(&encoder.pairs, &mut merged);
                assert!(backtrack.encode(&encoder.pairs, &encoder.splits, &mut seams, &piece, &mut symbols));
                assert_eq!(symbols, merged[..count], "{seed} {:?}", String::from_utf8_lossy(&piece));
                let mut tokens = Vec::new();
                encoder.encode_piece(&piece, &mut Scratch::default(), &mut tokens);
                let expected: Vec<u32> = symbols.iter().map(|&symbol| encoder.to_token[symbol as usize]).collect();
                let whole = encoder.whole_piece(&piece).map(|token| vec![token]);
                assert_eq!(tokens, whole.unwrap_or(expected));
            }
            for period in ["a", "ab", "aab", "abab", "abcd"] {
                let piece = period.repeat(2 * RUN_HEAD / period.len() + seed as usize);
                let piece = &piece.as_bytes()[..piece.len() - seed as usize % period.len()];
                let mut merged: Vec<u32> = piece.iter().map(|&byte| byte as u32).collect();
                let count = merge_long(&encoder.pairs, &mut merged);
                assert!(backtrack.encode(&encoder.pairs, &encoder.splits, &mut seams, piece, &mut symbols));
                assert_eq!(symbols, merged[..count], "{seed} {period} {}", piece.len());
                let length_of = |symbol: u32| encoder.length_of(symbol);
                if run(&encoder.pairs, &encoder.splits, &mut seams, length_of, piece, &mut symbols) {
                    assert_eq!(symbols, merged[..count], "{seed} {period} {}", piece.len());
                    runs += 1;
                }
            }
        }
        assert!(tried > 50 && runs > tried, "{tried} {runs}");
    }
}
