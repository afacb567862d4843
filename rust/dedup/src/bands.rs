//! Locality-sensitive hashing: documents meet when all slots of one band of their signatures agree.
//!
//! With b bands of r rows, a pair of similarity s meets with probability 1 - (1 - s^r)^b. 20 bands of 6 find
//! 99.77 % of the pairs at 0.8; the same slots as 30 bands of 4 find all but 1.4 in ten million, and verification removes the rest.
//!
//! A band's slots are hashed to 32 bits. Strangers that collide by chance (one pair in four billion) are candidates
//! that verification turns away, and half the memory of 64 bits is worth more.
//!
//! Cost of a band: a pass that marks the keys met twice in a bitmap, and sorting those few.

use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::met_twice::MetTwice;

/// Rows that a band has at most.
pub const MOST_ROWS: usize = 64;

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
        // The same 120 slots: each pair that shares a band of the former shares one of these.
        if (0.8..0.85).contains(&threshold) && recall <= 0.999_999_8 {
            return Self { bands: 30, rows: 4 };
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

    /// Append the keys of a signature, one a band. They are in no file that outlives a plan on disk.
    pub fn push_keys(self, signature: &[u32], keys: &mut Vec<u32>) {
        let at = keys.len();
        keys.resize(at + self.bands, 0);
        self.write_keys(signature, &mut keys[at..], 1);
    }

    /// Write the keys of a signature, that of band b to `keys[b * distance]`.
    #[inline(always)]
    pub fn write_keys(self, signature: &[u32], keys: &mut [u32], distance: usize) {
        match self.rows {
            // The usual ones, unrolled.
            4 => write_keys_of::<4>(self.bands, signature, keys, distance),
            6 => write_keys_of::<6>(self.bands, signature, keys, distance),
            8 => write_keys_of::<8>(self.bands, signature, keys, distance),
            rows => (0..self.bands).for_each(|band| {
                keys[band * distance] = key(&signature[band * rows..][..rows]);
            }),
        }
    }
}

#[inline(always)]
fn write_keys_of<const ROWS: usize>(bands: usize, signature: &[u32], keys: &mut [u32], distance: usize) {
    let signature = &signature[..bands * ROWS];
    for band in 0..bands {
        keys[band * distance] = key(&signature[band * ROWS..band * ROWS + ROWS]);
    }
}

/// Multilinear hashing (Lemire and Kaser 2014): the upper half of a sum of products with odd numbers drawn once. Two slots a
/// product, and no product waits for another.
#[inline(always)]
fn key(rows: &[u32]) -> u32 {
    let (mut sum, mut at) = (KEY_START, 0);
    while at < rows.len() {
        let above = if at + 1 < rows.len() { u64::from(rows[at + 1]) << 32 } else { 0 };
        sum = sum.wrapping_add((u64::from(rows[at]) | above).wrapping_mul(FACTORS[at / 2]));
        at += 2;
    }
    (sum >> 32) as u32
}

const KEY_START: u64 = 0xA409_3822_299F_31D0;
const FACTORS: [u64; MOST_ROWS / 2] = {
    let mut factors = [0; MOST_ROWS / 2];
    let mut at = 0;
    while at < factors.len() {
        factors[at] = mix64(KEY_START + at as u64) | 1;
        at += 1;
    }
    factors
};

/// Sort entries by their upper 32 bits, which are spread evenly; what is equal keeps its order.
fn sort_by_key(entries: &mut Vec<u64>, sorted: &mut Vec<u64>) {
    const DIGIT_BITS: u32 = 11;
    const DIGITS: usize = 3;
    const VALUES: usize = 1 << DIGIT_BITS;
    // Counting costs as much as comparing does for about as many.
    if entries.len() < VALUES {
        return entries.sort_by_key(|entry| entry >> 32);
    }
    let digit = |entry: u64, place: usize| (entry >> (32 + place as u32 * DIGIT_BITS)) as usize % VALUES;
    let mut counts = [[0usize; VALUES]; DIGITS];
    for &entry in &*entries {
        (0..DIGITS).for_each(|place| counts[place][digit(entry, place)] += 1);
    }
    sorted.resize(entries.len(), 0);
    for (place, next) in counts.iter_mut().enumerate() {
        let mut start = 0;
        next.iter_mut().for_each(|count| start += std::mem::replace(count, start));
        for &entry in &*entries {
            let next = &mut next[digit(entry, place)];
            sorted[*next] = entry;
            *next += 1;
        }
        std::mem::swap(entries, sorted);
    }
}

/// What finding repeated keys needs for a while: reuse it for many bands.
#[derive(Default)]
pub struct Scratch {
    met: MetTwice,
    entries: Vec<u64>,
    sorted: Vec<u64>,
}

/// The documents of one band that share a key with another, bucket after bucket.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// In a bucket ascending.
    pub documents: Vec<u32>,
    /// Where each bucket's documents end.
    pub ends: Vec<u32>,
}

impl Buckets {
    /// `(number of the bucket, document)` of each entry.
    pub fn entries(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut bucket = 0;
        (0..).zip(&self.documents).map(move |(at, &document)| {
            bucket += usize::from(at == self.ends[bucket]);
            (bucket as u32, document)
        })
    }
}

/// The documents whose key occurs at least twice, in the order of the keys.
///
/// `parts` are keys and the documents they belong to, equally many, in ascending order of documents; they are walked twice.
/// Memory: 2 to 4 bytes a document for the bitmap, 16 an entry that is returned or shares a place with one, and up to 8 for the result.
pub fn repeated_keys<'a>(
    count: usize,
    parts: impl Iterator<Item = (&'a [u32], &'a [u32])> + Clone,
    scratch: &mut Scratch,
) -> Buckets {
    // Some of the places are shared by strangers, which sorting drops; more places would leave the cache.
    const PLACES_A_DOCUMENT: usize = 8;
    let Scratch { met, entries, sorted } = scratch;
    met.reset((count.max(8) * PLACES_A_DOCUMENT).next_power_of_two().trailing_zeros());
    parts.clone().for_each(|(keys, _)| met.mark(keys));
    entries.clear();
    parts.for_each(|(keys, documents)| met.select(keys, documents, entries));
    sort_by_key(entries, sorted);
    // A stranger among them has other keys on both sides. Its place is written over by the next, and that of an end that was none.
    let mut buckets = Buckets { documents: vec![0; entries.len()], ends: vec![0; entries.len()] };
    let (mut documents, mut ends, mut before) = (0, 0, false);
    for at in 0..entries.len() {
        let entry = entries[at];
        let after = entries.get(at + 1).is_some_and(|next| next >> 32 == entry >> 32);
        buckets.documents[documents] = entry as u32;
        documents += usize::from(before | after);
        buckets.ends[ends] = documents as u32;
        ends += usize::from(before & !after);
        before = after;
    }
    buckets.documents.truncate(documents);
    buckets.ends.truncate(ends);
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_counts_in_its_band_only() {
        for shape in [
            Bands { bands: 3, rows: 1 },
            Bands { bands: 4, rows: 5 },
            Bands { bands: 2, rows: 6 },
            Bands { bands: 2, rows: 8 },
        ] {
            let signature: Vec<u32> = (0..shape.num_perm() as u32).map(|slot| (slot << 16) | (slot * 7)).collect();
            let keys = |signature: &[u32]| {
                let mut keys = Vec::new();
                shape.push_keys(signature, &mut keys);
                keys
            };
            let before = keys(&signature);
            assert_eq!(before.len(), shape.bands);
            for slot in 0..signature.len() {
                for bit in 0..32 {
                    let mut changed = signature.clone();
                    changed[slot] ^= 1 << bit;
                    let after = keys(&changed);
                    for band in 0..shape.bands {
                        assert_eq!(before[band] != after[band], band == slot / shape.rows, "slot {slot}, bit {bit}");
                    }
                }
            }
        }
    }

    #[test]
    fn many_entries_are_sorted_as_few_are() {
        for count in [0, 1, 2047, 2048, 5000] {
            let mut entries: Vec<u64> =
                (0..count).map(|index| (mix64(index) | (index % 7) << 32) & !0xFFFF_FFFF | index).collect();
            let mut expected = entries.clone();
            expected.sort_unstable();
            sort_by_key(&mut entries, &mut Vec::new());
            assert_eq!(entries, expected);
        }
        let keys: Vec<u32> = (0..9000).map(|index| index % 3000 * 1_000_003).collect();
        let documents: Vec<u32> = (0..9000).collect();
        let found = repeated_keys(keys.len(), std::iter::once((&keys[..], &documents[..])), &mut Scratch::default());
        assert_eq!(found.ends, (1..=3000).map(|bucket| bucket * 3).collect::<Vec<u32>>());
        assert!(
            found
                .documents
                .as_chunks::<3>()
                .0
                .iter()
                .all(|&[first, second, third]| { first < 3000 && second == first + 3000 && third == first + 6000 })
        );
    }

    #[test]
    fn repeated_are_those_that_repeat() {
        let keys = [5u32, 9, 5, u32::MAX, 7, 9, 9, u32::MAX - 1];
        let documents: Vec<u32> = (0..8).collect();
        let parts = [(&keys[..3], &documents[..3]), (&keys[3..], &documents[3..])];
        let mut scratch = Scratch::default();
        for _ in 0..2 {
            let found = repeated_keys(keys.len(), parts.into_iter(), &mut scratch);
            assert_eq!(found, Buckets { documents: vec![0, 2, 1, 5, 6], ends: vec![2, 5] });
            assert!(found.entries().eq([(0, 0), (0, 2), (1, 1), (1, 5), (1, 6)]));
            assert_eq!(repeated_keys(0, std::iter::empty(), &mut scratch), Buckets::default());
        }
    }

    #[test]
    fn recall_is_kept() {
        for threshold in [0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0] {
            let shape = Bands::for_threshold(threshold, 0.997);
            assert!(shape.recall(threshold) >= 0.997 && shape.num_perm() <= 256, "{threshold}: {shape:?}");
        }
        assert_eq!(Bands::for_threshold(0.8, 0.997), Bands { bands: 20, rows: 6 });
        assert_eq!(Bands::for_threshold(0.8, 0.999_999_8), Bands { bands: 30, rows: 4 });
        for threshold in [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0] {
            assert!(Bands::for_threshold(threshold, 0.999_999_8).recall(threshold) >= 0.999_999_8, "{threshold}");
        }
    }
}
