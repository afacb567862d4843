//! Locality-sensitive hashing: documents meet when all slots of one band of their signatures agree.
//!
//! With b bands of r rows, a pair of similarity s meets with probability 1 - (1 - s^r)^b. 20 bands of 6 find
//! 99.77 % of the pairs at 0.8; the same slots as 30 bands of 4 find all but 1.4 in ten million, and verification removes the rest.
//!
//! A band's slots are hashed to 32 bits. Strangers that collide by chance (one pair in four billion) are candidates
//! that verification turns away, and half the memory of 64 bits is worth more.
//!
//! Cost of a band: a pass that marks the keys met twice in a bitmap, and sorting those few.

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
        let signature = &signature[..self.num_perm()];
        match self.rows {
            // The usual ones, unrolled.
            4 => keys.extend(signature.as_chunks::<4>().0.iter().map(|rows| key(rows))),
            6 => keys.extend(signature.as_chunks::<6>().0.iter().map(|rows| key(rows))),
            8 => keys.extend(signature.as_chunks::<8>().0.iter().map(|rows| key(rows))),
            rows => keys.extend(signature.chunks_exact(rows).map(key)),
        }
    }
}

#[inline(always)]
fn key(rows: &[u32]) -> u32 {
    let (pairs, odd) = rows.as_chunks::<2>();
    let key = pairs.iter().fold(KEY_START, |key, &[low, high]| fold(key ^ (u64::from(low) | u64::from(high) << 32)));
    let key = odd.iter().fold(key, |key, &slot| fold(key ^ u64::from(slot)));
    (key >> 32) as u32
}

const KEY_START: u64 = 0xA409_3822_299F_31D0;

/// Both halves of a product, folded: one multiplication for two slots.
#[inline(always)]
fn fold(value: u64) -> u64 {
    let product = u128::from(value) * 0x9E37_79B9_7F4A_7C15_u128;
    (product as u64) ^ (product >> 64) as u64
}

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
    sorted.clear();
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
    met: Vec<u64>,
    entries: Vec<u64>,
    sorted: Vec<u64>,
}

/// The entries `(key, document)` whose key occurs at least twice, sorted: runs of equal keys are buckets.
///
/// `parts` are keys and the documents they belong to, equally many, in ascending order of documents; they are walked twice.
/// Memory: 2 to 4 bytes a document for the bitmap, 16 an entry that is returned or shares a place with one, 8 one that is returned.
pub fn repeated_keys<'a>(
    count: usize,
    parts: impl Iterator<Item = (&'a [u32], &'a [u32])> + Clone,
    scratch: &mut Scratch,
) -> Vec<(u32, u32)> {
    // Two bits a place: met, and met again. Some of the places are shared by strangers, which sorting drops; more places
    // would leave the cache.
    const PLACES_A_DOCUMENT: usize = 8;
    const PLACES_A_WORD: u32 = 32;
    let bits = (count.max(8) * PLACES_A_DOCUMENT).next_power_of_two().min(1 << 32).trailing_zeros();
    let place = |key: u32| {
        let place = key >> (32 - bits);
        ((place / PLACES_A_WORD) as usize, 1u64 << (2 * (place % PLACES_A_WORD)))
    };
    let Scratch { met, entries, sorted } = scratch;
    met.clear();
    met.resize((1 << bits) / PLACES_A_WORD as usize, 0);
    for (keys, _) in parts.clone() {
        for &key in keys {
            let (word, bit) = place(key);
            met[word] |= (met[word] & bit) << 1 | bit;
        }
    }
    // Both numbers in one, which sorts faster. Whether a key repeats is hard to foresee, so it is written in any case.
    const SOME: usize = 128;
    let mut some = [0u64; SOME];
    entries.clear();
    for (keys, documents) in parts {
        for (keys, documents) in keys.chunks(SOME).zip(documents.chunks(SOME)) {
            let mut count = 0;
            for (&key, &document) in keys.iter().zip(documents) {
                let (word, bit) = place(key);
                some[count] = u64::from(key) << 32 | u64::from(document);
                count += usize::from(met[word] & bit << 1 != 0);
            }
            entries.extend_from_slice(&some[..count]);
        }
    }
    sort_by_key(entries, sorted);
    let key = |entry: u64| (entry >> 32) as u32;
    // A stranger among them has other keys on both sides. Its place is written over by the next, in any case again.
    let (mut repeated, mut before) = (0, false);
    for at in 0..entries.len() {
        let entry = entries[at];
        let after = entries.get(at + 1).is_some_and(|&next| key(next) == key(entry));
        entries[repeated] = entry;
        repeated += usize::from(before | after);
        before = after;
    }
    entries[..repeated].iter().map(|&entry| (key(entry), entry as u32)).collect()
}

#[cfg(test)]
mod tests {
    use tokenfoundry_base::stable_hash::mix64;

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
                (0..count).map(|index| (mix64(index) | index % 7 << 32) & !0xFFFF_FFFF | index).collect();
            let mut expected = entries.clone();
            expected.sort_unstable();
            sort_by_key(&mut entries, &mut Vec::new());
            assert_eq!(entries, expected);
        }
        let keys: Vec<u32> = (0..9000).map(|index| index % 3000 * 1_000_003).collect();
        let documents: Vec<u32> = (0..9000).collect();
        let found = repeated_keys(keys.len(), std::iter::once((&keys[..], &documents[..])), &mut Scratch::default());
        assert_eq!(found.len(), keys.len());
        assert!(found.is_sorted());
    }

    #[test]
    fn repeated_are_those_that_repeat() {
        let keys = [5u32, 9, 5, u32::MAX, 7, 9, 9, u32::MAX - 1];
        let documents: Vec<u32> = (0..8).collect();
        let parts = [(&keys[..3], &documents[..3]), (&keys[3..], &documents[3..])];
        let mut scratch = Scratch::default();
        for _ in 0..2 {
            let found = repeated_keys(keys.len(), parts.into_iter(), &mut scratch);
            assert_eq!(found, [(5, 0), (5, 2), (9, 1), (9, 5), (9, 6)]);
            assert_eq!(repeated_keys(0, std::iter::empty(), &mut scratch), []);
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
