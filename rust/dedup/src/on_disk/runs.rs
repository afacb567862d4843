//! Sorted runs of fixed-size records, and their merge: sorting what does not fit into memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;

const READ_BYTES: usize = 64 << 10;
/// Runs that are read at once: each takes an open file and [`READ_BYTES`].
const MOST_OPEN: usize = 128;

/// A record of a run: ordered, and always as many bytes.
pub trait Record: Copy + Ord {
    const BYTES: usize;
    fn write(&self, bytes: &mut Vec<u8>);
    fn read(bytes: &[u8]) -> Self;
    fn document(&self) -> u32;
    fn with_document(self, document: u32) -> Self;
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

    fn document(&self) -> u32 {
        self.1
    }

    fn with_document(self, document: u32) -> Self {
        (self.0, document)
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

    fn document(&self) -> u32 {
        self.1
    }

    fn with_document(self, document: u32) -> Self {
        (self.0, document)
    }
}

/// Sort `records` and append them to `writer`; `records` is empty afterwards. Returns how many bytes that were.
pub fn write_run<R: Record>(writer: &mut impl Write, path: &Path, records: &mut Vec<R>) -> Result<u64, Error> {
    records.sort_unstable();
    append(writer, path, records.drain(..).map(Ok))
}

pub fn write_records<R: Record>(path: &Path, records: impl Iterator<Item = Result<R, Error>>) -> Result<(), Error> {
    let mut writer = BufWriter::new(File::create(path).map_err(Error::file(path))?);
    append(&mut writer, path, records)?;
    writer.flush().map_err(Error::file(path))
}

fn append<R: Record>(
    writer: &mut impl Write,
    path: &Path,
    records: impl Iterator<Item = Result<R, Error>>,
) -> Result<u64, Error> {
    let mut bytes = Vec::with_capacity(R::BYTES);
    let mut written = 0;
    for record in records {
        bytes.clear();
        record?.write(&mut bytes);
        writer.write_all(&bytes).map_err(Error::file(path))?;
        written += R::BYTES as u64;
    }
    Ok(written)
}

/// Where a sorted run is, and whose documents are in it.
#[derive(Clone, Debug)]
pub struct Run {
    pub path: PathBuf,
    /// Bytes of the file; `None` for all of it.
    pub range: Option<(u64, u64)>,
    /// Added to the number of each document.
    pub first_document: u32,
    /// A bit for each document, least significant first: others are passed over.
    pub present: Option<Arc<Vec<u8>>>,
    /// To be gone when nobody reads it any more.
    temporary: bool,
}

impl Run {
    pub fn whole(path: &Path) -> Self {
        Self { path: path.into(), range: None, first_document: 0, present: None, temporary: false }
    }

    pub fn part_of(path: &Path, range: (u64, u64), first_document: u32, present: Option<Arc<Vec<u8>>>) -> Self {
        Self { path: path.into(), range: Some(range), first_document, present, temporary: false }
    }
}

/// The records of a run, in order.
pub struct Reader<R> {
    run: Run,
    file: BufReader<File>,
    left: u64,
    record: std::marker::PhantomData<R>,
}

impl<R: Record> Reader<R> {
    pub fn open(run: Run) -> Result<Self, Error> {
        let path = &run.path;
        let mut file = File::open(path).map_err(Error::file(path))?;
        let size = file.metadata().map_err(Error::file(path))?.len();
        let (start, end) = run.range.unwrap_or((0, size));
        if start > end || end > size {
            return Err(Error::damaged(path, format!("it has {size} bytes; a run of it ends at {end}")));
        }
        if !(end - start).is_multiple_of(R::BYTES as u64) {
            let bytes = end - start;
            return Err(Error::damaged(path, format!("{bytes} bytes are not whole records of {}", R::BYTES)));
        }
        if start > 0 {
            file.seek(SeekFrom::Start(start)).map_err(Error::file(path))?;
        }
        let file = BufReader::with_capacity(READ_BYTES.min((end - start) as usize), file);
        Ok(Self { run, file, left: (end - start) / R::BYTES as u64, record: std::marker::PhantomData })
    }

    /// The record as the whole counts documents; `None` for one of a document that takes no part.
    fn placed(&self, record: R) -> Option<Result<R, Error>> {
        let document = record.document();
        if let Some(present) = &self.run.present
            && present.get(document as usize / 8).is_none_or(|byte| byte >> (document % 8) & 1 == 0)
        {
            return None;
        }
        Some(match document.checked_add(self.run.first_document) {
            Some(placed) => Ok(record.with_document(placed)),
            None => Err(Error::damaged(&self.run.path, format!("it names document {document}"))),
        })
    }
}

impl<R: Record> Iterator for Reader<R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let mut bytes = [0; 32];
            let record = &mut bytes[..R::BYTES];
            if let Err(error) = self.file.read_exact(record).map_err(Error::file(&self.run.path)) {
                return Some(Err(error));
            }
            let placed = self.placed(R::read(record));
            if placed.is_some() {
                return placed;
            }
        }
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
    pub fn of(runs: Vec<Run>, scratch: &Path) -> Result<Self, Error> {
        let mut waiting = VecDeque::from(runs);
        let mut made = 0u32;
        while waiting.len() > MOST_OPEN {
            let path = scratch.with_extension(format!("merging-{made}"));
            let some = Self::open(waiting.drain(..MOST_OPEN))?;
            write_records(&path, some).inspect_err(|_| drop(fs::remove_file(&path)))?;
            waiting.push_back(Run { temporary: true, ..Run::whole(&path) });
            made += 1;
        }
        Self::open(waiting.into_iter())
    }

    fn open(runs: impl Iterator<Item = Run>) -> Result<Self, Error> {
        let mut merge = Self { readers: Vec::new(), heads: BinaryHeap::new() };
        for run in runs {
            merge.readers.push(Reader::open(run.clone())?);
            if run.temporary {
                fs::remove_file(&run.path).map_err(Error::file(&run.path))?;
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
            let mut runs = Vec::new();
            for run in 0..count as u64 {
                let mut records: Vec<(u32, u32)> =
                    (0..run % 7).map(|at| (mix64(run * 8 + at) as u32 >> 22, run as u32)).collect();
                expected.extend_from_slice(&records);
                let path = directory.join(format!("run.{run}"));
                let mut file = File::create(&path).map_err(Error::file(&path))?;
                write_run(&mut file, &path, &mut records)?;
                runs.push(Run::whole(&path));
            }
            expected.sort_unstable();
            let merged = Merge::of(runs.clone(), &directory.join("band.x"))?;
            assert_eq!(merged.collect::<Result<Vec<(u32, u32)>, Error>>()?, expected);
            let files = fs::read_dir(&directory).map_err(Error::file(&directory))?;
            assert_eq!(files.count(), count, "only the runs are left");
            for Run { path, .. } in &runs {
                fs::remove_file(path).map_err(Error::file(path))?;
            }
        }
        fs::remove_dir(&directory).map_err(Error::file(&directory))
    }

    #[test]
    fn a_run_is_a_part_of_a_file_and_leaves_documents_out() -> Result<(), Error> {
        let path = std::env::temp_dir().join(format!("tokenfoundry-run-{}", std::process::id()));
        write_records(&path, [(9u32, 9u32), (1, 0), (2, 1), (3, 8)].into_iter().map(Ok))?;
        let read = |range, present: Option<Vec<u8>>| {
            Reader::<(u32, u32)>::open(Run::part_of(&path, range, 100, present.map(Arc::new)))?
                .collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(read((8, 32), None)?, [(1u32, 100u32), (2, 101), (3, 108)]);
        assert_eq!(read((8, 32), Some(vec![0b10, 0b1]))?, [(2, 101), (3, 108)]);
        assert_eq!(read((8, 32), Some(vec![1]))?, [(1, 100)], "documents past the bits take no part");
        assert!(read((8, 40), None).is_err() && read((8, 31), None).is_err());
        fs::remove_file(&path).map_err(Error::file(&path))
    }
}
