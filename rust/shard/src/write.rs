//! Writing one shard: tokens are gathered piece by piece, hashed as they pass, and the three files appear whole.
//!
//! The `.tfi` comes last: a shard without one was never finished. Memory: the index, about 40 bytes a piece.

use std::path::Path;

use tokenfoundry_base::stable_hash::hash64;
use tokenfoundry_base::{Cancel, Cancelled};

use crate::atomic::AtomicFile;
use crate::layout::{BLOCK_BYTES, Paths, Width};
use crate::sidecar::{ID_BYTES, Sidecar};
use crate::{ShardError, megatron};

/// The pieces of one shard's rows, borrowed. All slices over pieces are equally long.
pub struct Rows<'a> {
    /// Tokens of all documents, and where each begins.
    pub values: &'a [u32],
    pub offsets: &'a [i64],
    /// First piece of each row, and the number of pieces; the first is 0.
    pub row_pieces: &'a [u64],
    pub document: &'a [i64],
    pub start: &'a [i64],
    pub length: &'a [i64],
    /// 16 bytes for each document.
    pub document_ids: &'a [u8],
}

#[derive(Clone, Debug)]
pub struct Options {
    pub vocabulary_size: u64,
    pub tokenizer_digest: String,
}

pub enum WriteError {
    Shard(ShardError),
    Cancelled(Cancelled),
}

impl From<ShardError> for WriteError {
    fn from(error: ShardError) -> Self {
        Self::Shard(error)
    }
}

impl From<Cancelled> for WriteError {
    fn from(error: Cancelled) -> Self {
        Self::Cancelled(error)
    }
}

struct Blocks {
    pending: Vec<u8>,
    checksums: Vec<u64>,
    file: AtomicFile,
}

impl Blocks {
    fn flush(&mut self) -> Result<(), ShardError> {
        if !self.pending.is_empty() {
            self.checksums.push(hash64(&self.pending));
            self.file.write(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    /// Append bytes of one token, a block at a time; a token never straddles two blocks, whose size is even to it.
    #[inline(always)]
    fn push(&mut self, token: &[u8]) -> Result<(), ShardError> {
        self.pending.extend_from_slice(token);
        if self.pending.len() == BLOCK_BYTES { self.flush() } else { Ok(()) }
    }
}

/// Write the shard with this stem; returns the number of its tokens.
pub fn write(stem: &Path, rows: &Rows<'_>, options: &Options, cancel: &Cancel) -> Result<u64, WriteError> {
    let paths = Paths::new(stem);
    let width = Width::for_vocabulary(options.vocabulary_size);
    let mut blocks = Blocks {
        pending: Vec::with_capacity(BLOCK_BYTES),
        checksums: Vec::new(),
        file: AtomicFile::create(&paths.bin)?,
    };
    let mut piece_tokens = Vec::with_capacity(rows.length.len() + 1);
    let mut piece_documents = Vec::with_capacity(rows.length.len());
    let mut total = 0u64;
    piece_tokens.push(0);
    for (piece, (&document, (&start, &length))) in
        rows.document.iter().zip(rows.start.iter().zip(rows.length)).enumerate()
    {
        if piece % 1024 == 0 {
            cancel.check()?;
        }
        let tokens = piece_slice(rows, document, start, length)
            .ok_or_else(|| ShardError(format!("piece {piece} does not lie in document {document}")))?;
        for &token in tokens {
            if u64::from(token) >= options.vocabulary_size {
                return Err(ShardError(format!(
                    "document {document} has token {token}; the vocabulary has {} ids",
                    options.vocabulary_size
                ))
                .into());
            }
            match width {
                Width::Two => blocks.push(&(token as u16).to_le_bytes())?,
                Width::Four => blocks.push(&token.to_le_bytes())?,
            }
        }
        total += tokens.len() as u64;
        piece_tokens.push(total);
        let mut id = [0; ID_BYTES];
        let at = document as usize * ID_BYTES;
        id.copy_from_slice(
            rows.document_ids
                .get(at..at + ID_BYTES)
                .ok_or_else(|| ShardError(format!("document {document} has no id")))?,
        );
        piece_documents.push(id);
    }
    blocks.flush()?;
    let idx = megatron::index(rows.length, rows.row_pieces, width);
    let sidecar = Sidecar {
        width,
        vocabulary_size: options.vocabulary_size,
        tokenizer_digest: options.tokenizer_digest.clone(),
        idx_checksum: hash64(&idx),
        row_pieces: rows.row_pieces.to_vec(),
        piece_tokens,
        piece_documents,
        piece_starts: rows.start.iter().map(|&start| start as u64).collect(),
        blocks: blocks.checksums,
    };
    blocks.file.commit()?;
    for (path, bytes) in [(&paths.idx, idx), (&paths.tfi, sidecar.write())] {
        let mut file = AtomicFile::create(path)?;
        file.write(&bytes)?;
        file.commit()?;
    }
    Ok(total)
}

fn piece_slice<'a>(rows: &Rows<'a>, document: i64, start: i64, length: i64) -> Option<&'a [u32]> {
    let index = usize::try_from(document).ok()?;
    let (&first, &end) = (rows.offsets.get(index)?, rows.offsets.get(index + 1)?);
    let from = first.checked_add(start)?;
    let to = from.checked_add(length)?;
    if start < 0 || !(1..=i64::from(i32::MAX)).contains(&length) || to > end {
        return None;
    }
    rows.values.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
}
