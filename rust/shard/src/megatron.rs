//! Megatron's index: each piece is a sequence, each row a document.
//!
//! Little-endian: `MMIDIDX\0\0`, u64 version 1, u8 dtype code, u64 sequences, u64 documents + 1, i32 length of each
//! sequence, i64 byte position of each, i64 first sequence of each document and the number of sequences; in
//! multimodal sets i8 mode of each sequence.

use crate::layout::Width;

const MAGIC: &[u8; 9] = b"MMIDIDX\0\0";
const VERSION: u64 = 1;
const HEADER_BYTES: usize = 34;

/// Bytes of the `.idx` for pieces that begin at `piece_tokens` (pieces + 1), in rows that begin at `row_pieces`.
/// No piece is longer than `i32::MAX` tokens.
pub fn index(piece_tokens: &[u64], row_pieces: &[u64], modes: Option<&[i8]>, width: Width) -> Vec<u8> {
    let pieces = piece_tokens.len() - 1;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + pieces * 13 + row_pieces.len() * 8);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.push(width.megatron_code());
    bytes.extend_from_slice(&(pieces as u64).to_le_bytes());
    bytes.extend_from_slice(&(row_pieces.len() as u64).to_le_bytes());
    for bounds in piece_tokens.windows(2) {
        bytes.extend_from_slice(&((bounds[1] - bounds[0]) as i32).to_le_bytes());
    }
    for &first in &piece_tokens[..pieces] {
        bytes.extend_from_slice(&(first * width.bytes() as u64).to_le_bytes());
    }
    for &first in row_pieces {
        bytes.extend_from_slice(&first.to_le_bytes());
    }
    bytes.extend(modes.unwrap_or_default().iter().map(|&mode| mode as u8));
    bytes
}

/// Modes of the pieces: the last byte of the index for each.
pub fn modes(index: &[u8], pieces: usize) -> Option<Vec<i8>> {
    let first = index.len().checked_sub(pieces)?;
    Some(index[first..].iter().map(|&mode| mode as i8).collect())
}
