//! Megatron's index: each piece is a sequence, each row a document.
//!
//! Little-endian: `MMIDIDX\0\0`, u64 version 1, u8 dtype code, u64 sequences, u64 documents + 1, i32 length of each
//! sequence, i64 byte position of each, i64 first sequence of each document and the number of sequences.

use crate::layout::Width;

const MAGIC: &[u8; 9] = b"MMIDIDX\0\0";
const VERSION: u64 = 1;

/// Bytes of the `.idx` for pieces of these lengths (in tokens), in rows that begin at `row_pieces`.
pub fn index(lengths: &[i64], row_pieces: &[u64], width: Width) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(34 + lengths.len() * 12 + row_pieces.len() * 8);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.push(width.megatron_code());
    bytes.extend_from_slice(&(lengths.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(row_pieces.len() as u64).to_le_bytes());
    for &length in lengths {
        bytes.extend_from_slice(&(length as i32).to_le_bytes());
    }
    let mut position = 0i64;
    for &length in lengths {
        bytes.extend_from_slice(&position.to_le_bytes());
        position += length * width.bytes() as i64;
    }
    for &first in row_pieces {
        bytes.extend_from_slice(&first.to_le_bytes());
    }
    bytes
}
