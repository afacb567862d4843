//! Files with a checksum for every block.
//!
//! A block is checked before the first of its bytes is given out, once a process; so damage is an error that names the
//! block, never a wrong token. The check reads with `pread`, which answers a file that shrank with an error; blocks
//! known to be sound come from the memory map, at half the cost. A file that is cut short after its blocks were
//! checked, while it is mapped, ends the process as with every memory map; writers here never do that, they rename.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{Advice, Mmap};
use rayon::prelude::*;
use tokenfoundry_base::Cancel;
use tokenfoundry_base::stable_hash::hash64;

use crate::atomic::AtomicFile;
use crate::layout::BLOCK_BYTES;
use crate::{ShardError, Stopped, io_error};

/// A range of at most so many bytes is read in one stretch.
pub const ONE_STRETCH_BYTES: usize = STRETCH_BYTES - BLOCK_BYTES;

/// Written to disk at once, and read at once when all is checked: a whole number of blocks.
const STRETCH_BYTES: usize = 256 * BLOCK_BYTES;

pub struct BlockWriter {
    pending: Vec<u8>,
    checksums: Vec<u64>,
    file: AtomicFile,
}

impl BlockWriter {
    pub fn create(path: &Path) -> Result<Self, ShardError> {
        let file = AtomicFile::create(path)?;
        Ok(Self { pending: Vec::with_capacity(STRETCH_BYTES), checksums: Vec::new(), file })
    }

    /// Append what `write` appends to the buffer it is given: at most the number of bytes that it is told.
    pub fn fill(&mut self, write: impl FnOnce(&mut Vec<u8>, usize)) -> Result<(), ShardError> {
        let room = STRETCH_BYTES - self.pending.len();
        write(&mut self.pending, room);
        if self.pending.len() >= STRETCH_BYTES { self.flush() } else { Ok(()) }
    }

    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), ShardError> {
        while !bytes.is_empty() {
            self.fill(|pending, room| {
                let (now, later) = bytes.split_at(room.min(bytes.len()));
                pending.extend_from_slice(now);
                bytes = later;
            })?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ShardError> {
        self.checksums.extend(self.pending.chunks(BLOCK_BYTES).map(hash64));
        self.file.write(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    /// All bytes are written, the file is still without its name; its checksums.
    pub fn finish(mut self) -> Result<(AtomicFile, Vec<u64>), ShardError> {
        self.flush()?;
        Ok((self.file, self.checksums))
    }
}

pub struct BlockFile {
    path: PathBuf,
    file: File,
    /// None where the file is empty: there is nothing to map.
    map: Option<Mmap>,
    bytes: usize,
    checksums: Vec<u64>,
    /// A bit for each block that was found sound.
    checked: Vec<AtomicU64>,
}

impl BlockFile {
    pub fn open(path: &Path, bytes: usize, checksums: Vec<u64>) -> Result<Self, ShardError> {
        let unreadable = |error| io_error(path, "cannot be read", error);
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        if size != bytes as u64 {
            return Err(ShardError(format!(
                "{}: has {size} bytes, its index says {bytes}; it was cut short or is of another shard",
                path.display()
            )));
        }
        let map = if bytes == 0 {
            None
        } else {
            // SAFETY: the map is read only, and shards are made under another name and renamed, never changed in
            // place. Bytes that someone changes all the same are plain integers here: any value of them is valid.
            let map = unsafe { Mmap::map(&file) }.map_err(|error| io_error(path, "cannot be mapped", error))?;
            // The sampler says what it wants; what the kernel guesses from random windows is wasted reading.
            let _ = map.advise(Advice::Random);
            Some(map)
        };
        let checked = (0..checksums.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { path: path.to_owned(), file, map, bytes, checksums, checked })
    }

    fn is_checked(&self, block: usize) -> bool {
        self.checked[block / 64].load(Ordering::Relaxed) & (1 << (block % 64)) != 0
    }

    fn read_at(&self, position: usize, bytes: &mut [u8]) -> Result<(), ShardError> {
        self.file.read_exact_at(bytes, position as u64).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let end = position + bytes.len();
                ShardError(format!("{}: bytes {position} to {end} are missing: it was cut short", self.path.display()))
            }
            _ => io_error(&self.path, "cannot be read", error),
        })
    }

    /// Read whole blocks into `bytes` and check them.
    fn read_blocks(&self, blocks: Range<usize>, bytes: &mut Vec<u8>) -> Result<(), ShardError> {
        let first = blocks.start * BLOCK_BYTES;
        bytes.resize((blocks.end * BLOCK_BYTES).min(self.bytes) - first, 0);
        self.read_at(first, bytes)?;
        for (block, content) in blocks.zip(bytes.chunks(BLOCK_BYTES)) {
            if hash64(content) != self.checksums[block] {
                let position = block * BLOCK_BYTES;
                return Err(ShardError(format!(
                    "{}: block {block} (bytes {position} to {}) is damaged: its checksum does not match; \
                     restore the file or write the shard again",
                    self.path.display(),
                    position + content.len()
                )));
            }
            self.checked[block / 64].fetch_or(1 << (block % 64), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Give `take` the bytes of this range, in one stretch or several in order.
    pub fn read(&self, range: Range<usize>, mut take: impl FnMut(&[u8])) -> Result<(), ShardError> {
        let Some(map) = &self.map else { return Ok(()) };
        let range = range.start..range.end.min(self.bytes);
        if range.is_empty() {
            return Ok(());
        }
        let blocks = range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES);
        if blocks.clone().all(|block| self.is_checked(block)) {
            take(&map[range]);
            return Ok(());
        }
        let mut bytes = Vec::new();
        for first in blocks.clone().step_by(STRETCH_BYTES / BLOCK_BYTES) {
            let stretch = first..(first + STRETCH_BYTES / BLOCK_BYTES).min(blocks.end);
            self.read_blocks(stretch, &mut bytes)?;
            let begins = first * BLOCK_BYTES;
            let ends = begins + bytes.len();
            take(&bytes[range.start.max(begins) - begins..range.end.min(ends) - begins]);
        }
        Ok(())
    }

    /// The bytes of this range as they lie in the map, checked or not: to ask for their cache lines, not to be read.
    pub fn to_come(&self, range: Range<usize>) -> &[u8] {
        let range = range.start.min(self.bytes)..range.end.min(self.bytes);
        self.map.as_ref().map_or(&[], |map| &map[range])
    }

    /// Tell the kernel that this range will be read soon; it fetches while the caller goes on.
    pub fn will_need(&self, range: Range<usize>) {
        if let Some(map) = &self.map {
            let range = range.start.min(self.bytes)..range.end.min(self.bytes);
            if !range.is_empty() {
                // Advice that the system refuses costs speed only.
                let _ = map.advise_range(Advice::WillNeed, range.start, range.len());
            }
        }
    }

    /// Read and check every block, whatever was checked before, on the threads of the pool this runs on.
    pub fn verify(&self, cancel: &Cancel) -> Result<(), Stopped> {
        let per_stretch = STRETCH_BYTES / BLOCK_BYTES;
        let stretches = self.checksums.len().div_ceil(per_stretch);
        let bad = (0..stretches).into_par_iter().find_map_first(|stretch| {
            let first = stretch * per_stretch;
            let last = (first + per_stretch).min(self.checksums.len());
            if let Err(cancelled) = cancel.check() {
                return Some(Stopped::Cancelled(cancelled));
            }
            self.read_blocks(first..last, &mut Vec::new()).err().map(Stopped::Shard)
        });
        bad.map_or(Ok(()), Err)
    }
}
