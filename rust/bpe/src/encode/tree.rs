//! The trees of all tokens by their spelling, to find the longest that a text starts with: one for each two first bytes.
//!
//! A tree is made when a text first comes to its two bytes, from tokens that are sorted only then: a vocabulary of 200,000 tokens has
//! thousands of trees, and a long piece of letters, digits or Chinese asks for a few of them.
//!
//! A node is 16 bytes: a bit for each class of bytes that a child has, and where its children are, side by side in the order of their
//! classes. Letters and digits have a class each, and so have the last bytes of characters; where two children of a node share
//! one, the second is found among a few at the end.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::vocabulary::Tokens;
use tokenfoundry_kernels::pair_merges::{NONE, SYMBOL_BITS};

/// Symbols below are bytes.
const BYTES: usize = 256;

/// What trees are made of.
#[derive(Clone, Copy, Debug)]
pub struct Spelled<'a> {
    pub tokens: &'a Tokens,
    /// The symbol of each token, or [`NONE`].
    pub symbol_of: &'a [u32],
}

/// A class of 64 for each byte, in the order of bytes for those that stand in the same places.
static CLASS: [u8; 256] = {
    let mut classes = [0; 256];
    let (mut word, mut other, mut byte) = (0, 0, 0);
    while byte < 256 {
        classes[byte] = if byte >= 0x80 {
            byte as u8 & 63
        } else if (byte as u8).is_ascii_alphanumeric() {
            word += 1;
            word - 1
        } else {
            other += 1;
            (other - 1) & 63
        };
        byte += 1;
    }
    classes
};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// A bit for each class of a child's byte.
    children: u64,
    /// The first child.
    first: u32,
    /// The longest symbol that is spelled on the way here; the byte that led here; and the marks.
    packed: u32,
}

const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;
/// Another child of this class is among those at the end.
const SHARED: u32 = 1 << 29;
/// The last of those at the end.
const LAST: u32 = 1 << 30;

impl Node {
    #[inline(always)]
    fn symbol(&self) -> u32 {
        self.packed & SYMBOL_MASK
    }

    #[inline(always)]
    fn byte(&self) -> u8 {
        (self.packed >> SYMBOL_BITS) as u8
    }
}

/// The nodes of one tree, the first of which is its root.
type Nodes = Box<[Node]>;

/// See the module.
#[derive(Debug)]
pub struct Trees {
    /// By two bytes: the number of their tree from 1 on, or 0.
    tree_of: Vec<u32>,
    /// Tokens by tree: where those of each start in `ids`.
    starts: Vec<u32>,
    ids: Vec<u32>,
    trees: Vec<OnceLock<Nodes>>,
    /// By symbol, once it is in a tree: the longest other symbol that it starts with, or [`NONE`], and its bytes. Written before a
    /// tree is seen by anyone.
    symbols: Vec<AtomicU64>,
}

#[inline(always)]
fn two(first: u8, second: u8) -> usize {
    (first as usize) << 8 | second as usize
}

fn shorter_and_length(shorter: u32, length: usize) -> u64 {
    (shorter as u64) << 32 | length as u64
}

impl Trees {
    /// For symbols below `symbols`, those of bytes and those that `spelled` has.
    pub fn new(spelled: Spelled<'_>, symbols: usize) -> Self {
        let reached = || {
            (0..).zip(spelled.symbol_of).filter_map(|(id, &symbol)| match spelled.tokens.get(id) {
                Some(&[first, second, ..]) if symbol != NONE => Some((id, two(first, second))),
                _ => None,
            })
        };
        let mut tree_of = vec![0; 1 << 16];
        for (_, two) in reached() {
            tree_of[two] += 1;
        }
        let mut starts = vec![0];
        let mut total = 0;
        for tree in tree_of.iter_mut().filter(|count| **count > 0) {
            total += *tree;
            *tree = starts.len() as u32;
            starts.push(total);
        }
        let mut ids = vec![0; total as usize];
        let mut places = starts.clone();
        for (id, two) in reached() {
            let place = &mut places[tree_of[two] as usize - 1];
            ids[*place as usize] = id;
            *place += 1;
        }
        let mut trees = Vec::new();
        trees.resize_with(starts.len() - 1, OnceLock::new);
        let mut all = Vec::new();
        all.resize_with(symbols, AtomicU64::default);
        for byte in all.iter_mut().take(BYTES) {
            *byte = AtomicU64::new(shorter_and_length(NONE, 1));
        }
        Self { tree_of, starts, ids, trees, symbols: all }
    }

    /// Make the tree of two bytes. Takes about 30 ns a token.
    #[cold]
    #[inline(never)]
    fn grow(&self, spelled: Spelled<'_>, number: usize) -> Nodes {
        let mut tokens = Vec::new();
        for &id in &self.ids[self.starts[number] as usize..self.starts[number + 1] as usize] {
            if let Some(bytes) = spelled.tokens.get(id) {
                tokens.push(Token { head: head(bytes), bytes, symbol: spelled.symbol_of[id as usize] });
            }
        }
        tokens.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| a.bytes.cmp(b.bytes)));
        let first = tokens.first().map_or(NONE, |token| token.bytes[0] as u32);
        // The tokens of each node: one after another, with the bytes that lead to them.
        let mut within = vec![(0, tokens.len(), 2)];
        let mut nodes = vec![Node { packed: first & SYMBOL_MASK, ..Node::default() }];
        let mut children: Vec<Child> = Vec::new();
        let mut at = 0;
        while let (Some(&(mut start, end, depth)), Some(node)) = (within.get(at), nodes.get_mut(at)) {
            at += 1;
            if tokens[start].bytes.len() == depth {
                let symbol = tokens[start].symbol;
                let known = shorter_and_length(node.symbol(), depth);
                self.symbols[symbol as usize].store(known, Ordering::Relaxed);
                node.packed = node.packed & !SYMBOL_MASK | symbol;
                start += 1;
            }
            let longest = node.symbol();
            children.clear();
            while start < end {
                let byte = tokens[start].byte(depth);
                let count = tokens[start..end].iter().take_while(|token| token.byte(depth) == byte).count();
                children.push(Child { byte, tokens: (start, start + count), is_shared: false });
                start += count;
            }
            node.children = place(&mut children);
            node.first = within.len() as u32;
            for (number, child) in children.iter().enumerate() {
                within.push((child.tokens.0, child.tokens.1, depth + 1));
                let shared = if child.is_shared { SHARED } else { 0 };
                let last = if number + 1 == children.len() { LAST } else { 0 };
                let packed = longest | (child.byte as u32) << SYMBOL_BITS | shared | last;
                nodes.push(Node { packed, ..Node::default() });
            }
        }
        nodes.into_boxed_slice()
    }

    /// The longest other symbol that one starts with, or [`NONE`].
    #[inline(always)]
    pub fn shorter(&self, symbol: u32) -> u32 {
        (self.symbols[symbol as usize].load(Ordering::Relaxed) >> 32) as u32
    }

    /// The bytes of a symbol that was given.
    #[inline(always)]
    pub fn length(&self, symbol: u32) -> usize {
        self.symbols[symbol as usize].load(Ordering::Relaxed) as u32 as usize
    }

    /// The longest symbol that `text`, which is not empty, starts with.
    #[inline(always)]
    pub fn longest(&self, spelled: Spelled<'_>, text: &[u8]) -> u32 {
        let &[first, second, ref rest @ ..] = text else { return text.first().map_or(NONE, |&byte| byte as u32) };
        let number = self.tree_of[two(first, second)] as usize;
        if number == 0 {
            return first as u32;
        }
        let nodes = self.trees[number - 1].get_or_init(|| self.grow(spelled, number - 1));
        let Some(mut node) = nodes.first() else { return first as u32 };
        for &byte in rest {
            let bit = 1 << CLASS[byte as usize];
            if node.children & bit == 0 {
                break;
            }
            let child = node.first as usize + (node.children & (bit - 1)).count_ones() as usize;
            match nodes.get(child) {
                Some(child) if child.byte() == byte => node = child,
                Some(child) if child.packed & SHARED != 0 => match among_last(nodes, node, byte) {
                    Some(child) => node = child,
                    None => break,
                },
                _ => break,
            }
        }
        node.symbol()
    }
}

/// The child of `node` by `byte` among those whose class is shared.
#[cold]
fn among_last<'a>(nodes: &'a [Node], node: &Node, byte: u8) -> Option<&'a Node> {
    for child in nodes.get(node.first as usize + node.children.count_ones() as usize..)? {
        if child.byte() == byte {
            return Some(child);
        }
        if child.packed & LAST != 0 {
            return None;
        }
    }
    None
}

/// A token that a tree is made of.
struct Token<'a> {
    /// What follows the first two of `bytes`, as a number that sorts as they do; behind their end zeros.
    head: u64,
    bytes: &'a [u8],
    symbol: u32,
}

const HEAD: usize = size_of::<u64>();

fn head(bytes: &[u8]) -> u64 {
    let rest = &bytes[2..];
    if let Some(head) = rest.first_chunk() {
        return u64::from_be_bytes(*head);
    }
    let mut head = [0; HEAD];
    head[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(head)
}

impl Token<'_> {
    /// The byte at a place before the end, 2 at least.
    fn byte(&self, at: usize) -> u8 {
        if at < 2 + HEAD { (self.head >> (8 * (1 + HEAD - at))) as u8 } else { self.bytes[at] }
    }
}

/// A child that a node is to have.
struct Child {
    byte: u8,
    /// Its tokens: from, to.
    tokens: (usize, usize),
    /// Others of its class are at the end.
    is_shared: bool,
}

/// Put `children` in the order of their classes, one of each, and the others behind them; gives a bit for each class.
fn place(children: &mut Vec<Child>) -> u64 {
    let class = |child: &Child| CLASS[child.byte as usize];
    if !children.is_sorted_by(|a, b| class(a) < class(b)) {
        children.sort_by_key(class);
        let mut others = Vec::new();
        let mut firsts: Vec<Child> = Vec::new();
        for child in children.drain(..) {
            match firsts.last_mut().filter(|first| class(first) == class(&child)) {
                Some(first) => {
                    first.is_shared = true;
                    others.push(child);
                }
                None => firsts.push(child),
            }
        }
        children.append(&mut firsts);
        children.append(&mut others);
    }
    children.iter().fold(0, |bits, child| bits | 1 << class(child))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens of bytes that share classes, of many lengths.
    #[test]
    fn the_longest_is_found() {
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = tokenfoundry_base::stable_hash::mix64(state);
            (state % below as u64) as usize
        };
        let letters = [b'a', b'b', 0x81, 0xC1, b'!', b' ', 0, 0xFF, 0x80, b'9'];
        for round in 0..40 {
            let few = 2 + round % (letters.len() - 1);
            let mut spelled: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
            for _ in 0..400 {
                let token: Vec<u8> = (0..1 + random(14)).map(|_| letters[random(few)]).collect();
                if !spelled.contains(&token) {
                    spelled.push(token);
                }
            }
            // Some are not reached.
            let symbol_of: Vec<u32> =
                (0..spelled.len() as u32).map(|id| if id > 255 && id % 7 == 0 { NONE } else { id }).collect();
            let tokens = Tokens::from_ordered(&spelled);
            let from = Spelled { tokens: &tokens, symbol_of: &symbol_of };
            let trees = Trees::new(from, spelled.len());
            let slow = |text: &[u8], below: usize| {
                let starts = |id: &usize| text.starts_with(&spelled[*id]) && spelled[*id].len() < below;
                let all = (0..spelled.len()).filter(|&id| symbol_of[id] != NONE).filter(starts);
                all.max_by_key(|&id| spelled[id].len()).map_or(NONE, |id| id as u32)
            };
            for _ in 0..500 {
                let text: Vec<u8> = (0..1 + random(20)).map(|_| letters[random(few)]).collect();
                let longest = trees.longest(from, &text);
                assert_eq!(longest, slow(&text, usize::MAX), "{text:?}");
                let length = spelled[longest as usize].len();
                assert_eq!(trees.length(longest), length);
                assert_eq!(trees.shorter(longest), slow(&text, length), "{text:?}");
            }
        }
    }
}
