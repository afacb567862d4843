//! Counts of pairs of tokens: a flat hash table from which nothing is ever taken out.
//!
//! A pair's count outlives its merge, because `tokenizers` lets it: where the same two tokens meet again later (their
//! token was reached in a second way), the old sum counts too. Cost: 16 bytes an entry, at most half of them full.

const EMPTY: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct PairCounts {
    entries: Vec<(u64, i64)>,
    filled: usize,
}

impl PairCounts {
    pub(super) fn new() -> Self {
        Self { entries: vec![(EMPTY, 0); 1 << 16], filled: 0 }
    }

    #[inline(always)]
    fn place(&self, pair: u64) -> usize {
        let product = u128::from(pair) * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
        let mask = self.entries.len() - 1;
        let mut at = (product >> 64) as usize & mask;
        while self.entries[at].0 != pair && self.entries[at].0 != EMPTY {
            at = (at + 1) & mask;
        }
        at
    }

    pub(super) fn get(&self, pair: u64) -> i64 {
        self.entries[self.place(pair)].1
    }

    /// The count of `pair` after `change` was added to it.
    #[inline]
    pub(super) fn add(&mut self, pair: u64, change: i64) -> i64 {
        let at = self.place(pair);
        let entry = &mut self.entries[at];
        entry.1 += change;
        let count = entry.1;
        if entry.0 == EMPTY {
            entry.0 = pair;
            self.filled += 1;
            if self.filled * 2 > self.entries.len() {
                self.grow();
            }
        }
        count
    }

    #[cold]
    fn grow(&mut self) {
        let twice = self.entries.len() * 2;
        let old = std::mem::replace(&mut self.entries, vec![(EMPTY, 0); twice]);
        for entry in old.into_iter().filter(|entry| entry.0 != EMPTY) {
            let at = self.place(entry.0);
            self.entries[at] = entry;
        }
    }
}
