//! Documents to pieces that fit a row.

/// A run of one document's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub document: i64,
    /// First token, counted in the document.
    pub start: i64,
    pub length: i64,
}

/// What happens to a document that is longer than a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Long {
    /// Full rows and a rest, which is packed like a document.
    Split,
    /// Its first tokens, a row full; the others are dropped and counted.
    Truncate,
    /// Nothing of it.
    Drop,
}

/// Pieces of at most `longest_piece` tokens, in the order of the documents, of which those above `capacity` are long.
/// An empty document has none.
pub fn split(lengths: &[i64], capacity: i64, longest_piece: i64, long: Long) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(lengths.len());
    for (document, &length) in lengths.iter().enumerate() {
        let kept = match long {
            Long::Split => length,
            Long::Truncate => length.min(capacity),
            Long::Drop if length > capacity => 0,
            Long::Drop => length,
        };
        let mut start = 0;
        while start < kept {
            let length = longest_piece.min(kept - start);
            pieces.push(Piece { document: document as i64, start, length });
            start += length;
        }
    }
    pieces
}
