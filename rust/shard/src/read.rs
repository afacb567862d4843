//! One shard, open for reading.

use std::ops::Range;
use std::path::{Path, PathBuf};

use tokenfoundry_base::Cancel;
use tokenfoundry_base::stable_hash::hash64;
use tokenfoundry_kernels::token_copy::{widen, widen_pair};

use crate::blocks::{BlockFile, ONE_STRETCH_BYTES};
use crate::layout::{Paths, Width};
use crate::sidecar::Sidecar;
use crate::{ShardError, Stopped, io_error, megatron};

/// What a token can be given out as. Ids in four bytes are Megatron's i32 and stay below 2^31.
pub use tokenfoundry_kernels::token_copy::Slot as Token;

pub struct Shard {
    pub sidecar: Sidecar,
    bin: BlockFile,
    columns: Vec<BlockFile>,
    idx_path: PathBuf,
    width: Width,
    /// Of the `.tfi`, which has the checksums of all other files: two shards with equal ones are equal.
    pub checksum: u64,
}

impl Shard {
    /// Open the shard with this stem. Reads the `.tfi` and the other files' sizes.
    pub fn open(stem: &Path) -> Result<Self, ShardError> {
        let paths = Paths::new(stem);
        let bytes = std::fs::read(&paths.tfi).map_err(|error| io_error(&paths.tfi, "cannot be read", error))?;
        let mut sidecar = Sidecar::parse(&bytes, &paths.tfi)?;
        let checksum = hash64(&bytes);
        let size = |bytes: usize| {
            sidecar.tokens().checked_mul(bytes as u64).and_then(|total| usize::try_from(total).ok()).ok_or_else(|| {
                ShardError(format!("{}: says {} tokens, too many", paths.tfi.display(), sidecar.tokens()))
            })
        };
        let bin_bytes = size(sidecar.width.bytes())?;
        let column_bytes =
            sidecar.columns.iter().map(|column| size(column.kind.bytes())).collect::<Result<Vec<_>, _>>()?;
        let bin = BlockFile::open(&paths.bin, bin_bytes, std::mem::take(&mut sidecar.blocks))?;
        let mut columns = Vec::new();
        for (column, bytes) in sidecar.columns.iter_mut().zip(column_bytes) {
            let path = paths.column(&column.name);
            columns.push(BlockFile::open(&path, bytes, std::mem::take(&mut column.blocks))?);
        }
        if !paths.idx.is_file() {
            return Err(ShardError(format!("{}: is missing; write the shard again", paths.idx.display())));
        }
        let width = sidecar.width;
        Ok(Self { sidecar, bin, columns, idx_path: paths.idx, width, checksum })
    }

    /// The pieces of a row, as a range.
    pub fn row_pieces(&self, row: usize) -> Range<usize> {
        self.sidecar.row_pieces[row] as usize..self.sidecar.row_pieces[row + 1] as usize
    }

    /// The tokens of a row, counted in the shard.
    pub fn row_tokens(&self, row: usize) -> Range<u64> {
        let pieces = self.row_pieces(row);
        self.sidecar.piece_tokens[pieces.start]..self.sidecar.piece_tokens[pieces.end]
    }

    fn byte_range(tokens: &Range<u64>, width: usize) -> Range<usize> {
        tokens.start as usize * width..tokens.end as usize * width
    }

    /// Copy tokens, counted in the shard, to `out`, which has room for exactly these. `ahead` is what will be read next, as
    /// [`Shard::to_come`] has it: its cache lines are asked for on the way.
    pub fn copy<T: Token>(&self, tokens: Range<u64>, out: &mut [T], ahead: &[u8]) -> Result<(), ShardError> {
        let mut at = 0;
        self.bin.read(Self::byte_range(&tokens, self.width.bytes()), |bytes| match self.width {
            Width::Two => {
                let (ids, ahead) = (bytes.as_chunks::<2>().0, ahead.as_chunks::<2>().0);
                widen(ids, &mut out[at..at + ids.len()], ahead.get(at..).unwrap_or_default());
                at += ids.len();
            }
            Width::Four => {
                let (ids, ahead) = (bytes.as_chunks::<4>().0, ahead.as_chunks::<4>().0);
                widen(ids, &mut out[at..at + ids.len()], ahead.get(at..).unwrap_or_default());
                at += ids.len();
            }
        })
    }

    /// Copy a window and its labels, the tokens one on; both are as long, and the shard has a token more. False where the
    /// window is too long to be read in one stretch.
    pub fn copy_pair<T: Token, L: Token>(
        &self,
        first: u64,
        out: &mut [T],
        labels: &mut [L],
        ahead: &[u8],
    ) -> Result<bool, ShardError> {
        let range = Self::byte_range(&(first..first + out.len() as u64 + 1), self.width.bytes());
        if range.len() > ONE_STRETCH_BYTES {
            return Ok(false);
        }
        // Labels come from the file too, not from `tokens`, which hold all but one of them: a copy whose two ends lie a few
        // bytes apart within a page takes four times as long on some AMD machines, and the file's lines are near now.
        self.bin.read(range, |bytes| match self.width {
            Width::Two => widen_pair(bytes.as_chunks::<2>().0, out, labels, ahead.as_chunks::<2>().0),
            Width::Four => widen_pair(bytes.as_chunks::<4>().0, out, labels, ahead.as_chunks::<4>().0),
        })?;
        Ok(true)
    }

    /// Copy a side column's values of these tokens, as bytes.
    pub fn copy_column(&self, column: usize, tokens: Range<u64>, out: &mut [u8]) -> Result<(), ShardError> {
        let width = self.sidecar.columns[column].kind.bytes();
        let mut at = 0;
        self.columns[column].read(Self::byte_range(&tokens, width), |bytes| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        })
    }

    /// The bytes of tokens that will be read soon, to be asked for.
    pub fn to_come(&self, tokens: Range<u64>) -> &[u8] {
        self.bin.to_come(Self::byte_range(&tokens, self.width.bytes()))
    }

    pub fn will_need(&self, tokens: Range<u64>) {
        self.bin.will_need(Self::byte_range(&tokens, self.width.bytes()));
    }

    /// Modes of all pieces; None where the set is not multimodal.
    pub fn modes(&self) -> Result<Option<Vec<i8>>, ShardError> {
        if !self.sidecar.has_modes {
            return Ok(None);
        }
        let index = self.checked_index()?;
        Ok(megatron::modes(&index, self.sidecar.pieces()))
    }

    fn checked_index(&self) -> Result<Vec<u8>, ShardError> {
        let index = std::fs::read(&self.idx_path).map_err(|error| io_error(&self.idx_path, "cannot be read", error))?;
        if hash64(&index) == self.sidecar.idx_checksum {
            return Ok(index);
        }
        Err(ShardError(format!(
            "{}: is damaged or of another shard: its checksum does not match; restore it or write the shard again",
            self.idx_path.display()
        )))
    }

    /// Check every byte of the shard's files (the `.tfi` was checked by opening it), on this thread's pool.
    pub fn verify(&self, cancel: &Cancel) -> Result<(), Stopped> {
        self.bin.verify(cancel)?;
        for column in &self.columns {
            column.verify(cancel)?;
        }
        self.checked_index()?;
        Ok(())
    }
}
