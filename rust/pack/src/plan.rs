//! A plan: rows of pieces of documents.

use crate::split::{Long, Piece};
use crate::{best_fit, bound, concat, first_fit, split};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Best-fit decreasing: few rows, few cut documents.
    BestFit,
    /// First-fit decreasing.
    FirstFit,
    /// Documents end to end, cut where a row is full: no padding but in the last row, and many cut documents.
    Concat,
}

/// Row `i` has the pieces `row_offsets[i]..row_offsets[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub row_offsets: Vec<i64>,
    pub pieces: Vec<Piece>,
    /// No plan of these pieces has fewer rows.
    pub lower_bound: u64,
    /// Documents that are in more than one piece.
    pub cut: u64,
    /// Documents longer than a row: these cannot but be cut (or dropped, or truncated).
    pub longer_than_row: u64,
    /// Tokens that are in no row.
    pub dropped: u64,
}

impl Plan {
    pub fn rows(&self) -> usize {
        self.row_offsets.len() - 1
    }

    /// Plan rows of at most `capacity` tokens for documents of these lengths.
    pub fn new(lengths: &[i64], capacity: u32, strategy: Strategy, long: Long, seed: u64) -> Self {
        let longer_than_row = lengths.iter().filter(|&&length| length > i64::from(capacity)).count() as u64;
        let row = i64::from(capacity);
        // Concatenation cuts where rows are full, so there a document is one piece before.
        let longest_piece = if strategy == Strategy::Concat { i64::MAX } else { row };
        let pieces = split::split(lengths, row, longest_piece, long);
        let (row_offsets, pieces) = match strategy {
            Strategy::BestFit => best_fit::best_fit(&pieces, capacity, seed),
            Strategy::FirstFit => first_fit::first_fit(&pieces, capacity, seed),
            Strategy::Concat => concat::concat(&pieces, capacity),
        };
        let mut plan = Self { row_offsets, pieces, ..Self::default() };
        let total: i64 = lengths.iter().sum();
        let placed: i64 = plan.pieces.iter().map(|piece| piece.length).sum();
        plan.dropped = (total - placed) as u64;
        plan.longer_than_row = longer_than_row;
        plan.cut = count_cut(&plan.pieces, lengths.len());
        plan.lower_bound = bound::lower_bound(plan.pieces.iter().map(|piece| piece.length as u32), capacity);
        if strategy == Strategy::Concat {
            // Its pieces are made to fill rows, so only their sum bounds it.
            plan.lower_bound = (placed as u64).div_ceil(u64::from(capacity));
        }
        plan
    }
}

fn count_cut(pieces: &[Piece], documents: usize) -> u64 {
    let mut pieces_of = vec![0u8; documents];
    for piece in pieces {
        let count = &mut pieces_of[piece.document as usize];
        *count = count.saturating_add(1);
    }
    pieces_of.iter().filter(|&&count| count > 1).count() as u64
}
