//! Near-duplicates of more documents than fit into memory, as a plan of three steps over a directory.
//!
//! 1. [`part::Part`]: some documents in, sorted runs and shingle sets out. Parts know nothing of each other.
//! 2. [`merge_band`]: one band of all parts in, the documents that meet in it out. Bands know nothing of each other.
//! 3. [`decide`]: all bands in, who stays out; shingle sets of candidates are read from the parts.
//!
//! Steps 1 and 2 may run on as many machines as there are parts and bands, over a shared directory. The answer equals
//! that of `near::near_duplicates`, except that identical texts are recognised by their 128-bit hash alone, since no
//! text is kept. Memory: step 1 its budget; step 2 64 KiB a run, 8 MiB at most; step 3 about 40 bytes a document and 8 bytes for
//! each band that a candidate shares. Disk: 60 bytes and 8 a band for a document, and 8 for each of its shingles where
//! parts keep these; where not, step 3 makes the sets of candidates anew, from texts that it reads.

pub mod part;
mod runs;
mod sets;

use std::fs;
use std::path::{Path, PathBuf};

use tokenfoundry_base::{Cancel, pool};

use crate::error::Error;
use crate::greedy::Memberships;
use crate::near::Options;
use crate::result::Deduplicated;
use part::Finished;
use runs::{Merge, Reader, Run, write_records};
use sets::SetsOnDisk;

const NONE: u32 = u32::MAX;

fn repeated(directory: &Path, band: usize) -> PathBuf {
    directory.join(format!("band-{band:03}.repeated"))
}

/// The finished parts in the order of their documents.
fn parts(directory: &Path) -> Result<Vec<Finished>, Error> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::file(directory))? {
        let path = entry.map_err(Error::file(directory))?.path();
        parts.extend(Finished::open(&path)?);
    }
    parts.sort_by_key(|part| part.done.first_document);
    let mut next = 0u64;
    for Finished { path, done, .. } in &parts {
        if u64::from(done.first_document) != next {
            return Err(Error::Input(format!(
                "{} begins with document {}, not {next}: a part is missing or twice there",
                path.display(),
                done.first_document
            )));
        }
        next += u64::from(done.documents);
    }
    Ok(parts)
}

/// The same runs of all parts.
fn runs_of(parts: &[Finished], runs: impl Fn(&Finished) -> Result<Vec<Run>, Error>) -> Result<Vec<Run>, Error> {
    parts.iter().map(runs).collect::<Result<Vec<_>, _>>().map(|runs| runs.concat())
}

/// Of sorted records, those whose key occurs more than once.
struct Repeated<K, I> {
    records: I,
    waiting: Option<(K, u32)>,
    in_run: bool,
}

impl<K: Copy + Eq, I: Iterator<Item = Result<(K, u32), Error>>> Repeated<K, I> {
    fn of(mut records: I) -> Result<Self, Error> {
        Ok(Self { waiting: records.next().transpose()?, records, in_run: false })
    }
}

impl<K: Copy + Eq, I: Iterator<Item = Result<(K, u32), Error>>> Iterator for Repeated<K, I> {
    type Item = Result<(K, u32), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match self.records.next().transpose() {
                Ok(next) => next,
                Err(error) => return Some(Err(error)),
            };
            let previous = std::mem::replace(&mut self.waiting, next)?;
            let same = next.is_some_and(|next| next.0 == previous.0);
            let wanted = same || self.in_run;
            self.in_run = same;
            if wanted {
                return Some(Ok(previous));
            }
        }
    }
}

/// Step 2: write the entries of one band whose key several documents have.
pub fn merge_band(directory: &Path, band: usize) -> Result<(), Error> {
    let runs = runs_of(&parts(directory)?, |part| part.band_runs(band))?;
    let target = repeated(directory, band);
    let temporary = target.with_extension("writing");
    write_records(&temporary, Repeated::of(Merge::<(u32, u32)>::of(runs, &target)?)?)?;
    fs::rename(&temporary, &target).map_err(Error::file(&target))
}

/// Step 3: keep the first of each group of near-duplicates in `order` (`None`: as they came).
pub fn decide(
    directory: &Path,
    order: Option<Vec<u32>>,
    options: Options,
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Deduplicated, Error> {
    let parts = parts(directory)?;
    let documents: usize = parts.iter().map(|part| part.done.documents as usize).sum();
    let order = order.unwrap_or_else(|| (0..documents as u32).collect());
    if order.len() != documents {
        return Err(Error::Input(format!("the order has {} documents; the plan has {documents}", order.len())));
    }
    let mut first_of = vec![NONE; documents];
    {
        let mut rank = vec![0u32; documents];
        order.iter().enumerate().for_each(|(place, &document)| rank[document as usize] = place as u32);
        let runs = runs_of(&parts, Finished::content_runs)?;
        let mut same: Vec<u32> = Vec::new();
        let mut hash = None;
        let mut close = |same: &mut Vec<u32>| {
            if let Some(&first) = same.iter().min_by_key(|&&document| rank[document as usize]) {
                same.iter().filter(|&&document| document != first).for_each(|&other| first_of[other as usize] = first);
            }
            same.clear();
        };
        for record in Repeated::of(Merge::<(u128, u32)>::of(runs, &directory.join("contents"))?)? {
            let (key, document) = record?;
            if hash.replace(key) != Some(key) {
                cancel.check()?;
                close(&mut same);
            }
            same.push(document);
        }
        close(&mut same);
    }
    // Identical texts are decided by their first, so only that one has to be compared.
    let entries = |band: usize| {
        let first_of = &first_of;
        let path = repeated(directory, band);
        Repeated::of(Reader::<(u32, u32)>::open(Run::whole(&path))?.filter_map(move |entry| match entry {
            Ok((_, document)) => match first_of.get(document as usize) {
                None => Some(Err(Error::damaged(&path, format!("it names document {document} of {documents}")))),
                Some(&NONE) => Some(entry),
                Some(_) => None,
            },
            Err(error) => Some(Err(error)),
        }))
    };
    let memberships = Memberships::of(documents, options.bands.bands, entries)?;
    let mut compare = pool::install(threads, || SetsOnDisk::open(&parts, &memberships.documents, &options, cancel))?;
    let first_of = |document: u32| Some(first_of[document as usize]).filter(|&first| first != NONE);
    crate::greedy::decide(&order, first_of, &memberships, &mut compare, options.threshold, cancel)
}
