//! The candidates' shingle sets, for the last step: read from the parts, or made anew from texts that are read.
//!
//! Memory: the sets of one comparison, 16 bytes a candidate, and at most `REMEMBERED` small sets of those seen last.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tokenfoundry_base::Cancel;

use super::part::{Done, SETS, TABLE, TABLE_RECORD_BYTES, TEXTS};
use crate::error::Error;
use crate::greedy::Compare;
use crate::near::{Options, content_of};
use crate::shingle::{Shingler, jaccard};

const NONE: u32 = u32::MAX;
const REMEMBERED: usize = 512;
/// 64 KiB; larger sets are fetched again.
const REMEMBERED_SHINGLES: usize = 1 << 13;

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
    /// By the candidate's number modulo `REMEMBERED`.
    seen: Vec<(u32, Vec<u64>)>,
    scratch: Scratch,
}

impl<'a> SetsOnDisk<'a> {
    /// The sets of `documents`, candidates of the plan's `parts`. What has to be read for their contents is read in parallel.
    pub fn open(
        parts: &[(PathBuf, Done)],
        documents: &'a [u32],
        options: &Options,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let mut sources = Vec::new();
        for (path, done) in parts {
            let (table, content) = (path.join(TABLE), path.join(if done.sets { SETS } else { TEXTS }));
            let open = |path: &Path| File::open(path).map_err(Error::file(path));
            let (table, file) = (open(&table)?, open(&content)?);
            let bytes = file.metadata().map_err(Error::file(&content))?.len();
            let first = done.first_document;
            sources.push(Source { first, table, content: file, bytes, sets: done.sets, path: content });
        }
        let sources = Sources(sources);
        let scratch = || (Scratch::of(options), Vec::new());
        let contents = documents
            .par_iter()
            .map_init(scratch, |(scratch, bytes), &document| {
                cancel.check()?;
                if sources.of(document).sets {
                    let record = sources.record(document)?;
                    return Ok(u128::from(u64_at(&record[16..])) | u128::from(u64_at(&record[24..])) << 64);
                }
                Ok(content_of(&sources.set(document, scratch)?, bytes))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            sources,
            documents,
            contents,
            left: (NONE, Vec::new()),
            seen: vec![(NONE, Vec::new()); REMEMBERED],
            scratch: Scratch::of(options),
        })
    }
}

impl Compare<Error> for SetsOnDisk<'_> {
    fn similarity(&mut self, left: u32, right: u32) -> Result<f64, Error> {
        if self.left.0 != left {
            let set = self.sources.set(self.documents[left as usize], &mut self.scratch)?;
            self.left = (left, set);
        }
        let place = right as usize % REMEMBERED;
        if self.seen[place].0 == right {
            return Ok(jaccard(&self.left.1, &self.seen[place].1));
        }
        let set = self.sources.set(self.documents[right as usize], &mut self.scratch)?;
        let found = jaccard(&self.left.1, &set);
        if set.len() <= REMEMBERED_SHINGLES {
            self.seen[place] = (right, set);
        }
        Ok(found)
    }

    fn content(&self, candidate: u32) -> Option<u128> {
        Some(self.contents[candidate as usize])
    }
}
