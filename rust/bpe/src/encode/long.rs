//! Merging a long piece: a heap of candidate merges over a doubly linked list of tokens; n log n for any input.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::vocabulary::Vocabulary;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    id: u32,
    previous: u32,
    next: u32,
}

/// Kept between pieces so that they allocate once.
#[derive(Default)]
pub struct Scratch {
    nodes: Vec<Node>,
    /// (rank, place of the left token, left id, right id): best first, then leftmost. The ids tell a stale entry.
    candidates: BinaryHeap<Reverse<(u32, u32, u32, u32)>>,
}

/// Append the tokens of `piece`.
pub fn merge(vocabulary: &Vocabulary, piece: &[u8], scratch: &mut Scratch, tokens: &mut Vec<u32>) {
    let Scratch { nodes, candidates } = scratch;
    nodes.clear();
    candidates.clear();
    nodes.extend(piece.iter().enumerate().map(|(index, &byte)| Node {
        id: vocabulary.byte_id(byte),
        previous: (index as u32).wrapping_sub(1),
        next: if index + 1 < piece.len() { index as u32 + 1 } else { NONE },
    }));
    for index in 1..nodes.len() {
        let (left, right) = (nodes[index - 1].id, nodes[index].id);
        if let Some(merge) = vocabulary.merge(left, right) {
            candidates.push(Reverse((merge.rank, index as u32 - 1, left, right)));
        }
    }
    while let Some(Reverse((_, place, left, right))) = candidates.pop() {
        let node = nodes[place as usize];
        // A node that was merged away has no id; a pair that changed has others.
        if node.id != left || node.next == NONE || nodes[node.next as usize].id != right {
            continue;
        }
        let Some(merge) = vocabulary.merge(left, right) else { continue };
        let after = nodes[node.next as usize].next;
        nodes[node.next as usize].id = NONE;
        nodes[place as usize] = Node { id: merge.id, previous: node.previous, next: after };
        if after != NONE {
            nodes[after as usize].previous = place;
            let right = nodes[after as usize].id;
            if let Some(next) = vocabulary.merge(merge.id, right) {
                candidates.push(Reverse((next.rank, place, merge.id, right)));
            }
        }
        if node.previous != NONE {
            let left = nodes[node.previous as usize].id;
            if let Some(next) = vocabulary.merge(left, merge.id) {
                candidates.push(Reverse((next.rank, node.previous, left, merge.id)));
            }
        }
    }
    tokens.extend(nodes.iter().filter(|node| node.id != NONE).map(|node| node.id));
    // One huge piece must not hold its memory for the rest of the process.
    const KEEP_NODES: usize = 1 << 20;
    if nodes.capacity() > KEEP_NODES {
        *scratch = Scratch::default();
    }
}
