//! Identical documents: by a 128-bit hash, then by comparing the bytes, so that no hash collision removes anything.
//!
//! Cost: one pass over the text at memory speed, and about 40 bytes of memory a document.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, Cancelled, pool};

use crate::result::Deduplicated;

/// For each text the first before it in `order` (indices of texts, best first) with the same bytes, if any.
pub fn first_of_equal(
    texts: &[&[u8]],
    order: &[u32],
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Vec<Option<u32>>, Cancelled> {
    let hashes: Vec<u128> = pool::install(threads, || {
        texts.par_iter().with_min_len(256).map(|text| cancel.check().map(|()| hash128(text))).collect::<Result<_, _>>()
    })?;
    let mut firsts: FxHashMap<u128, u32> = FxHashMap::with_capacity_and_hasher(texts.len(), Default::default());
    // Different texts of the same hash after the first; nobody has seen one yet.
    let mut collided: FxHashMap<u128, Vec<u32>> = FxHashMap::default();
    let mut first_of = vec![None; texts.len()];
    for &index in order {
        let hash = hashes[index as usize];
        let first = *firsts.entry(hash).or_insert(index);
        if first == index {
            continue;
        }
        let same = |other: u32| texts[other as usize] == texts[index as usize];
        if same(first) {
            first_of[index as usize] = Some(first);
            continue;
        }
        let others = collided.entry(hash).or_default();
        match others.iter().find(|&&other| same(other)) {
            Some(&other) => first_of[index as usize] = Some(other),
            None => others.push(index),
        }
    }
    Ok(first_of)
}

/// Keep the first of each group of identical texts, in the order given.
pub fn exact(
    texts: &[&[u8]],
    order: &[u32],
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Deduplicated, Cancelled> {
    let first_of = first_of_equal(texts, order, threads, cancel)?;
    let mut result = Deduplicated::of(texts.len());
    for &index in order {
        if let Some(first) = first_of[index as usize] {
            result.remove(index, first, 1.0);
            result.pairs.push((first.min(index), first.max(index), 1.0));
            result.stats.identical += 1;
        }
    }
    result.finish();
    Ok(result)
}
