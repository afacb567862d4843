//! Sorted runs of fixed-size records, and their merge: sorting what does not fit into memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

const READ_BYTES: usize = 64 << 10;
/// Runs that are read at once: each takes an open file and [`READ_BYTES`].
const MOST_OPEN: usize = 128;

/// A record of a run: ordered, and always as many bytes.
pub trait Record: Copy + Ord {
    const BYTES: usize;
    fn write(&self, bytes: &mut Vec<u8>);
    fn read(bytes: &[u8]) -> Self;
}

fn u32_at(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A band's key and a document.
impl Record for (u32, u32) {
    const BYTES: usize = 8;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_le_bytes());
        bytes.extend_from_slice(&self.1.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        (u32_at(bytes), u32_at(&bytes[4..]))
    }
}

/// A text's hash and a document.
impl Record for (u128, u32) {
    const BYTES: usize = 20;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_le_bytes());
        bytes.extend_from_slice(&self.1.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let hash = (0..4).fold(0u128, |hash, word| hash | u128::from(u32_at(&bytes[word * 4..])) << (32 * word));
        (hash, u32_at(&bytes[16..]))
    }
}

/// Sort `records` and write them to `path`; `records` is empty afterwards.
pub fn write_run<R: Record>(path: &Path, records: &mut Vec<R>) -> Result<(), Error> {
    records.sort_unstable();
    write_records(path, records.drain(..).map(Ok))
}

pub fn write_records<R: Record>(path: &Path, records: impl Iterator<Item = Result<R, Error>>) -> Result<(), Error> {
    let mut writer = BufWriter::new(File::create(path).map_err(Error::file(path))?);
    let mut bytes = Vec::with_capacity(R::BYTES);
    for record in records {
        bytes.clear();
        record?.write(&mut bytes);
        writer.write_all(&bytes).map_err(Error::file(path))?;
    }
    writer.flush().map_err(Error::file(path))
}

/// The records of a file, in order.
pub struct Reader<R> {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
    record: std::marker::PhantomData<R>,
}

impl<R: Record> Reader<R> {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        let bytes = file.metadata().map_err(Error::file(path))?.len();
        if bytes % R::BYTES as u64 != 0 {
            return Err(Error::damaged(path, format!("its {bytes} bytes are not whole records of {}", R::BYTES)));
        }
        let file = BufReader::with_capacity(READ_BYTES, file);
        Ok(Self { path: path.into(), file, left: bytes / R::BYTES as u64, record: std::marker::PhantomData })
    }
}

impl<R: Record> Iterator for Reader<R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut bytes = [0; 32];
        let record = &mut bytes[..R::BYTES];
        Some(self.file.read_exact(record).map_err(Error::file(&self.path)).map(|()| R::read(record)))
    }
}

/// The records of several sorted runs as one sorted sequence. Memory: 64 KiB a run, of at most [`MOST_OPEN`].
pub struct Merge<R> {
    readers: Vec<Reader<R>>,
    heads: BinaryHeap<Reverse<(R, usize)>>,
}

impl<R: Record> Merge<R> {
    /// Of more runs than may be open, some at a time become one first, in files beside `scratch` that go as soon as they are
    /// opened. Each record is then written once more for every power of [`MOST_OPEN`] in the number of runs.
    pub fn of(paths: &[PathBuf], scratch: &Path) -> Result<Self, Error> {
        let mut waiting: VecDeque<(PathBuf, bool)> = paths.iter().map(|path| (path.clone(), false)).collect();
        let mut made = 0u32;
        while waiting.len() > MOST_OPEN {
            let path = scratch.with_extension(format!("merging-{made}"));
            let some = Self::open(waiting.drain(..MOST_OPEN))?;
            write_records(&path, some).inspect_err(|_| drop(fs::remove_file(&path)))?;
            waiting.push_back((path, true));
            made += 1;
        }
        Self::open(waiting.into_iter())
    }

    /// `paths`, and whether each is to be gone when nobody reads it any more.
    fn open(paths: impl Iterator<Item = (PathBuf, bool)>) -> Result<Self, Error> {
        let mut merge = Self { readers: Vec::new(), heads: BinaryHeap::new() };
        for (path, temporary) in paths {
            merge.readers.push(Reader::open(&path)?);
            if temporary {
                fs::remove_file(&path).map_err(Error::file(&path))?;
            }
            merge.refill(merge.readers.len() - 1)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, reader: usize) -> Result<(), Error> {
        if let Some(record) = self.readers[reader].next() {
            self.heads.push(Reverse((record?, reader)));
        }
        Ok(())
    }
}

impl<R: Record> Iterator for Merge<R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, reader)) = self.heads.pop()?;
        Some(self.refill(reader).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use tokenfoundry_base::stable_hash::mix64;

    use super::*;

    #[test]
    fn more_runs_than_may_be_open_are_merged() -> Result<(), Error> {
        let directory = std::env::temp_dir().join(format!("tokenfoundry-runs-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
        for count in [0, 1, MOST_OPEN, MOST_OPEN + 1, 3 * MOST_OPEN + 5] {
            let mut expected = Vec::new();
            let mut paths = Vec::new();
            for run in 0..count as u64 {
                let mut records: Vec<(u32, u32)> =
                    (0..run % 7).map(|at| (mix64(run * 8 + at) as u32 >> 22, run as u32)).collect();
                expected.extend_from_slice(&records);
                paths.push(directory.join(format!("run.{run}")));
                write_run(&paths[run as usize], &mut records)?;
            }
            expected.sort_unstable();
            let merged = Merge::of(&paths, &directory.join("band.x"))?;
            assert_eq!(merged.collect::<Result<Vec<(u32, u32)>, Error>>()?, expected);
            let files = fs::read_dir(&directory).map_err(Error::file(&directory))?;
            assert_eq!(files.count(), count, "only the runs are left");
            for path in &paths {
                fs::remove_file(path).map_err(Error::file(path))?;
            }
        }
        fs::remove_dir(&directory).map_err(Error::file(&directory))
    }
}
