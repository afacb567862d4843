//! The `.tfi`: rows to pieces to documents, and a checksum of every block.
//!
//! Little-endian. A header of 128 bytes, then u64 first piece of each row and the number of pieces; u64 first token of
//! each piece and the number of tokens; 16 bytes document id of each piece; u64 first token of each piece in its
//! document; u64 xxh3 of each block of the `.bin`; for each side column 32 bytes name, u32 type, u32 zero and u64 xxh3
//! of each block of its file; u64 xxh3 of all before.

use std::path::Path;

use tokenfoundry_base::stable_hash::hash64;

use crate::ShardError;
use crate::layout::{BLOCK_BYTES, ColumnType, Width};

pub const MAGIC: &[u8; 8] = b"TFSHARD\0";
pub const VERSION: u32 = 1;
const HEADER_BYTES: usize = 128;
pub const ID_BYTES: usize = 16;
pub const DIGEST_BYTES: usize = 32;
pub const COLUMN_NAME_BYTES: usize = 32;

/// The set ends with this shard.
const FLAG_LAST: u64 = 1;
/// The `.idx` ends with a mode for each piece.
const FLAG_MODES: u64 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnType,
    pub blocks: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    pub width: Width,
    pub vocabulary_size: u64,
    /// Lower-case hex, or empty where the writer knew of no tokenizer.
    pub tokenizer_digest: String,
    /// The shard's number in its set.
    pub number: u32,
    pub last: bool,
    pub has_modes: bool,
    pub idx_checksum: u64,
    /// rows + 1
    pub row_pieces: Vec<u64>,
    /// pieces + 1
    pub piece_tokens: Vec<u64>,
    pub piece_documents: Vec<[u8; ID_BYTES]>,
    pub piece_starts: Vec<u64>,
    pub blocks: Vec<u64>,
    pub columns: Vec<Column>,
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
        let mut bytes = Vec::with_capacity(
            HEADER_BYTES + self.row_pieces.len() * 8 + self.piece_tokens.len() * 32 + self.blocks.len() * 8 + 64,
        );
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
        bytes.extend_from_slice(&padded::<DIGEST_BYTES>(&self.tokenizer_digest, b' '));
        let flags = if self.last { FLAG_LAST } else { 0 } | if self.has_modes { FLAG_MODES } else { 0 };
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&(self.columns.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        let numbers = |bytes: &mut Vec<u8>, values: &[u64]| {
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        };
        numbers(&mut bytes, &self.row_pieces);
        numbers(&mut bytes, &self.piece_tokens);
        self.piece_documents.iter().for_each(|id| bytes.extend_from_slice(id));
        numbers(&mut bytes, &self.piece_starts);
        numbers(&mut bytes, &self.blocks);
        for column in &self.columns {
            bytes.extend_from_slice(&padded::<COLUMN_NAME_BYTES>(&column.name, 0));
            bytes.extend_from_slice(&u64::from(column.kind.code()).to_le_bytes());
            numbers(&mut bytes, &column.blocks);
        }
        let checksum = hash64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Read and check; the error names `path`.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ShardError> {
        let damaged = |what: &str| ShardError(format!("{}: {what}", path.display()));
        if bytes.len() < 20 || &bytes[..8] != MAGIC {
            return Err(damaged("is not a tokenfoundry shard index: its first bytes are others"));
        }
        let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        let (body, tail) = bytes.split_at(bytes.len() - 8);
        // A flipped bit in the version must not be taken for the future: the checksum, last in every version, speaks
        // first.
        if tail != hash64(body).to_le_bytes() {
            return Err(damaged(
                "is damaged or cut short: its checksum does not match its content; restore it or write the shard again",
            ));
        }
        if version != VERSION {
            return Err(damaged(&format!(
                "has format version {version}; this tokenfoundry reads version {VERSION}; use a newer one"
            )));
        }
        parse_body(body).map_err(|what| damaged(&what))
    }
}

/// The checksum was right: what is wrong here was written by a foreign or faulty writer.
fn parse_body(body: &[u8]) -> Result<Sidecar, String> {
    let short = || "ends early".to_owned();
    let mut reader = Reader { bytes: body, at: 12 };
    let width = match reader.u32().ok_or_else(short)? {
        2 => Width::Two,
        4 => Width::Four,
        other => return Err(format!("says {other} bytes a token")),
    };
    let mut number = || reader.u64().ok_or_else(short);
    let (rows, pieces, tokens) = (number()?, number()?, number()?);
    let (block_bytes, blocks) = (number()?, number()?);
    let (idx_checksum, vocabulary_size) = (number()?, number()?);
    if block_bytes != BLOCK_BYTES as u64 {
        return Err(format!("says {block_bytes} bytes a block; version {VERSION} has {BLOCK_BYTES}"));
    }
    let digest = reader.take(DIGEST_BYTES).ok_or_else(short)?;
    let tokenizer_digest = String::from_utf8_lossy(digest).trim_end().to_owned();
    let flags = reader.u64().ok_or_else(short)?;
    let column_count = reader.u32().ok_or_else(short)?;
    let shard_number = reader.u32().ok_or_else(short)?;
    if flags & !(FLAG_LAST | FLAG_MODES) != 0 {
        return Err(format!("has flags {flags:#x} that version {VERSION} does not know"));
    }
    if reader.take(HEADER_BYTES - reader.at).is_none_or(|zeros| zeros.iter().any(|&byte| byte != 0)) {
        return Err("has bytes in its header that should be zero".to_owned());
    }
    // Counts are checked against the file before anything is reserved for them.
    if [rows, pieces, blocks, u64::from(column_count)].iter().any(|&count| count > body.len() as u64) {
        return Err(short());
    }
    let row_pieces = reader.u64s(rows as usize + 1).ok_or_else(short)?;
    let piece_tokens = reader.u64s(pieces as usize + 1).ok_or_else(short)?;
    let ids = reader.take(pieces as usize * ID_BYTES).ok_or_else(short)?;
    let piece_documents = ids.as_chunks::<ID_BYTES>().0.to_vec();
    let piece_starts = reader.u64s(pieces as usize).ok_or_else(short)?;
    let block_checksums = reader.u64s(blocks as usize).ok_or_else(short)?;
    let blocks_of =
        |bytes_a_value: usize| tokens.checked_mul(bytes_a_value as u64).map(|bytes| bytes.div_ceil(BLOCK_BYTES as u64));
    let mut columns = Vec::new();
    for _ in 0..column_count {
        let name = reader.take(COLUMN_NAME_BYTES).ok_or_else(short)?;
        let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
        if !is_column_name(&name) {
            return Err(format!("has a side column named {name:?}"));
        }
        let code = reader.u64().ok_or_else(short)?;
        let kind = u32::try_from(code)
            .ok()
            .and_then(ColumnType::from_code)
            .ok_or_else(|| format!("has a side column of type {code}"))?;
        let count = blocks_of(kind.bytes()).filter(|&count| count <= body.len() as u64).ok_or_else(short)?;
        columns.push(Column { name, kind, blocks: reader.u64s(count as usize).ok_or_else(short)? });
    }
    let sidecar = Sidecar {
        width,
        vocabulary_size,
        tokenizer_digest,
        number: shard_number,
        last: flags & FLAG_LAST != 0,
        has_modes: flags & FLAG_MODES != 0,
        idx_checksum,
        row_pieces,
        piece_tokens,
        piece_documents,
        piece_starts,
        blocks: block_checksums,
        columns,
    };
    let consistent = reader.at == body.len()
        && sidecar.row_pieces.is_sorted()
        && sidecar.row_pieces.first() == Some(&0)
        && sidecar.row_pieces.last() == Some(&pieces)
        && sidecar.piece_tokens.is_sorted()
        && sidecar.piece_tokens.first() == Some(&0)
        && sidecar.tokens() == tokens
        && blocks_of(width.bytes()) == Some(blocks);
    if consistent { Ok(sidecar) } else { Err("contradicts itself".to_owned()) }
}

/// Names are part of file names: lower-case letters, digits and underscores, a letter first.
pub fn is_column_name(name: &str) -> bool {
    name.len() <= COLUMN_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn padded<const N: usize>(text: &str, filler: u8) -> [u8; N] {
    let mut field = [filler; N];
    let length = text.len().min(N);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
    field
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
        Some(bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect())
    }
}
