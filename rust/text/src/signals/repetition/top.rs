//! The most frequent word n-grams of a document, of 2, 3 and 4 words.
//!
//! All n-grams are counted in a small array by a part of their hash, which never counts too few. Only those that may then repeat are
//! followed to the next size, for an n-gram repeats only where both of the n-grams in it that are a word shorter do; and only those
//! that may be the most frequent one are counted exactly.

use super::super::Asked;
use crate::table::Table;

pub const SHORTEST: usize = 2;
const LONGEST: usize = 4;
/// Sizes of n-grams of which the most frequent one is found.
pub const SIZES: usize = LONGEST - SHORTEST + 1;

#[derive(Debug, Default)]
pub struct Top {
    /// Where n-grams stand that may repeat, their hashes, and the counts that are not too small.
    places: Vec<u32>,
    grams: Vec<u64>,
    bounds: Vec<u8>,
    counts: Vec<u8>,
    candidates: Vec<u32>,
    slots: Vec<u32>,
}

/// The hash of a word as the `index`-th of its n-gram: n-grams are sums of these.
#[inline(always)]
pub fn turned(hash: u64, index: usize) -> u64 {
    hash.rotate_left(13 * index as u32)
}

/// Count `all` n-grams by the upper bits of their hashes; gives how far these are shifted.
#[inline(always)]
fn count(counts: &mut Vec<u8>, all: usize, grams: impl Iterator<Item = u64>) -> u32 {
    let size = (4 * all).next_power_of_two().max(64);
    let shift = 64 - size.trailing_zeros();
    counts.clear();
    counts.resize(size, 0);
    for gram in grams {
        let count = &mut counts[(gram >> shift) as usize];
        *count = count.saturating_add(1);
    }
    shift
}

impl Top {
    /// Where the most frequent n-gram of words with these hashes is first met, and how often it is; of several the first. For the
    /// asked sizes, bit 0 for 2 words.
    pub fn find(&mut self, hashes: &[u64], asked: Asked, table: &mut Table) -> [(usize, u32); SIZES] {
        // Nothing repeats: the first n-gram of the document is the most frequent one, once.
        let mut best = [(0, 1); SIZES];
        for (index, best) in best.iter_mut().enumerate() {
            let most = if index == 0 {
                self.start(hashes)
            } else {
                self.lengthen(hashes, SHORTEST + index - 1);
                self.narrow()
            };
            if asked & 1 << index != 0 && most > 1 {
                *best = self.best(most, hashes.len(), table);
            }
            if asked >> (index + 1) == 0 {
                break;
            }
        }
        best
    }

    /// [`Self::narrow`] for all pairs of words.
    #[inline(never)]
    fn start(&mut self, hashes: &[u64]) -> u8 {
        let Self { places, grams, bounds, counts, .. } = self;
        let all = hashes.len().saturating_sub(1);
        let pairs = || hashes.windows(2).map(|pair| pair[0].wrapping_add(turned(pair[1], 1)));
        let shift = count(counts, all, pairs());
        grams.resize(all, 0);
        places.resize(all, 0);
        bounds.resize(all, 0);
        let (mut kept, mut most) = (0, 0);
        for (place, gram) in (0..).zip(pairs()) {
            let count = counts[(gram >> shift) as usize];
            (grams[kept], places[kept], bounds[kept]) = (gram, place, count);
            most = most.max(count);
            kept += usize::from(count > 1);
        }
        grams.truncate(kept);
        places.truncate(kept);
        bounds.truncate(kept);
        most
    }

    /// Keep the n-grams that may repeat; returns what the most frequent one's count is not above, or the greatest number.
    #[inline(never)]
    fn narrow(&mut self) -> u8 {
        let Self { places, grams, bounds, counts, .. } = self;
        let shift = count(counts, grams.len(), grams.iter().copied());
        bounds.resize(grams.len(), 0);
        let (mut kept, mut most) = (0, 0);
        for index in 0..grams.len() {
            let (gram, place) = (grams[index], places[index]);
            let count = counts[(gram >> shift) as usize];
            (grams[kept], places[kept], bounds[kept]) = (gram, place, count);
            most = most.max(count);
            kept += usize::from(count > 1);
        }
        grams.truncate(kept);
        places.truncate(kept);
        bounds.truncate(kept);
        most
    }

    /// From n-grams to those of a word more.
    #[inline(never)]
    fn lengthen(&mut self, hashes: &[u64], n: usize) {
        let Self { places, grams, .. } = self;
        let mut kept = 0;
        for index in 1..places.len() {
            let (place, after) = (places[index - 1], places[index]);
            // There is another n-gram behind this one, so there is another word.
            let longer = grams[index - 1].wrapping_add(turned(hashes[place as usize + n], n));
            (places[kept], grams[kept]) = (place, longer);
            kept += usize::from(after == place + 1);
        }
        places.truncate(kept);
        grams.truncate(kept);
    }

    #[inline(never)]
    fn best(&mut self, most: u8, words: usize, table: &mut Table) -> (usize, u32) {
        let mut least = (most - most / 4).max(2);
        loop {
            self.candidates.resize(self.bounds.len(), 0);
            let mut kept = 0;
            for (index, &bound) in self.bounds.iter().enumerate() {
                self.candidates[kept] = index as u32;
                kept += usize::from(bound >= least);
            }
            let best = self.count(kept, words, table);
            if best.1 >= u32::from(least) || least == 2 {
                return best;
            }
            // Whatever is met as often as the best so far is among the next candidates.
            least = (least / 2).max(best.1 as u8).max(2);
        }
    }

    /// Count the first candidates exactly.
    fn count(&mut self, candidates: usize, words: usize, table: &mut Table) -> (usize, u32) {
        let Self { places, grams, slots, .. } = self;
        let candidates = &self.candidates[..candidates];
        table.reset(candidates.len(), words);
        slots.resize(candidates.len(), 0);
        let mut most = 1;
        for (slot, &index) in slots.iter_mut().zip(candidates) {
            let found = table.count(grams[index as usize], places[index as usize]);
            most = most.max(table.times(found));
            *slot = found as u32;
        }
        // Of equally frequent ones the first: it is met first.
        let first = slots.iter().zip(candidates).find(|(slot, _)| table.times(**slot as usize) == most);
        (first.map_or(0, |(_, &index)| if most > 1 { places[index as usize] as usize } else { 0 }), most)
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
        let mut find = |text: &str| top.find(&words(text), 0b111, &mut table);
        assert_eq!(find(""), [(0, 1); 3]);
        assert_eq!(find("abcdefg"), [(0, 1); 3]);
        assert_eq!(find("zabcdxcdab"), [(1, 2), (0, 1), (0, 1)]);
        assert_eq!(find("zabcdabcdabcxx"), [(1, 3), (1, 3), (1, 2)]);
        assert_eq!(find("abc"), [(0, 1); 3]);
        assert_eq!(find(&"a".repeat(100_000)), [(0, 99_999), (0, 99_998), (0, 99_997)]);
    }

    #[test]
    fn sizes_that_are_not_asked_change_nothing() {
        let mut state = 1u64;
        let (mut top, mut table) = (Top::default(), Table::default());
        for letters in [2, 5, 30, 400] {
            let hashes: Vec<u64> = (0..3000)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    hash(&((state >> 33) % letters).to_le_bytes())
                })
                .collect();
            let all = top.find(&hashes, 0b111, &mut table);
            for (index, n) in (SHORTEST..=LONGEST).enumerate() {
                let mut counts = std::collections::HashMap::new();
                for (at, gram) in hashes.windows(n).enumerate() {
                    counts.entry(gram).or_insert((at, 0)).1 += 1;
                }
                let most = counts.values().map(|&(at, count)| (count, std::cmp::Reverse(at))).max();
                let expected = most.map(|(count, at)| (at.0, count));
                assert_eq!(Some(all[index]), expected, "{letters} {n}");
                assert_eq!(top.find(&hashes, 1 << index, &mut table)[index], all[index]);
            }
        }
    }
}
