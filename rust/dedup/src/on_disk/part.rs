//! The first step of a plan on disk: some documents in, their sketches out, as sorted runs.
//!
//! A part is a directory: a file of runs, of (text hash, document) and of (band key, document) for each band, the documents'
//! shingle sets one after another, and a table of where each set is. `part.json` is written last, so a part without
//! it was not finished and is made anew. It says where in the file each run is: a file for each would be thirty for a
//! part, and to make and remove these takes longer than to fill them.
//!
//! In the runs a part's documents are numbered from 0, so a part can take another place in the whole: `first_document` in
//! `part.json`. A file `present`, a bit for each of its documents, leaves some of them out.
//!
//! A part may leave the sets out (8 bytes a shingle, more than the text). Then its maker puts the file `texts` beside the
//! table before the last step, and in the table where each document's text is in it.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, pool};

use super::runs::{Run, write_run};
use crate::error::Error;
use crate::near::{Options, bytes_of, content_of};
use crate::shingle::Shingler;

pub const DONE: &str = "part.json";
pub const RUNS: &str = "runs";
/// A bit for each document, least significant first; without this file all take part.
pub const PRESENT: &str = "present";
pub const SETS: &str = "shingle-sets";
/// In a part without sets: a file that has the texts.
pub const TEXTS: &str = "texts";
pub const TABLE: &str = "documents";
/// Where a document's set starts (u64), how many shingles it has (u64), and the hash of them all (u128). Without sets:
/// where its text starts and how long it is, in bytes, and 0.
pub const TABLE_RECORD_BYTES: usize = 32;
/// Text that is shingled at once; the sets take about as much memory.
const TEXT_BYTES_AT_ONCE: usize = 4 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    pub first_document: u32,
    pub documents: u32,
    /// Sorted runs of each kind, one behind another; see [`Spilled`].
    pub runs: Vec<Spilled>,
    pub sets: bool,
}

/// Where in the file of runs what was written at a time ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spilled {
    start: u64,
    /// Ends of the run of contents and of each band's.
    ends: Vec<u64>,
}

/// A finished part.
#[derive(Clone, Debug)]
pub struct Finished {
    pub path: PathBuf,
    pub done: Done,
    present: Option<Arc<Vec<u8>>>,
}

impl Finished {
    /// The part at `path`; `None` for one that was not finished.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let file = path.join(DONE);
        if !file.exists() {
            return Ok(None);
        }
        let content = fs::read(&file).map_err(Error::file(&file))?;
        let done = serde_json::from_slice(&content).map_err(|error| Error::damaged(&file, error.to_string()))?;
        let file = path.join(PRESENT);
        let present = if file.exists() { Some(Arc::new(fs::read(&file).map_err(Error::file(&file))?)) } else { None };
        Ok(Some(Self { path: path.into(), done, present }))
    }

    /// Runs of kind 0, the contents, or 1 and on, the bands.
    fn runs(&self, kind: usize) -> Result<Vec<Run>, Error> {
        let path = self.path.join(RUNS);
        let run = |spilled: &Spilled| {
            let end = *spilled.ends.get(kind).ok_or_else(|| Error::damaged(&path, format!("it has no run {kind}")))?;
            let start = if kind == 0 { spilled.start } else { spilled.ends[kind - 1] };
            Ok(Run::part_of(&path, (start, end), self.done.first_document, self.present.clone()))
        };
        self.done.runs.iter().map(run).collect()
    }

    pub fn content_runs(&self) -> Result<Vec<Run>, Error> {
        self.runs(0)
    }

    pub fn band_runs(&self, band: usize) -> Result<Vec<Run>, Error> {
        self.runs(band + 1)
    }
}

pub struct Part {
    path: PathBuf,
    options: Options,
    /// Records are sorted and written when they take this much.
    run_bytes: usize,
    contents: Vec<(u128, u32)>,
    bands: Vec<Vec<(u32, u32)>>,
    runs: BufWriter<File>,
    runs_bytes: u64,
    sets: Option<BufWriter<File>>,
    table: BufWriter<File>,
    set_words: u64,
    done: Done,
}

struct Row {
    text: u128,
    /// The set of shingles and its hash, where sets are kept.
    set: Option<(Vec<u64>, u128)>,
    keys: Vec<u32>,
}

impl Part {
    /// Documents are numbered from `first_document` on. What was at `path` is removed.
    pub fn create(
        path: &Path,
        options: Options,
        first_document: u32,
        memory_bytes: usize,
        sets: bool,
    ) -> Result<Self, Error> {
        if path.exists() {
            fs::remove_dir_all(path).map_err(Error::file(path))?;
        }
        fs::create_dir_all(path).map_err(Error::file(path))?;
        let create = |name: &str| {
            let path = path.join(name);
            File::create(&path).map(BufWriter::new).map_err(Error::file(&path))
        };
        Ok(Self {
            path: path.into(),
            options,
            run_bytes: memory_bytes / 2,
            contents: Vec::new(),
            bands: vec![Vec::new(); options.bands.bands],
            runs: create(RUNS)?,
            runs_bytes: 0,
            sets: sets.then(|| create(SETS)).transpose()?,
            table: create(TABLE)?,
            set_words: 0,
            done: Done { first_document, documents: 0, runs: Vec::new(), sets },
        })
    }

    pub fn documents(&self) -> u32 {
        self.done.documents
    }

    pub fn add(&mut self, texts: &[&[u8]], threads: Option<usize>, cancel: &Cancel) -> Result<(), Error> {
        let mut rest = texts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let count = rest
                .iter()
                .take_while(|text| {
                    let fits = bytes == 0 || bytes + text.len() <= TEXT_BYTES_AT_ONCE;
                    bytes += text.len();
                    fits
                })
                .count();
            let (now, later) = rest.split_at(count.max(1));
            rest = later;
            self.add_some(now, threads, cancel)?;
        }
        Ok(())
    }

    fn add_some(&mut self, texts: &[&[u8]], threads: Option<usize>, cancel: &Cancel) -> Result<(), Error> {
        let options = self.options;
        let minhash = options.minhash();
        let keep_sets = self.sets.is_some();
        let rows: Vec<Row> = pool::install(threads, || {
            texts
                .par_iter()
                .map_init(
                    || {
                        (
                            Shingler::new(options.unit, options.ngram),
                            minhash.scratch(),
                            vec![0; minhash.num_perm()],
                            Vec::new(),
                        )
                    },
                    |(shingler, scratch, signature, bytes), text| {
                        cancel.check()?;
                        let mut keys = Vec::new();
                        let (set, shingles) = if keep_sets {
                            let set = shingler.set(text);
                            if !set.is_empty() {
                                minhash.signature_of_set(&set, signature);
                            }
                            let (content, shingles) = (content_of(&set, bytes), set.len());
                            (Some((set, content)), shingles)
                        } else {
                            (None, minhash.signature(text, scratch, signature))
                        };
                        if shingles > 0 {
                            options.bands.push_keys(signature, &mut keys);
                        }
                        Ok(Row { text: hash128(text), set, keys })
                    },
                )
                .collect::<Result<_, Error>>()
        })?;
        let mut bytes = Vec::new();
        for row in rows {
            let document = self.done.documents;
            self.done.documents += 1;
            self.contents.push((row.text, document));
            self.bands.iter_mut().zip(&row.keys).for_each(|(band, &key)| band.push((key, document)));
            let mut record = [0; TABLE_RECORD_BYTES];
            if let (Some(sets), Some((set, content))) = (&mut self.sets, row.set) {
                record[..8].copy_from_slice(&self.set_words.to_le_bytes());
                record[8..16].copy_from_slice(&(set.len() as u64).to_le_bytes());
                record[16..].copy_from_slice(&content.to_le_bytes());
                self.set_words += set.len() as u64;
                bytes_of(&set, &mut bytes);
                sets.write_all(&bytes).map_err(Error::file(&self.path))?;
            }
            self.table.write_all(&record).map_err(Error::file(&self.path))?;
        }
        let records = self.contents.len();
        if records * (32 + 8 * self.bands.len()) >= self.run_bytes {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), Error> {
        let mut spilled = Spilled { start: self.runs_bytes, ends: Vec::with_capacity(1 + self.bands.len()) };
        self.runs_bytes += write_run(&mut self.runs, &self.path, &mut self.contents)?;
        spilled.ends.push(self.runs_bytes);
        for records in &mut self.bands {
            self.runs_bytes += write_run(&mut self.runs, &self.path, records)?;
            spilled.ends.push(self.runs_bytes);
        }
        self.done.runs.push(spilled);
        Ok(())
    }

    /// Write what is left and say that the part is whole. `durable`: wait for the disk, so that it survives the machine
    /// and not only the process.
    pub fn finish(mut self, durable: bool) -> Result<u32, Error> {
        self.spill()?;
        for file in self.sets.iter_mut().chain([&mut self.table, &mut self.runs]) {
            file.flush().map_err(Error::file(&self.path))?;
            if durable {
                file.get_ref().sync_all().map_err(Error::file(&self.path))?;
            }
        }
        let path = self.path.join(DONE);
        fs::write(&path, serde_json::to_vec(&self.done).unwrap_or_default()).map_err(Error::file(&path))?;
        Ok(self.done.documents)
    }
}
