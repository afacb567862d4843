//! The most frequent word n-gram of a document.
//!
//! All n-grams are counted in a small array by a part of their hash, which never counts too few. Only those that may then be the most
//! frequent one are counted exactly; they are few.

use crate::table::Table;

#[derive(Debug, Default)]
pub struct Top {
    counts: Vec<u16>,
    candidates: Vec<u32>,
    slots: Vec<u32>,
}

/// The hash of `N` words: their hashes, each turned by its place.
#[inline(always)]
fn gram<const N: usize>(hashes: &[u64; N]) -> u64 {
    let mut gram = 0u64;
    for (hash, turn) in hashes.iter().zip((0..).step_by(13)) {
        gram = gram.wrapping_add(hash.rotate_left(turn));
    }
    gram
}

impl Top {
    /// Where the most frequent n-gram of words with these hashes is first met, and how often it is; of several the first.
    #[inline(never)]
    pub fn find<const N: usize>(&mut self, hashes: &[u64], table: &mut Table) -> (usize, u32) {
        let places = (2 * hashes.len()).next_power_of_two().max(64);
        let shift = 64 - places.trailing_zeros();
        self.counts.clear();
        self.counts.resize(places, 0);
        let grams = || hashes.windows(N).filter_map(|words| words.first_chunk::<N>()).map(gram);
        for gram in grams() {
            let count = &mut self.counts[(gram >> shift) as usize];
            *count = count.saturating_add(1);
        }
        let most = self.counts.iter().fold(0, |most, &count| most.max(count));
        // Nothing repeats: the first n-gram of the document is the most frequent one, once.
        let mut best = (0, 1);
        let mut least = (most - most / 4).max(2);
        while least <= most {
            self.candidates.clear();
            self.candidates.resize(hashes.len(), 0);
            let mut kept = 0;
            for (at, gram) in grams().enumerate() {
                self.candidates[kept] = at as u32;
                kept += usize::from(self.counts[(gram >> shift) as usize] >= least);
            }
            self.candidates.truncate(kept);
            best = self.count::<N>(hashes, table);
            if best.1 >= u32::from(least) || least == 2 {
                break;
            }
            // Whatever is met as often as the best so far is among the next candidates.
            least = (least / 2).max(best.1 as u16).max(2);
        }
        best
    }

    fn count<const N: usize>(&mut self, hashes: &[u64], table: &mut Table) -> (usize, u32) {
        table.reset(self.candidates.len(), hashes.len());
        self.slots.clear();
        self.slots.extend(self.candidates.iter().map(|&at| {
            let words = hashes[at as usize..].first_chunk::<N>().map_or(0, gram);
            table.count(words, at) as u32
        }));
        let mut best = (0, 1);
        for (&at, &slot) in self.candidates.iter().zip(&self.slots) {
            let count = table.times(slot as usize);
            // Of equally frequent ones the first: it is met first.
            if count > best.1 {
                best = (at as usize, count);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::hash;

    #[test]
    fn the_first_of_the_most_frequent() {
        let words = |text: &str| text.bytes().map(|byte| hash(&[byte])).collect::<Vec<u64>>();
        let (mut top, mut table) = (Top::default(), Table::default());
        assert_eq!(top.find::<2>(&words("abcdefg"), &mut table), (0, 1));
        assert_eq!(top.find::<2>(&words("zabcdxcdab"), &mut table), (1, 2));
        assert_eq!(top.find::<3>(&words("zabcdabcdabcxx"), &mut table), (1, 3));
        assert_eq!(top.find::<4>(&words("abc"), &mut table), (0, 1));
        assert_eq!(top.find::<2>(&words(&"a".repeat(100_000)), &mut table), (0, 99_999));
    }
}
