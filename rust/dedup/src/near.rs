//! Near-duplicates in memory, verified: a document goes only if one that stays is at least `threshold` similar to it.
//!
//! Identical texts collapse to the first; the rest get signatures, in parallel, of which only the bands' keys are
//! kept; documents that share a key meet, and `greedy` decides by comparing their shingle sets.
//!
//! A document of fewer than `ngram` units has no shingle: it is compared as a whole only.
//! Memory: 4 bytes a band and document, and 8 bytes a shingle of the candidates.

use std::convert::Infallible;

use rayon::prelude::*;
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, Cancelled, pool};
use tokenfoundry_kernels::huge_pages;
use tokenfoundry_kernels::prefetch::{LINE_BYTES, prefetch};

use crate::bands::{Bands, Buckets, Scratch, repeated_keys};
use crate::exact::{Sameness, first_of_equal};
use crate::greedy::{Compare, Memberships, decide};
use crate::minhash::MinHash;
use crate::result::Deduplicated;
use crate::shingle::{Shingler, Unit, jaccard};

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub threshold: f64,
    pub unit: Unit,
    pub ngram: usize,
    pub seed: u64,
    pub bands: Bands,
    /// Compare candidates exactly; otherwise believe their signatures' estimate.
    pub verify: bool,
}

impl Options {
    pub fn minhash(&self) -> MinHash {
        MinHash::new(self.bands.num_perm(), self.unit, self.ngram, self.seed)
    }
}

const TEXTS_PER_TASK: usize = 128;
/// Signatures whose keys are waited for while others are hashed.
const ROWS_AHEAD: usize = 4;
const ROWS_BETWEEN_CHECKS: usize = 4096;

/// Many, so that the keys of a band lie together for a while: the next step reads band by band. No multiple of a page, or
/// a document's keys would all want the same place in the cache.
fn signatures_per_task(signatures: usize) -> usize {
    const FEWEST: usize = 1 << 12;
    const MOST: usize = 1 << 16;
    const A_PAGE: usize = 1 << 10;
    const BESIDE: usize = 16;
    (signatures / (4 * rayon::current_num_threads())).clamp(FEWEST, MOST).next_multiple_of(A_PAGE) - BESIDE
}

/// The band keys of some documents: those of the first band, one a document, then those of the second.
pub struct Keys {
    pub documents: Vec<u32>,
    pub keys: Vec<u32>,
}

impl Keys {
    /// `keys` has the bands of one document after another.
    fn by_band(documents: Vec<u32>, keys: &[u32], bands: usize) -> Self {
        let mut turned = Vec::with_capacity(keys.len());
        for band in 0..bands {
            turned.extend(keys.iter().skip(band).step_by(bands));
        }
        Self { documents, keys: turned }
    }

    fn band(&self, band: usize) -> (&[u32], &[u32]) {
        let count = self.documents.len();
        (&self.keys[band * count..(band + 1) * count], &self.documents)
    }
}

/// Band keys of the documents that have shingles, in parallel, in chunks of ascending documents.
pub fn band_keys(texts: &[&[u8]], wanted: &[u32], options: &Options, cancel: &Cancel) -> Result<Vec<Keys>, Cancelled> {
    let minhash = options.minhash();
    let bands = options.bands;
    wanted
        .par_chunks(TEXTS_PER_TASK)
        .map_init(
            || (minhash.scratch(), vec![0; minhash.num_perm()], Vec::new()),
            |(scratch, signature, keys), chunk| {
                let mut documents = Vec::with_capacity(chunk.len());
                keys.clear();
                for &index in chunk {
                    cancel.check()?;
                    if minhash.signature(texts[index as usize], scratch, signature) > 0 {
                        documents.push(index);
                        bands.push_keys(signature, keys);
                    }
                }
                Ok(Keys::by_band(documents, keys, bands.bands))
            },
        )
        .collect()
}

/// The same from signatures that were made before, `num_perm` slots a document, of which the bands take the first.
pub fn band_keys_of_signatures(
    signatures: &[u32],
    num_perm: usize,
    bands: Bands,
    cancel: &Cancel,
) -> Result<Vec<Keys>, Cancelled> {
    let task = signatures_per_task(signatures.len() / num_perm);
    signatures
        .par_chunks(task * num_perm)
        .enumerate()
        .map(|(chunk, signatures)| {
            let first = (chunk * task) as u32;
            let rows = signatures.len() / num_perm;
            let mut documents = Vec::with_capacity(rows);
            let mut keys = vec![0; rows * bands.bands];
            huge_pages::advise(&keys);
            for (row, signature) in signatures.chunks_exact(num_perm).enumerate() {
                if row.is_multiple_of(ROWS_BETWEEN_CHECKS) {
                    cancel.check()?;
                }
                for line in (0..bands.num_perm()).step_by(LINE_BYTES / size_of::<u32>()) {
                    prefetch(signatures, (row + ROWS_AHEAD) * num_perm + line);
                }
                if signature.iter().any(|&slot| slot != u32::MAX) {
                    bands.write_keys(signature, &mut keys[documents.len()..], rows);
                    documents.push(first + row as u32);
                }
            }
            if documents.len() < rows {
                (0..bands.bands).for_each(|band| {
                    keys.copy_within(band * rows..band * rows + documents.len(), band * documents.len());
                });
                keys.truncate(documents.len() * bands.bands);
            }
            Ok(Keys { documents, keys })
        })
        .collect()
}

/// For each band the documents that share its key with another.
pub fn buckets(bands: Bands, parts: &[Keys]) -> Vec<Buckets> {
    let count = parts.iter().map(|part| part.documents.len()).sum();
    (0..bands.bands)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, band| {
            repeated_keys(count, parts.iter().map(|part| part.band(band)), scratch)
        })
        .collect()
}

/// The documents that meet in some band.
pub fn meetings(documents: usize, bands: Bands, parts: &[Keys]) -> Memberships {
    let by_band = buckets(bands, parts);
    let entries = |band: usize| Ok::<_, Infallible>(by_band[band].entries().map(Ok));
    match Memberships::of(documents, bands.bands, entries) {
        Ok(memberships) => memberships,
        Err(never) => match never {},
    }
}

/// The exact similarity of pairs `(left, right)` of texts. Memory: 8 bytes a shingle of all texts. Texts without a shingle are
/// similar if they are equal.
pub fn similarities(
    texts: (&[&[u8]], &[&[u8]]),
    pairs: &[(u32, u32)],
    (unit, ngram): (Unit, usize),
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Vec<f32>, Cancelled> {
    let sets_of = |texts: &[&[u8]]| -> Result<Vec<Vec<u64>>, Cancelled> {
        let shingler = || Shingler::new(unit, ngram);
        texts.par_iter().map_init(shingler, |shingler, text| cancel.check().map(|()| shingler.set(text))).collect()
    };
    pool::install(threads, || {
        let (lefts, rights) = (sets_of(texts.0)?, sets_of(texts.1)?);
        let similarity = |&(left, right): &(u32, u32)| {
            cancel.check()?;
            let (left_set, right_set) = (&lefts[left as usize], &rights[right as usize]);
            Ok(if left_set.is_empty() && right_set.is_empty() {
                f32::from(texts.0[left as usize] == texts.1[right as usize])
            } else {
                jaccard(left_set, right_set) as f32
            })
        };
        pairs.par_iter().map(similarity).collect()
    })
}

/// Exact comparison: the candidates' shingle sets.
struct Sets {
    sets: Vec<Vec<u64>>,
    contents: Vec<u128>,
}

impl Sets {
    fn of(texts: &[&[u8]], documents: &[u32], options: &Options, cancel: &Cancel) -> Result<Self, Cancelled> {
        let made: Vec<(Vec<u64>, u128)> = documents
            .par_iter()
            .map_init(
                || (Shingler::new(options.unit, options.ngram), Vec::new()),
                |(shingler, bytes), &document| {
                    cancel.check()?;
                    let set = shingler.set(texts[document as usize]);
                    Ok((set.as_slice().into(), content_of(&set, bytes)))
                },
            )
            .collect::<Result<_, _>>()?;
        let (sets, contents) = made.into_iter().unzip();
        Ok(Self { sets, contents })
    }
}

/// A set of shingles as bytes, little-endian.
pub fn bytes_of(set: &[u64], bytes: &mut Vec<u8>) {
    bytes.resize(8 * set.len(), 0);
    bytes.as_chunks_mut::<8>().0.iter_mut().zip(set).for_each(|(bytes, hash)| *bytes = hash.to_le_bytes());
}

/// The 128-bit hash that stands for a set of shingles.
pub fn content_of(set: &[u64], bytes: &mut Vec<u8>) -> u128 {
    bytes_of(set, bytes);
    hash128(bytes)
}

impl Compare<Cancelled> for Sets {
    fn similarity(&mut self, left: u32, right: u32) -> Result<f64, Cancelled> {
        Ok(jaccard(&self.sets[left as usize], &self.sets[right as usize]))
    }

    fn content(&self, candidate: u32) -> Option<u128> {
        Some(self.contents[candidate as usize])
    }
}

/// Comparison by the share of equal slots, when the caller does not want to verify.
struct Signatures {
    width: usize,
    flat: Vec<u32>,
}

impl Signatures {
    fn of(texts: &[&[u8]], documents: &[u32], options: &Options, cancel: &Cancel) -> Result<Self, Cancelled> {
        let minhash = options.minhash();
        let width = minhash.num_perm();
        let mut flat = vec![0; documents.len() * width];
        flat.par_chunks_mut(width).zip(documents).try_for_each_init(
            || minhash.scratch(),
            |scratch, (signature, &document)| {
                cancel.check()?;
                minhash.signature(texts[document as usize], scratch, signature);
                Ok(())
            },
        )?;
        Ok(Self { width, flat })
    }
}

impl Compare<Cancelled> for Signatures {
    fn similarity(&mut self, left: u32, right: u32) -> Result<f64, Cancelled> {
        let row = |candidate: u32| &self.flat[candidate as usize * self.width..][..self.width];
        let equal = row(left).iter().zip(row(right)).filter(|(left, right)| left == right).count();
        Ok(equal as f64 / self.width as f64)
    }

    fn content(&self, _candidate: u32) -> Option<u128> {
        None
    }
}

/// Keep the first of each group of near-duplicates, in the order of preference given.
pub fn near_duplicates(
    texts: &[&[u8]],
    order: &[u32],
    options: Options,
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Deduplicated, Cancelled> {
    let first_of = first_of_equal(texts, Sameness::Bytes, order, threads, cancel)?;
    let firsts: Vec<u32> = (0..texts.len() as u32).filter(|&index| first_of[index as usize].is_none()).collect();
    let (memberships, short) = pool::install(threads, || {
        let parts = band_keys(texts, &firsts, &options, cancel)?;
        let sketched: usize = parts.iter().map(|part| part.documents.len()).sum();
        Ok((meetings(texts.len(), options.bands, &parts), firsts.len() - sketched))
    })?;
    let first_of = |document: u32| first_of[document as usize];
    let Options { threshold, .. } = options;
    let documents = &memberships.documents;
    let mut result = if options.verify {
        let mut compare = pool::install(threads, || Sets::of(texts, documents, &options, cancel))?;
        decide(order, first_of, &memberships, &mut compare, threshold, cancel)?
    } else {
        let mut compare = pool::install(threads, || Signatures::of(texts, documents, &options, cancel))?;
        decide(order, first_of, &memberships, &mut compare, threshold, cancel)?
    };
    result.stats.short = short as u64;
    Ok(result)
}
