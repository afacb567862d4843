//! Near-duplicates, verified: a document goes only if a document that stays is at least `threshold` similar to it.
//!
//! Identical texts collapse to the first; the rest get signatures, in parallel; candidates are pairs that share a
//! band. Then, in the order of preference, each document is compared exactly with the candidates before it that are
//! kept. The first document of a group therefore stays, and chains of ever less similar documents do not drag each
//! other along, as they do with connected components.
//!
//! A document of fewer than `ngram` words has no shingle: it is compared as a whole only.
//! Memory: signatures (4 bytes a slot and document) and the shingle sets of candidates.

use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, Cancelled, pool};

use crate::bands::Bands;
use crate::exact::first_of_equal;
use crate::minhash::MinHash;
use crate::result::Deduplicated;
use crate::shingle::{jaccard, shingle_set};

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub threshold: f64,
    pub ngram: usize,
    pub seed: u64,
    pub bands: Bands,
    /// Compare candidates exactly; otherwise believe their signatures' estimate.
    pub verify: bool,
}

/// Comparisons that one document may make within one band's bucket. A bucket of real near-duplicates keeps one or a
/// few documents; only unrelated documents that all share one shingle (or are made to collide) reach this, and would
/// make the work quadratic. The number of pairs left out is in the statistics.
const COMPARISONS_PER_BUCKET: usize = 128;

struct Sketches {
    /// Documents that have shingles and are the first of their text, in ascending order.
    documents: Vec<u32>,
    signatures: Vec<u32>,
    width: usize,
}

fn sketch(
    texts: &[&str],
    first_of: &[Option<u32>],
    minhash: &MinHash,
    cancel: &Cancel,
) -> Result<(Sketches, u64), Cancelled> {
    const TEXTS_PER_TASK: usize = 256;
    let width = minhash.num_perm();
    let firsts: Vec<u32> = (0..texts.len() as u32).filter(|&index| first_of[index as usize].is_none()).collect();
    let parts: Vec<(Vec<u32>, Vec<u32>)> = firsts
        .par_chunks(TEXTS_PER_TASK)
        .map(|chunk| {
            let (mut documents, mut signatures) = (Vec::new(), Vec::new());
            let mut signature = vec![0; width];
            for &index in chunk {
                cancel.check()?;
                if minhash.signature(texts[index as usize], &mut signature) > 0 {
                    documents.push(index);
                    signatures.extend_from_slice(&signature);
                }
            }
            Ok((documents, signatures))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut sketches = Sketches { documents: Vec::new(), signatures: Vec::new(), width };
    for (documents, signatures) in parts {
        sketches.documents.extend(documents);
        sketches.signatures.extend(signatures);
    }
    let short = (firsts.len() - sketches.documents.len()) as u64;
    Ok((sketches, short))
}

/// Keep the first of each group of near-duplicates, in the order of preference given.
pub fn near_duplicates(
    texts: &[&str],
    order: &[u32],
    options: Options,
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Deduplicated, Cancelled> {
    let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let mut first_of = first_of_equal(&bytes, order, threads, cancel)?;
    let minhash = MinHash::new(options.bands.num_perm(), options.ngram, options.seed);
    let (sketches, short) = pool::install(threads, || sketch(texts, &first_of, &minhash, cancel))?;

    let mut result = Deduplicated::of(texts.len());
    result.stats.short = short;
    let mut place_of = vec![u32::MAX; texts.len()];
    for (place, &document) in sketches.documents.iter().enumerate() {
        place_of[document as usize] = place as u32;
    }
    let mut rank = vec![0u32; texts.len()];
    for (place, &document) in order.iter().enumerate() {
        rank[document as usize] = place as u32;
    }

    // buckets_of[place] lists the buckets of a document; buckets hold documents best first.
    let mut buckets: Vec<Vec<u32>> = Vec::new();
    for band in 0..options.bands.bands {
        cancel.check()?;
        buckets
            .extend(pool::install(threads, || options.bands.buckets(&sketches.signatures, &sketches.documents, band)));
    }
    let mut buckets_of: Vec<Vec<u32>> = vec![Vec::new(); sketches.documents.len()];
    for (bucket, documents) in buckets.iter().enumerate() {
        for &document in documents {
            buckets_of[place_of[document as usize] as usize].push(bucket as u32);
        }
    }

    // Shingle sets of documents that met another, in parallel; documents with one and the same set collapse next.
    let sets: Vec<OnceLock<Vec<u64>>> = (0..sketches.documents.len()).map(|_| OnceLock::new()).collect();
    let set_of = |place: usize| {
        sets[place].get_or_init(|| shingle_set(texts[sketches.documents[place] as usize], options.ngram))
    };
    if options.verify {
        pool::install(threads, || {
            (0..sets.len()).into_par_iter().filter(|&place| !buckets_of[place].is_empty()).try_for_each(|place| {
                cancel.check()?;
                set_of(place);
                Ok(())
            })
        })?;
    }
    let similarity = |left: usize, right: usize| {
        if options.verify {
            jaccard(set_of(left), set_of(right))
        } else {
            let width = sketches.width;
            let (left, right) = (&sketches.signatures[left * width..], &sketches.signatures[right * width..]);
            let equal = left[..width].iter().zip(&right[..width]).filter(|(left, right)| left == right).count();
            equal as f64 / width as f64
        }
    };

    // Documents whose shingle sets are equal are decided without comparing each with each.
    let mut same_set: FxHashMap<(u128, u32), u32> = FxHashMap::default();
    // kept_in[bucket] lists the kept documents of a bucket, best first.
    let mut kept_in: Vec<Vec<u32>> = vec![Vec::new(); buckets.len()];
    let mut seen_by = vec![u32::MAX; sketches.documents.len()];
    for &document in order {
        if document.is_multiple_of(1024) {
            cancel.check()?;
        }
        if let Some(first) = first_of[document as usize] {
            // The first of equal texts may itself have gone; then this one duplicates what that one duplicates.
            let (kept, jaccard) = match result.duplicate_of[first as usize] {
                -1 => (first, 1.0),
                kept => (kept as u32, result.jaccard[first as usize]),
            };
            result.remove(document, kept, jaccard);
            result.pairs.push((first.min(document), first.max(document), 1.0));
            result.stats.identical += 1;
            continue;
        }
        let place = place_of[document as usize];
        if place == u32::MAX || buckets_of[place as usize].is_empty() {
            continue;
        }
        if options.verify {
            let set = set_of(place as usize);
            let content: Vec<u8> = set.iter().flat_map(|hash| hash.to_le_bytes()).collect();
            let key = (hash128(&content), set.len() as u32);
            match same_set.get(&key) {
                Some(&first) => {
                    let (kept, jaccard) = match result.duplicate_of[first as usize] {
                        -1 => (first, 1.0),
                        kept => (kept as u32, result.jaccard[first as usize]),
                    };
                    result.remove(document, kept, jaccard);
                    result.pairs.push((first.min(document), first.max(document), 1.0));
                    result.stats.confirmed += 1;
                    first_of[document as usize] = Some(first);
                    continue;
                }
                None => drop(same_set.insert(key, document)),
            }
        }
        let mut best: Option<(f64, u32)> = None;
        for &bucket in &buckets_of[place as usize] {
            let kept = &kept_in[bucket as usize];
            result.stats.skipped += kept.len().saturating_sub(COMPARISONS_PER_BUCKET) as u64;
            for &other in kept.iter().take(COMPARISONS_PER_BUCKET) {
                let other_place = place_of[other as usize] as usize;
                if std::mem::replace(&mut seen_by[other_place], document) == document {
                    continue;
                }
                let similarity = similarity(place as usize, other_place);
                result.stats.verified += 1;
                if similarity >= options.threshold {
                    result.stats.confirmed += 1;
                    let (left, right) = (other.min(document), other.max(document));
                    result.pairs.push((left, right, similarity as f32));
                    let better = best.is_none_or(|(most, of)| {
                        similarity > most || (similarity == most && rank[other as usize] < rank[of as usize])
                    });
                    if better {
                        best = Some((similarity, other));
                    }
                }
            }
        }
        match best {
            Some((similarity, kept)) => result.remove(document, kept, similarity as f32),
            None => {
                for &bucket in &buckets_of[place as usize] {
                    kept_in[bucket as usize].push(document);
                }
            }
        }
    }
    result.pairs.sort_unstable_by_key(|&(left, right, _)| (left, right));
    result.label_clusters();
    Ok(result)
}
