//! Reading rows back. Every block of the `.bin` is checked against its checksum before the first token of it is given
//! out, once a process; so a damaged shard is an error that names the block, never a wrong token.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tokenfoundry_base::stable_hash::hash64;
use tokenfoundry_base::{Cancel, Cancelled};

use crate::layout::{BLOCK_BYTES, Paths, Width};
use crate::sidecar::Sidecar;
use crate::{ShardError, io_error};

pub struct Shard {
    pub sidecar: Sidecar,
    bin: File,
    bin_path: PathBuf,
    idx_path: PathBuf,
    /// A bit for each block that was found sound.
    checked: Vec<AtomicU64>,
}

impl Shard {
    /// Open the shard with this stem. Reads the index only.
    pub fn open(stem: &Path) -> Result<Self, ShardError> {
        let paths = Paths::new(stem);
        let bytes = std::fs::read(&paths.tfi).map_err(|error| io_error(&paths.tfi, "cannot be read", error))?;
        let sidecar = Sidecar::parse(&bytes, &paths.tfi)?;
        let bin = File::open(&paths.bin).map_err(|error| io_error(&paths.bin, "cannot be read", error))?;
        let size = bin.metadata().map_err(|error| io_error(&paths.bin, "cannot be read", error))?.len();
        let expected = sidecar.tokens() * sidecar.width.bytes() as u64;
        if size != expected {
            return Err(ShardError(format!(
                "{}: has {size} bytes, its index says {expected}; was it cut short?",
                paths.bin.display()
            )));
        }
        let checked = (0..sidecar.blocks.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { sidecar, bin, bin_path: paths.bin, idx_path: paths.idx, checked })
    }

    fn read_at(&self, position: u64, bytes: &mut [u8]) -> Result<(), ShardError> {
        self.bin.read_exact_at(bytes, position).map_err(|error| io_error(&self.bin_path, "cannot be read", error))
    }

    fn check_block(&self, block: usize) -> Result<(), ShardError> {
        let (word, bit) = (&self.checked[block / 64], 1u64 << (block % 64));
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let position = block * BLOCK_BYTES;
        let end = (self.sidecar.tokens() as usize * self.sidecar.width.bytes()).min(position + BLOCK_BYTES);
        let mut bytes = vec![0; end - position];
        self.read_at(position as u64, &mut bytes)?;
        if hash64(&bytes) != self.sidecar.blocks[block] {
            return Err(ShardError(format!(
                "{}: block {block} (bytes {position} to {end}) is damaged: its checksum does not match",
                self.bin_path.display()
            )));
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }

    /// Append the tokens from `first` to `end`, counted in the whole shard.
    pub fn tokens(&self, first: u64, end: u64, tokens: &mut Vec<u32>) -> Result<(), ShardError> {
        if end <= first {
            return Ok(());
        }
        let width = self.sidecar.width.bytes() as u64;
        for block in first * width / BLOCK_BYTES as u64..=(end * width - 1) / BLOCK_BYTES as u64 {
            self.check_block(block as usize)?;
        }
        let mut bytes = vec![0; ((end - first) * width) as usize];
        self.read_at(first * width, &mut bytes)?;
        match self.sidecar.width {
            Width::Two => {
                tokens.extend(bytes.chunks_exact(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]]))));
            }
            Width::Four => {
                tokens
                    .extend(bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])));
            }
        }
        Ok(())
    }

    /// The pieces of a row, as a range.
    pub fn row_pieces(&self, row: usize) -> std::ops::Range<usize> {
        self.sidecar.row_pieces[row] as usize..self.sidecar.row_pieces[row + 1] as usize
    }

    /// Append the tokens of a row.
    pub fn row(&self, row: usize, tokens: &mut Vec<u32>) -> Result<(), ShardError> {
        let pieces = self.row_pieces(row);
        self.tokens(self.sidecar.piece_tokens[pieces.start], self.sidecar.piece_tokens[pieces.end], tokens)
    }

    /// Check every byte of the three files (the `.tfi` was checked by opening it).
    pub fn verify(&self, cancel: &Cancel) -> Result<Result<(), ShardError>, Cancelled> {
        for block in 0..self.sidecar.blocks.len() {
            cancel.check()?;
            if let Err(error) = self.check_block(block) {
                return Ok(Err(error));
            }
        }
        let idx = match std::fs::read(&self.idx_path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(io_error(&self.idx_path, "cannot be read", error))),
        };
        if hash64(&idx) != self.sidecar.idx_checksum {
            return Ok(Err(ShardError(format!(
                "{}: is damaged or of another shard: its checksum does not match",
                self.idx_path.display()
            ))));
        }
        Ok(Ok(()))
    }
}
