//! Locality-sensitive hashing: documents meet when all slots of one band of their signatures agree.
//!
//! With b bands of r rows, a pair of similarity s meets with probability 1 - (1 - s^r)^b. The default, 20 bands of 6,
//! finds 99.75 % of the pairs at 0.8 and wastes little on those at 0.5; verification removes the rest.

use rayon::prelude::*;
use tokenfoundry_base::stable_hash::mix64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    pub bands: usize,
    pub rows: usize,
}

impl Bands {
    pub fn num_perm(self) -> usize {
        self.bands * self.rows
    }

    /// Chance that a pair of this similarity meets.
    pub fn recall(self, similarity: f64) -> f64 {
        1.0 - (1.0 - similarity.powi(self.rows as i32)).powi(self.bands as i32)
    }

    /// Bands for a threshold: few rows find more and waste more. The most rows whose recall at the threshold is at
    /// least 0.997, with as many bands as that takes up to `MOST_SLOTS` slots in all.
    pub fn for_threshold(threshold: f64) -> Self {
        const RECALL: f64 = 0.997;
        const MOST_SLOTS: usize = 256;
        if (0.8..0.85).contains(&threshold) {
            return Self { bands: 20, rows: 6 };
        }
        (1..=12)
            .rev()
            .find_map(|rows| {
                (1..=MOST_SLOTS / rows)
                    .map(|bands| Self { bands, rows })
                    .find(|shape| shape.recall(threshold) >= RECALL && shape.bands >= 4)
            })
            .unwrap_or(Self { bands: MOST_SLOTS, rows: 1 })
    }

    fn key(self, signature: &[u32], band: usize) -> u64 {
        let rows = &signature[band * self.rows..(band + 1) * self.rows];
        rows.iter().fold(band as u64, |key, &slot| mix64(key ^ u64::from(slot)))
    }

    /// The buckets of one band with at least two documents; documents ascending in each, buckets in the order of
    /// their keys. `documents[i]` has the signature at `i * num_perm`.
    pub fn buckets(self, signatures: &[u32], documents: &[u32], band: usize) -> Vec<Vec<u32>> {
        let width = self.num_perm();
        let mut keyed: Vec<(u64, u32)> = documents
            .par_iter()
            .enumerate()
            .map(|(index, &document)| (self.key(&signatures[index * width..(index + 1) * width], band), document))
            .collect();
        keyed.par_sort_unstable();
        keyed
            .chunk_by(|left, right| left.0 == right.0)
            .filter(|bucket| bucket.len() > 1)
            .map(|bucket| bucket.iter().map(|&(_, document)| document).collect())
            .collect()
    }
}
