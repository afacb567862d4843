//! What a deduplication says about each document.

/// One entry a document. A removed document names the kept one that it duplicates, and how similar they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deduplicated {
    pub keep: Vec<bool>,
    /// Smallest index of the documents that are connected by duplicate pairs; a document's own index if it has none.
    pub cluster: Vec<i64>,
    /// The kept document; -1 for documents that are kept themselves.
    pub duplicate_of: Vec<i64>,
    /// Jaccard similarity to it; NaN for documents that are kept.
    pub jaccard: Vec<f32>,
    /// Verified pairs (earlier, later) at or above the threshold, and their similarity. Identical documents are
    /// paired with the first of them only.
    pub pairs: Vec<(u32, u32, f32)>,
    pub stats: Stats,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub documents: u64,
    /// Removed because the same as an earlier one.
    pub identical: u64,
    /// Too short to have a shingle: compared as a whole only.
    pub short: u64,
    /// Documents that share a band with another.
    pub candidates: u64,
    /// Pairs that were compared.
    pub verified: u64,
    /// Of these, at or above the threshold.
    pub confirmed: u64,
    /// Pairs that were not compared because a band's bucket was over its limit.
    pub skipped: u64,
    pub removed: u64,
}

impl Deduplicated {
    /// Everything kept.
    pub fn of(documents: usize) -> Self {
        Self {
            keep: vec![true; documents],
            cluster: (0..documents as i64).collect(),
            duplicate_of: vec![-1; documents],
            jaccard: vec![f32::NAN; documents],
            pairs: Vec::new(),
            stats: Stats { documents: documents as u64, ..Stats::default() },
        }
    }

    /// Remove `document` in favour of `kept`.
    pub fn remove(&mut self, document: u32, kept: u32, jaccard: f32) {
        self.keep[document as usize] = false;
        self.duplicate_of[document as usize] = i64::from(kept);
        self.jaccard[document as usize] = jaccard;
        self.stats.removed += 1;
    }

    /// Remove `document`, whose content is that of `first`, in favour of `first` or of what that one duplicates.
    pub fn remove_with(&mut self, document: u32, first: u32) {
        let (kept, jaccard) = match self.duplicate_of[first as usize] {
            -1 => (first, 1.0),
            kept => (kept as u32, self.jaccard[first as usize]),
        };
        self.remove(document, kept, jaccard);
        self.pairs.push((first.min(document), first.max(document), 1.0));
    }

    /// Put the pairs in order and label the clusters.
    pub fn finish(&mut self) {
        self.pairs.sort_unstable_by_key(|&(left, right, _)| (left, right));
        self.label_clusters();
    }

    /// Label the connected components of `pairs` by their smallest index.
    fn label_clusters(&mut self) {
        // Union by smallest index: a root is always the smallest of its cluster.
        fn root(parents: &mut [i64], mut at: i64) -> i64 {
            while parents[at as usize] != at {
                parents[at as usize] = parents[parents[at as usize] as usize];
                at = parents[at as usize];
            }
            at
        }
        let parents = &mut self.cluster;
        for &(left, right, _) in &self.pairs {
            let (left, right) = (root(parents, i64::from(left)), root(parents, i64::from(right)));
            parents[left.max(right) as usize] = left.min(right);
        }
        for at in 0..parents.len() {
            parents[at] = root(parents, at as i64);
        }
    }
}
