//! First fit: each piece into the earliest row with room. O(n log n) by a tree of maxima.

use crate::in_turn::{decreasing, gather};
use crate::pieces::Piece;

/// The longest piece first: offsets of rows and their pieces. The rows of NeMo's `first_fit_decreasing`.
pub fn first_fit_decreasing(pieces: &[Piece], capacity: u32, seed: u64) -> (Vec<i64>, Vec<Piece>) {
    in_order(pieces, &decreasing(pieces, capacity, seed), capacity)
}

/// Pieces as they come. The rows of NeMo's `first_fit_shuffle` for lengths that were shuffled before.
pub fn first_fit(pieces: &[Piece], capacity: u32) -> (Vec<i64>, Vec<Piece>) {
    let order: Vec<u32> = (0..pieces.len() as u32).collect();
    in_order(pieces, &order, capacity)
}

fn in_order(pieces: &[Piece], order: &[u32], capacity: u32) -> (Vec<i64>, Vec<Piece>) {
    let leaves = pieces.len().max(1).next_power_of_two();
    // Free space of row i at leaves + i; above, the larger of two. A row not yet begun is empty.
    let mut tree = vec![capacity; 2 * leaves];
    let mut rows = 0;
    let mut row_of = Vec::with_capacity(pieces.len());
    for &index in order {
        let length = pieces[index as usize].length as u32;
        let mut node = 1;
        while node < leaves {
            node *= 2;
            node += usize::from(tree[node] < length);
        }
        let row = node - leaves;
        rows = rows.max(row + 1);
        row_of.push(row as u32);
        tree[node] -= length;
        while node > 1 {
            node /= 2;
            tree[node] = tree[2 * node].max(tree[2 * node + 1]);
        }
    }
    gather(pieces, order, &row_of, rows)
}
