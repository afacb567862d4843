//! Concatenate and cut: documents end to end, a new row where the last is full.

use crate::PackError;
use crate::pieces::Piece;

/// Offsets of rows and their pieces.
pub fn concat(pieces: &[Piece], capacity: u32) -> Result<(Vec<i64>, Vec<Piece>), PackError> {
    let capacity = i64::from(capacity);
    let mut offsets = vec![0];
    let mut cut: Vec<Piece> = Vec::new();
    let total: i64 = pieces.iter().map(|piece| piece.length).sum();
    let rows = (total / capacity) as usize + 1;
    offsets
        .try_reserve(rows)
        .and_then(|()| cut.try_reserve(rows + pieces.len()))
        .map_err(|_| PackError(format!("no memory for {rows} rows")))?;
    let mut free = capacity;
    for &piece in pieces {
        let mut rest = piece;
        while rest.length > 0 {
            let length = rest.length.min(free);
            cut.push(Piece { length, ..rest });
            rest = Piece { start: rest.start + length, length: rest.length - length, ..rest };
            free -= length;
            if free == 0 {
                offsets.push(cut.len() as i64);
                free = capacity;
            }
        }
    }
    if free < capacity {
        offsets.push(cut.len() as i64);
    }
    Ok((offsets, cut))
}
