//! Which amounts of free space some row has: a bit an amount, and a bit a word of those, and so on.
//!
//! Finding the smallest amount that is enough takes one step a level, 64 amounts a step, whatever the number of rows.

pub(crate) struct SpaceSet {
    levels: [Vec<u64>; 3],
}

impl SpaceSet {
    pub(crate) fn new(capacity: usize) -> Self {
        let words = |bits: usize| vec![0u64; bits / 64 + 1];
        let (first, second) = (capacity / 64, capacity / 4096);
        Self { levels: [words(capacity), words(first), words(second)] }
    }

    pub(crate) fn insert(&mut self, space: usize) {
        let mut at = space;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    pub(crate) fn remove(&mut self, space: usize) {
        let mut at = space;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                break;
            }
            at /= 64;
        }
    }

    /// The smallest amount that is at least `space`.
    pub(crate) fn at_least(&self, space: usize) -> Option<usize> {
        let mut at = space;
        for depth in 0..3 {
            let level = &self.levels[depth];
            if at / 64 >= level.len() {
                return None;
            }
            let rest = level[at / 64] & (!0 << (at % 64));
            if rest != 0 {
                let mut found = at / 64 * 64 + rest.trailing_zeros() as usize;
                for level in self.levels[..depth].iter().rev() {
                    found = found * 64 + level[found].trailing_zeros() as usize;
                }
                return Some(found);
            }
            at = at / 64 + 1;
        }
        // The top level has more than one word only above 262,144 tokens a row.
        let top = &self.levels[2];
        let word = (at..top.len()).find(|&word| top[word] != 0)?;
        let mut found = word * 64 + top[word].trailing_zeros() as usize;
        for level in self.levels[..2].iter().rev() {
            found = found * 64 + level[found].trailing_zeros() as usize;
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenfoundry_base::stable_hash::mix64;

    #[test]
    fn the_set_finds_what_a_search_finds() {
        for capacity in [1usize, 63, 64, 65, 4095, 4097, 300_000] {
            let mut set = SpaceSet::new(capacity);
            let mut plain = std::collections::BTreeSet::new();
            let mut state = 7u64;
            for _ in 0..3000 {
                state = mix64(state);
                let space = (state % (capacity as u64 + 1)) as usize;
                if state >> 60 < 9 {
                    set.insert(space);
                    plain.insert(space);
                } else {
                    set.remove(space);
                    plain.remove(&space);
                }
                let from = (mix64(state) % (capacity as u64 + 1)) as usize;
                assert_eq!(set.at_least(from), plain.range(from..).next().copied());
            }
        }
    }
}
