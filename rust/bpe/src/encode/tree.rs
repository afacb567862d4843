//! The tree of all tokens by their spelling, to find the longest that a text starts with in one look-up a byte.
//!
//! A node is a number: that of the symbol that ends there, or one beyond all symbols. Edges are in one flat hash table of 8-byte
//! slots, those of the first two bytes in a dense one. It is made when the first long piece comes: a token's node is looked
//! for from that of its left part on, which was there before.

use tokenfoundry_kernels::{huge_pages, prefetch::prefetch};

use super::pairs::NONE;
use super::split::Splits;

/// What a node number may be, beside a byte in 32 bits.
const MOST_NODES: u32 = (1 << 24) - 1;
/// No edge: none leads from node 0, which is a byte.
const EMPTY: u64 = 0;
/// Symbols below are bytes.
const BYTES: u32 = 256;

/// See the module.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Node << 8 | byte in the high half, the child in the low one.
    edges: Vec<u64>,
    shift: u32,
    used: usize,
    /// The node of each two bytes, or [`NONE`].
    two: Vec<u32>,
    /// Nodes below are symbols.
    symbols: u32,
    nodes: u32,
    /// By symbol: the longest other symbol that it starts with, or [`NONE`]; and its bytes.
    shorter: Vec<[u32; 2]>,
}

/// Zeros that the system gives, not touched.
fn empty(slots: usize) -> Vec<u64> {
    let edges = vec![EMPTY; slots];
    huge_pages::advise(&edges);
    edges
}

impl Tree {
    /// For the symbols of bytes and `symbols - 256` more, of which `tokens` are spelled.
    pub fn new(symbols: usize, tokens: usize) -> Self {
        // Vocabularies have about two nodes a token.
        let slots = (tokens * 3).next_power_of_two().max(1 << 10);
        let mut shorter = vec![[NONE, 0]; symbols];
        for byte in shorter.iter_mut().take(BYTES as usize) {
            byte[1] = 1;
        }
        Self {
            edges: empty(slots),
            shift: 64 - slots.trailing_zeros(),
            used: 0,
            two: vec![NONE; 1 << 16],
            symbols: symbols as u32,
            nodes: symbols as u32,
            shorter,
        }
    }

    /// Add a symbol that is no byte; those it starts with are there. `None` if that cannot be.
    pub fn insert(&mut self, splits: &Splits, symbol: u32, bytes: &[u8]) -> Option<()> {
        let [left, _] = splits.get(symbol)?;
        let from = self.shorter.get(left as usize)?[1] as usize;
        let (&last, inner) = bytes.get(from..)?.split_last()?;
        let (mut node, mut shorter) = (left, left);
        for &byte in inner {
            node = self.child_or_new(node, byte, NONE)?;
            if node < self.symbols {
                shorter = node;
            }
        }
        self.shorter[symbol as usize] = [shorter, bytes.len() as u32];
        (self.child_or_new(node, last, symbol)? == symbol).then_some(())
    }

    /// Ask for the memory that [`Self::insert`] will look at first.
    #[inline(always)]
    pub fn prefetch(&self, splits: &Splits, symbol: u32, bytes: &[u8]) {
        let Some([left, _]) = splits.get(symbol) else { return };
        if let Some(&byte) = bytes.get(self.length(left)) {
            prefetch(&self.edges, self.slot(left << 8 | byte as u32));
        }
        prefetch(&self.shorter, symbol as usize);
    }

    /// Eight bytes from a multiple of eight on share a cache line, as the last bytes of characters and many letters do.
    #[inline(always)]
    fn slot(&self, edge: u32) -> usize {
        ((edge as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize & !7 | (edge & 7) as usize
    }

    fn child_or_new(&mut self, node: u32, byte: u8, new: u32) -> Option<u32> {
        let edge = node << 8 | byte as u32;
        if node < BYTES {
            if self.two[edge as usize] == NONE {
                self.two[edge as usize] = self.numbered(new)?;
            }
            return Some(self.two[edge as usize]);
        }
        let child = self.child(node, byte);
        if child != NONE {
            return Some(child);
        }
        let child = self.numbered(new)?;
        if self.used * 4 > self.edges.len() * 3 {
            self.grow();
        }
        self.used += 1;
        self.place((edge as u64) << 32 | child as u64);
        Some(child)
    }

    fn numbered(&mut self, new: u32) -> Option<u32> {
        if new != NONE {
            return Some(new);
        }
        self.nodes += 1;
        (self.nodes <= MOST_NODES).then_some(self.nodes - 1)
    }

    fn place(&mut self, entry: u64) {
        let mask = self.edges.len() - 1;
        let mut at = self.slot((entry >> 32) as u32);
        while self.edges[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.edges[at] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = empty(self.edges.len() * 2);
        let old = std::mem::replace(&mut self.edges, larger);
        self.shift -= 1;
        for entry in old.into_iter().filter(|&entry| entry != EMPTY) {
            self.place(entry);
        }
    }

    /// Whether a node is that of a symbol.
    #[inline(always)]
    pub fn is_symbol(&self, node: u32) -> bool {
        node < self.symbols
    }

    /// The node that `byte` leads to from `node`, of at least two bytes, or [`NONE`].
    #[inline(always)]
    pub fn child(&self, node: u32, byte: u8) -> u32 {
        let edge = node << 8 | byte as u32;
        let mask = self.edges.len() - 1;
        let mut at = self.slot(edge);
        loop {
            // Two slots at once without a branch between them: nearly always that is all.
            let (first, second) = (self.edges[at & mask], self.edges[(at + 1) & mask]);
            let of = |slot: u64| if (slot >> 32) as u32 == edge { slot as u32 } else { NONE };
            let child = of(first) & of(second);
            if child != NONE || first == EMPTY || second == EMPTY {
                return child;
            }
            at += 2;
        }
    }

    /// The node of two bytes, or [`NONE`].
    #[inline(always)]
    pub fn two(&self, first: u8, second: u8) -> u32 {
        self.two[(first as usize) << 8 | second as usize]
    }

    /// The longest other symbol that one starts with, or [`NONE`].
    #[inline(always)]
    pub fn shorter(&self, symbol: u32) -> u32 {
        self.shorter[symbol as usize][0]
    }

    /// The bytes of a symbol.
    #[inline(always)]
    pub fn length(&self, symbol: u32) -> usize {
        self.shorter[symbol as usize][1] as usize
    }

    /// The longest symbol that `text`, which is not empty, starts with.
    #[inline(always)]
    pub fn longest(&self, text: &[u8]) -> u32 {
        let &[first, second, ref rest @ ..] = text else { return text.first().map_or(NONE, |&byte| byte as u32) };
        let mut node = self.two(first, second);
        let mut symbol = if self.is_symbol(node) { node } else { first as u32 };
        for &byte in rest {
            if node == NONE {
                break;
            }
            node = self.child(node, byte);
            if self.is_symbol(node) {
                symbol = node;
            }
        }
        symbol
    }
}
