//! Rows of pieces to what a model reads: tokens, positions, labels, documents, each padded to the row's end.

/// Where one row's arrays go; all of the row's capacity.
pub struct Row<'a> {
    pub tokens: &'a mut [u32],
    /// Position in the piece, from 0; 0 in padding.
    pub position_ids: &'a mut [i32],
    /// The token that follows in the same piece; [`IGNORE`] at a piece's end and in padding.
    pub labels: &'a mut [i64],
    /// Which piece of the row, from 0; -1 in padding.
    pub document_ids: &'a mut [i32],
}

/// The label that losses skip: PyTorch's `ignore_index`.
pub const IGNORE: i64 = -100;

/// Write the pieces, one after another, and padding after them.
pub fn lay_out<'t>(pieces: impl Iterator<Item = &'t [u32]>, pad_id: u32, row: Row<'_>) {
    let mut at = 0;
    for (index, piece) in pieces.enumerate() {
        let end = at + piece.len();
        row.tokens[at..end].copy_from_slice(piece);
        for (position, slot) in row.position_ids[at..end].iter_mut().enumerate() {
            *slot = position as i32;
        }
        for (label, &next) in row.labels[at..end].iter_mut().zip(&piece[1.min(piece.len())..]) {
            *label = i64::from(next);
        }
        if end > at {
            row.labels[end - 1] = IGNORE;
        }
        row.document_ids[at..end].fill(index as i32);
        at = end;
    }
    row.tokens[at..].fill(pad_id);
    row.position_ids[at..].fill(0);
    row.labels[at..].fill(IGNORE);
    row.document_ids[at..].fill(-1);
}
