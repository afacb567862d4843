//! Identical documents: by a 128-bit hash, then by comparing the bytes, so that no hash collision removes anything.
//!
//! Cost: one pass over the text at memory speed, and about 40 bytes of memory a document.

use std::borrow::Cow;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, Cancelled, pool};

use crate::result::Deduplicated;
use crate::words::Words;

/// When two texts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// Byte for byte.
    Bytes,
    /// The same words in the same order, lower-cased (see `words`); texts without a word byte for byte.
    Words,
}

impl Sameness {
    /// What is compared: words, each with a blank behind it.
    fn form<'a>(self, text: &'a [u8], words: &mut Words) -> Cow<'a, [u8]> {
        if self == Self::Bytes {
            return text.into();
        }
        let mut form = Vec::with_capacity(text.len());
        words.visit_batches(text, |batch| {
            for word in batch.words() {
                form.extend_from_slice(word);
                form.push(b' ');
            }
        });
        if form.is_empty() { text.into() } else { form.into() }
    }
}

/// For each text the first before it in `order` (indices of texts, best first) that is the same, if any.
pub fn first_of_equal(
    texts: &[&[u8]],
    sameness: Sameness,
    order: &[u32],
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Vec<Option<u32>>, Cancelled> {
    let hashes: Vec<u128> = pool::install(threads, || {
        texts
            .par_iter()
            .with_min_len(256)
            .map_init(Words::default, |words, text| cancel.check().map(|()| hash128(&sameness.form(text, words))))
            .collect::<Result<_, _>>()
    })?;
    let mut firsts: FxHashMap<u128, u32> = FxHashMap::with_capacity_and_hasher(texts.len(), Default::default());
    // Different texts of the same hash after the first; nobody has seen one yet.
    let mut collided: FxHashMap<u128, Vec<u32>> = FxHashMap::default();
    let mut first_of = vec![None; texts.len()];
    let mut words = Words::default();
    for &index in order {
        let hash = hashes[index as usize];
        let first = *firsts.entry(hash).or_insert(index);
        if first == index {
            continue;
        }
        let mut form = |text: u32| sameness.form(texts[text as usize], &mut words);
        let own = form(index);
        let mut same = |other: u32| form(other) == own;
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
    sameness: Sameness,
    order: &[u32],
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Deduplicated, Cancelled> {
    let first_of = first_of_equal(texts, sameness, order, threads, cancel)?;
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
