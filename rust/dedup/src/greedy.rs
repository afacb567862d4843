//! Who stays: in the order of preference, each document is compared with the kept ones that it shares a bucket with.
//!
//! The first document of a group therefore stays, and chains of ever less similar documents do not drag each other
//! along, as they do with connected components. Where candidates come from and how two are compared is the caller's.

use rustc_hash::FxHashMap;
use tokenfoundry_base::{Cancel, Cancelled};

use crate::result::Deduplicated;

/// Comparisons that one document may make within one bucket. A bucket of real near-duplicates keeps one or a few
/// documents; only unrelated documents that all share one shingle (or are made to collide) reach this, and would make
/// the work quadratic. The number of pairs left out is in the statistics.
const COMPARISONS_PER_BUCKET: u32 = 128;

const NONE: u32 = u32::MAX;

/// Which documents meet: candidate c is `documents[c]` and is in the buckets `buckets[offsets[c]..offsets[c + 1]]`.
#[derive(Debug, Default)]
pub struct Memberships {
    /// Ascending.
    pub documents: Vec<u32>,
    pub offsets: Vec<usize>,
    pub buckets: Vec<u32>,
    pub bucket_count: usize,
}

impl Memberships {
    /// From the entries `(key, document)` of each band, whose runs of equal keys are its buckets. `entries(band)` is called twice a band.
    pub fn of<E, Entries: Iterator<Item = Result<(u32, u32), E>>>(
        document_count: usize,
        bands: usize,
        mut entries: impl FnMut(usize) -> Result<Entries, E>,
    ) -> Result<Self, E> {
        let mut counts = vec![0u32; document_count];
        for band in 0..bands {
            for entry in entries(band)? {
                counts[entry?.1 as usize] += 1;
            }
        }
        let mut memberships = Self { offsets: vec![0], ..Self::default() };
        let mut total = 0;
        // From here on counts[document] is the candidate's number.
        for (document, count) in counts.iter_mut().enumerate() {
            if *count > 0 {
                total += *count as usize;
                *count = memberships.documents.len() as u32;
                memberships.documents.push(document as u32);
                memberships.offsets.push(total);
            }
        }
        memberships.buckets = vec![0; total];
        let mut next = memberships.offsets.clone();
        for band in 0..bands {
            let mut last_key = None;
            for entry in entries(band)? {
                let (key, document) = entry?;
                if last_key.replace(key) != Some(key) {
                    memberships.bucket_count += 1;
                }
                let slot = &mut next[counts[document as usize] as usize];
                memberships.buckets[*slot] = memberships.bucket_count as u32 - 1;
                *slot += 1;
            }
        }
        Ok(memberships)
    }

    fn of_candidate(&self, candidate: u32) -> &[u32] {
        &self.buckets[self.offsets[candidate as usize]..self.offsets[candidate as usize + 1]]
    }
}

/// How candidates (by their numbers) are compared.
pub trait Compare<Error> {
    fn similarity(&mut self, left: u32, right: u32) -> Result<f64, Error>;

    /// A number that candidates of equal content share, if content is compared at all.
    fn content(&self, candidate: u32) -> Option<u128>;
}

/// The first kept candidates of each bucket, best first, as linked lists in two flat vectors.
struct Kept {
    first: Vec<u32>,
    last: Vec<u32>,
    count: Vec<u32>,
    nodes: Vec<(u32, u32)>,
}

impl Kept {
    fn push(&mut self, bucket: u32, candidate: u32) {
        let bucket = bucket as usize;
        self.count[bucket] += 1;
        if self.count[bucket] > COMPARISONS_PER_BUCKET {
            return;
        }
        let node = self.nodes.len() as u32;
        self.nodes.push((candidate, NONE));
        match self.last[bucket] {
            NONE => self.first[bucket] = node,
            last => self.nodes[last as usize].1 = node,
        }
        self.last[bucket] = node;
    }
}

/// Keep the first of each group in `order` (documents, best first). `first_of` names for a document the identical one
/// before it in that order.
pub fn decide<Error: From<Cancelled>>(
    order: &[u32],
    mut first_of: impl FnMut(u32) -> Option<u32>,
    memberships: &Memberships,
    compare: &mut impl Compare<Error>,
    threshold: f64,
    cancel: &Cancel,
) -> Result<Deduplicated, Error> {
    let mut result = Deduplicated::of(order.len());
    result.stats.candidates = memberships.documents.len() as u64;
    let mut rank = vec![NONE; memberships.documents.len()];
    let mut candidate_of = vec![NONE; order.len()];
    for (candidate, &document) in memberships.documents.iter().enumerate() {
        candidate_of[document as usize] = candidate as u32;
    }
    let buckets = memberships.bucket_count;
    let mut kept =
        Kept { first: vec![NONE; buckets], last: vec![NONE; buckets], count: vec![0; buckets], nodes: Vec::new() };
    // Documents whose content is equal are decided without comparing each with each.
    let mut same_content: FxHashMap<u128, u32> = FxHashMap::default();
    let mut compared_with = vec![NONE; memberships.documents.len()];
    for (place, &document) in order.iter().enumerate() {
        if place.is_multiple_of(256) {
            cancel.check()?;
        }
        if let Some(first) = first_of(document) {
            result.remove_with(document, first);
            result.stats.identical += 1;
            continue;
        }
        let candidate = candidate_of[document as usize];
        if candidate == NONE {
            continue;
        }
        rank[candidate as usize] = place as u32;
        if let Some(content) = compare.content(candidate) {
            let first = *same_content.entry(content).or_insert(document);
            if first != document {
                result.remove_with(document, first);
                result.stats.confirmed += 1;
                continue;
            }
        }
        let mut best: Option<(f64, u32)> = None;
        for &bucket in memberships.of_candidate(candidate) {
            result.stats.skipped += u64::from(kept.count[bucket as usize].saturating_sub(COMPARISONS_PER_BUCKET));
            let mut node = kept.first[bucket as usize];
            while node != NONE {
                let (other, next) = kept.nodes[node as usize];
                node = next;
                if std::mem::replace(&mut compared_with[other as usize], candidate) == candidate {
                    continue;
                }
                let similarity = compare.similarity(candidate, other)?;
                result.stats.verified += 1;
                if similarity < threshold {
                    continue;
                }
                result.stats.confirmed += 1;
                let other_document = memberships.documents[other as usize];
                let (left, right) = (other_document.min(document), other_document.max(document));
                result.pairs.push((left, right, similarity as f32));
                let better = best.is_none_or(|(most, of)| {
                    similarity > most || (similarity == most && rank[other as usize] < rank[of as usize])
                });
                if better {
                    best = Some((similarity, other));
                }
            }
        }
        match best {
            Some((similarity, other)) => {
                result.remove(document, memberships.documents[other as usize], similarity as f32);
            }
            None => memberships.of_candidate(candidate).iter().for_each(|&bucket| kept.push(bucket, candidate)),
        }
    }
    result.finish();
    Ok(result)
}
