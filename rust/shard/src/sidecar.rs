//! The `.tfi`: rows to pieces to documents, and a checksum of every block.
//!
//! Little-endian. A header of 128 bytes, then u64 first piece of each row and the number of pieces; u64 first token of
//! each piece and the number of tokens; 16 bytes document id of each piece; u64 first token of each piece in its
//! document; u64 xxh3 of each block of the `.bin`; u64 xxh3 of all before.

use std::path::Path;

use tokenfoundry_base::stable_hash::hash64;

use crate::ShardError;
use crate::layout::{BLOCK_BYTES, Width};

pub const MAGIC: &[u8; 8] = b"TFSHARD\0";
pub const VERSION: u32 = 1;
const HEADER_BYTES: usize = 128;
pub const ID_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    pub width: Width,
    pub vocabulary_size: u64,
    /// Lower-case hex, or spaces where the writer knew of no tokenizer.
    pub tokenizer_digest: String,
    pub idx_checksum: u64,
    /// rows + 1
    pub row_pieces: Vec<u64>,
    /// pieces + 1
    pub piece_tokens: Vec<u64>,
    pub piece_documents: Vec<[u8; ID_BYTES]>,
    pub piece_starts: Vec<u64>,
    pub blocks: Vec<u64>,
}

impl Sidecar {
    pub fn rows(&self) -> usize {
        self.row_pieces.len() - 1
    }

    pub fn pieces(&self) -> usize {
        self.piece_tokens.len() - 1
    }

    pub fn tokens(&self) -> u64 {
        self.piece_tokens.last().copied().unwrap_or(0)
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.width.bytes() as u32).to_le_bytes());
        for number in [
            self.rows() as u64,
            self.pieces() as u64,
            self.tokens(),
            BLOCK_BYTES as u64,
            self.blocks.len() as u64,
            self.idx_checksum,
            self.vocabulary_size,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut digest = self.tokenizer_digest.clone().into_bytes();
        digest.resize(DIGEST_BYTES, b' ');
        bytes.extend_from_slice(&digest);
        bytes.resize(HEADER_BYTES, 0);
        let numbers = |bytes: &mut Vec<u8>, values: &[u64]| {
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        };
        numbers(&mut bytes, &self.row_pieces);
        numbers(&mut bytes, &self.piece_tokens);
        self.piece_documents.iter().for_each(|id| bytes.extend_from_slice(id));
        numbers(&mut bytes, &self.piece_starts);
        numbers(&mut bytes, &self.blocks);
        let checksum = hash64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Read and check; the error names `path`.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ShardError> {
        let damaged = |what: &str| ShardError(format!("{}: {what}", path.display()));
        if bytes.len() < 12 || &bytes[..8] != MAGIC {
            return Err(damaged("is not a tokenfoundry shard index: its first bytes are others"));
        }
        let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        // A flipped bit in the version must not be taken for the future: the checksum speaks first.
        let (body, tail) = bytes.split_at_checked(bytes.len().saturating_sub(8)).unwrap_or((bytes, &[]));
        let sound = tail == hash64(body).to_le_bytes();
        if version != VERSION && (sound || version < 1000) {
            return Err(damaged(&format!(
                "has format version {version}; this tokenfoundry reads version {VERSION}{}",
                if sound { "; use a newer one" } else { ", and the file's checksum does not match its content" }
            )));
        }
        if !sound {
            return Err(damaged("is damaged or cut short: its checksum does not match its content"));
        }
        let mut reader = Reader { bytes: body, at: 12 };
        let short = || damaged("ends early");
        let width = match reader.u32().ok_or_else(short)? {
            2 => Width::Two,
            4 => Width::Four,
            other => return Err(damaged(&format!("says {other} bytes a token"))),
        };
        let mut number = || reader.u64().ok_or_else(short);
        let (rows, pieces, tokens) = (number()?, number()?, number()?);
        let (block_bytes, blocks) = (number()?, number()?);
        let (idx_checksum, vocabulary_size) = (number()?, number()?);
        if block_bytes != BLOCK_BYTES as u64 {
            return Err(damaged(&format!("says {block_bytes} bytes a block")));
        }
        let digest = reader.take(DIGEST_BYTES).ok_or_else(short)?;
        let tokenizer_digest = String::from_utf8_lossy(digest).trim_end().to_owned();
        reader.at = HEADER_BYTES;
        let counts_fit = [rows, pieces, blocks].iter().all(|&count| count <= body.len() as u64);
        if !counts_fit {
            return Err(short());
        }
        let row_pieces = reader.u64s(rows as usize + 1).ok_or_else(short)?;
        let piece_tokens = reader.u64s(pieces as usize + 1).ok_or_else(short)?;
        let ids = reader.take(pieces as usize * ID_BYTES).ok_or_else(short)?;
        let piece_documents = ids
            .chunks_exact(ID_BYTES)
            .map(|chunk| {
                let mut id = [0; ID_BYTES];
                id.copy_from_slice(chunk);
                id
            })
            .collect();
        let piece_starts = reader.u64s(pieces as usize).ok_or_else(short)?;
        let block_checksums = reader.u64s(blocks as usize).ok_or_else(short)?;
        let sidecar = Self {
            width,
            vocabulary_size,
            tokenizer_digest,
            idx_checksum,
            row_pieces,
            piece_tokens,
            piece_documents,
            piece_starts,
            blocks: block_checksums,
        };
        let bin_bytes = tokens.checked_mul(width.bytes() as u64);
        let consistent = reader.at == body.len()
            && sidecar.row_pieces.is_sorted()
            && sidecar.row_pieces.first() == Some(&0)
            && sidecar.row_pieces.last() == Some(&pieces)
            && sidecar.piece_tokens.is_sorted()
            && sidecar.piece_tokens.first() == Some(&0)
            && sidecar.tokens() == tokens
            && bin_bytes.is_some_and(|bytes| bytes.div_ceil(BLOCK_BYTES as u64) == blocks);
        if consistent { Ok(sidecar) } else { Err(damaged("contradicts itself")) }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn u64s(&mut self, count: usize) -> Option<Vec<u64>> {
        let bytes = self.take(count.checked_mul(8)?)?;
        Some(bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap_or_default())).collect())
    }
}
