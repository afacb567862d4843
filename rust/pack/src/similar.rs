//! Packing documents of a cluster together, so that a row holds what belongs together.
//!
//! Idea: Shi et al., "In-Context Pretraining" (2023): related documents in one context. Each cluster is packed by
//! itself, and what it leaves in a row that is not full stays together as one long piece when those are packed.
//! O(n log n); as dense as best fit wherever most clusters are smaller than a row.

use std::ops::Range;

use tokenfoundry_base::stable_hash::mix64;

use crate::in_turn::first_come;
use crate::pieces::Piece;

/// Offsets of rows and their pieces; `clusters[document]` is a document's cluster.
pub fn together(pieces: &[Piece], clusters: &[i64], capacity: u32, seed: u64) -> (Vec<i64>, Vec<Piece>) {
    let cluster_of = |piece: &Piece| clusters[piece.document as usize];
    let mut order: Vec<u32> = (0..pieces.len() as u32).collect();
    // Longest first within a cluster, as best fit wants them; a seed draws the order of equal ones.
    order.sort_by_cached_key(|&index| {
        let piece = &pieces[index as usize];
        let drawn = if seed == 0 { 0 } else { mix64(mix64(seed ^ piece.document as u64) ^ piece.start as u64) };
        (cluster_of(piece), -piece.length, drawn, index)
    });
    // Bundles: pieces of one cluster that stay together.
    let mut bundled: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut bundles: Vec<Range<usize>> = Vec::new();
    for run in order.chunk_by(|&one, &other| cluster_of(&pieces[one as usize]) == cluster_of(&pieces[other as usize])) {
        let mut rows: Vec<(u32, Vec<u32>)> = Vec::new();
        // Best fit with the rows sorted by free space; a cluster's rows are few, and those that are full leave.
        for &index in run {
            let length = pieces[index as usize].length as u32;
            let place = rows.partition_point(|(space, _)| *space < length);
            let (space, mut row) = if place < rows.len() { rows.remove(place) } else { (capacity, Vec::new()) };
            row.push(index);
            let space = space - length;
            if space == 0 || rows.len() >= OPEN_ROWS {
                bundles.push(bundle(&mut bundled, pieces, &row));
            } else {
                rows.insert(rows.partition_point(|(other, _)| *other < space), (space, row));
            }
        }
        for (_, row) in rows {
            bundles.push(bundle(&mut bundled, pieces, &row));
        }
    }
    let as_pieces: Vec<Piece> = bundles
        .iter()
        .zip(0..)
        .map(|(bundle, document)| {
            let length = bundled[bundle.clone()].iter().map(|piece| piece.length).sum();
            Piece { document, start: 0, length }
        })
        .collect();
    let (bundle_offsets, rows) = first_come(&as_pieces, capacity);
    let mut offsets = vec![0];
    let mut gathered = Vec::with_capacity(pieces.len());
    for row in bundle_offsets.windows(2) {
        for bundle in &rows[row[0] as usize..row[1] as usize] {
            gathered.extend_from_slice(&bundled[bundles[bundle.document as usize].clone()]);
        }
        offsets.push(gathered.len() as i64);
    }
    (offsets, gathered)
}

/// A cluster of many documents has at most this many rows open, so that time stays linear.
const OPEN_ROWS: usize = 256;

fn bundle(bundled: &mut Vec<Piece>, pieces: &[Piece], row: &[u32]) -> Range<usize> {
    let start = bundled.len();
    bundled.extend(row.iter().map(|&index| pieces[index as usize]));
    start..bundled.len()
}
