//! Adding rows until their number is a multiple, so that every rank has as many.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// New row offsets, and which piece each place now has; None where the number is a multiple already.
///
/// Rows are added by dealing the pieces of the rows with most pieces to two rows, and where no row has two pieces, as
/// empty rows.
pub(crate) fn rounded(row_offsets: &[i64], multiple: usize) -> Option<(Vec<i64>, Vec<u32>)> {
    let rows = row_offsets.len() - 1;
    let missing = rows.next_multiple_of(multiple) - rows;
    if missing == 0 {
        return None;
    }
    let pieces_of = |row: usize| row_offsets[row] as u32..row_offsets[row + 1] as u32;
    let mut most: BinaryHeap<(usize, Reverse<usize>)> =
        (0..rows).map(|row| (pieces_of(row).len(), Reverse(row))).collect();
    // Rows whose pieces are no longer those of the plan, new ones among them.
    let mut changed: HashMap<usize, Vec<u32>> = HashMap::new();
    for added in rows..rows + missing {
        let Some((count, Reverse(row))) = most.pop() else { break };
        if count < 2 {
            break;
        }
        let old = changed.remove(&row).unwrap_or_else(|| pieces_of(row).collect());
        // Turn and turn about: pieces come longest first, so both halves are about equally full.
        let half = |turn: usize| old.iter().copied().skip(turn).step_by(2).collect::<Vec<u32>>();
        for (row, pieces) in [(row, half(0)), (added, half(1))] {
            most.push((pieces.len(), Reverse(row)));
            changed.insert(row, pieces);
        }
    }
    let mut offsets = vec![0i64];
    let mut order: Vec<u32> = Vec::with_capacity(row_offsets[rows] as usize);
    for row in 0..rows + missing {
        match changed.get(&row) {
            Some(pieces) => order.extend_from_slice(pieces),
            None if row < rows => order.extend(pieces_of(row)),
            None => {}
        }
        offsets.push(order.len() as i64);
    }
    Some((offsets, order))
}
