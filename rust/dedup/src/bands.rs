//! Locality-sensitive hashing: documents meet when all slots of one band of their signatures agree.
//!
//! With b bands of r rows, a pair of similarity s meets with probability 1 - (1 - s^r)^b. The default, 20 bands of 6,
//! finds 99.75 % of the pairs at 0.8 and wastes little on those at 0.5; verification removes the rest.
//!
//! A band's slots are hashed to 32 bits. Strangers that collide by chance (one pair in four billion) are candidates
//! that verification turns away, and half the memory of 64 bits is worth more.
//!
//! Cost of a band: a pass that marks the keys seen twice in a bitmap, and sorting those few.

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
    /// least `recall`, with as many bands as that takes up to 256 slots in all.
    pub fn for_threshold(threshold: f64, recall: f64) -> Self {
        const MOST_SLOTS: usize = 256;
        if (0.8..0.85).contains(&threshold) && recall <= 0.9975 {
            return Self { bands: 20, rows: 6 };
        }
        (1..=12)
            .rev()
            .find_map(|rows| {
                (1..=MOST_SLOTS / rows)
                    .map(|bands| Self { bands, rows })
                    .find(|shape| shape.recall(threshold) >= recall && shape.bands >= 4)
            })
            .unwrap_or(Self { bands: MOST_SLOTS, rows: 1 })
    }

    /// The keys of a signature, one a band. On disk in indexes: pinned by a golden test.
    pub fn keys(self, signature: &[u32]) -> impl Iterator<Item = u32> + '_ {
        signature
            .chunks_exact(self.rows)
            .take(self.bands)
            .enumerate()
            .map(|(band, rows)| (rows.iter().fold(band as u64, |key, &slot| mix64(key ^ u64::from(slot))) >> 32) as u32)
    }
}

/// The entries `(key, document)` whose key occurs at least twice, sorted: runs of equal keys are buckets.
///
/// `keys` is walked twice. Memory: 4 to 8 bytes a document for the bitmaps, 8 an entry that is returned.
pub fn repeated_keys(count: usize, keys: impl Iterator<Item = (u32, u32)> + Clone) -> Vec<(u32, u32)> {
    // 16 bits a document: a stranger shares a bit with one key in sixteen, and sorting drops it.
    let bits = (count.max(4) * 16).next_power_of_two().min(1 << 32).trailing_zeros();
    let place = |key: u32| ((key >> (32 - bits)) as usize / 64, 1u64 << ((key >> (32 - bits)) % 64));
    let mut seen = vec![0u64; (1 << bits) / 64];
    let mut repeated = vec![0u64; (1 << bits) / 64];
    for (key, _) in keys.clone() {
        let (word, bit) = place(key);
        repeated[word] |= seen[word] & bit;
        seen[word] |= bit;
    }
    drop(seen);
    let mut entries: Vec<(u32, u32)> = keys
        .filter(|&(key, _)| {
            let (word, bit) = place(key);
            repeated[word] & bit != 0
        })
        .collect();
    drop(repeated);
    entries.sort_unstable();
    let mut kept = 0;
    let mut start = 0;
    while start < entries.len() {
        let key = entries[start].0;
        let end = start + entries[start..].iter().take_while(|entry| entry.0 == key).count();
        if end - start > 1 {
            entries.copy_within(start..end, kept);
            kept += end - start;
        }
        start = end;
    }
    entries.truncate(kept);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_keys() {
        let signature: Vec<u32> = (0..6).collect();
        let keys: Vec<u32> = Bands { bands: 3, rows: 2 }.keys(&signature).collect();
        assert_eq!(keys, GOLDEN);
    }

    const GOLDEN: [u32; 3] = [146_079_144, 3_164_865_270, 1_466_288_637];

    #[test]
    fn repeated_are_those_that_repeat() {
        let keys = [5u32, 9, 5, u32::MAX, 7, 9, 9, u32::MAX - 1];
        let entries = repeated_keys(keys.len(), keys.iter().copied().zip(0..));
        assert_eq!(entries, [(5, 0), (5, 2), (9, 1), (9, 5), (9, 6)]);
        assert_eq!(repeated_keys(0, std::iter::empty()), []);
    }

    #[test]
    fn recall_is_kept() {
        for threshold in [0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0] {
            let shape = Bands::for_threshold(threshold, 0.997);
            assert!(shape.recall(threshold) >= 0.997 && shape.num_perm() <= 256, "{threshold}: {shape:?}");
        }
        assert_eq!(Bands::for_threshold(0.8, 0.997), Bands { bands: 20, rows: 6 });
    }
}
