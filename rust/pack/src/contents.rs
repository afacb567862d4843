//! What is in the rows of a plan, and its columns, written out when someone asks for them.

use std::borrow::Cow;

use crate::best_fit::Filled;
use crate::pieces::Piece;
use crate::rounding;
use crate::table::Table;

/// Which pieces the rows have, one row after another: row `i` those from `row_offsets()[i]` to `row_offsets()[i + 1]`.
#[derive(Debug)]
pub enum Contents {
    /// As best fit leaves them: runs of sorted pieces, by number.
    Filled {
        filled: Filled,
        order: Vec<u32>,
        table: Box<Table>,
    },
    Numbered {
        row_offsets: Vec<i64>,
        pieces: Vec<u32>,
        lengths: Vec<u32>,
        table: Box<Table>,
    },
    Listed {
        row_offsets: Vec<i64>,
        pieces: Vec<Piece>,
    },
}

impl Contents {
    pub(crate) fn nothing() -> Self {
        Self::Listed { row_offsets: vec![0], pieces: Vec::new() }
    }

    pub fn rows(&self) -> usize {
        match self {
            Self::Filled { filled, .. } => filled.row_count(),
            Self::Numbered { row_offsets, .. } | Self::Listed { row_offsets, .. } => row_offsets.len() - 1,
        }
    }

    pub fn pieces(&self) -> usize {
        match self {
            Self::Filled { order, .. } => order.len(),
            Self::Numbered { pieces, .. } => pieces.len(),
            Self::Listed { pieces, .. } => pieces.len(),
        }
    }

    /// Where each row's pieces begin, and their number.
    pub fn row_offsets(&self) -> Cow<'_, [i64]> {
        match self {
            Self::Filled { filled, .. } => Cow::Owned(filled.row_offsets()),
            Self::Numbered { row_offsets, .. } | Self::Listed { row_offsets, .. } => Cow::Borrowed(row_offsets),
        }
    }

    /// Documents, first tokens and lengths of the pieces, row after row.
    pub fn columns(&self) -> [Vec<i64>; 3] {
        match self {
            Self::Filled { filled, order, table } => filled.origins(order, table),
            Self::Numbered { pieces, lengths, table, .. } => {
                let (document, start) = pieces.iter().map(|&piece| table.origin(piece)).unzip();
                [document, start, lengths.iter().map(|&length| i64::from(length)).collect()]
            }
            Self::Listed { pieces, .. } => [
                pieces.iter().map(|piece| piece.document).collect(),
                pieces.iter().map(|piece| piece.start).collect(),
                pieces.iter().map(|piece| piece.length).collect(),
            ],
        }
    }

    /// The same pieces in a number of rows that is a multiple.
    pub(crate) fn rounded(self, multiple: usize) -> Self {
        if self.rows().is_multiple_of(multiple) {
            return self;
        }
        let Some((row_offsets, order)) = rounding::rounded(&self.row_offsets(), multiple) else { return self };
        fn permuted<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
            order.iter().map(|&index| values[index as usize]).collect()
        }
        match self {
            Self::Filled { filled, order: sorted, table } => Self::Numbered {
                row_offsets,
                pieces: permuted(&filled.pieces(&sorted), &order),
                lengths: permuted(&filled.lengths(), &order),
                table,
            },
            Self::Numbered { pieces, lengths, table, .. } => {
                let (pieces, lengths) = (permuted(&pieces, &order), permuted(&lengths, &order));
                Self::Numbered { row_offsets, pieces, lengths, table }
            }
            Self::Listed { pieces, .. } => Self::Listed { row_offsets, pieces: permuted(&pieces, &order) },
        }
    }
}
