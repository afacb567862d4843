//! The candidates' shingle sets, for the last step: read from the parts, or made anew from texts that are read.
//!
//! Memory: 16 bytes a candidate, the sets of some hundred documents, and `REMEMBERED_BYTES` of sets of those compared last:
//! documents that stay are compared again and again.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::Cancel;

use super::part::{Finished, SETS, TABLE, TABLE_RECORD_BYTES, TEXTS};
use crate::error::Error;
use crate::greedy::Compare;
use crate::near::{Options, content_of};
use crate::shingle::{Shingler, jaccard};

const NONE: u32 = u32::MAX;
const REMEMBERED_BYTES: usize = 48 << 20;
/// Candidates whose sets are made at a time.
const AT_ONCE: usize = 256;

/// Sets by the candidate's number; all are forgotten when there is no more room.
#[derive(Default)]
struct Remembered {
    sets: FxHashMap<u32, Vec<u64>>,
    bytes: usize,
}

impl Remembered {
    fn fits(&self, set: &[u64]) -> bool {
        self.bytes + size_of_val(set) <= REMEMBERED_BYTES
    }

    fn put(&mut self, candidate: u32, set: Vec<u64>) {
        if !self.fits(&set) {
            *self = Self::default();
        }
        if self.fits(&set) {
            self.bytes += size_of_val(set.as_slice());
            self.sets.insert(candidate, set);
        }
    }
}

struct Source {
    first: u32,
    table: File,
    content: File,
    bytes: u64,
    sets: bool,
    path: PathBuf,
}

/// Room for what is read.
struct Scratch {
    shingler: Shingler,
    bytes: Vec<u8>,
}

impl Scratch {
    fn of(options: &Options) -> Self {
        Self { shingler: Shingler::new(options.unit, options.ngram), bytes: Vec::new() }
    }
}

struct Sources(Vec<Source>);

fn u64_at(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

impl Sources {
    fn of(&self, document: u32) -> &Source {
        &self.0[self.0.partition_point(|source| source.first <= document) - 1]
    }

    fn record(&self, document: u32) -> Result<[u8; TABLE_RECORD_BYTES], Error> {
        let source = self.of(document);
        let mut record = [0; TABLE_RECORD_BYTES];
        let at = u64::from(document - source.first) * TABLE_RECORD_BYTES as u64;
        source.table.read_exact_at(&mut record, at).map_err(Error::file(&source.path))?;
        Ok(record)
    }

    fn set(&self, document: u32, scratch: &mut Scratch) -> Result<Vec<u64>, Error> {
        let source = self.of(document);
        let record = self.record(document)?;
        let (start, count) = (u64_at(&record), u64_at(&record[8..]));
        let width = if source.sets { 8 } else { 1 };
        let end = start.checked_add(count).and_then(|end| end.checked_mul(width));
        if end.is_none_or(|end| end > source.bytes) {
            let what = format!("document {document} lies past the end of the file");
            return Err(Error::damaged(&source.path, what));
        }
        scratch.bytes.resize((count * width) as usize, 0);
        source.content.read_exact_at(&mut scratch.bytes, start * width).map_err(Error::file(&source.path))?;
        if source.sets {
            return Ok(scratch.bytes.chunks_exact(8).map(u64_at).collect());
        }
        if std::str::from_utf8(&scratch.bytes).is_err() {
            return Err(Error::damaged(&source.path, format!("the text of document {document} is not UTF-8")));
        }
        Ok(scratch.shingler.set(&scratch.bytes))
    }
}

pub struct SetsOnDisk<'a> {
    sources: Sources,
    documents: &'a [u32],
    contents: Vec<u128>,
    left: (u32, Vec<u64>),
    seen: Remembered,
    scratch: Scratch,
}

impl<'a> SetsOnDisk<'a> {
    /// The sets of `documents`, candidates of the plan's `parts`. What has to be read for their contents is read in parallel.
    pub fn open(parts: &[Finished], documents: &'a [u32], options: &Options, cancel: &Cancel) -> Result<Self, Error> {
        let mut sources = Vec::new();
        for Finished { path, done, .. } in parts {
            let (table, content) = (path.join(TABLE), path.join(if done.sets { SETS } else { TEXTS }));
            let open = |path: &Path| File::open(path).map_err(Error::file(path));
            let (table, file) = (open(&table)?, open(&content)?);
            let bytes = file.metadata().map_err(Error::file(&content))?.len();
            let first = done.first_document;
            sources.push(Source { first, table, content: file, bytes, sets: done.sets, path: content });
        }
        let sources = Sources(sources);
        let scratch = || (Scratch::of(options), Vec::new());
        let mut contents = Vec::with_capacity(documents.len());
        let mut seen = Remembered::default();
        for some in documents.chunks(AT_ONCE) {
            let made = some
                .par_iter()
                .map_init(scratch, |(scratch, bytes), &document| {
                    cancel.check()?;
                    if sources.of(document).sets {
                        let record = sources.record(document)?;
                        let content = u128::from(u64_at(&record[16..])) | u128::from(u64_at(&record[24..])) << 64;
                        return Ok((content, None));
                    }
                    let set = sources.set(document, scratch)?;
                    Ok((content_of(&set, bytes), Some(set)))
                })
                .collect::<Result<Vec<_>, Error>>()?;
            for (content, set) in made {
                let candidate = contents.len() as u32;
                contents.push(content);
                if let Some(set) = set.filter(|set| seen.fits(set)) {
                    seen.put(candidate, set);
                }
            }
        }
        Ok(Self { sources, documents, contents, left: (NONE, Vec::new()), seen, scratch: Scratch::of(options) })
    }
}

impl Compare<Error> for SetsOnDisk<'_> {
    fn similarity(&mut self, left: u32, right: u32) -> Result<f64, Error> {
        if self.left.0 != left {
            let set = match self.seen.sets.get(&left) {
                Some(set) => set.clone(),
                None => self.sources.set(self.documents[left as usize], &mut self.scratch)?,
            };
            self.left = (left, set);
        }
        if let Some(set) = self.seen.sets.get(&right) {
            return Ok(jaccard(&self.left.1, set));
        }
        let set = self.sources.set(self.documents[right as usize], &mut self.scratch)?;
        let found = jaccard(&self.left.1, &set);
        self.seen.put(right, set);
        Ok(found)
    }

    fn content(&self, candidate: u32) -> Option<u128> {
        Some(self.contents[candidate as usize])
    }
}
