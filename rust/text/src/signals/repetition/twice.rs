//! Which of many hashes may be there twice: two bits for sixteen times as many places as there are hashes.
//!
//! Says yes for all that repeat and for one in sixteen of the others, without a branch that could be guessed wrong.

#[derive(Debug, Default)]
pub struct Twice {
    /// Pairs of bits: met, met again.
    pairs: Vec<u64>,
    mask: usize,
}

impl Twice {
    /// Forget everything, and make room for `hashes` of them.
    pub fn reset(&mut self, hashes: usize) {
        self.reset_places((hashes * 16).next_power_of_two().max(64));
    }

    /// The same with so many bytes at most.
    pub fn reset_bytes(&mut self, bytes: usize) {
        self.reset_places((bytes * 4 + 1).next_power_of_two().max(128) / 2);
    }

    fn reset_places(&mut self, places: usize) {
        self.mask = places - 1;
        self.pairs.clear();
        self.pairs.resize(places / 32, 0);
    }

    #[inline(always)]
    fn place(&self, hash: u64) -> (usize, u32) {
        let place = (hash >> 32) as usize & self.mask;
        (place / 32, (place as u32 % 32) * 2)
    }

    #[inline(always)]
    pub fn mark(&mut self, hash: u64) {
        let (word, shift) = self.place(hash);
        let pair = &mut self.pairs[word];
        let met = *pair >> shift & 1;
        *pair |= (1 | met << 1) << shift;
    }

    #[inline(always)]
    pub fn may_repeat(&self, hash: u64) -> bool {
        let (word, shift) = self.place(hash);
        self.pairs[word] >> (shift + 1) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::hash;

    #[test]
    fn all_that_repeat_are_found_and_few_others() {
        let mut hashes: Vec<u64> = (0..1000u32).map(|number| hash(&number.to_le_bytes())).collect();
        hashes.extend_from_within(..10);
        let mut twice = Twice::default();
        twice.reset(hashes.len());
        hashes.iter().for_each(|&hash| twice.mark(hash));
        let found: Vec<usize> = (0..hashes.len()).filter(|&index| twice.may_repeat(hashes[index])).collect();
        assert!((0..10).chain(1000..1010).all(|index| found.contains(&index)));
        assert!(found.len() < 200, "{}", found.len());
    }
}
